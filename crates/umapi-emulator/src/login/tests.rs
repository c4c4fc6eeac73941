//! Tests of the login.

use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use umapi_time::ManualClock;

use super::*;
use crate::{
    app::AppState,
    testing::{Signer, app, app_with, request},
};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const HOUR: Duration = Duration::from_secs(3600);

fn body(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// The status, `error` and `error_description` of an error.
fn error_of(response: &Response) -> (u16, String, String) {
    let body = body(response);
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    assert!(!text("error_description").is_empty(), "{body}");
    (response.status.as_u16(), text("error"), text("error_description"))
}

// OAuth Server-to-Server

const CREDENTIALS: [(&str, &str); 4] = [
    ("grant_type", "client_credentials"),
    ("client_id", "key"),
    ("client_secret", "secret"),
    ("scope", "openid,AdobeID,user_management_sdk"),
];

fn log_in(app: &AppState, fields: &[(&str, &str)]) -> Response {
    app.login.handle(&LoginCall::RequestToken, &request(Method::POST, "/ims/token/v3", &[FORM], form(fields)))
}

fn token(app: &AppState, client_id: &str, secret: &str) -> String {
    let mut fields = CREDENTIALS;
    (fields[1].1, fields[2].1) = (client_id, secret);
    body(&log_in(app, &fields))["access_token"].as_str().unwrap().to_owned()
}

#[test]
fn client_credentials_give_a_token_with_seconds() {
    let (app, _) = app();
    let in_body = log_in(&app, &CREDENTIALS);
    assert_eq!(in_body.status, StatusCode::OK);
    assert_eq!((&body(&in_body)["token_type"], &body(&in_body)["expires_in"]), (&json!("bearer"), &json!(86_400)));
    assert_eq!(in_body.headers[CACHE_CONTROL], "no-store");
    let target = format!("/ims/token/v2?{}", form(&CREDENTIALS));
    let in_query = app.login.handle(&LoginCall::RequestTokenV2, &request(Method::POST, &target, &[], ""));
    assert_eq!(in_query.status, StatusCode::OK);
    assert_ne!(body(&in_body)["access_token"], body(&in_query)["access_token"], "every login gets its own token");
    let old_secret = log_in(&app, &[CREDENTIALS[0], CREDENTIALS[1], ("client_secret", "old-secret"), CREDENTIALS[3]]);
    assert_eq!(old_secret.status, StatusCode::OK, "an integration can have several secrets");
}

#[test]
fn invalid_client_credentials_get_their_error() {
    let (app, _) = app();
    for (name, value, status, error) in [
        ("grant_type", Some("authorization_code"), 400, "unsupported_grant_type"),
        ("grant_type", None, 400, "invalid_request"),
        ("client_id", Some("unknown"), 400, "invalid_client"),
        ("client_id", None, 400, "invalid_request"),
        ("client_secret", Some("wrong"), 401, "invalid_client"),
        ("client_secret", None, 400, "invalid_request"),
        ("scope", Some("openid,read_all"), 400, "invalid_scope"),
        ("scope", None, 400, "invalid_scope"),
    ] {
        let mut fields: Vec<_> = CREDENTIALS.into_iter().filter(|(field, _)| *field != name).collect();
        fields.extend(value.map(|value| (name, value)));
        let (got, code, description) = error_of(&log_in(&app, &fields));
        assert_eq!((got, code.as_str()), (status, error), "{name} {value:?}: {description}");
        assert!(!description.contains("wrong"), "the message repeats the secret");
    }
    let mut twice = CREDENTIALS.to_vec();
    twice.push(("scope", "openid"));
    assert_eq!(error_of(&log_in(&app, &twice)).1, "invalid_request");
    let no_form = request(Method::POST, "/ims/token/v3", &[("Content-Type", "application/json")], "{}");
    assert_eq!(error_of(&app.login.handle(&LoginCall::RequestToken, &no_form)).1, "invalid_request");
}

#[test]
fn a_disabled_integration_gets_no_token() {
    let (app, _) = app();
    change(&app, "key", |integration| integration.enabled = false);
    assert_eq!(error_of(&log_in(&app, &CREDENTIALS)).0, 401);
}

fn change(app: &AppState, client_id: &str, change: impl FnOnce(&mut Integration)) {
    let mut integration = app.store.read(|r| r.integration(client_id)).unwrap().unwrap();
    change(&mut integration);
    app.store.write(None, |tx| tx.change_integration(&integration)).unwrap();
}

// JWT exchange

/// An app whose integration `key` has registered this key.
fn jwt_app(key: &str) -> (Arc<AppState>, ManualClock) {
    let (app, manual) = app();
    change(&app, "key", |integration| integration.keys = vec![key.to_owned()]);
    (app, manual)
}

fn claims(app: &AppState) -> Value {
    json!({
        "exp": app.clock.millis() / 1000 + 3600,
        "iss": "AA@AdobeOrg",
        "sub": "T1@techacct.adobe.com",
        "aud": "https://localhost:8443/c/key",
        "https://localhost:8443/s/ent_user_sdk": true,
    })
}

fn sign(claims: &Value, algorithm: Algorithm) -> String {
    let key = match algorithm {
        Algorithm::HS256 => EncodingKey::from_secret(b"secret"),
        _ => EncodingKey::from_rsa_pem(Signer::get().private_key.as_bytes()).unwrap(),
    };
    jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
}

fn exchange(app: &AppState, jwt: &str) -> Response {
    exchange_with(app, &[("client_id", "key"), ("client_secret", "secret"), ("jwt_token", jwt)])
}

fn exchange_with(app: &AppState, fields: &[(&str, &str)]) -> Response {
    app.login.handle(&LoginCall::ExchangeJwt, &request(Method::POST, "/ims/exchange/jwt/", &[FORM], form(fields)))
}

#[test]
fn a_signed_jwt_gives_a_token_with_milliseconds() {
    for key in [&Signer::get().certificate, &Signer::get().public_key] {
        let (app, _) = jwt_app(key);
        for algorithm in [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512] {
            let response = exchange(&app, &sign(&claims(&app), algorithm));
            assert_eq!(body(&response)["expires_in"], json!(86_400_000), "{algorithm:?}: {}", body(&response));
        }
    }
}

#[test]
fn a_multipart_form_is_accepted() {
    let (app, _) = jwt_app(&Signer::get().certificate);
    let mut parts = String::new();
    for (name, value) in
        [("client_id", "key"), ("client_secret", "secret"), ("jwt_token", &sign(&claims(&app), Algorithm::RS256))]
    {
        parts += &format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    parts += "--xyz--\r\n";
    let multipart = ("Content-Type", "multipart/form-data; boundary=xyz");
    let request = request(Method::POST, "/ims/exchange/jwt/", &[multipart], parts);
    assert_eq!(app.login.handle(&LoginCall::ExchangeJwt, &request).status, StatusCode::OK);
}

#[test]
fn the_ims_accepts_several_host_names() {
    let (app, _) = jwt_app(&Signer::get().certificate);
    let with_host = |host: &str| {
        let text = claims(&app).to_string().replace("localhost:8443", host);
        exchange(&app, &sign(&serde_json::from_str(&text).unwrap(), Algorithm::RS256))
    };
    assert_eq!(with_host("ims-na1.adobelogin.com").status, StatusCode::OK);
    assert_eq!(with_host("LOCALHOST:8443").status, StatusCode::OK);
    let (status, error, description) = error_of(&with_host("ims-na1-stg1.adobelogin.com"));
    assert_eq!((status, error.as_str(), description.as_str()), (400, "invalid_client", "aud names another IMS"));
}

#[test]
fn an_invalid_jwt_gets_its_error() {
    let (app, _) = jwt_app(&Signer::get().certificate);
    let now = app.clock.millis() / 1000;
    let scope = "https://localhost:8443/s/ent_user_sdk";
    for (name, value, error) in [
        ("exp", json!(now), "invalid_token"),
        ("exp", json!("tomorrow"), "invalid_token"),
        ("exp", json!(1.5), "invalid_token"),
        ("exp", json!(now * 1000), "invalid_token"),
        ("exp", json!((now + 3600) * 1_000_000), "bad_request"),
        ("exp", json!(u64::MAX), "bad_request"),
        ("exp", json!(-1), "bad_request"),
        ("exp", Value::Null, "bad_request"),
        ("jti", json!("abc"), "invalid_token"),
        ("jti", json!(-1), "bad_request"),
        ("iss", json!("AA"), "bad_request"),
        ("iss", Value::Null, "bad_request"),
        ("iss", json!("BB@AdobeOrg"), "invalid_signature"),
        ("sub", json!("somebody"), "bad_request"),
        ("sub", json!("T2@techacct.adobe.com"), "invalid_signature"),
        ("aud", json!("https://localhost:8443/c/other"), "invalid_client"),
        ("aud", json!("https://elsewhere/c/key"), "invalid_client"),
        ("aud", json!("key"), "invalid_client"),
        ("aud", Value::Null, "invalid_client"),
        (scope, json!(false), "invalid_scope"),
        (scope, Value::Null, "invalid_scope"),
        ("https://localhost:8443/s/ent_everything", json!(true), "invalid_scope"),
        ("https://elsewhere/s/ent_user_sdk", json!(true), "invalid_scope"),
    ] {
        let mut claims = claims(&app);
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
        let (status, code, description) = error_of(&exchange(&app, &sign(&claims, Algorithm::RS256)));
        assert_eq!((status, code.as_str()), (400, error), "{name} {value}: {description}");
    }
    for (jwt, error) in [
        ("", "invalid_token"),
        ("no.jwt", "invalid_token"),
        (&sign(&claims(&app), Algorithm::HS256), "invalid_signature"),
        (&sign(&claims(&app), Algorithm::PS256), "invalid_signature"),
        (&tampered(&sign(&claims(&app), Algorithm::RS256)), "invalid_signature"),
    ] {
        let (status, code, description) = error_of(&exchange(&app, jwt));
        assert_eq!((status, code.as_str()), (400, error), "{jwt}: {description}");
    }
}

#[test]
fn an_expiry_may_be_in_milliseconds_and_loosely_a_fraction() {
    let expires = |strict: bool, exp: Value| {
        let (app, _) = app_with(crate::testing::SEED, LoginSettings { strict, ..LoginSettings::default() });
        change(&app, "key", |integration| integration.keys = vec![Signer::get().certificate.clone()]);
        let mut claims = claims(&app);
        claims["exp"] = exp;
        let response = exchange(&app, &sign(&claims, Algorithm::RS256));
        let description = body(&response)["error_description"].as_str().unwrap_or("accepted").to_owned();
        (response.status.as_u16(), description)
    };
    let seconds = app().0.clock.millis() / 1000 + 3600;
    let accepted = (200, "accepted".to_owned());
    let no_integer = (400, "exp is not an integer".to_owned());
    let no_seconds = (400, "exp must be in seconds since 1970".to_owned());
    for (exp, strict, loose) in [
        (json!(seconds * 1000), &accepted, &accepted),
        (json!(seconds as f64 + 0.25), &no_integer, &accepted),
        (json!((seconds * 1000) as f64 + 0.5), &no_integer, &accepted),
        (json!(1e300), &no_integer, &no_seconds),
        (json!(-0.5), &no_integer, &no_seconds),
        (json!(seconds.to_string()), &no_integer, &no_integer),
        (json!([seconds]), &no_integer, &no_integer),
    ] {
        assert_eq!((&expires(true, exp.clone()), &expires(false, exp.clone())), (strict, loose), "{exp}");
    }
}

#[test]
fn a_foreign_metascope_gets_the_message_of_the_service() {
    let (app, _) = jwt_app(&Signer::get().certificate);
    let mut claims = claims(&app);
    claims["https://localhost:8443/s/ent_everything"] = json!(true);
    let (_, error, description) = error_of(&exchange(&app, &sign(&claims, Algorithm::RS256)));
    assert_eq!(error, "invalid_scope");
    assert_eq!(description, "The metascopes in the JWT are not a subset of the metascopes in the binding.");
}

/// The JWT with changed claims and its original signature.
fn tampered(jwt: &str) -> String {
    let parts: Vec<&str> = jwt.split('.').collect();
    let mut claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(jwt).unwrap();
    claims["exp"] = json!(claims["exp"].as_i64().unwrap() + 1);
    let forged = sign(&claims, Algorithm::HS256);
    format!("{}.{}.{}", parts[0], forged.split('.').nth(1).unwrap(), parts[2])
}

#[test]
fn the_client_of_an_exchange_is_checked() {
    let (app, _) = jwt_app(&Signer::get().certificate);
    let jwt = sign(&claims(&app), Algorithm::RS256);
    let with = |id, secret| exchange_with(&app, &[("client_id", id), ("client_secret", secret), ("jwt_token", &jwt)]);
    let case = |response| {
        let (status, error, _) = error_of(&response);
        (status, error)
    };
    assert_eq!(case(with("unknown", "secret")), (400, "invalid_client".into()));
    assert_eq!(case(with("", "")), (400, "invalid_client".into()));
    assert_eq!(case(with("key", "wrong")), (401, "invalid_client".into()));
    assert_eq!(
        case(with("other", "other-secret")),
        (400, "invalid_client".into()),
        "the JWT belongs to another client"
    );
    change(&app, "key", |integration| integration.scopes.retain(|scope| scope != "exchange_jwt"));
    assert_eq!(case(with("key", "secret")), (401, "invalid_client".into()));
}

#[test]
fn an_expired_certificate_does_not_count() {
    let (app, manual) = jwt_app(&Signer::get().certificate);
    manual.advance(400 * 24 * HOUR);
    let (_, error, _) = error_of(&exchange(&app, &sign(&claims(&app), Algorithm::RS256)));
    assert_eq!(error, "invalid_signature");
}

#[test]
fn a_token_is_denied_once_its_certificate_has_expired() {
    let (app, manual) = jwt_app(&Signer::get().certificate);
    let now = app.clock.millis() / 1000;
    let jwt = sign(&claims(&app), Algorithm::RS256);
    let keys = [Signer::get().certificate.clone()];
    let end = jwt::signature(&jwt, Algorithm::RS256, &keys, app.clock.wall()).unwrap().certificate_end.unwrap();
    manual.advance(Duration::from_secs((end - now).unsigned_abs()) - HOUR);
    let response = exchange(&app, &sign(&claims(&app), Algorithm::RS256));
    let token = body(&response)["access_token"].as_str().unwrap().to_owned();
    assert!(call_with(&app, "key", &token, "AA@AdobeOrg").is_ok());
    manual.advance(2 * HOUR);
    let (status, body) = denial(call_with(&app, "key", &token, "AA@AdobeOrg"));
    assert_eq!((status, body.contains("certificate")), (400, true), "{body}");
}

#[test]
fn a_binding_with_jti_accepts_each_jti_once() {
    let (app, manual) = jwt_app(&Signer::get().certificate);
    let with_jti = |jti: u64| {
        let mut claims = claims(&app);
        claims["jti"] = json!(jti);
        exchange(&app, &sign(&claims, Algorithm::RS256))
    };
    assert_eq!(with_jti(7).status, StatusCode::OK);
    assert_eq!(with_jti(7).status, StatusCode::OK, "jti is not required");
    change(&app, "key", |integration| integration.jti_required = true);
    assert_eq!(error_of(&exchange(&app, &sign(&claims(&app), Algorithm::RS256))).1, "invalid_jti");
    assert_eq!(with_jti(7).status, StatusCode::OK);
    assert_eq!(error_of(&with_jti(7)).1, "invalid_jti");
    assert_eq!(with_jti(8).status, StatusCode::OK);
    manual.advance(2 * HOUR);
    assert_eq!(with_jti(7).status, StatusCode::OK, "the JWT with this jti has expired");
}

#[test]
fn unusable_keys_are_explained() {
    let signer = Signer::get();
    for good in [&signer.certificate, &signer.public_key, &format!("{}{}", signer.certificate, signer.public_key)] {
        assert_eq!(key_problem(good), None);
    }
    let curve = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    let curve_certificate = parameters.self_signed(&curve).unwrap().pem();
    for (bad, why) in [
        ("nothing", "no PEM block"),
        (signer.private_key.as_str(), "PRIVATE KEY"),
        (&curve_certificate, "not RSA"),
        (&curve.public_key_pem(), "not an RSA public key"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "not a certificate"),
    ] {
        let problem = key_problem(bad).unwrap();
        assert!(problem.contains(why), "{why}: {problem}");
    }
}

// Authentication

fn call(app: &AppState, headers: &[(&str, &str)], org_id: &str) -> Result<Caller, Box<Response>> {
    app.login.authenticate(&request(Method::GET, "/", headers, ""), org_id)
}

fn call_with(app: &AppState, key: &str, token: &str, org_id: &str) -> Result<Caller, Box<Response>> {
    call(app, &[("X-Api-Key", key), ("Authorization", &format!("Bearer {token}"))], org_id)
}

/// Status and body of a denial.
fn denial(result: Result<Caller, Box<Response>>) -> (u16, String) {
    let response = result.unwrap_err();
    assert_eq!(response.status == StatusCode::UNAUTHORIZED, response.headers.contains_key("www-authenticate"));
    (response.status.as_u16(), String::from_utf8(response.body.to_vec()).unwrap())
}

const BAD_TOKEN: &str = r#"{"error_code":"401013","message":"Oauth token is not valid"}"#;
const BAD_KEY: &str = r#"{"error_code":"403003","message":"Api Key is invalid"}"#;

#[test]
fn a_valid_token_is_admitted_in_any_case_of_the_org_id() {
    let (app, _) = app();
    let token = token(&app, "key", "secret");
    let caller = call_with(&app, "key", &token, "aa@adobeorg").unwrap();
    assert_eq!((caller.client_id.as_str(), caller.org.org_id.as_str()), ("key", "AA@AdobeOrg"));
    let bearer = format!("bearer {token}");
    assert!(call(&app, &[("x-api-key", "key"), ("authorization", &bearer)], "AA@AdobeOrg").is_ok());
}

#[test]
fn every_denial_has_its_own_form() {
    let (app, _) = app();
    let good = token(&app, "key", "secret");
    let bearer = format!("Bearer {good}");
    let key_missing = (403, r#"{"error_code":"403000","message":"Api Key is required"}"#.to_owned());
    assert_eq!(denial(call(&app, &[("Authorization", &bearer)], "AA@AdobeOrg")), key_missing);
    assert_eq!(denial(call(&app, &[("X-Api-Key", "")], "AA@AdobeOrg")), key_missing);
    assert_eq!(denial(call_with(&app, "unknown", &good, "AA@AdobeOrg")), (403, BAD_KEY.into()));
    assert_eq!(
        denial(call_with(&app, "other", &good, "AA@AdobeOrg")),
        (403, BAD_KEY.into()),
        "the token belongs to another client"
    );
    assert_eq!(denial(call(&app, &[("X-Api-Key", "key")], "AA@AdobeOrg")), (401, String::new()));
    let basic = [("X-Api-Key", "key"), ("Authorization", "Basic a2V5OnNlY3JldA==")];
    assert_eq!(denial(call(&app, &basic, "AA@AdobeOrg")), (401, String::new()));
    assert_eq!(denial(call_with(&app, "key", "a.b.c", "AA@AdobeOrg")), (401, BAD_TOKEN.into()));
    for org in ["BB@AdobeOrg", "CC@AdobeOrg"] {
        let (status, body) = denial(call_with(&app, "key", &good, org));
        assert_eq!((status, body.contains("error.unauthorized")), (401, true), "{body}");
    }
    let for_other_things = token_of(&app, "openid");
    assert_eq!(denial(call_with(&app, "key", &for_other_things, "AA@AdobeOrg")), (403, String::new()));
    change(&app, "key", |integration| integration.enabled = false);
    assert_eq!(denial(call_with(&app, "key", &good, "AA@AdobeOrg")), (403, String::new()));
}

fn token_of(app: &AppState, scope: &str) -> String {
    let response = log_in(app, &[CREDENTIALS[0], CREDENTIALS[1], CREDENTIALS[2], ("scope", scope)]);
    body(&response)["access_token"].as_str().unwrap().to_owned()
}

#[test]
fn a_migrating_organization_admits_nobody() {
    let (app, _) = app();
    let token = token(&app, "second", "second-secret");
    let org = app.store.read(|r| r.organization("BB@AdobeOrg")).unwrap().unwrap();
    app.store.write(None, |tx| tx.set_migrating(org.id, true)).unwrap();
    let (status, body) = denial(call_with(&app, "second", &token, "BB@AdobeOrg"));
    assert_eq!((status, body.contains("error.organization.migrating")), (403, true), "{body}");
}

#[test]
fn a_token_expires_by_the_clock_of_the_emulator() {
    let settings = LoginSettings { token_lifetime: HOUR, ..LoginSettings::default() };
    let (app, manual) = app_with(crate::testing::SEED, settings);
    let token = token(&app, "key", "secret");
    manual.advance(HOUR - Duration::from_millis(1));
    assert!(call_with(&app, "key", &token, "AA@AdobeOrg").is_ok());
    manual.advance(Duration::from_millis(1));
    assert_eq!(denial(call_with(&app, "key", &token, "AA@AdobeOrg")), (401, BAD_TOKEN.into()));
}

#[test]
fn tokens_are_revoked_one_by_one_or_all() {
    let (app, _) = app();
    let [first, second] = [0, 1].map(|_| token(&app, "key", "secret"));
    let is_good = |token: &str| call_with(&app, "key", token, "AA@AdobeOrg").is_ok();
    assert!(app.login.revoke(&first).unwrap());
    assert_eq!((is_good(&first), is_good(&second)), (false, true));
    assert!(!app.login.revoke("a.b.c").unwrap());
    app.login.revoke_all("key").unwrap();
    assert!(!is_good(&second));
    let third = token(&app, "key", "secret");
    assert!(is_good(&third), "issued at the same moment, after the revocation");
    let presented = request(Method::GET, "/", &[("Authorization", &format!("Bearer {third}"))], "");
    assert!(app.login.revoke_presented(&presented).unwrap());
    assert!(!is_good(&third));
}

#[test]
fn a_token_is_issued_without_a_login() {
    let (app, _) = app();
    let integration = app.store.read(|r| r.integration("key")).unwrap().unwrap();
    let token = app.login.issue(&integration).unwrap();
    assert!(call_with(&app, "key", &token, "AA@AdobeOrg").is_ok());
}
