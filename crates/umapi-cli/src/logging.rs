//! Logs, on stderr.

use std::io;

use tracing_subscriber::EnvFilter;

/// Writes logs to stderr: those of `UMAPI_LOG` if it is set, else as much as was asked for. They hold no secrets.
pub(crate) fn begin(verbosity: u8) {
    let level = match verbosity {
        0 => "off",
        1 => "umapi=debug,umapi_auth=debug",
        _ => "umapi=trace,umapi_auth=trace,reqwest=debug,hyper_util=debug",
    };
    begin_with(level, "UMAPI_LOG");
}

/// The same for a command that logs on its own, in place of a result.
pub(crate) fn begin_with(default: &str, variable: &str) {
    let filter = EnvFilter::try_from_env(variable).unwrap_or_else(|_| EnvFilter::new(default));
    // Only the first one counts, and there is one.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).try_init();
}
