//! `umapi auth`.

mod check;
mod token;

use clap::Subcommand;

use crate::{context::Context, exit::Exit, failure::Result};

/// The login: check it, get a token.
#[derive(Debug, Subcommand)]
pub(crate) enum AuthCommand {
    Check(check::CheckArgs),
    Token(token::TokenArgs),
}

impl AuthCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        match self {
            Self::Check(arguments) => arguments.run(context).await,
            Self::Token(arguments) => arguments.run(context).await,
        }
    }
}
