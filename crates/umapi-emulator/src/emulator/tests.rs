//! Tests of running emulators.

use http::StatusCode;
use serde_json::{Value, json};

use super::*;
use crate::limits::LimitSettings;

/// A client of the service with a plain HTTP library.
struct Client {
    http: reqwest::Client,
    um: String,
    token: String,
    key: String,
}

impl Client {
    fn of(emulator: &Emulator, http: &reqwest::Client) -> Self {
        Self {
            http: http.clone(),
            um: emulator.um_url(),
            token: emulator.access_token().unwrap(),
            key: emulator.credentials().client_id.clone(),
        }
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let request = self.http.get(format!("{}{path}", self.um));
        let response = request.bearer_auth(&self.token).header("x-api-key", &self.key).send().await.unwrap();
        (response.status(), response.json().await.unwrap_or_default())
    }
}

async fn emulator() -> Emulator {
    Emulator::builder().limits(LimitSettings::off()).start().await.unwrap()
}

#[tokio::test]
async fn hundreds_run_side_by_side_without_shared_state() {
    let mut all = Vec::new();
    for _ in 0..200 {
        all.push(emulator().await);
    }
    let [first, rest @ ..] = all.as_slice() else { unreachable!() };
    let http = reqwest::Client::new();
    let client = Client::of(first, &http);
    let body = json!([{"user": "new@example.com", "do": [{"createFederatedID":
        {"email": "new@example.com", "firstname": "N", "lastname": "W", "country": "US"}}]}]);
    let action = client.http.post(format!("{}/action/12345@AdobeOrg", client.um)).json(&body);
    let response = action.bearer_auth(&client.token).header("x-api-key", &client.key).send().await.unwrap();
    assert_eq!(response.json::<Value>().await.unwrap()["completed"], 1);
    for other in rest {
        let (status, body) = Client::of(other, &http).get("/organizations/12345@AdobeOrg/users/new@example.com").await;
        assert_eq!((status, &body["result"]), (StatusCode::NOT_FOUND, &json!("error.user.not_found")));
    }
    assert_eq!(client.get("/organizations/12345@AdobeOrg/users/new@example.com").await.0, StatusCode::OK);
}

#[test]
fn an_emulator_on_its_own_thread_answers_until_it_is_dropped() {
    use std::io::{Read as _, Write as _};
    let emulator = Emulator::start_blocking().unwrap();
    let address = emulator.addresses().http.unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /status HTTP/1.1\r\nhost: emulator\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(emulator);
    let is_over = (0..1_000_000).any(|_| {
        std::thread::yield_now();
        std::net::TcpStream::connect(address).is_err()
    });
    assert!(is_over, "nobody listens any more");
}

#[test]
fn a_handle_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Emulator>();
}
