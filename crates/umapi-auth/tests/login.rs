//! The login over real HTTP: requests, every error, and retries.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic on the unexpected")]

use std::time::Duration;

use httpmock::{Method::POST, MockServer};
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use umapi_auth::{
    Clock, Credentials, Endpoint, Error, HttpClient, OAuthServerToServer, PrivateKey, ServiceAccount, Session,
    StandardRetry,
};
use umapi_time::ManualClock;

fn key() -> PrivateKey {
    PrivateKey::from_pem(&KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap().serialize_pem(), None).unwrap()
}

fn service_account(server: &MockServer) -> Credentials {
    let account = ServiceAccount::builder()
        .organization("12345@AdobeOrg")
        .technical_account("1@techacct.adobe.com")
        .client_id("client")
        .client_secret("planted-secret")
        .private_key(key());
    at(server, account.build().unwrap())
}

fn oauth() -> OAuthServerToServer {
    OAuthServerToServer::new("client", "planted-secret").unwrap()
}

fn at(server: &MockServer, credentials: impl Into<Credentials>) -> Credentials {
    credentials.into().with_endpoint(Endpoint::parse(&server.base_url()).unwrap())
}

fn session(credentials: Credentials, clock: Clock) -> Session {
    Session::builder(credentials).clock(clock).build().unwrap()
}

/// A clock that skips the waits between attempts.
fn jumping() -> ManualClock {
    ManualClock::new().auto_advance(Duration::ZERO)
}

#[tokio::test]
async fn milliseconds_and_seconds_are_told_apart_by_the_endpoint() {
    let server = MockServer::start_async().await;
    let body = r#"{"token_type":"bearer","access_token":"planted-token","expires_in":86399000}"#;
    let exchange = server.mock(|when, then| {
        when.method(POST)
            .path("/ims/exchange/jwt")
            .form_urlencoded_tuple("client_id", "client")
            .form_urlencoded_tuple("client_secret", "planted-secret")
            .form_urlencoded_tuple_exists("jwt_token");
        then.status(200).body(body);
    });
    let token_call = server.mock(|when, then| {
        when.method(POST)
            .path("/ims/token/v3")
            .form_urlencoded_tuple("grant_type", "client_credentials")
            .form_urlencoded_tuple("scope", "openid,AdobeID,user_management_sdk");
        then.status(200).body(body);
    });
    let manual = ManualClock::new();
    for (credentials, seconds) in [(service_account(&server), 86_399), (at(&server, oauth()), 86_399_000)] {
        let start = manual.clock().now();
        let token = session(credentials, manual.clock()).token().await.unwrap();
        assert_eq!(token.reveal(), "planted-token");
        assert_eq!(token.expires().unwrap() - start, Duration::from_secs(seconds));
    }
    exchange.assert();
    token_call.assert();
}

#[tokio::test]
async fn every_error_code_has_its_predicate_and_its_remedy() {
    type Predicate = fn(&Error) -> bool;
    let rows: [(u16, &str, Predicate, &str); 7] = [
        (400, "invalid_client", Error::is_unknown_client, "client id"),
        (401, "invalid_client", Error::is_wrong_secret, "client secret"),
        (400, "invalid_token", Error::is_invalid_token, "clock"),
        (400, "invalid_signature", Error::is_invalid_signature, "certificate"),
        (400, "invalid_jti", Error::is_invalid_jti, "`jti`"),
        (400, "invalid_scope", Error::is_invalid_scope, "ent_user_sdk"),
        (400, "bad_request", Error::is_bad_request, "techacct"),
    ];
    for (status, code, predicate, remedy) in rows {
        let server = MockServer::start_async().await;
        let mock = server.mock(|when, then| {
            when.path("/ims/exchange/jwt");
            then.status(status)
                .header("x-request-id", "r-1")
                .body(format!(r#"{{"error":"{code}","error_description":"no planted-secret here"}}"#));
        });
        let error = session(service_account(&server), jumping().clock()).token().await.unwrap_err();
        assert!(predicate(&error) && !error.is_retryable(), "{code}: {error}");
        assert_eq!(rows.iter().filter(|(_, _, predicate, _)| predicate(&error)).count(), 1, "{code} has one predicate");
        assert_eq!(error.description(), Some("no [redacted] here"));
        assert!(error.to_string().contains(remedy), "{code}: {error}");
        assert_eq!((error.status(), error.code(), error.request_id()), (Some(status), Some(code), Some("r-1")));
        assert!(error.body().unwrap().contains(code), "{error:?}");
        assert!(!format!("{error} {error:?} {:?}", error.body()).contains("planted"), "{error:?}");
        // A permanent error is not retried.
        mock.assert();
    }
}

#[tokio::test]
async fn temporary_failures_are_retried_within_the_total_time() {
    for (status, retry_after, calls) in [(503, None, 4), (429, Some("2"), 4), (429, Some("3600"), 1)] {
        let server = MockServer::start_async().await;
        let mock = server.mock(|when, then| {
            when.path("/ims/token/v3");
            let then = then.status(status);
            if let Some(seconds) = retry_after {
                then.header("retry-after", seconds);
            }
        });
        let error = session(at(&server, oauth()), jumping().clock()).token().await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert_eq!(mock.calls_async().await, calls, "{status} {retry_after:?}");
        assert_eq!(error.retry_after(), retry_after.map(|text| Duration::from_secs(text.parse().unwrap())));
    }
    let nobody = Credentials::from(oauth()).with_endpoint(Endpoint::parse("http://127.0.0.1:1").unwrap());
    let error = session(nobody, jumping().clock()).token().await.unwrap_err();
    assert!(
        error.is_connect() && error.is_network() && error.is_retryable() && !error.to_string().contains("planted"),
        "{error}"
    );
}

#[tokio::test]
async fn secrets_of_a_rotation_are_tried_in_order() {
    let server = MockServer::start_async().await;
    let old = server.mock(|when, then| {
        when.path("/ims/token/v3").form_urlencoded_tuple("client_secret", "planted-secret");
        then.status(401).body(r#"{"error":"invalid_client"}"#);
    });
    let new = server.mock(|when, then| {
        when.path("/ims/token/v3").form_urlencoded_tuple("client_secret", "new-secret");
        then.status(200).body(r#"{"access_token":"t","expires_in":100}"#);
    });
    let credentials = at(&server, oauth().with_further_secret("new-secret"));
    session(credentials, jumping().clock()).token().await.unwrap();
    old.assert();
    new.assert();
}

#[tokio::test]
async fn credentials_do_not_follow_redirects() {
    let (server, elsewhere) = (MockServer::start_async().await, MockServer::start_async().await);
    server.mock(|when, then| {
        when.path("/ims/token/v3");
        then.status(307).header("location", elsewhere.url("/ims/token/v3"));
    });
    let caught = elsewhere.mock(|_, then| {
        then.status(200).body(r#"{"access_token":"t","expires_in":100}"#);
    });
    assert!(session(at(&server, oauth()), jumping().clock()).token().await.is_err());
    caught.assert_calls_async(0).await;
}

#[tokio::test]
async fn plain_http_is_not_sent_with_a_client_that_has_a_proxy() {
    let (server, proxy) = (MockServer::start_async().await, MockServer::start_async().await);
    let login = server.mock(|when, then| {
        when.path("/ims/token/v3");
        then.status(200).body(r#"{"access_token":"t","expires_in":100}"#);
    });
    let caught = proxy.mock(|_, then| {
        then.status(200).body(r#"{"access_token":"t","expires_in":100}"#);
    });
    let client = reqwest::Client::builder().proxy(reqwest::Proxy::all(proxy.base_url()).unwrap()).build().unwrap();
    Session::builder(at(&server, oauth()))
        .http(HttpClient::from_reqwest(client))
        .build()
        .unwrap()
        .token()
        .await
        .unwrap();
    login.assert();
    caught.assert_calls_async(0).await;
}

#[tokio::test]
async fn callers_during_a_retry_after_get_the_rest_of_the_wait() {
    let server = MockServer::start_async().await;
    let mock = server.mock(|when, then| {
        when.path("/ims/token/v3");
        then.status(429).header("retry-after", "3600");
    });
    let manual = ManualClock::new();
    let session = session(at(&server, oauth()), manual.clock());
    for left in [3600, 2600, 1600, 600] {
        let error = session.token().await.unwrap_err();
        assert!(error.is_throttled());
        assert_eq!(error.retry_after(), Some(Duration::from_secs(left)));
        manual.advance(Duration::from_secs(1000));
    }
    mock.assert_calls_async(1).await;
    assert_eq!(session.token().await.unwrap_err().retry_after(), Some(Duration::from_secs(3600)));
    mock.assert_calls_async(2).await;
}

#[tokio::test]
async fn a_clock_skew_is_reported() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.path("/ims/exchange/jwt");
        then.status(400)
            .header("date", "Tue, 24 Nov 2026 12:00:00 GMT")
            .body(r#"{"error":"invalid_token","error_description":"JWT has expired"}"#);
    });
    let noon = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_521_600);
    let slow = ManualClock::starting_at(noon - Duration::from_secs(7200)).auto_advance(Duration::ZERO);
    let error = session(service_account(&server), slow.clock()).token().await.unwrap_err();
    let skew = error.clock_skew().unwrap();
    assert!(skew.is_behind() && skew.difference() == Duration::from_secs(7200), "{skew:?}");
    assert!(error.to_string().contains("7200 s behind"), "{error}");
    let right = ManualClock::starting_at(noon).auto_advance(Duration::ZERO);
    assert_eq!(session(service_account(&server), right.clock()).token().await.unwrap_err().clock_skew(), None);
}

#[tokio::test]
async fn a_response_without_a_token_is_an_error_without_quotes() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.path("/ims/token/v3");
        then.status(200).body("<html>planted</html>");
    });
    let error = session(at(&server, oauth()), jumping().clock()).token().await.unwrap_err();
    assert!(!error.is_retryable() && !format!("{error} {error:?}").contains("planted"), "{error}");
}

#[tokio::test]
async fn a_retry_after_date_is_relative_to_the_server_clock() {
    let server = MockServer::start_async().await;
    let outage = server
        .mock_async(|when, then| {
            when.path("/ims/token/v3");
            then.status(429)
                .header("date", "Tue, 24 Nov 2026 12:00:00 GMT")
                .header("retry-after", "Tue, 24 Nov 2026 12:00:40 GMT");
        })
        .await;
    // Frozen to inspect the wait. The clock is years off the server's, which does not matter.
    let manual = ManualClock::new();
    let session = session(at(&server, oauth()), manual.clock());
    let waiting = tokio::spawn(async move { session.token().await });
    manual.until_sleepers(1).await;
    assert_eq!(manual.next_deadline().unwrap().since_origin(), Duration::from_secs(40));
    outage.delete_async().await;
    server
        .mock_async(|when, then| {
            when.path("/ims/token/v3");
            then.status(200).body(r#"{"access_token":"t","expires_in":"100"}"#);
        })
        .await;
    manual.advance(Duration::from_secs(40));
    assert_eq!(waiting.await.unwrap().unwrap().reveal(), "t");
}

#[tokio::test]
async fn the_accepted_secret_is_tried_first_next_time() {
    let server = MockServer::start_async().await;
    let old = server.mock(|when, then| {
        when.path("/ims/token/v3").form_urlencoded_tuple("client_secret", "planted-secret");
        then.status(400).body(r#"{"error":"invalid_client"}"#);
    });
    server.mock(|when, then| {
        when.path("/ims/token/v3").form_urlencoded_tuple("client_secret", "new-secret");
        then.status(200).body(r#"{"access_token":"t","expires_in":100}"#);
    });
    let session = session(at(&server, oauth().with_further_secret("new-secret")), ManualClock::new().clock());
    for _ in 0..3 {
        let token = session.token().await.unwrap();
        session.invalidate(&token);
    }
    old.assert_calls_async(1).await;
}

#[tokio::test]
async fn an_unknown_client_is_not_retried_with_other_secrets() {
    let server = MockServer::start_async().await;
    let exchange = server.mock(|when, then| {
        when.path("/ims/exchange/jwt");
        then.status(400).body(r#"{"error":"invalid_client"}"#);
    });
    let credentials = service_account(&server);
    let umapi_auth::Login::ServiceAccount(account) = credentials.login().clone() else {
        panic!("not a service account")
    };
    let error =
        session(at(&server, account.with_further_secret("other")), jumping().clock()).token().await.unwrap_err();
    assert!(error.is_unknown_client(), "{error}");
    exchange.assert_calls_async(1).await;
}

#[tokio::test]
async fn the_jwt_has_the_claims_of_the_account_and_the_clock() {
    let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let account = ServiceAccount::builder()
        .organization("12345@AdobeOrg")
        .technical_account("1@techacct.adobe.com")
        .client_id("client")
        .client_secret("s")
        .private_key(PrivateKey::from_pem(&pair.serialize_pem(), None).unwrap())
        .build()
        .unwrap()
        .with_metascopes(["one", "two"]);
    let now = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    // An emulator may use plain HTTP. The claims name it with https.
    let jwt = account.assertion(&Endpoint::parse("http://127.0.0.1:8080").unwrap(), now).unwrap();
    let public = pem::encode(&pem::Pem::new("PUBLIC KEY", rcgen::PublicKeyData::subject_public_key_info(&pair)));
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    rules.set_audience(&["https://127.0.0.1:8080/c/client"]);
    rules.validate_exp = false;
    let key = jsonwebtoken::DecodingKey::from_rsa_pem(public.as_bytes()).unwrap();
    let claims = jsonwebtoken::decode::<serde_json::Value>(jwt.reveal(), &key, &rules).unwrap().claims;
    let expected = serde_json::json!({
        "exp": 1_000_000 + 30 * 60,
        "iss": "12345@AdobeOrg",
        "sub": "1@techacct.adobe.com",
        "aud": "https://127.0.0.1:8080/c/client",
        "https://127.0.0.1:8080/s/one": true,
        "https://127.0.0.1:8080/s/two": true,
    });
    assert_eq!(claims, expected);
}

#[tokio::test]
async fn a_silent_server_is_a_timeout() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.path("/ims/token/v3");
        then.status(200).delay(Duration::from_secs(5));
    });
    let session = Session::builder(at(&server, oauth()))
        .timeout(Duration::from_millis(200))
        .retry(StandardRetry::NEVER)
        .build()
        .unwrap();
    let error = session.token().await.unwrap_err();
    assert!(error.is_timeout() && error.is_network() && !error.is_connect(), "{error}");
    assert!(error.to_string().contains(&server.base_url()), "{error}");
}

#[tokio::test]
async fn an_error_shows_no_secret_of_the_credentials() {
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.method(POST).path("/ims/token/v3");
        then.status(400)
            .body(r#"{"error":"bad_request","error_description":"neither planted-secret nor planted-other"}"#);
    });
    let credentials = at(&server, oauth().with_further_secret("planted-other"));
    let error = session(credentials, jumping().clock()).token().await.unwrap_err();
    assert_eq!(error.description(), Some("neither [redacted] nor [redacted]"));
}
