//! The script on a real server whose clock the tests move, and the count of this process.

use std::num::NonZeroU32;

use umapi::{
    model::{Operation, ThrottleClass},
    time::ManualClock,
};

use super::*;
use crate::test_server::Server;

const SECOND: Duration = Duration::from_secs(1);
const ORGANIZATION: &str = "1F@AdobeOrg";

/// A server, a clock of this machine, and a clock of the server that differs from it by `ahead`.
struct Stage {
    server: Server,
    manual: ManualClock,
    ahead: i64,
    policy: FailurePolicy,
}

impl Stage {
    fn new() -> Option<Self> {
        let server = Server::start()?;
        let stage = Self { server, manual: ManualClock::new(), ahead: 0, policy: FailurePolicy::Fail };
        stage.set_server_clock();
        Some(stage)
    }

    /// The store of another process.
    fn store(&self) -> SharedRateLimits {
        let redis =
            Redis::builder(self.server.url()).clock(self.manual.clock()).on_failure(self.policy).build().unwrap();
        let mut store = SharedRateLimits::new(&redis, ORGANIZATION);
        let code = SCRIPT.replace("--[[CLOCK]]", "* 0 + tonumber(redis.call('GET', 'test:now'))");
        assert_ne!(code, SCRIPT);
        store.script = Arc::new(Script::new(code));
        store
    }

    fn set_server_clock(&self) {
        let now = 1_700_000_000_000 + millis(self.manual.clock().now().since_origin()) + self.ahead;
        self.server.run::<()>(&["SET", "test:now", &now.to_string()]);
    }

    fn advance(&self, time: Duration) {
        self.manual.advance(time);
        self.set_server_clock();
    }

    /// Moves the clock of the server alone.
    fn move_server_clock(&mut self, seconds: i64) {
        self.ahead += seconds * 1000;
        self.set_server_clock();
    }
}

fn per_minute(quota: u32) -> RateLimit {
    RateLimit::per_minute(quota.try_into().unwrap())
}

fn minute(quota: u32) -> RateLimitSet {
    RateLimitSet::new("key", ThrottleClass::Action, [per_minute(quota)])
}

/// Asks for a permit. Returns how long to wait; zero if it was granted.
async fn wait(store: &SharedRateLimits, limits: &RateLimitSet) -> Duration {
    match store.acquire(limits).await.unwrap() {
        Permit::Granted(_) => Duration::ZERO,
        Permit::After(time) => time,
    }
}

async fn take(store: &SharedRateLimits, limits: &RateLimitSet, calls: usize) {
    for call in 0..calls {
        assert_eq!(wait(store, limits).await, Duration::ZERO, "call {call}");
    }
}

#[tokio::test]
async fn processes_share_a_window_that_slides() {
    let Some(stage) = Stage::new() else { return };
    let (one, other, limits) = (stage.store(), stage.store(), minute(3));
    take(&one, &limits, 1).await;
    stage.advance(SECOND * 10);
    take(&other, &limits, 2).await;
    assert_eq!(one.forecast(&limits, 0).await.unwrap(), SECOND * 51);
    assert_eq!(wait(&one, &limits).await, SECOND * 51);
    stage.advance(SECOND * 51);
    take(&one, &limits, 1).await;
    assert_eq!(wait(&one, &limits).await, SECOND * 10);
}

#[tokio::test]
async fn the_script_counts_as_the_store_in_memory_does() {
    let Some(stage) = Stage::new() else { return };
    let hours = RateLimit::new(8.try_into().unwrap(), SECOND * 600);
    for (key, limits) in [("a", vec![per_minute(3)]), ("b", vec![per_minute(4), hours]), ("c", vec![])] {
        let limits = RateLimitSet::new(key, ThrottleClass::Users, limits);
        let memory = InMemoryRateLimits::new(stage.manual.clock());
        let mut random = fastrand::Rng::with_seed(7);
        for step in 0..60 {
            stage.advance(Duration::from_millis(random.u64(0..20_000)));
            // Another process each time: its own count never decides.
            let store = stage.store();
            for ahead in [0, 1, 5, 20] {
                let (shared, alone) =
                    (store.forecast(&limits, ahead).await.unwrap(), memory.forecast(&limits, ahead).await.unwrap());
                assert_eq!(shared, alone, "key {key}, step {step}, {ahead} ahead");
            }
            if !memory.forecast(&limits, 0).await.unwrap().is_zero() {
                continue;
            }
            let Ok(Permit::Granted(alone)) = memory.acquire(&limits).await else { panic!("it was forecast") };
            let Ok(Permit::Granted(shared)) = store.acquire(&limits).await else { panic!("it was forecast") };
            match random.u8(0..4) {
                0 => {
                    memory.release(&limits, alone).await.unwrap();
                    store.release(&limits, shared).await.unwrap();
                }
                1 => {
                    stage.advance(SECOND);
                    memory.mark_sent(&limits, alone).await.unwrap();
                    store.mark_sent(&limits, shared).await.unwrap();
                }
                2 if step % 7 == 0 => {
                    memory.pause(&limits, SECOND * 30).await.unwrap();
                    store.pause(&limits, SECOND * 30).await.unwrap();
                }
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn whoever_waits_first_has_the_next_permit() {
    let Some(stage) = Stage::new() else { return };
    let (user, limits) = (stage.store(), minute(2));
    let waiting: Vec<_> = (0..5).map(|_| stage.store()).collect();
    take(&user, &limits, 2).await;
    for (place, store) in waiting.iter().enumerate() {
        let due = if place < 2 {
            61
        } else if place < 4 {
            122
        } else {
            183
        };
        assert_eq!(store.forecast(&limits, 0).await.unwrap(), SECOND * due, "place {place}");
        assert!(wait(store, &limits).await <= SECOND * due);
    }
    // A second call of one process comes after one of each other.
    assert_eq!(waiting[0].forecast(&limits, 1).await.unwrap(), SECOND * 183);
    stage.advance(SECOND * 61);
    assert!(wait(&waiting[2], &limits).await > SECOND, "its turn is the third");
    assert!(wait(&stage.store(), &limits).await > SECOND, "a process that comes later does not overtake");
    take(&waiting[1], &limits, 1).await;
    take(&waiting[0], &limits, 1).await;
    assert!(wait(&waiting[2], &limits).await > SECOND);
    stage.advance(SECOND * 61);
    take(&waiting[2], &limits, 1).await;
}

#[tokio::test]
async fn the_turn_of_a_process_that_is_gone_passes_on() {
    let Some(stage) = Stage::new() else { return };
    let (gone, next, limits) = (stage.store(), stage.store(), minute(1));
    take(&stage.store(), &limits, 1).await;
    assert_eq!(wait(&gone, &limits).await, SECOND * 61);
    // It asks again when the place before it ends, not a minute later.
    let ask_again = wait(&next, &limits).await;
    assert!(ask_again > SECOND * 61 && ask_again <= SECOND * 61 + GRACE + Duration::from_millis(1), "{ask_again:?}");
    drop(gone);
    stage.advance(ask_again);
    take(&next, &limits, 1).await;
}

#[tokio::test]
async fn a_pause_applies_to_every_process() {
    let Some(stage) = Stage::new() else { return };
    let limits = minute(10);
    stage.store().pause(&limits, SECOND * 2400).await.unwrap();
    stage.store().pause(&limits, SECOND * 10).await.unwrap();
    assert_eq!(wait(&stage.store(), &limits).await, SECOND * 2400);
    let other_scope = RateLimitSet::new("key", RateLimitScope::FirstPage(Operation::ListUsers), [per_minute(1)]);
    take(&stage.store(), &other_scope, 1).await;
    take(&stage.store(), &RateLimitSet::new("other key", ThrottleClass::Action, [per_minute(1)]), 1).await;
}

#[tokio::test]
async fn a_server_clock_that_goes_back_never_allows_more() {
    let Some(mut stage) = Stage::new() else { return };
    let (one, other, limits) = (stage.store(), stage.store(), minute(2));
    take(&one, &limits, 2).await;
    stage.advance(SECOND * 30);
    assert_eq!(other.forecast(&limits, 0).await.unwrap(), SECOND * 31);
    assert!(wait(&other, &limits).await <= SECOND * 31);
    stage.move_server_clock(-3600);
    // The time from the last change to the move is lost, at most; the rest goes on.
    let left = wait(&one, &limits).await;
    assert!((SECOND * 31..=SECOND * 61).contains(&left), "{left:?}");
    stage.advance(SECOND * 61);
    take(&other, &limits, 1).await;
}

#[tokio::test]
async fn a_server_clock_that_jumps_ahead_allows_no_more() {
    let Some(mut stage) = Stage::new() else { return };
    let (one, other, limits) = (stage.store(), stage.store(), minute(2));
    take(&one, &limits, 1).await;
    take(&other, &limits, 1).await;
    stage.move_server_clock(300);
    for store in [&one, &other] {
        let left = wait(store, &limits).await;
        assert!(left >= SECOND * 60, "{left:?}");
    }
    stage.advance(SECOND * 61);
    take(&one, &limits, 1).await;
}

#[tokio::test]
async fn calls_that_redis_has_lost_are_waited_for() {
    let Some(stage) = Stage::new() else { return };
    let (one, limits) = (stage.store(), minute(2));
    let first_page = RateLimitSet::new(
        "key",
        RateLimitScope::FirstPage(Operation::ListUsers),
        [RateLimit::new(NonZeroU32::MIN, SECOND * 7200)],
    );
    take(&one, &limits, 2).await;
    take(&stage.store(), &first_page, 1).await;
    assert_eq!(one.forecast(&first_page, 0).await.unwrap(), SECOND * 7201);
    stage.advance(SECOND * 20);
    stage.server.run::<()>(&["FLUSHALL"]);
    stage.set_server_clock();
    // A process that has seen the calls restores the wait for all.
    assert!(wait(&one, &limits).await >= SECOND * 41);
    assert_eq!(wait(&stage.store(), &limits).await, SECOND * 41);
    assert_eq!(wait(&one, &first_page).await, SECOND * 7181);
    assert!(wait(&stage.store(), &first_page).await >= SECOND * 7181);
}

#[tokio::test]
async fn an_older_copy_of_the_state_is_noticed() {
    let Some(stage) = Stage::new() else { return };
    let (one, limits) = (stage.store(), minute(2));
    take(&one, &limits, 1).await;
    let key = stage.server.keys().remove(0);
    let copy: String = stage.server.run(&["GET", &key]);
    take(&one, &limits, 1).await;
    stage.server.run::<()>(&["SET", &key, &copy]);
    take(&stage.store(), &limits, 1).await;
    stage.server.run::<()>(&["SET", &key, &copy]);
    assert_eq!(one.forecast(&limits, 0).await.unwrap(), SECOND * 61);
    assert_eq!(wait(&one, &limits).await, SECOND * 61);
    assert!(wait(&stage.store(), &limits).await >= SECOND * 61);
}

#[tokio::test]
async fn a_state_that_is_not_one_is_an_error() {
    let Some(stage) = Stage::new() else { return };
    let limits = minute(2);
    take(&stage.store(), &limits, 1).await;
    let key = stage.server.keys().remove(0);
    let state: String = stage.server.run(&["GET", &key]);
    let with = |field: &str, value: serde_json::Value| {
        let mut state: serde_json::Value = serde_json::from_str(&state).unwrap();
        state[field] = value;
        state.to_string()
    };
    let states = [
        String::new(),
        "garbage".to_owned(),
        "[]".to_owned(),
        "[1,2]".to_owned(),
        "null".to_owned(),
        "{\"epoch\":\"x\"}".to_owned(),
        "{".repeat(5000),
        with("seq", "1".into()),
        with("epoch", "e".repeat(65).into()),
        with("last", 1e300.into()),
        with("offset", (-1e300).into()),
        with("paused", 1e300.into()),
        with("most", (-1).into()),
        with("log", serde_json::json!([["id", 9e13]])),
        with("log", serde_json::json!([["id", 2], ["id", 1]])),
        with("log", serde_json::json!([[1, 2]])),
        with("queue", serde_json::json!(["x"])),
        with("queue", "x".into()),
        "x".repeat(1_000_000),
    ];
    for state in states {
        stage.server.run::<()>(&["SET", &key, &state]);
        let error = stage.store().acquire(&limits).await.unwrap_err().to_string();
        assert!(
            error.contains("another content") && error.contains("DEL"),
            "{}: {error}",
            &state[..state.len().min(50)]
        );
        assert!(error.len() < 600, "{error}");
    }
    stage.server.run::<()>(&["DEL", &key]);
    stage.server.run::<i64>(&["LPUSH", &key, "x"]);
    let error = stage.store().acquire(&limits).await.unwrap_err().to_string();
    assert!(error.contains("WRONGTYPE") && error.contains("DEL"), "{error}");
    stage.server.run::<()>(&["DEL", &key]);
    take(&stage.store(), &limits, 1).await;
    // A far future that is not impossible is a wait that is not believed.
    stage.server.run::<()>(&["SET", &key, &with("paused", 9e13.into())]);
    let error = stage.store().acquire(&limits).await.unwrap_err().to_string();
    assert!(error.contains("not one"), "{error}");
}

#[tokio::test]
async fn the_state_ends_after_its_last_period() {
    let Some(stage) = Stage::new() else { return };
    take(&stage.store(), &minute(2), 1).await;
    let [key] = stage.server.keys().try_into().unwrap();
    let left: i64 = stage.server.run(&["PTTL", &key]);
    assert!((661_000 - 30_000..=661_000).contains(&left), "{left}");
}

#[tokio::test]
async fn without_redis_a_process_keeps_to_its_share() {
    let Some(mut stage) = Stage::new() else { return };
    stage.policy = FailurePolicy::OwnShare { processes: NonZeroU32::new(3).unwrap() };
    let (one, limits) = (stage.store(), minute(10));
    take(&one, &limits, 4).await;
    stage.server.kill();
    // Others may have made all calls of this minute.
    assert_eq!(wait(&one, &limits).await, ASK_AGAIN);
    assert_eq!(one.forecast(&limits, 0).await.unwrap(), SECOND * 61);
    stage.manual.advance(SECOND * 61);
    take(&one, &limits, 2).await;
    let Ok(Permit::Granted(id)) = one.acquire(&limits).await else { panic!("its share has room") };
    one.mark_sent(&limits, id).await.unwrap();
    assert_eq!(wait(&one, &limits).await, ASK_AGAIN, "a third of ten");
    assert_eq!(one.forecast(&limits, 0).await.unwrap(), SECOND * 61);
    one.pause(&limits, SECOND).await.unwrap();
    // A process that never reached Redis waits as well.
    let new = stage.store();
    assert_eq!(new.forecast(&limits, 0).await.unwrap(), SECOND * 61);
    // Redis works again, and knows nothing: until the calls are over, the share applies.
    stage.manual.advance(ASK_AGAIN);
    stage.server.restart();
    stage.set_server_clock();
    let left = wait(&one, &limits).await;
    assert!(left > SECOND * 50 && left <= SECOND * 61, "{left:?}");
    stage.advance(SECOND * 61);
    take(&one, &limits, 10).await;
}

#[tokio::test]
async fn by_default_a_call_fails_without_redis() {
    let Some(mut stage) = Stage::new() else { return };
    let (one, limits) = (stage.store(), minute(10));
    take(&one, &limits, 1).await;
    stage.server.kill();
    for error in [
        one.acquire(&limits).await.unwrap_err(),
        one.forecast(&limits, 0).await.unwrap_err(),
        one.pause(&limits, SECOND).await.unwrap_err(),
    ] {
        let error = error.downcast::<Error>().unwrap();
        assert!(error.is_unreachable() && error.to_string().contains("check that it runs"), "{error}");
    }
}

#[test]
fn a_share_is_never_more_than_its_part() {
    for (quota, processes, part) in
        [(10, 1, (10, 60)), (10, 3, (3, 60)), (10, 60, (1, 360)), (1, 6, (1, 360)), (25, 60, (1, 180))]
    {
        let share = share(per_minute(quota), processes);
        assert_eq!((share.quota().get(), share.period().as_secs()), part, "{quota} for {processes}");
        assert!(share.quota().get() * processes * 60 <= quota * u32::try_from(share.period().as_secs()).unwrap());
    }
}

#[test]
fn an_answer_that_cannot_be_true_is_refused() {
    let bulk = |text: &str| Value::BulkString(text.as_bytes().to_vec());
    let good = || vec![Value::Int(1), bulk("0"), bulk("5"), bulk("1700000000000"), bulk("e"), bulk("3")];
    assert_eq!(Answer::of(&Value::Array(good())).map(|answer| answer.seq), Some(3));
    let with = |index: usize, value: Value| {
        let mut parts = good();
        parts[index] = value;
        Value::Array(parts)
    };
    for bad in [
        Value::Nil,
        Value::Okay,
        bulk("1"),
        Value::Array(Vec::new()),
        Value::Array(good().into_iter().take(5).collect()),
        with(0, Value::Int(2)),
        with(0, bulk("1")),
        with(1, bulk("-1")),
        with(1, bulk("1e9")),
        with(1, bulk("99999999999999")),
        with(1, Value::Nil),
        with(2, bulk("NaN")),
        with(3, bulk("")),
        with(4, bulk("")),
        with(4, bulk(&"e".repeat(65))),
        with(4, Value::BulkString(vec![0xff])),
        with(5, bulk("-1")),
    ] {
        assert_eq!(Answer::of(&bad), None, "{bad:?}");
    }
}
