//! The command `umapi`: administers an organization by Adobe's User Management API. The program is all of it; as a library
//! it has no interface that is kept.

mod batch;
mod cli;
mod commands;
mod config;
mod connection;
mod context;
mod exit;
mod failure;
mod input;
mod interrupt;
mod journal;
mod listing;
mod local_time;
mod logging;
mod member_filter;
mod memberships;
mod output;
mod private_file;
mod progress;
#[doc(hidden)]
pub mod reading;
mod records;
mod wanted;

use std::process::ExitCode;

use clap::{Parser, error::ErrorKind};
use umapi::time::Clock;

use crate::{cli::Cli, context::Context, exit::Exit, output::Terminal};

/// Runs the command that the arguments of this process name, to its exit code.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return show_usage(&error).into(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = failure::Failure::broken("cannot start").why(error).show(&mut anstream::stderr());
            return Exit::Refused.into();
        }
    };
    let context = Context::new(cli.global, Clock::real());
    if !matches!(cli.command, commands::Command::Emulator(_)) {
        logging::begin(context.global.verbose);
    }
    let ended = runtime.block_on(cli.command.run(&context));
    // What still waits for an answer that nobody wants is not waited for.
    runtime.shutdown_background();
    conclude(ended, context.terminal).into()
}

/// Shows why a call came to nothing. A reader that went away is no error.
fn conclude(ended: failure::Result<Exit>, terminal: Terminal) -> Exit {
    match ended {
        Ok(exit) => exit,
        Err(failure) if failure.is_reader_gone() => Exit::Done,
        Err(failure) => {
            let _ = failure.show(&mut terminal.stderr());
            failure.exit()
        }
    }
}

/// Help and version are results; anything else is a mistake in the arguments.
fn show_usage(error: &clap::Error) -> Exit {
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done,
        _ => Exit::Usage,
    }
}
