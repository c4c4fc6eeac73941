//! The `umapi-emulator` command.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use tracing_subscriber::EnvFilter;
use umapi_emulator::cli::Arguments;

/// Emulate the Adobe User Management API and its login on this machine
///
/// Prints one line of JSON when it is ready: URLs, organization, credentials (which are public) and the path of the certificate
/// to trust. Logs go to standard error.
#[derive(Debug, Parser)]
#[command(name = "umapi-emulator", version)]
struct Command {
    #[command(flatten)]
    arguments: Arguments,
    /// Log level: error, warn, info, debug or trace, or levels by module
    #[arg(long, global = true, value_name = "FILTER", default_value = "info", env = "UMAPI_EMULATOR_LOG")]
    log: EnvFilter,
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Command::parse();
    // A log line that cannot be written must not end the emulator: reporting it on a closed stderr would panic.
    let subscriber = tracing_subscriber::fmt().with_env_filter(command.log).with_writer(io::stderr);
    subscriber.log_internal_errors(false).init();
    match command.arguments.run(io::stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "umapi-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}
