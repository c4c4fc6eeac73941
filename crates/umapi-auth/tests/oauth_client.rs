//! The login of an application at any OAuth server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic on the unexpected")]

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use httpmock::{Method::POST, MockServer};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde_json::Value;
use umapi_auth::{Assertion, CachedSource, HttpOptions, OAuthClient, PrivateKey, Secret, TokenSource as _};
use umapi_http::{Server, ServerUrl};
use umapi_time::ManualClock;

const LOGIN: Server = Server { name: "login server", example: "https://login.example/token" };

fn client(server: &MockServer, clock: &ManualClock) -> OAuthClient {
    let url = ServerUrl::parse(&server.url("/tenant/token"), LOGIN).unwrap();
    let http = HttpOptions::new().without_proxy().build().unwrap();
    OAuthClient::new(url, http, clock.clock()).field("grant_type", "client_credentials").field("client_id", "e3d5")
}

fn jumping() -> ManualClock {
    ManualClock::new().auto_advance(Duration::ZERO)
}

#[tokio::test]
async fn a_secret_logs_in_once_until_the_token_expires() {
    let server = MockServer::start_async().await;
    let login = server.mock(|when, then| {
        when.method(POST)
            .path("/tenant/token")
            .form_urlencoded_tuple("grant_type", "client_credentials")
            .form_urlencoded_tuple("client_secret", "planted&=secret");
        then.status(200).body(r#"{"token_type":"Bearer","access_token":"planted-token","expires_in":"3600"}"#);
    });
    let clock = ManualClock::new();
    let client = client(&server, &clock).secret("client_secret", Secret::from("planted&=secret"));
    assert!(!format!("{client:?}").contains("planted"));
    let tokens = CachedSource::new(client, clock.clock());
    let (one, other) = tokio::join!(tokens.token(), tokens.token());
    assert!(one.unwrap().is_same(&other.unwrap()));
    login.assert_calls(1);
    clock.advance(Duration::from_secs(3600));
    assert_eq!(tokens.token().await.unwrap().reveal(), "planted-token");
    login.assert_calls(2);
}

#[tokio::test]
async fn an_assertion_is_signed_anew_for_each_login() {
    let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let key = || PrivateKey::from_pem(&pair.serialize_pem(), None).unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let public = DecodingKey::from_rsa_pem(pair.public_key_pem().as_bytes()).unwrap();
    let rs256 = Assertion::rs256(key()).key_id("k1").claim("aud", "https://login.example/token");
    let ps256 = Assertion::ps256(key()).thumbprint("AbC-_").claim("aud", "https://login.example/token");
    for (assertion, algorithm) in [(rs256, Algorithm::RS256), (ps256, Algorithm::PS256)] {
        let signed = assertion.sign(now).unwrap();
        assert_ne!(signed, assertion.sign(now).unwrap(), "each has an id of its own");
        let header = jsonwebtoken::decode_header(signed.reveal()).unwrap();
        assert_eq!(header.kid.is_some(), algorithm == Algorithm::RS256);
        assert_eq!(header.x5t_s256.as_deref(), (algorithm == Algorithm::PS256).then_some("AbC-_"));
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&["https://login.example/token"]);
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Value>(signed.reveal(), &public, &validation).unwrap().claims;
        assert_eq!((&claims["iat"], &claims["exp"]), (&Value::from(1_700_000_000), &Value::from(1_700_000_600)));
        assert_eq!(claims["nbf"], 1_699_999_940);
    }
}

#[tokio::test]
async fn an_error_has_its_remedy_and_no_secret() {
    let server = MockServer::start_async().await;
    let login = server.mock(|when, then| {
        when.path("/tenant/token");
        let body = r#"{"error":"invalid_client","error_description":"no: planted-secret is wrong"}"#;
        then.status(401).body(body);
    });
    let remedy = |status: u16, code: &str, description: &str| {
        Cow::Owned(format!("ask about {status} {code} {}", description.contains("wrong")))
    };
    let client = client(&server, &jumping()).secret("client_secret", Secret::from("planted-secret")).remedy(remedy);
    let error = client.token().await.unwrap_err();
    assert!(error.is_wrong_secret() && error.to_string().contains("ask about 401 invalid_client true"), "{error}");
    assert!(!format!("{error} {error:?} {:?}", error.body()).contains("planted"), "{error:?}");
    login.assert_calls(1);
}

#[tokio::test]
async fn outages_and_limits_are_retried_as_long_as_the_server_asks() {
    for (status, calls) in [(503, 4), (429, 4), (400, 1), (302, 1)] {
        let server = MockServer::start_async().await;
        let login = server.mock(|when, then| {
            when.path("/tenant/token");
            then.status(status).header("retry-after", "7").header("location", "http://127.0.0.1:9/");
        });
        let clock = jumping();
        let begun = clock.clock().now();
        client(&server, &clock).token().await.unwrap_err();
        login.assert_calls(calls);
        assert!((clock.clock().now() - begun).as_secs() >= 7 * (calls as u64 - 1), "{status}");
    }
    let server = MockServer::start_async().await;
    server.mock(|when, then| {
        when.path("/tenant/token");
        then.status(200).body("<html>");
    });
    let error = client(&server, &jumping()).token().await.unwrap_err();
    assert!(error.to_string().contains("without a token"), "{error}");
}
