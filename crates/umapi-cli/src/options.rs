//! Options that every command takes, and the types of their values.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args, ValueEnum, builder::FalseyValueParser};

/// The greatest age of a list that is used, unless `--max-age` sets another one.
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(2 * 60 * 60);

/// The options that every command takes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Use this profile of the configuration (an organization and its login)
    #[arg(long, short, global = true, env = "UMAPI_PROFILE", hide_env_values = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// Read this configuration file; `umapi config path` shows the default
    #[arg(long, global = true, env = "UMAPI_CONFIG", hide_env_values = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Run against a temporary local organization; send nothing to Adobe
    #[arg(long, global = true)]
    pub(crate) emulator: bool,

    /// Write the result in this format; see `umapi help formats`
    #[arg(long, short, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,

    /// Show only warnings and errors on stderr, no progress and no notes
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,

    /// Longest time to wait for a rate limit, e.g. 90s [default: no limit]
    #[arg(
        long,
        global = true,
        env = "UMAPI_MAX_WAIT",
        hide_env_values = true,
        value_name = "TIME",
        value_parser = duration
    )]
    pub(crate) max_wait: Option<Duration>,

    /// Longest time for one request, e.g. 90s [default: 2m]
    #[arg(
        long,
        global = true,
        env = "UMAPI_TIMEOUT",
        hide_env_values = true,
        value_name = "TIME",
        value_parser = duration
    )]
    pub(crate) timeout: Option<Duration>,

    /// Use cached lists up to this age, e.g. 30m; see `umapi cache` [default: 2h]
    #[arg(
        long,
        global = true,
        env = "UMAPI_MAX_AGE",
        hide_env_values = true,
        value_name = "TIME",
        value_parser = duration
    )]
    pub(crate) max_age: Option<Duration>,

    /// Read lists again instead of using cached ones
    #[arg(long, global = true)]
    pub(crate) refresh: bool,

    /// Disable client-side rate limiting, e.g. for an emulator without limits
    #[arg(long, global = true)]
    pub(crate) no_rate_limit: bool,

    /// Refuse files with secrets that other users can read [default: warn]
    #[arg(long, global = true, env = "UMAPI_STRICT_PERMISSIONS", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) strict_permissions: bool,

    /// Record requests and responses in a new file, without names; see `umapi help recording`
    #[arg(long, global = true, env = "UMAPI_RECORD", hide_env_values = true, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,

    /// Log requests, retries and waits to stderr; -vv for everything
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Write messages and logs on stderr in this format, e.g. for a log collector
    #[arg(
        long,
        global = true,
        env = "UMAPI_LOG_FORMAT",
        hide_env_values = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub(crate) log_format: LogFormat,

    /// Use colors; `auto` checks the terminal and NO_COLOR
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: ColorWhen,
}

impl GlobalArgs {
    /// The greatest age of a cached list that is used. `None` if the cache is not used: a call that is not limited reads every
    /// list, unless it asks for the cache.
    pub(crate) fn max_age(&self) -> Option<Duration> {
        match self.max_age {
            None if self.no_rate_limit && !self.refresh => None,
            None => Some(DEFAULT_MAX_AGE),
            given => given,
        }
    }
}

/// The format of results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns, for people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// One JSON object per line
    Ndjson,
    /// Comma-separated values
    Csv,
    /// A page for a browser, of `umapi report` only
    Html,
}

/// The format of messages and logs on stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Text, for people
    #[default]
    Text,
    /// One JSON object per line; the last one is a summary
    Json,
}

/// When to use colors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    #[default]
    Auto,
    Always,
    Never,
}

/// Parses a duration such as `90s`, `10m` or `1h 30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let invalid = || format!("`{text}` is not a duration: use e.g. 90s, 10m or 1h30m");
    let signed: jiff::SignedDuration = text.parse().map_err(|_| invalid())?;
    Duration::try_from(signed).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        for bad in ["90", "-5s", "soon", ""] {
            assert!(duration(bad).unwrap_err().contains("10m"), "{bad}");
        }
    }
}

/// Arguments of all commands that change something.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct WriteArgs {
    /// Dry run: the service validates everything and changes nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Show only outcomes that are not completed, or that have warnings.
    #[arg(long)]
    pub(crate) problems_only: bool,
}

/// What to do if the user or user group to be created exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum IfExists {
    /// Reject the command.
    #[default]
    Error,
    /// Skip the create, and run the rest of the command.
    Ignore,
    /// Update the names or the description, and run the rest of the command.
    Update,
}
