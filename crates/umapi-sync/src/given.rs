//! What earlier runs gave: the users and memberships of an organization, as far as a run has set or seen them. A push compares
//! with it instead of with Adobe's side.

use std::collections::{BTreeMap, BTreeSet};

use umapi_plan::account::FoldedName;

use crate::{
    config::UpdatableField,
    matching::Matching,
    organization::{AdobeUser, Organization},
    people::{People, PersonKey},
    plan::{Action, Change, TargetKind},
    state::{AccountRecord, user_key},
    targets::Targets,
};

/// What earlier runs gave in an organization.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given {
    /// The users, by the people they belong to.
    pub users: BTreeMap<PersonKey, GivenUser>,
    /// The groups that are known to exist, by their folded names.
    pub groups: BTreeMap<FoldedName, GivenGroup>,
    /// The users whom a run found, and of whom nothing else is known.
    pub found: BTreeMap<PersonKey, AccountRecord>,
}

/// A user, as a run set or saw them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUser {
    /// The account.
    pub account: AccountRecord,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// Whether a run saw that they administer anything: then nothing is taken or changed.
    pub is_administrator: bool,
    /// The groups of the rules that they are in, by their folded names.
    pub groups: BTreeSet<FoldedName>,
}

/// A group that is known to exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenGroup {
    /// The name.
    pub name: String,
    /// The kind, which decides how memberships are sent.
    pub kind: TargetKind,
}

/// A user as Adobe has them, beside what earlier runs gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenUser {
    /// The person.
    pub person: PersonKey,
    /// The user, with the groups that the person is to have and has.
    pub user: GivenUser,
    /// Other groups that they are in. Only those that an earlier run gave are remembered: the person is not to have them.
    pub others: BTreeSet<FoldedName>,
}

impl Given {
    /// The groups of an organization that the rules name and that exist.
    pub fn groups_of(organization: &Organization, targets: &Targets) -> BTreeMap<FoldedName, GivenGroup> {
        let found = targets.groups(&organization.name).filter_map(|(key, _)| {
            let (_, group) = organization.group(key)?;
            Some((key.clone(), GivenGroup { name: group.group.name().to_owned(), kind: group.group.kind().into() }))
        });
        found.collect()
    }

    /// The users of people, as an organization has them.
    pub fn seen<'a>(
        people: &'a People<'_>,
        organization: &'a Organization,
        matching: &'a Matching,
        targets: &'a Targets,
    ) -> impl Iterator<Item = SeenUser> + 'a {
        let names: Vec<FoldedName> =
            organization.groups().iter().map(|group| FoldedName::new(group.group.name())).collect();
        let users = organization.users_found();
        (0..people.wanted().len()).filter_map(move |index| {
            let user: &AdobeUser = users.get(matching.user_of(index)?)?;
            let groups = organization.groups_of(user).iter().filter_map(|group| names.get(*group as usize)).cloned();
            let is_wanted = |group: &FoldedName| {
                let target = targets.group(&organization.name, group);
                target.and_then(|target| target.members.found()).is_some_and(|found| found.source_of(index).is_some())
            };
            let (groups, others) = groups.partition(is_wanted);
            let text = |text: Option<&str>| text.map(str::to_owned);
            let user = GivenUser {
                account: AccountRecord::from(&user.details),
                first_name: text(user.details.first_name()),
                last_name: text(user.details.last_name()),
                is_administrator: user.is_administrator,
                groups,
            };
            Some(SeenUser { person: people.key_of(index)?.clone(), user, others })
        })
    }

    /// The accounts of an organization, by their keys, for those who are no people of a directory any more.
    pub fn accounts(organization: &Organization) -> BTreeSet<String> {
        organization.users_found().iter().map(|user| user_key(&user.details.account())).collect()
    }
}

impl GivenUser {
    /// A user of whom only the account is known.
    pub fn new(account: AccountRecord) -> Self {
        Self { account, first_name: None, last_name: None, is_administrator: false, groups: BTreeSet::new() }
    }

    /// The user after a completed change. `None` if the change ended it.
    pub fn after(mut self, change: &Change) -> Option<Self> {
        match &change.action {
            Action::CreateGroup { .. } => {}
            Action::CreateUser { first_name, last_name, .. } => {
                self.first_name.clone_from(first_name);
                self.last_name.clone_from(last_name);
                if let Some(account) = &change.user {
                    self.account.clone_from(account);
                }
            }
            Action::UpdateUser { fields } => {
                for (field, change) in fields {
                    let to = change.to.clone();
                    match field {
                        UpdatableField::Firstname => self.first_name = Some(to),
                        UpdatableField::Lastname => self.last_name = Some(to),
                        UpdatableField::Email => self.account.set_email(to),
                        UpdatableField::Username => self.account.name = to,
                    }
                }
            }
            Action::Add { group, .. } => {
                self.groups.insert(FoldedName::new(group));
            }
            Action::Remove(removal) => {
                self.groups.remove(&FoldedName::new(removal.group()));
            }
            Action::RemoveFromOrg(_) => return None,
        }
        Some(self)
    }
}
