//! Lines of calls on a clock that is moved by hand.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::FutureExt as _;
use umapi_model::ThrottleClass;
use umapi_time::{Clock, ManualClock};

use super::*;
use crate::observer::{Observer, Wait, WaitReason};

const SECOND: Duration = Duration::from_secs(1);
const CLASS: ThrottleClass = ThrottleClass::Action;

/// Writes down the waits that it is told of.
#[derive(Default)]
struct Waits(Mutex<Vec<(WaitReason, u64)>>);

impl Observer for Waits {
    fn wait_begins(&self, wait: &Wait<'_>) {
        self.0.lock().unwrap().push((wait.reason, wait.duration.as_secs()));
    }
}

struct Setting {
    manual: ManualClock,
    clock: Clock,
    rate_limiter: RateLimiter,
    waits: Arc<Waits>,
}

fn setting(per_minute: u32, keys: usize) -> Setting {
    let manual = ManualClock::new().auto_advance(Duration::ZERO);
    let clock = manual.clock();
    let waits = Arc::new(Waits::default());
    let limits = RateLimits::unlimited().with(CLASS, NonZeroU32::new(per_minute));
    let keys: Vec<Arc<str>> = (0..keys).map(|key| format!("key {key}").into()).collect();
    let store = Arc::new(InMemoryRateLimits::new(clock.clone()));
    let rate_limiter = RateLimiter::new(clock.clone(), store, waits.clone(), &limits, &keys);
    Setting { manual, clock, rate_limiter, waits }
}

impl Setting {
    fn seconds(&self) -> u64 {
        self.clock.now().since_origin().as_secs()
    }

    async fn acquire(&self, longest: Option<Duration>) -> Result<CallPermit, Duration> {
        self.rate_limiter.acquire(CLASS, Patience { longest }, "test").await.map_err(|refused| refused.wait)
    }

    /// Starts calls one after the other, and tells the order and the seconds at which they had their turns.
    async fn turns(&self, calls: usize) -> Vec<(usize, u64)> {
        let order = Arc::new(Mutex::new(Vec::new()));
        let tasks: Vec<_> = (0..calls)
            .map(|call| {
                let (pace, clock, order) = (self.rate_limiter.clone(), self.clock.clone(), order.clone());
                tokio::spawn(async move {
                    pace.acquire(CLASS, Patience::default(), "test").await.unwrap();
                    order.lock().unwrap().push((call, clock.now().since_origin().as_secs()));
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        order.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn calls_go_out_in_the_order_of_arrival_as_many_a_minute_as_allowed() {
    let setting = setting(3, 1);
    let turns = setting.turns(8).await;
    assert_eq!(turns.iter().map(|(call, _)| *call).collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
    assert_eq!(turns.iter().map(|(_, at)| *at).collect::<Vec<_>>(), [0, 0, 0, 61, 61, 61, 122, 122]);
}

#[tokio::test]
async fn two_credentials_give_twice_the_calls() {
    let setting = setting(3, 2);
    let turns = setting.turns(13).await;
    assert_eq!(turns.iter().filter(|(_, at)| *at == 0).count(), 6);
    assert_eq!(turns.iter().filter(|(_, at)| *at == 61).count(), 6);
    assert_eq!(setting.rate_limiter.per_minute(CLASS), Some(6));
    assert_eq!(self::setting(u32::MAX, 2).rate_limiter.per_minute(CLASS), Some(u32::MAX));
}

#[tokio::test]
async fn who_waits_longer_than_a_second_is_told_before() {
    let setting = setting(1, 1);
    setting.turns(2).await;
    assert_eq!(*setting.waits.0.lock().unwrap(), [(WaitReason::RateLimit, 61)]);
}

#[tokio::test]
async fn a_wait_that_does_not_fit_is_not_begun() {
    let setting = setting(1, 1);
    setting.acquire(Some(Duration::ZERO)).await.unwrap();
    assert_eq!(setting.acquire(Some(Duration::ZERO)).await.unwrap_err(), SECOND * 61);
    assert_eq!(setting.acquire(Some(SECOND * 60)).await.unwrap_err(), SECOND * 61);
    assert_eq!(setting.seconds(), 0, "nobody has waited");
    setting.acquire(Some(SECOND * 61)).await.unwrap();
    assert_eq!(setting.seconds(), 61);
}

#[tokio::test]
async fn who_is_held_back_holds_back_all_of_the_class_and_refuses_those_who_will_not_wait() {
    let setting = setting(1, 1);
    let first = setting.acquire(None).await.unwrap();
    let spawn = |longest| {
        let pace = setting.rate_limiter.clone();
        tokio::spawn(
            async move { pace.acquire(CLASS, Patience { longest }, "test").await.map_err(|refused| refused.wait) },
        )
    };
    setting.manual.freeze();
    let (patient, impatient) = (spawn(None), spawn(Some(SECOND * 200)));
    setting.manual.until_sleepers(1).await;
    setting.rate_limiter.hold_back(CLASS, first.slot, SECOND * 3600).await;
    assert_eq!(impatient.await.unwrap().unwrap_err(), SECOND * 3661);
    assert_eq!(setting.waits.0.lock().unwrap().last(), Some(&(WaitReason::Throttled, 3600)));
    setting.manual.set_auto_advance(Some(Duration::ZERO));
    patient.await.unwrap().unwrap();
    assert_eq!(setting.seconds(), 3600);
}

#[tokio::test]
async fn of_several_credentials_only_the_one_that_was_held_back_waits() {
    let setting = setting(10, 2);
    setting.rate_limiter.hold_back(CLASS, 0, SECOND * 3600).await;
    for _ in 0..10 {
        assert_eq!(setting.acquire(None).await.unwrap().slot, 1);
    }
    assert_eq!(setting.seconds(), 0);
}

#[tokio::test]
async fn a_credential_that_is_left_out_gets_no_call_while_there_is_another() {
    let setting = setting(10, 2);
    assert!(setting.rate_limiter.suspend(1, SECOND * 300));
    for _ in 0..10 {
        assert_eq!(setting.acquire(None).await.unwrap().slot, 0);
    }
    assert!(!setting.rate_limiter.suspend(0, SECOND * 300), "there is no other left");
}

#[tokio::test]
async fn who_leaves_the_line_takes_no_turn_along() {
    let setting = setting(1, 1);
    setting.acquire(None).await.unwrap();
    setting.manual.freeze();
    let leaving = {
        let pace = setting.rate_limiter.clone();
        tokio::spawn(async move { pace.acquire(CLASS, Patience::default(), "test").await.is_ok() })
    };
    setting.manual.until_sleepers(1).await;
    leaving.abort();
    assert!(leaving.await.unwrap_err().is_cancelled());
    setting.manual.set_auto_advance(Some(Duration::ZERO));
    setting.acquire(None).await.unwrap();
    assert_eq!(setting.seconds(), 61);
}

#[tokio::test]
async fn a_future_that_nobody_polls_stands_in_nobodys_way() {
    let setting = setting(1, 1);
    setting.acquire(None).await.unwrap();
    let mut idle = Box::pin(setting.acquire(None));
    // Polled once, so that it stands in line, and then left alone.
    assert!(idle.as_mut().now_or_never().is_none());
    setting.acquire(None).await.unwrap();
    assert_eq!(setting.seconds(), 122, "its turn was given to it, and went by");
    // When it is polled again, its turn is stale: it gets another one, and no minute holds two.
    idle.await.unwrap();
    assert_eq!(setting.seconds(), 183);
}

#[tokio::test]
async fn a_class_without_a_limit_never_waits() {
    let setting = setting(1, 1);
    for _ in 0..100 {
        setting.rate_limiter.acquire(ThrottleClass::Users, Patience::default(), "test").await.unwrap();
    }
    assert_eq!(setting.seconds(), 0);
    assert_eq!(setting.rate_limiter.per_minute(ThrottleClass::Users), None);
}

#[test]
fn a_line_that_was_moved_on_by_a_runtime_which_ended_goes_on_in_another() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let setting = setting(1, 1);
    setting.manual.freeze();
    let first = runtime();
    first.block_on(async {
        setting.acquire(None).await.unwrap();
        let pace = setting.rate_limiter.clone();
        tokio::spawn(async move { pace.acquire(CLASS, Patience::default(), "test").await.is_ok() });
        setting.manual.until_sleepers(1).await;
    });
    drop(first);
    setting.manual.set_auto_advance(Some(Duration::ZERO));
    runtime().block_on(async { setting.acquire(None).await.unwrap() });
}
