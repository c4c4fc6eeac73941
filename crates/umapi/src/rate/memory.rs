//! The rate limits of one process, in memory.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    future::ready,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use umapi_time::{Clock, Instant};

use super::{Permit, PermitId, RateLimit, RateLimitFuture, RateLimitScope, RateLimitSet, RateLimitStore};

/// Added to each period. The service counts calls when they arrive, and one call may take longer to arrive than another.
const MARGIN: Duration = Duration::from_secs(1);

/// Remembers the calls of this process. No period contains more calls than the limit allows.
///
/// It counts over a sliding window: all calls of a minute may be sent together, and each makes room for another one 61 seconds
/// later.
///
/// Two clients with the same credentials share one, here over a network on which requests may take two seconds longer than others:
///
/// ```
/// use std::{sync::Arc, time::Duration};
///
/// use umapi::{Client, InMemoryRateLimits, auth::FixedToken, time::Clock};
///
/// # fn main() -> Result<(), umapi::Error> {
/// let shared = Arc::new(InMemoryRateLimits::with_margin(Clock::real(), Duration::from_secs(2)));
/// let client = |product: &str| {
///     Client::builder("12345@AdobeOrg")
///         .token_source("client id", FixedToken::new(format!("token of {product}")))
///         .rate_limit_store(shared.clone())
///         .build()
/// };
/// let (provisioning, reports) = (client("provisioning")?, client("reports")?);
/// # Ok(()) }
/// ```
pub struct InMemoryRateLimits {
    clock: Clock,
    margin: Duration,
    windows: Mutex<HashMap<(Arc<str>, RateLimitScope), Window>>,
}

impl InMemoryRateLimits {
    /// Creates a store that uses this clock.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self::with_margin(clock, MARGIN)
    }

    /// Like [`new`](Self::new), with another time that is added to each period. The default is a second. It is at least the
    /// difference between the times that two calls take to arrive.
    #[must_use]
    pub fn with_margin(clock: Clock, margin: Duration) -> Self {
        Self { clock, margin, windows: Mutex::default() }
    }

    fn with<T: Send + 'static>(
        &self,
        limits: &RateLimitSet,
        act: impl FnOnce(&mut Window, Instant) -> T,
    ) -> RateLimitFuture<'static, T> {
        let now = self.clock.now();
        // Every change of a window is complete when the lock is released, so a poisoned lock is safe to use.
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window =
            windows.entry((limits.api_key.clone(), limits.scope())).or_insert_with(|| Window::new(self.margin));
        Box::pin(ready(Ok(act(window, now))))
    }
}

impl RateLimitStore for InMemoryRateLimits {
    fn acquire<'a>(&'a self, limits: &'a RateLimitSet) -> RateLimitFuture<'a, Permit> {
        self.with(limits, |window, now| window.acquire(limits.limits(), now))
    }

    fn mark_sent<'a>(&'a self, limits: &'a RateLimitSet, permit: PermitId) -> RateLimitFuture<'a, ()> {
        self.with(limits, |window, now| window.mark_sent(limits.limits(), permit, now))
    }

    fn forecast<'a>(&'a self, limits: &'a RateLimitSet, ahead: usize) -> RateLimitFuture<'a, Duration> {
        self.with(limits, |window, now| window.forecast(limits.limits(), ahead, now))
    }

    fn release<'a>(&'a self, limits: &'a RateLimitSet, permit: PermitId) -> RateLimitFuture<'a, ()> {
        self.with(limits, |window, _| window.release(permit))
    }

    fn pause<'a>(&'a self, limits: &'a RateLimitSet, time: Duration) -> RateLimitFuture<'a, ()> {
        self.with(limits, |window, now| window.paused_until = window.paused_until.max(now + time))
    }
}

impl fmt::Debug for InMemoryRateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryRateLimits").finish_non_exhaustive()
    }
}

/// The recent calls of one credential and scope.
struct Window {
    /// The last calls, ordered by time: as many as any limit looks back.
    calls: VecDeque<(PermitId, Instant)>,
    last_id: u64,
    paused_until: Instant,
    margin: Duration,
}

impl Window {
    fn new(margin: Duration) -> Self {
        Self { calls: VecDeque::new(), last_id: 0, paused_until: Instant::ORIGIN, margin }
    }

    fn acquire(&mut self, limits: &[RateLimit], now: Instant) -> Permit {
        let wait = self.forecast(limits, 0, now);
        if !wait.is_zero() {
            return Permit::After(wait);
        }
        self.last_id += 1;
        let permit = PermitId(self.last_id);
        self.record(limits, permit, now);
        Permit::Granted(permit)
    }

    fn mark_sent(&mut self, limits: &[RateLimit], permit: PermitId, now: Instant) {
        self.release(permit);
        self.record(limits, permit, now);
    }

    fn release(&mut self, permit: PermitId) {
        self.calls.retain(|(id, _)| *id != permit);
    }

    fn record(&mut self, limits: &[RateLimit], permit: PermitId, now: Instant) {
        self.calls.push_back((permit, now));
        let most = limits.iter().map(|limit| quota(*limit)).max().unwrap_or_default();
        let longest = limits.iter().map(|limit| self.period(*limit)).max().unwrap_or_default();
        while self.calls.front().is_some_and(|(_, at)| self.calls.len() > most || now - *at > longest) {
            self.calls.pop_front();
        }
    }

    /// The time until there is a permit for a call with `ahead` others before it.
    fn forecast(&self, limits: &[RateLimit], ahead: usize, now: Instant) -> Duration {
        let start = now.max(self.paused_until);
        let free_at = limits.iter().map(|limit| self.free_at(*limit, ahead, start)).fold(start, Instant::max);
        free_at - now
    }

    /// When one limit allows a call with `ahead` others before it, the first of which comes at `start` or later.
    fn free_at(&self, limit: RateLimit, ahead: usize, start: Instant) -> Instant {
        let (quota, period) = (quota(limit), self.period(limit));
        // The next calls up to the quota each wait for one that was made; those after them wait for these.
        let (rounds, place) = (ahead / quota, ahead % quota);
        let waits_for = (self.calls.len() + place).checked_sub(quota).and_then(|index| self.calls.get(index));
        let first = waits_for.map_or(start, |(_, at)| start.max(*at + period));
        first + period.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
    }

    /// The period with its margin.
    fn period(&self, limit: RateLimit) -> Duration {
        limit.period().saturating_add(self.margin)
    }
}

fn quota(limit: RateLimit) -> usize {
    limit.quota().get() as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use umapi_model::{Operation, ThrottleClass};
    use umapi_time::ManualClock;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn per_minute(quota: u32) -> RateLimit {
        RateLimit::per_minute(quota.try_into().unwrap())
    }

    fn limit(quota: u32) -> RateLimitSet {
        RateLimitSet::new("key", ThrottleClass::Action, [per_minute(quota)])
    }

    fn wait(permit: Result<Permit, crate::RateLimitError>) -> Option<Duration> {
        match permit.unwrap() {
            Permit::Granted(_) => None,
            Permit::After(time) => Some(time),
        }
    }

    #[tokio::test]
    async fn a_full_minute_grants_no_permit_until_its_first_call_expires() {
        let manual = ManualClock::new();
        let store = InMemoryRateLimits::new(manual.clock());
        let limit = limit(2);
        assert_eq!(wait(store.acquire(&limit).await), None);
        manual.advance(SECOND * 10);
        assert_eq!(wait(store.acquire(&limit).await), None);
        assert_eq!(wait(store.acquire(&limit).await), Some(SECOND * 51));
        for (ahead, seconds) in [(0, 51), (1, 61), (2, 112), (3, 122), (4, 173)] {
            assert_eq!(store.forecast(&limit, ahead).await.unwrap(), SECOND * seconds, "{ahead} ahead");
        }
    }

    #[tokio::test]
    async fn a_call_counts_from_when_it_is_sent() {
        let manual = ManualClock::new();
        let store = InMemoryRateLimits::new(manual.clock());
        let limit = limit(1);
        let Ok(Permit::Granted(permit)) = store.acquire(&limit).await else { panic!("the first permit is free") };
        manual.advance(SECOND * 5);
        store.mark_sent(&limit, permit).await.unwrap();
        assert_eq!(store.forecast(&limit, 0).await.unwrap(), SECOND * 61);
    }

    #[tokio::test]
    async fn the_longer_pause_applies_even_without_a_limit() {
        let manual = ManualClock::new();
        let store = InMemoryRateLimits::new(manual.clock());
        let unlimited = RateLimitSet::new("key", ThrottleClass::Action, None);
        assert_eq!(wait(store.acquire(&unlimited).await), None);
        store.pause(&unlimited, SECOND * 40).await.unwrap();
        store.pause(&unlimited, SECOND * 20).await.unwrap();
        assert_eq!(wait(store.acquire(&unlimited).await), Some(SECOND * 40));
        manual.advance(SECOND * 40);
        assert_eq!(wait(store.acquire(&unlimited).await), None);
    }

    #[tokio::test]
    async fn a_released_permit_is_free_again() {
        let manual = ManualClock::new();
        let limits = InMemoryRateLimits::new(manual.clock());
        let limit = limit(2);
        let Ok(Permit::Granted(first)) = limits.acquire(&limit).await else { panic!("the first permit is free") };
        assert!(matches!(limits.acquire(&limit).await, Ok(Permit::Granted(_))));
        assert!(matches!(limits.acquire(&limit).await, Ok(Permit::After(_))));
        limits.release(&limit, first).await.unwrap();
        assert!(matches!(limits.acquire(&limit).await, Ok(Permit::Granted(_))));
        assert!(matches!(limits.acquire(&limit).await, Ok(Permit::After(_))));
    }

    #[tokio::test]
    async fn the_slowest_of_several_limits_applies() {
        let manual = ManualClock::new();
        let store = InMemoryRateLimits::new(manual.clock());
        let hours = RateLimit::new(3.try_into().unwrap(), SECOND * 7200);
        let limits = RateLimitSet::new("key", ThrottleClass::Action, [per_minute(2), hours]);
        assert_eq!((wait(store.acquire(&limits).await), wait(store.acquire(&limits).await)), (None, None));
        assert_eq!(wait(store.acquire(&limits).await), Some(SECOND * 61));
        for (ahead, seconds) in [(0, 61), (1, 7201), (2, 7201), (3, 7201)] {
            let forecast = store.forecast(&limits, ahead).await.unwrap();
            assert!(forecast >= SECOND * seconds, "{ahead} ahead: {forecast:?}");
        }
        manual.advance(SECOND * 61);
        assert_eq!(wait(store.acquire(&limits).await), None);
        assert_eq!(wait(store.acquire(&limits).await), Some(SECOND * (7201 - 61)));
    }

    #[tokio::test]
    async fn credentials_and_scopes_are_counted_apart() {
        let store = InMemoryRateLimits::new(ManualClock::new().clock());
        let set = |key: &str, scope| RateLimitSet::new(key, scope, [per_minute(1)]);
        let first_page = RateLimitScope::FirstPage(Operation::ListUsers);
        for (key, scope) in [("a", ThrottleClass::Users.into()), ("b", ThrottleClass::Users.into()), ("a", first_page)]
        {
            assert_eq!(wait(store.acquire(&set(key, scope)).await), None, "{key} {scope:?}");
            assert_eq!(wait(store.acquire(&set(key, scope)).await), Some(SECOND * 61), "{key} {scope:?}");
        }
    }

    proptest! {
        /// No minute contains more calls than the limit, and forecasts are exact, whenever permits are requested.
        #[test]
        fn no_minute_contains_more_than_the_limit(limit in 1_u32..12, steps in prop::collection::vec(0_u64..20_000, 1..200)) {
            let (mut window, limits) = (Window::new(MARGIN), [per_minute(limit)]);
            let mut now = Instant::ORIGIN;
            let mut taken: Vec<Instant> = Vec::new();
            for step in steps {
                now += Duration::from_millis(step);
                let free_at = now + window.forecast(&limits, 0, now);
                if matches!(window.acquire(&limits, now), Permit::Granted(_)) {
                    prop_assert!(free_at <= now);
                    taken.push(now);
                } else {
                    prop_assert!(free_at > now);
                }
            }
            for first in &taken {
                let within = taken.iter().filter(|at| **at >= *first && **at - *first <= SECOND * 60).count();
                prop_assert!(within <= limit as usize);
            }
        }

        /// Permits requested at the forecast times are granted at exactly these times.
        #[test]
        fn forecasts_are_exact(limit in 1_u32..6, made in 0_usize..8, ahead in 0_usize..20) {
            let (mut window, limits) = (Window::new(MARGIN), [per_minute(limit)]);
            let mut now = Instant::ORIGIN;
            for _ in 0..made {
                now = (now + window.forecast(&limits, 0, now)) + SECOND;
                prop_assert!(matches!(window.acquire(&limits, now), Permit::Granted(_)));
            }
            let forecast = now + window.forecast(&limits, ahead, now);
            for _ in 0..=ahead {
                now = now + window.forecast(&limits, 0, now);
                prop_assert!(matches!(window.acquire(&limits, now), Permit::Granted(_)));
            }
            prop_assert_eq!(forecast, now);
        }
    }
}
