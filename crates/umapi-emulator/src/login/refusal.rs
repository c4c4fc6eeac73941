use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde_json::json;

use crate::http::Answer;
use crate::store::StoreError;

/// Why a login got no token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LoginRefusal {
    /// 400: an error of the catalogue, and what is wrong.
    Bad(&'static str, String),
    /// 401: the client is known and may not log in like this.
    Client(&'static str),
    /// The emulator itself failed.
    Fault(String),
}

impl LoginRefusal {
    pub(super) fn bad(error: &'static str, description: impl Into<String>) -> Self {
        Self::Bad(error, description.into())
    }

    pub(super) fn answer(&self) -> Answer {
        let (status, error, description) = match self {
            Self::Bad(error, description) => (StatusCode::BAD_REQUEST, *error, description.as_str()),
            Self::Client(description) => (StatusCode::UNAUTHORIZED, "invalid_client", *description),
            Self::Fault(reason) => return Answer::fault(reason),
        };
        Answer::json(status, &json!({"error": error, "error_description": description}))
            .with_header(CACHE_CONTROL, HeaderValue::from_static("no-store"))
    }
}

impl From<StoreError> for LoginRefusal {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.to_string())
    }
}
