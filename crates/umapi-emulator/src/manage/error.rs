//! The error of a management call, and its HTTP response.

use std::{borrow::Cow, fmt};

use http::StatusCode;
use serde_json::json;

use crate::{
    clock::ClockError,
    engine::{EngineError, Rejection},
    faults::FaultError,
    http::Response,
    limits::LimitError,
    seed::SeedError,
    store::StoreError,
};

/// The error of a management call.
#[derive(Debug)]
pub struct ManageError {
    kind: Kind,
    code: Cow<'static, str>,
    message: String,
    location: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Invalid,
    NotFound,
    Conflict,
    Failure,
}

impl ManageError {
    fn new(kind: Kind, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { kind, code: code.into(), message: message.into(), location: None }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, "emulator.request.invalid", message)
    }

    pub(super) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, code, message)
    }

    pub(super) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, code, message)
    }

    pub(super) fn failed(reason: impl Into<String>) -> Self {
        Self::new(Kind::Failure, "emulator.failed", reason)
    }

    /// The service's code of the broken rule, or a code that begins with `emulator.`.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Whether a named entity does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind == Kind::NotFound
    }

    /// Whether the entity exists already, or the state of the emulator does not allow the call.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.kind == Kind::Conflict
    }

    /// The status of its HTTP response.
    pub(crate) fn status(&self) -> StatusCode {
        match self.kind {
            Kind::Invalid => StatusCode::BAD_REQUEST,
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::Failure => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(super) fn response(&self) -> Response {
        let status = self.status();
        let mut body = json!({"code": self.code, "message": self.message});
        if let Some(location) = &self.location {
            body["place"] = json!(location);
        }
        Response::json(status, &body)
    }
}

/// Whether the code says that an entity exists already.
fn is_taken(code: &str) -> bool {
    code.ends_with(".exists")
        || code.ends_with(".already_exists")
        || matches!(code, "error.user.already_in_org" | "emulator.domain.claimed")
}

impl From<Rejection> for ManageError {
    fn from(rejection: Rejection) -> Self {
        let kind = if is_taken(&rejection.code) { Kind::Conflict } else { Kind::Invalid };
        Self::new(kind, rejection.code, rejection.message)
    }
}

impl From<EngineError> for ManageError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Rejected(rejection) => rejection.into(),
            EngineError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for ManageError {
    fn from(error: StoreError) -> Self {
        Self::new(Kind::Failure, "emulator.store.failed", error.to_string())
    }
}

impl From<SeedError> for ManageError {
    fn from(error: SeedError) -> Self {
        match error {
            SeedError::Store(error) => error.into(),
            SeedError::Rule { pointer, code, message } => {
                let kind = if is_taken(&code) { Kind::Conflict } else { Kind::Invalid };
                Self { location: Some(pointer).filter(|pointer| !pointer.is_empty()), ..Self::new(kind, code, message) }
            }
            other => Self::new(Kind::Invalid, "emulator.seed.invalid", other.to_string()),
        }
    }
}

impl From<ClockError> for ManageError {
    fn from(error: ClockError) -> Self {
        let kind = if error == ClockError::OutOfRange { Kind::Invalid } else { Kind::Conflict };
        Self::new(kind, "emulator.clock.refused", error.to_string())
    }
}

impl From<FaultError> for ManageError {
    fn from(error: FaultError) -> Self {
        Self::new(Kind::Invalid, "emulator.fault.invalid", error.to_string())
    }
}

impl From<LimitError> for ManageError {
    fn from(error: LimitError) -> Self {
        Self::new(Kind::Invalid, "emulator.limits.invalid", error.to_string())
    }
}

impl fmt::Display for ManageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "{} at {location} ({})", self.message, self.code),
            None => write!(f, "{} ({})", self.message, self.code),
        }
    }
}

impl std::error::Error for ManageError {}
