//! One recorded exchange, with secrets removed.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use http::{
    HeaderMap,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue},
};
use umapi_model::{AnyOperation, Operation};

use crate::{
    http::{Request, Response},
    limits::ExceededLimit,
    login::body_fields,
};

/// A request and its outcome. Secrets are replaced by `***`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpExchange {
    /// The position among all recorded exchanges, counted from 1.
    pub seq: u64,
    /// When the request arrived, by the emulator's clock.
    pub at: SystemTime,
    /// How long the exchange took, by the emulator's clock.
    pub took: Duration,
    /// The `X-Request-Id` of the request, or the generated one.
    pub request_id: String,
    /// The operation, if the path has one.
    pub operation: Option<AnyOperation>,
    /// The organization of the path.
    pub organization: Option<String>,
    /// The client id of the request.
    pub client: Option<String>,
    /// The method.
    pub method: String,
    /// The path as received.
    pub path: String,
    /// The query.
    pub query: Option<String>,
    /// The headers, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Option<String>,
    /// The status of the response. `None` if the connection was reset before it.
    pub status: Option<u16>,
    /// The body of the response, if it is an error, or the result of an action request.
    pub response: Option<String>,
    /// The rate limit that refused the request.
    pub exceeded_limit: Option<ExceededLimit>,
    /// The ids of the fault rules that fired.
    pub faults: Vec<u64>,
    /// The changes in the ledger: after the first number, up to the second. Changes of concurrent requests may be among them,
    /// under their own request ids.
    pub effects: Option<(i64, i64)>,
    /// Who decided the response. `None` if the service was not reached.
    pub(crate) stage: Option<Stage>,
}

/// Who decides a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A fault rule, in place of the service.
    Fault,
    /// The list of paths: none is like that of the request.
    Paths,
    /// The check of the access token and the API key.
    Login,
    /// The rate limits.
    Limits,
    /// The check of the request against the description.
    Description,
    /// The service: the request got through everything else.
    Service,
    /// A recording that is replayed, in place of the service.
    Recording,
}

impl HttpExchange {
    /// A request that arrived at this time, without a response yet.
    pub(crate) fn of(request: &Request, at: SystemTime) -> Self {
        Self {
            seq: 0,
            at,
            took: Duration::ZERO,
            request_id: request.id.clone(),
            operation: None,
            organization: None,
            client: client_id(request),
            method: request.method.as_str().to_owned(),
            path: request.path.clone(),
            query: request.query.as_deref().map(redact_query),
            headers: redact_headers(&request.headers),
            body: redact_body(request),
            status: None,
            response: None,
            exceeded_limit: None,
            faults: Vec::new(),
            effects: None,
            stage: None,
        }
    }

    /// Adds the response. An exchange without one was reset.
    pub(crate) fn respond(&mut self, response: &Response, took: Duration) {
        let status = response.status.as_u16();
        self.took = took;
        self.status = Some(status);
        self.exceeded_limit = response.exceeded_limit;
        let is_action = self.operation == Some(Operation::ExecuteActions.into());
        if is_recorded(&response.headers, status, is_action) {
            self.response = Some(String::from_utf8_lossy(&response.body).into_owned());
        }
    }

    /// The approximate memory of the exchange.
    pub(super) fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 64).sum();
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        512 + headers + self.path.len() + text(&self.query) + text(&self.body) + text(&self.response)
    }
}

/// The replacement of a secret.
const REDACTED: &str = "***";

/// The secret fields of forms and queries.
const SECRET_FIELDS: [&str; 8] = [
    "access_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "jwt_token",
    "password",
    "refresh_token",
    "token",
];

const SECRET_HEADERS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];

/// The headers by name. Repeated headers are joined. Of credentials, only the scheme remains.
fn redact_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let text = match value.to_str() {
            _ if SECRET_HEADERS.contains(&name.as_str()) => redact_header(name, value),
            Ok(text) => text.to_owned(),
            Err(_) => String::from_utf8_lossy(value.as_bytes()).into_owned(),
        };
        lines
            .entry(name.as_str().to_owned())
            .and_modify(|line| {
                line.push_str(", ");
                line.push_str(&text);
            })
            .or_insert(text);
    }
    lines
}

fn redact_header(name: &HeaderName, value: &HeaderValue) -> String {
    match value.to_str().ok().and_then(|text| text.split_once(' ')) {
        Some((scheme, _)) if name == AUTHORIZATION => format!("{scheme} {REDACTED}"),
        _ => REDACTED.to_owned(),
    }
}

fn redact_query(query: &str) -> String {
    redact_form(form_urlencoded::parse(query.as_bytes()).into_owned())
}

/// The body as text. A form of either encoding becomes URL-encoded; a login that is not a form is omitted.
fn redact_body(request: &Request) -> Option<String> {
    if request.body.is_empty() {
        return None;
    }
    match body_fields(request) {
        Some(fields) => Some(redact_form(fields.into_iter())),
        None if is_login(&request.path) => Some(format!("{REDACTED} ({} bytes)", request.body.len())),
        None => Some(String::from_utf8_lossy(&request.body).into_owned()),
    }
}

fn is_login(path: &str) -> bool {
    path.trim_start_matches('/').starts_with("ims/")
}

fn redact_form(fields: impl Iterator<Item = (String, String)>) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        let is_secret = SECRET_FIELDS.contains(&name.to_ascii_lowercase().as_str());
        form.append_pair(&name, if is_secret { REDACTED } else { &value });
    }
    form.finish()
}

/// The client id of a request: its API key, or a field of a login.
fn client_id(request: &Request) -> Option<String> {
    if let Some(key) = request.header("x-api-key") {
        return Some(key.to_owned());
    }
    if !is_login(&request.path) {
        return None;
    }
    let mut fields = request.query_pairs().chain(body_fields(request).unwrap_or_default());
    fields.find(|(name, _)| name == "client_id").map(|(_, value)| value)
}

/// Whether the body of a response is recorded: only text, and only of errors and action requests, which contain no token.
fn is_recorded(headers: &HeaderMap, status: u16, is_action: bool) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    (status >= 400 || is_action) && (content_type.starts_with("text/") || content_type.starts_with("application/json"))
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::testing::request;

    const SECRET: &str = "s3cr3t";

    #[test]
    fn secrets_are_redacted_everywhere() {
        let form = format!("client_id=key&client_secret={SECRET}&jwt_token={SECRET}");
        let multipart = format!(
            "--B\r\nContent-Disposition: form-data; name=\"client_id\"\r\n\r\nkey\r\n\
             --B\r\nContent-Disposition: form-data; name=\"client_secret\"\r\n\r\n{SECRET}\r\n--B--\r\n"
        );
        for (content_type, text) in [
            ("application/x-www-form-urlencoded", form.as_str()),
            ("application/x-www-form-urlencoded; charset=utf-8", &form),
            ("multipart/form-data; boundary=B", &multipart),
            ("multipart/form-data; boundary=other", &multipart),
            ("application/json", &format!("{{\"client_secret\":\"{SECRET}\"}}")),
            ("", &form),
        ] {
            let request = request(
                Method::POST,
                &format!("/ims/token/v2?client_secret={SECRET}&grant_type=x"),
                &[("Content-Type", content_type), ("Authorization", &format!("Bearer {SECRET}")), ("Cookie", SECRET)],
                text.to_owned(),
            );
            let shown = format!(
                "{:?} {:?} {:?}",
                redact_headers(&request.headers),
                redact_query(request.query.as_deref().unwrap()),
                redact_body(&request)
            );
            assert!(!shown.contains(SECRET), "{content_type}: {shown}");
            assert!(shown.contains("Bearer ***") && shown.contains("grant_type=x"), "{shown}");
        }
    }

    #[test]
    fn everything_else_is_kept() {
        let request = request(
            Method::POST,
            "/action/AA@AdobeOrg",
            &[("X-Api-Key", "key"), ("Pragma", "a"), ("Pragma", "b"), ("Content-Type", "application/json")],
            r#"[{"user":"a"}]"#,
        );
        assert_eq!(redact_body(&request).unwrap(), r#"[{"user":"a"}]"#);
        assert_eq!(redact_headers(&request.headers)["pragma"], "a, b");
        assert_eq!(client_id(&request).unwrap(), "key");
    }
}
