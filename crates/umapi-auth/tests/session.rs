//! One token for many tasks, over a day of a virtual clock.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic on the unexpected")]

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

const LIFETIME: u64 = 3600;
const SECOND: Duration = Duration::from_secs(1);

/// The counters of a login server: calls, and how many were in flight at once.
#[derive(Default)]
struct Counts {
    calls: AtomicUsize,
    in_flight: AtomicUsize,
    most_at_once: AtomicUsize,
}

/// A login server with a delay on a clock.
struct Server {
    url: String,
    clock: Clock,
    counts: Arc<Counts>,
}

impl Server {
    /// Starts a server that responds immediately, with 503 to the calls that `is_failing` selects by their index.
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
                tokio::spawn(respond(connection, clock.clone(), delay, counts.clone(), is_failing));
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

async fn respond(
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
    let others = counts.in_flight.fetch_add(1, Ordering::SeqCst);
    counts.most_at_once.fetch_max(others + 1, Ordering::SeqCst);
    // Long enough for other callers to see the login in flight.
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    if !delay.is_zero() {
        clock.sleep(delay).await;
    }
    let body = format!(r#"{{"access_token":"t{number}","expires_in":{LIFETIME}}}"#);
    let status = if is_failing(number) { "503 Service Unavailable" } else { "200 OK" };
    let response = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    counts.in_flight.fetch_sub(1, Ordering::SeqCst);
    // The caller may have given up.
    let _ = connection.write_all(response.as_bytes()).await;
}

#[tokio::test]
async fn a_thousand_waiting_tasks_share_one_login() {
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
async fn a_caller_that_gives_up_does_not_cancel_the_login() {
    let server = Server::start(ManualClock::new().clock(), |_| false).await;
    let session = server.session();
    let mut first = Box::pin(session.token());
    // Polled once to start the login, then dropped.
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
async fn only_the_rejected_token_is_dropped() {
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
async fn a_failed_early_refresh_keeps_the_token_and_pauses() {
    // All four attempts of the second login fail.
    let manual = ManualClock::new();
    let server = Server::start(manual.clock(), |call| (1..=4).contains(&call)).await;
    let session = server.session();
    session.token().await.unwrap();
    manual.advance(Duration::from_secs(LIFETIME - 500));
    manual.set_auto_advance(Some(Duration::ZERO));
    assert_eq!(session.token().await.unwrap().reveal(), "t0");
    manual.freeze();
    assert_eq!(server.calls(), 5);
    for _ in 0..10 {
        assert_eq!(session.token().await.unwrap().reveal(), "t0");
    }
    assert_eq!(server.calls(), 5, "a failed refresh is not retried immediately");
    manual.advance(Duration::from_secs(61));
    assert_eq!(session.token().await.unwrap().reveal(), "t5");
}

#[tokio::test]
async fn others_continue_with_the_old_token_during_a_refresh() {
    let manual = ManualClock::new();
    let server = Server::start(manual.clock(), |_| false).await;
    let session = server.session();
    session.token().await.unwrap();
    manual.advance(Duration::from_secs(LIFETIME - 500));
    let mut refreshing = Box::pin(session.token());
    assert!(futures_util::poll!(refreshing.as_mut()).is_pending());
    assert_eq!(session.token().await.unwrap().reveal(), "t0");
    // The caller that refreshes gives up, and the next one takes over.
    drop(refreshing);
    assert_eq!(session.token().await.unwrap().reveal(), "t1");
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn a_server_may_sleep_on_the_clock_of_the_session() {
    // A grace period that is long enough for a connection on this machine.
    let manual = ManualClock::new().auto_advance(Duration::from_millis(5));
    let server = Server::start_slow(manual.clock(), 45 * SECOND, |call| call == 0).await;
    let session = server.session();
    let login = async {
        // The first attempt fails after 45 seconds, the second one starts within the total time of a minute.
        let token = session.token().await.unwrap();
        assert_eq!(token.reveal(), "t1");
        let taken = manual.clock().now().since_origin();
        assert!(taken > 90 * SECOND && taken < 91 * SECOND, "{taken:?}");
        // An early refresh times out after ten seconds of the same clock.
        manual.advance(Duration::from_secs(LIFETIME - 500));
        let begun = manual.clock().now();
        assert!(session.token().await.unwrap().is_same(&token));
        assert_eq!(manual.clock().now() - begun, 10 * SECOND);
        assert_eq!(server.calls(), 3);
    };
    // A deadlock of the two would never end.
    Clock::real().timeout(60 * SECOND, login).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_may_sleep_on_other_threads_too() {
    let manual = ManualClock::new();
    let server = Server::start_slow(manual.clock(), 45 * SECOND, |_| false).await;
    let session = server.session();
    let login = tokio::spawn(async move { session.token().await });
    manual.until_sleepers(1).await;
    assert_eq!(manual.next_deadline().unwrap().since_origin(), 45 * SECOND);
    manual.set_auto_advance(Some(Duration::ZERO));
    let token = Clock::real().timeout(60 * SECOND, login).await.unwrap().unwrap().unwrap();
    // The lifetime counts from before the request.
    assert_eq!(token.expires().unwrap().since_origin(), Duration::from_secs(LIFETIME));
}

/// 10,000 calls by 64 tasks over a day. Every seventh login request fails.
#[tokio::test]
async fn a_day_of_calls_needs_no_extra_login_and_no_token_expires() {
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
            // The calls are not divisible by the tasks, so some make one more.
            let calls = CALLS / TASKS + u32::from(task < CALLS % TASKS);
            tokio::spawn(async move {
                for _ in 0..calls {
                    let token = session.token().await.unwrap();
                    assert!(token.expires().unwrap() > clock.now(), "an expired token was returned");
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
    // A token is valid for an hour and refreshed up to ten minutes early, in rounds of about nine minutes: between 24 and 33
    // logins a day, plus one for each failure.
    let (all, failed) = (server.calls(), (0..server.calls()).filter(|call| call % 7 == 3).count());
    assert!((24..=33).contains(&(all - failed)), "{all} logins, {failed} of them failed");
}

/// A login server whose response never ends.
async fn endless(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let _ = connection.read(&mut [0; 4096]).await;
        let head = format!("HTTP/1.1 {status}\r\n\r\n\"");
        let mut sent = connection.write_all(head.as_bytes()).await;
        while sent.is_ok() {
            sent = connection.write_all(&[b'x'; 1 << 16]).await;
        }
    });
    url
}

#[tokio::test]
async fn a_response_without_an_end_is_not_read_to_its_end() {
    for (status, text) in [("200 OK", "larger than"), ("429 X\r\nretry-after: 3600", "rejected with 429")] {
        let client = OAuthServerToServer::new("client", "secret").unwrap();
        let endpoint = Endpoint::parse(&endless(status).await).unwrap();
        let session = Session::new(Credentials::from(client).with_endpoint(endpoint)).unwrap();
        let error = session.token().await.unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(error.retry_after().is_some(), error.is_throttled(), "{error}");
    }
}
