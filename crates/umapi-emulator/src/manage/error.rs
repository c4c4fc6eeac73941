use std::borrow::Cow;
use std::fmt;

use http::StatusCode;
use serde_json::json;

use crate::clock::ClockError;
use crate::engine::{EngineError, Rejection};
use crate::faults::FaultError;
use crate::http::Response;
use crate::limits::LimitError;
use crate::seed::SeedError;
use crate::store::StoreError;

/// Why the management did not do something.
#[derive(Debug)]
pub struct ManageError {
    kind: Kind,
    code: Cow<'static, str>,
    message: String,
    place: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Invalid,
    NotFound,
    Conflict,
    Fault,
}

impl ManageError {
    fn new(kind: Kind, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { kind, code: code.into(), message: message.into(), place: None }
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
        Self::new(Kind::Fault, "emulator.failed", reason)
    }

    /// The service's code of the rule that was broken, or one that begins with `emulator.`.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Whether something that was named is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind == Kind::NotFound
    }

    /// Whether it is there already, or the emulator is not in a state in which this can be done.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.kind == Kind::Conflict
    }

    pub(super) fn response(&self) -> Response {
        let status = match self.kind {
            Kind::Invalid => StatusCode::BAD_REQUEST,
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut body = json!({"code": self.code, "message": self.message});
        if let Some(place) = &self.place {
            body["place"] = json!(place);
        }
        Response::json(status, &body)
    }
}

/// Codes of what is there already.
fn is_taken(code: &str) -> bool {
    code.ends_with(".exists")
        || code.ends_with(".already_exists")
        || matches!(code, "error.user.already_in_org" | "emulator.domain.claimed")
}

impl From<Rejection> for ManageError {
    fn from(refusal: Rejection) -> Self {
        let kind = if is_taken(&refusal.code) { Kind::Conflict } else { Kind::Invalid };
        Self::new(kind, refusal.code, refusal.message)
    }
}

impl From<EngineError> for ManageError {
    fn from(rejected: EngineError) -> Self {
        match rejected {
            EngineError::Rejected(refusal) => refusal.into(),
            EngineError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for ManageError {
    fn from(error: StoreError) -> Self {
        Self::new(Kind::Fault, "emulator.store.failed", error.to_string())
    }
}

impl From<SeedError> for ManageError {
    fn from(error: SeedError) -> Self {
        match error {
            SeedError::Store(error) => error.into(),
            SeedError::Rule { pointer, code, message } => {
                let kind = if is_taken(&code) { Kind::Conflict } else { Kind::Invalid };
                Self { place: Some(pointer).filter(|pointer| !pointer.is_empty()), ..Self::new(kind, code, message) }
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
        match &self.place {
            Some(place) => write!(f, "{} at {place} ({})", self.message, self.code),
            None => write!(f, "{} ({})", self.message, self.code),
        }
    }
}

impl std::error::Error for ManageError {}
