//! What the log tells. A process of its own: who logs is remembered for the whole process.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test says by it what it relies on")]

#[allow(dead_code, reason = "it serves other tests too")]
#[path = "client/service.rs"]
mod service;

use std::{
    io,
    sync::{Arc, Mutex},
};

use service::{Reply, Service};
use tracing_subscriber::fmt::{MakeWriter, format::FmtSpan};
use umapi::auth::FixedToken;

const ANN: &str = r#"{"lastPage":true,"result":"success","users":[{"email":"ann@example.com"}]}"#;

/// Keeps what is written.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_tells_operation_attempt_and_request_and_no_secret() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_env_filter("umapi=trace")
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let service = Service::scripted([Reply::of(500, &[], "planted-body"), Reply::json(ANN)]).await;
    let client = service.bare_client().token_source("key", FixedToken::new("planted-token")).build().unwrap();
    client.users().list().try_next().await.unwrap();
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for told in ["operation=\"listUsers\"", "number=2", "from-the-service", "status=500", "took_ms"] {
        assert!(text.contains(told), "`{told}` is not in:\n{text}");
    }
    assert!(!text.contains("planted"), "{text}");
}
