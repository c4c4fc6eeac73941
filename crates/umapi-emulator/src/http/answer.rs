use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

/// An answer, ready to be written. The server adds `X-Request-Id`, `Date` and the length.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// A status and nothing else.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// A value as JSON. What cannot be written as JSON is a fault of the emulator: 500, with the reason.
    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::of_type(status, "application/json", body),
            Err(error) => Self::fault(&error.to_string()),
        }
    }

    /// A body of some other type.
    pub(crate) fn of_type(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let answer = Self { body: body.into(), ..Self::empty(status) };
        answer.with_header(CONTENT_TYPE, HeaderValue::from_static(content_type))
    }

    /// The emulator itself failed: 500, with the reason, in the shape of the service's errors.
    pub(crate) fn fault(reason: &str) -> Self {
        tracing::error!(reason, "the emulator failed");
        let body =
            serde_json::json!({"result": "error.internal.exceptionflys", "message": format!("emulator: {reason}")});
        Self::of_type(StatusCode::INTERNAL_SERVER_ERROR, "application/json", body.to_string())
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }
}
