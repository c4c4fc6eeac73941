//! Reads the texts of an error response leniently: one odd field does not lose the others.

use serde_json::{Map, Value};

/// Reads texts of a JSON object, for example the code and the message of an error. Each is the first of its fields that has
/// one: a text that is not blank, or a number. Other types are skipped. A body that is not a JSON object has no texts.
#[must_use]
pub fn error_texts<const N: usize>(body: &[u8], fields: [&[&str]; N]) -> [Option<String>; N] {
    let text = String::from_utf8_lossy(body);
    let object: Map<String, Value> = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or_default();
    fields.map(|names| names.iter().find_map(|name| text_of(object.get(*name)?)))
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &[u8]) -> [Option<String>; 2] {
        error_texts(body, [&["error_code", "result"], &["message"]])
    }

    #[test]
    fn an_odd_field_does_not_lose_the_others() {
        let all = |code: &str, message: &str| [Some(code.to_owned()), Some(message.to_owned())];
        for (body, expected) in [
            (&br#"{"error_code":429050,"message":"Too many"}"#[..], all("429050", "Too many")),
            (br#"{"error_code":["x"],"result":"r","message":"m"}"#, all("r", "m")),
            (br#"{"error_code":"","result":"r","message":"m"}"#, all("r", "m")),
            (br#"{"error_code":null,"result":"r","message":"m","message":"n"}"#, all("r", "n")),
            (b"\xef\xbb\xbf{\"result\":\"r\",\"message\":\"\xff\"}", all("r", "\u{fffd}")),
            (br#"{"result":"r","message":{"text":"m"}}"#, [Some("r".to_owned()), None]),
            (br#"{"result":true,"message":"m"}"#, [None, Some("m".to_owned())]),
        ] {
            assert_eq!(read(body), expected, "{}", String::from_utf8_lossy(body));
        }
        for body in [&b""[..], b"{", b"[]", b"null", b"7", b"<html>"] {
            assert_eq!(read(body), [None, None]);
        }
    }
}
