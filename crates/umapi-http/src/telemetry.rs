//! The span of one HTTP request, after the conventions of OpenTelemetry.
//!
//! Spans leave the process, and are read by more people than may read the requests. So they have no text of a user, of a group
//! or of a server, but what the program itself knows: methods, paths with the names of their parameters, numbers and ids.

use std::time::Duration;

use tracing::{Instrument, Span, field::Empty, instrument::Instrumented};

use crate::{ResponseHead, ServerUrl};

/// The longest identifier that is recorded.
const LONGEST_IDENTIFIER: usize = 128;

/// What is recorded in place of a text of a server that may be anything.
const OTHER: &str = "_OTHER";

/// The span of one attempt to send a request: a client span of OpenTelemetry.
///
/// ```
/// use umapi_http::{RequestSpan, Server, ServerUrl};
///
/// const SERVICE: Server = Server { name: "service", example: "https://um.example" };
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = ServerUrl::parse("https://um.example/v2", SERVICE)?;
/// let span = RequestSpan::new(&server, "GET", "/users/{orgId}/{page}", 0, Some("6f1c"));
/// span.end(None, Some("timeout"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RequestSpan(Span);

impl RequestSpan {
    /// Begins a span in the current one. `template` is the path below the server's URL, with the names of its parameters in
    /// place of their values; empty if the URL is the whole address. `resends` counts the attempts before this one.
    pub fn new(server: &ServerUrl, method: &str, template: &str, resends: u32, request_id: Option<&str>) -> Self {
        let separator = if template.is_empty() { "" } else { " " };
        Self(tracing::info_span!(
            "http.request",
            otel.name = %format_args!("{method}{separator}{template}"),
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = method,
            http.request.resend_count = (resends > 0).then_some(resends),
            http.response.status_code = Empty,
            error.type = Empty,
            network.protocol.version = Empty,
            server.address = server.host(),
            server.port = server.port(),
            url.full = %format_args!("{}{template}", server.as_str()),
            url.template = (!template.is_empty()).then_some(template),
            umapi.request.id = request_id.map(identifier),
            umapi.response.id = Empty,
        ))
    }

    /// Runs a future in the span.
    pub fn around<F: Future>(&self, future: F) -> Instrumented<F> {
        future.instrument(self.0.clone())
    }

    /// Runs a function in the span.
    pub fn within<T>(&self, run: impl FnOnce() -> T) -> T {
        self.0.in_scope(run)
    }

    /// Records the end: the head of the response, if there was one, and the class of the error, if the attempt failed. An
    /// attempt that was cancelled records none.
    pub fn end(&self, head: Option<&ResponseHead>, error_type: Option<&str>) {
        if let Some(head) = head {
            self.0.record("http.response.status_code", head.status);
            self.0.record("network.protocol.version", head.protocol_version);
            self.0.record("umapi.response.id", head.request_id.as_deref().map(identifier));
        }
        if let Some(error_type) = error_type {
            self.0.record("error.type", error_type);
            self.0.record("otel.status_code", "ERROR");
        }
    }
}

/// A text of a server that may be recorded: a code or an id. Anything else, e.g. a text with an address, is `_OTHER`.
///
/// ```
/// use umapi_http::identifier;
///
/// assert_eq!(identifier("error.apikey.invalid"), "error.apikey.invalid");
/// assert_eq!(identifier("ann@example.com is unknown"), "_OTHER");
/// ```
pub fn identifier(text: &str) -> &str {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte);
    let is_identifier = !text.is_empty() && text.len() <= LONGEST_IDENTIFIER && text.bytes().all(is_part);
    if is_identifier { text } else { OTHER }
}

/// A duration in milliseconds, as a number that every collector of traces knows.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_and_ids_are_identifiers() {
        for good in ["invalid_client", "0b6c-4f:1", "error.user.type_mismatch"] {
            assert_eq!(identifier(good), good);
        }
        let long = "x".repeat(LONGEST_IDENTIFIER + 1);
        for bad in ["", "ann@example.com", "Ann Example", "a/b", "Größe", "a\nb", &long] {
            assert_eq!(identifier(bad), OTHER, "{bad:?}");
        }
    }
}
