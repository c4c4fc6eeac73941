//! The error of a failed login.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use umapi_http::{InvalidSetting, one_line};

use crate::ClockSkew;
#[cfg(feature = "jwt")]
use crate::KeyError;

/// The error of a failed login. Cheap to clone: all tasks that waited for the login get the same error.
///
/// ```
/// # async fn run(session: umapi_auth::Session) {
/// match session.token().await {
///     Ok(token) => println!("valid until {:?}", token.expires()),
///     Err(error) if error.is_wrong_secret() => println!("update the secret: {error}"),
///     Err(error) if error.is_retryable() => println!("try again in {:?}", error.retry_after()),
///     Err(error) => println!("{error}"),
/// }
/// # }
/// ```
///
/// # Troubleshooting
///
/// The text says what failed, why, and what to do. The predicates are for programs. [`code`](Self::code),
/// [`status`](Self::status), [`body`](Self::body) and [`request_id`](Self::request_id) come from the server, with secrets
/// redacted.
///
/// What to look at depends on what the server said:
///
/// ```
/// use umapi_auth::Error;
///
/// fn advice(error: &Error) -> &'static str {
///     match error {
///         _ if error.is_invalid_input() => "correct the configuration",
///         _ if error.is_unavailable() => "start the vault",
///         _ if error.is_unknown_issuer() => "add the certificate of the proxy",
///         _ if error.is_connect() => "is there a network?",
///         _ if error.is_timeout() => "give it more time",
///         _ if error.is_unknown_client() => "is it the client id of this login server?",
///         _ if error.is_wrong_secret() => "has the secret been replaced?",
///         _ if error.is_invalid_client() => "look at the integration in the Developer Console",
///         _ if error.is_invalid_scope() => "add the User Management API to the integration",
///         _ if error.is_invalid_signature() => "upload the certificate of this key",
///         _ if error.is_invalid_jti() => "use `ServiceAccount::with_jti`",
///         _ if error.is_invalid_token() => "is the clock right?",
///         _ if error.is_bad_request() => "check the technical account and the organization",
///         _ => "report it with the request id",
///     }
/// }
///
/// assert_eq!(advice(&Error::unavailable("the vault is sealed")), "start the vault");
/// assert_eq!(advice(&Error::other("odd")), "report it with the request id");
/// ```
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
    /// The rest of the time that the server asked to wait, if some of it has passed.
    remaining: Option<Duration>,
}

struct Inner {
    kind: Kind,
    message: String,
    skew: Option<ClockSkew>,
}

pub(crate) enum Kind {
    Invalid,
    Network {
        is_timeout: bool,
        is_connect: bool,
    },
    /// The certificate of the server is not trusted.
    Certificate {
        is_unknown_issuer: bool,
    },
    Rejected(ErrorResponse),
    Unreadable {
        status: u16,
    },
    /// What has the token cannot be reached.
    Unavailable,
    Other,
}

/// The response of the server.
#[derive(Default)]
pub(crate) struct ErrorResponse {
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

    /// Returns the same error with the rest of the time that the server asked to wait.
    pub(crate) fn with_remaining(&self, remaining: Duration) -> Self {
        Self { inner: self.inner.clone(), remaining: self.retry_after().map(|_| remaining) }
    }

    /// Creates the error of a custom token source.
    pub fn other(message: impl Into<String>) -> Self {
        Self::new(Kind::Other, message)
    }

    /// Creates the error of a custom token source that cannot be reached. It counts as a failure of the network without a
    /// connection. Calls do not try again by themselves.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, message)
    }

    fn response(&self) -> Option<&ErrorResponse> {
        match &self.inner.kind {
            Kind::Rejected(response) => Some(response),
            _ => None,
        }
    }

    fn has_code(&self, code: &str) -> bool {
        self.code() == Some(code)
    }

    /// Whether an input cannot be used: a field, a key, a URL, a file. Nothing was sent.
    pub fn is_invalid_input(&self) -> bool {
        matches!(self.inner.kind, Kind::Invalid)
    }

    /// Whether the server could not be reached, or the connection broke.
    pub fn is_network(&self) -> bool {
        matches!(self.inner.kind, Kind::Network { .. } | Kind::Certificate { .. } | Kind::Unavailable)
    }

    /// Whether the server did not respond in time.
    pub fn is_timeout(&self) -> bool {
        matches!(self.inner.kind, Kind::Network { is_timeout: true, .. })
    }

    /// Whether there was no connection to the server. Nothing was sent.
    pub fn is_connect(&self) -> bool {
        matches!(self.inner.kind, Kind::Network { is_connect: true, .. } | Kind::Certificate { .. } | Kind::Unavailable)
    }

    /// Whether a certificate is not trusted because its issuer is unknown, e.g. that of a proxy that inspects TLS. Nothing was
    /// sent. [`HttpOptions::root_certificates`](crate::HttpOptions::root_certificates) adds the issuer.
    pub fn is_unknown_issuer(&self) -> bool {
        matches!(self.inner.kind, Kind::Certificate { is_unknown_issuer: true })
    }

    /// Whether a custom source cannot be reached: see [`unavailable`](Self::unavailable).
    pub fn is_unavailable(&self) -> bool {
        matches!(self.inner.kind, Kind::Unavailable)
    }

    /// Whether the client id is unknown, or belongs to another login server: `invalid_client` with status 400.
    pub fn is_unknown_client(&self) -> bool {
        self.is_invalid_client() && self.status() == Some(400)
    }

    /// Whether the secret is wrong, or the client may not log in this way: `invalid_client` with status 401.
    pub fn is_wrong_secret(&self) -> bool {
        self.is_invalid_client() && self.status() == Some(401)
    }

    /// Whether the client is unknown, may not log in this way, or its secret is wrong: `invalid_client`.
    pub fn is_invalid_client(&self) -> bool {
        self.has_code("invalid_client")
    }

    /// Whether the signed JWT was not accepted, for example because it expired: `invalid_token`.
    pub fn is_invalid_token(&self) -> bool {
        self.has_code("invalid_token")
    }

    /// Whether no certificate on record matches the private key: `invalid_signature`.
    pub fn is_invalid_signature(&self) -> bool {
        self.has_code("invalid_signature")
    }

    /// Whether the integration requires a unique number in every JWT: `invalid_jti`.
    pub fn is_invalid_jti(&self) -> bool {
        self.has_code("invalid_jti")
    }

    /// Whether the integration lacks a requested scope or metascope: `invalid_scope`.
    pub fn is_invalid_scope(&self) -> bool {
        self.has_code("invalid_scope")
    }

    /// Whether an id in the JWT has a wrong format: `bad_request`.
    pub fn is_bad_request(&self) -> bool {
        self.has_code("bad_request")
    }

    /// Whether there were too many logins.
    pub fn is_throttled(&self) -> bool {
        self.status() == Some(429)
    }

    /// Whether the same login may succeed later: after network failures, 429 and 5xx.
    pub fn is_retryable(&self) -> bool {
        match &self.inner.kind {
            Kind::Network { .. } => true,
            Kind::Rejected(response) => response.status == 429 || response.status >= 500,
            Kind::Unreadable { status } => *status >= 500,
            Kind::Invalid | Kind::Certificate { .. } | Kind::Unavailable | Kind::Other => false,
        }
    }

    /// The class of the error, as telemetry names it in `error.type`: the status of the response, or one of `invalid_input`,
    /// `timeout`, `connect`, `certificate`, `network`, `unreadable_response`, `unavailable` and `_OTHER`.
    pub fn error_type(&self) -> Cow<'static, str> {
        Cow::Borrowed(match &self.inner.kind {
            Kind::Rejected(response) => return Cow::Owned(response.status.to_string()),
            Kind::Invalid => "invalid_input",
            Kind::Network { is_timeout: true, .. } => "timeout",
            Kind::Network { is_connect: true, .. } => "connect",
            Kind::Network { .. } => "network",
            Kind::Certificate { .. } => "certificate",
            Kind::Unreadable { .. } => "unreadable_response",
            Kind::Unavailable => "unavailable",
            Kind::Other => "_OTHER",
        })
    }

    /// The `error` of the response.
    pub fn code(&self) -> Option<&str> {
        self.response().map(|response| response.code.as_str()).filter(|code| !code.is_empty())
    }

    /// The `error_description` of the response, with secrets redacted.
    pub fn description(&self) -> Option<&str> {
        self.response().map(|response| response.description.as_str()).filter(|text| !text.is_empty())
    }

    /// The HTTP status of the response.
    pub fn status(&self) -> Option<u16> {
        match &self.inner.kind {
            Kind::Rejected(response) => Some(response.status),
            Kind::Unreadable { status } => Some(*status),
            _ => None,
        }
    }

    /// The body of the response, at most 4,096 characters, with secrets redacted.
    pub fn body(&self) -> Option<&str> {
        self.response().map(|response| response.body.as_str())
    }

    /// The request id of the response, for Adobe's support.
    pub fn request_id(&self) -> Option<&str> {
        self.response().and_then(|response| response.request_id.as_deref())
    }

    /// How long the server asked to wait, or the rest of that time.
    pub fn retry_after(&self) -> Option<Duration> {
        self.remaining.or_else(|| self.response()?.retry_after)
    }

    /// The difference between this machine's clock and the server's, if it is more than a minute: a likely cause of
    /// [`is_invalid_token`](Self::is_invalid_token).
    pub fn clock_skew(&self) -> Option<ClockSkew> {
        self.inner.skew
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)?;
        if let Some(skew) = self.inner.skew {
            write!(f, "; {skew}, correct it")?;
        }
        Ok(())
    }
}

/// The text and what the server sent, on one line, because a `main` that returns an error prints it in this form.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.to_string();
        let facts = [
            self.status().map(|status| format!("status {status}")),
            self.code().map(|code| format!("code {code}")),
            self.request_id().map(|id| format!("request {id}")),
        ];
        let facts: Vec<String> = facts.into_iter().flatten().filter(|fact| !text.contains(fact)).collect();
        let text = if facts.is_empty() { text } else { format!("{text} ({})", facts.join(", ")) };
        f.write_str(&one_line(&text))
    }
}

impl std::error::Error for Error {}

#[cfg(feature = "jwt")]
impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<InvalidSetting> for Error {
    fn from(error: InvalidSetting) -> Self {
        Self::invalid(error.to_string())
    }
}
