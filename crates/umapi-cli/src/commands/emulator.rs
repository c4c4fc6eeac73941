//! `umapi emulator`: run the emulator.

use std::io;

use clap::Args;
use umapi_emulator::cli::{Arguments, CliError};

use crate::{
    context::Context,
    failure::{Exit, Failure, Result},
    output::logging,
};

/// Run the API and its login on this machine, for tests and development
///
/// When ready, it writes one line of JSON to stdout: addresses, organization and (public) credentials. It logs to stderr as
/// UMAPI_EMULATOR_LOG says, and stops at Ctrl-C. To try one command, use `umapi --emulator COMMAND`.
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
        logging::start_with(level, "UMAPI_EMULATOR_LOG", context.global.log_format)?;
        match self.arguments.run(io::stdout()).await {
            Ok(()) => Ok(Exit::Success),
            Err(error) => Err(failure(error)),
        }
    }
}

fn failure(error: CliError) -> Failure {
    match error {
        CliError::Contradicted => Failure::failed(error.to_string()),
        CliError::Output(cause) => Failure::failed("cannot write the output").why(cause),
        CliError::Recording(_) | CliError::Judge(_) => Failure::usage(error.to_string()),
        _ => {
            Failure::usage("cannot run the emulator").why(error).remedy("see the options in \"umapi emulator --help\"")
        }
    }
}
