//! The commands, one a file.

mod cert;
mod completions;
mod config;
mod man;
mod topics;

use clap::Subcommand;

use crate::{context::Context, exit::Exit, failure::Result};

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(subcommand)]
    Cert(cert::CertCommand),
    #[command(subcommand)]
    Config(config::ConfigCommand),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    #[command(flatten)]
    Topic(topics::Topic),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        match self {
            Self::Cert(command) => command.run(context),
            Self::Config(command) => command.run(context),
            Self::Completions(arguments) => arguments.run(context),
            Self::Man(arguments) => arguments.run(context),
            Self::Topic(topic) => topic.run(context),
        }
    }
}
