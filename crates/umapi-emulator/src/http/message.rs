//! A request that was read completely, and a response that is ready to be written.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{CONTENT_TYPE, HeaderName},
};
use serde::Serialize;

use crate::{journal::Stage, limits::ExceededLimit};

/// A request, read completely.
#[derive(Clone)]
pub(crate) struct Request {
    /// The `X-Request-Id` of the request, or a generated one.
    pub(crate) id: String,
    pub(crate) method: Method,
    /// The path as received: percent-encoded, from the root.
    pub(crate) path: String,
    /// The query as received: percent-encoded, without the question mark.
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    /// The value of a header, if it is text. If the header is repeated, the first value wins.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The parameters of the query, decoded.
    pub(crate) fn query_pairs(&self) -> impl Iterator<Item = (String, String)> + '_ {
        form_urlencoded::parse(self.query.as_deref().unwrap_or_default().as_bytes()).into_owned()
    }
}

/// A response. The server adds `X-Request-Id`, `Date` and `Content-Length`.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The limit that refused the request, for the journal.
    pub(crate) exceeded_limit: Option<ExceededLimit>,
    /// Who decided it, for the journal.
    pub(crate) stage: Stage,
}

impl Response {
    /// A status without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new(), exceeded_limit: None, stage: Stage::Service }
    }

    /// A value as JSON. A value that cannot be serialized is a failure of the emulator: 500, with the reason.
    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::of_type(status, "application/json", body),
            Err(error) => Self::failure(&error.to_string()),
        }
    }

    /// A body of another type.
    pub(crate) fn of_type(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let response = Self { body: body.into(), ..Self::empty(status) };
        response.with_header(CONTENT_TYPE, HeaderValue::from_static(content_type))
    }

    /// A failure of the emulator itself: 500, with the reason, in the shape of the service's errors.
    pub(crate) fn failure(reason: &str) -> Self {
        tracing::error!(reason, "the emulator failed");
        let body =
            serde_json::json!({"result": "error.internal.exceptionflys", "message": format!("emulator: {reason}")});
        Self::of_type(StatusCode::INTERNAL_SERVER_ERROR, "application/json", body.to_string())
    }

    /// Notes who decided it.
    pub(crate) fn decided_by(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    /// Adds a header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }
}
