//! Servers that lie: garbage, endless answers, silence, wrong types, redirections, permits for everyone.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use umapi::{Permit, RateLimit, RateLimitSet, RateLimitStore as _, model::ThrottleClass, time::Clock};
use umapi_redis::{Error, Redis, SharedRateLimits};

/// Answers everything that it is sent with the same bytes. Returns its port, and the number of its answers.
async fn server(answer: Vec<u8>, delay: Duration, is_endless: bool) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, answers) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = answers.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, counted) = (answer.clone(), counted.clone());
            tokio::spawn(async move {
                let mut received = vec![0; 64 * 1024];
                while stream.read(&mut received).await.is_ok_and(|length| length > 0) {
                    Clock::real().sleep(delay).await;
                    counted.fetch_add(1, Ordering::SeqCst);
                    while stream.write_all(&answer).await.is_ok() && is_endless {}
                    if answer.is_empty() {
                        return;
                    }
                }
            });
        }
    });
    (port, answers)
}

fn limits() -> RateLimitSet {
    RateLimitSet::new("key", ThrottleClass::Action, [RateLimit::per_minute(NonZeroU32::new(3).unwrap())])
}

fn store(port: u16) -> SharedRateLimits {
    let url = format!("redis://ops:s8e-planted@127.0.0.1:{port}");
    SharedRateLimits::new(&Redis::builder(url).timeout(Duration::from_millis(600)).build().unwrap(), "1F@AdobeOrg")
}

fn store_without_login(port: u16) -> SharedRateLimits {
    let redis =
        Redis::builder(format!("redis://127.0.0.1:{port}")).timeout(Duration::from_millis(600)).build().unwrap();
    SharedRateLimits::new(&redis, "1F@AdobeOrg")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_server_answers_is_an_error_in_time() {
    let nested = "*1\r\n".repeat(10_000);
    let answers: Vec<(&[u8], bool)> = vec![
        (b"+OK\r\n", false),
        (b":1\r\n", false),
        (b"$-1\r\n", false),
        (b"*-1\r\n", false),
        (b"*0\r\n", false),
        (b"*1\r\n:1\r\n", false),
        (b"*6\r\n:1\r\n:0\r\n:0\r\n:0\r\n$-1\r\n:0\r\n", false),
        (b"*6\r\n:9\r\n:0\r\n:0\r\n:0\r\n+e\r\n:0\r\n", false),
        (b"*6\r\n:0\r\n$20\r\n99999999999999999999\r\n:0\r\n:0\r\n+e\r\n:0\r\n", false),
        (nested.as_bytes(), false),
        (b"$99999999999\r\nx", false),
        (b"$9223372036854775807\r\nx", false),
        (b"$-9223372036854775808\r\n", false),
        (b"*9223372036854775807\r\n:1\r\n", false),
        (b"*99999999999\r\n:1\r\n", false),
        (b"%9223372036854775807\r\n:1\r\n", false),
        (b"%-1\r\n", false),
        (b"~99999999\r\n:1\r\n", false),
        (b"|1\r\n+a\r\n+b\r\n+c\r\n", false),
        (b"|-1\r\n", false),
        (b">2\r\n+message\r\n+x\r\n", false),
        (b">0\r\n", false),
        (b"!5\r\nERR x\r\n", false),
        (b"!-5\r\n", false),
        (b"=-1\r\n", false),
        (b",nan\r\n", false),
        (b"#x\r\n", false),
        (b"garbage", false),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", false),
        (b"\x00\xff\xfe\r\n", false),
        (b"\x15\x03\x01\x00\x02\x02\x16", false),
        (b"-ERR your password is s8e-planted\r\n", false),
        (b"-\r\n", false),
        (b"- \x1b[31m\r\n", false),
        (b"-NOSCRIPT no\r\n", false),
        (b"-MOVED\r\n", false),
        (b"-MOVED 1\r\n", false),
        (b"-MOVED 1 evil.example:6379\r\n", false),
        (b"-ASK 1 10.0.0.1:6379\r\n", false),
        (b"-MOVED 1 127.0.0.1:1\r\n", false),
        (b"-LOADING x\r\n-LOADING x\r\n-LOADING x\r\n", false),
        (b"x", true),
        (b"+", true),
        (b"*1\r\n", true),
        (b"$1000000\r\n", true),
        (b":1\r\n", true),
        (b"", false),
    ];
    let clock = Clock::real();
    for (answer, is_endless) in answers {
        let (port, _) = server(answer.to_vec(), Duration::ZERO, is_endless).await;
        for (store, has_login) in [(store(port), true), (store_without_login(port), false)] {
            let started = clock.now();
            let error = store.acquire(&limits()).await.expect_err(&String::from_utf8_lossy(answer));
            let shown = format!("{error} {error:?}");
            let took = clock.now() - started;
            let name = String::from_utf8_lossy(&answer[..answer.len().min(40)]);
            assert!(took < Duration::from_secs(3), "{name}: {took:?}");
            assert!(!shown.contains('\u{1b}') && shown.len() < 1200, "{name}: {shown}");
            assert!(!has_login || !shown.contains("planted"), "{name}: {shown}");
            assert!(error.downcast::<Error>().is_ok(), "{name}: {shown}");
        }
    }
}

#[tokio::test]
async fn a_redirection_to_another_machine_without_tls_is_refused() {
    let (port, answers) = server(b"-MOVED 1 203.0.113.1:6379\r\n".to_vec(), Duration::ZERO, false).await;
    let error = store_without_login(port).acquire(&limits()).await.unwrap_err().to_string();
    assert!(error.contains("refers to 203.0.113.1:6379") && error.contains("TLS is off"), "{error}");
    assert_eq!(answers.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn redirections_in_a_circle_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap();
    drop(listener);
    let listener = TcpListener::bind(own).await.unwrap();
    let answer = format!("-MOVED 1 {own}\r\n");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut received = vec![0; 64 * 1024];
                while stream.read(&mut received).await.is_ok_and(|length| length > 0) {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    let error = store_without_login(own.port()).acquire(&limits()).await.unwrap_err().to_string();
    assert!(error.contains("in a circle"), "{error}");
}

#[tokio::test]
async fn a_server_that_grants_everything_does_not_make_a_process_exceed_its_limit() {
    let answer = b"*6\r\n:1\r\n+0\r\n+0\r\n+1700000000000\r\n+e\r\n+1\r\n";
    let (port, _) = server(answer.to_vec(), Duration::ZERO, false).await;
    let (store, limits) = (store_without_login(port), limits());
    for call in 0..3 {
        assert!(matches!(store.acquire(&limits).await.unwrap(), Permit::Granted(_)), "call {call}");
    }
    for _ in 0..5 {
        let Permit::After(wait) = store.acquire(&limits).await.unwrap() else { panic!("a fourth call in a minute") };
        assert!(wait > Duration::from_secs(50), "{wait:?}");
    }
    assert!(store.forecast(&limits, 0).await.unwrap() > Duration::from_secs(50));
}

#[tokio::test]
async fn a_slow_server_is_waited_for_up_to_the_time_limit() {
    let answer = b"*6\r\n:1\r\n+0\r\n+0\r\n+1700000000000\r\n+e\r\n+1\r\n".to_vec();
    let (port, _) = server(answer.clone(), Duration::from_millis(200), false).await;
    assert!(matches!(store_without_login(port).acquire(&limits()).await.unwrap(), Permit::Granted(_)));
    let (port, _) = server(answer, Duration::from_secs(5), false).await;
    let error = store_without_login(port).acquire(&limits()).await.unwrap_err().downcast::<Error>().unwrap();
    assert!(error.is_timeout() && error.to_string().contains("no answer within 600ms"), "{error}");
}

#[tokio::test]
async fn an_unreachable_server_is_an_error_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = store(port).acquire(&limits()).await.unwrap_err().downcast::<Error>().unwrap();
    assert!(error.is_unreachable() && error.to_string().contains("connection refused"), "{error}");
    let nowhere = Redis::builder("rediss://no-such-host.invalid").build().unwrap();
    let error = nowhere.check().await.unwrap_err();
    assert!(error.is_unreachable() && error.to_string().contains("rediss://no-such-host.invalid:6379"), "{error}");
}
