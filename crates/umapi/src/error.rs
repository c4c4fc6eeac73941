//! Why a call came to nothing.

mod display;
mod kind;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use umapi_model::ErrorCode;

pub(crate) use kind::{Details, ErrorResponse, Kind};

/// Why a call came to nothing. Cheap to clone.
///
/// ```
/// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
/// match client.users().in_group("Photoshop").list().try_next().await {
///     Ok(first) => println!("{first:?}"),
///     Err(error) if error.is_not_found() => println!("there is no such group"),
///     Err(error) if error.is_throttled() => println!("not before {:?}", error.until()),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Troubleshooting
///
/// The text says what went wrong and the way out. The predicates are for programs; [`status`](Self::status),
/// [`code`](Self::code), [`service_message`](Self::service_message), [`body`](Self::body) and
/// [`request_id`](Self::request_id) are what the service said. After a call that changes something,
/// [`may_have_been_applied`](Self::may_have_been_applied) tells whether it may have changed it all the same.
#[derive(Clone)]
pub struct Error(Arc<Details>);

impl Error {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(Arc::new(Details::of(kind)))
    }

    /// Something given to this crate that cannot be used: the thing, the rule, the way out.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid(message.into()))
    }

    /// The same error with more said about it.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Details)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.0.kind
    }

    fn refusal(&self) -> Option<&ErrorResponse> {
        match &self.0.kind {
            Kind::Rejected(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Something given to this crate cannot be used: a name, an address, a setting, a resume token. Nothing was sent.
    pub fn is_invalid_input(&self) -> bool {
        matches!(&self.0.kind, Kind::Invalid(_)) || self.login().is_some_and(umapi_auth::Error::is_invalid_input)
    }

    /// There is no access token: the login was refused or failed. [`login`](Self::login) says more.
    pub fn is_login(&self) -> bool {
        self.login().is_some()
    }

    /// The access token was refused, a fresh one too (status 401): it belongs to another organization, say.
    pub fn is_unauthorized(&self) -> bool {
        self.status() == Some(401)
    }

    /// The API key may not do this, or the organization takes no changes for now (status 403).
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(403)
    }

    /// The organization is being migrated by Adobe, and takes no changes until that is finished.
    pub fn is_migrating(&self) -> bool {
        self.code() == Some(&ErrorCode::OrganizationMigrating)
    }

    /// There is no such user, group, domain, profile or product (status 404).
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// There were too many calls, or would have been: the service answered 429, or the wait for a turn was longer than
    /// the [`ThrottlePolicy`](crate::ThrottlePolicy) allows. [`until`](Self::until) says when there is a turn again.
    pub fn is_throttled(&self) -> bool {
        matches!(&self.0.kind, Kind::Throttled) || self.status() == Some(429)
    }

    /// Time ran out: that of an attempt, or that of the whole call.
    pub fn is_timeout(&self) -> bool {
        matches!(&self.0.kind, Kind::Timeout(_) | Kind::Deadline)
            || self.login().is_some_and(umapi_auth::Error::is_timeout)
    }

    /// The service could not be reached at all: nothing was sent.
    pub fn is_connect(&self) -> bool {
        matches!(&self.0.kind, Kind::Connect(_)) || self.login().is_some_and(umapi_auth::Error::is_connect)
    }

    /// The service could not be reached, or the connection broke.
    pub fn is_network(&self) -> bool {
        matches!(&self.0.kind, Kind::Connect(_) | Kind::Network(_))
            || self.login().is_some_and(umapi_auth::Error::is_network)
    }

    /// The caller stopped it, by a [`StopHandle`](crate::StopHandle).
    pub fn is_stopped(&self) -> bool {
        matches!(&self.0.kind, Kind::Stopped)
    }

    /// The journal could not be written before a request: nothing more was sent. See [`Journal`](crate::Journal).
    pub fn is_journal(&self) -> bool {
        matches!(&self.0.kind, Kind::Journal(_))
    }

    /// The service answered with success, and with a body that is broken, cut off or of another kind.
    pub fn is_unreadable(&self) -> bool {
        matches!(&self.0.kind, Kind::Unreadable { .. })
    }

    /// Whether the same call may succeed later: after network faults, timeouts, broken answers, 429 and 5xx. For a call
    /// that changes something, ask [`may_have_been_applied`](Self::may_have_been_applied) too.
    pub fn is_retryable(&self) -> bool {
        match &self.0.kind {
            Kind::Invalid(_) | Kind::Stopped | Kind::Journal(_) => false,
            Kind::Login(error) => error.is_retryable(),
            Kind::Rejected(refusal) => refusal.status == 429 || refusal.status == 408 || refusal.status >= 500,
            Kind::Connect(_)
            | Kind::Network(_)
            | Kind::Timeout(_)
            | Kind::Unreadable { .. }
            | Kind::Throttled
            | Kind::Deadline => true,
        }
    }

    /// Whether the service may have done what was asked, all the same: it was sent, and no readable answer says no.
    pub fn may_have_been_applied(&self) -> bool {
        self.0.may_have_been_applied
    }

    /// The HTTP status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        match &self.0.kind {
            Kind::Rejected(refusal) => Some(refusal.status),
            Kind::Unreadable { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The code of the service, in any of the shapes in which it sends one.
    pub fn code(&self) -> Option<&ErrorCode> {
        self.refusal().and_then(|refusal| refusal.code.as_ref())
    }

    /// The text of the service for people.
    pub fn service_message(&self) -> Option<&str> {
        self.refusal().and_then(|refusal| refusal.message.as_deref())
    }

    /// The body of an answer that is no success, at most 4,096 characters of it.
    pub fn body(&self) -> Option<&str> {
        self.refusal().map(|refusal| refusal.body.as_str()).filter(|body| !body.is_empty())
    }

    /// The `X-Request-Id` of the last attempt, for a case with Adobe's support. There is one even if no answer came.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The operation, by its `operationId` in the description.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// How many requests were sent for this call.
    pub fn requests(&self) -> u32 {
        self.0.requests
    }

    /// How long to wait, as the service or the pace says, counted from when the error came up.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The moment that [`retry_after`](Self::retry_after) means, by the wall clock.
    pub fn until(&self) -> Option<SystemTime> {
        self.0.until
    }

    /// The error of the login, if that is what failed.
    pub fn login(&self) -> Option<&umapi_auth::Error> {
        match &self.0.kind {
            Kind::Login(error) => Some(error),
            _ => None,
        }
    }
}

impl Error {
    /// The error of the client behind the failure that an outcome names.
    pub fn of(failure: &umapi_plan::CallFailure) -> Option<&Self> {
        failure.downcast_ref()
    }
}

impl From<Error> for umapi_plan::CallFailure {
    fn from(error: Error) -> Self {
        Self::new(error.clone())
            .with_requests(error.requests(), error.request_id())
            .with_service_error(error.code().cloned(), error.service_message())
    }
}

impl From<umapi_http::InvalidSetting> for Error {
    fn from(error: umapi_http::InvalidSetting) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<umapi_auth::Error> for Error {
    fn from(error: umapi_auth::Error) -> Self {
        Self::new(Kind::Login(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str) -> Error {
        let code = (!code.is_empty()).then(|| ErrorCode::from(code));
        Error::new(Kind::Rejected(ErrorResponse { status, code, ..ErrorResponse::default() }))
    }

    #[test]
    fn predicates_follow_status_and_code() {
        assert!(refused(401, "").is_unauthorized() && !refused(401, "").is_retryable());
        assert!(refused(404, "error.user.not_found").is_not_found());
        let migrating = refused(403, "error.organization.migrating");
        assert!(migrating.is_forbidden() && migrating.is_migrating() && !migrating.is_retryable());
        assert!(refused(429, "429050").is_throttled() && refused(429, "").is_retryable());
        assert!(Error::new(Kind::Throttled).is_throttled());
        assert!(Error::new(Kind::Deadline).is_timeout());
        assert!(refused(503, "").is_retryable() && !refused(400, "").is_retryable());
        assert!(Error::invalid("x").is_invalid_input());
    }

    #[test]
    fn the_text_names_the_operation_what_was_said_and_the_way_out() {
        let error = refused(403, "403003").with(|details| {
            details.operation = Some("getUser");
            details.request_id = Some("r-1".to_owned());
        });
        let text = error.to_string();
        for part in
            ["getUser", "403", "403003", "r-1", ErrorCode::Gateway403003.remedy().unwrap().trim_end_matches('.')]
        {
            assert!(text.contains(part), "`{part}` is not in: {text}");
        }
    }

    #[test]
    fn an_error_that_may_have_been_applied_says_so() {
        let error = Error::new(Kind::Timeout(Duration::from_secs(5))).with(|details| {
            details.may_have_been_applied = true;
            details.requests = 3;
        });
        let text = error.to_string();
        assert!(text.contains("5s") && text.contains("may have been done") && text.contains("3 requests"), "{text}");
    }
}
