//! The login of an application at any OAuth server, with a secret or a signed assertion.

use std::{
    borrow::Cow,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use jsonwebtoken::{Algorithm, Header, encode};
use serde_json::{Map, Value, json};
use umapi_http::{HttpClient, ServerUrl};
use umapi_time::Clock;

use crate::{
    AccessToken, ClockSkew, Endpoint, Error, PrivateKey, RetryPolicy, Secret, StandardRetry, TokenFuture, TokenSource,
    login::{Sender, TokenResponse, form, retried},
    login_error,
};

/// How long a login may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long an assertion is valid. It is used immediately; servers accept an hour at most.
const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// Clocks differ. An assertion is valid from a little before it was made.
const LEEWAY: Duration = Duration::from_secs(60);

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
pub struct OAuthClient {
    endpoint: Endpoint,
    http: HttpClient,
    clock: Clock,
    timeout: Duration,
    retry: Arc<dyn RetryPolicy>,
    remedy: Remedy,
    fields: Vec<(&'static str, Secret)>,
    /// The names of the fields that are secrets.
    secrets: Vec<&'static str>,
    assertion: Option<(&'static str, Assertion)>,
}

/// What an application signs to show who it is: a JWT (`private_key_jwt`).
#[derive(Clone)]
pub struct Assertion {
    key: PrivateKey,
    header: Header,
    claims: Map<String, Value>,
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
            remedy: default_remedy,
            fields: Vec::new(),
            secrets: Vec::new(),
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

    /// Sets what errors tell their reader to do.
    #[must_use]
    pub fn remedy(mut self, remedy: fn(status: u16, code: &str, description: &str) -> Cow<'static, str>) -> Self {
        self.remedy = remedy;
        self
    }

    async fn attempt(&self) -> Result<AccessToken, Error> {
        // The lifetime of the token counts from before the request, so that it is never too long.
        let (started, wall) = (self.clock.now(), self.clock.wall());
        let mut fields = self.fields.clone();
        if let Some((name, assertion)) = &self.assertion {
            fields.push((name, assertion.sign(wall)?));
        }
        let is_secret = |name: &str| {
            self.secrets.contains(&name) || self.assertion.as_ref().is_some_and(|(assertion, _)| *assertion == name)
        };
        let hidden = fields.iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| value.reveal());
        let hidden: Vec<&str> = hidden.chain(self.http.proxy_password().map(Secret::reveal)).collect();
        let sender = Sender { http: &self.http, timeout: self.timeout, clock: &self.clock };
        let response = sender.send(&self.endpoint, "", form(&fields), &hidden).await?;
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
        Box::pin(retried(&self.clock, &*self.retry, || self.attempt()))
    }

    fn invalidate(&self, _rejected: &AccessToken) {}
}

impl fmt::Debug for OAuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthClient").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Assertion {
    /// An assertion that is signed with RSASSA-PKCS1-v1_5 (`RS256`).
    pub fn rs256(key: PrivateKey) -> Self {
        Self { key, header: Header::new(Algorithm::RS256), claims: Map::new() }
    }

    /// An assertion that is signed with RSASSA-PSS (`PS256`).
    pub fn ps256(key: PrivateKey) -> Self {
        Self { key, header: Header::new(Algorithm::PS256), claims: Map::new() }
    }

    /// Sets the id of the key (`kid`).
    #[must_use]
    pub fn key_id(mut self, id: impl Into<String>) -> Self {
        self.header.kid = Some(id.into());
        self
    }

    /// Sets the SHA-256 of the key's certificate in Base64url (`x5t#S256`).
    #[must_use]
    pub fn thumbprint(mut self, thumbprint: impl Into<String>) -> Self {
        self.header.x5t_s256 = Some(thumbprint.into());
        self
    }

    /// Adds a claim. `iat`, `nbf`, `exp` and `jti` are set when it is signed.
    #[must_use]
    pub fn claim(mut self, name: &str, value: &str) -> Self {
        self.claims.insert(name.to_owned(), json!(value));
        self
    }

    /// Returns the signed JWT, valid for ten minutes from `now`.
    ///
    /// # Errors
    ///
    /// If the clock is before 1970 or the key cannot sign.
    pub fn sign(&self, now: SystemTime) -> Result<Secret, Error> {
        let now = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_err(|_| Error::invalid("the clock of this machine is before 1970; correct it"))?;
        let mut claims = self.claims.clone();
        claims.insert("iat".to_owned(), json!(now.as_secs()));
        claims.insert("nbf".to_owned(), json!(now.saturating_sub(LEEWAY).as_secs()));
        claims.insert("exp".to_owned(), json!(now.saturating_add(LIFETIME).as_secs()));
        claims.insert("jti".to_owned(), json!(format!("{:032x}", fastrand::u128(..))));
        let token = encode(&self.header, &claims, self.key.encoding_key())
            .map_err(|_| Error::invalid("the private key cannot sign; create a new one and upload its certificate"))?;
        Ok(Secret::from(token))
    }
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assertion").field("key", &self.key).field("claims", &self.claims).finish_non_exhaustive()
    }
}
