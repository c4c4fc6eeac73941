//! Cutting secrets out of what a server sent back.

use std::borrow::Cow;

/// What stands in place of a secret.
const CUT: &str = "[cut]";
/// What is kept of a text, in characters.
const LENGTH: usize = 4096;
/// Something shorter that begins like a token is a word.
const SHORTEST_TOKEN: usize = 20;

/// Cuts the secrets out of a text, in every spelling that an echo may have, and whatever looks like a token; then
/// shortens it.
pub(crate) fn without_secrets(text: &str, secrets: &[&str]) -> String {
    let mut text = Cow::from(text);
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let percent_encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let in_json = serde_json::to_string(secret).unwrap_or_default();
        let in_json = in_json.trim_matches('"').to_owned();
        let slashes_escaped = in_json.replace('/', "\\/");
        for spelling in [(*secret).to_owned(), percent_encoded, in_json, slashes_escaped] {
            if !spelling.is_empty() && text.contains(&spelling) {
                text = Cow::from(text.replace(&spelling, CUT));
            }
        }
    }
    let words = text.split_inclusive(|c: char| !is_of_token(c));
    words.map(without_token).collect::<String>().chars().take(LENGTH).collect()
}

fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// A word with the character that ended it. All JWTs begin alike: `{"` in Base64.
fn without_token(word: &str) -> Cow<'_, str> {
    let token = word.trim_end_matches(|c: char| !is_of_token(c));
    match token.find("ey") {
        Some(start) if token.len() - start >= SHORTEST_TOKEN => {
            Cow::from(format!("{}{CUT}{}", &word[..start], &word[token.len()..]))
        }
        _ => Cow::from(word),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_echo_is_cut_in_every_spelling() {
        let secret = "s8e/pla\"nted+&";
        for echo in [secret, "s8e%2Fpla%22nted%2B%26", "s8e/pla\\\"nted+&", "s8e\\/pla\\\"nted+&"] {
            assert_eq!(without_secrets(&format!("<{echo}>"), &[secret]), "<[cut]>");
        }
    }

    #[test]
    fn what_looks_like_a_token_is_cut_and_words_are_not() {
        let token = format!("eyJ{}.eyJ{}.sig", "a".repeat(30), "b".repeat(30));
        assert_eq!(without_secrets(&format!(r#"{{"t":"{token}"}}"#), &[]), r#"{"t":"[cut]"}"#);
        assert_eq!(without_secrets("they say the keys are eyed", &[]), "they say the keys are eyed");
    }

    #[test]
    fn a_long_text_is_shortened_after_the_cut() {
        let text = format!("{}planted", "é".repeat(LENGTH - 3));
        assert_eq!(without_secrets(&text, &["planted"]).chars().count(), LENGTH);
        assert!(!without_secrets(&text, &["planted"]).contains("pla"));
    }

    proptest! {
        #[test]
        fn no_secret_survives(before in ".{0,40}", secret in "[!-~]{8,40}", after in ".{0,40}") {
            let cut = without_secrets(&format!("{before}{secret}{after}"), &[&secret]);
            prop_assert!(!cut.contains(&secret));
        }
    }
}
