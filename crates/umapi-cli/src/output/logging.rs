//! Logs on stderr. They contain no secrets.

use std::io;

use tracing_subscriber::EnvFilter;

use crate::options::LogFormat;

/// Starts logging as `UMAPI_LOG` says, or else at the level of `--verbose`.
pub(crate) fn start(verbosity: u8, format: LogFormat) {
    let level = match verbosity {
        0 => "off",
        1 => "umapi=debug,umapi_auth=debug",
        _ => "umapi=trace,umapi_auth=trace,reqwest=debug,hyper_util=debug",
    };
    start_with(level, "UMAPI_LOG", format);
}

/// Starts logging as an environment variable says, or else at the default level.
pub(crate) fn start_with(default: &str, variable: &str, format: LogFormat) {
    let filter = EnvFilter::try_from_env(variable).unwrap_or_else(|_| EnvFilter::new(default));
    // An unwritable log line must not end the work: reporting it on stderr would panic if stderr is closed.
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).log_internal_errors(false);
    // Only the first call takes effect, and each process calls it once.
    let _ = match format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
}
