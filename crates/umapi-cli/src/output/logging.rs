//! Logs on stderr. They contain no secrets.

use std::{
    env::{self, VarError},
    io,
};

use tracing_subscriber::EnvFilter;

use crate::{
    failure::{Failure, Result},
    options::LogFormat,
};

/// Starts logging as `UMAPI_LOG` says, or else at the level of `--verbose`.
pub(crate) fn start(verbosity: u8, format: LogFormat) -> Result<()> {
    let level = match verbosity {
        0 => "off",
        1 => "umapi=debug,umapi_auth=debug",
        _ => "umapi=trace,umapi_auth=trace,reqwest=debug,hyper_util=debug",
    };
    start_with(level, "UMAPI_LOG", format)
}

/// Starts logging as an environment variable says, or else at the default level.
pub(crate) fn start_with(default: &str, variable: &str, format: LogFormat) -> Result<()> {
    let unusable = || {
        Failure::usage(format!("the variable {variable} is not a list of log levels"))
            .remedy(format!("use e.g. umapi=debug, or unset {variable}"))
    };
    let filter = match env::var(variable) {
        Ok(text) if !text.trim().is_empty() => EnvFilter::try_new(text).map_err(|_| unusable())?,
        Ok(_) | Err(VarError::NotPresent) => EnvFilter::new(default),
        Err(VarError::NotUnicode(_)) => return Err(unusable()),
    };
    // An unwritable log line must not end the work: reporting it on stderr would panic if stderr is closed.
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).log_internal_errors(false);
    // Only the first call takes effect, and each process calls it once.
    let _ = match format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
    Ok(())
}
