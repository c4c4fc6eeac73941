//! The log. This is a test binary of its own because the subscriber is global.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests panic on the unexpected")]

#[allow(dead_code, reason = "shared with other tests")]
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

/// The captured log.
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
async fn the_log_has_operations_and_requests_but_no_secrets() {
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
    for part in ["operation=\"listUsers\"", "number=2", "from-the-service", "status=500", "took_ms"] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    assert!(!text.contains("planted"), "{text}");
}
