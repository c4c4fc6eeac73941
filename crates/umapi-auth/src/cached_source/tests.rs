//! The cache over sources that fail, are slow, or issue tokens with a short lifetime.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::poll;
use proptest::prelude::*;
use umapi_time::ManualClock;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A source that counts its calls. A call takes `delay`, and a token is valid for `lifetime`.
#[derive(Clone)]
struct Source(Arc<Inner>);

struct Inner {
    clock: Clock,
    lifetime: Duration,
    delay: Duration,
    is_failing: Box<dyn Fn(usize) -> bool + Send + Sync>,
    calls: AtomicUsize,
    in_flight: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl Source {
    fn new(clock: Clock, lifetime: u64, delay: u64) -> Self {
        Self::failing(clock, lifetime, delay, |_| false)
    }

    /// Creates a source that fails the calls that `is_failing` selects by their index.
    fn failing(
        clock: Clock,
        lifetime: u64,
        delay: u64,
        is_failing: impl Fn(usize) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            clock,
            lifetime: SECOND * u32::try_from(lifetime).unwrap(),
            delay: SECOND * u32::try_from(delay).unwrap(),
            is_failing: Box::new(is_failing),
            calls: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        }))
    }

    fn calls(&self) -> usize {
        self.0.calls.load(Ordering::Relaxed)
    }

    async fn fetch(&self) -> Result<AccessToken, Error> {
        let inner = &self.0;
        let number = inner.calls.fetch_add(1, Ordering::Relaxed);
        let begun = inner.clock.now();
        let _in_flight = InFlight::new(inner);
        if !inner.delay.is_zero() {
            inner.clock.sleep(inner.delay).await;
        }
        if (inner.is_failing)(number) {
            return Err(Error::other("planned"));
        }
        Ok(AccessToken::new(format!("t{number}"), Some(begun + inner.lifetime)))
    }
}

/// Counts a call while it is in flight, even if it is cancelled.
struct InFlight<'a>(&'a Inner);

impl<'a> InFlight<'a> {
    fn new(inner: &'a Inner) -> Self {
        let others = inner.in_flight.fetch_add(1, Ordering::Relaxed);
        inner.most_at_once.fetch_max(others + 1, Ordering::Relaxed);
        Self(inner)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl TokenSource for Source {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(self.fetch())
    }

    fn invalidate(&self, _rejected: &AccessToken) {}
}

/// A cache over a source with tokens of an hour and a delay in seconds.
fn over(manual: &ManualClock, delay: u64) -> (CachedSource, Source) {
    let source = Source::new(manual.clock(), 3600, delay);
    (CachedSource::new(source.clone(), manual.clock()), source)
}

#[tokio::test]
async fn waiting_callers_share_one_request_that_survives_its_first() {
    let manual = ManualClock::new();
    let (tokens, source) = over(&manual, 5);
    let mut first = Box::pin(tokens.token());
    let mut second = Box::pin(tokens.token());
    assert!(poll!(first.as_mut()).is_pending() && poll!(second.as_mut()).is_pending());
    drop(first);
    manual.advance(SECOND * 5);
    assert_eq!(second.await.unwrap().reveal(), "t0");
    assert_eq!(source.calls(), 1);
}

#[tokio::test]
async fn a_request_without_waiting_callers_is_cancelled() {
    let manual = ManualClock::new();
    let (tokens, source) = over(&manual, 5);
    let mut only = Box::pin(tokens.token());
    assert!(poll!(only.as_mut()).is_pending());
    assert_eq!((manual.sleepers(), source.0.in_flight.load(Ordering::Relaxed)), (1, 1));
    drop(only);
    assert_eq!((manual.sleepers(), source.0.in_flight.load(Ordering::Relaxed)), (0, 0));
    manual.set_auto_advance(Some(Duration::ZERO));
    assert_eq!(tokens.token().await.unwrap().reveal(), "t1");
}

#[tokio::test]
async fn one_caller_refreshes_early_while_others_continue() {
    let manual = ManualClock::new();
    let source = Source::new(manual.clock(), 3600, 0);
    let tokens = CachedSource::with_refresh_window(source.clone(), manual.clock(), SECOND * 60);
    tokens.token().await.unwrap();
    manual.advance(SECOND * 3539);
    assert_eq!(tokens.token().await.unwrap().reveal(), "t0");
    manual.advance(SECOND);
    assert_eq!(tokens.token().await.unwrap().reveal(), "t1");

    let (tokens, _) = over(&manual, 5);
    manual.set_auto_advance(Some(Duration::ZERO));
    tokens.token().await.unwrap();
    manual.freeze();
    manual.advance(SECOND * 3200);
    let mut refreshing = Box::pin(tokens.token());
    assert!(poll!(refreshing.as_mut()).is_pending());
    assert_eq!(tokens.token().await.unwrap().reveal(), "t0");
    manual.advance(SECOND * 5);
    assert_eq!(refreshing.await.unwrap().reveal(), "t1");
}

#[tokio::test]
async fn a_failed_early_refresh_keeps_the_token_and_pauses() {
    let manual = ManualClock::new();
    let source = Source::failing(manual.clock(), 3600, 0, |call| call == 1);
    let tokens = CachedSource::new(source.clone(), manual.clock());
    tokens.token().await.unwrap();
    manual.advance(SECOND * 3100);
    for _ in 0..10 {
        assert_eq!(tokens.token().await.unwrap().reveal(), "t0");
        manual.advance(SECOND * 5);
    }
    assert_eq!(source.calls(), 2);
    manual.advance(SECOND * 10);
    assert_eq!(tokens.token().await.unwrap().reveal(), "t2");
}

#[tokio::test]
async fn a_slow_early_refresh_does_not_block_its_caller() {
    let manual = ManualClock::new().auto_advance(Duration::ZERO);
    let source = Source::new(manual.clock(), 3600, 300);
    let tokens = CachedSource::new(source.clone(), manual.clock());
    tokens.token().await.unwrap();
    manual.advance(SECOND * 2800);
    let begun = manual.clock().now();
    assert_eq!(tokens.token().await.unwrap().reveal(), "t0");
    assert_eq!(manual.clock().now() - begun, REFRESH_TIMEOUT);
    assert_eq!(tokens.token().await.unwrap().reveal(), "t0");
    assert_eq!(source.calls(), 2);
}

#[tokio::test]
async fn only_the_rejected_token_is_dropped() {
    let manual = ManualClock::new();
    let (tokens, source) = over(&manual, 0);
    let old = tokens.token().await.unwrap();
    tokens.invalidate(&old);
    let fresh = tokens.token().await.unwrap();
    // A late report about the old token.
    tokens.invalidate(&old);
    assert!(tokens.token().await.unwrap().is_same(&fresh));
    assert_eq!(source.calls(), 2);
}

#[tokio::test]
async fn callers_after_a_failure_get_the_same_error_without_a_request() {
    let manual = ManualClock::new();
    let source = Source::failing(manual.clock(), 3600, 0, |call| call == 0);
    let tokens = CachedSource::new(source.clone(), manual.clock());
    for _ in 0..3 {
        assert_eq!(tokens.token().await.unwrap_err().to_string(), "planned");
    }
    assert_eq!(source.calls(), 1);
    manual.advance(FAILURE_PAUSE);
    assert_eq!(tokens.token().await.unwrap().reveal(), "t1");
}

#[tokio::test]
async fn a_token_expires_by_the_wall_clock_too() {
    let manual = ManualClock::new();
    let (tokens, _) = over(&manual, 0);
    tokens.token().await.unwrap();
    manual.set_wall(manual.clock().wall() + SECOND * 3600);
    assert_eq!(tokens.token().await.unwrap().reveal(), "t1");
}

#[tokio::test]
async fn tokens_that_expire_on_their_way_are_an_error() {
    let manual = ManualClock::new().auto_advance(Duration::ZERO);
    let source = Source::new(manual.clock(), 5, 10);
    let tokens = CachedSource::new(source, manual.clock());
    let error = tokens.token().await.unwrap_err();
    assert!(error.to_string().contains("too short lifetime"), "{error}");
}

#[tokio::test]
async fn a_token_without_an_expiry_is_kept() {
    let manual = ManualClock::new();
    let tokens = CachedSource::new(crate::FixedToken::new("fixed"), manual.clock());
    let first = tokens.token().await.unwrap();
    manual.advance(SECOND * 1_000_000);
    assert!(tokens.token().await.unwrap().is_same(&first));
}

/// 10,000 calls by 64 tasks over a day. Every fifth request fails.
#[tokio::test]
async fn a_day_of_calls_needs_no_extra_request_and_no_token_expires() {
    const DAY: u64 = 86_400;
    const CALLS: usize = 10_000;
    let manual = ManualClock::new().auto_advance(Duration::ZERO);
    let clock = manual.clock();
    let source = Source::failing(clock.clone(), 3600, 2, |call| call % 5 == 4);
    let tokens = CachedSource::new(source.clone(), clock.clone());
    let left = Arc::new(AtomicUsize::new(CALLS));
    let served = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..64_u64)
        .map(|task| {
            let (tokens, clock, left, served) = (tokens.clone(), clock.clone(), left.clone(), served.clone());
            let mut random = fastrand::Rng::with_seed(task);
            tokio::spawn(async move {
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                    let token = tokens.token().await.unwrap();
                    assert!(clock.now() < token.expires().unwrap(), "an expired token was returned");
                    served.fetch_add(1, Ordering::Relaxed);
                    // On average, the calls of all tasks fill the day.
                    clock.sleep(Duration::from_millis(random.u64(1..2 * 64 * DAY * 1000 / CALLS as u64))).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(served.load(Ordering::Relaxed), CALLS);
    assert_eq!(source.0.most_at_once.load(Ordering::Relaxed), 1, "one request at a time");
    let asked = source.calls();
    let failed = (0..asked).filter(|call| call % 5 == 4).count();
    // A token is refreshed 3,000 seconds after its request, and 60 seconds later after a failure.
    let elapsed = clock.now().since_origin().as_secs();
    let expected = usize::try_from(elapsed.saturating_sub(60 * failed as u64) / 3000).unwrap();
    let issued = asked - failed;
    assert!((expected..=expected + 1).contains(&issued), "{issued} tokens in {elapsed} s, {failed} requests failed");
}

proptest! {
    /// A returned token is always valid, and a fresh token is never requested again.
    #[test]
    fn returned_tokens_are_valid_and_no_request_is_wasted(
        lifetime in 40_u64..5_000,
        window in 0_u64..2_000,
        steps in prop::collection::vec((0_u64..1_500, any::<bool>(), 0_u8..8), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let manual = ManualClock::new();
            let fails: Arc<AtomicUsize> = Arc::default();
            let failing = fails.clone();
            let is_failing = move |_| failing.load(Ordering::Relaxed) == 1;
            let source = Source::failing(manual.clock(), lifetime, 0, is_failing);
            let window = SECOND * u32::try_from(window).unwrap();
            let tokens = CachedSource::with_refresh_window(source.clone(), manual.clock(), window);
            let mut last: Option<AccessToken> = None;
            for (pause, fail, what) in steps {
                manual.advance(SECOND * u32::try_from(pause).unwrap());
                fails.store(usize::from(fail), Ordering::Relaxed);
                let now = manual.clock().now();
                if what == 0 && let Some(token) = last.take() {
                    tokens.invalidate(&token);
                }
                let before = source.calls();
                let result = tokens.token().await;
                let asked = source.calls() - before;
                prop_assert!(asked <= 1);
                let is_fresh = last.as_ref().is_some_and(|token| token.expires().unwrap() - now > window.max(RESERVE));
                prop_assert!(!is_fresh || asked == 0, "a fresh token was requested again");
                match result {
                    Ok(token) => {
                        prop_assert!(now < token.expires().unwrap());
                        last = Some(token);
                    }
                    Err(_) => {
                        let is_valid = last.as_ref().is_some_and(|token| token.expires().unwrap() - now > RESERVE);
                        prop_assert!(!is_valid, "a valid token was dropped");
                    }
                }
            }
            Ok(())
        })?;
    }
}
