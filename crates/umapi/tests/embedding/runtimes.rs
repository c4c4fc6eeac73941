//! One client on several runtimes: idle, dropped, or with a busy thread.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::runtime::Runtime;
use umapi::{
    Client, Outcome, RateLimit, RateLimits,
    auth::{AccessToken, Session, TokenFuture, TokenSource},
    model::ThrottleClass,
    time::ManualClock,
};

use crate::server::{ANN, Reply, Server, commands, elsewhere, runtime};

/// The state of the first runtime while the second one works.
#[derive(Clone, Copy, Debug, PartialEq)]
enum First {
    /// It exists, but nobody runs it.
    Idle,
    /// It is dropped.
    Dropped,
    /// Its thread is blocked.
    Busy,
}

const EACH: [First; 3] = [First::Idle, First::Dropped, First::Busy];

impl First {
    /// Starts a job on a new runtime, which then stops running.
    fn begin(self, job: impl Future<Output = ()> + Send + 'static) -> Option<Runtime> {
        let runtime = runtime();
        runtime.block_on(async {
            tokio::spawn(job);
            tokio::time::sleep(Duration::from_millis(50)).await;
        });
        self.leave(runtime)
    }

    /// Finishes a job on a new runtime, which then stops running.
    fn finish(self, job: impl Future<Output = ()> + Send + 'static) -> Option<Runtime> {
        let runtime = runtime();
        runtime.block_on(async { tokio::spawn(job).await.unwrap() });
        self.leave(runtime)
    }

    fn leave(self, runtime: Runtime) -> Option<Runtime> {
        match self {
            Self::Idle => Some(runtime),
            Self::Dropped => None,
            Self::Busy => {
                thread::spawn(move || {
                    runtime.block_on(async { thread::sleep(Duration::from_secs(20)) });
                });
                None
            }
        }
    }
}

fn limited(per_minute: u32) -> RateLimits {
    RateLimits::unlimited().with(ThrottleClass::Users, NonZeroU32::new(per_minute).map(RateLimit::per_minute))
}

async fn get(client: Client) -> bool {
    client.users().get("ann@example.com").await.unwrap().is_some()
}

/// Advances a clock until the guard is dropped.
fn moving(manual: &ManualClock) -> impl Drop + use<> {
    struct Moving(Arc<AtomicBool>);

    impl Drop for Moving {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    let (manual, is_over) = (manual.clone(), Arc::new(AtomicBool::new(false)));
    let moving = Moving(is_over.clone());
    thread::spawn(move || {
        while !is_over.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
            manual.advance(Duration::from_millis(500));
        }
    });
    moving
}

#[test]
fn a_queue_continues_without_the_runtime_of_its_first() {
    for first in EACH {
        let service = Server::healthy();
        let manual = ManualClock::new();
        let client = service.builder().clock(manual.clock()).rate_limits(limited(1)).build().unwrap();
        let in_line = client.clone();
        let _first = first.begin(async move {
            get(in_line.clone()).await;
            get(in_line).await;
        });
        let _moving = moving(&manual);
        assert!(elsewhere(get(client)).unwrap_or_else(|why| panic!("{first:?}: {why}")));
    }
}

#[test]
fn waiters_of_several_runtimes_all_get_permits() {
    let service = Server::healthy();
    let manual = ManualClock::new();
    let client = service.builder().clock(manual.clock()).rate_limits(limited(3)).build().unwrap();
    let _moving = moving(&manual);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let client = client.clone();
            thread::spawn(move || {
                runtime().block_on(async {
                    let calls: Vec<_> = (0..3).map(|_| tokio::spawn(get(client.clone()))).collect();
                    for call in calls {
                        assert!(call.await.unwrap());
                    }
                });
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(service.requests().len(), 12);
}

#[test]
fn a_login_is_repeated_without_the_runtime_of_its_first() {
    for first in EACH {
        let login = Server::answering(|_, _| Reply::token("token").after(Duration::from_millis(300)));
        let session = Session::new(login.credentials()).unwrap();
        let begun = session.clone();
        let _first = first.begin(async move {
            let _ = begun.token().await;
        });
        let token = elsewhere(async move { session.token().await.map(|token| token.reveal().to_owned()) });
        assert_eq!(token.unwrap_or_else(|why| panic!("{first:?}: {why}")).unwrap(), "token");
        assert!(login.requests().len() <= 2, "{first:?}");
    }
}

#[test]
fn connections_are_not_shared_between_runtimes() {
    for first in EACH {
        let service = Server::healthy();
        let client = service.client();
        let pooling = client.clone();
        let _first = first.finish(async move {
            get(pooling).await;
        });
        assert_eq!(service.requests().len(), 1, "{first:?}");
        assert!(elsewhere(get(client)).unwrap_or_else(|why| panic!("{first:?}: {why}")));
        assert_eq!(service.requests().len(), 2, "{first:?}");
    }
}

#[test]
fn login_connections_are_not_shared_between_runtimes() {
    for first in EACH {
        let login = Server::answering(|number, _| Reply::token(&format!("token {number}")));
        let session = Session::new(login.credentials()).unwrap();
        let pooling = session.clone();
        let _first = first.finish(async move {
            let token = pooling.token().await.unwrap();
            pooling.invalidate(&token);
        });
        let token = elsewhere(async move { session.token().await.map(|token| token.reveal().to_owned()) });
        assert_eq!(token.unwrap_or_else(|why| panic!("{first:?}: {why}")).unwrap(), "token 1");
        assert_eq!(login.requests().len(), 2, "{first:?}");
    }
}

#[test]
fn a_change_completes_without_an_earlier_runtime() {
    for first in EACH {
        let service = Server::healthy();
        let client = service.client();
        let pooling = client.clone();
        let _first = first.finish(async move {
            pooling.execute(commands(1)).await.unwrap();
        });
        let report = elsewhere(async move { client.execute(commands(1)).await });
        let report = report.unwrap_or_else(|why| panic!("{first:?}: {why}")).unwrap();
        assert_eq!((report.completed().count(), report.requests()), (1, 1), "{first:?}");
        assert_eq!(service.requests().len(), 2, "{first:?}");
    }
}

/// A source that never returns a token.
struct Hanging;

impl TokenSource for Hanging {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(std::future::pending())
    }

    fn invalidate(&self, _: &AccessToken) {}
}

#[test]
fn a_change_not_sent_by_a_dropped_runtime_is_not_unknown() {
    let service = Server::healthy();
    let client = service.bare_client().token_source("key", Hanging).build().unwrap();
    let mut outcomes = Box::pin(client.execute_stream(tokio_stream(commands(1))));
    let first = runtime();
    first.block_on(async { assert!(outcomes.as_mut().next().now_or_never().is_none()) });
    drop(first);
    let outcome = elsewhere(async move { outcomes.as_mut().next().await.unwrap() }).unwrap();
    assert!(matches!(outcome.outcome(), Outcome::NotSent { .. }), "{outcome}");
    assert!(service.requests().is_empty());
}

#[test]
fn a_run_does_not_wait_for_a_runtime_that_does_not_run() {
    let service = Server::answering(|_, _| Reply::Silence);
    let client = service.builder().attempt_timeout(Duration::from_millis(300)).clock(fast_clock()).build().unwrap();
    let mut outcomes = Box::pin(client.execute_stream(tokio_stream(commands(1))));
    let first = runtime();
    first.block_on(async {
        let _ = tokio::time::timeout(Duration::from_millis(100), outcomes.as_mut().next()).await.unwrap_err();
    });
    let outcome = elsewhere(async move { outcomes.as_mut().next().await.unwrap() }).unwrap();
    assert!(matches!(outcome.outcome(), Outcome::Unknown { .. }), "{outcome}");
    drop(first);
}

/// A clock on which a second takes ten milliseconds.
fn fast_clock() -> umapi::time::Clock {
    let manual = ManualClock::new();
    let clock = manual.clock();
    thread::spawn(move || {
        for _ in 0..2_000 {
            thread::sleep(Duration::from_millis(10));
            manual.advance(Duration::from_secs(1));
        }
    });
    clock
}

/// A stream of these items.
fn tokio_stream<T>(items: Vec<T>) -> impl futures_core::Stream<Item = T> {
    futures_util::stream::iter(items)
}

#[test]
fn a_list_goes_on_in_another_runtime() {
    for first in EACH {
        let service = Server::answering(|_, request| {
            let page = request.page();
            Reply::users(&[format!("a{page}"), format!("b{page}")], page == 2, &[]).after(Duration::from_millis(100))
        });
        let mut users = service.client().users().list();
        let (give, take) = mpsc::channel();
        let _first = first.finish(async move {
            // The next page is fetched ahead when this one is half read.
            let user = users.try_next().await.unwrap().unwrap();
            give.send((users, user)).expect("somebody listens");
        });
        let (mut users, user) = take.recv().unwrap();
        let rest = elsewhere(async move {
            let mut read = vec![user.id.unwrap()];
            while let Some(user) = users.try_next().await.unwrap() {
                read.push(user.id.unwrap());
            }
            read.join(" ")
        });
        assert_eq!(rest.unwrap_or_else(|why| panic!("{first:?}: {why}")), "a0 b0 a1 b1 a2 b2", "{first:?}");
    }
}

#[test]
fn a_slow_response_arrives_without_the_first_runtime() {
    let service = Server::answering(|_, _| Reply::json(ANN).after(Duration::from_millis(200)));
    let client = service.client();
    let begun = client.clone();
    let first = First::Dropped.begin(async move {
        get(begun).await;
    });
    assert!(first.is_none());
    assert!(elsewhere(get(client)).unwrap());
}
