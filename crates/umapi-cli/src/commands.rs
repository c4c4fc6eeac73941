//! The command line, and the commands in it.

mod account_args;
mod api;
mod apply;
mod auth;
mod cache;
mod cert;
mod completions;
mod config;
mod emulator;
mod export;
mod group_members;
mod groups;
mod man;
mod members;
mod name_args;
mod pages;
mod products;
mod profiles;
mod report;
mod run;
mod sync;
mod topics;
mod users;

use clap::{CommandFactory, Parser, Subcommand};

use crate::{
    context::Context,
    failure::{Exit, Failure, Result},
    options::{Format, GlobalArgs},
};

/// Manage the users and groups of an organization with Adobe's User Management API
#[derive(Debug, Parser)]
#[command(
    name = "umapi",
    version,
    arg_required_else_help = true,
    max_term_width = 80,
    after_help = "\
Examples:
  umapi auth check                              Check the login
  umapi users list --domain example.com         List the users of a domain
  umapi members add Design ann@example.com      Add a user to a group
  umapi run commands.csv --dry-run              Validate a thousand commands
  umapi --emulator users list                   Try a command, no login needed

Topics: umapi help exit-codes | formats | command-files | membership-file |
        configuration | scheduled-jobs | shared-limits | recording |
        sync-guide"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,

    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Returns the command line as completions and manual pages need it.
    fn surface() -> clap::Command {
        let mut surface = Self::command();
        surface.build();
        surface
    }
}

/// The commands.
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
    Report(report::ReportCommand),
    #[command(subcommand)]
    Sync(sync::SyncCommand),
    #[command(subcommand)]
    Auth(auth::AuthCommand),
    #[command(subcommand)]
    Cache(cache::CacheCommand),
    #[command(subcommand)]
    Cert(cert::CertCommand),
    #[command(subcommand)]
    Config(config::ConfigCommand),
    Api(api::ApiArgs),
    Emulator(Box<emulator::EmulatorArgs>),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    #[command(flatten)]
    Topic(topics::Topic),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        if context.format() == Format::Html && !matches!(self, Self::Report(_)) {
            return Err(Failure::usage("only reports are written as HTML")
                .remedy("use --format table, csv, json or ndjson, or \"umapi report\""));
        }
        match self {
            Self::Report(command) => command.run(context).await,
            Self::Users(command) => command.run(context).await,
            Self::Groups(command) => command.run(context).await,
            Self::Members(command) => command.run(context).await,
            Self::Apply(arguments) => arguments.run(context).await,
            Self::Sync(command) => command.run(context).await,
            Self::Products(command) => command.run(context).await,
            Self::Profiles(command) => command.run(context).await,
            Self::Run(arguments) => arguments.run(context).await,
            Self::Export(arguments) => arguments.run(context).await,
            Self::Auth(command) => command.run(context).await,
            Self::Api(arguments) => arguments.run(context).await,
            Self::Emulator(arguments) => arguments.run(context).await,
            Self::Cache(command) => command.run(context),
            Self::Cert(command) => command.run(context),
            Self::Config(command) => command.run(context),
            Self::Completions(arguments) => arguments.run(context),
            Self::Man(arguments) => arguments.run(context),
            Self::Topic(topic) => topic.run(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Writes every command with its arguments. The global options are written once, at the top.
    fn write_surface(command: &clap::Command, path: &str, out: &mut String) {
        let path = format!("{path}{}", command.get_name());
        let mut shown = command.clone().term_width(80).disable_version_flag(true).bin_name(path.clone());
        let help = shown.render_long_help().to_string();
        let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
        *out += &format!("==== {path}\n\n{}\n\n", lines.join("\n").trim_end());
        for subcommand in command.get_subcommands() {
            write_surface(subcommand, &format!("{path} "), out);
        }
    }

    fn surface() -> String {
        let mut surface = String::new();
        write_surface(&Cli::command(), "", &mut surface);
        surface
    }

    #[test]
    fn surface_is_unchanged() {
        let surface = surface();
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/surface.txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(golden, &surface).unwrap();
        }
        let expected = std::fs::read_to_string(golden).unwrap_or_default();
        let difference = similar::TextDiff::from_lines(&expected, &surface).unified_diff().to_string();
        assert!(difference.is_empty(), "the surface changed; to accept it, set UPDATE_GOLDEN=1:\n{difference}");
    }

    #[test]
    fn help_fits_80_columns() {
        let too_long: Vec<String> =
            surface().lines().filter(|line| line.chars().count() > 80).map(str::to_owned).collect();
        assert_eq!(too_long, Vec::<String>::new());
    }
}
