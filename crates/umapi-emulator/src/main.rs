//! The `umapi-emulator` command.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{CommandFactory, Parser, ValueEnum};
use clap_complete::Shell;
use tracing_subscriber::EnvFilter;
use umapi_emulator::{
    cli::{Arguments, CliError},
    printable,
};

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
    /// Print the manual page or the completion script of a shell
    #[arg(long, value_name = "KIND")]
    generate: Option<Generated>,
}

/// A text about the command, which packages contain.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Generated {
    Man,
    Bash,
    Elvish,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
}

impl Generated {
    fn text(self) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        let shell = match self {
            Self::Man => {
                clap_mangen::Man::new(Command::command()).render(&mut text)?;
                return Ok(text);
            }
            Self::Bash => Shell::Bash,
            Self::Elvish => Shell::Elvish,
            Self::Fish => Shell::Fish,
            Self::PowerShell => Shell::PowerShell,
            Self::Zsh => Shell::Zsh,
        };
        clap_complete::generate(shell, &mut Command::command(), "umapi-emulator", &mut text);
        Ok(text)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Command::parse();
    if let Some(kind) = command.generate {
        return match kind.text().and_then(|text| io::stdout().write_all(&text)) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => failed(&CliError::Output(error)),
            _ => ExitCode::SUCCESS,
        };
    }
    // A log line that cannot be written must not end the emulator: reporting it on a closed stderr would panic.
    let subscriber = tracing_subscriber::fmt().with_env_filter(command.log).with_writer(io::stderr);
    subscriber.log_internal_errors(false).init();
    match command.arguments.run(io::stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Shows an error. It may quote a file that somebody else wrote.
fn failed(error: &CliError) -> ExitCode {
    let _ = writeln!(io::stderr(), "umapi-emulator: {}", printable(&error.to_string()));
    ExitCode::from(error.exit_code())
}
