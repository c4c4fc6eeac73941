//! Runs the requests of the service's own collection of samples: two logins, six queries, and the actions, first in
//! test mode as published, then for real.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use umapi_emulator::{Emulator, LimitSettings, seed::Seed};

use crate::requests::{ORG, SEED, actions};

async fn emulator() -> Emulator {
    let seed = Seed::from_yaml(SEED).unwrap();
    Emulator::builder().seed(seed).limits(LimitSettings::off()).start().await.unwrap()
}

/// Logs in like the collection, with a multipart form.
async fn log_in(emulator: &Emulator, path: &str, fields: &[(&str, &str)]) -> Value {
    let parts = fields
        .iter()
        .map(|(name, value)| format!("--PART\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    let body = parts.collect::<String>() + "--PART--\r\n";
    let request = reqwest::Client::new().post(format!("{}{path}", emulator.ims_url())).body(body);
    let response = request.header(CONTENT_TYPE, "multipart/form-data; boundary=PART").send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

async fn by_client_credentials(emulator: &Emulator) -> String {
    let credentials = emulator.credentials();
    let fields = [
        ("client_id", credentials.client_id.as_str()),
        ("client_secret", &credentials.client_secret),
        ("grant_type", "client_credentials"),
        ("scope", "openid,AdobeID,user_management_sdk"),
    ];
    let granted = log_in(emulator, "/ims/token/v2", &fields).await;
    assert!(granted["expires_in"].as_u64().unwrap() <= 86_400, "seconds");
    granted["access_token"].as_str().unwrap().to_owned()
}

async fn by_jwt(emulator: &Emulator) -> String {
    let credentials = emulator.credentials();
    let now = emulator.clock().wall().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    // The collection is written for the real login, whose host appears in the claims.
    let host = "https://ims-na1.adobelogin.com";
    let claims = json!({
        "exp": now + 3600, "iss": ORG, "sub": credentials.technical_account_id,
        "aud": format!("{host}/c/{}", credentials.client_id), format!("{host}/s/ent_user_sdk"): true,
    });
    let key = EncodingKey::from_rsa_pem(credentials.private_key_pem.as_bytes()).unwrap();
    let jwt = encode(&Header::new(Algorithm::RS256), &claims, &key).unwrap();
    let fields = [
        ("client_id", credentials.client_id.as_str()),
        ("client_secret", &credentials.client_secret),
        ("jwt_token", &jwt),
    ];
    let granted = log_in(emulator, "/ims/exchange/jwt/", &fields).await;
    assert!(granted["expires_in"].as_u64().unwrap() > 86_000_000, "milliseconds");
    granted["access_token"].as_str().unwrap().to_owned()
}

struct Caller<'a> {
    emulator: &'a Emulator,
    token: String,
}

impl Caller<'_> {
    async fn send(&self, request: reqwest::RequestBuilder) -> Value {
        let request = request.bearer_auth(&self.token).header("x-api-key", &self.emulator.credentials().client_id);
        let response = request.header("Accept", "application/json").send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        serde_json::from_str(&response.text().await.unwrap()).unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        self.send(reqwest::Client::new().get(format!("{}{path}", self.emulator.um_url()))).await
    }

    async fn act(&self, query: &str, commands: &Value) -> Value {
        let url = format!("{}/action/{ORG}{query}", self.emulator.um_url());
        let request = reqwest::Client::new().post(url).body(commands.to_string());
        self.send(request.header(CONTENT_TYPE, "application/json")).await
    }

    async fn user(&self, user: &str) -> Value {
        self.get(&format!("/organizations/{ORG}/users/{user}")).await["user"].clone()
    }
}

fn emails(page: &Value) -> Vec<&str> {
    assert_eq!((&page["result"], &page["lastPage"]), (&json!("success"), &json!(true)));
    page["users"].as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn both_logins_and_all_queries_respond_as_documented() {
    let emulator = emulator().await;
    for token in [by_client_credentials(&emulator).await, by_jwt(&emulator).await] {
        let caller = Caller { emulator: &emulator, token };
        let all = caller.get(&format!("/users/{ORG}/0")).await;
        assert_eq!(emails(&all), ["kim@names.example", "pat@staff.example", "robin@mail.example"]);
        let domain = caller.get(&format!("/users/{ORG}/0?domain=staff.example")).await;
        assert_eq!(emails(&domain), ["pat@staff.example"]);
        let groups = caller.get(&format!("/groups/{ORG}/0")).await;
        let is_there = |name: &str| groups["groups"].as_array().unwrap().iter().any(|group| group["groupName"] == name);
        assert!(
            ["Contractors", "Default InDesign - 100Gb", "_product_admin_Photoshop"].iter().all(|name| is_there(name))
        );
        let pat = caller.user("pat@staff.example").await;
        assert_eq!((&pat["type"], &pat["country"]), (&json!("federatedID"), &json!("CA")));
        let members = caller.get(&format!("/users/{ORG}/0/Contractors")).await;
        assert_eq!((emails(&members), &members["groupName"]), (vec!["pat@staff.example"], &json!("Contractors")));
        let profile = format!("/users/{ORG}/0/Default%20Acrobat%20Pro%20DC%20configuration");
        let direct = caller.get(&format!("{profile}?directOnly=true")).await;
        assert_eq!(emails(&direct), ["robin@mail.example"]);
        let whole = caller.get(&format!("{profile}?directOnly=false")).await;
        assert_eq!(emails(&whole), ["pat@staff.example", "robin@mail.example"]);
    }
    emulator.assert_clean();
}

#[tokio::test]
async fn every_action_passes_in_test_mode_and_changes_nothing() {
    let emulator = emulator().await;
    let caller = Caller { token: by_client_credentials(&emulator).await, emulator: &emulator };
    let before = caller.get(&format!("/users/{ORG}/0")).await;
    for action in actions() {
        let response = caller.act("?testOnly=true", &action.commands).await;
        let count = action.commands.as_array().unwrap().len();
        let expected = json!({"result": "success", "completed": 0, "notCompleted": 0, "completedInTestMode": count});
        assert_eq!(response, expected, "{}", action.name);
    }
    assert_eq!(caller.get(&format!("/users/{ORG}/0")).await, before);
    assert!(emulator.ledger().since(0).unwrap().is_empty());
}

#[tokio::test]
async fn every_action_has_its_effect() {
    let emulator = emulator().await;
    let caller = Caller { token: by_client_credentials(&emulator).await, emulator: &emulator };
    for action in actions() {
        let response = caller.act("", &action.commands).await;
        let count = action.commands.as_array().unwrap().len();
        let expected = json!({"result": "success", "completed": count, "notCompleted": 0, "completedInTestMode": 0});
        assert_eq!(response, expected, "{}", action.name);
    }
    let one = caller.user("one@staff.example").await;
    assert_eq!(one["username"], "uno@staff.example");
    assert_eq!(caller.user("two?domain=names.example").await["email"], "two@names.example");
    assert_eq!(caller.user("five@owned.example").await["type"], "enterpriseID");
    let all = caller.get(&format!("/users/{ORG}/0")).await;
    let all = emails(&all);
    assert!(!all.contains(&"pat@staff.example") && !all.contains(&"user1@staff.example"));
    assert!(all.contains(&"user10@staff.example") && all.contains(&"3@annex.example"));
    let groups = caller.get(&format!("/groups/{ORG}/0")).await;
    let names: Vec<_> = groups["groups"].as_array().unwrap().iter().map(|group| &group["groupName"]).collect();
    assert!(names.contains(&&json!("Painters")) && names.contains(&&json!("Drawers")), "{names:?}");
    assert!(!names.contains(&&json!("Contractors")) && !names.contains(&&json!("Illustrators")), "{names:?}");
    emulator.assert_clean();
}
