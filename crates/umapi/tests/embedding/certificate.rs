//! An untrusted certificate fails the first attempt.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use umapi::{Client, Observer, Retry, RunOptions, auth::FixedToken};
use umapi_emulator::Emulator;

use crate::server::{commands, runtime};

#[derive(Clone, Default)]
struct Retries(Arc<AtomicU32>);

impl Observer for Retries {
    fn retry(&self, _: &Retry<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn an_untrusted_certificate_is_not_retried() {
    let emulator = Emulator::builder().https().without_http().without_management().start_blocking().unwrap();
    let retries = Retries::default();
    let client = Client::builder(emulator.org_id())
        .base_url(emulator.um_https_url().unwrap())
        .token_source("key", FixedToken::new("token"))
        .observer(retries.clone())
        .build()
        .unwrap();
    runtime().block_on(async {
        let error = client.users().get("ann@example.com").await.unwrap_err();
        assert!(error.is_connect() && !error.is_retryable(), "{error}");
        assert!(error.to_string().contains("certificate of the service is not trusted"), "{error}");
        let unfinished = client.execute(commands(30)).with_options(RunOptions::new().in_flight(1)).await.unwrap_err();
        assert_eq!(unfinished.report().not_sent().count(), 30);
    });
    assert_eq!(retries.0.load(Ordering::SeqCst), 0);
}
