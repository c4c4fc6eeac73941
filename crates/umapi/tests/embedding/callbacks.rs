//! A panic of a callback affects one call at most.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use umapi::{
    InMemoryRateLimits, Observer, PageRead, Permit, PermitId, Progress, RateLimit, RateLimitFuture, RateLimitSet,
    RateLimitStore, RateLimits, RequestFinished, RequestStarted, Retry, StandardRetry, Wait,
    auth::{AccessToken, CachedSource, TokenFuture, TokenSource},
    model::ThrottleClass,
    time::Clock,
};

use crate::server::{ANN, Reply, Server, commands, elsewhere, runtime};

/// A store with one method that panics.
struct Panicking {
    part: &'static str,
    /// How many requests for a permit come before the panic.
    after: usize,
    taken: Arc<AtomicUsize>,
    inner: InMemoryRateLimits,
}

impl Panicking {
    fn new(part: &'static str, after: usize) -> (Self, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        (Self { part, after, taken: taken.clone(), inner: InMemoryRateLimits::new(Clock::real()) }, taken)
    }

    fn fence(&self, part: &str) {
        assert!(part != self.part || self.taken.load(Ordering::SeqCst) < self.after, "the store is out of order");
    }
}

impl RateLimitStore for Panicking {
    fn acquire<'a>(&'a self, limits: &'a RateLimitSet) -> RateLimitFuture<'a, Permit> {
        let before = self.taken.fetch_add(1, Ordering::SeqCst);
        assert!(self.part != "acquire" || before < self.after, "the store is out of order");
        Box::pin(async move {
            assert!(self.part != "acquire later" || before < self.after, "the store is out of order");
            match self.part {
                // The callers wait before the panic.
                "acquire" | "acquire later" if before + 1 == self.after => Ok(Permit::After(Duration::from_millis(50))),
                _ => self.inner.acquire(limits).await,
            }
        })
    }

    fn mark_sent<'a>(&'a self, limits: &'a RateLimitSet, permit: PermitId) -> RateLimitFuture<'a, ()> {
        self.fence("mark_sent");
        self.inner.mark_sent(limits, permit)
    }

    fn release<'a>(&'a self, limits: &'a RateLimitSet, permit: PermitId) -> RateLimitFuture<'a, ()> {
        self.inner.release(limits, permit)
    }

    fn forecast<'a>(&'a self, limits: &'a RateLimitSet, ahead: usize) -> RateLimitFuture<'a, Duration> {
        self.fence("forecast");
        self.inner.forecast(limits, ahead)
    }

    fn pause<'a>(&'a self, limits: &'a RateLimitSet, time: Duration) -> RateLimitFuture<'a, ()> {
        self.fence("pause");
        self.inner.pause(limits, time)
    }
}

#[test]
fn a_store_that_panics_while_calls_wait_is_not_called_in_a_loop() {
    for part in ["acquire", "acquire later"] {
        let service = Server::healthy();
        let (store, taken) = Panicking::new(part, 1);
        let client = service.builder().rate_limit_store(store).build().unwrap();
        let results = elsewhere(async move {
            let calls: Vec<_> = (0..5)
                .map(|_| {
                    let client = client.clone();
                    tokio::spawn(async move { client.users().get("ann@example.com").await.map(drop) })
                })
                .collect();
            let mut results = Vec::new();
            for call in calls {
                results.push(call.await.map_err(|error| error.is_panic()));
            }
            results
        });
        let results = results.unwrap_or_else(|why| panic!("{part}: {why}"));
        for result in results {
            let error = result.expect("no caller panics").expect_err("there is no permit");
            assert!(format!("{error:#}").contains("panicked"), "{part}: {error}");
        }
        assert!(taken.load(Ordering::SeqCst) < 20, "{part}: asked {} times", taken.load(Ordering::SeqCst));
        assert!(service.requests().is_empty());
    }
}

#[test]
fn a_panic_of_a_store_beside_a_call_is_ignored() {
    for part in ["mark_sent", "forecast"] {
        let service = Server::healthy();
        let (store, _) = Panicking::new(part, 0);
        let limits =
            RateLimits::unlimited().with(ThrottleClass::Users, NonZeroU32::new(100).map(RateLimit::per_minute));
        let client = service.builder().rate_limits(limits).rate_limit_store(store).build().unwrap();
        let found = elsewhere(async move { client.users().get("ann@example.com").await.map(|user| user.is_some()) });
        assert!(found.unwrap_or_else(|why| panic!("{part}: {why}")).unwrap(), "{part}");
    }
}

#[test]
fn a_hold_is_kept_though_the_store_panics() {
    let service = Server::answering(|number, _| match number {
        0 => Reply::of(429, &[("retry-after", "1")], ""),
        _ => Reply::json(ANN),
    });
    let (store, _) = Panicking::new("pause", 0);
    let client = service.builder().rate_limit_store(store).build().unwrap();
    let begun = std::time::Instant::now();
    elsewhere(async move { client.users().get("ann@example.com").await.map(drop) }).unwrap().unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
}

/// A source that panics this many times and then returns tokens.
struct PanickingTokens(AtomicUsize);

impl TokenSource for PanickingTokens {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async {
            tokio::task::yield_now().await;
            let left = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            assert!(left.is_err(), "the vault is out of order");
            Ok(AccessToken::new("token", None))
        })
    }

    fn invalidate(&self, _: &AccessToken) {
        panic!("the vault is out of order");
    }
}

#[test]
fn a_panic_of_a_token_source_fails_one_call() {
    let service = Server::healthy();
    let client = service.bare_client().token_source("key", PanickingTokens(AtomicUsize::new(1))).build().unwrap();
    runtime().block_on(async {
        let error = client.users().get("ann@example.com").await.unwrap_err();
        assert!(error.is_login() && format!("{error:#}").contains("panicked"), "{error}");
        client.users().get("ann@example.com").await.unwrap();
    });
}

#[test]
fn a_panic_of_a_shared_token_source_is_an_error() {
    let tokens = CachedSource::new(PanickingTokens(AtomicUsize::new(1)), Clock::real());
    runtime().block_on(async {
        let calls: Vec<_> = (0..5)
            .map(|_| {
                let tokens = tokens.clone();
                tokio::spawn(async move { tokens.token().await.map(drop) })
            })
            .collect();
        for call in calls {
            let result = call.await.expect("no caller panics");
            assert!(result.is_ok() || result.unwrap_err().to_string().contains("panicked"));
        }
        tokio::time::sleep(Duration::from_millis(1100)).await;
        tokens.token().await.unwrap();
    });
}

#[test]
fn a_panic_in_invalidate_is_ignored() {
    let service = Server::answering(|number, _| match number {
        0 => Reply::of(401, &[], ""),
        _ => Reply::json(ANN),
    });
    let client = service.bare_client().token_source("key", PanickingTokens(AtomicUsize::new(0))).build().unwrap();
    runtime().block_on(async { client.users().get("ann@example.com").await.unwrap() });
}

/// An observer that panics in every method.
struct PanickingObserver;

impl Observer for PanickingObserver {
    fn request_started(&self, _: &RequestStarted<'_>) {
        panic!("the observer is out of order");
    }

    fn request_finished(&self, _: &RequestFinished<'_>) {
        panic!("the observer is out of order");
    }

    fn wait_begins(&self, _: &Wait<'_>) {
        panic!("the observer is out of order");
    }

    fn retry(&self, _: &Retry<'_>) {
        panic!("the observer is out of order");
    }

    fn page(&self, _: &PageRead<'_>) {
        panic!("the observer is out of order");
    }

    fn progress(&self, _: &Progress) {
        panic!("the observer is out of order");
    }
}

#[test]
fn an_observer_that_panics_loses_no_report() {
    let service = Server::answering(|number, request| match number {
        0 => Reply::of(503, &[("retry-after", "2")], ""),
        _ if request.path.contains("/action/") => Reply::done(request),
        _ => Reply::users(&["a".to_owned()], true, &[]),
    });
    let client = service.builder().observer(PanickingObserver).build().unwrap();
    runtime().block_on(async {
        let report = client.execute(commands(25)).await.unwrap();
        assert_eq!(report.completed().count(), 25);
        assert_eq!(client.users().list().try_collect().await.unwrap().len(), 1);
    });
}

#[test]
fn a_list_survives_an_observer_that_panics_on_a_retry() {
    let service = Server::answering(|number, _| match number {
        0 => Reply::of(500, &[], ""),
        _ => Reply::users(&["a".to_owned()], true, &[]),
    });
    let quick = StandardRetry::default().first_wait(Duration::from_millis(1));
    let client = service.builder().observer(PanickingObserver).retry(quick).build().unwrap();
    runtime().block_on(async { assert_eq!(client.users().list().try_collect().await.unwrap().len(), 1) });
}
