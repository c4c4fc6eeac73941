//! The `umapi-emulator` command, for its own binary and for other commands that contain it.
//!
//! ```
//! use clap::Parser;
//! use umapi_emulator::cli::Arguments;
//!
//! #[derive(Parser)]
//! struct Command {
//!     #[command(flatten)]
//!     emulator: Arguments,
//! }
//!
//! let command = Command::try_parse_from(["emulator", "--users", "1000", "--limits", "off"]).unwrap();
//! # let _ = command.emulator;
//! ```

mod error;
mod options;
mod ready;
mod values;

use std::io::{self, Write};

use clap::{Args, Subcommand};

pub use error::CliError;
pub use options::Options;
pub use ready::Ready;

use crate::seed;

/// The arguments of the command.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[non_exhaustive]
pub struct Arguments {
    /// The task, if it is not serving.
    #[command(subcommand)]
    pub command: Option<Task>,
    /// The options of serving.
    #[command(flatten)]
    pub options: Options,
}

/// A task besides serving.
#[derive(Debug, Clone, Subcommand)]
#[non_exhaustive]
pub enum Task {
    /// Print the JSON Schema of seed files
    Schema,
}

impl Arguments {
    /// Runs the command: prints a line of JSON when the emulator is ready and serves until SIGTERM or Ctrl-C, or prints a schema.
    ///
    /// # Errors
    /// If the emulator cannot start, or the output cannot be written.
    pub async fn run(self, mut out: impl Write) -> Result<(), CliError> {
        match self.command {
            Some(Task::Schema) => {
                let schema = serde_json::to_string_pretty(&seed::json_schema()).map_err(io::Error::from)?;
                Ok(write_line(&mut out, &schema)?)
            }
            None => self.options.serve(out).await,
        }
    }
}

impl Options {
    async fn serve(self, mut out: impl Write) -> Result<(), CliError> {
        // From here on, a signal stops the emulator gracefully, also while it starts.
        let mut shutdown = std::pin::pin!(shutdown_signal()?);
        let (builder, ca) = self.builder()?;
        let emulator = tokio::select! {
            emulator = builder.start() => emulator?,
            () = shutdown.as_mut() => return Ok(()),
        };
        let ready = Ready::of(&emulator, ca.as_ref().map(options::CaFolder::certificate));
        write_line(&mut out, &serde_json::to_string(&ready).map_err(io::Error::from)?)?;
        tracing::info!(um = emulator.um_url(), ims = emulator.ims_url(), "the emulator is ready");
        shutdown.await;
        tracing::info!("the emulator stops");
        emulator.stop().await;
        Ok(())
    }
}

/// Writes a line. A reader that closed the pipe is not an error, as in `umapi-emulator schema | head -1`.
fn write_line(out: &mut impl Write, line: &str) -> io::Result<()> {
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Waits for SIGTERM or Ctrl-C.
#[cfg(unix)]
fn shutdown_signal() -> Result<impl Future<Output = ()>, CliError> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
fn shutdown_signal() -> Result<impl Future<Output = ()>, CliError> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
