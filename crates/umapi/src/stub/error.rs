//! Errors for stubs.

use std::time::{Duration, SystemTime};

use umapi_model::{ErrorCode, Operation};
use umapi_plan::{CallFailure, NotSent, UnknownReason};

use crate::error::{Cause, Error, ErrorResponse, Kind};

/// Builds an [`Error`], for a [stub](super::Stub) to return.
///
/// ```
/// use std::time::Duration;
///
/// use umapi::{Error, model::{ErrorCode, Operation}, stub::ErrorBuilder};
///
/// let migrating = ErrorBuilder::rejected(403).code(ErrorCode::OrganizationMigrating);
/// let error: Error = migrating.message("Migrating").into();
/// assert!(error.is_forbidden() && error.is_migrating());
///
/// let error = ErrorBuilder::throttled(Duration::from_secs(90)).build();
/// assert!(error.is_throttled() && error.until().is_some());
///
/// let error = ErrorBuilder::network("the connection was reset").may_have_been_applied().build();
/// assert!(error.is_network() && error.is_retryable() && error.may_have_been_applied());
///
/// let error = ErrorBuilder::rejected(504).operation(Operation::ListUsersInGroup).build();
/// assert_eq!(error.operation(), Some("listUsersInGroup"));
/// assert!(error.is_group_too_large());
///
/// let error = ErrorBuilder::login(umapi::auth::Error::other("the vault is sealed")).build();
/// assert!(error.is_login() && !error.is_retryable());
/// ```
///
/// It is also the reason of an outcome:
///
/// ```
/// use umapi::{Command, CommandOutcome, stub::ErrorBuilder};
///
/// let command = Command::user("ann@example.com").add_to(["Design"]);
/// let outcome = CommandOutcome::not_sent(command, ErrorBuilder::connect("connection refused"));
/// assert!(outcome.is_not_sent() && outcome.unsent().is_some());
/// ```
#[derive(Clone, Debug)]
#[must_use = "it is not an error before `build`"]
pub struct ErrorBuilder {
    kind: Kind,
    operation: Option<Operation>,
    request_id: Option<String>,
    requests: u32,
    may_have_been_applied: bool,
    retry_after: Option<Duration>,
    until: Option<SystemTime>,
    /// Why no call can end with this error.
    contradiction: Option<String>,
}

impl ErrorBuilder {
    fn new(kind: Kind, requests: u32) -> Self {
        Self {
            kind,
            operation: None,
            request_id: None,
            requests,
            may_have_been_applied: false,
            retry_after: None,
            until: None,
            contradiction: None,
        }
    }

    fn contradicts(mut self, why: impl Into<String>) -> Self {
        self.contradiction.get_or_insert(why.into());
        self
    }

    /// The service responded with this status: 401, 403, 404, 429, 500 and so on.
    pub fn rejected(status: u16) -> Self {
        let rejected = Self::new(Kind::Rejected(ErrorResponse { status, ..ErrorResponse::default() }), 1);
        match status {
            300..=599 => rejected,
            _ => rejected.contradicts(format!("the service rejects nothing with the status {status}")),
        }
    }

    /// The service says that the user, group, profile or product does not exist. The lookup of a user returns `None` for that,
    /// so it is the error of lists and changes.
    pub fn not_found(code: impl Into<ErrorCode>) -> Self {
        Self::rejected(404).code(code)
    }

    /// The service or the rate limits ask to wait this long, and the [policy](crate::ThrottlePolicy) does not allow it.
    pub fn throttled(retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(Kind::Throttled, 0) }
    }

    /// There was no connection. Nothing was sent.
    pub fn connect(why: impl Into<String>) -> Self {
        Self::new(Kind::Connect(Cause::new(why.into())), 0)
    }

    /// The connection broke.
    pub fn network(why: impl Into<String>) -> Self {
        Self::new(Kind::Network(Cause::new(why.into())), 1)
    }

    /// An attempt took longer than this.
    pub fn timeout(after: Duration) -> Self {
        Self::new(Kind::Timeout(after), 1)
    }

    /// The deadline of the call passed.
    pub fn deadline() -> Self {
        Self::new(Kind::Deadline { has_passed: true }, 0)
    }

    /// The caller stopped the call.
    pub fn stopped() -> Self {
        Self::new(Kind::Stopped, 0)
    }

    /// The login failed.
    pub fn login(error: umapi_auth::Error) -> Self {
        Self::new(Kind::Login(error), 0)
    }

    /// The response has the status of a success and cannot be used.
    pub fn unreadable(why: impl Into<String>) -> Self {
        let response = ErrorResponse { status: 200, ..ErrorResponse::default() };
        Self::new(Kind::Unreadable { response, why: why.into() }, 1)
    }

    /// An input cannot be used. Nothing was sent.
    pub fn invalid_input(why: impl Into<String>) -> Self {
        Self::new(Kind::Invalid(why.into()), 0)
    }

    /// Sets the code of the service. Only a response has one.
    pub fn code(mut self, code: impl Into<ErrorCode>) -> Self {
        match &mut self.kind {
            Kind::Rejected(response) | Kind::Unreadable { response, .. } => response.code = Some(code.into()),
            _ => return self.contradicts("it has a code of the service, and no response"),
        }
        self
    }

    /// Sets the message of the service. Only a response has one.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        match &mut self.kind {
            Kind::Rejected(response) | Kind::Unreadable { response, .. } => response.message = Some(message.into()),
            _ => return self.contradicts("it has a message of the service, and no response"),
        }
        self
    }

    /// Sets the wait that the service or the rate limits ask for, from now.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Sets when the call is possible again by the wall clock, instead of the end of [`retry_after`](Self::retry_after).
    pub fn until(mut self, moment: SystemTime) -> Self {
        self.until = Some(moment);
        self
    }

    /// Says that the change may have been made nevertheless.
    pub fn may_have_been_applied(mut self) -> Self {
        self.may_have_been_applied = true;
        self
    }

    /// Sets the operation. The default is that of the call.
    pub fn operation(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Sets the `X-Request-Id` of the last attempt.
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// Sets the number of requests that were sent. The default is 1 if a request was sent, and 0 otherwise.
    pub fn requests(mut self, requests: u32) -> Self {
        self.requests = requests;
        self
    }

    /// Builds the error. What no call can end with becomes an [invalid input](Error::is_invalid_input) that says why: a status
    /// of a success, a response without a request, a code without a response, a change that was made and never sent.
    #[must_use]
    pub fn build(self) -> Error {
        let is_sent = self.requests > 0;
        let contradiction = match &self.kind {
            _ if self.contradiction.is_some() => self.contradiction,
            Kind::Rejected(_) | Kind::Unreadable { .. } if !is_sent => {
                Some("it has a response, and no request was sent".to_owned())
            }
            Kind::Invalid(_) | Kind::Connect(_) | Kind::Login(_) | Kind::Throttled
                if self.may_have_been_applied && !is_sent =>
            {
                Some("the change may have been made, and no request was sent".to_owned())
            }
            _ => None,
        };
        if let Some(why) = contradiction {
            return Error::invalid(format!("the error of the stub contradicts itself: {why}; correct what builds it"));
        }
        let wait = self.retry_after;
        let until = self.until.or_else(|| umapi_time::Clock::real().wall().checked_add(wait?));
        Error::new(self.kind).with(|details| {
            details.operation = self.operation.map(|operation| operation.id());
            details.request_id = self.request_id;
            details.requests = self.requests;
            details.may_have_been_applied = self.may_have_been_applied;
            details.retry_after = wait;
            details.until = until;
        })
    }
}

impl From<ErrorBuilder> for CallFailure {
    fn from(builder: ErrorBuilder) -> Self {
        builder.build().into()
    }
}

impl From<ErrorBuilder> for NotSent {
    fn from(builder: ErrorBuilder) -> Self {
        CallFailure::from(builder).into()
    }
}

impl From<ErrorBuilder> for UnknownReason {
    fn from(builder: ErrorBuilder) -> Self {
        CallFailure::from(builder).into()
    }
}

impl From<ErrorBuilder> for Error {
    fn from(builder: ErrorBuilder) -> Self {
        builder.build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_what_it_says() {
        assert!(ErrorBuilder::not_found(ErrorCode::UserNotFound).build().is_not_found());
        assert!(ErrorBuilder::connect("refused").build().is_connect());
        assert!(ErrorBuilder::timeout(Duration::from_secs(1)).build().is_timeout());
        assert!(ErrorBuilder::deadline().build().is_timeout());
        assert!(ErrorBuilder::stopped().build().is_stopped());
        assert!(ErrorBuilder::login(umapi_auth::Error::other("closed")).build().is_login());
        assert!(ErrorBuilder::unreadable("it is odd").build().is_unreadable());
        assert!(ErrorBuilder::invalid_input("no").build().is_invalid_input());
        assert_eq!(ErrorBuilder::throttled(Duration::MAX).build().until(), None, "no clock reaches it");
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let wait = Duration::from_secs(1);
        for (builder, part) in [
            (ErrorBuilder::rejected(200), "status 200"),
            (ErrorBuilder::rejected(0).code(ErrorCode::UserNotFound), "status 0"),
            (ErrorBuilder::rejected(u16::MAX), "status 65535"),
            (ErrorBuilder::rejected(503).requests(0), "no request"),
            (ErrorBuilder::unreadable("odd").requests(0), "no request"),
            (ErrorBuilder::connect("refused").code(ErrorCode::UserNotFound), "a code"),
            (ErrorBuilder::throttled(wait).message("wait"), "a message"),
            (ErrorBuilder::connect("refused").may_have_been_applied(), "may have been made"),
        ] {
            let error = builder.build();
            assert!(error.is_invalid_input() && error.to_string().contains(part), "{error}");
        }
        let second = ErrorBuilder::connect("refused").requests(1).may_have_been_applied().build();
        assert!(second.is_connect() && second.may_have_been_applied(), "an earlier attempt was sent");
    }

    #[test]
    fn endless_waits_are_not_counted_in_minutes() {
        for (wait, text) in [
            (Duration::MAX, "in more than 1000 days"),
            (Duration::from_secs(3 * 86_400), "in 3 days"),
            (Duration::from_secs(2_700), "in 45 minutes"),
        ] {
            let error = ErrorBuilder::rejected(429).retry_after(wait).build();
            assert!(error.to_string().contains(text), "{error}");
        }
    }

    #[test]
    fn the_text_is_that_of_the_client() {
        let error = ErrorBuilder::rejected(429)
            .code(ErrorCode::from("429050"))
            .message("Too many requests")
            .operation(Operation::GetUser)
            .request_id("r-1")
            .requests(3)
            .build();
        let text = error.to_string();
        assert!(text.contains("Too many requests") && text.contains("getUser") && text.contains("r-1"), "{text}");
        assert_eq!((error.status(), error.requests()), (Some(429), 3));
    }
}
