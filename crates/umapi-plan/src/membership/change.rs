//! A membership: a user, a group, and whether it is to be or not to be.

use std::{fmt, sync::Arc};

use crate::account::Account;

/// What is to become of a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MembershipAction {
    /// The user joins the group.
    Add,
    /// The user leaves the group.
    Remove,
}

/// A group, as memberships name them. A string is a group of unknown kind, or an administrative one if it begins with
/// `_`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupRef {
    pub(super) name: Arc<str>,
    pub(super) kind: GroupKind,
}

/// Kinds of groups, as far as they matter to memberships: of a user group, the memberships can be set from the group;
/// of all others only from each user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GroupKind {
    /// Not said. Taken as something that can only be set from the user.
    #[default]
    Unknown,
    /// A user group.
    UserGroup,
    /// A product profile.
    Profile,
    /// An administrative group.
    Administrative,
}

/// One membership that is to be set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MembershipChange {
    /// Who.
    pub user: Account,
    /// Where.
    pub group: GroupRef,
    /// Whether the user joins or leaves.
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
