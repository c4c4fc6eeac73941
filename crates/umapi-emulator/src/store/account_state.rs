//! What an account is, and how it stands: the words of the service, and the numbers they are stored as.

use super::stored_enum;

/// The type of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum UserKind {
    /// `adobeID`: the person's own.
    AdobeId,
    /// `enterpriseID`: the organization's, with Adobe's login.
    EnterpriseId,
    /// `federatedID`: the organization's, with its own login.
    FederatedId,
    /// `unknown`: the service cannot tell.
    Unknown,
}

stored_enum!(UserKind { AdobeId = 0, EnterpriseId = 1, FederatedId = 2, Unknown = 3 });

impl UserKind {
    /// The service's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AdobeId => "adobeID",
            Self::EnterpriseId => "enterpriseID",
            Self::FederatedId => "federatedID",
            Self::Unknown => "unknown",
        }
    }
}

/// A set of user kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserKinds(i64);

impl UserKinds {
    /// Adobe IDs, Enterprise IDs and Federated IDs.
    pub const ALL: Self = Self(0b111);

    pub(super) const fn from_bits(bits: i64) -> Self {
        Self(bits)
    }

    pub(super) const fn bits(self) -> i64 {
        self.0
    }

    /// Whether a kind is in the set.
    #[must_use]
    pub const fn contains(self, kind: UserKind) -> bool {
        self.0 & (1 << kind.number()) != 0
    }
}

impl FromIterator<UserKind> for UserKinds {
    fn from_iter<I: IntoIterator<Item = UserKind>>(kinds: I) -> Self {
        Self(kinds.into_iter().fold(0, |bits, kind| bits | 1 << kind.number()))
    }
}

/// The state of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UserStatus {
    /// In good standing. Lists show these only.
    Active,
    /// Cannot log in for now.
    Disabled,
    /// Cannot log in for good.
    Locked,
    /// Being removed.
    Removed,
}

stored_enum!(UserStatus { Active = 0, Disabled = 1, Locked = 2, Removed = 3 });

impl UserStatus {
    /// The service's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Locked => "locked",
            Self::Removed => "removed",
        }
    }
}

/// How an account stands to the organization whose row it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Presence {
    /// It is in a directory of the organization, and not a user of it (removed without deleting the account).
    DirectoryOnly,
    /// It is a user of the organization.
    Member,
    /// It was invited and has not accepted.
    Invited,
}

stored_enum!(Presence { DirectoryOnly = 0, Member = 1, Invited = 2 });
