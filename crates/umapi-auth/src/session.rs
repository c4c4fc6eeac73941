//! A login whose token is always valid, shared by any number of tasks.

use std::{fmt, sync::Arc, time::Duration};

use umapi_time::Clock;

use crate::{
    AccessToken, CachedSource, Credentials, Error, HttpClient, HttpOptions, LoginObserver, RetryPolicy, StandardRetry,
    TokenFuture, TokenSource, login::LoginSource,
};

/// The default of [`SessionBuilder::timeout`].
const TIMEOUT: Duration = Duration::from_secs(30);

/// Logs in when a token is needed, and keeps the token while it is valid. Cheap to clone; clones share the token.
///
/// ```no_run
/// use umapi_auth::{Credentials, Session};
///
/// # async fn run() -> Result<(), umapi_auth::Error> {
/// let session = Session::new(Credentials::from_env()?)?;
/// let token = session.token().await?;
/// // If the service responds with 401 to a request with this token:
/// session.invalidate(&token);
/// # Ok(())
/// # }
/// ```
///
/// Only one login runs at a time, and all waiting tasks share it. Dropping the future that started it does not affect the
/// others. Ten minutes before the token expires, one caller refreshes it while the others continue with the old one. See
/// [`CachedSource`] for the rules in full.
#[derive(Clone)]
pub struct Session {
    credentials: Arc<Credentials>,
    tokens: CachedSource,
}

impl Session {
    /// Creates a session with the defaults of [`Session::builder`].
    ///
    /// # Errors
    ///
    /// If the HTTP client cannot be created.
    pub fn new(credentials: impl Into<Credentials>) -> Result<Self, Error> {
        Self::builder(credentials).build()
    }

    /// Creates a session with settings.
    ///
    /// ```
    /// use std::time::Duration;
    /// use umapi_auth::{HttpOptions, OAuthServerToServer, Proxy, Session};
    ///
    /// # fn main() -> Result<(), umapi_auth::Error> {
    /// let http = HttpOptions::new().proxy(Proxy::new("http://proxy.example:8080")?).build()?;
    /// let session = Session::builder(OAuthServerToServer::new("client id", "client secret")?)
    ///     .http(http)
    ///     .refresh_window(Duration::from_secs(300))
    ///     .build()?;
    /// assert_eq!(session.credentials().client_id(), "client id");
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(credentials: impl Into<Credentials>) -> SessionBuilder {
        SessionBuilder {
            credentials: credentials.into(),
            clock: Clock::real(),
            refresh_window: None,
            retry: Arc::new(StandardRetry::LOGIN),
            timeout: TIMEOUT,
            http: None,
            observer: None,
        }
    }

    /// The credentials that the session logs in with.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Returns a token that is valid now: the cached one, or one from a login.
    ///
    /// # Errors
    ///
    /// The error of the login; see [`Error`].
    pub async fn token(&self) -> Result<AccessToken, Error> {
        self.tokens.token().await
    }

    /// Reports that the service rejected this token. It is dropped, unless a newer one has replaced it already.
    pub fn invalidate(&self, rejected: &AccessToken) {
        self.tokens.invalidate(rejected);
    }
}

impl TokenSource for Session {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(Self::token(self))
    }

    fn invalidate(&self, rejected: &AccessToken) {
        Self::invalidate(self, rejected);
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}

/// Settings of a [`Session`].
#[must_use = "a builder does nothing before `build`"]
pub struct SessionBuilder {
    credentials: Credentials,
    clock: Clock,
    refresh_window: Option<Duration>,
    retry: Arc<dyn RetryPolicy>,
    timeout: Duration,
    http: Option<HttpClient>,
    observer: Option<Arc<dyn LoginObserver>>,
}

impl SessionBuilder {
    /// Sets the clock. The default is the machine's.
    ///
    /// A login server may share the clock and sleep on it: the session takes no [advance guard](Clock::advance_guard)
    /// during a login.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets how long before its expiry a token is refreshed. The default is ten minutes.
    pub fn refresh_window(mut self, window: Duration) -> Self {
        self.refresh_window = Some(window);
        self
    }

    /// Sets how often a failed login is retried. The default is [`StandardRetry::LOGIN`].
    pub fn retry(mut self, policy: impl RetryPolicy) -> Self {
        self.retry = Arc::new(policy);
        self
    }

    /// Sets the longest time of one request, from connecting to the last byte of the response. The default is 30 seconds, in
    /// real time.
    ///
    /// ```
    /// use std::time::Duration;
    /// use umapi_auth::{OAuthServerToServer, Session, StandardRetry};
    ///
    /// # fn main() -> Result<(), umapi_auth::Error> {
    /// // For a person who waits: two attempts of ten seconds.
    /// let session = Session::builder(OAuthServerToServer::new("client id", "client secret")?)
    ///     .timeout(Duration::from_secs(10))
    ///     .retry(StandardRetry::LOGIN.attempts(2))
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the HTTP client, e.g. one with a proxy, or one that is shared with other sessions and clients. The default is
    /// that of [`HttpOptions::new`].
    pub fn http(mut self, http: HttpClient) -> Self {
        self.http = Some(http);
        self
    }

    /// Sets an observer, which is told of each login and its requests. The default is none. A client gives its own to the sessions
    /// that it creates.
    pub fn observer(mut self, observer: impl LoginObserver) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Creates the session. Nothing is sent until the first token is needed.
    ///
    /// # Errors
    ///
    /// If the HTTP client has a proxy and the login server uses plain HTTP.
    pub fn build(self) -> Result<Session, Error> {
        let http = match self.http {
            Some(http) => http,
            None => HttpOptions::new().build()?,
        };
        http.check_server(self.credentials.endpoint.url())?;
        let credentials = Arc::new(self.credentials);
        let clock = self.clock.clone();
        let source = LoginSource::new(http, self.timeout, clock, credentials.clone(), self.retry, self.observer);
        let tokens = match self.refresh_window {
            Some(window) => CachedSource::with_refresh_window(source, self.clock, window),
            None => CachedSource::new(source, self.clock),
        };
        Ok(Session { credentials, tokens })
    }
}

impl fmt::Debug for SessionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionBuilder").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}
