//! The login of an application at any OAuth server, with a secret or a signed assertion.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use umapi_http::{HttpClient, ServerUrl};
use umapi_time::Clock;

#[cfg(feature = "jwt")]
use crate::Assertion;
use crate::{
    AccessToken, ClockSkew, Endpoint, Error, LoginObserver, RetryPolicy, Secret, StandardRetry, TokenFuture,
    TokenSource,
    login::{Sender, TokenResponse, retried},
    login_error,
    observer::Watch,
};

/// How long a login may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What to do about a status, a code and a description of a login server.
type Remedy = fn(status: u16, code: &str, description: &str) -> Cow<'static, str>;

/// The login of an application at any OAuth server, such as that of a directory in the cloud. It sends a form to the token URL for
/// every token; [`CachedSource`](crate::CachedSource) keeps what it returns.
///
/// ```
/// use umapi_auth::{Clock, HttpOptions, OAuthClient, Secret};
/// use umapi_http::{Server, ServerUrl};
///
/// # fn main() -> Result<(), umapi_auth::InvalidSetting> {
/// const LOGIN: Server = Server { name: "login server", example: "https://login.example/token" };
/// let url = ServerUrl::parse("https://login.example/token", LOGIN)?;
/// let login = OAuthClient::new(url, HttpOptions::new().build()?, Clock::real())
///     .field("grant_type", "client_credentials")
///     .field("client_id", "e3d5")
///     .secret("client_secret", Secret::from("s8e-EXAMPLE"));
/// assert!(!format!("{login:?}").contains("EXAMPLE"));
/// # Ok(())
/// # }
/// ```
///
/// Its settings are those of one server: how long it takes, how often it fails, and what its errors mean:
///
/// ```
/// use std::{borrow::Cow, time::Duration};
///
/// use umapi_auth::{CachedSource, Clock, OAuthClient, StandardRetry};
///
/// fn settled(login: OAuthClient) -> CachedSource {
///     let login = login
///         .timeout(Duration::from_secs(10))
///         .retry(StandardRetry::LOGIN.attempts(2))
///         .remedy(|_status, code, _description| match code {
///             "invalid_client" => Cow::Borrowed("create a new secret in the portal"),
///             _ => Cow::Borrowed("look into the log of the portal"),
///         });
///     CachedSource::new(login, Clock::real())
/// }
/// ```
pub struct OAuthClient {
    endpoint: Endpoint,
    http: HttpClient,
    clock: Clock,
    timeout: Duration,
    retry: Arc<dyn RetryPolicy>,
    observer: Option<Arc<dyn LoginObserver>>,
    remedy: Remedy,
    fields: Vec<(&'static str, Secret)>,
    /// The names of the fields that are secrets.
    secrets: Vec<&'static str>,
    #[cfg(feature = "jwt")]
    assertion: Option<(&'static str, Assertion)>,
}

impl OAuthClient {
    /// A login that sends a form to `token_url`.
    pub fn new(token_url: ServerUrl, http: HttpClient, clock: Clock) -> Self {
        Self {
            endpoint: Endpoint::of(token_url),
            http,
            clock,
            timeout: TIMEOUT,
            retry: Arc::new(StandardRetry::LOGIN),
            observer: None,
            remedy: default_remedy,
            fields: Vec::new(),
            secrets: Vec::new(),
            #[cfg(feature = "jwt")]
            assertion: None,
        }
    }

    /// Adds a field to the form.
    #[must_use]
    pub fn field(mut self, name: &'static str, value: &str) -> Self {
        self.fields.push((name, Secret::from(value)));
        self
    }

    /// Adds a field that is never shown.
    #[must_use]
    pub fn secret(mut self, name: &'static str, value: Secret) -> Self {
        self.fields.push((name, value));
        self.secrets.push(name);
        self
    }

    /// Adds a field with an assertion, which is signed anew for each login.
    #[cfg(feature = "jwt")]
    #[must_use]
    pub fn assertion(mut self, name: &'static str, assertion: Assertion) -> Self {
        self.assertion = Some((name, assertion));
        self
    }

    /// Sets how long one attempt may take. The default is 30 seconds.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how failures that may be temporary are retried. The default is [`StandardRetry::LOGIN`].
    #[must_use]
    pub fn retry(mut self, policy: impl RetryPolicy) -> Self {
        self.retry = Arc::new(policy);
        self
    }

    /// Sets an observer, which is told of each login and its requests. The default is none.
    #[must_use]
    pub fn observer(mut self, observer: impl LoginObserver) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Sets what errors tell their reader to do.
    #[must_use]
    pub fn remedy(mut self, remedy: fn(status: u16, code: &str, description: &str) -> Cow<'static, str>) -> Self {
        self.remedy = remedy;
        self
    }

    async fn attempt(&self, watch: &Watch<'_>) -> Result<AccessToken, Error> {
        // The lifetime of the token counts from before the request, so that it is never too long.
        let (started, wall) = (self.clock.now(), self.clock.wall());
        #[cfg_attr(not(feature = "jwt"), allow(unused_mut, reason = "an assertion is a further field"))]
        let (mut fields, mut secrets) = (self.fields.clone(), self.secrets.clone());
        #[cfg(feature = "jwt")]
        if let Some((name, assertion)) = &self.assertion {
            fields.push((name, assertion.sign(wall)?));
            secrets.push(name);
        }
        let is_secret = |name: &str| secrets.contains(&name);
        let hidden = fields.iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| value.reveal());
        let hidden: Vec<&str> = hidden.chain(self.http.proxy_password().map(Secret::reveal)).collect();
        let sender = Sender { http: &self.http, timeout: self.timeout, clock: &self.clock, watch };
        let response = sender.send(&self.endpoint, "", &fields, &hidden).await?;
        let skew = response.head.date.and_then(|date| ClockSkew::between(date, wall, self.clock.wall()));
        if !(200..300).contains(&response.head.status) {
            return Err(login_error::of_any_response(response, &hidden, skew, self.remedy));
        }
        let issued = TokenResponse::read(&response)?;
        let expires = issued.expires_in.map(|seconds| started + Duration::from_secs(seconds));
        Ok(AccessToken::new(issued.access_token, expires))
    }
}

/// What to do where nobody knows the server.
fn default_remedy(status: u16, _code: &str, _description: &str) -> Cow<'static, str> {
    Cow::Borrowed(match status {
        429 => "there were too many logins; wait, and log in less often",
        500.. => "the login server has an outage; try again later",
        300..=399 => "credentials do not follow a redirect; use the final URL of the login server",
        _ => "check the client id, its secret or key, and the URL of the login server",
    })
}

impl TokenSource for OAuthClient {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async {
            let watch = &Watch::new("oauth", &self.endpoint, &self.clock, self.observer.as_ref());
            watch.around(retried(&self.clock, &*self.retry, || self.attempt(watch))).await
        })
    }

    fn invalidate(&self, _rejected: &AccessToken) {}
}

impl fmt::Debug for OAuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthClient").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
