//! `umapi emulator`.

use std::io;

use clap::Args;
use umapi_emulator::cli::Arguments;

use crate::{
    context::Context,
    failure::{Exit, Failure, Result},
    output::logging,
};

/// Serves the whole API and its login on this machine, for tests and development.
///
/// Writes one line of JSON when it is ready: addresses, organization, credentials (which are public). Logs go to stderr;
/// UMAPI_EMULATOR_LOG says how much. It ends at Ctrl-C. To try a single command, `umapi --emulator COMMAND` is shorter.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi emulator --users 1000 --limits off
  umapi emulator --seed organization.yaml --data state.db --http 8080")]
pub(crate) struct EmulatorArgs {
    #[command(flatten)]
    arguments: Arguments,
}

impl EmulatorArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        let level = if context.global.quiet { "error" } else { "info" };
        logging::start_with(level, "UMAPI_EMULATOR_LOG");
        match self.arguments.run(io::stdout()).await {
            Ok(()) => Ok(Exit::Success),
            Err(error) => Err(Failure::usage("the emulator cannot run")
                .why(error)
                .remedy("umapi emulator --help describes the options")),
        }
    }
}
