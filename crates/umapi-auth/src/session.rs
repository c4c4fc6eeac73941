//! A login that is always good, shared by any number of tasks.

use std::{fmt, sync::Arc, time::Duration};

use umapi_time::Clock;

use crate::{
    AccessToken, CachedSource, Credentials, Error, Proxy, RetryPolicy, TokenFuture, TokenSource, exchange::Exchange,
    transport::Transport,
};

/// Logs in when a token is needed, and keeps the token as long as it is good. Cheap to clone; clones share the token.
///
/// ```no_run
/// use umapi_auth::{Credentials, Session};
///
/// # async fn run() -> Result<(), umapi_auth::Error> {
/// let session = Session::new(Credentials::from_env()?)?;
/// let token = session.token().await?;
/// // When the service answers 401 to a request with it:
/// session.invalidate(&token);
/// # Ok(())
/// # }
/// ```
///
/// However many tasks wait, there is one login at a time, and dropping the future that began it harms nobody. Ten minutes
/// before the end one caller refreshes the token while the others go on with the old one. See [`CachedSource`] for the
/// rules in full.
#[derive(Clone)]
pub struct Session {
    credentials: Arc<Credentials>,
    tokens: CachedSource,
}

impl Session {
    /// A session with the defaults of [`Session::builder`].
    ///
    /// # Errors
    ///
    /// If the HTTP client cannot be set up.
    pub fn new(credentials: impl Into<Credentials>) -> Result<Self, Error> {
        Self::builder(credentials).build()
    }

    /// A session with settings of one's own.
    ///
    /// ```
    /// use std::time::Duration;
    /// use umapi_auth::{OAuthServerToServer, Proxy, Session};
    ///
    /// # fn main() -> Result<(), umapi_auth::Error> {
    /// let session = Session::builder(OAuthServerToServer::new("client id", "client secret")?)
    ///     .proxy(Proxy::new("http://proxy.example:8080")?)
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
            retry: RetryPolicy::default(),
            transport: Transport::default(),
        }
    }

    /// What the session logs in with.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// A token that is good now: the one at hand, or that of a login.
    ///
    /// # Errors
    ///
    /// Why the login failed; see [`Error`].
    pub async fn token(&self) -> Result<AccessToken, Error> {
        self.tokens.token().await
    }

    /// Says that the service refused this token: it is dropped, unless a fresher one has taken its place.
    pub fn invalidate(&self, refused: &AccessToken) {
        self.tokens.invalidate(refused);
    }
}

impl TokenSource for Session {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(Self::token(self))
    }

    fn invalidate(&self, refused: &AccessToken) {
        Self::invalidate(self, refused);
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}

/// Settings of a [`Session`].
#[derive(Debug)]
#[must_use = "nothing is set up before `build`"]
pub struct SessionBuilder {
    credentials: Credentials,
    clock: Clock,
    refresh_window: Option<Duration>,
    retry: RetryPolicy,
    transport: Transport,
}

impl SessionBuilder {
    /// The clock to go by. The default is the machine's.
    ///
    /// A login server may share it and sleep on it: a clock of a test that advances by itself is not
    /// [held](Clock::advance_guard) during a login.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How long before its end a token is refreshed. The default is ten minutes.
    pub fn refresh_window(mut self, window: Duration) -> Self {
        self.refresh_window = Some(window);
        self
    }

    /// How often and how long one login is tried.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How long connecting may take, of the time of [`timeout`](Self::timeout). The default is ten seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.transport.connect_timeout = Some(timeout);
        self
    }

    /// How long one request may take, from connecting to the last byte of the answer. The default is 30 seconds. It is
    /// real time: the network has no other.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.transport.timeout = timeout;
        self
    }

    /// What the requests call their sender.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.transport.user_agent = Some(user_agent.into());
        self
    }

    /// Trusts these certificates (PEM) beside those of the machine: those of an emulator or of a proxy that looks inside.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.transport.root_certificates.push(pem.into());
        self
    }

    /// Sends through this proxy. The default is what the environment says (`HTTPS_PROXY`, `NO_PROXY`).
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.transport.proxy = Some(proxy);
        self
    }

    /// Sends directly, whatever the environment says.
    pub fn without_proxy(mut self) -> Self {
        self.transport.proxy = None;
        self.transport.is_direct = true;
        self
    }

    /// Sends with this client, in place of one that the session makes for itself: for one connection pool, proxies or TLS
    /// that are set up elsewhere.
    ///
    /// Its proxies, certificates, connect timeout and user agent hold, so those settings are refused here. Whatever it does
    /// with redirects, credentials do not follow one. For plain HTTP, which stays on this machine, it is not used: a proxy
    /// of it would see the secrets. Do not turn its `connection_verbose` on: it logs what is sent.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.transport.client = Some(client);
        self
    }

    /// The session. Nothing is sent before the first token is asked for.
    ///
    /// # Errors
    ///
    /// For certificates, a proxy or a user agent that cannot be used, or that are given beside a client of one's own.
    pub fn build(self) -> Result<Session, Error> {
        let http = self.transport.connect_to(&self.credentials.endpoint)?;
        let credentials = Arc::new(self.credentials);
        let exchange = Exchange::new(http, self.clock.clone(), credentials.clone(), self.retry);
        let tokens = match self.refresh_window {
            Some(window) => CachedSource::with_refresh_window(exchange, self.clock, window),
            None => CachedSource::new(exchange, self.clock),
        };
        Ok(Session { credentials, tokens })
    }
}
