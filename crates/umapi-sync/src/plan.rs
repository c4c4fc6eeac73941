//! A plan: the changes of a run, each with its reason, and what it does not change and why.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use umapi_directory::{Complete, Gap};
use umapi_plan::{Account, AccountKind, Command, GroupKind, NewUser, UserUpdate};

use crate::{
    config::UpdatableField,
    guard::Trip,
    people::{PersonKey, PersonProblem},
    state::AccountRecord,
};

/// The version of the format of a plan's file.
const VERSION: u32 = 1;

/// What a run is to do.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of the format.
    pub version: u32,
    /// The hash of the configuration that it was made with.
    pub configuration: String,
    /// The organizations, the primary one first.
    pub orgs: Vec<OrgPlan>,
    /// What could not be read of the directories. Nothing is removed that depends on it.
    pub gaps: Vec<Gap>,
    /// People who could not be made users.
    pub problems: Vec<PersonProblem>,
    /// What a guard found. A plan with one is not applied.
    pub trips: Vec<Trip>,
}

/// What a run is to do in one organization.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OrgPlan {
    /// The name of the configuration.
    pub org: String,
    /// The changes, in the order in which they are made.
    pub changes: Vec<Change>,
    /// Removals that are not made, and why.
    pub held: Vec<Held>,
    /// What is wanted and cannot be done.
    pub blocked: Vec<Blocked>,
    /// Differences that the service cannot change. They are told, and are no failure.
    pub lasting: Vec<Blocked>,
    /// The licenses of the profiles that change.
    pub licenses: Vec<Licenses>,
    /// The number of users that were compared.
    pub users: u64,
    /// The users who left the directory, by their keys, with the day it was found.
    pub leavers: BTreeMap<String, i64>,
}

/// A change of a user or a group.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The user; `None` for a new group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<AccountRecord>,
    /// The person, if the directory has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonKey>,
    /// What is done.
    pub action: Action,
    /// Why.
    pub reason: Reason,
}

/// What is done.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// A user group is created.
    CreateGroup {
        /// The name.
        group: String,
    },
    /// A user is created.
    CreateUser {
        /// The address.
        email: String,
        /// The first name.
        first_name: Option<String>,
        /// The last name.
        last_name: Option<String>,
        /// The country.
        country: Option<String>,
        /// Whether the names are written if the user exists already. Only a push does not know whether they do.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        updates: bool,
    },
    /// Fields of a user are changed.
    UpdateUser {
        /// What each field was, and what it becomes.
        fields: BTreeMap<UpdatableField, FieldChange>,
    },
    /// The user joins a group.
    Add {
        /// The name.
        group: String,
        /// The kind of the group.
        kind: TargetKind,
    },
    /// The user leaves a group.
    Remove(Removal),
    /// The user leaves the organization.
    RemoveFromOrg(Departure),
}

/// The removal of a membership. Only a list that was read whole gives one.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Removal {
    group: String,
    kind: TargetKind,
}

/// The removal of a user from the organization. Only a whole list of everybody gives one.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Departure {
    deletes_account: bool,
}

/// The kind of a group, as far as it matters here.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// A user group.
    UserGroup,
    /// A product profile.
    Profile,
    /// Not known.
    Unknown,
}

/// A value before and after a change.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Before.
    pub from: Option<String>,
    /// After.
    pub to: String,
}

/// Why a change is made.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reason {
    /// The person is in a group of the directory that a rule names.
    InSource {
        /// The directory.
        directory: String,
        /// The group of the directory.
        group: String,
        /// The line of the rule.
        line: usize,
    },
    /// The person is in no group that gives this one.
    InNoSource {
        /// The groups that give it.
        sources: Vec<String>,
    },
    /// No group of the directory gives this one any more.
    SourcesGone,
    /// A rule selects the person.
    Selected,
    /// The directory has other values.
    DirectoryDiffers,
    /// A rule needs the group.
    NeededByRule {
        /// The line of the rule.
        line: usize,
    },
    /// The user is not in the directory any more.
    Left {
        /// The number of days since the run that found it.
        days: u64,
    },
}

/// A removal that is not made.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// The group, or `None` for leavers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// How many users would otherwise be removed.
    pub users: u64,
    /// Why it is not known that they are gone.
    pub gaps: Vec<Gap>,
}

/// Something that is wanted and cannot be done.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Blocked {
    /// The user or the group.
    pub what: String,
    /// Why it cannot be done.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

/// The licenses of a profile before and after a plan.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Licenses {
    /// The profile.
    pub profile: String,
    /// How many there are; `None` without a limit.
    pub quota: Option<u64>,
    /// How many members it has.
    pub before: u64,
    /// How many it will have.
    pub after: u64,
}

/// A plan file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnusablePlan {
    /// The text is not a plan.
    #[error("this is not a plan of `umapi sync plan`: {0}")]
    Unreadable(String),
    /// Another version of the program made it.
    #[error("it was made by another version of umapi; make it again with `umapi sync plan --out FILE`")]
    OtherVersion,
    /// The configuration is another one now.
    #[error("the configuration has changed since it was made; make it again with `umapi sync plan --out FILE`")]
    OtherConfiguration,
}

impl Plan {
    pub(crate) fn new(configuration: &str) -> Self {
        Self {
            version: VERSION,
            configuration: configuration.to_owned(),
            orgs: Vec::new(),
            gaps: Vec::new(),
            problems: Vec::new(),
            trips: Vec::new(),
        }
    }

    /// Reads the file of a plan that was made with a configuration.
    ///
    /// # Errors
    /// Text that is not a plan, and a plan of another configuration or version.
    pub fn parse(text: &str, configuration: &str) -> Result<Self, UnusablePlan> {
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|error| UnusablePlan::Unreadable(error.to_string()))?;
        if value.get("version").is_some_and(|version| *version != VERSION) {
            return Err(UnusablePlan::OtherVersion);
        }
        let plan: Self = serde_json::from_value(value)
            .map_err(|_| UnusablePlan::Unreadable("a part of it is missing or has another form".to_owned()))?;
        if plan.configuration == configuration { Ok(plan) } else { Err(UnusablePlan::OtherConfiguration) }
    }

    /// The number of changes in all organizations.
    pub fn len(&self) -> usize {
        self.orgs.iter().map(|org| org.changes.len()).sum()
    }

    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether everything that is wanted is planned: nothing is held, blocked or unreadable.
    pub fn is_whole(&self) -> bool {
        self.gaps.is_empty()
            && self.problems.is_empty()
            && self.trips.is_empty()
            && self.orgs.iter().all(|org| org.held.is_empty() && org.blocked.is_empty())
    }

    /// A name of the changes, for messages: equal plans have equal ones.
    pub fn id(&self) -> String {
        let text = serde_json::to_vec(&self.orgs).unwrap_or_default();
        Sha256::digest(text).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Removal {
    /// The removal of everyone among `current` who is not in a list that was read whole.
    pub(crate) fn of_others<'a, T, U>(
        wanted: &'a Complete<T>,
        is_wanted: impl Fn(&T, &U) -> bool + 'a,
        current: impl IntoIterator<Item = U> + 'a,
        group: &'a str,
        kind: TargetKind,
    ) -> impl Iterator<Item = (U, Self)> + 'a
    where
        U: 'a,
    {
        let removal = move || Self { group: group.to_owned(), kind };
        current.into_iter().filter(move |user| !is_wanted(wanted.get(), user)).map(move |user| (user, removal()))
    }

    /// The name of the group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The kind of the group.
    pub fn kind(&self) -> TargetKind {
        self.kind
    }
}

impl Departure {
    /// The departure of someone whom a whole list of everybody does not have.
    pub(crate) fn of<T>(_everybody: &Complete<T>, deletes_account: bool) -> Self {
        Self { deletes_account }
    }

    /// Whether the account is deleted, with its files.
    pub fn deletes_account(self) -> bool {
        self.deletes_account
    }
}

impl Action {
    /// The name in lists for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateGroup { .. } => "create-group",
            Self::CreateUser { .. } => "create-user",
            Self::UpdateUser { .. } => "update-user",
            Self::Add { .. } => "add",
            Self::Remove(_) => "remove",
            Self::RemoveFromOrg(departure) if departure.deletes_account() => "delete-account",
            Self::RemoveFromOrg(_) => "remove-from-org",
        }
    }
}

impl Change {
    /// The command that makes it. `None` for memberships, which are planned together.
    pub fn command(&self) -> Option<Command> {
        let user = self.user.as_ref().map(Account::from);
        match (&self.action, user) {
            (Action::CreateGroup { group }, _) => {
                Some(Command::create_group(umapi_plan::NewGroup::new(group).ignore_if_exists()).into())
            }
            (Action::CreateUser { email, first_name, last_name, country, updates }, Some(user)) => {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                let (first, last) = (text(first_name), text(last_name));
                let new = match user.kind() {
                    Some(AccountKind::AdobeId) => NewUser::adobe_id(email).names(first, last),
                    Some(AccountKind::EnterpriseId) => NewUser::enterprise(email, first, last),
                    _ => NewUser::federated(email, first, last, text(country)),
                };
                let new = match (country, user.kind()) {
                    (Some(country), Some(AccountKind::AdobeId | AccountKind::EnterpriseId)) => new.country(country),
                    _ => new,
                };
                let new = match user.domain() {
                    Some(domain) => new.username(user.name(), domain),
                    None => new,
                };
                let new = if *updates { new.update_if_exists() } else { new.ignore_if_exists() };
                Some(Command::create_user(new).into())
            }
            (Action::UpdateUser { fields }, Some(user)) => {
                let mut update = UserUpdate::default();
                for (field, change) in fields {
                    update = match field {
                        UpdatableField::Firstname => update.with_firstname(&change.to),
                        UpdatableField::Lastname => update.with_lastname(&change.to),
                        UpdatableField::Email => update.with_email(&change.to),
                        UpdatableField::Username => update.with_username(&change.to),
                    };
                }
                Some(Command::user(user).update(update).into())
            }
            (Action::RemoveFromOrg(departure), Some(user)) => Some(if departure.deletes_account {
                Command::user(user).remove_from_org_and_delete_account()
            } else {
                Command::user(user).remove_from_org()
            }),
            _ => None,
        }
    }
}

impl From<GroupKind> for TargetKind {
    fn from(kind: GroupKind) -> Self {
        match kind {
            GroupKind::UserGroup => Self::UserGroup,
            GroupKind::Profile => Self::Profile,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InSource { directory, group, line } => {
                write!(f, "in the group {group} of {directory} (rule in line {line})")
            }
            Self::InNoSource { sources } => write!(f, "in none of {}", sources.join(", ")),
            Self::SourcesGone => f.write_str("no group of the directory gives it any more"),
            Self::Selected => f.write_str("a rule selects the person"),
            Self::DirectoryDiffers => f.write_str("the directory has other values"),
            Self::NeededByRule { line } => write!(f, "the rule in line {line} needs it"),
            Self::Left { days: 0 } => f.write_str("not in the directory any more"),
            Self::Left { days } => write!(f, "not in the directory any more, for {days} days"),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateGroup { group } => write!(f, "create the user group {group}"),
            Self::CreateUser { .. } => f.write_str("create"),
            Self::UpdateUser { fields } => {
                f.write_str("change")?;
                for (number, (field, change)) in fields.iter().enumerate() {
                    let separator = if number == 0 { " " } else { ", " };
                    let from = change.from.as_deref().unwrap_or("nothing");
                    write!(f, "{separator}{field} from {from} to {}", change.to)?;
                }
                Ok(())
            }
            Self::Add { group, .. } => write!(f, "add to {group}"),
            Self::Remove(removal) => write!(f, "remove from {}", removal.group),
            Self::RemoveFromOrg(Departure { deletes_account: true }) => {
                f.write_str("remove from the organization and delete the account")
            }
            Self::RemoveFromOrg(_) => f.write_str("remove from the organization"),
        }
    }
}

impl fmt::Display for UpdatableField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Firstname => "first name",
            Self::Lastname => "last name",
            Self::Email => "email address",
            Self::Username => "username",
        })
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.what, self.reason, self.remedy)
    }
}
