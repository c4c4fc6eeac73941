//! Neither `Debug` nor the log shows a secret. This is a test binary of its own because it captures the log of the whole
//! process: the HTTP libraries log on their own threads.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic on the unexpected")]

use std::{
    any::type_name,
    collections::BTreeSet,
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
    AccessToken, Assertion, AttemptFailure, CachedSource, Clock, ConnectorFile, Credentials, Endpoint, FailedAttempt,
    FixedToken, HttpOptions, Instant, LoginFinished, LoginObserver, LoginRequestFinished, OAuthClient,
    OAuthServerToServer, PrivateKey, Proxy, Secret, ServiceAccount, Session, StandardRetry, TokenSource as _,
};
use umapi_http::{Server, ServerUrl};
use umapi_time::ManualClock;

/// The prefix of every secret in this test, and of nothing else.
const PLANTED: &str = "planted";

/// The captured log.
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

/// The `Debug` output in both formats, and the types that were printed.
#[derive(Default)]
struct Shown {
    text: String,
    types: BTreeSet<&'static str>,
}

impl Shown {
    fn add<T: Debug>(&mut self, value: &T) {
        writeln!(self.text, "{value:?} {value:#?}").unwrap();
        // A type may have lifetimes, and be in another one.
        let name = type_name::<T>();
        let without_parameters = name.split('<').next().unwrap();
        self.types.extend([name, without_parameters].into_iter().filter_map(|name| name.rsplit("::").next()));
    }
}

/// An observer that prints everything that it is told.
#[derive(Default)]
struct Observed(Mutex<Shown>);

impl LoginObserver for Observed {
    fn login_request_finished(&self, request: &LoginRequestFinished<'_>) {
        self.0.lock().unwrap().add(request);
    }

    fn login_finished(&self, login: &LoginFinished<'_>) {
        self.0.lock().unwrap().add(login);
    }
}

/// The public types of the crate: the names in its `pub use` lines except constants and traits.
fn public_types() -> BTreeSet<&'static str> {
    let exported = include_str!("../src/lib.rs").split("pub use ").skip(1);
    let words = exported.flat_map(|line| line.split(';').next().unwrap().split(|c: char| !c.is_alphanumeric()));
    let is_type = |word: &&str| word.chars().any(char::is_lowercase) && word.starts_with(char::is_uppercase);
    words
        .filter(is_type)
        .filter(|word| !["RetryPolicy", "TokenSource", "TokenFuture", "LoginObserver"].contains(word))
        .collect()
}

fn jumping() -> Clock {
    ManualClock::new().auto_advance(Duration::ZERO).clock()
}

fn at(server: &MockServer, credentials: impl Into<Credentials>) -> Credentials {
    credentials.into().with_endpoint(Endpoint::parse(&server.base_url()).unwrap())
}

fn mock_logins(server: &MockServer) {
    for (path, secret) in [("/ims/token/v3", "planted-old"), ("/ims/exchange/jwt", "planted-old")] {
        server.mock(|when, then| {
            when.path(path).form_urlencoded_tuple("client_secret", secret);
            then.respond_with(|request| {
                // An echo of the whole request, including the JWT.
                let echo = format!(
                    r#"{{"error":"invalid_client","error_description":"planted-old is wrong","sent":"{}"}}"#,
                    request.body_string()
                );
                httpmock::HttpMockResponse::builder()
                    .status(401)
                    .header("x-request-id", "r-1")
                    .header("date", "Tue, 24 Nov 2020 12:00:00 GMT")
                    .body(echo)
                    .build()
            });
        });
        server.mock(|when, then| {
            when.path(path).form_urlencoded_tuple("client_secret", "planted-new");
            then.status(200).body(r#"{"access_token":"planted-token","expires_in":100000}"#);
        });
        server.mock(|when, then| {
            when.path(path).form_urlencoded_tuple("client_secret", "planted-broken");
            then.status(200).body(r#"{"token":"planted-token","expires_in":100000}"#);
        });
    }
}

#[tokio::test]
async fn neither_debug_nor_the_trace_log_shows_a_secret() {
    let lines = Lines::default();
    let writer = lines.clone();
    // This also captures what libraries write with the `log` crate.
    // The mock server runs in this process and logs the requests that it receives.
    let not_the_server = |metadata: &Metadata<'_>| !metadata.target().starts_with("httpmock");
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer((move || writer.clone()).with_filter(not_the_server))
        .init();
    let server = MockServer::start_async().await;
    mock_logins(&server);

    let mut shown = Shown::default();
    let pem = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap().serialize_pem();
    let key = PrivateKey::from_pem(&pem, None).unwrap();
    let oauth = |secret| OAuthServerToServer::new("client", secret).unwrap();
    let account = |secret: &str| {
        ServiceAccount::builder()
            .organization("12345@AdobeOrg")
            .technical_account("1@techacct.adobe.com")
            .client_id("client")
            .client_secret(secret)
            .private_key(key.clone())
    };
    shown.add(&key);
    shown.add(&account("planted-old"));
    shown.add(&account("planted-old").build().unwrap());
    shown.add(&oauth("planted-old"));
    shown.add(&Secret::from(PLANTED));
    shown.add(&AccessToken::new(PLANTED, Some(Instant::ORIGIN)));
    shown.add(&FixedToken::new(PLANTED));
    shown.add(&CachedSource::new(FixedToken::new(PLANTED), jumping()));
    shown.add(&Proxy::new("http://proxy.example").unwrap().with_login("ann", PLANTED));
    let options = HttpOptions::new().proxy(Proxy::new("http://proxy.example").unwrap().with_login("ann", PLANTED));
    shown.add(&options);
    shown.add(&options.clone().build().unwrap());
    shown.add(&Proxy::new("planted").unwrap_err());
    shown.add(&StandardRetry::default());
    shown.add(&FailedAttempt::new("login", 1, AttemptFailure::NotSent));
    shown.add(&AttemptFailure::NotSent);
    shown.add(&PrivateKey::from_pem(PLANTED, None).unwrap_err());
    shown.add(&account("s").build().unwrap().assertion(&Endpoint::default(), Clock::real().wall()).unwrap());
    shown.add(&Endpoint::default());
    shown.add(&jumping());
    shown.add(&Instant::ORIGIN);
    let yaml = "enterprise:\n  org_id: 1F@AdobeOrg\n  client_id: id\n  client_secret: planted\n  tech_acct: \
                1@techacct.adobe.com\n  priv_key_data: planted\n  secure_priv_key_pass_key: pass\n";
    let connector = ConnectorFile::parse(yaml, ".".as_ref()).unwrap();
    shown.add(&connector);
    shown.add(connector.keyring_entries().next().unwrap());
    for rejected in [
        Credentials::from_console_json(r#"{"CLIENT_ID":"planted","CLIENT_SECRET":"planted"}"#, Some(PLANTED), None),
        ConnectorFile::parse("enterprise:\n  client_secret: planted\n", ".".as_ref())
            .and_then(|file| file.credentials()),
        Credentials::from_variables(|_| Some(PLANTED.to_owned())),
    ] {
        shown.add(&rejected.unwrap_err());
    }

    let observed = Arc::new(Observed::default());
    let mut jwt_parts = 0;
    for (credentials, is_ok) in [
        (at(&server, oauth("planted-old").with_further_secret("planted-new")), true),
        (at(&server, account("planted-old").build().unwrap().with_further_secret("planted-new")), true),
        (at(&server, oauth("planted-old")), false),
        (at(&server, account("planted-old").build().unwrap()), false),
        (at(&server, oauth("planted-broken")), false),
        (Credentials::from(oauth("planted-old")).with_endpoint(Endpoint::parse("http://127.0.0.1:1").unwrap()), false),
    ] {
        shown.add(&credentials);
        shown.add(credentials.login());
        let builder = Session::builder(credentials).clock(jumping()).observer(observed.clone());
        shown.add(&builder);
        let session = builder.build().unwrap();
        shown.add(&session);
        match session.token().await {
            Ok(token) => {
                assert!(is_ok);
                assert_eq!(token.reveal(), "planted-token");
                shown.add(&token);
                session.invalidate(&token);
            }
            Err(error) => {
                assert!(!is_ok, "{error}");
                shown.add(&error);
                shown.add(&error.to_string());
                shown.add(&(error.body(), error.description(), error.request_id(), error.code()));
                if let Some(skew) = error.clock_skew() {
                    shown.add(&skew);
                }
                jwt_parts += usize::from(error.body().is_some_and(|body| body.contains("jwt_token=[redacted]")));
            }
        }
        shown.add(&session);
    }

    const LOGIN: Server = Server { name: "login server", example: "https://login.example/token" };
    let token_url = ServerUrl::parse(&server.url("/ims/token/v3"), LOGIN).unwrap();
    let assertion = Assertion::rs256(key.clone()).claim("iss", "client");
    shown.add(&assertion);
    shown.add(&assertion.sign(Clock::real().wall()).unwrap());
    for (secret, is_ok) in [("planted-new", true), ("planted-old", false), ("planted-broken", false)] {
        let login = OAuthClient::new(token_url.clone(), HttpOptions::new().build().unwrap(), jumping())
            .observer(observed.clone())
            .secret("client_secret", Secret::from(secret))
            .assertion("client_assertion", assertion.clone());
        shown.add(&login);
        match login.token().await {
            Ok(token) => {
                assert!(is_ok);
                shown.add(&token);
            }
            Err(error) => {
                assert!(!is_ok, "{error}");
                shown.add(&(error.to_string(), error.body(), error.description()));
                shown.add(&error);
            }
        }
    }

    let observed = observed.0.lock().unwrap();
    assert!(observed.text.contains("exchangeJwt") && observed.text.contains("oauth"), "{}", observed.text);
    shown.text.push_str(&observed.text);
    shown.types.extend(&observed.types);
    assert_eq!(jwt_parts, 1, "the echoed JWT is redacted: {}", shown.text);
    let missing: Vec<_> = public_types().into_iter().filter(|name| !shown.types.contains(name)).collect();
    assert!(missing.is_empty(), "not tested: {missing:?}");
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("client secret rejected"), "our own lines are captured: {logged}");
    assert!(logged.contains("TRACE") && logged.contains("hyper"), "lines of libraries are captured: {logged}");
    let middle_of_key = pem.lines().nth(5).unwrap();
    for text in [&shown.text, &logged] {
        for secret in [PLANTED, "eyJ", middle_of_key] {
            let at = text.find(secret).map(|at| &text[at.saturating_sub(200)..(at + 50).min(text.len())]);
            assert!(at.is_none(), "{secret}: {at:?}");
        }
    }
}
