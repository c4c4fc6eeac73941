//! The access token of a client that several processes share.

use std::{
    fmt,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redis::Value;
use umapi::{
    auth::{self, AccessToken, CachedSource, Credentials, TokenFuture, TokenSource},
    time::{Clock, Instant},
};

use crate::{
    Error, FailurePolicy, Redis,
    connection::{Invocation, Script},
    keys::Keys,
    rate_limits::random_name,
    seal::{Seal, SealedToken},
};

const SCRIPT: &str = include_str!("tokens.lua");

/// How long the lock of a login lasts without being renewed: the longest wait after its holder was killed.
const LOCK: Duration = Duration::from_secs(15);

/// How often the holder renews the lock during a slow login.
const RENEWAL: Duration = Duration::from_secs(5);

/// The time between two failed logins of all processes together.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// The longest wait for the login of another process.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// How often a waiting process looks for the token, at least and at most.
const POLL_MS: std::ops::Range<u64> = 50..150;

/// How long before its expiry a token is refreshed, or its last quarter if that is less.
const REFRESH_WINDOW: Duration = Duration::from_secs(10 * 60);

/// How long a token is shared whose lifetime is not known.
const UNKNOWN_LIFETIME: Duration = Duration::from_secs(3600);

/// A token with less time left is not shared.
const MIN_LIFETIME: Duration = Duration::from_secs(5);

/// The largest sealed token, in bytes.
const MAX_TOKEN: usize = 64 * 1024;

/// How often an unusable token may come back before that is an error.
const MAX_UNUSABLE: u32 = 3;

/// How many rejected tokens are remembered.
const MAX_REJECTED: usize = 8;

/// A [`TokenSource`] that shares one token among all processes that use the same Redis and the same client secret.
///
/// * One process logs in, and the others wait for its token. The one that logs in holds a lock of 15 seconds, which it renews. If it
///   is killed, another one logs in when the lock ends.
/// * The token is sealed with a key that is derived from the client secret (HKDF, AES-256-GCM).
/// * The token ends in Redis when it expires, and is removed when the service rejects it, unless a newer one has replaced it.
/// * The token is cached in the process too: see [`CachedSource`]. Redis is asked when there is none, and for a refresh.
#[derive(Clone)]
pub struct SharedTokens(CachedSource);

struct Source {
    redis: Redis,
    script: Arc<Script>,
    tag: String,
    keys: Vec<String>,
    seal: Seal,
    login: Box<dyn TokenSource>,
    /// Tokens that the service rejected.
    rejected: Mutex<Vec<AccessToken>>,
}

/// What Redis has.
enum Found {
    /// A token, and how long it is valid.
    Token(Vec<u8>, Duration),
    /// The lock is this caller's. What was found instead of a valid token, if anything, is replaced.
    Login,
    /// Another process logs in.
    Wait,
}

impl SharedTokens {
    /// Creates a source that logs in with `login`, usually a [`Session`](umapi::auth::Session) of the same credentials.
    ///
    /// # Errors
    ///
    /// If the credentials have no secret.
    pub fn new(
        redis: &Redis,
        organization: &str,
        credentials: &Credentials,
        login: impl TokenSource,
    ) -> Result<Self, Error> {
        let client_id = credentials.client_id();
        let secret = credentials.client_secrets().first();
        let secret = secret.ok_or_else(|| Error::invalid("the credentials have no client secret"))?;
        let seal = Seal::new(secret, organization, client_id)?;
        let keys = Keys::new(organization, client_id);
        let source = Source {
            redis: redis.clone(),
            script: Arc::new(Script::new(SCRIPT)),
            tag: keys.tag().to_owned(),
            keys: vec![keys.token(seal.id()), keys.login(seal.id())],
            seal,
            login: Box::new(login),
            rejected: Mutex::default(),
        };
        Ok(Self(CachedSource::with_refresh_window(Arc::new(source), redis.clock().clone(), REFRESH_WINDOW)))
    }

    /// Returns a token that is valid now: the cached one, the shared one, or one from a login.
    ///
    /// # Errors
    ///
    /// The error of the login or, by the [`FailurePolicy`], of Redis.
    pub async fn token(&self) -> Result<AccessToken, auth::Error> {
        self.0.token().await
    }

    /// Reports that the service rejected this token. It is dropped, unless a newer one has replaced it already.
    pub fn invalidate(&self, rejected: &AccessToken) {
        self.0.invalidate(rejected);
    }
}

impl TokenSource for SharedTokens {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(Self::token(self))
    }

    fn invalidate(&self, rejected: &AccessToken) {
        Self::invalidate(self, rejected);
    }
}

impl fmt::Debug for SharedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedTokens").finish_non_exhaustive()
    }
}

impl TokenSource for Source {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(self.shared())
    }

    fn invalidate(&self, rejected: &AccessToken) {
        self.login.invalidate(rejected);
        // It is removed from Redis when the next one is asked for.
        let mut all = self.rejected();
        all.push(rejected.clone());
        if all.len() > MAX_REJECTED {
            all.remove(0);
        }
    }
}

impl Source {
    fn clock(&self) -> &Clock {
        self.redis.clock()
    }

    async fn shared(&self) -> Result<AccessToken, auth::Error> {
        let fence = format!("{}{}", random_name(), random_name());
        match self.look(&fence).await {
            Ok(token) => Ok(token),
            Err(Failure::Login(error)) => Err(error),
            Err(Failure::Redis(error)) if self.redis.policy() == FailurePolicy::Fail => {
                Err(auth::Error::unavailable(error.to_string()))
            }
            Err(Failure::Redis(error)) => {
                tracing::warn!(%error, "redis fails, logging in without it");
                self.login.token().await
            }
        }
    }

    async fn look(&self, fence: &str) -> Result<AccessToken, Failure> {
        let started = self.clock().now();
        let (mut unusable, mut window) = (0, Duration::ZERO);
        loop {
            let asked_at = self.clock().now();
            match self.find(fence, window).await? {
                Found::Login => return self.log_in(fence).await,
                Found::Wait => {
                    if asked_at - started >= MAX_WAIT {
                        return Err(Failure::Login(auth::Error::other(format!(
                            "another process has been logging in for {MAX_WAIT:?}, and there is no token; check why its \
                             login does not end"
                        ))));
                    }
                    self.clock().sleep(Duration::from_millis(fastrand::u64(POLL_MS))).await;
                }
                Found::Token(sealed, left) => {
                    let opened = self.seal.open(&sealed).map(|opened| self.usable(opened, asked_at, left));
                    let Some((token, left, lifetime)) = opened.filter(|(token, ..)| !self.is_rejected(token)) else {
                        unusable += 1;
                        if unusable > MAX_UNUSABLE {
                            let why = "it returns a token that cannot be used, however often that is removed";
                            return Err(Failure::Redis(self.redis.unreadable(why)));
                        }
                        self.invoke("drop", fence, [sealed]).await?;
                        continue;
                    };
                    let refresh = REFRESH_WINDOW.min(lifetime / 4);
                    if left > refresh || window >= refresh {
                        return Ok(token);
                    }
                    // It is refreshed by the process that gets the lock, and used meanwhile.
                    window = refresh;
                }
            }
        }
    }

    /// A token with its time left, which is never longer than the lifetime that it was issued with.
    fn usable(&self, opened: SealedToken, asked_at: Instant, left: Duration) -> (AccessToken, Duration, Duration) {
        let lifetime = opened.lifetime.unwrap_or(UNKNOWN_LIFETIME);
        let left = left.min(lifetime);
        (AccessToken::new(opened.token, Some(asked_at + left)), left, lifetime)
    }

    /// Logs in under the lock, and shares the token.
    async fn log_in(&self, fence: &str) -> Result<AccessToken, Failure> {
        let mut lock = Lock { source: self, fence, is_held: true };
        let started = self.clock().now();
        let result = {
            let mut login = pin!(self.login.token());
            loop {
                tokio::select! {
                    biased;
                    result = &mut login => break result,
                    () = self.clock().sleep(RENEWAL) => {
                        if let Err(error) = self.keep_lock(fence, LOCK).await {
                            tracing::warn!(%error, "the lock of the login cannot be renewed");
                        }
                    }
                }
            }
        };
        lock.is_held = false;
        let token = match result {
            Ok(token) => token,
            Err(error) => {
                // The lock ends a little later, so that a wrong secret is not tried by every process at once.
                let pause = error.retry_after().unwrap_or_default().clamp(FAILURE_PAUSE, LOCK);
                let _ = self.keep_lock(fence, pause).await;
                return Err(Failure::Login(error));
            }
        };
        if let Err(error) = self.publish(fence, &token, started).await {
            tracing::warn!(%error, "the new token cannot be shared");
        }
        Ok(token)
    }

    async fn publish(&self, fence: &str, token: &AccessToken, started: Instant) -> Result<(), Error> {
        let now = self.clock().now();
        let left = token.expires().map_or(UNKNOWN_LIFETIME, |expires| expires - now);
        if left < MIN_LIFETIME {
            return self.keep_lock(fence, Duration::from_millis(1)).await;
        }
        let sealed = self.seal.seal(token.reveal(), token.expires().map(|expires| expires - started))?;
        let shared = self.invoke("publish", fence, [sealed, left.as_millis().to_string().into_bytes()]).await?;
        if shared == Value::Int(0) {
            tracing::debug!("the lock of the login was lost; another process shares its token");
        }
        Ok(())
    }

    /// Sets how much longer the lock lasts, if this caller has it.
    async fn keep_lock(&self, fence: &str, time: Duration) -> Result<(), Error> {
        self.invoke("renew", fence, [time.as_millis().to_string().into_bytes()]).await.map(drop)
    }

    /// Looks for a token with more than this time left, or gets the lock.
    async fn find(&self, fence: &str, window: Duration) -> Result<Found, Error> {
        let numbers = [LOCK.as_millis(), window.as_millis(), MAX_TOKEN as u128];
        let answer = self.invoke("get", fence, numbers.map(|number| number.to_string().into_bytes())).await?;
        let unreadable = || self.redis.unreadable("the answer of the script is not one");
        let Value::Array(parts) = answer else { return Err(unreadable()) };
        match parts.as_slice() {
            [Value::BulkString(kind), Value::BulkString(sealed), Value::Int(left)] => match kind.as_slice() {
                b"token" => {
                    // A token without an end was not written by this library.
                    let left = u64::try_from(*left).map_err(|_| unreadable())?;
                    Ok(Found::Token(sealed.clone(), Duration::from_millis(left)))
                }
                b"login" => Ok(Found::Login),
                b"wait" => Ok(Found::Wait),
                _ => Err(unreadable()),
            },
            _ => Err(unreadable()),
        }
    }

    async fn invoke<const N: usize>(
        &self,
        operation: &str,
        fence: &str,
        arguments: [Vec<u8>; N],
    ) -> Result<Value, Error> {
        self.redis.invoke(self.invocation(operation, fence, arguments)).await
    }

    fn invocation<const N: usize>(&self, operation: &str, fence: &str, arguments: [Vec<u8>; N]) -> Invocation {
        let first = [operation.as_bytes().to_vec(), fence.as_bytes().to_vec()];
        Invocation {
            script: self.script.clone(),
            tag: self.tag.clone(),
            keys: self.keys.clone(),
            arguments: first.into_iter().chain(arguments).collect(),
        }
    }

    fn is_rejected(&self, token: &AccessToken) -> bool {
        self.rejected().iter().any(|rejected| rejected.is_same(token))
    }

    fn rejected(&self) -> MutexGuard<'_, Vec<AccessToken>> {
        self.rejected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why there is no token.
enum Failure {
    Redis(Error),
    Login(auth::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Redis(error)
    }
}

/// Gives the lock of a login back if the login is dropped.
struct Lock<'a> {
    source: &'a Source,
    fence: &'a str,
    is_held: bool,
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        if self.is_held
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let redis = self.source.redis.clone();
            let invocation = self.source.invocation("renew", self.fence, [b"1".to_vec()]);
            runtime.spawn(async move { redis.invoke(invocation).await });
        }
    }
}
