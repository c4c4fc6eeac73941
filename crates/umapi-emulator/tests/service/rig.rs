//! An emulator and its client.

use reqwest::{Certificate, Client, Method, StatusCode, header::HeaderMap};
use serde_json::Value;
use umapi_emulator::{Builder, Emulator, LimitSettings};

pub(crate) const ORG: &str = "12345@AdobeOrg";

/// An emulator, and a client of it with an access token, over TLS.
pub(crate) struct Rig {
    pub(crate) emulator: Emulator,
    pub(crate) http: Client,
    pub(crate) um: String,
    token: String,
}

/// A response, read completely.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    /// The body as JSON. `null` if it is empty.
    pub(crate) fn json(&self) -> Value {
        if self.text.is_empty() { Value::Null } else { serde_json::from_str(&self.text).unwrap() }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The paging headers: total, pages, current page, page size.
    pub(crate) fn paging(&self) -> [u64; 4] {
        ["x-total-count", "x-page-count", "x-current-page", "x-page-size"]
            .map(|name| self.header(name).parse().unwrap_or_else(|_| panic!("{name} in {:?}", self.headers)))
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }
}

impl Rig {
    /// HTTPS, strict, without limits.
    pub(crate) async fn new() -> Self {
        Self::of(Emulator::builder()).await
    }

    pub(crate) async fn of(builder: Builder) -> Self {
        let emulator = builder.without_http().https().limits(LimitSettings::off()).start().await.unwrap();
        let ca = Certificate::from_pem(emulator.ca_pem().unwrap().as_bytes()).unwrap();
        let http = Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap();
        let (um, token) = (emulator.um_url(), emulator.access_token().unwrap());
        assert!(um.starts_with("https://"));
        Self { emulator, http, um, token }
    }

    /// A request with token and API key.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.um)).bearer_auth(&self.token);
        request.header("X-Api-Key", &self.emulator.credentials().client_id)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Reply {
        Reply::of(self.request(method, path).json(body).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(Method::POST, path, body).await
    }

    /// Runs commands, and expects the status 200.
    pub(crate) async fn act(&self, commands: &Value) -> Value {
        self.post(&format!("/action/{ORG}"), commands).await.expect(200).json()
    }

    /// The names in `groups` of a user.
    pub(crate) async fn groups_of(&self, email: &str) -> Vec<String> {
        let found = self.get(&format!("/organizations/{ORG}/users/{email}")).await.expect(200).json();
        serde_json::from_value(found["user"].get("groups").cloned().unwrap_or_else(|| Value::Array(Vec::new())))
            .unwrap()
    }
}
