//! Why something could not be read from a service in the cloud.

use crate::{
    directory::DirectoryError,
    extent::{Gap, GapCause},
};

/// Why a request failed for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// What happened, and what the service said, without secrets.
    pub(crate) detail: String,
    /// What to do about it.
    pub(crate) remedy: Option<String>,
}

/// The kinds of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The login was refused, or its token.
    Login,
    /// The login may not see it.
    Denied,
    /// It does not exist.
    NotFound,
    /// The service limits the requests, and the time for waits is used up.
    Throttled,
    /// The connection was lost, or the service failed, several times in a row.
    Interrupted,
    /// It took too long.
    Silent,
    /// The service could not be reached.
    Unreachable,
    /// The response is not what the service describes.
    Unreadable,
    /// The cursor of a delta has expired: the list has to be read from its beginning.
    Resync,
    /// The service does not accept the request.
    Rejected,
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), remedy: None }
    }

    #[must_use]
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// A response that is not what the service describes.
    pub(crate) fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(FailureKind::Unreadable, detail)
    }

    /// Whether another try later may succeed.
    pub(crate) fn is_temporary(&self) -> bool {
        matches!(
            self.kind,
            FailureKind::Throttled
                | FailureKind::Interrupted
                | FailureKind::Silent
                | FailureKind::Unreachable
                | FailureKind::Unreadable
                | FailureKind::Resync
        )
    }

    /// The gap in a list that the failure left.
    pub(crate) fn gap(&self, what: impl Into<String>) -> Gap {
        let cause = match self.kind {
            FailureKind::Login | FailureKind::Denied => GapCause::Refused,
            FailureKind::NotFound => GapCause::NotFound,
            FailureKind::Throttled => GapCause::Throttled,
            FailureKind::Interrupted | FailureKind::Resync => GapCause::Interrupted,
            FailureKind::Silent => GapCause::TimeLimit,
            FailureKind::Unreachable => GapCause::Unreachable,
            FailureKind::Unreadable | FailureKind::Rejected => GapCause::Unreadable,
        };
        let detail = match &self.remedy {
            Some(remedy) => format!("{}; {remedy}", self.detail),
            None => self.detail.clone(),
        };
        Gap::new(what, cause).detail(detail)
    }

    /// The error of a directory of which nothing can be read.
    pub(crate) fn into_error(self, server: impl Into<String>) -> DirectoryError {
        let is_temporary = self.is_temporary();
        DirectoryError { what: server.into(), reason: self.detail, remedy: self.remedy, is_temporary }
    }
}
