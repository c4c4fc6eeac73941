//! What all commands that change something take.

use clap::{Args, ValueEnum};
use umapi::Command;

use crate::failure::{Failure, Result};

/// What all commands that change something take.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct WriteArgs {
    /// Only tries: the service validates everything and changes nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Shows only what was not done: rejected, not sent, unknown, or with warnings.
    #[arg(long)]
    pub(crate) problems_only: bool,
}

/// What a create does with something that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum IfExists {
    /// It is refused.
    #[default]
    Error,
    /// The create is left out, the rest is done.
    Ignore,
    /// The names (or the description) are updated, the rest is done.
    Update,
}

impl IfExists {
    /// Applies to the create that the command ends with.
    pub(crate) fn apply(self, command: Command) -> Command {
        match self {
            Self::Error => command,
            Self::Ignore => command.ignore_if_exists(),
            Self::Update => command.update_if_exists(),
        }
    }
}

/// The command, if it keeps all rules: what was typed is refused before anything is sent.
pub(crate) fn checked(command: Command) -> Result<Command> {
    match command.check() {
        Ok(()) => Ok(command),
        Err(invalid) => Err(Failure::usage(format!("the command for {} cannot be sent", command.root()))
            .why(format!("{}: {} ({})", invalid.field(), invalid.rule(), invalid.code()))
            .remedy(invalid.remedy())),
    }
}
