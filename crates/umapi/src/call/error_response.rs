//! An answer that is no success, read leniently: JSON of three shapes, a web page, or nothing.

use reqwest::Response;
use serde::Deserialize;
use umapi_auth::AccessToken;
use umapi_http::{read_body, redact};
use umapi_model::ErrorCode;

use super::ResponseHead;
use crate::error::ErrorResponse;

/// What is read of a body, in bytes.
const LONGEST_READ: usize = 64 << 10;

/// Every name that the three shapes have for the same two things.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    result: Option<String>,
    error_code: Option<String>,
    #[serde(rename = "errorCode")]
    legacy_code: Option<String>,
    message: Option<String>,
    #[serde(rename = "errorMessage")]
    legacy_message: Option<String>,
}

/// Reads the rest of an answer. A connection that breaks meanwhile takes no more than the rest of the body.
pub(crate) async fn read(mut response: Response, head: &ResponseHead, token: &AccessToken) -> ErrorResponse {
    let mut body = Vec::new();
    // A body that is too large or incomplete is used as far as it was read.
    let _ = read_body(&mut response, LONGEST_READ, &mut body).await;
    interpret(&body, head, &[token.reveal()])
}

fn interpret(body: &[u8], head: &ResponseHead, secrets: &[&str]) -> ErrorResponse {
    let said: Said = serde_json::from_slice(body).unwrap_or_default();
    let text = String::from_utf8_lossy(body);
    let code = said.error_code.or(said.legacy_code).or(said.result).filter(|code| !code.is_empty());
    // The legacy endpoints repeat the code as the message.
    let message = said.message.or(said.legacy_message).filter(|message| code.as_ref() != Some(message));
    ErrorResponse {
        status: head.status,
        code: code.map(|code| ErrorCode::from(redact(&code, secrets))),
        message: message
            .or_else(|| head.challenge.as_deref().and_then(described))
            .map(|message| redact(&message, secrets)),
        is_html: head.is_html || text.trim_start().starts_with('<'),
        body: redact(&text, secrets),
    }
}

/// The `error_description` of a `WWW-Authenticate` header: often all that a 401 says.
fn described(challenge: &str) -> Option<String> {
    let (_, rest) = challenge.split_once("error_description=\"")?;
    let (description, _) = rest.split_once('"')?;
    Some(description.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> (Option<String>, Option<String>) {
        let refusal = interpret(body.as_bytes(), &ResponseHead { status: 400, ..ResponseHead::default() }, &[]);
        (refusal.code.map(|code| code.to_string()), refusal.message)
    }

    #[test]
    fn three_shapes_are_one() {
        let both = |code: &str, message: &str| (Some(code.to_owned()), Some(message.to_owned()));
        assert_eq!(
            read(r#"{"result":"error.user.not_found","message":"User not found a@b.c"}"#),
            both("error.user.not_found", "User not found a@b.c")
        );
        assert_eq!(
            read(r#"{"error_code":"429050","message":"Too many requests"}"#),
            both("429050", "Too many requests")
        );
        assert_eq!(
            read(r#"{"errorCode":"PLC_NOT_FOUND","errorMessage":"PLC_NOT_FOUND"}"#),
            (Some("PLC_NOT_FOUND".to_owned()), None)
        );
    }

    #[test]
    fn what_is_no_json_says_nothing_and_breaks_nothing() {
        for body in ["", "{", "[]", "null", "\u{fffd}", r#"{"result":7}"#] {
            assert_eq!(read(body), (None, None), "{body:?}");
        }
        assert!(interpret(b" <html><body>Bad gateway</body></html>", &ResponseHead::default(), &[]).is_html);
    }

    #[test]
    fn an_empty_401_speaks_through_its_challenge() {
        let challenge = r#"Bearer realm="JIL", error="invalid_token", error_description="The access token is invalid""#;
        let head = ResponseHead { status: 401, challenge: Some(challenge.to_owned()), ..ResponseHead::default() };
        assert_eq!(interpret(b"", &head, &[]).message.as_deref(), Some("The access token is invalid"));
    }
}
