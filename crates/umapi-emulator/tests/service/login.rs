//! Both kinds of login.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::json;
use umapi_emulator::Emulator;

use crate::rig::{ORG, Reply, Rig};

async fn client_credentials(rig: &Rig, secret: &str) -> Reply {
    let credentials = rig.emulator.credentials();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &credentials.client_id),
        ("client_secret", secret),
        ("scope", &credentials.scopes),
    ];
    Reply::of(rig.http.post(format!("{}/ims/token/v3", rig.emulator.ims_url())).form(&form).send().await.unwrap()).await
}

async fn list_with(rig: &Rig, token: &str) -> Reply {
    let request = rig.http.get(format!("{}/users/{ORG}/0", rig.um)).bearer_auth(token);
    let request = request.header("X-Api-Key", &rig.emulator.credentials().client_id);
    Reply::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn client_credentials_give_a_valid_token() {
    let rig = Rig::new().await;
    let secret = rig.emulator.credentials().client_secret.clone();
    let granted = client_credentials(&rig, &secret).await.expect(200).json();
    assert_eq!((&granted["token_type"], &granted["expires_in"]), (&json!("bearer"), &json!(86_400)));
    list_with(&rig, granted["access_token"].as_str().unwrap()).await.expect(200);
    let rejected = client_credentials(&rig, "wrong").await.expect(401).json();
    assert_eq!(rejected["error"], "invalid_client");
}

#[tokio::test]
async fn a_jwt_gives_a_valid_token() {
    let rig = Rig::new().await;
    let credentials = rig.emulator.credentials();
    let ims = rig.emulator.ims_url();
    let seconds = rig.emulator.clock().wall().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({
        "exp": seconds + 300, "iss": credentials.org_id, "sub": credentials.technical_account_id,
        "aud": format!("{ims}/c/{}", credentials.client_id), format!("{ims}/s/{}", credentials.metascope): true,
    });
    let key = EncodingKey::from_rsa_pem(credentials.private_key_pem.as_bytes()).unwrap();
    let jwt = encode(&Header::new(Algorithm::RS256), &claims, &key).unwrap();
    let form =
        [("client_id", &credentials.client_id), ("client_secret", &credentials.client_secret), ("jwt_token", &jwt)];
    // Public clients end the path with a slash, or use its older form.
    for path in ["/ims/exchange/jwt", "/ims/exchange/jwt/", "/ims/exchange/v1/jwt", "/ims/exchange/v1/jwt/"] {
        let answer = rig.http.post(format!("{ims}{path}")).form(&form).send().await.unwrap();
        let granted = Reply::of(answer).await.expect(200).json();
        assert_eq!(granted["expires_in"], 86_400_000, "milliseconds");
        list_with(&rig, granted["access_token"].as_str().unwrap()).await.expect(200);
    }
}

#[tokio::test]
async fn without_token_or_key_the_gateway_responds() {
    let rig = Rig::new().await;
    let url = format!("{}/users/{ORG}/0", rig.um);
    let no_key = Reply::of(rig.http.get(&url).send().await.unwrap()).await.expect(403).json();
    assert_eq!(no_key, json!({"error_code": "403000", "message": "Api Key is required"}));
    let bad = list_with(&rig, "nonsense").await.expect(401);
    assert!(bad.text.is_empty() || bad.json()["error_code"] == "401013", "{}", bad.text);
    let foreign = rig.request(Method::GET, "/users/FFFF@AdobeOrg/0").send().await.unwrap();
    Reply::of(foreign).await.expect(401);
}

#[tokio::test]
async fn a_token_expires_after_a_day_of_the_clock() {
    let rig = Rig::of(Emulator::builder().clock(umapi_time::ManualClock::new())).await;
    rig.get(&format!("/users/{ORG}/0")).await.expect(200);
    rig.emulator.clock().advance(std::time::Duration::from_secs(24 * 60 * 60)).unwrap();
    rig.get(&format!("/users/{ORG}/0")).await.expect(401);
}

#[tokio::test]
async fn the_login_can_have_its_own_ports() {
    let rig = Rig::of(Emulator::builder().separate_login(0, 0)).await;
    let (um, ims) = (rig.emulator.um_https_url().unwrap(), rig.emulator.ims_https_url().unwrap());
    let origin = um.strip_suffix("/v2/usermanagement").unwrap();
    assert_ne!(origin, ims);
    let secret = rig.emulator.credentials().client_secret.clone();
    client_credentials(&rig, &secret).await.expect(200);
    let misled = rig.http.post(format!("{origin}/ims/token/v3")).send().await.unwrap();
    Reply::of(misled).await.expect(404);
    Reply::of(rig.http.get(format!("{ims}/v2/usermanagement/users/{ORG}/0")).send().await.unwrap()).await.expect(404);
}
