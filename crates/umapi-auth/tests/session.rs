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
    net::TcpListener,
};
use umapi_auth::{Credentials, Endpoint, OAuthServerToServer, Session};
use umapi_time::{Clock, ManualClock};

const LIFE: u64 = 3600;

/// A login server that counts: calls, and how many were under way at once. Calls listed in `failing` answer 503.
struct Server {
    url: String,
    calls: Arc<AtomicUsize>,
    most_at_once: Arc<AtomicUsize>,
}

impl Server {
    async fn start(is_failing: fn(usize) -> bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (calls, under_way, most) =
            (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let server = Self { url, calls: calls.clone(), most_at_once: most.clone() };
        tokio::spawn(async move {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                let (calls, under_way, most) = (calls.clone(), under_way.clone(), most.clone());
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let mut length = 0;
                    while !String::from_utf8_lossy(&request[..length]).contains("grant_type=client_credentials&scope=")
                    {
                        let read = connection.read(&mut request[length..]).await.unwrap();
                        if read == 0 {
                            return;
                        }
                        length += read;
                    }
                    let number = calls.fetch_add(1, Ordering::SeqCst);
                    most.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    // Long enough for others to come: each of them sees the login under way.
                    for _ in 0..20 {
                        tokio::task::yield_now().await;
                    }
                    let body = format!(r#"{{"access_token":"t{number}","expires_in":{LIFE}}}"#);
                    let status = if is_failing(number) { "503 Service Unavailable" } else { "200 OK" };
                    let answer = format!(
                        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    under_way.fetch_sub(1, Ordering::SeqCst);
                    let _ = connection.write_all(answer.as_bytes()).await;
                });
            }
        });
        server
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn session(&self, clock: Clock) -> Session {
        let client = OAuthServerToServer::new("client", "secret").unwrap();
        let credentials = Credentials::from(client).with_endpoint(Endpoint::parse(&self.url).unwrap());
        Session::builder(credentials).clock(clock).build().unwrap()
    }
}

#[tokio::test]
async fn a_thousand_waiters_share_one_login() {
    let server = Server::start(|_| false).await;
    let session = server.session(ManualClock::new().clock());
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
    let server = Server::start(|_| false).await;
    let session = server.session(ManualClock::new().clock());
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
    let server = Server::start(|_| false).await;
    let session = server.session(ManualClock::new().clock());
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
    let server = Server::start(|call| (1..=4).contains(&call)).await;
    let manual = ManualClock::new();
    let session = server.session(manual.clock());
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
    let server = Server::start(|_| false).await;
    let manual = ManualClock::new();
    let session = server.session(manual.clock());
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

/// 10,000 calls by 64 tasks over a day, every seventh login failing once.
#[tokio::test]
async fn a_day_of_calls_takes_the_logins_that_it_must_and_never_an_expired_token() {
    let server = Server::start(|call| call % 7 == 3).await;
    let manual = ManualClock::new().auto_advance(Duration::from_millis(1));
    let clock = manual.clock();
    let session = server.session(clock.clone());
    let day = Duration::from_secs(24 * 3600);
    let calls = 10_000;
    let rounds = calls / 64;
    let tasks: Vec<_> = (0..64_u32)
        .map(|_| {
            let (session, clock) = (session.clone(), clock.clone());
            tokio::spawn(async move {
                for _ in 0..rounds {
                    let token = session.token().await.unwrap();
                    assert!(token.expires().unwrap() > clock.now(), "an expired token was given out");
                    clock.sleep(day / rounds).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(server.most_at_once.load(Ordering::SeqCst), 1, "two logins at a time");
    // A token lives an hour and is refreshed up to ten minutes early, in rounds of about nine minutes: between 24 and 33
    // logins in a day, and one more for each that failed.
    let (all, failed) = (server.calls(), (0..server.calls()).filter(|call| call % 7 == 3).count());
    assert!((24..=33).contains(&(all - failed)), "{all} logins, {failed} of them failed");
}
