//! Changes of memberships, and their outcomes.

use std::{fmt, sync::Arc};

use umapi_model::GroupType;

use super::plan::Memberships;
use crate::{
    account::Account,
    batch::{BatchOutcome, Outcome, Report, StepError},
};

/// What to do with a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MembershipAction {
    /// Add the user to the group.
    Add,
    /// Remove the user from the group.
    Remove,
}

/// A group, as memberships refer to it. A string is a group of unknown kind, or an administrative group if it begins with
/// `_`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupRef {
    pub(super) name: Arc<str>,
    pub(super) kind: GroupKind,
}

/// The kind of a group, as far as it matters to memberships: memberships of a user group can be set from the group, all
/// others only from each user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GroupKind {
    /// Unknown. Its memberships are set from the users.
    #[default]
    Unknown,
    /// A user group.
    UserGroup,
    /// A product profile.
    Profile,
    /// An administrative group.
    Administrative,
}

impl GroupKind {
    /// The kind of a group of this type. Groups of a type that is missing or not known may be anything.
    pub fn of_type(group_type: Option<&GroupType>) -> Self {
        match group_type {
            Some(GroupType::UserGroup) => Self::UserGroup,
            Some(GroupType::ProductProfile) => Self::Profile,
            None | Some(GroupType::Other(_)) => Self::Unknown,
            Some(_) => Self::Administrative,
        }
    }
}

/// A change of one membership.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MembershipChange {
    /// The user.
    pub user: Account,
    /// The group.
    pub group: GroupRef,
    /// Whether the user is added or removed.
    pub action: MembershipAction,
}

impl GroupRef {
    /// A user group.
    pub fn user_group(name: impl AsRef<str>) -> Self {
        Self { name: name.as_ref().into(), kind: GroupKind::UserGroup }
    }

    /// A product profile.
    pub fn profile(name: impl AsRef<str>) -> Self {
        Self { name: name.as_ref().into(), kind: GroupKind::Profile }
    }

    /// An administrative group, such as `_admin_Design`.
    pub fn administrative(name: impl AsRef<str>) -> Self {
        Self { name: name.as_ref().into(), kind: GroupKind::Administrative }
    }

    /// A group of a list, by its type. If that is unknown, the name decides, as in `GroupRef::from(name)`.
    pub fn of_type(name: impl AsRef<str>, group_type: Option<&GroupType>) -> Self {
        match GroupKind::of_type(group_type) {
            GroupKind::Unknown => Self::from(name),
            kind => Self { name: name.as_ref().into(), kind },
        }
    }

    /// The name of the group.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of the group, as far as it is known.
    pub fn kind(&self) -> GroupKind {
        self.kind
    }
}

impl<T: AsRef<str>> From<T> for GroupRef {
    fn from(name: T) -> Self {
        let name = name.as_ref();
        let kind = if name.starts_with('_') { GroupKind::Administrative } else { GroupKind::Unknown };
        Self { name: name.into(), kind }
    }
}

impl fmt::Display for GroupRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Display for MembershipChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.action {
            MembershipAction::Add => write!(f, "{} into {}", self.user, self.group),
            MembershipAction::Remove => write!(f, "{} out of {}", self.user, self.group),
        }
    }
}

/// The outcome of one change of a membership.
#[derive(Clone, Debug)]
pub struct MembershipOutcome {
    pub(super) number: usize,
    pub(super) change: MembershipChange,
    pub(super) outcome: Outcome,
    pub(super) was_so_already: bool,
    pub(super) requests: u32,
    pub(super) request_id: Option<Arc<str>>,
}

/// The outcomes of all changes of memberships of a run.
pub type MembershipReport = Report<MembershipOutcome>;

impl MembershipOutcome {
    /// The number of the change, counted from 0 in the order given.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The change.
    pub fn change(&self) -> &MembershipChange {
        &self.change
    }

    /// How it ended.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether the membership is now as requested.
    pub fn is_completed(&self) -> bool {
        matches!(self.outcome, Outcome::Completed)
    }

    /// Whether the service said that nothing had to be changed. It does not always say so.
    pub fn was_so_already(&self) -> bool {
        self.was_so_already
    }

    /// Why it was rejected, if it was.
    pub fn error(&self) -> Option<&StepError> {
        match &self.outcome {
            Outcome::Rejected { errors } => errors.first(),
            _ => None,
        }
    }

    /// The number of requests that it was in, including repeated ones.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// The `X-Request-Id` of the last response about it.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

impl fmt::Display for MembershipOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "membership {}, {}: {}", self.number, self.change, self.outcome)
    }
}

impl BatchOutcome for MembershipOutcome {
    const PLURAL: &'static str = "memberships";

    fn number(&self) -> usize {
        self.number
    }

    fn outcome(&self) -> &Outcome {
        &self.outcome
    }
}

impl Report<MembershipOutcome> {
    /// The changes that were not sent, to be given again.
    pub fn into_unsent(self) -> Memberships {
        let unsent = |outcome: &MembershipOutcome| matches!(outcome.outcome, Outcome::NotSent { .. });
        self.into_outcomes().into_iter().filter(unsent).map(|outcome| outcome.change).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_type_is_administrative_only_by_its_name() {
        let kind =
            |name, group_type: Option<&str>| GroupRef::of_type(name, group_type.map(GroupType::from).as_ref()).kind();
        assert_eq!(kind("Design", None), GroupKind::Unknown);
        assert_eq!(kind("Design", Some("NEW_KIND_OF_GROUP")), GroupKind::Unknown);
        assert_eq!(kind("_admin_Design", None), GroupKind::Administrative);
        assert_eq!(kind("Design", Some("USER_GROUP")), GroupKind::UserGroup);
        assert_eq!(kind("Design", Some("PRODUCT_PROFILE")), GroupKind::Profile);
        assert_eq!(kind("Org admins", Some("SYSADMIN_GROUP")), GroupKind::Administrative);
    }
}
