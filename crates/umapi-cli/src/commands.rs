//! The commands, one a file.

mod api;
mod apply;
mod auth;
mod cert;
mod completions;
mod config;
mod emulator;
mod export;
mod groups;
mod man;
mod members;
mod products;
mod profiles;
mod run;
mod topics;
mod users;

use clap::Subcommand;

use crate::{context::Context, exit::Exit, failure::Result};

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(subcommand)]
    Users(users::UsersCommand),
    #[command(subcommand)]
    Groups(groups::GroupsCommand),
    #[command(subcommand)]
    Members(members::MembersCommand),
    #[command(subcommand)]
    Products(products::ProductsCommand),
    #[command(subcommand)]
    Profiles(profiles::ProfilesCommand),
    Run(run::RunArgs),
    Export(export::ExportArgs),
    Apply(apply::ApplyArgs),
    #[command(subcommand)]
    Auth(auth::AuthCommand),
    #[command(subcommand)]
    Cert(cert::CertCommand),
    #[command(subcommand)]
    Config(config::ConfigCommand),
    Api(api::ApiArgs),
    Emulator(emulator::EmulatorArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    #[command(flatten)]
    Topic(topics::Topic),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        match self {
            Self::Users(command) => command.run(context).await,
            Self::Groups(command) => command.run(context).await,
            Self::Members(command) => command.run(context).await,
            Self::Apply(arguments) => arguments.run(context).await,
            Self::Products(command) => command.run(context).await,
            Self::Profiles(command) => command.run(context).await,
            Self::Run(arguments) => arguments.run(context).await,
            Self::Export(arguments) => arguments.run(context).await,
            Self::Auth(command) => command.run(context).await,
            Self::Api(arguments) => arguments.run(context).await,
            Self::Emulator(arguments) => arguments.run(context).await,
            Self::Cert(command) => command.run(context),
            Self::Config(command) => command.run(context),
            Self::Completions(arguments) => arguments.run(context),
            Self::Man(arguments) => arguments.run(context),
            Self::Topic(topic) => topic.run(context),
        }
    }
}
