//! A client of a service in the cloud: authorized, patient when it is throttled, bounded in everything.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use reqwest::{
    RequestBuilder,
    header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue},
};
use serde::{Deserialize, de::DeserializeOwned};
use umapi_auth::{AccessToken, CachedSource, OAuthClient};
use umapi_http::{
    HttpClient, NetworkError, ReadError, ResponseHead, Secret, ServerUrl, StandardRetry, first_header, in_own_task,
    milliseconds, read_body, redact,
};
use umapi_time::{Clock, Instant};
use url::{Origin, Url};

use super::{Failure, FailureKind};

/// The time that all requests of a client together wait when they are throttled.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(15 * 60);

/// How long one attempt of a request may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How failures are retried that are neither refusals nor limits.
const RETRY: StandardRetry = StandardRetry::SERVICE.attempts(5).longest_wait(Duration::from_secs(30));

/// The largest response, in bytes. A page of a thousand people has one million.
const MAX_RESPONSE: usize = 64 << 20;

/// After so many requests in a row that failed for good, no further one is sent.
const MAX_FAILED: u32 = 3;

/// The most characters that are quoted of what a service said.
const MAX_QUOTE: usize = 300;

/// What is peculiar to a service.
pub(crate) trait Vendor: Send + Sync {
    /// The name in messages: `Microsoft Graph`.
    fn name(&self) -> &'static str;

    /// What a response means that is not a success. [`Verdict::of_status`] is what HTTP says about it. `now` is the time of this
    /// machine.
    fn verdict(&self, response: &CloudResponse, now: SystemTime) -> Verdict;

    /// What the service says about an error: its code and its message.
    fn told(&self, response: &CloudResponse) -> String;
}

/// What a response means that is not a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There were too many requests; the same one may be sent after this time.
    Throttled(Option<Duration>),
    /// The service failed; the same request may succeed.
    Temporary,
    /// The token is not accepted, or no longer.
    BadToken,
    /// The login may not see this. The text says what to do: which right to grant.
    Denied(String),
    /// It does not exist.
    NotFound,
    /// The cursor of a delta has expired.
    Resync,
    /// The request is not accepted. The text says what to do.
    Rejected(Option<String>),
}

/// How requests are authorized.
pub(crate) enum Login {
    /// A token that stays, after the name of its scheme: `SSWS`.
    Fixed { scheme: &'static str, token: Secret },
    /// A token that expires.
    OAuth(CachedSource),
}

/// A response that was read whole.
pub(crate) struct CloudResponse {
    /// The address that was asked.
    pub(crate) url: Url,
    pub(crate) head: ResponseHead,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// A client of one service. Its requests share their waits.
pub(crate) struct CloudClient {
    vendor: Box<dyn Vendor>,
    url: ServerUrl,
    http: HttpClient,
    clock: Clock,
    login: Login,
    timeout: Duration,
    max_wait: Duration,
    retry: StandardRetry,
    pause: Mutex<Pause>,
    counts: Mutex<Counts>,
}

/// What happened so far.
#[derive(Default)]
struct Counts {
    answers: u64,
    /// Requests that failed for good since the last answer, and why the last one did.
    failed: (u32, Option<Failure>),
}

/// When the service accepts requests again.
#[derive(Default)]
struct Pause {
    until: Option<Instant>,
    /// The time that was spent waiting so far.
    waited: Duration,
}

impl Verdict {
    /// What HTTP says about a response.
    pub(crate) fn of_status(head: &ResponseHead) -> Self {
        match head.status {
            429 => Self::Throttled(head.retry_after),
            // Gateways say so when they limit requests.
            503 | 504 if head.retry_after.is_some() => Self::Throttled(head.retry_after),
            401 => Self::BadToken,
            403 => Self::Denied("check the rights of the login".to_owned()),
            404 => Self::NotFound,
            410 => Self::Resync,
            408 | 500.. => Self::Temporary,
            _ => Self::Rejected(None),
        }
    }
}

impl Login {
    /// A login whose tokens are cached, and fetched once at a time.
    pub(crate) fn oauth(client: OAuthClient, clock: &Clock) -> Self {
        Self::OAuth(CachedSource::new(client, clock.clone()))
    }
}

impl CloudResponse {
    /// The text of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        first_header(&self.headers, name)
    }

    /// The body.
    ///
    /// # Errors
    /// A body that is not JSON of this form.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // The text of the error may quote the body.
            let place = format!("line {}, column {}", error.line(), error.column());
            Failure::unreadable(match error.classify() {
                serde_json::error::Category::Eof => format!("a page ends in the middle ({place})"),
                serde_json::error::Category::Data => format!("a page is not what the service describes ({place})"),
                _ => format!("a page is not JSON ({place})"),
            })
        })
    }
}

impl CloudClient {
    /// A client of the service at `url`.
    pub(crate) fn new(
        vendor: impl Vendor + 'static,
        url: ServerUrl,
        http: HttpClient,
        login: Login,
        clock: Clock,
    ) -> Self {
        Self {
            vendor: Box::new(vendor),
            url,
            http,
            clock,
            login,
            timeout: TIMEOUT,
            max_wait: MAX_WAIT,
            retry: RETRY,
            pause: Mutex::default(),
            counts: Mutex::default(),
        }
    }

    /// Sets how long one attempt of a request may take. `None`: a minute.
    #[must_use]
    pub(crate) fn timeout(mut self, seconds: Option<u32>) -> Self {
        self.timeout = seconds.map_or(TIMEOUT, |seconds| Duration::from_secs(seconds.max(1).into()));
        self
    }

    /// The name of the service.
    pub(crate) fn name(&self) -> &'static str {
        self.vendor.name()
    }

    /// The address of a path, which begins with `/`.
    pub(crate) fn address(&self, path: &str) -> String {
        self.url.join(path)
    }

    /// The address of the service, as errors name it.
    pub(crate) fn server(&self) -> &str {
        self.url.as_str()
    }

    /// Sets how long requests may wait in all when they are throttled.
    #[must_use]
    pub(crate) fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// Whether the service gave any answer so far. Without one, nothing is known.
    pub(crate) fn has_answered(&self) -> bool {
        self.counts().answers > 0
    }

    /// Whether the token says that it has a right, among its `roles` or in its `scp`. A token that cannot be read says nothing.
    pub(crate) async fn has_right(&self, right: &str) -> bool {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Claims {
            roles: Vec<String>,
        }
        let Ok((_, Some(token))) = self.authorization().await else { return false };
        let payload = token.reveal().split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
        let claims: Claims = payload.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
        claims.roles.iter().any(|role| role == right)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn origin(&self) -> Origin {
        // The address was parsed before.
        Url::parse(self.url.as_str()).map_or_else(|_| Origin::new_opaque(), |url| url.origin())
    }

    /// Sends a request until it has an answer, or fails for good.
    ///
    /// # Errors
    /// Why an answer is missing.
    pub(crate) async fn get(&self, url: &Url) -> Result<CloudResponse, Failure> {
        let failed = self.counts().failed.clone();
        if let (MAX_FAILED.., Some(failure)) = failed {
            // A directory with thousands of groups would be asked for hours.
            return Err(failure);
        }
        let answer = self.get_patiently(url).await;
        let mut counts = self.counts();
        match &answer {
            Err(failure) if failure.is_temporary() && failure.kind != FailureKind::Resync => {
                counts.failed = (counts.failed.0 + 1, Some(failure.clone()));
            }
            Ok(_) | Err(_) => {
                counts.answers += 1;
                counts.failed = (0, None);
            }
        }
        drop(counts);
        answer
    }

    async fn get_patiently(&self, url: &Url) -> Result<CloudResponse, Failure> {
        let mut failures = 0;
        let mut had_bad_token = false;
        loop {
            self.wait_for_turn().await;
            let (header, token) = self.authorization().await?;
            let shown = token.as_ref().map(|token| token.reveal().to_owned()).map(Secret::from);
            let failure = match self.attempt(url, header).await {
                Ok(response) if (200..300).contains(&response.head.status) => return Ok(response),
                Ok(response) => {
                    let secret = self.secret(shown.as_ref());
                    let told = self.told(&response, secret);
                    match self.vendor.verdict(&response, self.clock.wall()) {
                        Verdict::Throttled(wait) => {
                            failures += 1;
                            let backoff = self.retry.backoff(failures, fastrand::f64());
                            // A wait of nothing would ask again at once.
                            let wait = wait.map_or(backoff, |wait| wait.max(Duration::from_millis(100)));
                            self.pause(wait, &told)?;
                            continue;
                        }
                        Verdict::BadToken => match (&self.login, token) {
                            (Login::OAuth(source), Some(token)) if !had_bad_token => {
                                had_bad_token = true;
                                source.invalidate(&token);
                                continue;
                            }
                            _ => {
                                let detail = format!("{} refuses the login: {told}", self.name());
                                return Err(Failure::new(FailureKind::Login, detail).remedy("check its secret or key"));
                            }
                        },
                        Verdict::Denied(remedy) => return Err(Failure::new(FailureKind::Denied, told).remedy(remedy)),
                        Verdict::NotFound => return Err(Failure::new(FailureKind::NotFound, told)),
                        Verdict::Resync => return Err(Failure::new(FailureKind::Resync, told)),
                        Verdict::Rejected(remedy) => {
                            let failure = Failure::new(FailureKind::Rejected, told);
                            return Err(remedy.into_iter().fold(failure, Failure::remedy));
                        }
                        Verdict::Temporary => Failure::new(FailureKind::Interrupted, told),
                    }
                }
                Err(failure) => failure,
            };
            failures += 1;
            if !failure.is_temporary() || failures >= self.retry.max_attempts() {
                return Err(failure);
            }
            tracing::debug!(failures, kind = ?failure.kind, "request failed, retrying");
            self.clock.sleep(self.retry.backoff(failures, fastrand::f64())).await;
        }
    }

    /// Waits until the service accepts requests.
    async fn wait_for_turn(&self) {
        loop {
            let until = self.pause.lock().unwrap_or_else(PoisonError::into_inner).until;
            match until {
                Some(until) if self.clock.now() < until => self.clock.sleep_until(until).await,
                _ => return,
            }
        }
    }

    /// Sends no request for a time.
    fn pause(&self, wait: Duration, told: &str) -> Result<(), Failure> {
        let now = self.clock.now();
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        // Requests that are throttled together wait together.
        let begun = pause.until.filter(|until| *until > now).unwrap_or(now);
        let until = now + wait;
        if until > begun {
            let waited = pause.waited.saturating_add(until - begun);
            if waited > self.max_wait {
                let detail = format!(
                    "{} limits the number of requests, and asks for a wait of {} s more: {told}",
                    self.name(),
                    wait.as_secs()
                );
                return Err(Failure::new(FailureKind::Throttled, detail).remedy("run it again later"));
            }
            tracing::debug!(wait_ms = milliseconds(wait), "throttled, waiting");
            (pause.waited, pause.until) = (waited, Some(until));
        }
        Ok(())
    }

    async fn authorization(&self) -> Result<(HeaderValue, Option<AccessToken>), Failure> {
        let (text, token) = match &self.login {
            Login::Fixed { scheme, token } => (format!("{scheme} {}", token.reveal()), None),
            Login::OAuth(source) => {
                let token = source.token().await.map_err(|error| of_login(&error))?;
                (format!("Bearer {}", token.reveal()), Some(token))
            }
        };
        let mut header = HeaderValue::try_from(text).map_err(|_| {
            Failure::new(FailureKind::Login, "the token holds characters that no request can carry")
                .remedy("store it again")
        })?;
        header.set_sensitive(true);
        Ok((header, token))
    }

    fn secret<'s>(&'s self, token: Option<&'s Secret>) -> Option<&'s str> {
        match &self.login {
            Login::Fixed { token, .. } => Some(token.reveal()),
            Login::OAuth(_) => token.map(Secret::reveal),
        }
    }

    /// What the service said, in one line, without secrets.
    fn told(&self, response: &CloudResponse, secret: Option<&str>) -> String {
        let secrets: Vec<&str> = secret.into_iter().chain(self.http.proxy_password().map(Secret::reveal)).collect();
        let told = redact(self.vendor.told(response), &secrets);
        let told: String = told.lines().next().unwrap_or_default().trim().chars().take(MAX_QUOTE).collect();
        let status = response.head.status;
        if told.is_empty() { format!("status {status}") } else { format!("{told} (status {status})") }
    }

    async fn attempt(&self, url: &Url, authorization: HeaderValue) -> Result<CloudResponse, Failure> {
        let http =
            self.http.for_server(&self.url).map_err(|error| Failure::new(FailureKind::Rejected, error.to_string()))?;
        let request = http
            .get(url.clone())
            .timeout(self.timeout)
            .header(AUTHORIZATION, authorization)
            .header(ACCEPT, HeaderValue::from_static("application/json"));
        // Its time limit must not pass while a caller does not poll.
        let exchange = in_own_task(exchange(request, url.clone(), self.clock.clone())).await;
        match exchange.unwrap_or(Err(Broken::RuntimeGone)) {
            Ok(response) => Ok(response),
            Err(Broken::Http(error)) => {
                let error = NetworkError::new(&error, &self.url, &self.http);
                let kind = match () {
                    () if error.is_untrusted_certificate() => FailureKind::Rejected,
                    () if error.is_connect() => FailureKind::Unreachable,
                    () if error.is_timeout() => FailureKind::Silent,
                    () => FailureKind::Interrupted,
                };
                Err(Failure::new(kind, error.to_string()).remedy(error.remedy()))
            }
            Err(Broken::TooLarge(error)) => Err(Failure::new(FailureKind::Rejected, error.to_string())),
            Err(Broken::RuntimeGone) => Err(Failure::new(FailureKind::Rejected, "the program ended")),
        }
    }
}

/// Why a request has no response.
enum Broken {
    Http(reqwest::Error),
    TooLarge(ReadError),
    RuntimeGone,
}

async fn exchange(request: RequestBuilder, url: Url, clock: Clock) -> Result<CloudResponse, Broken> {
    let mut response = request.send().await.map_err(Broken::Http)?;
    let head = ResponseHead::of(&response, clock.wall());
    let headers = response.headers().clone();
    let mut body = Vec::new();
    match read_body(&mut response, MAX_RESPONSE, &mut body).await {
        Ok(()) => Ok(CloudResponse { url, head, headers, body }),
        // The head of an error says enough.
        Err(_) if !(200..300).contains(&head.status) => Ok(CloudResponse { url, head, headers, body }),
        Err(ReadError::Connection(error)) => Err(Broken::Http(error)),
        Err(error) => Err(Broken::TooLarge(error)),
    }
}

fn of_login(error: &umapi_auth::Error) -> Failure {
    let kind = match () {
        () if error.is_throttled() => FailureKind::Throttled,
        () if error.is_connect() && error.is_retryable() => FailureKind::Unreachable,
        () if error.is_retryable() => FailureKind::Interrupted,
        () => FailureKind::Login,
    };
    Failure::new(kind, error.to_string())
}

impl fmt::Debug for CloudClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudClient").field("url", &self.url).finish_non_exhaustive()
    }
}
