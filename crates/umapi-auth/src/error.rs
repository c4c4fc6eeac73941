//! Why there is no access token.

use std::{fmt, sync::Arc, time::Duration};

use crate::{ClockSkew, KeyError};

/// Why there is no access token. Cheap to clone: everyone who waited for one login gets the same error.
///
/// ```
/// # async fn run(session: umapi_auth::Session) {
/// match session.token().await {
///     Ok(token) => println!("good until {:?}", token.expires()),
///     Err(error) if error.is_wrong_secret() => println!("the secret was changed: {error}"),
///     Err(error) if error.is_retryable() => println!("later, in {:?}", error.retry_after()),
///     Err(error) => println!("{error}"),
/// }
/// # }
/// ```
///
/// # Troubleshooting
///
/// The text says what went wrong and the way out. The predicates are for programs; [`code`](Self::code),
/// [`status`](Self::status), [`body`](Self::body) and [`request_id`](Self::request_id) are what the server said, with
/// secrets cut out.
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
    /// What is left of the time that the server asked for, where some of it has passed.
    remaining: Option<Duration>,
}

struct Inner {
    kind: Kind,
    message: String,
    skew: Option<ClockSkew>,
}

pub(crate) enum Kind {
    Invalid,
    Network { is_timeout: bool, is_connect: bool },
    Refused(Refusal),
    Unreadable { status: u16 },
    Other,
}

/// What the server answered.
#[derive(Default)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) description: String,
    pub(crate) body: String,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
}

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self::with_skew(kind, message, None)
    }

    pub(crate) fn with_skew(kind: Kind, message: impl Into<String>, skew: Option<ClockSkew>) -> Self {
        Self { inner: Arc::new(Inner { kind, message: message.into(), skew }), remaining: None }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// The same error, later: of the time that the server asked for, this is left.
    pub(crate) fn with_remaining(&self, remaining: Duration) -> Self {
        Self { inner: self.inner.clone(), remaining: self.retry_after().map(|_| remaining) }
    }

    /// An error of a token source of one's own.
    pub fn other(message: impl Into<String>) -> Self {
        Self::new(Kind::Other, message)
    }

    fn refusal(&self) -> Option<&Refusal> {
        match &self.inner.kind {
            Kind::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    fn has_code(&self, code: &str) -> bool {
        self.code() == Some(code)
    }

    /// Something given to this crate cannot be used: a field, a key, an address, a file. Nothing was sent.
    pub fn is_invalid_input(&self) -> bool {
        matches!(self.inner.kind, Kind::Invalid)
    }

    /// The server could not be reached, or the connection broke.
    pub fn is_network(&self) -> bool {
        matches!(self.inner.kind, Kind::Network { .. })
    }

    /// The server did not answer in time.
    pub fn is_timeout(&self) -> bool {
        matches!(self.inner.kind, Kind::Network { is_timeout: true, .. })
    }

    /// The server could not be reached at all: nothing was sent.
    pub fn is_connect(&self) -> bool {
        matches!(self.inner.kind, Kind::Network { is_connect: true, .. })
    }

    /// `invalid_client` with status 400: the client id is unknown, or belongs to another login server.
    pub fn is_unknown_client(&self) -> bool {
        self.is_invalid_client() && self.status() == Some(400)
    }

    /// `invalid_client` with status 401: the secret is wrong, or the client may not log in this way.
    pub fn is_wrong_secret(&self) -> bool {
        self.is_invalid_client() && self.status() == Some(401)
    }

    /// `invalid_client`: the client is unknown, may not log in this way, or its secret is wrong.
    pub fn is_invalid_client(&self) -> bool {
        self.has_code("invalid_client")
    }

    /// `invalid_token`: the signed JWT was not accepted, because it expired say.
    pub fn is_invalid_token(&self) -> bool {
        self.has_code("invalid_token")
    }

    /// `invalid_signature`: no certificate on record fits the private key.
    pub fn is_invalid_signature(&self) -> bool {
        self.has_code("invalid_signature")
    }

    /// `invalid_jti`: the binding wants every JWT to have a number of its own.
    pub fn is_invalid_jti(&self) -> bool {
        self.has_code("invalid_jti")
    }

    /// `invalid_scope`: a scope or metascope that the integration does not have.
    pub fn is_invalid_scope(&self) -> bool {
        self.has_code("invalid_scope")
    }

    /// `bad_request`: an id in the JWT has a wrong format.
    pub fn is_bad_request(&self) -> bool {
        self.has_code("bad_request")
    }

    /// The server has had too many logins.
    pub fn is_throttled(&self) -> bool {
        self.status() == Some(429)
    }

    /// Whether the same call may succeed later: after network faults, 429 and 5xx.
    pub fn is_retryable(&self) -> bool {
        match &self.inner.kind {
            Kind::Network { .. } => true,
            Kind::Refused(refusal) => refusal.status == 429 || refusal.status >= 500,
            Kind::Unreadable { status } => *status >= 500,
            Kind::Invalid | Kind::Other => false,
        }
    }

    /// The `error` of the answer.
    pub fn code(&self) -> Option<&str> {
        self.refusal().map(|refusal| refusal.code.as_str()).filter(|code| !code.is_empty())
    }

    /// The `error_description` of the answer, with secrets cut out.
    pub fn description(&self) -> Option<&str> {
        self.refusal().map(|refusal| refusal.description.as_str()).filter(|text| !text.is_empty())
    }

    /// The HTTP status of the answer.
    pub fn status(&self) -> Option<u16> {
        match &self.inner.kind {
            Kind::Refused(refusal) => Some(refusal.status),
            Kind::Unreadable { status } => Some(*status),
            _ => None,
        }
    }

    /// The body of the answer, at most 4,096 characters, with secrets cut out.
    pub fn body(&self) -> Option<&str> {
        self.refusal().map(|refusal| refusal.body.as_str())
    }

    /// The request id of the answer, for a case with Adobe's support.
    pub fn request_id(&self) -> Option<&str> {
        self.refusal().and_then(|refusal| refusal.request_id.as_deref())
    }

    /// How long the server asked to wait, or what is left of that.
    pub fn retry_after(&self) -> Option<Duration> {
        self.remaining.or_else(|| self.refusal()?.retry_after)
    }

    /// How far this machine's clock is off the server's, where its answer showed more than a minute: a likely cause of
    /// [`is_invalid_token`](Self::is_invalid_token).
    pub fn clock_skew(&self) -> Option<ClockSkew> {
        self.inner.skew
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)?;
        if let Some(skew) = self.inner.skew {
            write!(f, "; {skew}: set it right")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("message", &self.inner.message)
            .field("status", &self.status())
            .field("code", &self.code())
            .field("request_id", &self.request_id())
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        Self::invalid(error.to_string())
    }
}
