//! Filters for lists of members.

use clap::{Args, ValueEnum};
use umapi::{GroupMembers, model::LicenseStatus};

/// The members of a list, and the details to show.
#[derive(Args, Clone, Debug)]
pub(crate) struct MemberFilter {
    /// List only members with a license (active) or without one (inactive).
    #[arg(long, value_enum, value_name = "STATUS", requires = "group")]
    status: Option<Status>,

    /// Include product profiles that come through user groups, not only direct ones.
    #[arg(long)]
    all_memberships: bool,

    /// Leave out the groups of each user, which is faster.
    #[arg(long, requires = "group", conflicts_with = "all_memberships")]
    without_groups: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Active,
    Inactive,
}

impl MemberFilter {
    /// Whether only direct memberships are shown.
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
