//! The results of a request: rejections, errors and warnings of steps, and the response as a whole.

use std::{borrow::Cow, fmt};

use serde::Serialize;

use crate::store::StoreError;

/// A broken rule of the service: its error code, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The service's code, e.g. `error.user.nonexistent`.
    pub code: Cow<'static, str>,
    /// What is wrong, with the field and the rule.
    pub message: String,
}

impl Rejection {
    /// Creates a rejection with one of the service's codes.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code: Cow::Borrowed(code), message: message.into() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Rejection {}

/// An error of the engine: a broken rule, or a failure of the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A rule of the service was broken.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Returns a rejection as an error.
pub(super) fn reject<T>(code: &'static str, message: impl Into<String>) -> Result<T, EngineError> {
    Err(EngineError::Rejected(Rejection::new(code, message)))
}

/// The result of an action request as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionResult {
    /// Every command was completed.
    Success,
    /// Some commands were completed.
    Partial,
    /// No command was completed.
    Error,
}

/// The response to an action request, with the service's keys in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ActionResponse {
    /// The result as a whole.
    pub result: ActionResult,
    /// Commands that were completed.
    pub completed: u32,
    /// Commands with a failed step.
    pub not_completed: u32,
    /// Commands that would have been completed, in test mode.
    pub completed_in_test_mode: u32,
    /// The steps that failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ActionError>,
    /// The steps that use deprecated names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<ActionWarning>,
}

/// A step that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ActionError {
    /// The command, counted from 0.
    pub index: u32,
    /// The step of the command, counted from 0.
    pub step: u32,
    /// What is wrong.
    pub message: String,
    /// The service's code for it.
    pub error_code: String,
    /// The command's own id, if it has one.
    #[serde(rename = "requestID", skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The root of the command: a user, or a user group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// A step that uses a deprecated name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ActionWarning {
    /// The command, counted from 0.
    pub index: u32,
    /// The step of the command, counted from 0.
    pub step: u32,
    /// What to use instead.
    pub message: String,
    /// The service's code for it.
    pub warning_code: String,
    /// The command's own id, if it has one.
    #[serde(rename = "requestID", skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The root of the command: a user, or a user group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// The parts of a command that its errors and warnings repeat.
#[derive(Debug, Clone, Default)]
pub(super) struct CommandRef {
    pub(super) index: u32,
    pub(super) request_id: Option<String>,
    pub(super) user: Option<String>,
}

impl CommandRef {
    pub(super) fn error(&self, step: u32, rejection: Rejection) -> ActionError {
        ActionError {
            index: self.index,
            step,
            message: rejection.message,
            error_code: rejection.code.into_owned(),
            request_id: self.request_id.clone(),
            user: self.user.clone(),
        }
    }

    pub(super) fn deprecated(&self, step: u32, message: String) -> ActionWarning {
        ActionWarning {
            index: self.index,
            step,
            message,
            warning_code: "warning.command.deprecated".to_owned(),
            request_id: self.request_id.clone(),
            user: self.user.clone(),
        }
    }
}

/// Collects the results of the commands of a request.
#[derive(Debug, Default)]
pub(super) struct ResponseBuilder {
    completed: u32,
    not_completed: u32,
    errors: Vec<ActionError>,
    warnings: Vec<ActionWarning>,
}

impl ResponseBuilder {
    /// Adds a command. One with any failed step counts as not completed, although its other steps stay done. The
    /// documentation does not say so; logs of Adobe's own tool suggest it.
    pub(super) fn command(&mut self, errors: Vec<ActionError>, warnings: Vec<ActionWarning>) {
        if errors.is_empty() {
            self.completed += 1;
        } else {
            self.not_completed += 1;
        }
        self.errors.extend(errors);
        self.warnings.extend(warnings);
    }

    pub(super) fn response(self, test_only: bool) -> ActionResponse {
        let result = match (self.completed, self.not_completed) {
            (_, 0) => ActionResult::Success,
            (0, _) => ActionResult::Error,
            _ => ActionResult::Partial,
        };
        ActionResponse {
            result,
            completed: if test_only { 0 } else { self.completed },
            not_completed: self.not_completed,
            completed_in_test_mode: if test_only { self.completed } else { 0 },
            errors: self.errors,
            warnings: self.warnings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_the_service() {
        let command_ref = CommandRef { index: 2, request_id: Some("a1".into()), user: Some("a@b.c".into()) };
        let mut builder = ResponseBuilder::default();
        builder.command(
            vec![command_ref.error(1, Rejection::new("error.group.not_found", "Group X was not found"))],
            Vec::new(),
        );
        let json = serde_json::to_string(&builder.response(false)).unwrap();
        assert_eq!(
            json,
            r#"{"result":"error","completed":0,"notCompleted":1,"completedInTestMode":0,"errors":[{"index":2,"step":1,"message":"Group X was not found","errorCode":"error.group.not_found","requestID":"a1","user":"a@b.c"}]}"#
        );
    }
}
