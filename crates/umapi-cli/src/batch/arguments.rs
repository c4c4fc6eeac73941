//! Arguments of the commands that change something.

use clap::{Args, ValueEnum};
use umapi::Command;

use crate::failure::{Failure, Result};

/// Arguments of all commands that change something.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct WriteArgs {
    /// Dry run: the service validates everything and changes nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Show only outcomes that are not completed, or that have warnings.
    #[arg(long)]
    pub(crate) problems_only: bool,
}

/// What to do if the user or user group to be created exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum IfExists {
    /// Reject the command.
    #[default]
    Error,
    /// Skip the create, and run the rest of the command.
    Ignore,
    /// Update the names or the description, and run the rest of the command.
    Update,
}

/// Checks a command that is given as arguments against the rules of the service, before anything is sent.
pub(crate) fn checked(command: Command) -> Result<Command> {
    match command.check() {
        Ok(()) => Ok(command),
        Err(invalid) => Err(Failure::usage(format!("cannot send the command for {}", command.root()))
            .why(format!("{}: {} ({})", argument_of(invalid.field()), invalid.rule(), invalid.code()))
            .remedy(invalid.remedy())),
    }
}

/// Returns the argument that sets a field of a command.
fn argument_of(field: &str) -> &str {
    match field {
        "firstname" => "--firstname",
        "lastname" => "--lastname",
        "country" => "--country",
        "email" => "--email",
        "username" => "--username",
        "domain" => "--domain",
        "description" => "--description",
        "name" => "--name",
        "group" => "--add-to",
        "productConfiguration" => "product profile",
        "usergroup" => "user group",
        other => other,
    }
}
