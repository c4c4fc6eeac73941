//! One token for many tasks, over a day of an injected clock.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect, also in its helpers")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use umapi_auth::{Credentials, Endpoint, OAuthServerToServer, Session};
use umapi_time::{Clock, ManualClock};

const LIFE: u64 = 3600;
const SECOND: Duration = Duration::from_secs(1);

/// What a login server counts: calls, and how many were under way at once.
#[derive(Default)]
struct Counts {
    calls: AtomicUsize,
    under_way: AtomicUsize,
    most_at_once: AtomicUsize,
}

/// A login server on a clock, by which it takes its time.
struct Server {
    url: String,
    clock: Clock,
    counts: Arc<Counts>,
}

impl Server {
    /// One that answers at once, and with 503 to the calls that `is_failing` picks by their number.
    async fn start(clock: Clock, is_failing: fn(usize) -> bool) -> Self {
        Self::start_slow(clock, Duration::ZERO, is_failing).await
    }

    async fn start_slow(clock: Clock, delay: Duration, is_failing: fn(usize) -> bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, clock: clock.clone(), counts: Arc::default() };
        let counts = server.counts.clone();
        tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(connection, clock.clone(), delay, counts.clone(), is_failing));
            }
        });
        server
    }

    fn calls(&self) -> usize {
        self.counts.calls.load(Ordering::SeqCst)
    }

    fn session(&self) -> Session {
        let client = OAuthServerToServer::new("client", "secret").unwrap();
        let credentials = Credentials::from(client).with_endpoint(Endpoint::parse(&self.url).unwrap());
        Session::builder(credentials).clock(self.clock.clone()).build().unwrap()
    }
}

async fn answer(
    mut connection: TcpStream,
    clock: Clock,
    delay: Duration,
    counts: Arc<Counts>,
    is_failing: fn(usize) -> bool,
) {
    let mut request = [0; 4096];
    let mut length = 0;
    while !String::from_utf8_lossy(&request[..length]).contains("grant_type=client_credentials&scope=") {
        let read = connection.read(&mut request[length..]).await.unwrap();
        if read == 0 {
            return;
        }
        length += read;
    }
    let number = counts.calls.fetch_add(1, Ordering::SeqCst);
    let others = counts.under_way.fetch_add(1, Ordering::SeqCst);
    counts.most_at_once.fetch_max(others + 1, Ordering::SeqCst);
    // Long enough for others to come: each of them sees the login under way.
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    if !delay.is_zero() {
        clock.sleep(delay).await;
    }
    let body = format!(r#"{{"access_token":"t{number}","expires_in":{LIFE}}}"#);
    let status = if is_failing(number) { "503 Service Unavailable" } else { "200 OK" };
    let answer = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    counts.under_way.fetch_sub(1, Ordering::SeqCst);
    // Who asked may have given up.
    let _ = connection.write_all(answer.as_bytes()).await;
}

#[tokio::test]
async fn a_thousand_waiters_share_one_login() {
    let server = Server::start(ManualClock::new().clock(), |_| false).await;
    let session = server.session();
    let tasks: Vec<_> = (0..1000)
        .map(|_| {
            tokio::spawn({
                let session = session.clone();
                async move { session.token().await }
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap().reveal(), "t0");
    }
    assert_eq!(server.calls(), 1);
}

#[tokio::test]
async fn a_caller_that_gives_up_harms_nobody() {
    let server = Server::start(ManualClock::new().clock(), |_| false).await;
    let session = server.session();
    let mut first = Box::pin(session.token());
    // Polled once, so that the login has begun, and dropped.
    assert!(futures_util::poll!(first.as_mut()).is_pending());
    let second = tokio::spawn({
        let session = session.clone();
        async move { session.token().await }
    });
    drop(first);
    assert_eq!(second.await.unwrap().unwrap().reveal(), "t0");
    assert_eq!(server.calls(), 1);
}

#[tokio::test]
async fn only_the_token_that_was_refused_is_dropped() {
    let server = Server::start(ManualClock::new().clock(), |_| false).await;
    let session = server.session();
    let old = session.token().await.unwrap();
    session.invalidate(&old);
    let fresh = session.token().await.unwrap();
    assert_eq!(fresh.reveal(), "t1");
    // A late 401 about the old token.
    session.invalidate(&old);
    assert!(session.token().await.unwrap().is_same(&fresh));
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn a_failed_early_refresh_keeps_the_good_token_and_pauses() {
    // The second login fails in all of its four attempts.
    let manual = ManualClock::new();
    let server = Server::start(manual.clock(), |call| (1..=4).contains(&call)).await;
    let session = server.session();
    session.token().await.unwrap();
    manual.advance(Duration::from_secs(LIFE - 500));
    manual.set_auto_advance(Some(Duration::ZERO));
    assert_eq!(session.token().await.unwrap().reveal(), "t0");
    manual.freeze();
    assert_eq!(server.calls(), 5);
    for _ in 0..10 {
        assert_eq!(session.token().await.unwrap().reveal(), "t0");
    }
    assert_eq!(server.calls(), 5, "a failed refresh is not tried again at once");
    manual.advance(Duration::from_secs(61));
    assert_eq!(session.token().await.unwrap().reveal(), "t5");
}

#[tokio::test]
async fn others_go_on_with_the_good_token_while_one_refreshes() {
    let manual = ManualClock::new();
    let server = Server::start(manual.clock(), |_| false).await;
    let session = server.session();
    session.token().await.unwrap();
    manual.advance(Duration::from_secs(LIFE - 500));
    let mut refreshing = Box::pin(session.token());
    assert!(futures_util::poll!(refreshing.as_mut()).is_pending());
    assert_eq!(session.token().await.unwrap().reveal(), "t0");
    // The one that refreshes gives up; the next caller takes over.
    drop(refreshing);
    assert_eq!(session.token().await.unwrap().reveal(), "t1");
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn a_server_may_sleep_on_the_clock_that_the_session_goes_by() {
    // A grace that is long enough for the bytes of a connection on this machine.
    let manual = ManualClock::new().auto_advance(Duration::from_millis(5));
    let server = Server::start_slow(manual.clock(), 45 * SECOND, |call| call == 0).await;
    let session = server.session();
    let login = async {
        // The first login fails after its 45 seconds, the second one comes within the budget of a minute.
        let token = session.token().await.unwrap();
        assert_eq!(token.reveal(), "t1");
        let taken = manual.clock().now().since_origin();
        assert!(taken > 90 * SECOND && taken < 91 * SECOND, "{taken:?}");
        // An early refresh is given up after ten seconds of the same clock.
        manual.advance(Duration::from_secs(LIFE - 500));
        let begun = manual.clock().now();
        assert!(session.token().await.unwrap().is_same(&token));
        assert_eq!(manual.clock().now() - begun, 10 * SECOND);
        assert_eq!(server.calls(), 3);
    };
    // If each waited for the other, this would never end.
    Clock::real().timeout(60 * SECOND, login).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_may_do_so_on_other_threads_too() {
    let manual = ManualClock::new();
    let server = Server::start_slow(manual.clock(), 45 * SECOND, |_| false).await;
    let session = server.session();
    let login = tokio::spawn(async move { session.token().await });
    manual.until_sleepers(1).await;
    assert_eq!(manual.next_deadline().unwrap().since_origin(), 45 * SECOND);
    manual.set_auto_advance(Some(Duration::ZERO));
    let token = Clock::real().timeout(60 * SECOND, login).await.unwrap().unwrap().unwrap();
    // Its life is counted from before the request.
    assert_eq!(token.expires().unwrap().since_origin(), Duration::from_secs(LIFE));
}

/// 10,000 calls by 64 tasks over a day, every seventh login failing once.
#[tokio::test]
async fn a_day_of_calls_takes_the_logins_that_it_must_and_never_an_expired_token() {
    const CALLS: u32 = 10_000;
    const TASKS: u32 = 64;
    let manual = ManualClock::new().auto_advance(Duration::from_millis(5));
    let clock = manual.clock();
    let server = Server::start_slow(clock.clone(), 2 * SECOND, |call| call % 7 == 3).await;
    let session = server.session();
    let day = Duration::from_secs(24 * 3600);
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (session, clock) = (session.clone(), clock.clone());
            // The calls do not divide by the tasks: some make one more.
            let calls = CALLS / TASKS + u32::from(task < CALLS % TASKS);
            tokio::spawn(async move {
                for _ in 0..calls {
                    let token = session.token().await.unwrap();
                    assert!(token.expires().unwrap() > clock.now(), "an expired token was given out");
                    clock.sleep(day / calls).await;
                }
                calls
            })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        made += task.await.unwrap();
    }
    assert_eq!(made, CALLS);
    assert_eq!(server.counts.most_at_once.load(Ordering::SeqCst), 1, "two logins at a time");
    // A token lives an hour and is refreshed up to ten minutes early, in rounds of about nine minutes: between 24 and 33
    // logins in a day, and one more for each that failed.
    let (all, failed) = (server.calls(), (0..server.calls()).filter(|call| call % 7 == 3).count());
    assert!((24..=33).contains(&(all - failed)), "{all} logins, {failed} of them failed");
}
