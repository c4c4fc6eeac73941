//! Logs on stderr. They contain no secrets.

use std::{
    env::{self, VarError},
    fmt, io,
};

use tracing::field::{Field, Visit};
use tracing_subscriber::{
    EnvFilter,
    field::RecordFields,
    fmt::{FormatFields, format::Writer},
};

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
        LogFormat::Text => subscriber.fmt_fields(ReadableFields).try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
    Ok(())
}

/// Fields as people read them: spans have their names, without what only OpenTelemetry needs. JSON has everything.
struct ReadableFields;

impl<'writer> FormatFields<'writer> for ReadableFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut readable = Readable { writer, is_first: true, result: Ok(()) };
        fields.record(&mut readable);
        readable.result
    }
}

/// The areas of names that a reader of text has no use for.
const FOR_MACHINES: [&str; 5] = ["otel.", "rpc.", "server.", "url.", "http.request.method"];

struct Readable<'writer> {
    writer: Writer<'writer>,
    is_first: bool,
    result: fmt::Result,
}

impl Readable<'_> {
    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let name = match field.name() {
            "message" | "otel.name" => None,
            name if FOR_MACHINES.iter().any(|area| name.starts_with(area)) => return,
            name => Some(name),
        };
        if self.result.is_err() {
            return;
        }
        let separator = if std::mem::take(&mut self.is_first) { "" } else { " " };
        self.result = match name {
            Some(name) => write!(self.writer, "{separator}{name}={value}"),
            None => write!(self.writer, "{separator}{value}"),
        };
    }
}

impl Visit for Readable<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" | "otel.name" => self.write(field, format_args!("{value}")),
            _ => self.write(field, format_args!("{value:?}")),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{Level, field::Empty};

    use super::*;

    /// A log in memory.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_has_the_names_of_spans_and_what_people_read() {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt()
            .with_writer({
                let log = log.clone();
                move || log.clone()
            })
            .with_ansi(false)
            .without_time()
            .with_target(false)
            .fmt_fields(ReadableFields)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::span!(
                Level::INFO,
                "call",
                otel.name = %"Service/listUsers",
                otel.kind = "client",
                server.port = 443,
                umapi.request.id = "1f",
                error.type = Empty,
            );
            let _entered = span.enter();
            tracing::info!(status = 200, why = "it is so", "request finished");
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let expected =
            " INFO call{Service/listUsers umapi.request.id=\"1f\"}: request finished status=200 why=\"it is so\"\n";
        assert_eq!(text, expected);
    }
}
