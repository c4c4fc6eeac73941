//! The command line as a whole.

use std::{path::PathBuf, time::Duration};

use clap::{Args, CommandFactory, Parser, ValueEnum};

use crate::commands::Command;

/// Administers the users and groups of an organization by Adobe's User Management API.
#[derive(Debug, Parser)]
#[command(
    name = "umapi",
    version,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "\
Examples:
  umapi auth check                                  is the login good, and what is missing?
  umapi users list --domain example.com             everybody of a domain
  umapi members add Design ann@example.com          one more member
  umapi run commands.csv --test-only                check a thousand commands, do nothing
  umapi --emulator users list                       try any command without an organization

More: umapi help exit-codes | formats | command-files | membership-file | configuration"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,

    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// The surface, for completions.
    pub(crate) fn surface() -> clap::Command {
        let mut surface = Self::command();
        surface.build();
        surface
    }
}

/// What every command takes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// The profile of the configuration to use: which organization, which login.
    #[arg(long, short, global = true, env = "UMAPI_PROFILE", hide_env_values = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// The configuration file, in place of the platform's.
    #[arg(long, global = true, env = "UMAPI_CONFIG", hide_env_values = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Runs against a throw-away organization on this machine. Nothing is logged in to, nothing stays.
    #[arg(long, global = true)]
    pub(crate) emulator: bool,

    /// How to write the result. `umapi help formats` says more.
    #[arg(long, short, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,

    /// No progress, no hints on stderr: only errors.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,

    /// How long a wait for the service's limits may be: `90s`, `10m`, `2h`. With `0s`, none. Without it, any.
    #[arg(long, global = true, env = "UMAPI_MAX_WAIT", hide_env_values = true, value_name = "TIME", value_parser = duration)]
    pub(crate) max_wait: Option<Duration>,

    /// How long one request may take.
    #[arg(long, global = true, env = "UMAPI_TIMEOUT", hide_env_values = true, value_name = "TIME", value_parser = duration, default_value = "2m")]
    pub(crate) timeout: Duration,

    /// Does not hold back by the limits that the service documents: for an emulator without limits.
    #[arg(long, global = true)]
    pub(crate) no_pace: bool,

    /// Says more about requests, retries and waits on stderr; twice: all there is.
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// When to use colours. `auto` looks at the terminal and at NO_COLOR.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: Colour,
}

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Table,
    Json,
    Ndjson,
    Csv,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    #[default]
    Auto,
    Always,
    Never,
}

/// Reads `90s`, `10m`, `1h 30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let unreadable = || format!("`{text}` is no time: give one like 90s, 10m or 1h30m");
    let signed: jiff::SignedDuration = text.parse().map_err(|_| unreadable())?;
    Duration::try_from(signed).map_err(|_| unreadable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surface_is_sound() {
        Cli::command().debug_assert();
    }

    /// Every command with its arguments, except the global options, which stand at the top once.
    fn write_surface(command: &clap::Command, path: &str, out: &mut String) {
        let path = format!("{path}{}", command.get_name());
        let mut shown = command.clone().term_width(100).disable_version_flag(true).bin_name(path.clone());
        let help = shown.render_long_help().to_string();
        let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
        *out += &format!("==== {path}\n\n{}\n\n", lines.join("\n").trim_end());
        for subcommand in command.get_subcommands() {
            write_surface(subcommand, &format!("{path} "), out);
        }
    }

    #[test]
    fn the_surface_is_what_was_promised() {
        let mut surface = String::new();
        write_surface(&Cli::command(), "", &mut surface);
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/surface.txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(golden, &surface).unwrap();
        }
        let promised = std::fs::read_to_string(golden).unwrap_or_default();
        let difference = similar::TextDiff::from_lines(&promised, &surface).unified_diff().to_string();
        assert!(difference.is_empty(), "the surface changed; if it is meant, set UPDATE_GOLDEN=1:\n{difference}");
    }

    #[test]
    fn times_are_read_in_words() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        for bad in ["90", "-5s", "soon", ""] {
            assert!(duration(bad).unwrap_err().contains("10m"), "{bad}");
        }
    }
}
