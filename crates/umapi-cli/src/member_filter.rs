//! Which members of a group are meant.

use clap::{Args, ValueEnum};
use umapi::{GroupMembers, model::LicenseStatus};

/// Which members of a group are meant, and what is said of them.
#[derive(Args, Clone, Debug)]
pub(crate) struct MemberFilter {
    /// Of a product profile, only members that hold a license (active), or only those that wait for one (inactive).
    #[arg(long, value_enum, value_name = "STATUS", requires = "group")]
    status: Option<Status>,

    /// Shows the groups of each user with the product profiles that come through user groups, not only those given directly.
    #[arg(long)]
    all_memberships: bool,

    /// Leaves the groups of each user out, which is faster.
    #[arg(long, requires = "group", conflicts_with = "all_memberships")]
    without_groups: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Active,
    Inactive,
}

impl MemberFilter {
    /// Whether only memberships count that were given directly.
    pub(crate) fn direct_only(&self) -> bool {
        !self.all_memberships
    }

    pub(crate) fn apply(&self, members: GroupMembers) -> GroupMembers {
        let members = members.direct_only(self.direct_only());
        let members = if self.without_groups { members.exclude_groups(true) } else { members };
        match self.status {
            Some(Status::Active) => members.status(LicenseStatus::Active),
            Some(Status::Inactive) => members.status(LicenseStatus::Inactive),
            None => members,
        }
    }
}
