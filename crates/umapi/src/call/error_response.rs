//! Reads an error response leniently: JSON of three shapes, a web page, or an empty body.

use umapi_http::{error_texts, read_body, redact};
use umapi_model::{ErrorCode, limits::ERROR_RESPONSE_BYTES};

use super::{ResponseHead, lenient};
use crate::error::ErrorResponse;

/// The fields with the code and the message, in the three shapes.
const CODE: &[&str] = &["error_code", "errorCode", "result"];
const MESSAGE: &[&str] = &["message", "errorMessage"];

/// Reads the rest of an error response, as far as it arrives. Secrets are redacted.
pub(super) async fn read(mut response: reqwest::Response, head: &ResponseHead, secrets: &[&str]) -> ErrorResponse {
    let mut body = Vec::new();
    // A body that is too large or incomplete is used as far as it was read.
    let _ = read_body(&mut response, ERROR_RESPONSE_BYTES, &mut body).await;
    interpret(&body, head, secrets)
}

/// Reads the code, the message and the text of a body. Secrets are redacted.
pub(super) fn interpret(body: &[u8], head: &ResponseHead, secrets: &[&str]) -> ErrorResponse {
    let text = String::from_utf8_lossy(body);
    let [code, message] = error_texts(lenient::repair(&text).as_bytes(), [CODE, MESSAGE]);
    // The deprecated endpoints repeat the code as the message.
    let message = message.filter(|message| code.as_ref() != Some(message));
    let message = message.or_else(|| head.challenge.as_deref().and_then(error_description));
    ErrorResponse {
        status: head.common.status,
        code: code.map(|code| ErrorCode::from(redact(&code, secrets))),
        message: message.map(|message| redact(&message, secrets)),
        is_html: head.common.is_html || text.trim_start().starts_with('<'),
        body: redact(body, secrets),
    }
}

/// The `error_description` of a `WWW-Authenticate` header, which is often the only text of a 401.
fn error_description(challenge: &str) -> Option<String> {
    let (_, rest) = challenge.split_once("error_description=\"")?;
    let (description, _) = rest.split_once('"')?;
    Some(description.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> (Option<String>, Option<String>) {
        let response = interpret(body.as_bytes(), &ResponseHead::default(), &[]);
        (response.code.map(|code| code.to_string()), response.message)
    }

    #[test]
    fn all_three_shapes_are_read() {
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
        assert_eq!(read(r#"{"errorMessage":"Bad request"}"#), (None, Some("Bad request".to_owned())));
    }

    #[test]
    fn an_odd_field_does_not_lose_the_others() {
        let both = |code: &str, message: &str| (Some(code.to_owned()), Some(message.to_owned()));
        assert_eq!(read(r#"{"error_code":429050,"message":"Too many requests"}"#), both("429050", "Too many requests"));
        assert_eq!(read(r#"{"result":"error.x","message":"a \ud83d b"}"#), both("error.x", "a \u{fffd} b"));
        assert_eq!(read(r#"{"error_code":null,"errorCode":{},"result":"error.x","message":7}"#), both("error.x", "7"));
        assert_eq!(read(r#"{"result":"error.x","message":["a"],"errorMessage":"b"}"#), both("error.x", "b"));
    }

    #[test]
    fn a_body_that_is_not_json_has_no_code() {
        for body in ["", "{", "[]", "null", "\u{fffd}", r#"{"result":[7]}"#] {
            assert_eq!(read(body), (None, None), "{body:?}");
        }
        assert!(interpret(b" <html><body>Bad gateway</body></html>", &ResponseHead::default(), &[]).is_html);
    }

    #[test]
    fn the_message_of_an_empty_401_is_in_its_challenge() {
        let challenge = r#"Bearer realm="JIL", error="invalid_token", error_description="The access token is invalid""#;
        let head = ResponseHead { challenge: Some(challenge.to_owned()), ..ResponseHead::default() };
        assert_eq!(interpret(b"", &head, &[]).message.as_deref(), Some("The access token is invalid"));
    }

    #[test]
    fn the_echo_of_a_token_is_redacted() {
        let body = br#"{"result":"error.planted-token","message":"planted-token is invalid"}"#;
        let response = interpret(body, &ResponseHead::default(), &["planted-token"]);
        let shown = format!("{response:?}");
        assert!(shown.contains("[redacted] is invalid") && !shown.contains("planted"), "{shown}");
    }
}
