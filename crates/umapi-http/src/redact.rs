//! Removing secrets from what a server sent back.

use std::borrow::Cow;

/// Replaces a secret.
const REDACTED: &str = "[redacted]";
/// The longest text that is kept, in characters.
const MAX_LENGTH: usize = 4096;
/// A shorter word that begins like a token is an ordinary word.
const MIN_TOKEN_LENGTH: usize = 20;
/// A shorter secret may be part of ordinary words, so it is only redacted as a whole word. Adobe's have 32 characters or more.
const MIN_LENGTH_ANYWHERE: usize = 8;

/// Replaces the secrets in a text, in every encoding that an echo may have, and everything that looks like a JWT. The result
/// has at most 4,096 characters.
///
/// ```
/// let body = "client_secret=s8e-EXAMPLE is wrong";
/// assert_eq!(umapi_http::redact(body, &["s8e-EXAMPLE"]), "client_secret=[redacted] is wrong");
/// ```
pub fn redact(text: &str, secrets: &[&str]) -> String {
    let mut spellings: Vec<String> = secrets.iter().flat_map(|secret| spellings(secret)).collect();
    // One may be part of another one; if the shorter were replaced first, the rest of the longer would remain.
    spellings.sort_unstable_by_key(|spelling| std::cmp::Reverse(spelling.len()));
    spellings.dedup();
    let mut text = Cow::from(text);
    for spelling in &spellings {
        if text.contains(spelling.as_str()) {
            text = Cow::from(without(&text, spelling));
        }
    }
    let words = text.split_inclusive(|c: char| !is_of_token(c));
    words.map(without_token).collect::<String>().chars().take(MAX_LENGTH).collect()
}

/// The secret as it is, form-encoded, percent-encoded, and in JSON with and without escaped slashes.
fn spellings(secret: &str) -> Vec<String> {
    let percent_encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let spaces_encoded = percent_encoded.replace('+', "%20");
    let in_json = serde_json::to_string(secret).unwrap_or_default();
    // Only the surrounding quotes, not one at the end of the secret.
    let in_json = in_json.get(1..in_json.len().saturating_sub(1)).unwrap_or_default().to_owned();
    let slashes_escaped = in_json.replace('/', "\\/");
    let all = [secret.to_owned(), percent_encoded, spaces_encoded, in_json, slashes_escaped];
    all.into_iter().filter(|spelling| !spelling.is_empty()).collect()
}

fn without(text: &str, secret: &str) -> String {
    let is_word = |before: &str, after: &str| {
        !before.chars().next_back().is_some_and(is_of_word) && !after.chars().next().is_some_and(is_of_word)
    };
    let mut kept = String::with_capacity(text.len());
    let mut rest = 0;
    for (at, _) in text.match_indices(secret) {
        let end = at + secret.len();
        if secret.len() >= MIN_LENGTH_ANYWHERE || is_word(&text[..at], &text[end..]) {
            kept.push_str(&text[rest..at]);
            kept.push_str(REDACTED);
            rest = end;
        }
    }
    kept.push_str(&text[rest..]);
    kept
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// A word, with the character that ended it, without its token. All JWTs begin with `{"` in Base64.
fn without_token(word: &str) -> Cow<'_, str> {
    let token = word.trim_end_matches(|c: char| !is_of_token(c));
    match token.find("ey") {
        Some(start) if token.len() - start >= MIN_TOKEN_LENGTH => {
            Cow::from(format!("{}{REDACTED}{}", &word[..start], &word[token.len()..]))
        }
        _ => Cow::from(word),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_echo_is_redacted_in_every_encoding() {
        let secret = "s8e/pla\"nted +&\"";
        for echo in [
            secret,
            "s8e%2Fpla%22nted+%2B%26%22",
            "s8e%2Fpla%22nted%20%2B%26%22",
            r#"s8e/pla\"nted +&\""#,
            r#"s8e\/pla\"nted +&\""#,
        ] {
            assert_eq!(redact(&format!("<{echo}>"), &[secret]), "<[redacted]>");
        }
    }

    #[test]
    fn tokens_are_redacted_and_words_are_not() {
        let token = format!("eyJ{}.eyJ{}.sig", "a".repeat(30), "b".repeat(30));
        assert_eq!(redact(&format!(r#"{{"t":"{token}"}}"#), &[]), r#"{"t":"[redacted]"}"#);
        assert_eq!(redact("they say the keys are eyed", &[]), "they say the keys are eyed");
    }

    #[test]
    fn a_long_text_is_shortened_after_redaction() {
        let text = format!("{}planted-secret", "é".repeat(MAX_LENGTH - 3));
        assert_eq!(redact(&text, &["planted-secret"]).chars().count(), MAX_LENGTH);
        assert!(!redact(&text, &["planted-secret"]).contains("pla"));
    }

    #[test]
    fn a_short_secret_is_redacted_as_a_whole_word_only() {
        let body = r#"{"error":"invalid_client","error_description":"the secret r of client er is wrong: r."}"#;
        let redacted = r#"{"error":"invalid_client","error_description":"the secret [redacted] of client er is wrong: [redacted]."}"#;
        assert_eq!(redact(body, &["r"]), redacted);
        assert_eq!(redact(body, &["err"]), body);
        assert_eq!(redact("client_secret=err&x=terror", &["err"]), "client_secret=[redacted]&x=terror");
    }

    #[test]
    fn the_longer_of_two_secrets_is_redacted_whole() {
        assert_eq!(redact("planted-1 planted-12", &["planted-1", "planted-12"]), "[redacted] [redacted]");
    }

    proptest! {
        #[test]
        fn no_secret_survives(before in ".{0,40}", secret in "[!-~]{8,40}", after in ".{0,40}") {
            let redacted = redact(&format!("{before}{secret}{after}"), &[&secret]);
            prop_assert!(!redacted.contains(&secret));
        }

        #[test]
        fn no_short_secret_survives_as_a_word(before in "[ =:]{0,3}", secret in "[a-z0-9]{1,7}", after in "[ &,]{0,3}") {
            let redacted = redact(&format!("{before}{secret}{after}"), &[&secret]);
            prop_assert_eq!(redacted, format!("{before}{REDACTED}{after}"));
        }

        #[test]
        fn words_that_contain_a_short_secret_are_kept(secret in "[a-z]{1,7}") {
            let words = "unbelievably misunderstandings overgeneralized";
            prop_assert_eq!(redact(words, &[&secret]), words);
        }
    }
}
