//! An Adobe organization, as it was read.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::Arc,
};

use umapi_directory::Extent;
use umapi_model::{Group, GroupType, IntegerOrString, User};
use umapi_plan::{Account, GroupRef, account::FoldedName};

use crate::{
    details::{Identity, UserDetails},
    index::Index,
};

/// A user of an organization.
#[derive(Clone, Debug)]
pub struct AdobeUser {
    /// The service's identifier, which never changes.
    pub id: Option<Box<str>>,
    /// The account, with its kind and its email address if they are known; the names and the country.
    pub details: UserDetails,
    /// The username, as stored, if it is not the name of the account.
    pub username: Option<Box<str>>,
    /// Where the groups are, see [`Organization::groups_of`].
    groups: Range<u32>,
    /// Whether the user administers anything.
    pub is_administrator: bool,
}

/// A group of an organization.
#[derive(Clone, Debug)]
pub struct AdobeGroup {
    /// The name and the kind.
    pub group: GroupRef,
    /// The licenses of a profile. `None` for a user group, and where there is no limit.
    pub quota: Option<u64>,
    /// The number of members, as the service counts them.
    pub member_count: Option<u64>,
    /// Whether another organization owns it.
    pub is_read_only: bool,
    /// Whether the list of groups has it; else only users name it.
    pub is_listed: bool,
}

/// An Adobe organization, as it was read.
#[derive(Debug)]
pub struct Organization {
    /// The name of the configuration.
    pub name: String,
    /// The users, and whether these are all.
    pub users: Extent<Vec<AdobeUser>>,
    /// The groups of all users, one user after the other.
    memberships: Vec<u32>,
    groups: Vec<AdobeGroup>,
    by_name: HashMap<FoldedName, u32>,
    /// Whether all groups were listed.
    pub group_list: Extent<()>,
}

/// Reads an organization user by user.
#[derive(Debug)]
pub struct OrganizationReader {
    users: Vec<AdobeUser>,
    memberships: Vec<u32>,
    groups: Vec<AdobeGroup>,
    by_name: HashMap<FoldedName, u32>,
    /// Spellings that were looked up before, so that a name is folded once.
    spellings: HashMap<Arc<str>, u32>,
}

impl OrganizationReader {
    /// Starts with the list of groups.
    pub fn new(groups: impl IntoIterator<Item = Group>) -> Self {
        let mut reader = Self {
            users: Vec::new(),
            memberships: Vec::new(),
            groups: Vec::new(),
            by_name: HashMap::new(),
            spellings: HashMap::new(),
        };
        for group in groups {
            let index = reader.index_of(&group.group_name);
            let entry = &mut reader.groups[index as usize];
            entry.group = GroupRef::of_type(&group.group_name, group.type_.as_ref());
            entry.quota = match (&group.type_, &group.license_quota) {
                (Some(GroupType::ProductProfile), Some(quota)) => number(quota),
                _ => None,
            };
            entry.member_count = group.member_count;
            entry.is_read_only = group.is_read_only == Some(true);
            entry.is_listed = true;
        }
        reader
    }

    /// Takes a user. One without a name is left out: no command could be about them.
    pub fn take(&mut self, user: User) {
        let Some(account) = Account::of(&user) else { return };
        let names = user.groups.unwrap_or_default();
        let is_administrator = !user.admin_roles.is_empty() || names.iter().any(|name| name.starts_with('_'));
        let begin = self.memberships.len();
        for name in names {
            let group = self.index_of(&name);
            self.memberships.push(group);
        }
        let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        let groups = number(begin)..number(self.memberships.len());
        let (first, last, country) = (user.firstname.as_deref(), user.lastname.as_deref(), user.country.as_deref());
        let details = UserDetails::new(&account, first, last, country);
        let username = user.username.filter(|username| *username != account.name());
        let id = user.id.filter(|id| !id.is_empty());
        self.users.push(AdobeUser {
            id: id.map(Into::into),
            details,
            username: username.map(Into::into),
            groups,
            is_administrator,
        });
    }

    fn index_of(&mut self, name: &str) -> u32 {
        if let Some(&index) = self.spellings.get(name) {
            return index;
        }
        let next = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
        let index = *self.by_name.entry(FoldedName::new(name)).or_insert(next);
        if index == next {
            self.groups.push(AdobeGroup {
                group: GroupRef::from(name),
                quota: None,
                member_count: None,
                is_read_only: false,
                is_listed: false,
            });
        }
        self.spellings.insert(name.into(), index);
        index
    }

    /// Ends the reading. `users` and `groups` say whether the lists were read to their ends.
    pub fn finish(self, name: impl Into<String>, users: &Extent<()>, group_list: Extent<()>) -> Organization {
        Organization {
            name: name.into(),
            users: users.clone().map(|()| self.users),
            memberships: self.memberships,
            groups: self.groups,
            by_name: self.by_name,
            group_list,
        }
    }
}

impl Organization {
    /// All groups that the list or a user names.
    pub fn groups(&self) -> &[AdobeGroup] {
        &self.groups
    }

    /// A group by its name.
    pub fn group(&self, name: &FoldedName) -> Option<(u32, &AdobeGroup)> {
        let index = *self.by_name.get(name)?;
        Some((index, self.groups.get(index as usize)?))
    }

    /// The users that were read, whether these are all or not.
    pub(crate) fn users_found(&self) -> &[AdobeUser] {
        self.users.found().map(Vec::as_slice).unwrap_or_default()
    }

    /// The groups of a user, as indexes into [`groups`](Self::groups).
    pub fn groups_of(&self, user: &AdobeUser) -> &[u32] {
        self.memberships.get(user.groups.start as usize..user.groups.end as usize).unwrap_or_default()
    }

    /// The members of each group, as indexes into the users that were read, in order.
    pub fn members(&self) -> BTreeMap<u32, Vec<u32>> {
        let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (index, user) in (0..).zip(self.users_found()) {
            for &group in self.groups_of(user) {
                members.entry(group).or_default().push(index);
            }
        }
        members
    }

    /// The number of members of each group, by its folded name.
    pub(crate) fn member_counts(&self) -> BTreeMap<FoldedName, u64> {
        let mut counts = vec![0; self.groups.len()];
        for group in self.users_found().iter().flat_map(|user| self.groups_of(user)) {
            if let Some(count) = counts.get_mut(*group as usize) {
                *count += 1;
            }
        }
        let count = |index: u32| counts.get(index as usize).copied().unwrap_or_default();
        self.by_name.iter().map(|(name, index)| (name.clone(), count(*index))).collect()
    }
}

/// Finds the users of an organization.
#[derive(Debug)]
pub(crate) struct UserIndex<'o> {
    users: &'o [AdobeUser],
    by_account: Index,
    by_id: Index,
}

impl<'o> UserIndex<'o> {
    /// Finds users by their accounts.
    pub(crate) fn new(organization: &'o Organization) -> Self {
        let users = organization.users_found();
        let mut by_account = Index::with_capacity(users.len());
        (0..users.len()).for_each(|index| by_account.insert(index, Self::identity_of(users)));
        Self { users, by_account, by_id: Index::default() }
    }

    /// Finds users by their ids, too.
    pub(crate) fn with_ids(organization: &'o Organization) -> Self {
        let mut found = Self::new(organization);
        found.by_id = Index::with_capacity(found.users.len());
        (0..found.users.len()).for_each(|index| found.by_id.insert(index, Self::id_of(found.users)));
        found
    }

    /// The user with an account.
    pub(crate) fn of(&self, account: &Identity<'_>) -> Option<usize> {
        self.by_account.find(account, Self::identity_of(self.users))
    }

    /// The user with an id.
    pub(crate) fn of_id(&self, id: &str) -> Option<usize> {
        self.by_id.find(&id, Self::id_of(self.users))
    }

    fn identity_of<'u>(users: &'u [AdobeUser]) -> impl Fn(usize) -> Option<Identity<'u>> {
        |index| Some(users.get(index)?.details.identity())
    }

    fn id_of<'u>(users: &'u [AdobeUser]) -> impl Fn(usize) -> Option<&'u str> {
        |index| users.get(index)?.id.as_deref()
    }
}

fn number(quota: &IntegerOrString) -> Option<u64> {
    quota.as_i64().and_then(|quota| u64::try_from(quota).ok())
}
