//! `umapi groups list`.

use clap::{Args, ValueEnum};
use umapi::model::GroupType;

use crate::{
    context::Context,
    exit::Exit,
    failure::Result,
    listing::{Work, write_pages},
    records::GroupRecord,
};

/// Lists groups of all types, or of one.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi groups list
  umapi groups list --type user-group --format csv")]
pub(crate) struct ListArgs {
    /// Only groups of this type.
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    kind: Option<Kind>,
}

/// The types of groups.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    UserGroup,
    ProductProfile,
    SystemAdmins,
    DeploymentAdmins,
    SupportAdmins,
    ProductAdmins,
    ProfileAdmins,
    UserGroupAdmins,
    Developers,
}

impl Kind {
    fn of_service(self) -> GroupType {
        match self {
            Self::UserGroup => GroupType::UserGroup,
            Self::ProductProfile => GroupType::ProductProfile,
            Self::SystemAdmins => GroupType::SysadminGroup,
            Self::DeploymentAdmins => GroupType::DeploymentAdminGroup,
            Self::SupportAdmins => GroupType::SupportAdminGroup,
            Self::ProductAdmins => GroupType::ProductAdminGroup,
            Self::ProfileAdmins => GroupType::ProfileAdminGroup,
            Self::UserGroupAdmins => GroupType::UserAdminGroup,
            Self::Developers => GroupType::DeveloperGroup,
        }
    }
}

impl ListArgs {
    pub(super) async fn run(self, context: &Context) -> Result<Exit> {
        let work = Work::begin(context, "groups").await?;
        let groups = work.connection.client.groups();
        let pager = match self.kind {
            Some(kind) => groups.of_type(kind.of_service()).list(),
            None => groups.list(),
        };
        write_pages(context, &work, pager, None, "cannot list the groups", |group| Some(GroupRecord::from(group))).await
    }
}
