//! The command `umapi`: manages the users and groups of an organization with Adobe's User Management API.
//!
//! The command is the stable interface; this library has none.

mod accounts;
mod batch;
mod cache;
mod commands;
mod config;
mod connection;
mod context;
mod failure;
mod gaps;
mod input;
mod interrupt;
mod journal;
mod large_groups;
mod licenses;
mod member_filter;
mod memberships;
mod options;
mod output;
mod paste;
mod private_file;
#[doc(hidden)]
pub mod reading;
mod report;
mod sqlite_file;
mod summary;
mod sync;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, error::ErrorKind};
use umapi::time::Clock;

use crate::{
    commands::{Cli, Command},
    context::Context,
    failure::{Exit, Failure, Result},
    options::{ColorWhen, LogFormat},
    output::{Messages, Terminal, logging},
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
    // The emulator has logs and a shutdown of its own.
    let is_emulator = matches!(cli.command, Command::Emulator(_));
    let logs = if is_emulator { Ok(()) } else { logging::start(context.global.verbose, context.global.log_format) };
    let result = runtime.block_on(async {
        logs?;
        if is_emulator {
            return cli.command.run(&context).await;
        }
        context.interrupts.listen();
        tokio::select! {
            result = cli.command.run(&context) => result,
            signal = context.interrupts.ended() => Err(Failure::new(Exit::Interrupted, format!("interrupted by {signal}"))),
        }
    });
    // Responses that nobody waits for any more are abandoned.
    runtime.shutdown_background();
    conclude(&context, result).into()
}

/// Whether the arguments or the environment ask for messages as JSON.
fn wants_json() -> bool {
    let arguments: Vec<_> = std::env::args_os().collect();
    let is_given = arguments.windows(2).any(|pair| pair[0] == "--log-format" && pair[1] == "json")
        || arguments.iter().any(|argument| argument == "--log-format=json");
    let is_set = std::env::var_os("UMAPI_LOG_FORMAT").is_some_and(|format| format == "json");
    is_given || is_set || arguments.iter().any(|argument| argument == "--log-format=json")
}

/// Shows why the call failed, and returns its exit code.
fn conclude(context: &Context, result: Result<Exit>) -> Exit {
    let exit = match result {
        Ok(exit) => exit,
        Err(failure) => {
            let failure = failure.map_text(|text| context.global.completed(text));
            if !failure.is_reader_closed() {
                context.messages.error(&failure);
            }
            failure.exit()
        }
    };
    context.conclude(exit)
}

/// Shows help, the version, or a mistake in the arguments.
fn show_usage(error: &clap::Error) -> Exit {
    if error.use_stderr() && wants_json() {
        // The options are not known, but this one was given.
        let clock = Clock::real();
        let messages = Messages::new(Terminal::new(ColorWhen::Never), LogFormat::Json, false, clock);
        let text = error.render().to_string();
        messages.error(&Failure::usage(text.trim().trim_start_matches("error: ")));
        messages.summary(Exit::Usage);
        return Exit::Usage;
    }
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
