//! The shared token: one login for all, killed holders, tokens that cannot be used.

use std::{sync::Arc, time::Duration};

use umapi::{
    auth::{AccessToken, Credentials, Error, OAuthServerToServer, TokenFuture, TokenSource},
    time::{Clock, ManualClock},
};
use umapi_emulator::{Emulator, FaultEffect, FaultResponse, FaultRule, LoginOperation};
use umapi_redis::{FailurePolicy, Redis, SharedTokens};

use crate::{
    server::{Server, engines, signal_process},
    stage::Access,
    worker::{Workers, alone},
};

const SECOND: Duration = Duration::from_secs(1);

async fn stage(server: &Server) -> (Emulator, Access) {
    let emulator = Emulator::start().await.unwrap();
    let access = Access::to(&emulator, server.url(), 60_000, 1000);
    (emulator, access)
}

/// Waits until a process logs in. Its request arrives a little later.
async fn until_locked(server: &Server) {
    while !server.keys().iter().any(|key| key.contains(":login:")) {
        Clock::real().sleep(SECOND / 100).await;
    }
    Clock::real().sleep(SECOND / 5).await;
}

fn logins(emulator: &Emulator) -> usize {
    emulator.journal().count(LoginOperation::RequestToken)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_processes_log_in_once() {
    let _alone = alone().await;
    for program in engines() {
        let server = Server::of(&program, |_| Vec::new());
        let (emulator, access) = stage(&server).await;
        // All of them look for a token before there is one.
        let slow = FaultEffect::delay(Duration::from_millis(1500));
        emulator.faults().add(FaultRule::on(LoginOperation::RequestToken, slow)).unwrap();
        let workers = Workers::start("token", 100, &access, 0);
        let results = tokio::task::spawn_blocking(move || {
            workers.begin();
            workers.results()
        });
        let results: Vec<String> = results.await.unwrap().into_iter().flatten().collect();
        assert_eq!(results.len(), 100);
        assert!(results.iter().all(|result| result.starts_with("token ") && *result == results[0]), "{results:?}");
        assert_eq!(logins(&emulator), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_process_logs_in_after_the_holder_is_killed() {
    let Some(server) = Server::start() else { return };
    let (emulator, access) = stage(&server).await;
    let slow = FaultEffect::delay(SECOND * 60);
    let slow = emulator.faults().add(FaultRule::on(LoginOperation::RequestToken, slow)).unwrap();
    let holder = Workers::start("token", 1, &access, 0);
    assert_eq!(holder.count(), 1);
    holder.begin();
    until_locked(&server).await;
    slow.remove();
    signal_process(holder.first(), "KILL");
    let clock = Clock::real();
    let started = clock.now();
    let (tokens, other) = (access.tokens(&access.redis()), access.tokens(&access.redis()));
    let (token, same) = tokio::join!(tokens.token(), other.token());
    let took = clock.now() - started;
    assert!(token.unwrap().is_same(&same.unwrap()));
    assert!(took <= SECOND * 17, "the lock ends after 15 seconds: {took:?}");
    assert_eq!(holder.results(), [None]);
    let completed = |exchange: &umapi_emulator::HttpExchange| exchange.status == Some(200);
    assert_eq!(emulator.journal().of(LoginOperation::RequestToken).iter().filter(|one| completed(one)).count(), 1);
}

#[tokio::test]
async fn a_rejected_token_is_replaced_once_for_all() {
    let Some(server) = Server::start() else { return };
    let (emulator, access) = stage(&server).await;
    let (one, other) = (access.tokens(&access.redis()), access.tokens(&access.redis()));
    let (rejected, same) = (one.token().await.unwrap(), other.token().await.unwrap());
    assert!(rejected.is_same(&same));
    one.invalidate(&rejected);
    let new = one.token().await.unwrap();
    assert!(!new.is_same(&rejected));
    // The other process still has the old one, and must not remove the new one.
    other.invalidate(&rejected);
    assert!(other.token().await.unwrap().is_same(&new));
    assert!(access.tokens(&access.redis()).token().await.unwrap().is_same(&new));
    assert_eq!(logins(&emulator), 2);
}

#[tokio::test]
async fn what_redis_keeps_shows_no_secret_and_expires() {
    let Some(server) = Server::start() else { return };
    let (_emulator, access) = stage(&server).await;
    let token = access.tokens(&access.redis()).token().await.unwrap();
    let [key] = <[String; 1]>::try_from(server.keys()).unwrap();
    assert!(key.contains(":token:") && !key.contains(&access.client_id), "{key}");
    let kept: Vec<u8> = server.run(&["GET", &key]);
    let contains = |secret: &str| kept.windows(secret.len()).any(|part| part == secret.as_bytes());
    assert!(!contains(&token.reveal()[..20]) && !contains(&access.client_secret) && !contains(&access.client_id));
    let left: i64 = server.run(&["PTTL", &key]);
    assert!((86_000_000..86_400_000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_token_that_cannot_be_used_is_replaced() {
    let Some(server) = Server::start() else { return };
    let (emulator, access) = stage(&server).await;
    access.tokens(&access.redis()).token().await.unwrap();
    let [key] = <[String; 1]>::try_from(server.keys()).unwrap();
    let mut expected = 1;
    for garbage in ["", "x", "{\"token\":\"planted\"}", &"x".repeat(1000), &"x".repeat(100_000)] {
        server.run::<()>(&["SET", &key, garbage, "PX", "60000"]);
        let token = access.tokens(&access.redis()).token().await.unwrap();
        assert!(token.reveal().starts_with("ey"));
        expected += 1;
        assert_eq!(logins(&emulator), expected, "{}", garbage.len());
    }
    // A token without an end, or with an absurd one.
    server.run::<i64>(&["PERSIST", &key]);
    access.tokens(&access.redis()).token().await.unwrap();
    assert_eq!(logins(&emulator), expected + 1);
    server.run::<i64>(&["PEXPIRE", &key, "99999999999"]);
    let token = access.tokens(&access.redis()).token().await.unwrap();
    assert_eq!(logins(&emulator), expected + 1);
    assert!(token.expires().unwrap() < Clock::real().now() + SECOND * 86_400);
    // Another secret has another key, and leaves this one alone.
    let other = OAuthServerToServer::new(access.client_id.as_str(), "another secret").unwrap();
    let redis = access.redis();
    let tokens = SharedTokens::new(&redis, &access.organization, &other.into(), Fixed("theirs", 3600)).unwrap();
    assert_eq!(tokens.token().await.unwrap().reveal(), "theirs");
    assert!(access.tokens(&access.redis()).token().await.unwrap().is_same(&token));
    server.run::<()>(&["DEL", &key]);
    server.run::<i64>(&["LPUSH", &key, "x"]);
    let error = access.tokens(&access.redis()).token().await.unwrap_err().to_string();
    assert!(error.contains("WRONGTYPE") && error.contains("DEL"), "{error}");
}

#[tokio::test]
async fn failed_logins_of_all_processes_are_a_second_apart() {
    let Some(server) = Server::start() else { return };
    let (emulator, access) = stage(&server).await;
    let outage = FaultRule::on(LoginOperation::RequestToken, FaultResponse::status(503));
    emulator.faults().add(outage).unwrap();
    let clock = Clock::real();
    let started = clock.now();
    let sources: Vec<_> = (0..4).map(|_| access.tokens(&access.redis())).collect();
    let failed = futures_util::future::join_all(sources.iter().map(SharedTokens::token)).await;
    assert!(failed.iter().all(|failed| failed.as_ref().is_err_and(Error::is_retryable)), "{failed:?}");
    assert_eq!(logins(&emulator), 4);
    assert!(clock.now() - started <= SECOND * 20);
}

/// A login that returns a token at once.
struct Fixed(&'static str, u64);

impl TokenSource for Fixed {
    fn token(&self) -> TokenFuture<'_> {
        let expires = Clock::real().now() + Duration::from_secs(self.1);
        Box::pin(std::future::ready(Ok(AccessToken::new(self.0, Some(expires)))))
    }

    fn invalidate(&self, _: &AccessToken) {}
}

/// A login whose tokens live for 100 seconds of a manual clock.
struct Short(ManualClock, std::sync::atomic::AtomicU32);

impl TokenSource for Short {
    fn token(&self) -> TokenFuture<'_> {
        let number = self.1.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let expires = self.0.clock().now() + SECOND * 100;
        Box::pin(std::future::ready(Ok(AccessToken::new(format!("token {number}"), Some(expires)))))
    }

    fn invalidate(&self, _: &AccessToken) {}
}

fn short(server: &Server, manual: &ManualClock, login: &Arc<Short>) -> SharedTokens {
    let redis = Redis::builder(server.url()).clock(manual.clock()).build().unwrap();
    let credentials = Credentials::from(OAuthServerToServer::new("client", "secret").unwrap());
    SharedTokens::new(&redis, "1F@AdobeOrg", &credentials, login.clone()).unwrap()
}

#[tokio::test]
async fn a_token_is_refreshed_by_one_process_before_it_expires() {
    let Some(server) = Server::start() else { return };
    let manual = ManualClock::new();
    let login = Arc::new(Short(manual.clone(), 0.into()));
    let text = |token: Result<AccessToken, Error>| token.unwrap().reveal().to_owned();
    assert_eq!(text(short(&server, &manual, &login).token().await), "token 0");
    let [key] = <[String; 1]>::try_from(server.keys()).unwrap();
    // Half of its time is left: every process uses it.
    server.run::<i64>(&["PEXPIRE", &key, "50000"]);
    assert_eq!(text(short(&server, &manual, &login).token().await), "token 0");
    // Less than a quarter is left, and another process is logging in: it is used meanwhile.
    server.run::<i64>(&["PEXPIRE", &key, "20000"]);
    let lock = key.replace(":token:", ":login:");
    server.run::<()>(&["SET", &lock, "another process", "PX", "60000"]);
    assert_eq!(text(short(&server, &manual, &login).token().await), "token 0");
    server.run::<()>(&["DEL", &lock]);
    assert_eq!(text(short(&server, &manual, &login).token().await), "token 1");
    assert_eq!(text(short(&server, &manual, &login).token().await), "token 1");
}

#[tokio::test]
async fn a_login_that_lost_its_lock_does_not_replace_a_newer_token() {
    let Some(server) = Server::start() else { return };
    let (emulator, access) = stage(&server).await;
    let slow = FaultEffect::delay(SECOND);
    emulator.faults().add(FaultRule::on(LoginOperation::RequestToken, slow)).unwrap();
    let late = access.tokens(&access.redis());
    let late = tokio::spawn(async move { late.token().await });
    until_locked(&server).await;
    // As if it had been stopped for longer than the lock lasts.
    let lock = server.keys().remove(0);
    server.run::<()>(&["DEL", &lock]);
    let redis = access.redis();
    let ready = OAuthServerToServer::new(access.client_id.as_str(), access.client_secret.as_str()).unwrap();
    let newer = SharedTokens::new(&redis, &access.organization, &ready.into(), Fixed("newer", 3600)).unwrap();
    assert_eq!(newer.token().await.unwrap().reveal(), "newer");
    assert!(late.await.unwrap().unwrap().reveal().starts_with("ey"), "its own token is valid, too");
    assert_eq!(access.tokens(&access.redis()).token().await.unwrap().reveal(), "newer");
}

#[tokio::test]
async fn without_redis_the_policy_decides() {
    let Some(mut server) = Server::start() else { return };
    let (emulator, access) = stage(&server).await;
    server.kill();
    let error = access.tokens(&access.redis()).token().await.unwrap_err().to_string();
    assert!(error.contains("check that it runs") && error.contains(&server.url()), "{error}");
    assert_eq!(logins(&emulator), 0);
    let processes = std::num::NonZeroU32::new(3).unwrap();
    let alone = Redis::builder(server.url()).on_failure(FailurePolicy::OwnShare { processes }).build().unwrap();
    assert!(access.tokens(&alone).token().await.unwrap().reveal().starts_with("ey"));
    assert_eq!(logins(&emulator), 1);
}

#[tokio::test]
async fn a_dropped_login_gives_the_lock_back() {
    let Some(server) = Server::start() else { return };
    let (emulator, access) = stage(&server).await;
    let slow =
        emulator.faults().add(FaultRule::on(LoginOperation::RequestToken, FaultEffect::delay(SECOND * 60))).unwrap();
    let dropped = access.tokens(&access.redis());
    let dropped = tokio::spawn(async move { dropped.token().await.map(drop) });
    until_locked(&server).await;
    slow.remove();
    dropped.abort();
    let clock = Clock::real();
    let started = clock.now();
    access.tokens(&access.redis()).token().await.unwrap();
    assert!(clock.now() - started < SECOND * 5);
}
