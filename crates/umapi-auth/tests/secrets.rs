//! No secret shows, neither in what `Debug` prints nor in the log. A program of its own, since the log is caught for the
//! whole process: the libraries below write theirs on threads of their own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect, also in its helpers")]

use std::{
    fmt::{Debug, Write as _},
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use httpmock::MockServer;
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use tracing::Metadata;
use tracing_subscriber::{filter::LevelFilter, fmt::writer::MakeWriterExt as _};
use umapi_auth::{
    CachedSource, Clock, Credentials, Endpoint, FixedToken, OAuthServerToServer, PrivateKey, Proxy, RetryPolicy,
    Secret, ServiceAccount, Session,
};
use umapi_time::ManualClock;

/// Every secret of this test begins with it, and nothing else has it.
const PLANTED: &str = "planted";

/// Keeps every line that is logged, with all fields.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `Debug` prints, in both its forms.
#[derive(Default)]
struct Shown(String);

impl Shown {
    fn add(&mut self, value: impl Debug) {
        writeln!(self.0, "{value:?} {value:#?}").unwrap();
    }
}

fn jumping() -> Clock {
    ManualClock::new().auto_advance(Duration::ZERO).clock()
}

fn at(server: &MockServer, credentials: impl Into<Credentials>) -> Credentials {
    credentials.into().with_endpoint(Endpoint::parse(&server.base_url()).unwrap())
}

fn answers(server: &MockServer) {
    for (path, secret) in [("/ims/token/v3", "planted-old"), ("/ims/exchange/jwt", "planted-old")] {
        server.mock(|when, then| {
            when.path(path).form_urlencoded_tuple("client_secret", secret);
            then.status(401).header("x-request-id", "r-1").respond_with(|request| {
                // An echo of everything that was sent, the JWT among it.
                let echo = format!(
                    r#"{{"error":"invalid_client","error_description":"planted-old is wrong","sent":"{}"}}"#,
                    request.body_string()
                );
                httpmock::HttpMockResponse::builder().status(401).header("x-request-id", "r-1").body(echo).build()
            });
        });
        server.mock(|when, then| {
            when.path(path).form_urlencoded_tuple("client_secret", "planted-new");
            then.status(200).body(r#"{"access_token":"planted-token","expires_in":100000}"#);
        });
        server.mock(|when, then| {
            when.path(path).form_urlencoded_tuple("client_secret", "planted-broken");
            then.status(200).body(r#"{"access_token":"planted-token"}"#);
        });
    }
}

#[tokio::test]
async fn neither_debug_nor_the_log_at_its_finest_shows_a_secret() {
    let lines = Lines::default();
    let writer = lines.clone();
    // This also catches what libraries write by way of `log`.
    // The mock server is part of this process and logs the requests that it gets: that is not ours.
    let not_the_server = |metadata: &Metadata<'_>| !metadata.target().starts_with("httpmock");
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer((move || writer.clone()).with_filter(not_the_server))
        .init();
    let server = MockServer::start_async().await;
    answers(&server);

    let mut shown = Shown::default();
    let pem = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap().serialize_pem();
    let key = PrivateKey::from_pem(&pem, None).unwrap();
    let oauth = |secret| OAuthServerToServer::new("client", secret).unwrap();
    let account = |secret: &str| {
        let builder = ServiceAccount::builder()
            .organization("12345@AdobeOrg")
            .technical_account("1@techacct.adobe.com")
            .client_id("client")
            .client_secret(secret)
            .private_key(key.clone());
        (format!("{builder:?} {builder:#?}"), builder.build().unwrap())
    };
    shown.add(&key);
    shown.add(account("planted-old").0);
    shown.add(account("planted-old").1);
    shown.add(oauth("planted-old"));
    shown.add(Secret::from(PLANTED));
    shown.add(FixedToken::new(PLANTED));
    shown.add(CachedSource::new(FixedToken::new(PLANTED), jumping()));
    shown.add(Proxy::new("http://proxy.example").unwrap().with_login("ann", PLANTED));
    shown.add(RetryPolicy::default());
    shown.add(PrivateKey::from_pem(PLANTED, None).unwrap_err());
    shown.add(account("s").1.assertion(&Endpoint::default(), Clock::real().wall()).unwrap());

    let mut jwt_parts = 0;
    for (credentials, is_good) in [
        (at(&server, oauth("planted-old").with_further_secret("planted-new")), true),
        (at(&server, account("planted-old").1.with_further_secret("planted-new")), true),
        (at(&server, oauth("planted-old")), false),
        (at(&server, account("planted-old").1), false),
        (at(&server, oauth("planted-broken")), false),
        (Credentials::from(oauth("planted-old")).with_endpoint(Endpoint::parse("http://127.0.0.1:1").unwrap()), false),
    ] {
        shown.add(&credentials);
        shown.add(credentials.login());
        let builder = Session::builder(credentials).clock(jumping());
        shown.add(&builder);
        let session = builder.build().unwrap();
        shown.add(&session);
        match session.token().await {
            Ok(token) => {
                assert!(is_good);
                assert_eq!(token.reveal(), "planted-token");
                shown.add(&token);
                session.invalidate(&token);
            }
            Err(error) => {
                assert!(!is_good, "{error}");
                shown.add(&error);
                shown.add(error.to_string());
                shown.add((error.body(), error.description(), error.request_id(), error.code()));
                jwt_parts += usize::from(error.body().is_some_and(|body| body.contains("jwt_token=[cut]")));
            }
        }
        shown.add(&session);
    }

    assert_eq!(jwt_parts, 1, "the echoed JWT was cut out: {}", shown.0);
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("client secret refused"), "our own lines are caught: {logged}");
    assert!(logged.contains("TRACE") && logged.contains("hyper"), "those of libraries too: {logged}");
    let middle_of_key = pem.lines().nth(5).unwrap();
    for text in [&shown.0, &logged] {
        for secret in [PLANTED, "eyJ", middle_of_key] {
            let at = text.find(secret).map(|at| &text[at.saturating_sub(200)..(at + 50).min(text.len())]);
            assert!(at.is_none(), "{secret}: {at:?}");
        }
    }
}
