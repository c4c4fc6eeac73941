//! Permits without a request go back to the rate limiter.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use umapi::{
    RateLimit, RateLimits, ThrottlePolicy,
    auth::{AccessToken, TokenFuture, TokenSource},
    model::ThrottleClass,
};

use crate::server::{ANN, Reply, Server, runtime};

fn limited(per_minute: u32) -> RateLimits {
    RateLimits::unlimited()
        .with(ThrottleClass::Users, NonZeroU32::new(per_minute).map(RateLimit::per_minute))
        .with(ThrottleClass::Action, NonZeroU32::new(per_minute).map(RateLimit::per_minute))
}

#[test]
fn failed_logins_use_up_no_permits() {
    let login = Server::answering(|_, _| Reply::of(401, &[], r#"{"error":"invalid_client"}"#));
    let service = Server::healthy();
    let client = service
        .bare_client()
        .credentials(login.credentials())
        .rate_limits(limited(10))
        .throttle_policy(ThrottlePolicy::FailAtOnce)
        .build()
        .unwrap();
    runtime().block_on(async {
        for call in 1..=25 {
            let error = client.users().get("ann@example.com").await.unwrap_err();
            assert!(error.is_login() && !error.is_throttled(), "call {call}: {error}");
        }
        let wait = client.time_for(ThrottleClass::Users, 10).await.unwrap();
        assert_eq!(wait, Duration::ZERO, "all ten calls of the minute are left");
    });
    assert_eq!(service.requests().len(), 0);
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
fn dropped_calls_give_their_permits_back() {
    let service = Server::healthy();
    let client = service.bare_client().token_source("key", Hanging).rate_limits(limited(10)).build().unwrap();
    runtime().block_on(async {
        let users = client.users();
        for _ in 0..25 {
            assert!(users.get("ann@example.com").now_or_never().is_none());
        }
        assert_eq!(client.time_for(ThrottleClass::Users, 10).await.unwrap(), Duration::ZERO);
    });
}

#[test]
fn dropped_calls_in_line_give_their_permits_back() {
    let service = Server::answering(|_, _| Reply::json(ANN).after(Duration::from_millis(100)));
    let client = Arc::new(service.builder().rate_limits(limited(2)).build().unwrap());
    runtime().block_on(async {
        client.users().get("ann@example.com").await.unwrap();
        client.users().get("ann@example.com").await.unwrap();
        let before = client.time_for(ThrottleClass::Users, 1).await.unwrap();
        let users = client.users();
        for _ in 0..25 {
            assert!(users.get("ann@example.com").now_or_never().is_none());
        }
        let after = client.time_for(ThrottleClass::Users, 1).await.unwrap();
        assert!(after <= before, "{after:?} after {before:?}");
    });
    assert_eq!(service.requests().len(), 2);
}

#[test]
fn a_dropped_request_keeps_its_permit() {
    let service = Server::answering(|_, _| Reply::Silence);
    let client = service.builder().rate_limits(limited(1)).build().unwrap();
    runtime().block_on(async {
        let users = client.users();
        let call = users.get("ann@example.com");
        let _ = tokio::time::timeout(Duration::from_millis(300), call).await.unwrap_err();
        assert!(
            client.time_for(ThrottleClass::Users, 1).await.unwrap() > Duration::from_secs(50),
            "the service counted it"
        );
    });
}
