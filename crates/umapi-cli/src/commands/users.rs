//! `umapi users`.

mod create;
mod get;
mod list;
mod remove;
mod update;

use clap::Subcommand;

use crate::{context::Context, exit::Exit, failure::Result};

/// Users: list, look up, create, change, remove.
#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    List(list::ListArgs),
    Get(get::GetArgs),
    Create(create::CreateArgs),
    Update(update::UpdateArgs),
    Remove(remove::RemoveArgs),
}

impl UsersCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        match self {
            Self::List(arguments) => arguments.run(context).await,
            Self::Get(arguments) => arguments.run(context).await,
            Self::Create(arguments) => arguments.run(context).await,
            Self::Update(arguments) => arguments.run(context).await,
            Self::Remove(arguments) => arguments.run(context).await,
        }
    }
}
