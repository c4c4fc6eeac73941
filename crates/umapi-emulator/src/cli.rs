//! The `umapi-emulator` command, for its own binary and for others that host it.
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

use std::io::Write;

use clap::{Args, Subcommand};

pub use error::CliError;
pub use options::Options;
pub use ready::Ready;

use crate::seed;

/// What the command is called with.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[non_exhaustive]
pub struct Arguments {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Task>,
    /// How to serve.
    #[command(flatten)]
    pub options: Options,
}

/// What the command does besides serving.
#[derive(Debug, Clone, Subcommand)]
#[non_exhaustive]
pub enum Task {
    /// Print the JSON Schema of seed files
    Schema,
}

impl Arguments {
    /// Does what was asked for: serves until the process is told to end (by SIGTERM or Ctrl-C), after a line of JSON that
    /// says that it is ready, or prints a schema.
    ///
    /// # Errors
    /// If the emulator cannot start, or nothing can be written.
    pub async fn run(self, mut out: impl Write) -> Result<(), CliError> {
        match self.command {
            Some(Task::Schema) => {
                serde_json::to_writer_pretty(&mut out, &seed::json_schema()).map_err(std::io::Error::from)?;
                Ok(writeln!(out)?)
            }
            None => self.options.serve(out).await,
        }
    }
}

impl Options {
    async fn serve(self, mut out: impl Write) -> Result<(), CliError> {
        // From here on a signal ends the emulator in good order, also while it starts.
        let mut ending = std::pin::pin!(told_to_end()?);
        let (builder, ca) = self.builder()?;
        let emulator = tokio::select! {
            emulator = builder.start() => emulator?,
            () = ending.as_mut() => return Ok(()),
        };
        let ready = Ready::of(&emulator, ca.as_ref().map(options::CaFolder::certificate));
        serde_json::to_writer(&mut out, &ready).map_err(std::io::Error::from)?;
        writeln!(out)?;
        out.flush()?;
        tracing::info!(um = emulator.um_url(), ims = emulator.ims_url(), "the emulator is ready");
        ending.await;
        tracing::info!("the emulator ends");
        emulator.stop().await;
        Ok(())
    }
}

/// Waits for SIGTERM or Ctrl-C.
#[cfg(unix)]
fn told_to_end() -> Result<impl Future<Output = ()>, CliError> {
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
fn told_to_end() -> Result<impl Future<Output = ()>, CliError> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
