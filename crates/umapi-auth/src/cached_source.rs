//! A token source that keeps what another one gives.

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
use umapi_time::{Clock, Instant};

use crate::{AccessToken, Error, TokenFuture, TokenSource};

/// How long before its end a token is refreshed, while it is still handed out.
const REFRESH_WINDOW: Duration = Duration::from_secs(10 * 60);
/// A token this close to its end is not handed out: it might expire on its way.
const RESERVE: Duration = Duration::from_secs(30);
/// How long a failed early refresh is left alone.
const REFRESH_PAUSE: Duration = Duration::from_secs(60);
/// How long the caller that refreshes early waits before it goes on with the token that is still good.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long those who come after a failure get the same failure, unless the server asked for more.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
/// How many tokens in a row may expire on their way before that is an error.
const ROUNDS: u32 = 3;

type Fetch = Pin<Box<dyn Future<Output = Result<AccessToken, Error>> + Send>>;

/// Keeps the token of another source as long as it is good. Cheap to clone; clones share the token.
///
/// A [`Session`](crate::Session) is this around a login; put it around a vault or a sidecar of your own:
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
///     fn invalidate(&self, _refused: &AccessToken) {}
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
/// * However many tasks wait, the source is asked once at a time. The asking is carried on by whoever waits: dropping
///   the future that began it harms nobody, and nothing runs while nobody asks.
/// * In a window before the end one caller refreshes the token, while the others go on with the one that is still good.
///   If that fails or is slow, the token stays, and the next attempt is a minute later.
/// * After a failure without a token at hand, those who come within a second, or within the time that the server
///   asked for, get the same error and send nothing.
/// * A token counts as expired when the monotonic clock says so, or the wall clock: a machine that was asleep may have
///   stopped the former.
#[derive(Clone)]
pub struct CachedSource(Arc<Shelf>);

struct Shelf {
    source: Box<dyn TokenSource>,
    clock: Clock,
    refresh_window: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: Option<Kept>,
    /// The asking under way. It belongs to those who wait, and ends with the last of them.
    flight: Option<WeakShared<Fetch>>,
    /// No early refresh before this moment.
    refresh_after: Option<Instant>,
    /// The last failure, and until when it is everyone's.
    failure: Option<(Error, Instant)>,
}

/// What a caller does, decided under the lock.
enum Turn {
    Take(AccessToken),
    Fail(Error),
    /// Refresh early; the token at hand is still good.
    Refresh(Shared<Fetch>),
    Wait(Shared<Fetch>),
}

impl CachedSource {
    /// Keeps the tokens of `source`, whose expiry is on `clock`, and refreshes them ten minutes before their end.
    pub fn new(source: impl TokenSource, clock: Clock) -> Self {
        Self::with_refresh_window(source, clock, REFRESH_WINDOW)
    }

    /// The same with another window. Of a token that lives shorter than four windows, it is the last quarter.
    pub fn with_refresh_window(source: impl TokenSource, clock: Clock, window: Duration) -> Self {
        let source = Box::new(source);
        Self(Arc::new(Shelf { source, clock, refresh_window: window, state: Mutex::default() }))
    }

    /// A token that is good now: the one at hand, or one that the source is asked for.
    ///
    /// # Errors
    ///
    /// Why the source gave none; see [`Error`].
    pub async fn token(&self) -> Result<AccessToken, Error> {
        for _ in 0..ROUNDS {
            match self.turn() {
                Turn::Take(token) => return Ok(token),
                Turn::Fail(error) => return Err(error),
                Turn::Refresh(flight) => {
                    if self.0.clock.timeout(PATIENCE, flight).await.is_err() {
                        tracing::debug!("early refresh is slow: the token at hand is used on");
                        self.0.lock().refresh_after = Some(self.0.clock.now() + REFRESH_PAUSE);
                    }
                }
                // What comes back is taken from the shelf, where it is looked at once more: time has passed.
                Turn::Wait(flight) => drop(flight.await?),
            }
        }
        // A refresh that ends the last round has left a token that is still good.
        match self.turn() {
            Turn::Take(token) => Ok(token),
            _ => Err(Error::other(
                "no token stayed good on its way: the source gives out tokens that live too short, or the service refuses each",
            )),
        }
    }

    /// Says that the service refused this token: it is dropped, unless a fresher one has taken its place.
    pub fn invalidate(&self, refused: &AccessToken) {
        let mut state = self.0.lock();
        if state.kept.as_ref().is_some_and(|kept| kept.token.is_same(refused)) {
            state.kept = None;
        }
        drop(state);
        self.0.source.invalidate(refused);
    }

    fn turn(&self) -> Turn {
        let now = Moment::now(&self.0.clock);
        let mut state = self.0.lock();
        let Some(kept) = state.kept.as_ref().filter(|kept| !now.has_reached(kept.good_until)) else {
            return match &state.failure {
                Some((error, until)) if now.monotonic < *until => {
                    Turn::Fail(error.with_remaining(*until - now.monotonic))
                }
                _ => Turn::Wait(self.flight(&mut state)),
            };
        };
        let is_early = now.has_reached(kept.refresh_from);
        let may_refresh = state.refresh_after.is_none_or(|moment| now.monotonic >= moment);
        if !is_early || !may_refresh || state.under_way().is_some() {
            return Turn::Take(kept.token.clone());
        }
        Turn::Refresh(self.flight(&mut state))
    }

    /// The asking under way, or a new one.
    fn flight(&self, state: &mut State) -> Shared<Fetch> {
        if let Some(flight) = state.under_way() {
            return flight;
        }
        let shelf = self.0.clone();
        let fetch: Fetch = Box::pin(async move {
            let begun = Moment::now(&shelf.clock);
            let result = shelf.source.token().await;
            shelf.keep(begun, &result);
            result
        });
        let flight = fetch.shared();
        state.flight = flight.downgrade();
        flight
    }
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole at every moment that the lock is free, so a panic elsewhere leaves nothing half-done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, begun: Moment, result: &Result<AccessToken, Error>) {
        let now = self.clock.now();
        let mut state = self.lock();
        state.flight = None;
        match result {
            Ok(token) => {
                state.kept = Some(Kept::new(token.clone(), begun, self.refresh_window));
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
    fn under_way(&self) -> Option<Shared<Fetch>> {
        self.flight.as_ref().and_then(WeakShared::upgrade)
    }
}

/// A token, and the moments that it is refreshed from and handed out until; none for a token without an end.
struct Kept {
    token: AccessToken,
    refresh_from: Option<Moment>,
    good_until: Option<Moment>,
}

impl Kept {
    fn new(token: AccessToken, begun: Moment, refresh_window: Duration) -> Self {
        let before_end = |at_most: Duration, part: u32| {
            let life = token.expires()? - begun.monotonic;
            Some(begun.after(life - at_most.min(life / part)))
        };
        let (refresh_from, good_until) = (before_end(refresh_window, 4), before_end(RESERVE, 20));
        Self { token, refresh_from, good_until }
    }
}

/// A moment on both clocks.
#[derive(Clone, Copy)]
struct Moment {
    monotonic: Instant,
    /// None where no date can hold it.
    wall: Option<SystemTime>,
}

impl Moment {
    fn now(clock: &Clock) -> Self {
        Self { monotonic: clock.now(), wall: Some(clock.wall()) }
    }

    fn after(self, life: Duration) -> Self {
        Self { monotonic: self.monotonic + life, wall: self.wall.and_then(|wall| wall.checked_add(life)) }
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
