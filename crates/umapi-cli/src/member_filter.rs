//! Filters for lists of members.

use clap::{Args, ValueEnum};
use umapi::{GroupMembers, model::LicenseStatus};

/// The members of a list, and the details to show.
#[derive(Args, Clone, Debug)]
pub(crate) struct MemberFilter {
    /// List only members with a license (active) or without one (inactive).
    #[arg(long, value_enum, value_name = "STATUS")]
    status: Option<Status>,

    /// List only members who wait for a license: `--status inactive`.
    #[arg(long, conflicts_with = "status")]
    inactive: bool,

    /// Include product profiles that come through user groups, not only direct ones.
    #[arg(long)]
    all_memberships: bool,

    /// Leave out the groups of each user, which is faster for members of a group.
    #[arg(long, conflicts_with = "all_memberships")]
    without_groups: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Status {
    Active,
    Inactive,
}

impl MemberFilter {
    /// Whether only direct memberships are shown.
    pub(crate) fn direct_only(&self) -> bool {
        !self.all_memberships
    }

    /// Whether the groups of each user are left out.
    pub(crate) fn without_groups(&self) -> bool {
        self.without_groups
    }

    /// Whether only members with or without a license are listed, which only profiles know.
    pub(crate) fn is_about_licenses(&self) -> bool {
        self.status.is_some() || self.inactive
    }

    pub(crate) fn apply(&self, members: GroupMembers) -> GroupMembers {
        let members = members.direct_only(self.direct_only());
        let members = if self.without_groups { members.exclude_groups(true) } else { members };
        match self.status {
            _ if self.inactive => members.status(LicenseStatus::Inactive),
            Some(Status::Active) => members.status(LicenseStatus::Active),
            Some(Status::Inactive) => members.status(LicenseStatus::Inactive),
            None => members,
        }
    }
}
