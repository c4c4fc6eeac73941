//! Fuzz target: resume tokens as text.

use umapi::ResumeToken;

use crate::{
    fixed_seeds::target,
    payload::{Material, Payload},
};

const TOKENS: Material = Material {
    examples: &[
        "umapi-2-00000000000000ff-7-120-0123456789abcdef-5000-2000",
        "umapi-2-0123456789abcdef-end",
        "umapi-2-f-0-0-0--",
    ],
    words: &[
        "umapi-",
        "1-",
        "2-",
        "-",
        "end",
        "0",
        "f",
        "ffffffffffffffff",
        "4294967295",
        "18446744073709551615",
        "+1",
        "é",
    ],
};

#[test]
fn an_accepted_token_round_trips() {
    target!(20_000).with_type::<Payload>().for_each(|payload| match payload.text(TOKENS).parse::<ResumeToken>() {
        Ok(token) => {
            let text = token.to_string();
            assert_eq!(text.parse::<ResumeToken>().unwrap(), token);
            assert_eq!(text.parse::<ResumeToken>().unwrap().to_string(), text);
            let json = serde_json::to_string(&token).unwrap();
            assert_eq!(serde_json::from_str::<ResumeToken>(&json).unwrap(), token);
        }
        Err(error) => assert!(error.is_invalid_input() && error.to_string().contains("resume token"), "{error}"),
    });
}
