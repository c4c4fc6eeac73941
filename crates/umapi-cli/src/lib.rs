//! The command `umapi`: manages the users and groups of an organization with Adobe's User Management API.
//!
//! The command is the stable interface; this library has none.

mod accounts;
mod batch;
mod commands;
mod config;
mod connection;
mod context;
mod failure;
mod input;
mod interrupt;
mod journal;
mod member_filter;
mod memberships;
mod options;
mod output;
mod private_file;
#[doc(hidden)]
pub mod reading;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, error::ErrorKind};
use umapi::time::Clock;

use crate::{
    commands::{Cli, Command},
    context::Context,
    failure::{Exit, Failure, Result},
    output::logging,
};

/// Runs the command line of this process, and returns its exit code.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return show_usage(&error).into(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = Failure::failed("cannot start").why(error).show(&mut anstream::stderr());
            return Exit::Failed.into();
        }
    };
    let context = Context::new(cli.global, Clock::real());
    if !matches!(cli.command, Command::Emulator(_)) {
        logging::start(context.global.verbose);
    }
    let result = runtime.block_on(cli.command.run(&context));
    // Responses that nobody waits for any more are abandoned.
    runtime.shutdown_background();
    conclude(&context, result).into()
}

/// Shows why the call failed, and returns its exit code.
fn conclude(context: &Context, result: Result<Exit>) -> Exit {
    let exit = match result {
        Ok(exit) => exit,
        Err(failure) => {
            if !failure.is_reader_closed() {
                let _ = failure.show(&mut context.terminal.stderr());
            }
            failure.exit()
        }
    };
    context.conclude(exit)
}

/// Shows help, the version, or a mistake in the arguments.
fn show_usage(error: &clap::Error) -> Exit {
    // With an option in an environment variable, clap does not show the help by itself.
    let _ = match error.kind() {
        ErrorKind::MissingSubcommand => Cli::command().print_help(),
        _ => error.print(),
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Success,
        _ => Exit::Usage,
    }
}
