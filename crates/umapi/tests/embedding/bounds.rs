//! Deadlines, timeouts, stops and throttle policies apply to every part of a call that may hang.

use std::{
    future::pending,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use umapi::{
    Error, InMemoryRateLimits, Outcome, Permit, PermitId, RateLimitFuture, RateLimitSet, RateLimitStore, Report,
    RunOptions, StandardRetry, StopHandle, ThrottlePolicy, Unfinished,
    auth::{AccessToken, Error as LoginError, TokenFuture, TokenSource},
    time::Clock,
};

use crate::server::{ANN, Reply, Request, Server, commands, runtime};

const BOUND: Duration = Duration::from_millis(500);
/// Longer than the bound, and shorter than any default.
const SOON: Duration = Duration::from_secs(4);

/// A source that returns a token after this time.
struct Slow(Duration);

impl TokenSource for Slow {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async move {
            Clock::real().sleep(self.0).await;
            Ok::<_, LoginError>(AccessToken::new("token", None))
        })
    }

    fn invalidate(&self, _: &AccessToken) {}
}

/// The method of a store that never returns.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Acquire,
    Forecast,
    MarkSent,
    Pause,
}

/// A store with one method that hangs.
struct HangingStore {
    part: Part,
    taken: AtomicUsize,
    inner: InMemoryRateLimits,
}

impl HangingStore {
    fn new(part: Part) -> Self {
        Self { part, taken: AtomicUsize::new(0), inner: InMemoryRateLimits::new(Clock::real()) }
    }
}

impl RateLimitStore for HangingStore {
    fn acquire<'a>(&'a self, limits: &'a RateLimitSet) -> RateLimitFuture<'a, Permit> {
        match self.part {
            Part::Acquire => Box::pin(pending()),
            // No permit, so that the limiter needs a forecast.
            Part::Forecast if self.taken.fetch_add(1, Ordering::SeqCst) > 0 => {
                Box::pin(async { Ok(Permit::After(Duration::from_secs(60))) })
            }
            _ => self.inner.acquire(limits),
        }
    }

    fn mark_sent<'a>(&'a self, limits: &'a RateLimitSet, permit: PermitId) -> RateLimitFuture<'a, ()> {
        match self.part {
            Part::MarkSent => Box::pin(pending()),
            _ => self.inner.mark_sent(limits, permit),
        }
    }

    fn release<'a>(&'a self, limits: &'a RateLimitSet, permit: PermitId) -> RateLimitFuture<'a, ()> {
        self.inner.release(limits, permit)
    }

    fn forecast<'a>(&'a self, limits: &'a RateLimitSet, ahead: usize) -> RateLimitFuture<'a, Duration> {
        match self.part {
            Part::Forecast => Box::pin(pending()),
            _ => self.inner.forecast(limits, ahead),
        }
    }

    fn pause<'a>(&'a self, limits: &'a RateLimitSet, time: Duration) -> RateLimitFuture<'a, ()> {
        match self.part {
            Part::Pause => Box::pin(pending()),
            _ => self.inner.pause(limits, time),
        }
    }
}

fn answer(request: &Request) -> Reply {
    match request.path.contains("/action/") {
        true => Reply::done(request),
        false => Reply::json(ANN),
    }
}

/// The outcome of a run with one command, and its error.
fn outcome(result: Result<Report, Unfinished<Report>>) -> (&'static str, Option<Error>) {
    let (report, error) = match result {
        Ok(report) => (report, None),
        Err(unfinished) => {
            let error = unfinished.error().clone();
            (unfinished.into_report(), Some(error))
        }
    };
    let [outcome] = report.outcomes() else { panic!("one command has one outcome") };
    let word = match outcome.outcome() {
        Outcome::Completed => "completed",
        Outcome::Rejected { .. } => "rejected",
        Outcome::NotSent { .. } => "not sent",
        Outcome::Unknown { .. } => "unknown",
        other => panic!("{other:?}"),
    };
    (word, error)
}

#[test]
fn a_change_is_not_sent_after_its_deadline() {
    let service = Server::healthy();
    let client = service.bare_client().token_source("key", Slow(Duration::from_millis(1500))).build().unwrap();
    let (word, error) = runtime().block_on(async {
        outcome(client.execute(commands(1)).with_options(RunOptions::new().deadline(Duration::from_secs(1))).await)
    });
    assert_eq!((word, service.requests().len()), ("not sent", 0));
    assert!(error.unwrap().is_timeout());
}

#[test]
fn a_read_is_not_sent_after_its_timeout() {
    let service = Server::healthy();
    let source = Slow(Duration::from_millis(1500));
    let client = service.bare_client().token_source("key", source).call_timeout(Duration::from_secs(1)).build();
    let client = client.unwrap();
    let error = runtime().block_on(async { client.users().get("ann@example.com").await.unwrap_err() });
    assert!(error.is_timeout() && error.requests() == 0, "{error}");
    assert_eq!(service.requests().len(), 0);
}

/// A way to hang, with whether a request has been sent by then.
type Hanging = (&'static str, Box<dyn Fn() -> (Vec<Server>, umapi::ClientBuilder)>, bool);

/// All ways to hang.
fn hanging() -> Vec<Hanging> {
    let store = |part| {
        move || {
            let service = Server::answering(|number, request| match number {
                0 if request.path.contains("never") => Reply::Silence,
                _ => answer(request),
            });
            let builder = service.builder().rate_limit_store(HangingStore::new(part));
            (vec![service], builder)
        }
    };
    vec![
        (
            "token source",
            Box::new(|| {
                let service = Server::healthy();
                let builder = service.bare_client().token_source("key", Slow(Duration::from_secs(3600)));
                (vec![service], builder)
            }),
            false,
        ),
        (
            "login",
            Box::new(|| {
                let (login, service) = (Server::answering(|_, _| Reply::Silence), Server::healthy());
                let builder = service.bare_client().credentials(login.credentials());
                (vec![login, service], builder)
            }),
            false,
        ),
        ("acquire", Box::new(store(Part::Acquire)), false),
        (
            "pause",
            Box::new(|| {
                let service = Server::answering(|_, _| Reply::of(429, &[("retry-after", "1")], ""));
                let builder = service.builder().rate_limit_store(HangingStore::new(Part::Pause));
                (vec![service], builder)
            }),
            false,
        ),
        (
            "silence",
            Box::new(|| {
                let service = Server::answering(|_, _| Reply::Silence);
                let builder = service.builder();
                (vec![service], builder)
            }),
            true,
        ),
        (
            "dripping success",
            Box::new(|| {
                let service = Server::answering(|_, _| Reply::dripping(200));
                let builder = service.builder();
                (vec![service], builder)
            }),
            true,
        ),
        (
            "dripping refusal",
            Box::new(|| {
                let service = Server::answering(|_, _| Reply::dripping(500));
                let builder = service.builder();
                (vec![service], builder)
            }),
            true,
        ),
    ]
}

#[test]
fn a_call_timeout_ends_whatever_hangs() {
    for (what, setting, _) in hanging() {
        let (_servers, builder) = setting();
        let client = builder.call_timeout(BOUND).build().unwrap();
        let begun = Instant::now();
        let error = runtime().block_on(async { client.users().get("ann@example.com").await.unwrap_err() });
        assert!(begun.elapsed() < SOON, "{what}: {:?}", begun.elapsed());
        assert!(error.is_retryable(), "{what}: {error}");
    }
}

#[test]
fn a_deadline_ends_whatever_hangs() {
    for (what, setting, is_sent) in hanging() {
        let (_servers, builder) = setting();
        let client = builder.build().unwrap();
        let begun = Instant::now();
        let (word, _) = runtime().block_on(async {
            outcome(client.execute(commands(1)).with_options(RunOptions::new().deadline(BOUND)).await)
        });
        assert!(begun.elapsed() < SOON, "{what}: {:?}", begun.elapsed());
        assert_eq!(word, if is_sent { "unknown" } else { "not sent" }, "{what}");
    }
}

#[test]
fn a_stop_ends_whatever_hangs_before_the_request() {
    for (what, setting, is_sent) in hanging() {
        if is_sent {
            continue;
        }
        let (_servers, builder) = setting();
        let client = builder.build().unwrap();
        let begun = Instant::now();
        let (word, error) = runtime().block_on(async {
            let stop = StopHandle::new();
            let work = client.execute(commands(1)).with_options(RunOptions::new().stop(&stop));
            thread::spawn(move || {
                thread::sleep(BOUND);
                stop.stop();
            });
            outcome(work.await)
        });
        assert!(begun.elapsed() < SOON, "{what}: {:?}", begun.elapsed());
        assert_eq!(word, "not sent", "{what}");
        assert!(error.unwrap().is_stopped(), "{what}");
    }
}

#[test]
fn a_stop_lets_a_request_in_flight_finish() {
    let service = Server::answering(|_, request| Reply::done(request).after(BOUND * 2));
    let client = service.client();
    let (word, _) = runtime().block_on(async {
        let stop = StopHandle::new();
        let work = client.execute(commands(1)).with_options(RunOptions::new().stop(&stop));
        thread::spawn(move || {
            thread::sleep(BOUND);
            stop.stop();
        });
        outcome(work.await)
    });
    assert_eq!(word, "completed");
}

#[test]
fn failing_at_once_does_not_wait_for_a_store() {
    for part in [Part::Acquire, Part::Forecast, Part::MarkSent] {
        let service = Server::healthy();
        let store = HangingStore::new(part);
        let client = service.builder().rate_limit_store(store).throttle_policy(ThrottlePolicy::FailAtOnce).build();
        let client = client.unwrap();
        let begun = Instant::now();
        let error = runtime().block_on(async {
            let first = client.users().get("ann@example.com").await;
            let second = client.users().get("ann@example.com").await;
            first.and(second).err()
        });
        assert!(begun.elapsed() < Duration::from_secs(25), "{part:?}: {:?}", begun.elapsed());
        assert!(error.is_some() || part == Part::MarkSent, "{part:?}");
    }
}

#[test]
fn a_body_without_end_ends_with_its_attempt() {
    for status in [200, 500] {
        let service = Server::answering(move |_, _| Reply::dripping(status));
        let client = service.builder().attempt_timeout(BOUND).retry(StandardRetry::NEVER).build().unwrap();
        let begun = Instant::now();
        runtime().block_on(async { client.users().get("ann@example.com").await.unwrap_err() });
        assert!(begun.elapsed() < BOUND + BOUND / 2 + Duration::from_millis(500), "{status}: {:?}", begun.elapsed());
    }
}
