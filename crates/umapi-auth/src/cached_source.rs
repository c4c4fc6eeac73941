//! A token source that caches the token of another one.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use futures_util::{
    FutureExt,
    future::{Shared, WeakShared},
};
use tokio::{
    runtime::{Handle, Id},
    sync::Notify,
};
use umapi_http::{catch_panic, log_panic};
use umapi_time::{Clock, Instant};

use crate::{AccessToken, Error, TokenFuture, TokenSource};

/// How long before its expiry a token is refreshed while it is still returned.
const REFRESH_WINDOW: Duration = Duration::from_secs(10 * 60);
/// A token this close to its expiry is not returned: it might expire on its way.
const RESERVE: Duration = Duration::from_secs(30);
/// How long to wait after a failed early refresh.
const REFRESH_PAUSE: Duration = Duration::from_secs(60);
/// How long the caller that refreshes early waits before it continues with the token that is still valid.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(10);
/// How long callers get the same error after a failure, unless the server asked for a longer wait.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
/// How long callers on other runtimes wait for a request before they send one of their own: its runtime may not run.
const TAKE_OVER: Duration = Duration::from_secs(2);
/// How many tokens in a row may expire on their way before this is an error.
const ROUNDS: u32 = 3;

type Fetch = Pin<Box<dyn Future<Output = Result<AccessToken, Error>> + Send>>;

/// Caches the token of another source while it is valid. Cheap to clone; clones share the token.
///
/// A [`Session`](crate::Session) is a cache around a login. Use it for your own vault or sidecar:
///
/// ```
/// use umapi_auth::{AccessToken, CachedSource, Clock, TokenFuture, TokenSource};
///
/// struct Vault(Clock);
///
/// impl TokenSource for Vault {
///     fn token(&self) -> TokenFuture<'_> {
///         let expires = self.0.now() + std::time::Duration::from_secs(3600);
///         Box::pin(async move { Ok(AccessToken::new("token of the vault", Some(expires))) })
///     }
///     fn invalidate(&self, _rejected: &AccessToken) {}
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), umapi_auth::Error> {
/// let clock = Clock::real();
/// let tokens = CachedSource::new(Vault(clock.clone()), clock);
/// assert!(tokens.token().await?.is_same(&tokens.token().await?));
/// # Ok(())
/// # }
/// ```
///
/// * The source is asked once at a time, however many tasks wait. The waiting tasks drive the request: dropping the future
///   that started it does not affect the others, and nothing runs while no task waits. A caller on another runtime asks
///   again when the request takes longer than two seconds, because the runtime that drives it may not run.
/// * If the source panics, the callers that wait for it get an error.
/// * In a window before the expiry, one caller refreshes the token while the others continue with the old one. If the
///   refresh fails or is slow, the token is kept, and the next attempt is a minute later.
/// * After a failure without a valid token, callers within the next second, or within the time that the server asked to
///   wait, get the same error and send nothing.
/// * A token is expired when the monotonic clock or the wall clock says so: the monotonic clock may stop while the machine
///   sleeps.
#[derive(Clone)]
pub struct CachedSource(Arc<Cache>);

struct Cache {
    source: Box<dyn TokenSource>,
    clock: Clock,
    refresh_window: Duration,
    state: Mutex<State>,
    /// Notified when a request ends, with a result or without.
    changed: Notify,
}

#[derive(Default)]
struct State {
    cached: Option<CachedToken>,
    /// The requests in flight, one for each runtime at most. The waiting tasks own them, and each ends with the last of its
    /// tasks.
    in_flight: Vec<InFlight>,
    requests: u64,
    /// There is no early refresh before this moment.
    refresh_after: Option<Instant>,
    /// The last failure, and until when all callers get it.
    failure: Option<(Error, Instant)>,
}

/// A request to the source. It is polled on its runtime alone, whose timers and connections it uses.
struct InFlight {
    number: u64,
    runtime: Option<Id>,
    since: Instant,
    fetch: WeakShared<Fetch>,
}

/// What a caller does next. Decided under the lock.
enum NextStep {
    Return(AccessToken),
    Fail(Error),
    /// Refresh early. The cached token is still valid.
    Refresh(Shared<Fetch>),
    Wait(Shared<Fetch>),
    /// Wait for the request of another runtime, until this moment.
    WaitForOther(Instant),
}

impl CachedSource {
    /// Caches the tokens of `source`, which expire by `clock`, and refreshes them ten minutes before their expiry.
    pub fn new(source: impl TokenSource, clock: Clock) -> Self {
        Self::with_refresh_window(source, clock, REFRESH_WINDOW)
    }

    /// Like [`new`](Self::new), with another refresh window. For a token with a lifetime of less than four windows, it is the
    /// last quarter.
    ///
    /// ```
    /// use std::time::Duration;
    /// use umapi_auth::{CachedSource, Clock, FixedToken};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), umapi_auth::Error> {
    /// let sidecar = FixedToken::new("token of the sidecar");
    /// let tokens = CachedSource::with_refresh_window(sidecar, Clock::real(), Duration::from_secs(60));
    /// assert_eq!(tokens.token().await?.reveal(), "token of the sidecar");
    /// # Ok(()) }
    /// ```
    pub fn with_refresh_window(source: impl TokenSource, clock: Clock, window: Duration) -> Self {
        let source = Box::new(source);
        Self(Arc::new(Cache { source, clock, refresh_window: window, state: Mutex::default(), changed: Notify::new() }))
    }

    /// Returns a token that is valid now: the cached one, or a new one from the source.
    ///
    /// # Errors
    ///
    /// The error of the source; see [`Error`].
    pub async fn token(&self) -> Result<AccessToken, Error> {
        let mut rounds = 0;
        while rounds < ROUNDS {
            rounds += 1;
            // Created before the decision, so that what ends between it and the wait is noticed.
            let changed = self.0.changed.notified();
            match self.next_step() {
                NextStep::WaitForOther(until) => {
                    rounds -= 1;
                    tokio::select! {
                        () = changed => {}
                        () = self.0.clock.sleep_until(until) => {}
                    }
                }
                NextStep::Return(token) => return Ok(token),
                NextStep::Fail(error) => return Err(error),
                NextStep::Refresh(fetch) => {
                    if self.0.clock.timeout(REFRESH_TIMEOUT, fetch).await.is_err() {
                        tracing::debug!("early refresh is slow, using the cached token");
                        self.0.lock().refresh_after = Some(self.0.clock.now() + REFRESH_PAUSE);
                    }
                }
                // The next round takes the token from the cache and checks it again, because time has passed.
                NextStep::Wait(fetch) => drop(fetch.await?),
            }
        }
        // An early refresh that ended the last round left a valid token.
        match self.next_step() {
            NextStep::Return(token) => Ok(token),
            _ => Err(Error::other(
                "every new token expired before it could be used; the source issues tokens with a too short lifetime, or the service rejects each one",
            )),
        }
    }

    /// Reports that the service rejected this token. It is dropped, unless a newer one has replaced it already.
    pub fn invalidate(&self, rejected: &AccessToken) {
        let mut state = self.0.lock();
        if state.cached.as_ref().is_some_and(|cached| cached.token.is_same(rejected)) {
            state.cached = None;
        }
        drop(state);
        log_panic("token source", || self.0.source.invalidate(rejected));
    }

    fn next_step(&self) -> NextStep {
        let now = Moment::now(&self.0.clock);
        let mut state = self.0.lock();
        let Some(cached) = state.cached.as_ref().filter(|cached| !now.has_reached(cached.valid_until)) else {
            return match &state.failure {
                Some((error, until)) if now.monotonic < *until => {
                    NextStep::Fail(error.with_remaining(*until - now.monotonic))
                }
                _ => self.wait(&mut state, now),
            };
        };
        let is_early = now.has_reached(cached.refresh_from);
        let may_refresh = state.refresh_after.is_none_or(|moment| now.monotonic >= moment);
        if !is_early || !may_refresh {
            return NextStep::Return(cached.token.clone());
        }
        let token = cached.token.clone();
        state.forget_ended();
        if state.in_flight.iter().any(|request| now.monotonic < request.since + TAKE_OVER) {
            return NextStep::Return(token);
        }
        match state.of_runtime(current_runtime()) {
            Some(_) => NextStep::Return(token),
            None => NextStep::Refresh(self.fetch(&mut state, now)),
        }
    }

    /// Waits for the request of this runtime, or for that of another one, or sends one.
    fn wait(&self, state: &mut State, now: Moment) -> NextStep {
        state.forget_ended();
        if let Some(fetch) = state.of_runtime(current_runtime()) {
            return NextStep::Wait(fetch);
        }
        match state.in_flight.iter().map(|request| request.since + TAKE_OVER).max() {
            Some(until) if now.monotonic < until => NextStep::WaitForOther(until),
            _ => NextStep::Wait(self.fetch(state, now)),
        }
    }

    /// Sends a request on this runtime.
    fn fetch(&self, state: &mut State, now: Moment) -> Shared<Fetch> {
        let cache = self.0.clone();
        state.requests += 1;
        let number = state.requests;
        let ended = NotifyOnDrop(self.0.clone());
        let fetch: Fetch = Box::pin(async move {
            let _ended = ended;
            let started = Moment::now(&cache.clock);
            let token = catch_panic("token source", async { cache.source.token().await }).await;
            let result = token.unwrap_or_else(|panic| Err(Error::other(panic)));
            cache.store(number, started, &result);
            result
        });
        let fetch = fetch.shared();
        if let Some(weak) = fetch.downgrade() {
            let (runtime, since) = (current_runtime(), now.monotonic);
            state.in_flight.push(InFlight { number, runtime, since, fetch: weak });
        }
        fetch
    }
}

fn current_runtime() -> Option<Id> {
    Handle::try_current().ok().map(|handle| handle.id())
}

/// Wakes the callers on other runtimes when a request ends.
struct NotifyOnDrop(Arc<Cache>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.changed.notify_waiters();
    }
}

impl Cache {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete when the lock is released, so a poisoned lock is safe to use.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self, number: u64, started: Moment, result: &Result<AccessToken, Error>) {
        let now = self.clock.now();
        let mut state = self.lock();
        state.in_flight.retain(|request| request.number != number);
        match result {
            Ok(token) => {
                let fresh = CachedToken::new(token.clone(), started, self.refresh_window);
                // A request that was overtaken by another one does not replace what that one brought.
                if state.cached.as_ref().is_none_or(|cached| cached.started <= started.monotonic) {
                    state.cached = Some(fresh);
                }
                state.refresh_after = None;
                state.failure = None;
            }
            Err(error) => {
                let asked = error.retry_after().unwrap_or_default();
                state.refresh_after = Some(now + asked.max(REFRESH_PAUSE));
                state.failure = Some((error.clone(), now + asked.max(FAILURE_PAUSE)));
            }
        }
    }
}

impl State {
    /// Forgets the requests that nobody waits for any more.
    fn forget_ended(&mut self) {
        self.in_flight.retain(|request| request.fetch.upgrade().is_some());
    }

    fn of_runtime(&self, runtime: Option<Id>) -> Option<Shared<Fetch>> {
        self.in_flight.iter().find(|request| request.runtime == runtime)?.fetch.upgrade()
    }
}

/// A token, and when it is refreshed and how long it is returned. Both are `None` for a token without an expiry.
struct CachedToken {
    token: AccessToken,
    started: Instant,
    refresh_from: Option<Moment>,
    valid_until: Option<Moment>,
}

impl CachedToken {
    fn new(token: AccessToken, started: Moment, refresh_window: Duration) -> Self {
        let before_expiry = |at_most: Duration, part: u32| {
            let lifetime = token.expires()? - started.monotonic;
            Some(started.after(lifetime - at_most.min(lifetime / part)))
        };
        let (refresh_from, valid_until) = (before_expiry(refresh_window, 4), before_expiry(RESERVE, 20));
        Self { token, started: started.monotonic, refresh_from, valid_until }
    }
}

/// A moment on both clocks.
#[derive(Clone, Copy)]
struct Moment {
    monotonic: Instant,
    /// `None` if it is too late for a date.
    wall: Option<SystemTime>,
}

impl Moment {
    fn now(clock: &Clock) -> Self {
        Self { monotonic: clock.now(), wall: Some(clock.wall()) }
    }

    fn after(self, time: Duration) -> Self {
        Self { monotonic: self.monotonic + time, wall: self.wall.and_then(|wall| wall.checked_add(time)) }
    }

    fn has_reached(self, other: Option<Self>) -> bool {
        let by_wall = |other: Self| self.wall.zip(other.wall).is_some_and(|(now, then)| now >= then);
        other.is_some_and(|other| self.monotonic >= other.monotonic || by_wall(other))
    }
}

impl TokenSource for CachedSource {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(Self::token(self))
    }

    fn invalidate(&self, refused: &AccessToken) {
        Self::invalidate(self, refused);
    }
}

impl fmt::Debug for CachedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedSource").field("refresh_window", &self.0.refresh_window).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
