//! The rate limits of one process, in memory.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    future::ready,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use umapi_time::{Clock, Instant};

use super::{Permit, PermitId, RateLimit, RateLimitFuture, RateLimitStore};

/// The period that calls are counted over.
const MINUTE: Duration = Duration::from_secs(60);

/// Added to the period. The service counts calls when they arrive, and one call may take longer to arrive than another.
const MARGIN: Duration = Duration::from_secs(1);

/// Remembers the calls of this process. No period of 60 seconds contains more calls than the limit.
///
/// It counts over a sliding window: all calls of a minute may be sent together, and each makes room for another one 61 seconds
/// later.
pub struct InMemoryRateLimits {
    clock: Clock,
    windows: Mutex<HashMap<RateLimit, Window>>,
}

impl InMemoryRateLimits {
    /// Creates a store that uses this clock.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, windows: Mutex::default() }
    }

    fn with<T>(&self, limit: &RateLimit, act: impl FnOnce(&mut Window, Instant) -> T) -> T {
        let now = self.clock.now();
        let mut windows = self.lock();
        match windows.get_mut(limit) {
            Some(window) => act(window, now),
            None => act(windows.entry(limit.clone()).or_insert_with(|| Window::new(limit.per_minute)), now),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RateLimit, Window>> {
        // Every change of a window is complete when the lock is released, so a poisoned lock is safe to use.
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RateLimitStore for InMemoryRateLimits {
    fn acquire<'a>(&'a self, limit: &'a RateLimit) -> RateLimitFuture<'a, Permit> {
        Box::pin(ready(self.with(limit, Window::acquire)))
    }

    fn mark_sent<'a>(&'a self, limit: &'a RateLimit, permit: PermitId) -> RateLimitFuture<'a, ()> {
        self.with(limit, |window, now| window.mark_sent(permit, now));
        Box::pin(ready(()))
    }

    fn forecast<'a>(&'a self, limit: &'a RateLimit, ahead: usize) -> RateLimitFuture<'a, Duration> {
        Box::pin(ready(self.with(limit, |window, now| window.free_at(ahead, now) - now)))
    }

    fn release<'a>(&'a self, limit: &'a RateLimit, permit: PermitId) -> RateLimitFuture<'a, ()> {
        self.with(limit, |window, _| window.calls.retain(|(id, _)| *id != permit));
        Box::pin(ready(()))
    }

    fn pause<'a>(&'a self, limit: &'a RateLimit, time: Duration) -> RateLimitFuture<'a, ()> {
        self.with(limit, |window, now| window.paused_until = window.paused_until.max(now + time));
        Box::pin(ready(()))
    }
}

impl fmt::Debug for InMemoryRateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryRateLimits").finish_non_exhaustive()
    }
}

/// The recent calls under one rate limit.
struct Window {
    limit: Option<usize>,
    /// The last calls, at most as many as the limit, ordered by time.
    calls: VecDeque<(PermitId, Instant)>,
    last_id: u64,
    paused_until: Instant,
}

impl Window {
    fn new(per_minute: Option<NonZeroU32>) -> Self {
        let limit = per_minute.map(|number| number.get() as usize);
        Self { limit, calls: VecDeque::new(), last_id: 0, paused_until: Instant::ORIGIN }
    }

    fn acquire(&mut self, now: Instant) -> Permit {
        let free_at = self.free_at(0, now);
        if free_at > now {
            return Permit::After(free_at - now);
        }
        self.last_id += 1;
        let permit = PermitId(self.last_id);
        self.record(permit, now);
        Permit::Granted(permit)
    }

    fn mark_sent(&mut self, permit: PermitId, now: Instant) {
        self.calls.retain(|(id, _)| *id != permit);
        self.record(permit, now);
    }

    fn record(&mut self, permit: PermitId, now: Instant) {
        let Some(limit) = self.limit else { return };
        self.calls.push_back((permit, now));
        while self.calls.len() > limit {
            self.calls.pop_front();
        }
    }

    /// When there is a permit for a call with `ahead` others before it.
    fn free_at(&self, ahead: usize, now: Instant) -> Instant {
        let start = now.max(self.paused_until);
        let Some(limit) = self.limit else { return start };
        // The next `limit` permits each wait for a call that was made; those after them wait for these.
        let (rounds, place) = (ahead / limit, ahead % limit);
        let waits_for = (self.calls.len() + place).checked_sub(limit).and_then(|index| self.calls.get(index));
        let first = waits_for.map_or(start, |(_, at)| start.max(*at + MINUTE + MARGIN));
        first + (MINUTE + MARGIN).saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use umapi_model::ThrottleClass;
    use umapi_time::ManualClock;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limit(per_minute: u32) -> RateLimit {
        RateLimit { api_key: "key".into(), class: ThrottleClass::Action, per_minute: NonZeroU32::new(per_minute) }
    }

    fn wait(permit: Permit) -> Option<Duration> {
        match permit {
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
            assert_eq!(store.forecast(&limit, ahead).await, SECOND * seconds, "{ahead} ahead");
        }
    }

    #[tokio::test]
    async fn a_call_counts_from_when_it_is_sent() {
        let manual = ManualClock::new();
        let store = InMemoryRateLimits::new(manual.clock());
        let limit = limit(1);
        let Permit::Granted(permit) = store.acquire(&limit).await else { panic!("the first permit is free") };
        manual.advance(SECOND * 5);
        store.mark_sent(&limit, permit).await;
        assert_eq!(store.forecast(&limit, 0).await, SECOND * 61);
    }

    #[tokio::test]
    async fn the_longer_pause_applies_even_without_a_limit() {
        let manual = ManualClock::new();
        let store = InMemoryRateLimits::new(manual.clock());
        let unlimited = RateLimit { per_minute: None, ..limit(1) };
        assert_eq!(wait(store.acquire(&unlimited).await), None);
        store.pause(&unlimited, SECOND * 40).await;
        store.pause(&unlimited, SECOND * 20).await;
        assert_eq!(wait(store.acquire(&unlimited).await), Some(SECOND * 40));
        manual.advance(SECOND * 40);
        assert_eq!(wait(store.acquire(&unlimited).await), None);
    }

    #[tokio::test]
    async fn a_released_permit_is_free_again() {
        let manual = ManualClock::new();
        let limits = InMemoryRateLimits::new(manual.clock());
        let limit = limit(2);
        let Permit::Granted(first) = limits.acquire(&limit).await else { panic!("the first permit is free") };
        assert!(matches!(limits.acquire(&limit).await, Permit::Granted(_)));
        assert!(matches!(limits.acquire(&limit).await, Permit::After(_)));
        limits.release(&limit, first).await;
        assert!(matches!(limits.acquire(&limit).await, Permit::Granted(_)));
        assert!(matches!(limits.acquire(&limit).await, Permit::After(_)));
    }

    proptest! {
        /// No minute contains more calls than the limit, and forecasts are exact, whenever permits are requested.
        #[test]
        fn no_minute_contains_more_than_the_limit(limit in 1_u32..12, steps in prop::collection::vec(0_u64..20_000, 1..200)) {
            let mut window = Window::new(NonZeroU32::new(limit));
            let mut now = Instant::ORIGIN;
            let mut taken: Vec<Instant> = Vec::new();
            for step in steps {
                now += Duration::from_millis(step);
                let free_at = window.free_at(0, now);
                if matches!(window.acquire(now), Permit::Granted(_)) {
                    prop_assert!(free_at <= now);
                    taken.push(now);
                } else {
                    prop_assert!(free_at > now);
                }
            }
            for first in &taken {
                let within = taken.iter().filter(|at| **at >= *first && **at - *first <= MINUTE).count();
                prop_assert!(within <= limit as usize);
            }
        }

        /// Permits requested at the forecast times are granted at exactly these times.
        #[test]
        fn forecasts_are_exact(limit in 1_u32..6, made in 0_usize..8, ahead in 0_usize..20) {
            let mut window = Window::new(NonZeroU32::new(limit));
            let mut now = Instant::ORIGIN;
            for _ in 0..made {
                now = now.max(window.free_at(0, now)) + SECOND;
                prop_assert!(matches!(window.acquire(now), Permit::Granted(_)));
            }
            let forecast = window.free_at(ahead, now);
            for _ in 0..=ahead {
                now = window.free_at(0, now);
                prop_assert!(matches!(window.acquire(now), Permit::Granted(_)));
            }
            prop_assert_eq!(forecast, now);
        }
    }
}
