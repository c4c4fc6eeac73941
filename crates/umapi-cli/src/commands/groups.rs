//! `umapi groups`.

mod create;
mod delete;
mod get;
mod list;
mod members;
mod update;

use clap::Subcommand;

use crate::{context::Context, exit::Exit, failure::Result};

/// Groups of all types: list, look up; user groups also create, change, delete.
#[derive(Debug, Subcommand)]
pub(crate) enum GroupsCommand {
    List(list::ListArgs),
    Get(get::GetArgs),
    Members(members::MembersArgs),
    Create(create::CreateArgs),
    Update(update::UpdateArgs),
    Delete(delete::DeleteArgs),
}

impl GroupsCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        match self {
            Self::List(arguments) => arguments.run(context).await,
            Self::Get(arguments) => arguments.run(context).await,
            Self::Members(arguments) => arguments.run(context).await,
            Self::Create(arguments) => arguments.run(context).await,
            Self::Update(arguments) => arguments.run(context).await,
            Self::Delete(arguments) => arguments.run(context).await,
        }
    }
}
