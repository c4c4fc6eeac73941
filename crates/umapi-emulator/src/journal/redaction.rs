use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};

use crate::http::Request;
use crate::login::body_fields;

/// What stands where a secret stood.
const CUT: &str = "***";

/// Fields of forms and queries that are secrets.
const FIELDS: [&str; 8] = [
    "access_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "jwt_token",
    "password",
    "refresh_token",
    "token",
];

const HEADERS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];

/// Headers by their names, several of one name in one line. Of credentials only the scheme is left.
pub(super) fn headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut read = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let text = match value.to_str() {
            _ if HEADERS.contains(&name.as_str()) => cut(name, value),
            Ok(text) => text.to_owned(),
            Err(_) => String::from_utf8_lossy(value.as_bytes()).into_owned(),
        };
        read.entry(name.as_str().to_owned())
            .and_modify(|line| {
                line.push_str(", ");
                line.push_str(&text);
            })
            .or_insert(text);
    }
    read
}

fn cut(name: &HeaderName, value: &HeaderValue) -> String {
    match value.to_str().ok().and_then(|text| text.split_once(' ')) {
        Some((scheme, _)) if name == AUTHORIZATION => format!("{scheme} {CUT}"),
        _ => CUT.to_owned(),
    }
}

pub(super) fn query(query: &str) -> String {
    form(form_urlencoded::parse(query.as_bytes()).into_owned())
}

/// The body as text. Forms of every encoding come out as one; of a login that is no form nothing is shown.
pub(super) fn body(request: &Request) -> Option<String> {
    if request.body.is_empty() {
        return None;
    }
    match body_fields(request) {
        Some(fields) => Some(form(fields.into_iter())),
        None if is_login(&request.path) => Some(format!("{CUT} ({} bytes)", request.body.len())),
        None => Some(String::from_utf8_lossy(&request.body).into_owned()),
    }
}

fn is_login(path: &str) -> bool {
    path.trim_start_matches('/').starts_with("ims/")
}

fn form(fields: impl Iterator<Item = (String, String)>) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        let is_secret = FIELDS.contains(&name.to_ascii_lowercase().as_str());
        form.append_pair(&name, if is_secret { CUT } else { &value });
    }
    form.finish()
}

/// The client that a request names: by its key, or by a field of a login.
pub(super) fn client(request: &Request) -> Option<String> {
    if let Some(key) = request.header("x-api-key") {
        return Some(key.to_owned());
    }
    if !is_login(&request.path) {
        return None;
    }
    let mut fields = request.query_pairs().chain(body_fields(request).unwrap_or_default());
    fields.find(|(name, _)| name == "client_id").map(|(_, value)| value)
}

/// Whether an answer may be kept: not one that holds a token, and only text.
pub(super) fn is_shown(headers: &HeaderMap, status: u16) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    status >= 400 && (content_type.starts_with("text/") || content_type.starts_with("application/json"))
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::testing::request;

    const SECRET: &str = "s3cr3t";

    #[test]
    fn no_secret_is_left_wherever_it_stood() {
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
                headers(&request.headers),
                query(request.query.as_deref().unwrap()),
                body(&request)
            );
            assert!(!shown.contains(SECRET), "{content_type}: {shown}");
            assert!(shown.contains("Bearer ***") && shown.contains("grant_type=x"), "{shown}");
        }
    }

    #[test]
    fn the_rest_is_kept_as_it_was() {
        let request = request(
            Method::POST,
            "/action/AA@AdobeOrg",
            &[("X-Api-Key", "key"), ("Pragma", "a"), ("Pragma", "b"), ("Content-Type", "application/json")],
            r#"[{"user":"a"}]"#,
        );
        assert_eq!(body(&request).unwrap(), r#"[{"user":"a"}]"#);
        assert_eq!(headers(&request.headers)["pragma"], "a, b");
        assert_eq!(client(&request).unwrap(), "key");
    }
}
