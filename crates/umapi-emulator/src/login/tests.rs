use std::sync::Arc;

use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use umapi_model::ims::operations::{REQUEST_TOKEN, REQUEST_TOKEN_V2};
use umapi_time::ManualClock;

use super::*;
use crate::settings::Settings;
use crate::testing::{Signer, request, world, world_of};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const HOUR: Duration = Duration::from_secs(3600);

fn body(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Status, `error` and `error_description` of a refusal.
fn refusal(answer: &Answer) -> (u16, String, String) {
    let body = body(answer);
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    assert!(!text("error_description").is_empty(), "{body}");
    (answer.status.as_u16(), text("error"), text("error_description"))
}

// OAuth Server-to-Server

const CREDENTIALS: [(&str, &str); 4] = [
    ("grant_type", "client_credentials"),
    ("client_id", "key"),
    ("client_secret", "secret"),
    ("scope", "openid,AdobeID,user_management_sdk"),
];

fn log_in(world: &World, fields: &[(&str, &str)]) -> Answer {
    world.login.answer(world, &REQUEST_TOKEN, &request(Method::POST, "/ims/token/v3", &[FORM], form(fields)))
}

fn token(world: &World, client_id: &str, secret: &str) -> String {
    let mut fields = CREDENTIALS;
    (fields[1].1, fields[2].1) = (client_id, secret);
    body(&log_in(world, &fields))["access_token"].as_str().unwrap().to_owned()
}

#[test]
fn client_credentials_give_a_token_that_counts_its_life_in_seconds() {
    let (world, _) = world();
    let in_body = log_in(&world, &CREDENTIALS);
    assert_eq!(in_body.status, StatusCode::OK);
    assert_eq!((&body(&in_body)["token_type"], &body(&in_body)["expires_in"]), (&json!("bearer"), &json!(86_400)));
    assert_eq!(in_body.headers[CACHE_CONTROL], "no-store");
    let target = format!("/ims/token/v2?{}", form(&CREDENTIALS));
    let in_query = world.login.answer(&world, &REQUEST_TOKEN_V2, &request(Method::POST, &target, &[], ""));
    assert_eq!(in_query.status, StatusCode::OK);
    assert_ne!(body(&in_body)["access_token"], body(&in_query)["access_token"], "tokens overlap");
    let old_secret = log_in(&world, &[CREDENTIALS[0], CREDENTIALS[1], ("client_secret", "old-secret"), CREDENTIALS[3]]);
    assert_eq!(old_secret.status, StatusCode::OK, "several secrets are good");
}

#[test]
fn client_credentials_are_refused_with_the_error_of_the_case() {
    let (world, _) = world();
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
        let (got, code, description) = refusal(&log_in(&world, &fields));
        assert_eq!((got, code.as_str()), (status, error), "{name} {value:?}: {description}");
        assert!(!description.contains("wrong"), "a secret is repeated");
    }
    let mut twice = CREDENTIALS.to_vec();
    twice.push(("scope", "openid"));
    assert_eq!(refusal(&log_in(&world, &twice)).1, "invalid_request");
    let no_form = request(Method::POST, "/ims/token/v3", &[("Content-Type", "application/json")], "{}");
    assert_eq!(refusal(&world.login.answer(&world, &REQUEST_TOKEN, &no_form)).1, "invalid_request");
}

#[test]
fn a_disabled_integration_gets_no_token() {
    let (world, _) = world();
    change(&world, "key", |integration| integration.enabled = false);
    assert_eq!(refusal(&log_in(&world, &CREDENTIALS)).0, 401);
}

fn change(world: &World, client_id: &str, change: impl FnOnce(&mut Integration)) {
    let mut integration = world.store.read(|r| r.integration(client_id)).unwrap().unwrap();
    change(&mut integration);
    world.store.write(None, |tx| tx.change_integration(&integration)).unwrap();
}

// JWT exchange

/// A world whose integration `key` has registered a key of this kind.
fn jwt_world(key: &str) -> (Arc<World>, ManualClock) {
    let (world, manual) = world();
    change(&world, "key", |integration| integration.keys = vec![key.to_owned()]);
    (world, manual)
}

fn claims(world: &World) -> Value {
    json!({
        "exp": world.clock.millis() / 1000 + 3600,
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

fn exchange(world: &World, jwt: &str) -> Answer {
    exchange_with(world, &[("client_id", "key"), ("client_secret", "secret"), ("jwt_token", jwt)])
}

fn exchange_with(world: &World, fields: &[(&str, &str)]) -> Answer {
    world.login.answer(world, &EXCHANGE_JWT, &request(Method::POST, "/ims/exchange/jwt/", &[FORM], form(fields)))
}

#[test]
fn a_signed_jwt_gives_a_token_that_counts_its_life_in_milliseconds() {
    for key in [&Signer::get().certificate, &Signer::get().public_key] {
        let (world, _) = jwt_world(key);
        for algorithm in [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512] {
            let answer = exchange(&world, &sign(&claims(&world), algorithm));
            assert_eq!(body(&answer)["expires_in"], json!(86_400_000), "{algorithm:?}: {}", body(&answer));
        }
    }
}

#[test]
fn a_multipart_form_is_as_good() {
    let (world, _) = jwt_world(&Signer::get().certificate);
    let mut parts = String::new();
    for (name, value) in
        [("client_id", "key"), ("client_secret", "secret"), ("jwt_token", &sign(&claims(&world), Algorithm::RS256))]
    {
        parts += &format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    parts += "--xyz--\r\n";
    let multipart = ("Content-Type", "multipart/form-data; boundary=xyz");
    let request = request(Method::POST, "/ims/exchange/jwt/", &[multipart], parts);
    assert_eq!(world.login.answer(&world, &EXCHANGE_JWT, &request).status, StatusCode::OK);
}

#[test]
fn this_ims_has_several_names() {
    let (world, _) = jwt_world(&Signer::get().certificate);
    let with_host = |host: &str| {
        let text = claims(&world).to_string().replace("localhost:8443", host);
        exchange(&world, &sign(&serde_json::from_str(&text).unwrap(), Algorithm::RS256))
    };
    assert_eq!(with_host("ims-na1.adobelogin.com").status, StatusCode::OK);
    assert_eq!(with_host("LOCALHOST:8443").status, StatusCode::OK);
    let (status, error, description) = refusal(&with_host("ims-na1-stg1.adobelogin.com"));
    assert_eq!((status, error.as_str(), description.as_str()), (400, "invalid_client", "aud names another IMS"));
}

#[test]
fn a_jwt_is_refused_with_the_error_of_the_case() {
    let (world, _) = jwt_world(&Signer::get().certificate);
    let now = world.clock.millis() / 1000;
    let scope = "https://localhost:8443/s/ent_user_sdk";
    for (name, value, error) in [
        ("exp", json!(now), "invalid_token"),
        ("exp", json!("tomorrow"), "invalid_token"),
        ("exp", json!(1.5), "invalid_token"),
        ("exp", json!(now * 1000), "bad_request"),
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
        let mut claims = claims(&world);
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
        let (status, code, description) = refusal(&exchange(&world, &sign(&claims, Algorithm::RS256)));
        assert_eq!((status, code.as_str()), (400, error), "{name} {value}: {description}");
    }
    for (jwt, error) in [
        ("", "invalid_token"),
        ("no.jwt", "invalid_token"),
        (&sign(&claims(&world), Algorithm::HS256), "invalid_signature"),
        (&sign(&claims(&world), Algorithm::PS256), "invalid_signature"),
        (&tampered(&sign(&claims(&world), Algorithm::RS256)), "invalid_signature"),
    ] {
        let (status, code, description) = refusal(&exchange(&world, jwt));
        assert_eq!((status, code.as_str()), (400, error), "{jwt}: {description}");
    }
}

/// The JWT with the claims of another one and its own signature.
fn tampered(jwt: &str) -> String {
    let parts: Vec<&str> = jwt.split('.').collect();
    let mut claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(jwt).unwrap();
    claims["exp"] = json!(claims["exp"].as_i64().unwrap() + 1);
    let forged = sign(&claims, Algorithm::HS256);
    format!("{}.{}.{}", parts[0], forged.split('.').nth(1).unwrap(), parts[2])
}

#[test]
fn the_client_of_an_exchange_is_checked() {
    let (world, _) = jwt_world(&Signer::get().certificate);
    let jwt = sign(&claims(&world), Algorithm::RS256);
    let with = |id, secret| exchange_with(&world, &[("client_id", id), ("client_secret", secret), ("jwt_token", &jwt)]);
    let case = |answer| {
        let (status, error, _) = refusal(&answer);
        (status, error)
    };
    assert_eq!(case(with("unknown", "secret")), (400, "invalid_client".into()));
    assert_eq!(case(with("", "")), (400, "invalid_client".into()));
    assert_eq!(case(with("key", "wrong")), (401, "invalid_client".into()));
    assert_eq!(case(with("other", "other-secret")), (400, "invalid_client".into()), "the JWT is another client's");
    change(&world, "key", |integration| integration.scopes.retain(|scope| scope != "exchange_jwt"));
    assert_eq!(case(with("key", "secret")), (401, "invalid_client".into()));
}

#[test]
fn an_expired_certificate_signs_nothing() {
    let (world, manual) = jwt_world(&Signer::get().certificate);
    manual.advance(400 * 24 * HOUR);
    let (_, error, _) = refusal(&exchange(&world, &sign(&claims(&world), Algorithm::RS256)));
    assert_eq!(error, "invalid_signature");
}

#[test]
fn a_token_is_refused_once_the_certificate_of_its_login_has_ended() {
    let (world, manual) = jwt_world(&Signer::get().certificate);
    let now = world.clock.millis() / 1000;
    let jwt = sign(&claims(&world), Algorithm::RS256);
    let keys = [Signer::get().certificate.clone()];
    let end = keys::signature(&jwt, Algorithm::RS256, &keys, world.clock.wall()).unwrap().certificate_end.unwrap();
    manual.advance(Duration::from_secs((end - now).unsigned_abs()) - HOUR);
    let answer = exchange(&world, &sign(&claims(&world), Algorithm::RS256));
    let token = body(&answer)["access_token"].as_str().unwrap().to_owned();
    assert!(call_with(&world, "key", &token, "AA@AdobeOrg").is_ok());
    manual.advance(2 * HOUR);
    let (status, body) = denial(call_with(&world, "key", &token, "AA@AdobeOrg"));
    assert_eq!((status, body.contains("certificate")), (400, true), "{body}");
}

#[test]
fn a_binding_with_jti_takes_each_once() {
    let (world, manual) = jwt_world(&Signer::get().certificate);
    let with_jti = |jti: u64| {
        let mut claims = claims(&world);
        claims["jti"] = json!(jti);
        exchange(&world, &sign(&claims, Algorithm::RS256))
    };
    assert_eq!(with_jti(7).status, StatusCode::OK);
    assert_eq!(with_jti(7).status, StatusCode::OK, "not asked for");
    change(&world, "key", |integration| integration.jti_required = true);
    assert_eq!(refusal(&exchange(&world, &sign(&claims(&world), Algorithm::RS256))).1, "invalid_jti");
    assert_eq!(with_jti(7).status, StatusCode::OK);
    assert_eq!(refusal(&with_jti(7)).1, "invalid_jti");
    assert_eq!(with_jti(8).status, StatusCode::OK);
    manual.advance(2 * HOUR);
    assert_eq!(with_jti(7).status, StatusCode::OK, "the JWT that it was for has ended");
}

#[test]
fn keys_that_sign_no_jwt_are_told() {
    let signer = Signer::get();
    for good in [&signer.certificate, &signer.public_key, &format!("{}{}", signer.certificate, signer.public_key)] {
        assert_eq!(keys::problem(good), None);
    }
    let curve = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    let curve_certificate = parameters.self_signed(&curve).unwrap().pem();
    for (bad, why) in [
        ("nothing", "no PEM block"),
        (signer.private_key.as_str(), "PRIVATE KEY"),
        (&curve_certificate, "not RSA"),
        (&curve.public_key_pem(), "no public key of RSA"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate"),
    ] {
        let problem = keys::problem(bad).unwrap();
        assert!(problem.contains(why), "{why}: {problem}");
    }
}

// Admission

fn call(world: &World, headers: &[(&str, &str)], org_id: &str) -> Result<Caller, Box<Answer>> {
    world.login.authenticate(world, &request(Method::GET, "/", headers, ""), org_id)
}

fn call_with(world: &World, key: &str, token: &str, org_id: &str) -> Result<Caller, Box<Answer>> {
    call(world, &[("X-Api-Key", key), ("Authorization", &format!("Bearer {token}"))], org_id)
}

/// Status and body of a denial.
fn denial(result: Result<Caller, Box<Answer>>) -> (u16, String) {
    let answer = result.unwrap_err();
    assert_eq!(answer.status == StatusCode::UNAUTHORIZED, answer.headers.contains_key("www-authenticate"));
    (answer.status.as_u16(), String::from_utf8(answer.body.to_vec()).unwrap())
}

const BAD_TOKEN: &str = r#"{"error_code":"401013","message":"Oauth token is not valid"}"#;
const BAD_KEY: &str = r#"{"error_code":"403003","message":"Api Key is invalid"}"#;

#[test]
fn a_good_token_lets_in_whatever_the_letters_of_the_organization() {
    let (world, _) = world();
    let token = token(&world, "key", "secret");
    let caller = call_with(&world, "key", &token, "aa@adobeorg").unwrap();
    assert_eq!((caller.client_id.as_str(), caller.org.org_id.as_str()), ("key", "AA@AdobeOrg"));
    let bearer = format!("bearer {token}");
    assert!(call(&world, &[("x-api-key", "key"), ("authorization", &bearer)], "AA@AdobeOrg").is_ok());
}

#[test]
fn everyone_else_is_denied_in_the_form_of_the_case() {
    let (world, _) = world();
    let good = token(&world, "key", "secret");
    let bearer = format!("Bearer {good}");
    let key_missing = (403, r#"{"error_code":"403000","message":"Api Key is required"}"#.to_owned());
    assert_eq!(denial(call(&world, &[("Authorization", &bearer)], "AA@AdobeOrg")), key_missing);
    assert_eq!(denial(call(&world, &[("X-Api-Key", "")], "AA@AdobeOrg")), key_missing);
    assert_eq!(denial(call_with(&world, "unknown", &good, "AA@AdobeOrg")), (403, BAD_KEY.into()));
    assert_eq!(denial(call_with(&world, "other", &good, "AA@AdobeOrg")), (403, BAD_KEY.into()), "another client's");
    assert_eq!(denial(call(&world, &[("X-Api-Key", "key")], "AA@AdobeOrg")), (401, String::new()));
    let basic = [("X-Api-Key", "key"), ("Authorization", "Basic a2V5OnNlY3JldA==")];
    assert_eq!(denial(call(&world, &basic, "AA@AdobeOrg")), (401, String::new()));
    assert_eq!(denial(call_with(&world, "key", "a.b.c", "AA@AdobeOrg")), (401, BAD_TOKEN.into()));
    for org in ["BB@AdobeOrg", "CC@AdobeOrg"] {
        let (status, body) = denial(call_with(&world, "key", &good, org));
        assert_eq!((status, body.contains("error.unauthorized")), (401, true), "{body}");
    }
    let for_other_things = token_of(&world, "openid");
    assert_eq!(denial(call_with(&world, "key", &for_other_things, "AA@AdobeOrg")), (403, String::new()));
    change(&world, "key", |integration| integration.enabled = false);
    assert_eq!(denial(call_with(&world, "key", &good, "AA@AdobeOrg")), (403, String::new()));
}

fn token_of(world: &World, scope: &str) -> String {
    let answer = log_in(world, &[CREDENTIALS[0], CREDENTIALS[1], CREDENTIALS[2], ("scope", scope)]);
    body(&answer)["access_token"].as_str().unwrap().to_owned()
}

#[test]
fn a_migrating_organization_lets_nobody_in() {
    let (world, _) = world();
    let token = token(&world, "second", "second-secret");
    let org = world.store.read(|r| r.organization("BB@AdobeOrg")).unwrap().unwrap();
    world.store.write(None, |tx| tx.set_migrating(org.id, true)).unwrap();
    let (status, body) = denial(call_with(&world, "second", &token, "BB@AdobeOrg"));
    assert_eq!((status, body.contains("error.organization.migrating")), (403, true), "{body}");
}

#[test]
fn a_token_ends_by_the_emulators_clock() {
    let settings = Settings { token_life: HOUR, ..Settings::default() };
    let (world, manual) = world_of(crate::testing::SEED, settings);
    let token = token(&world, "key", "secret");
    manual.advance(HOUR - Duration::from_millis(1));
    assert!(call_with(&world, "key", &token, "AA@AdobeOrg").is_ok());
    manual.advance(Duration::from_millis(1));
    assert_eq!(denial(call_with(&world, "key", &token, "AA@AdobeOrg")), (401, BAD_TOKEN.into()));
}

#[test]
fn tokens_are_revoked_one_by_one_or_all() {
    let (world, _) = world();
    let [first, second] = [0, 1].map(|_| token(&world, "key", "secret"));
    let is_good = |token: &str| call_with(&world, "key", token, "AA@AdobeOrg").is_ok();
    assert!(world.login.revoke(&world, &first).unwrap());
    assert_eq!((is_good(&first), is_good(&second)), (false, true));
    assert!(!world.login.revoke(&world, "a.b.c").unwrap());
    Login::revoke_all(&world.store, "key").unwrap();
    assert!(!is_good(&second));
    let third = token(&world, "key", "secret");
    assert!(is_good(&third), "made at the same moment, and after the revocation");
    let presented = request(Method::GET, "/", &[("Authorization", &format!("Bearer {third}"))], "");
    assert!(world.login.expire_presented(&world, &presented).unwrap());
    assert!(!is_good(&third));
}

#[test]
fn a_token_can_be_had_without_a_login() {
    let (world, _) = world();
    let integration = world.store.read(|r| r.integration("key")).unwrap().unwrap();
    let token = world.login.issue(&world, &integration).unwrap();
    assert!(call_with(&world, "key", &token, "AA@AdobeOrg").is_ok());
}
