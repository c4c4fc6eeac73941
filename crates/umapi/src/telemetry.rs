#![doc = include_str!("telemetry.md")]

#[cfg(feature = "opentelemetry")]
mod metrics;

use std::borrow::Cow;

#[cfg(feature = "opentelemetry")]
pub use metrics::MetricsObserver;
use tracing::{Span, field::Empty};
use umapi_http::ServerUrl;
use umapi_model::{ErrorCode, Operation};

use crate::error::{Error, Kind};

/// The service, as the name of an operation begins in telemetry.
const SERVICE: &str = "UserManagement";

/// The version of the conventions that the names follow.
#[cfg(feature = "opentelemetry")]
const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

/// The system of the calls in telemetry.
pub(crate) const SYSTEM: &str = "umapi";

/// The qualified name of an operation, e.g. `UserManagement/listUsers`.
#[cfg(feature = "opentelemetry")]
pub(crate) fn method(operation: &str) -> String {
    format!("{SERVICE}/{operation}")
}

/// The span of a call, with all its waits and attempts.
pub(crate) struct CallSpan(Span);

impl CallSpan {
    pub(crate) fn new(server: Option<&ServerUrl>, operation: Operation) -> Self {
        let operation = operation.id();
        Self(tracing::info_span!(
            "umapi.call",
            otel.name = %format_args!("{SERVICE}/{operation}"),
            otel.kind = "client",
            otel.status_code = Empty,
            rpc.system.name = SYSTEM,
            rpc.method = %format_args!("{SERVICE}/{operation}"),
            server.address = server.map(ServerUrl::host),
            server.port = server.map(ServerUrl::port),
            error.type = Empty,
            umapi.error.code = Empty,
            umapi.requests = Empty,
        ))
    }

    pub(crate) fn span(&self) -> Span {
        self.0.clone()
    }

    /// Records the number of requests, and the error if there is one.
    pub(crate) fn end(&self, requests: u32, error: Option<&Error>) {
        self.0.record("umapi.requests", requests);
        if let Some(error) = error {
            record(&self.0, error);
        }
    }
}

/// The span of a run, with all its calls. It records the number of requests when it ends.
pub(crate) struct RunSpan {
    span: Span,
    requests: u64,
}

impl RunSpan {
    pub(crate) fn new() -> Self {
        let span = tracing::info_span!(
            "umapi.run",
            otel.status_code = Empty,
            error.type = Empty,
            umapi.error.code = Empty,
            umapi.requests = Empty,
        );
        Self { span, requests: 0 }
    }

    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Notes how far the run is.
    pub(crate) fn progress(&mut self, given: usize, ended: usize, requests: u64) {
        self.requests = requests;
        self.span.in_scope(|| tracing::debug!(given, ended, requests, "progress"));
    }

    /// Records why the run ends early.
    pub(crate) fn fail(&self, error: &Error) {
        record(&self.span, error);
        self.span.in_scope(|| tracing::error!("the run ends early"));
    }
}

impl Drop for RunSpan {
    fn drop(&mut self) {
        self.span.record("umapi.requests", self.requests);
    }
}

fn record(span: &Span, error: &Error) {
    span.record("error.type", &*error.error_type());
    span.record("umapi.error.code", error.known_code());
    span.record("otel.status_code", "ERROR");
}

impl Error {
    /// The class of the error, as telemetry names it in `error.type`: the status of the response, or one of `invalid_input`,
    /// `login`, `connect`, `certificate`, `network`, `timeout`, `unreadable_response`, `endless_list`, `rate_limit_store`,
    /// `throttled`, `deadline`, `stopped` and `journal`.
    ///
    /// ```
    /// # async fn run(client: umapi::Client) {
    /// if let Err(error) = client.users().get("ann@example.com").await {
    ///     println!("one more {}", error.error_type()); // e.g. 503, or timeout
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn error_type(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self.kind() {
            Kind::Rejected(response) => return Cow::Owned(response.status.to_string()),
            Kind::Invalid(_) | Kind::Command(_) | Kind::Membership(_) | Kind::Unanswered(_) => "invalid_input",
            Kind::Login(_) => "login",
            Kind::Connect(_) => "connect",
            Kind::Certificate(_) => "certificate",
            Kind::Network(_) => "network",
            Kind::Timeout(_) => "timeout",
            Kind::Unreadable { .. } => "unreadable_response",
            Kind::NoProgress(_) => "endless_list",
            Kind::NotWhole { .. } => "list_not_whole",
            Kind::RateLimitStore(_) => "rate_limit_store",
            Kind::Throttled => "throttled",
            Kind::Deadline { .. } => "deadline",
            Kind::Stopped => "stopped",
            Kind::Journal(_) => "journal",
        })
    }

    /// The code of the service, if the description has it. Anything else may be any text.
    pub(crate) fn known_code(&self) -> Option<&str> {
        self.code().filter(|code| !matches!(code, ErrorCode::Other(_))).map(ErrorCode::as_str)
    }
}
