//! Cutting secrets out of what a server sent back.

use std::borrow::Cow;

/// What stands in place of a secret.
const CUT: &str = "[cut]";
/// What is kept of a text, in characters.
const LENGTH: usize = 4096;
/// Something shorter that begins like a token is a word.
const SHORTEST_TOKEN: usize = 20;
/// A shorter secret may be part of ordinary words, so it is cut out as a word of its own alone. Adobe's have 32 and more.
const SHORTEST_ANYWHERE: usize = 8;

/// Cuts the secrets out of a text, in every spelling that an echo may have, and whatever looks like a token; then
/// shortens it.
pub(crate) fn without_secrets(text: &str, secrets: &[&str]) -> String {
    let mut spellings: Vec<String> = secrets.iter().flat_map(|secret| spellings(secret)).collect();
    // One may be part of another: cut first, it would leave the rest of that one.
    spellings.sort_unstable_by_key(|spelling| std::cmp::Reverse(spelling.len()));
    spellings.dedup();
    let mut text = Cow::from(text);
    for spelling in &spellings {
        if text.contains(spelling.as_str()) {
            text = Cow::from(without(&text, spelling));
        }
    }
    let words = text.split_inclusive(|c: char| !is_of_token(c));
    words.map(without_token).collect::<String>().chars().take(LENGTH).collect()
}

/// As it is, in a form or an address, and in JSON with and without escaped slashes.
fn spellings(secret: &str) -> Vec<String> {
    let percent_encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let spaces_encoded = percent_encoded.replace('+', "%20");
    let in_json = serde_json::to_string(secret).unwrap_or_default();
    // The quotes around it, and not one at the end of the secret.
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
        if secret.len() >= SHORTEST_ANYWHERE || is_word(&text[..at], &text[end..]) {
            kept.push_str(&text[rest..at]);
            kept.push_str(CUT);
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
        let secret = "s8e/pla\"nted +&\"";
        for echo in [
            secret,
            "s8e%2Fpla%22nted+%2B%26%22",
            "s8e%2Fpla%22nted%20%2B%26%22",
            r#"s8e/pla\"nted +&\""#,
            r#"s8e\/pla\"nted +&\""#,
        ] {
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
        let text = format!("{}planted-secret", "é".repeat(LENGTH - 3));
        assert_eq!(without_secrets(&text, &["planted-secret"]).chars().count(), LENGTH);
        assert!(!without_secrets(&text, &["planted-secret"]).contains("pla"));
    }

    #[test]
    fn a_short_secret_is_cut_as_a_word_and_not_out_of_others() {
        let body = r#"{"error":"invalid_client","error_description":"the secret r of client er is wrong: r."}"#;
        let cut = r#"{"error":"invalid_client","error_description":"the secret [cut] of client er is wrong: [cut]."}"#;
        assert_eq!(without_secrets(body, &["r"]), cut);
        assert_eq!(without_secrets(body, &["err"]), body);
        assert_eq!(without_secrets("client_secret=err&x=terror", &["err"]), "client_secret=[cut]&x=terror");
    }

    #[test]
    fn of_two_secrets_the_longer_one_is_cut_whole() {
        assert_eq!(without_secrets("planted-1 planted-12", &["planted-1", "planted-12"]), "[cut] [cut]");
    }

    proptest! {
        #[test]
        fn no_secret_survives(before in ".{0,40}", secret in "[!-~]{8,40}", after in ".{0,40}") {
            let cut = without_secrets(&format!("{before}{secret}{after}"), &[&secret]);
            prop_assert!(!cut.contains(&secret));
        }

        #[test]
        fn no_short_secret_survives_as_a_word(before in "[ =:]{0,3}", secret in "[a-z0-9]{1,7}", after in "[ &,]{0,3}") {
            let cut = without_secrets(&format!("{before}{secret}{after}"), &[&secret]);
            prop_assert_eq!(cut, format!("{before}{CUT}{after}"));
        }

        #[test]
        fn words_stay_whole_whatever_short_secret_they_hold(secret in "[a-z]{1,7}") {
            let words = "unbelievably misunderstandings overgeneralized";
            prop_assert_eq!(without_secrets(words, &[&secret]), words);
        }
    }
}
