use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::poll;
use proptest::prelude::*;
use umapi_time::ManualClock;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A source that counts. It takes `delay`, and its tokens live for `life`.
#[derive(Clone)]
struct Source(Arc<Inner>);

struct Inner {
    clock: Clock,
    life: Duration,
    delay: Duration,
    is_failing: Box<dyn Fn(usize) -> bool + Send + Sync>,
    calls: AtomicUsize,
    under_way: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl Source {
    fn new(clock: Clock, life: u64, delay: u64) -> Self {
        Self::failing(clock, life, delay, |_| false)
    }

    /// Calls are numbered from 0.
    fn failing(
        clock: Clock,
        life: u64,
        delay: u64,
        is_failing: impl Fn(usize) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            clock,
            life: SECOND * u32::try_from(life).unwrap(),
            delay: SECOND * u32::try_from(delay).unwrap(),
            is_failing: Box::new(is_failing),
            calls: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
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
        let _flying = Flying::new(inner);
        if !inner.delay.is_zero() {
            inner.clock.sleep(inner.delay).await;
        }
        if (inner.is_failing)(number) {
            return Err(Error::other("planned"));
        }
        Ok(AccessToken::new(format!("t{number}"), Some(begun + inner.life)))
    }
}

/// Counts a call for as long as it is under way, also when it is given up.
struct Flying<'a>(&'a Inner);

impl<'a> Flying<'a> {
    fn new(inner: &'a Inner) -> Self {
        let others = inner.under_way.fetch_add(1, Ordering::Relaxed);
        inner.most_at_once.fetch_max(others + 1, Ordering::Relaxed);
        Self(inner)
    }
}

impl Drop for Flying<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl TokenSource for Source {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(self.fetch())
    }

    fn invalidate(&self, _refused: &AccessToken) {}
}

/// A cache over tokens of an hour, that come at once but for a delay in seconds.
fn over(manual: &ManualClock, delay: u64) -> (CachedSource, Source) {
    let source = Source::new(manual.clock(), 3600, delay);
    (CachedSource::new(source.clone(), manual.clock()), source)
}

#[tokio::test]
async fn waiters_share_one_asking_and_whoever_began_it_may_go() {
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
async fn when_everyone_goes_nothing_is_left_and_the_next_begins_anew() {
    let manual = ManualClock::new();
    let (tokens, source) = over(&manual, 5);
    let mut only = Box::pin(tokens.token());
    assert!(poll!(only.as_mut()).is_pending());
    assert_eq!((manual.sleepers(), source.0.under_way.load(Ordering::Relaxed)), (1, 1));
    drop(only);
    assert_eq!((manual.sleepers(), source.0.under_way.load(Ordering::Relaxed)), (0, 0));
    manual.set_auto_advance(Some(Duration::ZERO));
    assert_eq!(tokens.token().await.unwrap().reveal(), "t1");
}

#[tokio::test]
async fn one_refreshes_early_while_others_go_on() {
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
async fn a_slow_early_refresh_does_not_hold_its_caller_up() {
    let manual = ManualClock::new().auto_advance(Duration::ZERO);
    let source = Source::new(manual.clock(), 3600, 300);
    let tokens = CachedSource::new(source.clone(), manual.clock());
    tokens.token().await.unwrap();
    manual.advance(SECOND * 2800);
    let begun = manual.clock().now();
    assert_eq!(tokens.token().await.unwrap().reveal(), "t0");
    assert_eq!(manual.clock().now() - begun, PATIENCE);
    assert_eq!(tokens.token().await.unwrap().reveal(), "t0");
    assert_eq!(source.calls(), 2);
}

#[tokio::test]
async fn only_the_token_that_was_refused_is_dropped() {
    let manual = ManualClock::new();
    let (tokens, source) = over(&manual, 0);
    let old = tokens.token().await.unwrap();
    tokens.invalidate(&old);
    let fresh = tokens.token().await.unwrap();
    // A late word about the old one.
    tokens.invalidate(&old);
    assert!(tokens.token().await.unwrap().is_same(&fresh));
    assert_eq!(source.calls(), 2);
}

#[tokio::test]
async fn who_comes_right_after_a_failure_gets_the_same_and_asks_nothing() {
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
async fn a_machine_that_was_asleep_knows_it_by_the_wall() {
    let manual = ManualClock::new();
    let (tokens, _) = over(&manual, 0);
    tokens.token().await.unwrap();
    manual.set_wall(manual.clock().wall() + SECOND * 3600);
    assert_eq!(tokens.token().await.unwrap().reveal(), "t1");
}

#[tokio::test]
async fn tokens_that_expire_on_their_way_are_an_error_and_not_handed_out() {
    let manual = ManualClock::new().auto_advance(Duration::ZERO);
    let source = Source::new(manual.clock(), 5, 10);
    let tokens = CachedSource::new(source, manual.clock());
    let error = tokens.token().await.unwrap_err();
    assert!(error.to_string().contains("too short"), "{error}");
}

#[tokio::test]
async fn a_token_without_an_end_is_kept() {
    let manual = ManualClock::new();
    let tokens = CachedSource::new(crate::FixedToken::new("fixed"), manual.clock());
    let first = tokens.token().await.unwrap();
    manual.advance(SECOND * 1_000_000);
    assert!(tokens.token().await.unwrap().is_same(&first));
}

/// 10,000 calls by 64 tasks over a day; every fifth asking fails.
#[tokio::test]
async fn a_day_of_callers_asks_as_often_as_it_must_and_gets_no_expired_token() {
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
                    assert!(clock.now() < token.expires().unwrap(), "an expired token was given out");
                    served.fetch_add(1, Ordering::Relaxed);
                    // On average the calls of all tasks fill the day.
                    clock.sleep(Duration::from_millis(random.u64(1..2 * 64 * DAY * 1000 / CALLS as u64))).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(served.load(Ordering::Relaxed), CALLS);
    assert_eq!(source.0.most_at_once.load(Ordering::Relaxed), 1, "never two at a time");
    let asked = source.calls();
    let failed = (0..asked).filter(|call| call % 5 == 4).count();
    // A token is refreshed 3,000 seconds after it was asked for, and 60 seconds later after a failure.
    let elapsed = clock.now().since_origin().as_secs();
    let expected = usize::try_from(elapsed.saturating_sub(60 * failed as u64) / 3000).unwrap();
    let issued = asked - failed;
    assert!((expected..=expected + 1).contains(&issued), "{issued} tokens in {elapsed} s, {failed} askings failed");
}

proptest! {
    /// Whatever happens: a token that is handed out is good, and one that is fresh is not asked for again.
    #[test]
    fn what_is_handed_out_is_good_and_no_more_is_asked_than_needed(
        life in 40_u64..5_000,
        window in 0_u64..2_000,
        steps in prop::collection::vec((0_u64..1_500, any::<bool>(), 0_u8..8), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let manual = ManualClock::new();
            let fails: Arc<AtomicUsize> = Arc::default();
            let failing = fails.clone();
            let is_failing = move |_| failing.load(Ordering::Relaxed) == 1;
            let source = Source::failing(manual.clock(), life, 0, is_failing);
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
                prop_assert!(!is_fresh || asked == 0, "a fresh token was not enough");
                match result {
                    Ok(token) => {
                        prop_assert!(now < token.expires().unwrap());
                        last = Some(token);
                    }
                    Err(_) => {
                        let is_good = last.as_ref().is_some_and(|token| token.expires().unwrap() - now > RESERVE);
                        prop_assert!(!is_good, "a good token was thrown away");
                    }
                }
            }
            Ok(())
        })?;
    }
}
