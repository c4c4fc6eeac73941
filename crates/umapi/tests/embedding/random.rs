//! Random drops, stops, timeouts and panics on several runtimes. The emulator's ledger shows whether the outcomes are true.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::{runtime::Runtime, task::JoinSet};
use umapi::{
    Client, Command, InMemoryRateLimits, Observer, Outcome, Permit, PermitId, RateLimit, RateLimitFuture, RateLimitSet,
    RateLimitStore, RateLimits, RequestFinished, RequestStarted, RunOptions, StopHandle, Wait,
    auth::{AccessToken, CachedSource, TokenFuture, TokenSource},
    model::ThrottleClass,
    time::{Clock, ManualClock},
};
use umapi_emulator::{Emulator, FaultEffect, FaultResponse, FaultRule, LimitSettings, Operation, seed::Seed};

use crate::server::runtime;

const SEEDS: u64 = 20;
const GROUP: &str = "Team";
/// Requests a minute of the client's own limits. A minute is 0.6 seconds here.
const PER_MINUTE: u32 = 40;
/// The longest time of the work on one runtime, in real time.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn every_outcome_is_true_and_nothing_is_lost() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let is_planned = panic.payload().downcast_ref::<&str>().is_some_and(|text| text.starts_with("planned"));
        if !is_planned {
            default(panic);
        }
    }));
    let mut memory = Vec::new();
    for seed in 0..SEEDS {
        run(seed);
        memory.push(resident_pages());
    }
    let (early, late) = (memory[4], memory[memory.len() - 1]);
    assert!(late < early + early / 2 + 8_192, "memory grows: {memory:?} pages");
}

/// The memory of this process, in pages of 4 KB where the system tells it.
fn resident_pages() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or_default()
}

/// Panics with this probability, in hundredths.
fn maybe_panic(percent: u8) {
    if fastrand::u8(0..100) < percent {
        panic!("planned");
    }
}

/// Counts permits and requests.
#[derive(Default)]
struct Ledger {
    permits_out: AtomicI64,
    started: AtomicI64,
    finished: AtomicI64,
}

struct CountingStore(Arc<Ledger>, InMemoryRateLimits);

impl RateLimitStore for CountingStore {
    fn acquire<'a>(&'a self, limits: &'a RateLimitSet) -> RateLimitFuture<'a, Permit> {
        maybe_panic(2);
        Box::pin(async move {
            let permit = self.1.acquire(limits).await;
            if matches!(permit, Ok(Permit::Granted(_))) {
                self.0.permits_out.fetch_add(1, Ordering::SeqCst);
            }
            permit
        })
    }

    fn mark_sent<'a>(&'a self, limits: &'a RateLimitSet, permit: PermitId) -> RateLimitFuture<'a, ()> {
        maybe_panic(2);
        self.1.mark_sent(limits, permit)
    }

    fn release<'a>(&'a self, limits: &'a RateLimitSet, permit: PermitId) -> RateLimitFuture<'a, ()> {
        self.0.permits_out.fetch_sub(1, Ordering::SeqCst);
        self.1.release(limits, permit)
    }

    fn forecast<'a>(&'a self, limits: &'a RateLimitSet, ahead: usize) -> RateLimitFuture<'a, Duration> {
        maybe_panic(2);
        self.1.forecast(limits, ahead)
    }

    fn pause<'a>(&'a self, limits: &'a RateLimitSet, time: Duration) -> RateLimitFuture<'a, ()> {
        maybe_panic(2);
        self.1.pause(limits, time)
    }
}

struct CountingObserver(Arc<Ledger>);

impl Observer for CountingObserver {
    fn request_started(&self, _: &RequestStarted<'_>) {
        self.0.started.fetch_add(1, Ordering::SeqCst);
        maybe_panic(2);
    }

    fn request_finished(&self, _: &RequestFinished<'_>) {
        self.0.finished.fetch_add(1, Ordering::SeqCst);
        maybe_panic(2);
    }

    fn wait_begins(&self, _: &Wait<'_>) {
        maybe_panic(10);
    }
}

/// A source that is slow and sometimes panics.
struct Vault(String, Clock);

impl TokenSource for Vault {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async {
            self.1.sleep(Duration::from_secs(fastrand::u64(0..3))).await;
            maybe_panic(5);
            Ok(AccessToken::new(self.0.as_str(), Some(self.1.now() + Duration::from_secs(300))))
        })
    }

    fn invalidate(&self, _: &AccessToken) {}
}

/// One random run.
struct Run {
    client: Client,
    /// The number of the next user. Each command has its own user.
    next_user: AtomicUsize,
    /// The reported outcomes, by user.
    told: Mutex<HashMap<usize, &'static str>>,
}

fn email(user: usize) -> String {
    format!("u{user}@federated.example")
}

fn seed_of(users: usize) -> Seed {
    let users: String = (0..users)
        .map(|user| format!("      - {{ type: federatedID, email: {}, country: US }}\n", email(user)))
        .collect();
    let seed = format!(
        "organizations:\n  - id: 12345@AdobeOrg\n    directories: [{{ name: Staff, type: federated, domains: [federated.example] }}]\n    \
         userGroups: [{{ name: {GROUP} }}]\n    users:\n{users}"
    );
    Seed::from_yaml(&seed).unwrap()
}

/// Runs a clock a hundred times as fast as real time until it is dropped.
struct Mover(Arc<AtomicBool>);

impl Mover {
    fn start(manual: &ManualClock) -> Self {
        let (manual, is_over) = (manual.clone(), Arc::new(AtomicBool::new(false)));
        let mover = Self(is_over.clone());
        thread::spawn(move || {
            while !is_over.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(10));
                manual.advance(Duration::from_secs(1));
            }
        });
        mover
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn run(seed: u64) {
    let server = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let builder = Emulator::builder().seed(seed_of(600)).limits(LimitSettings::off()).check_responses(false);
    let emulator = server.block_on(builder.without_management().start()).unwrap();
    for (number, fault) in faults().into_iter().enumerate() {
        emulator.faults().add(fault.with_probability(0.03, seed * 100 + number as u64)).unwrap();
    }
    let manual = ManualClock::new();
    let mover = Mover::start(&manual);
    let ledger = Arc::new(Ledger::default());
    let limits = RateLimits::unlimited()
        .with(ThrottleClass::Action, NonZeroU32::new(PER_MINUTE).map(RateLimit::per_minute))
        .with(ThrottleClass::Users, NonZeroU32::new(PER_MINUTE).map(RateLimit::per_minute));
    let tokens = CachedSource::new(Vault(emulator.access_token().unwrap(), manual.clock()), manual.clock());
    let client = emulator
        .client_builder_without_credentials()
        .unwrap()
        .token_source(&emulator.credentials().client_id, tokens)
        .clock(manual.clock())
        .rate_limits(limits)
        .rate_limit_store(CountingStore(ledger.clone(), InMemoryRateLimits::new(manual.clock())))
        .observer(CountingObserver(ledger.clone()))
        .build()
        .unwrap();
    let run = Arc::new(Run { client, next_user: AtomicUsize::new(0), told: Mutex::default() });
    let threads: Vec<_> = (0..3)
        .map(|thread| {
            let run = run.clone();
            thread::spawn(move || {
                fastrand::seed(seed * 10 + thread);
                let mut idle = Vec::new();
                for _ in 0..3 {
                    idle.extend(run.on_a_runtime());
                }
                idle
            })
        })
        .collect();
    let idle: Vec<Vec<Runtime>> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    drop(idle);
    // The server finishes the requests that it has received.
    thread::sleep(Duration::from_millis(200));
    judge(seed, &run, &emulator, &ledger);
    drop(mover);
    emulator.faults().clear();
    server.block_on(emulator.stop());
}

fn faults() -> [FaultRule; 6] {
    [
        FaultEffect::reset_before_applying(),
        FaultEffect::reset_after_applying(),
        FaultEffect::cut_off(20),
        FaultResponse::status(503).into(),
        FaultResponse::throttled(7).into(),
        FaultEffect::delay(Duration::from_millis(300)),
    ]
    .map(|effect| FaultRule::on(Operation::ExecuteActions, effect))
}

fn judge(seed: u64, run: &Run, emulator: &Emulator, ledger: &Ledger) {
    let told = run.told.lock().unwrap();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for user in 0..run.next_user.load(Ordering::SeqCst) {
        let changes = emulator.ledger().changes_of_membership(&email(user), GROUP).unwrap().len();
        let outcome = told.get(&user).copied().unwrap_or("nobody was told");
        *counts.entry(outcome).or_default() += 1;
        let is_true = match outcome {
            "completed" => changes == 1,
            "rejected" | "not sent" => changes == 0,
            _ => changes <= 1,
        };
        assert!(is_true, "seed {seed}: {} is {outcome}, and the ledger has {changes} changes", email(user));
    }
    assert!(counts.get("completed").is_some_and(|count| *count > 10), "seed {seed}: too little was done: {counts:?}");
    let (out, started) = (ledger.permits_out.load(Ordering::SeqCst), ledger.started.load(Ordering::SeqCst));
    assert_eq!(out, started, "seed {seed}: every permit that was not given back belongs to a request");
    assert_eq!(ledger.finished.load(Ordering::SeqCst), started, "seed {seed}: every request that started has finished");
}

impl Run {
    /// Does some work on a new runtime, which is then dropped or left idle, during the work or after it.
    fn on_a_runtime(self: &Arc<Self>) -> Option<Runtime> {
        let runtime = runtime();
        let (fate, time) = (fastrand::u8(0..4), Duration::from_millis(fastrand::u64(20..300)));
        let is_done = runtime.block_on(async {
            let mut work = JoinSet::new();
            for _ in 0..4 {
                // The tasks share the thread, so each has its own generator.
                let random = fastrand::Rng::with_seed(fastrand::u64(..));
                work.spawn(self.clone().work(random));
            }
            if fate < 2 {
                tokio::time::sleep(time).await;
                work.detach_all();
                return true;
            }
            let all = async {
                while let Some(ended) = work.join_next().await {
                    ended.unwrap()
                }
            };
            tokio::time::timeout(PATIENCE, all).await.is_ok()
        });
        assert!(is_done, "the work is stuck");
        if fate >= 2 {
            let tasks = runtime.metrics().num_alive_tasks();
            assert!(tasks < 40, "{tasks} tasks are left, which are more than connections");
        }
        (fate == 0).then_some(runtime)
    }

    async fn work(self: Arc<Self>, mut random: fastrand::Rng) {
        for _ in 0..3 {
            match random.u8(0..6) {
                0..=3 => self.change(&mut random).await,
                4 => self.list(&mut random).await,
                _ => self.look_up(&mut random).await,
            }
        }
    }

    /// Runs commands with a deadline, a stop or a drop at a random moment.
    async fn change(&self, random: &mut fastrand::Rng) {
        let commands: Vec<(usize, Command)> = (0..random.usize(1..13))
            .map(|_| {
                let user = self.next_user.fetch_add(1, Ordering::SeqCst);
                (user, Command::user(email(user)).add_to([GROUP]).into())
            })
            .collect();
        let stop = StopHandle::new();
        let mut options = RunOptions::new().stop(&stop);
        let (kind, time) = (random.u8(0..5), random.u64(0..400));
        if kind == 0 {
            options = options.deadline(Duration::from_millis(time * 100));
        }
        if kind == 1 {
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(time));
                stop.stop();
            });
        }
        let work = async { self.client.execute(commands).with_options(options).await };
        let result = match kind {
            2 => match tokio::time::timeout(Duration::from_millis(time), work).await {
                Ok(result) => result,
                Err(_) => return,
            },
            _ => work.await,
        };
        let report = result.unwrap_or_else(|unfinished| unfinished.into_report());
        let mut told = self.told.lock().unwrap();
        for (user, outcome) in report.outcomes() {
            let word = match outcome.outcome() {
                Outcome::Completed => "completed",
                Outcome::Rejected { .. } => "rejected",
                Outcome::NotSent { .. } => "not sent",
                _ => "unknown",
            };
            assert_eq!(told.insert(*user, word), None, "one outcome for each command");
        }
    }

    /// Reads a part of a list.
    async fn list(&self, random: &mut fastrand::Rng) {
        let mut users = self.client.users().list();
        for _ in 0..random.usize(0..700) {
            match tokio::time::timeout(Duration::from_millis(random.u64(1..500)), users.try_next()).await {
                Ok(Ok(Some(_))) => {}
                _ => break,
            }
        }
    }

    /// Looks up a user, and does not poll the future for a while.
    async fn look_up(&self, random: &mut fastrand::Rng) {
        let (users, email) = (self.client.users(), email(random.usize(0..600)));
        let mut found = Box::pin(users.get(&email));
        let early = found.as_mut().now_or_never();
        tokio::time::sleep(Duration::from_millis(random.u64(0..50))).await;
        if early.is_none() && random.bool() {
            let _ = found.await;
        }
    }
}
