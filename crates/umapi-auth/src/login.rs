//! One login: exchanges credentials for a token over HTTP.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http_body_util::Full;
use reqwest::{Body, RequestBuilder, header::CONTENT_TYPE};
use serde::{Deserialize, Deserializer};
use umapi_http::{
    AttemptFailure, FailedAttempt, HttpClient, NetworkError, ReadError, ResponseHead, TapOutcome, TappedRequest,
    identifier, in_own_task, milliseconds, read_body, redact_headers,
};
use umapi_time::Clock;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::{
    AccessToken, ClockSkew, Credentials, Endpoint, Error, Login, LoginObserver, RetryPolicy, Secret, TokenFuture,
    TokenSource, error::Kind, login_error, observer::Watch,
};

const FORM: &str = "application/x-www-form-urlencoded";

/// The largest response that is read, in bytes. A token has a few thousand.
const MAX_RESPONSE: usize = 1 << 20;

/// A source that logs in for every token. [`CachedSource`](crate::CachedSource) keeps what it returns.
pub(crate) struct LoginSource {
    http: HttpClient,
    timeout: Duration,
    clock: Clock,
    credentials: Arc<Credentials>,
    retry: Arc<dyn RetryPolicy>,
    observer: Option<Arc<dyn LoginObserver>>,
    /// The index of the secret that was accepted last. The next login tries it first.
    accepted_secret: AtomicUsize,
}

/// A response of the login server. The body may contain a token, so it is wiped.
pub(crate) struct LoginResponse {
    pub(crate) head: ResponseHead,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl TokenSource for LoginSource {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(self.log_in())
    }

    fn invalidate(&self, _rejected: &AccessToken) {}
}

impl LoginSource {
    pub(crate) fn new(
        http: HttpClient,
        timeout: Duration,
        clock: Clock,
        credentials: Arc<Credentials>,
        retry: Arc<dyn RetryPolicy>,
        observer: Option<Arc<dyn LoginObserver>>,
    ) -> Self {
        Self { http, timeout, clock, credentials, retry, observer, accepted_secret: AtomicUsize::new(0) }
    }

    /// Logs in, with retries as long as the failure may be temporary and the policy allows.
    async fn log_in(&self) -> Result<AccessToken, Error> {
        let watch = &Watch::new(self.operation(), &self.credentials.endpoint, &self.clock, self.observer.as_ref());
        watch.around(retried(&self.clock, &*self.retry, || self.with_each_secret(watch))).await
    }

    /// The operation of the login, for telemetry.
    fn operation(&self) -> &'static str {
        match self.credentials.login {
            #[cfg(feature = "jwt")]
            Login::ServiceAccount(_) => "exchangeJwt",
            Login::OAuthServerToServer(_) => "requestToken",
        }
    }

    /// Tries the secrets in order. During a rotation the first may not be valid yet, or no longer.
    async fn with_each_secret(&self, watch: &Watch<'_>) -> Result<AccessToken, Error> {
        let secrets = self.credentials.client_secrets();
        let first = self.accepted_secret.load(Ordering::Relaxed);
        let mut rejected = None;
        for index in (0..secrets.len()).map(|step| (first + step) % secrets.len()) {
            match self.with_secret(&secrets[index], watch).await {
                Ok(token) => {
                    self.accepted_secret.store(index, Ordering::Relaxed);
                    return Ok(token);
                }
                Err(error) if self.is_about_the_secret(&error) => {
                    tracing::warn!(secret = index + 1, of = secrets.len(), "client secret rejected");
                    rejected = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(rejected.unwrap_or_else(|| Error::invalid("the credentials have no client secret")))
    }

    /// The JWT exchange distinguishes a wrong secret (401) from an unknown client (400). OAuth does not.
    fn is_about_the_secret(&self, error: &Error) -> bool {
        match self.credentials.login {
            #[cfg(feature = "jwt")]
            Login::ServiceAccount(_) => error.is_wrong_secret(),
            Login::OAuthServerToServer(_) => error.is_invalid_client(),
        }
    }

    async fn with_secret(&self, secret: &Secret, watch: &Watch<'_>) -> Result<AccessToken, Error> {
        // The lifetime of the token counts from before the request, so that it is never too long.
        let (started, wall) = (self.clock.now(), self.clock.wall());
        let request = LoginRequest::new(&self.credentials, secret, wall)?;
        // No advance guard here: the server may share the clock and sleep on it, and each would wait for the other.
        let response = self.send(&request, watch).await?;
        let head = &response.head;
        let skew = head.date.and_then(|date| ClockSkew::between(date, wall, self.clock.wall()));
        if let Some(skew) = skew {
            tracing::warn!(difference_s = skew.difference().as_secs(), is_behind = skew.is_behind(), "clocks differ");
        }
        let took_ms = milliseconds(self.clock.now() - started);
        tracing::debug!(status = head.status, took_ms, "login response received");
        if !(200..300).contains(&head.status) {
            let secrets = self.secrets_to_redact(&request);
            return Err(login_error::of_response(response, &self.credentials.login, &secrets, skew));
        }
        let issued = TokenResponse::read(&response)?;
        if issued.expires_in.is_none() {
            tracing::warn!("the login server did not say how long the token is valid (`expires_in`)");
        }
        let expires = issued.expires_in.map(|lifetime| started + request.unit.duration(lifetime));
        Ok(AccessToken::new(issued.access_token, expires))
    }

    /// All secrets that an error must not show: those of the request, and all others of the credentials.
    fn secrets_to_redact<'a>(&'a self, request: &'a LoginRequest<'_>) -> Vec<&'a str> {
        let secrets = self.credentials.client_secrets().iter().chain(self.http.proxy_password()).map(Secret::reveal);
        request.secrets().into_iter().chain(secrets).collect()
    }

    async fn send(&self, request: &LoginRequest<'_>, watch: &Watch<'_>) -> Result<LoginResponse, Error> {
        let hidden = self.secrets_to_redact(request);
        let Self { http, timeout, clock, credentials, .. } = self;
        Sender { http, timeout: *timeout, clock, watch }
            .send(&credentials.endpoint, request.path, &request.fields, &hidden)
            .await
    }
}

/// Sends the forms of logins.
pub(crate) struct Sender<'s> {
    pub(crate) http: &'s HttpClient,
    pub(crate) timeout: Duration,
    pub(crate) clock: &'s Clock,
    /// The login that it is for, for telemetry.
    pub(crate) watch: &'s Watch<'s>,
}

impl Sender<'_> {
    /// Sends a form to a path of a login server. No error shows one of the `hidden` texts.
    pub(crate) async fn send(
        &self,
        endpoint: &Endpoint,
        path: &str,
        fields: &[(&str, Secret)],
        hidden: &[&str],
    ) -> Result<LoginResponse, Error> {
        let url = endpoint.url().join(path);
        let http = self.http.for_server(endpoint.url())?;
        let post = http.post(&url).timeout(self.timeout).header(CONTENT_TYPE, FORM).body(form(fields));
        let tapped = self.tapped(&http, &url, fields, hidden);
        // Its time limit must not pass while a caller does not poll.
        let of_task = hidden.iter().map(|secret| Secret::from(*secret)).collect();
        let watched = self.watch.request(path);
        let exchange = exchange(post, url, self.clock.clone(), of_task, tapped);
        let exchange = in_own_task(watched.span().around(exchange)).await;
        let exchange = exchange.unwrap_or(Err(ExchangeError::RuntimeGone));
        watched.end(exchange.as_ref().map(|response| &response.head).map_err(ExchangeError::error_type));
        match exchange {
            Ok(response) => Ok(response),
            Err(ExchangeError::Http(error)) => {
                let error = NetworkError::new(&error, endpoint.url(), self.http);
                Err(login_error::of_network(&error, endpoint, hidden))
            }
            Err(ExchangeError::Redirected) => Err(login_error::of_redirect(endpoint)),
            Err(ExchangeError::TooLarge { status, error }) => {
                let text = format!("the login at {endpoint} failed: {error}; check the URL of the login server");
                Err(Error::new(Kind::Unreadable { status }, text))
            }
            Err(ExchangeError::RuntimeGone) => {
                let text = format!("the login at {endpoint} was cut off: its runtime was dropped; log in again");
                Err(Error::new(Kind::Network { is_timeout: false, is_connect: false }, text))
            }
        }
    }

    /// The exchange as a tap is told of it: without the secrets. `None` if the request cannot be built, which sending it says too.
    fn tapped(
        &self,
        http: &reqwest::Client,
        url: &str,
        fields: &[(&str, Secret)],
        hidden: &[&str],
    ) -> Option<TappedRequest> {
        let request = http.post(url).header(CONTENT_TYPE, FORM).build().ok()?;
        let body = || {
            let mut form = form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields {
                let is_secret = hidden.contains(&value.reveal());
                form.append_pair(name, if is_secret { REMOVED } else { value.reveal() });
            }
            form.finish().into_bytes()
        };
        let (clock, started) = (self.clock.clone(), self.clock.now());
        Some(TappedRequest::begin(self.http, &request, body, self.clock.wall(), move || clock.now() - started))
    }
}

/// What a tap gets in place of a secret.
const REMOVED: &str = "[secret]";

/// The body of a response without the token. What cannot be read as JSON may be a token, so nothing of it is left.
fn without_token(body: &[u8], status: u16) -> Vec<u8> {
    if !(200..300).contains(&status) {
        return body.to_vec();
    }
    let Ok(mut value) = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body) else {
        return Vec::new();
    };
    for (name, value) in &mut value {
        if name.ends_with("_token") {
            *value = REMOVED.into();
        }
    }
    serde_json::to_vec(&value).unwrap_or_default()
}

/// The fields as a form, wiped from memory after it was sent.
///
/// It is a stream, so that the HTTP client keeps no copy: one that follows redirects cannot send it again.
pub(crate) fn form(fields: &[(&str, Secret)]) -> Body {
    // Reserves the encoded size up front, because a buffer that grows leaves copies behind: three bytes for each one, `&`
    // and `=`.
    let length = fields.iter().map(|(name, value)| name.len() + value.reveal().len() * 3 + 2).sum();
    let mut form = form_urlencoded::Serializer::new(String::with_capacity(length));
    for (name, value) in fields {
        form.append_pair(name, value.reveal());
    }
    let form = Zeroizing::new(form.finish().into_bytes());
    Body::wrap(Full::new(Bytes::from_owner(form)))
}

/// Sends a login and reads the response. No header shows one of the secrets.
async fn exchange(
    post: RequestBuilder,
    url: String,
    clock: Clock,
    secrets: Vec<Secret>,
    mut tapped: Option<TappedRequest>,
) -> Result<LoginResponse, ExchangeError> {
    let mut response = match post.send().await {
        Ok(response) => response,
        Err(error) => {
            if let Some(tapped) = &mut tapped {
                tapped.end(TapOutcome::of(&error), &[]);
            }
            return Err(ExchangeError::Http(error));
        }
    };
    if response.url().as_str() != url {
        return Err(ExchangeError::Redirected);
    }
    redact_headers(response.headers_mut(), &secrets.iter().map(Secret::reveal).collect::<Vec<_>>());
    if let Some(tapped) = &mut tapped {
        tapped.respond(&response);
    }
    let head = ResponseHead::of(&response, clock.wall());
    let mut body = Zeroizing::new(Vec::new());
    let read = read_body(&mut response, MAX_RESPONSE, &mut body).await;
    if let Some(tapped) = &mut tapped {
        let outcome = match &read {
            Ok(()) => TapOutcome::Response,
            Err(ReadError::Connection(_)) => TapOutcome::CutOff,
            Err(_) => TapOutcome::TooLarge,
        };
        tapped.end(outcome, &without_token(&body, head.status));
    }
    match read {
        Ok(()) => Ok(LoginResponse { head, body }),
        // The head of an error response says enough.
        Err(_) if !(200..300).contains(&head.status) => Ok(LoginResponse { head, body }),
        Err(ReadError::Connection(error)) => Err(ExchangeError::Http(error)),
        Err(error) => Err(ExchangeError::TooLarge { status: head.status, error }),
    }
}

/// Why a login has no response.
enum ExchangeError {
    Http(reqwest::Error),
    Redirected,
    TooLarge { status: u16, error: ReadError },
    RuntimeGone,
}

impl ExchangeError {
    /// The class of the error, as [`Error::error_type`] names it.
    fn error_type(&self) -> &'static str {
        match self {
            Self::Http(error) if error.is_timeout() => "timeout",
            Self::Http(error) if error.is_connect() => "connect",
            Self::Http(_) | Self::RuntimeGone => "network",
            Self::Redirected | Self::TooLarge { .. } => "unreadable_response",
        }
    }
}

/// Repeats a login as long as the failure may be temporary and the policy allows.
pub(crate) async fn retried<F: Future<Output = Result<AccessToken, Error>>>(
    clock: &Clock,
    policy: &dyn RetryPolicy,
    log_in: impl Fn() -> F,
) -> Result<AccessToken, Error> {
    let started = clock.now();
    let mut attempt = 1;
    loop {
        let error = match log_in().await {
            Ok(token) => return Ok(token),
            Err(error) => error,
        };
        let spent = clock.now() - started;
        let Some(wait) = next_wait(policy, &error, attempt, spent, fastrand::f64()) else {
            let code = error.code().map(identifier);
            tracing::warn!(attempt, status = error.status(), code, "login failed");
            return Err(error);
        };
        tracing::debug!(attempt, wait_ms = milliseconds(wait), status = error.status(), "login failed, retrying");
        clock.sleep(wait).await;
        attempt += 1;
    }
}

/// How long to wait before the next attempt, or `None` if there is none. `attempt` counts from 1, `jitter` is between 0 and 1.
fn next_wait(policy: &dyn RetryPolicy, error: &Error, attempt: u32, spent: Duration, jitter: f64) -> Option<Duration> {
    if !error.is_retryable() {
        return None;
    }
    let failure = match error.status() {
        Some(status) => AttemptFailure::Status(status),
        None if error.is_connect() => AttemptFailure::NotSent,
        None => AttemptFailure::Lost,
    };
    let failed = FailedAttempt::new("login", attempt, failure)
        .after(spent, None)
        .with_requested_wait(error.retry_after())
        .with_jitter(jitter);
    failed.ask(policy).map(|own| own.max(error.retry_after().unwrap_or_default()))
}

/// The unit of a token's lifetime. It follows from the endpoint, never from the size of the number.
#[derive(Clone, Copy)]
enum Unit {
    #[cfg(feature = "jwt")]
    Milliseconds,
    Seconds,
}

impl Unit {
    fn duration(self, number: u64) -> Duration {
        match self {
            #[cfg(feature = "jwt")]
            Self::Milliseconds => Duration::from_millis(number),
            Self::Seconds => Duration::from_secs(number),
        }
    }
}

/// The form that a login sends, and the unit of the lifetime in its response.
struct LoginRequest<'a> {
    path: &'a str,
    unit: Unit,
    fields: Vec<(&'static str, Secret)>,
}

impl<'a> LoginRequest<'a> {
    #[cfg_attr(
        not(feature = "jwt"),
        allow(
            unused_variables,
            clippy::unnecessary_wraps,
            reason = "only a JWT has a time, and can fail to be signed"
        )
    )]
    fn new(credentials: &'a Credentials, secret: &Secret, now: SystemTime) -> Result<Self, Error> {
        let mut fields = vec![("client_id", Secret::from(credentials.client_id())), ("client_secret", secret.clone())];
        let (path, unit) = match &credentials.login {
            #[cfg(feature = "jwt")]
            Login::ServiceAccount(account) => {
                fields.push(("jwt_token", account.assertion(&credentials.endpoint, now)?));
                ("/ims/exchange/jwt", Unit::Milliseconds)
            }
            Login::OAuthServerToServer(client) => {
                fields.push(("grant_type", Secret::from("client_credentials")));
                fields.push(("scope", Secret::from(client.scopes.join(","))));
                ("/ims/token/v3", Unit::Seconds)
            }
        };
        Ok(Self { path, unit, fields })
    }

    fn secrets(&self) -> Vec<&str> {
        let secret = self.fields.iter().filter(|(name, _)| matches!(*name, "client_secret" | "jwt_token"));
        secret.map(|(_, value)| value.reveal()).collect()
    }
}

/// The response of a successful login.
#[derive(Deserialize)]
pub(crate) struct TokenResponse {
    pub(crate) access_token: Secret,
    /// The lifetime of the token. Without one, the token is used until the service rejects it.
    #[serde(default, deserialize_with = "lenient_integer")]
    pub(crate) expires_in: Option<u64>,
}

impl TokenResponse {
    pub(crate) fn read(response: &LoginResponse) -> Result<Self, Error> {
        serde_json::from_slice(&response.body).map_err(|_| {
            let text = "the login server responded with success, but without a token (`access_token`); check the URL of the login server";
            Error::new(Kind::Unreadable { status: response.head.status }, text)
        })
    }
}

/// Deserializes an integer, which some servers send as a string or as a number with a fraction. Anything else is `None`.
fn lenient_integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let number = match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Number(number) => number.as_f64(),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    // Far beyond any lifetime, a float counts whole numbers exactly.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    Ok(number.filter(|number| (0.0..9e15).contains(number)).map(|number| number as u64))
}

#[cfg(test)]
mod tests {
    use umapi_http::{MAX_ATTEMPTS, StandardRetry};

    use super::*;
    use crate::error::ErrorResponse;

    const SECOND: Duration = Duration::from_secs(1);

    fn rejected(status: u16, retry_after: Option<Duration>) -> Error {
        Error::new(Kind::Rejected(ErrorResponse { status, retry_after, ..ErrorResponse::default() }), "rejected")
    }

    #[test]
    fn the_lifetime_of_a_token_is_read_leniently() {
        let lifetime = |json: &str| serde_json::from_str::<TokenResponse>(json).map(|issued| issued.expires_in).ok();
        for (value, expected) in [
            ("86399", Some(86_399)),
            ("3600.0", Some(3600)),
            ("\"3600\"", Some(3600)),
            ("null", None),
            ("-1", None),
            ("1e300", None),
            ("\"soon\"", None),
        ] {
            assert_eq!(lifetime(&format!(r#"{{"access_token":"t","expires_in":{value}}}"#)), Some(expected), "{value}");
        }
        assert_eq!(lifetime(r#"{"access_token":"t"}"#), Some(None));
        assert_eq!(lifetime(r#"{"expires_in":3600}"#), None);
    }

    #[test]
    fn waits_follow_the_backoff_up_to_the_last_attempt() {
        let outage = rejected(503, None);
        let wait = |attempt, jitter| {
            next_wait(&StandardRetry::LOGIN, &outage, attempt, Duration::ZERO, jitter).map(|wait| wait.as_millis())
        };
        assert_eq!([wait(1, 0.0), wait(1, 1.0)], [Some(250), Some(500)]);
        assert_eq!([wait(3, 0.0), wait(3, 1.0)], [Some(1000), Some(2000)]);
        assert_eq!(wait(4, 0.0), None);
    }

    #[test]
    fn a_wait_beyond_the_total_time_is_not_started() {
        let wait = |asked, spent| next_wait(&StandardRetry::LOGIN, &rejected(429, Some(asked)), 1, spent, 0.0);
        assert_eq!(wait(SECOND * 60, Duration::ZERO), Some(SECOND * 60));
        assert_eq!(wait(SECOND * 60, SECOND), None);
        assert_eq!(wait(Duration::MAX, SECOND), None);
    }

    #[test]
    fn no_policy_of_the_caller_breaks_a_rule() {
        struct Eager;
        impl RetryPolicy for Eager {
            fn wait(&self, _: &FailedAttempt<'_>) -> Option<Duration> {
                Some(Duration::ZERO)
            }
        }
        struct Panicking;
        impl RetryPolicy for Panicking {
            fn wait(&self, _: &FailedAttempt<'_>) -> Option<Duration> {
                panic!("planted")
            }
        }
        let next = |error: &Error, attempt| next_wait(&Eager, error, attempt, Duration::ZERO, 0.5);
        assert_eq!(next(&rejected(401, None), 1), None);
        assert_eq!(next(&rejected(503, Some(SECOND * 7)), 1), Some(SECOND * 7));
        assert_eq!(next(&rejected(503, None), MAX_ATTEMPTS - 1), Some(Duration::ZERO));
        assert_eq!(next(&rejected(503, None), MAX_ATTEMPTS), None);
        assert_eq!(next_wait(&Panicking, &rejected(503, None), 1, Duration::ZERO, 0.5), None);
    }

    #[test]
    fn permanent_failures_are_not_retried() {
        for status in [302, 400, 401, 403] {
            let error = rejected(status, None);
            assert_eq!(next_wait(&StandardRetry::LOGIN, &error, 1, Duration::ZERO, 0.5), None, "{status}");
        }
        assert_eq!(next_wait(&StandardRetry::NEVER, &rejected(503, None), 1, Duration::ZERO, 0.5), None);
    }
}
