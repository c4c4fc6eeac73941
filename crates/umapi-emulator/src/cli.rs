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

mod options;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use serde::Serialize;
use umapi_recording::{Recording, RecordingError};

pub use options::Options;

use crate::{
    emulator::{Emulator, StartError},
    judge,
    seed::{self, SeedError},
};

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
    /// Compare a recording of the real service with the description and the emulator's rules
    ///
    /// Prints what the recording proves and disproves, by the numbers of DIFFERENCES.md, and what no description has. Make a
    /// recording with "umapi --record FILE". Exits with 1 if the recording contradicts something, with 2 if it cannot be read.
    CompareRecording {
        /// The recording
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

impl Arguments {
    /// Runs the command: prints a line of JSON when the emulator is ready and serves until it is stopped, or prints a schema.
    ///
    /// # Errors
    /// If the emulator cannot start, or the output cannot be written.
    pub async fn run(self, mut out: impl Write) -> Result<(), CliError> {
        match self.command {
            Some(Task::Schema) => {
                let schema = serde_json::to_string_pretty(&seed::json_schema()).map_err(io::Error::from)?;
                write_line(&mut out, &schema)
            }
            Some(Task::CompareRecording { file, json }) => {
                let comparison = judge::compare(&Recording::open(file)?)?;
                let text = match json {
                    true => serde_json::to_string_pretty(&comparison).map_err(io::Error::from)?,
                    false => comparison.to_string().trim_end().to_owned(),
                };
                write_line(&mut out, &text)?;
                if comparison.has_contradictions() { Err(CliError::Contradicted) } else { Ok(()) }
            }
            None => self.options.serve(out).await,
        }
    }
}

impl Options {
    async fn serve(self, mut out: impl Write) -> Result<(), CliError> {
        // From here on, a signal stops the emulator gracefully, also while it starts.
        let signal = shutdown_signal()?;
        let end_of_input = end_of_input(self.exit_on_eof);
        let mut shutdown = std::pin::pin!(async {
            tokio::select! {
                () = signal => {}
                () = end_of_input => {}
            }
        });
        let (builder, ca) = self.builder()?;
        let emulator = tokio::select! {
            emulator = builder.start() => emulator?,
            () = shutdown.as_mut() => return Ok(()),
        };
        let ready = Ready::of(&emulator, ca.as_ref().map(options::CaFolder::certificate));
        write_line(&mut out, &serde_json::to_string(&ready).map_err(io::Error::from)?)?;
        let console = emulator.console_url();
        tracing::info!(
            um = emulator.um_url(),
            ims = emulator.ims_url(),
            console = console.as_deref().unwrap_or("off"),
            "the emulator is ready"
        );
        if let Some(url) = console.filter(|_| self.open) {
            open(url);
        }
        shutdown.await;
        tracing::info!("the emulator stops");
        emulator.stop().await;
        Ok(())
    }
}

/// Opens a page in the browser, on a thread of its own: some browsers return when their window is closed. A machine without a
/// browser is not an error.
fn open(url: String) {
    std::thread::spawn(move || {
        if let Err(error) = webbrowser::open(&url) {
            tracing::warn!(%error, url, "cannot open a browser; open the address of the console yourself");
        }
    });
}

/// Writes a line. A reader that closed the pipe is not an error, as in `umapi-emulator schema | head -1`.
fn write_line(out: &mut impl Write, line: &str) -> Result<(), CliError> {
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CliError::Output(error)),
        _ => Ok(()),
    }
}

/// Waits until standard input is closed or cannot be read, or forever. The thread is never joined: a blocking task of the runtime
/// would keep the process alive until the next input.
async fn end_of_input(awaited: bool) {
    let (closed, wait) = tokio::sync::oneshot::channel();
    if awaited {
        std::thread::spawn(move || {
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            let _ = closed.send(());
        });
        let _ = wait.await;
    } else {
        std::future::pending().await
    }
}

/// Waits for SIGTERM, Ctrl-C, or SIGHUP, which a dropped session sends. `nohup` makes the system ignore SIGHUP, and so does
/// this.
#[cfg(unix)]
fn shutdown_signal() -> Result<impl Future<Output = ()>, CliError> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut hang_up = if ignores_hang_up() { None } else { Some(signal(SignalKind::hangup())?) };
    Ok(async move {
        let hung_up = async {
            match &mut hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hung_up => {}
        }
    })
}

/// Whether the process was started with SIGHUP ignored, as by `nohup`.
#[cfg(target_os = "linux")]
fn ignores_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).is_some_and(|bits| bits & 1 != 0)
}

/// Whether SIGHUP may be ignored: without a terminal, the process may run under `nohup`.
#[cfg(all(unix, not(target_os = "linux")))]
fn ignores_hang_up() -> bool {
    use std::io::IsTerminal;
    !std::io::stderr().is_terminal()
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
fn shutdown_signal() -> Result<impl Future<Output = ()>, CliError> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// The line that the command prints when the emulator is ready: everything that a client needs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Ready {
    /// Always `ready`.
    pub status: &'static str,
    /// The URL of the User Management API: HTTP if it is enabled, otherwise HTTPS.
    pub um_url: String,
    /// The URL of the login: HTTP if it is enabled, otherwise HTTPS.
    pub ims_url: String,
    /// The HTTPS URL of the User Management API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub um_https_url: Option<String>,
    /// The HTTPS URL of the login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ims_https_url: Option<String>,
    /// The URL of the management API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub management_url: Option<String>,
    /// The URL of the console, which shows and changes the state in a browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console_url: Option<String>,
    /// The id of the first organization.
    pub organization: String,
    /// Credentials for it, for both kinds of login.
    pub credentials: ReadyCredentials,
    /// The file of the certificate that clients must trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_path: Option<PathBuf>,
    /// The process id.
    pub pid: u32,
}

/// The credentials in the ready line.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReadyCredentials {
    /// The client id, which is also the API key.
    pub client_id: String,
    /// The client secret.
    pub client_secret: String,
    /// The technical account.
    pub technical_account_id: String,
    /// The private key that signs JWTs, in PEM.
    pub private_key: String,
    /// The scopes for the login with client credentials.
    pub scopes: String,
    /// The metascope for the login with a JWT.
    pub metascope: String,
}

impl std::fmt::Debug for ReadyCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadyCredentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl Ready {
    /// The ready line of an emulator.
    #[must_use]
    pub fn of(emulator: &Emulator, ca_path: Option<&Path>) -> Self {
        let credentials = emulator.credentials().clone();
        Self {
            status: "ready",
            um_url: emulator.um_url(),
            ims_url: emulator.ims_url(),
            um_https_url: emulator.um_https_url(),
            ims_https_url: emulator.ims_https_url(),
            management_url: emulator.management_url(),
            console_url: emulator.console_url(),
            organization: emulator.org_id().to_owned(),
            credentials: ReadyCredentials {
                client_id: credentials.client_id,
                client_secret: credentials.client_secret,
                technical_account_id: credentials.technical_account_id,
                private_key: credentials.private_key_pem,
                scopes: credentials.scopes,
                metascope: credentials.metascope,
            },
            ca_path: ca_path.map(Path::to_owned),
            pid: std::process::id(),
        }
    }
}

/// The error of the command.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// The emulator could not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The seed is invalid.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// `--seed` is a number, but there is nothing to generate.
    #[error("--seed is a number, which is for generated users: add --users N, or give a file")]
    NumberAlone,
    /// The seed file has no organization for the generated users.
    #[error("the seed has no organization for the generated users: add one under `organizations`")]
    NothingToGenerateFor,
    /// A recording is not usable.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// A recording cannot be compared.
    #[error(transparent)]
    Judge(#[from] judge::JudgeError),
    /// A recording contradicts the description or the emulator.
    #[error("the recording contradicts what is listed above; tell us, as DIFFERENCES.md says")]
    Contradicted,
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[source] io::Error),
    /// A folder or a stream is not usable.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl CliError {
    /// The exit code: 2 if an argument or a file is wrong, otherwise 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Seed(_)
            | Self::NumberAlone
            | Self::NothingToGenerateFor
            | Self::Recording(_)
            | Self::Judge(judge::JudgeError::Recording(_)) => 2,
            Self::Start(_) | Self::Judge(_) | Self::Contradicted | Self::Output(_) | Self::Io(_) => 1,
        }
    }
}
