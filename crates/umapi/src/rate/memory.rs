//! The pace of one process, in its memory.

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

/// The span that the limits are counted over.
const MINUTE: Duration = Duration::from_secs(60);

/// What is added to the span. The service counts calls when they arrive, and one may take longer on its way than another
/// a minute later.
const MARGIN: Duration = Duration::from_secs(1);

/// Remembers the calls of this process. In no span of 60 seconds are there more than the limit.
///
/// It counts over a sliding window: all calls of a minute may go out together, and each makes room for another one 61
/// seconds later.
pub struct InMemoryRateLimits {
    clock: Clock,
    ledgers: Mutex<HashMap<RateLimit, Ledger>>,
}

impl InMemoryRateLimits {
    /// A pace by this clock.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, ledgers: Mutex::default() }
    }

    fn with<T>(&self, allowance: &RateLimit, act: impl FnOnce(&mut Ledger, Instant) -> T) -> T {
        let now = self.clock.now();
        let mut ledgers = self.lock();
        match ledgers.get_mut(allowance) {
            Some(ledger) => act(ledger, now),
            None => act(ledgers.entry(allowance.clone()).or_insert_with(|| Ledger::new(allowance.per_minute)), now),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RateLimit, Ledger>> {
        // Each change of a ledger is whole in itself, so a panic elsewhere leaves nothing half-done.
        self.ledgers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RateLimitStore for InMemoryRateLimits {
    fn take<'a>(&'a self, allowance: &'a RateLimit) -> RateLimitFuture<'a, Permit> {
        Box::pin(ready(self.with(allowance, Ledger::take)))
    }

    fn sent<'a>(&'a self, allowance: &'a RateLimit, turn: PermitId) -> RateLimitFuture<'a, ()> {
        self.with(allowance, |ledger, now| ledger.sent(turn, now));
        Box::pin(ready(()))
    }

    fn forecast<'a>(&'a self, allowance: &'a RateLimit, ahead: usize) -> RateLimitFuture<'a, Duration> {
        Box::pin(ready(self.with(allowance, |ledger, now| ledger.free_at(ahead, now) - now)))
    }

    fn hold_back<'a>(&'a self, allowance: &'a RateLimit, time: Duration) -> RateLimitFuture<'a, ()> {
        self.with(allowance, |ledger, now| ledger.held_until = ledger.held_until.max(now + time));
        Box::pin(ready(()))
    }
}

impl fmt::Debug for InMemoryRateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryRateLimits").finish_non_exhaustive()
    }
}

/// The calls of one allowance.
struct Ledger {
    limit: Option<usize>,
    /// The last calls, as many as the limit, in the order of their time.
    calls: VecDeque<(PermitId, Instant)>,
    last_id: u64,
    held_until: Instant,
}

impl Ledger {
    fn new(per_minute: Option<NonZeroU32>) -> Self {
        let limit = per_minute.map(|number| number.get() as usize);
        Self { limit, calls: VecDeque::new(), last_id: 0, held_until: Instant::ORIGIN }
    }

    fn take(&mut self, now: Instant) -> Permit {
        let free_at = self.free_at(0, now);
        if free_at > now {
            return Permit::After(free_at - now);
        }
        self.last_id += 1;
        let turn = PermitId(self.last_id);
        self.record(turn, now);
        Permit::Granted(turn)
    }

    fn sent(&mut self, turn: PermitId, now: Instant) {
        self.calls.retain(|(id, _)| *id != turn);
        self.record(turn, now);
    }

    fn record(&mut self, turn: PermitId, now: Instant) {
        let Some(limit) = self.limit else { return };
        self.calls.push_back((turn, now));
        while self.calls.len() > limit {
            self.calls.pop_front();
        }
    }

    /// When there is a turn for one who has others ahead.
    fn free_at(&self, ahead: usize, now: Instant) -> Instant {
        let start = now.max(self.held_until);
        let Some(limit) = self.limit else { return start };
        // The first `limit` turns to come each wait for a call that was made; those after them for those.
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

    fn allowance(per_minute: u32) -> RateLimit {
        RateLimit { api_key: "key".into(), class: ThrottleClass::Action, per_minute: NonZeroU32::new(per_minute) }
    }

    fn wait(turn: Permit) -> Option<Duration> {
        match turn {
            Permit::Granted(_) => None,
            Permit::After(time) => Some(time),
        }
    }

    #[tokio::test]
    async fn a_full_minute_leaves_no_turn_until_its_first_call_is_past() {
        let manual = ManualClock::new();
        let pace = InMemoryRateLimits::new(manual.clock());
        let allowance = allowance(2);
        assert_eq!(wait(pace.take(&allowance).await), None);
        manual.advance(SECOND * 10);
        assert_eq!(wait(pace.take(&allowance).await), None);
        assert_eq!(wait(pace.take(&allowance).await), Some(SECOND * 51));
        for (ahead, seconds) in [(0, 51), (1, 61), (2, 112), (3, 122), (4, 173)] {
            assert_eq!(pace.forecast(&allowance, ahead).await, SECOND * seconds, "{ahead} ahead");
        }
    }

    #[tokio::test]
    async fn a_call_counts_from_when_it_is_sent() {
        let manual = ManualClock::new();
        let pace = InMemoryRateLimits::new(manual.clock());
        let allowance = allowance(1);
        let Permit::Granted(turn) = pace.take(&allowance).await else { panic!("the first turn is free") };
        manual.advance(SECOND * 5);
        pace.sent(&allowance, turn).await;
        assert_eq!(pace.forecast(&allowance, 0).await, SECOND * 61);
    }

    #[tokio::test]
    async fn what_is_held_back_is_held_back_by_the_longer_time_even_without_a_limit() {
        let manual = ManualClock::new();
        let pace = InMemoryRateLimits::new(manual.clock());
        let unlimited = RateLimit { per_minute: None, ..allowance(1) };
        assert_eq!(wait(pace.take(&unlimited).await), None);
        pace.hold_back(&unlimited, SECOND * 40).await;
        pace.hold_back(&unlimited, SECOND * 20).await;
        assert_eq!(wait(pace.take(&unlimited).await), Some(SECOND * 40));
        manual.advance(SECOND * 40);
        assert_eq!(wait(pace.take(&unlimited).await), None);
    }

    proptest! {
        /// Whatever the moments at which turns are asked for: no minute holds more than the limit, and a forecast is
        /// what then happens.
        #[test]
        fn no_minute_holds_more_than_the_limit(limit in 1_u32..12, steps in prop::collection::vec(0_u64..20_000, 1..200)) {
            let mut ledger = Ledger::new(NonZeroU32::new(limit));
            let mut now = Instant::ORIGIN;
            let mut taken: Vec<Instant> = Vec::new();
            for step in steps {
                now += Duration::from_millis(step);
                let free_at = ledger.free_at(0, now);
                if matches!(ledger.take(now), Permit::Granted(_)) {
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

        /// Asking again and again at the forecast moments gives exactly the forecast moments.
        #[test]
        fn forecasts_come_true(limit in 1_u32..6, made in 0_usize..8, ahead in 0_usize..20) {
            let mut ledger = Ledger::new(NonZeroU32::new(limit));
            let mut now = Instant::ORIGIN;
            for _ in 0..made {
                now = now.max(ledger.free_at(0, now)) + SECOND;
                prop_assert!(matches!(ledger.take(now), Permit::Granted(_)));
            }
            let forecast = ledger.free_at(ahead, now);
            for _ in 0..=ahead {
                now = ledger.free_at(0, now);
                prop_assert!(matches!(ledger.take(now), Permit::Granted(_)));
            }
            prop_assert_eq!(forecast, now);
        }
    }
}
