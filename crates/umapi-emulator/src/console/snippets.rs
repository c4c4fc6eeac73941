//! A recorded request as a command or as code, to send it again. Secrets are not in the journal: their places are variables.

use percent_encoding::percent_decode_str;
use umapi_model::AnyOperation;

use crate::journal::HttpExchange;

/// The headers that a client adds by itself, or that belong to the one request.
const OWN_HEADERS: [&str; 10] = [
    "host",
    "user-agent",
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "transfer-encoding",
    "x-request-id",
    "expect",
    "te",
];

/// The path of the User Management API.
const USER_MANAGEMENT: &str = "/v2/usermanagement";

/// The headers to send, without the token.
fn headers(exchange: &HttpExchange) -> impl Iterator<Item = (&str, &str)> {
    let headers = exchange.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    headers.filter(|(name, _)| !OWN_HEADERS.contains(name) && *name != "authorization")
}

fn has_token(exchange: &HttpExchange) -> bool {
    exchange.headers.get("authorization").is_some_and(|value| value.starts_with("Bearer "))
}

fn target(exchange: &HttpExchange) -> String {
    match &exchange.query {
        Some(query) => format!("{}?{query}", exchange.path),
        None => exchange.path.clone(),
    }
}

/// As a command of `curl`.
pub(super) fn curl(exchange: &HttpExchange, origin: &str) -> String {
    let mut lines =
        vec![format!("curl --request {} {}", word(&exchange.method), word(&format!("{origin}{}", target(exchange))))];
    if origin.starts_with("https:") {
        lines.push("--cacert \"$CA_PATH\"".to_owned());
    }
    if has_token(exchange) {
        lines.push("--header \"Authorization: Bearer $TOKEN\"".to_owned());
    }
    lines.extend(headers(exchange).map(|(name, value)| format!("--header {}", word(&format!("{name}: {value}")))));
    if let Some(body) = &exchange.body {
        lines.push(format!("--data-binary {}", word(body)));
    }
    lines.join(" \\\n  ")
}

/// As Rust, with `reqwest`.
pub(super) fn rust(exchange: &HttpExchange, origin: &str) -> String {
    let mut code = format!(
        "let response = reqwest::Client::new()\n    .request({:?}.parse()?, {:?})\n",
        exchange.method,
        format!("{origin}{}", target(exchange))
    );
    if has_token(exchange) {
        code.push_str("    .bearer_auth(std::env::var(\"TOKEN\")?)\n");
    }
    for (name, value) in headers(exchange) {
        code.push_str(&format!("    .header({name:?}, {value:?})\n"));
    }
    if let Some(body) = &exchange.body {
        code.push_str(&format!("    .body({body:?})\n"));
    }
    code.push_str("    .send()\n    .await?;");
    code
}

/// As a command of `umapi api`. `None` for what it cannot send, such as a login.
pub(super) fn umapi(exchange: &HttpExchange) -> Option<String> {
    if !matches!(exchange.operation, Some(AnyOperation::UserManagement(_))) {
        return None;
    }
    let path = exchange.path.strip_prefix(USER_MANAGEMENT)?;
    let org = exchange.organization.as_deref().unwrap_or_default();
    let parts = path.split('/').map(|part| match percent_decode_str(part).decode_utf8() {
        Ok(decoded) if !org.is_empty() && decoded == org => "{org}",
        _ => part,
    });
    let mut command = format!("umapi api {} {}", word(&exchange.method), word(&parts.collect::<Vec<_>>().join("/")));
    for (name, value) in form_urlencoded::parse(exchange.query.as_deref().unwrap_or_default().as_bytes()) {
        command.push_str(&format!(" --query {}", word(&format!("{name}={value}"))));
    }
    if let Some(body) = &exchange.body {
        let end = (0..).map(|n| format!("END{n}")).find(|end| body.lines().all(|line| line != end))?;
        command.push_str(&format!(" --input - <<'{end}'\n{body}\n{end}"));
    }
    Some(command)
}

/// A word for a shell: without quotes if it needs none.
fn word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:@%+=,".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use http::Method;
    use umapi_model::Operation;

    use super::*;
    use crate::testing::request;

    fn exchange(body: &str) -> HttpExchange {
        let target = "/v2/usermanagement/action/AA%40AdobeOrg?testOnly=true";
        let headers =
            [("authorization", "Bearer secret"), ("x-api-key", "it's $(me)"), ("content-type", "application/json")];
        let mut exchange =
            HttpExchange::of(&request(Method::POST, target, &headers, body.to_owned()), SystemTime::UNIX_EPOCH);
        exchange.operation = Some(Operation::ExecuteActions.into());
        exchange.organization = Some("AA@AdobeOrg".to_owned());
        exchange
    }

    #[test]
    fn nothing_in_a_request_escapes_its_quotes() {
        let hostile = exchange("'; rm -rf / #\n$(x)`y`\"");
        let curl = curl(&hostile, "http://localhost:1");
        assert!(curl.contains(r"--data-binary ''\''; rm -rf / #"), "{curl}");
        assert!(curl.contains(r"'x-api-key: it'\''s $(me)'") && curl.contains("Bearer $TOKEN"), "{curl}");
        assert!(!curl.contains("secret") && !curl.contains("x-request-id"), "{curl}");
        let rust = rust(&hostile, "http://localhost:1");
        assert!(rust.contains(r##".body("'; rm -rf / #\n$(x)`y`\"")"##), "{rust}");
    }

    #[test]
    fn the_command_gets_the_body_from_its_input() {
        let command = umapi(&exchange("[1]\nEND0\n")).unwrap();
        assert_eq!(
            command,
            "umapi api POST '/action/{org}' --query testOnly=true --input - <<'END1'\n[1]\nEND0\n\nEND1"
        );
        let login = HttpExchange { operation: None, ..exchange("") };
        assert_eq!(umapi(&login), None);
    }
}
