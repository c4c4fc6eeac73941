//! Messages without names: what the catalog of codes knows stays, and of anything else the words of the service.

use std::collections::{HashMap, HashSet};

use crate::{
    description::{Description, Kind, Piece, pieces, words},
    pseudonym::{Label, Pseudonyms, is_invisible},
};

/// The longest message that is kept, in characters.
const MAX_LENGTH: usize = 2000;

/// The values of one exchange that may occur in its messages.
#[derive(Default)]
pub(crate) struct Known {
    /// The whole values in small letters, with what they are.
    values: HashMap<String, Kind>,
    /// Their words in small letters.
    words: HashSet<String>,
}

impl Known {
    /// Adds a value.
    pub(crate) fn add(&mut self, value: &str, kind: Kind) {
        let folded = value.trim().to_lowercase();
        if folded.is_empty() {
            return;
        }
        for word in words(&folded) {
            if !self.words.contains(word) {
                self.words.insert(word.to_owned());
            }
        }
        self.values.entry(folded).or_insert(kind);
    }

    pub(crate) fn has_word(&self, word: &str) -> bool {
        self.words.contains(&word.to_lowercase())
    }

    fn kind(&self, value: &str) -> Option<Kind> {
        self.values.get(&value.trim().to_lowercase()).copied()
    }
}

/// Takes the names out of a message. `code` is the code beside it.
pub(crate) fn message(text: &str, code: Option<&str>, known: &Known, pseudonyms: &Pseudonyms) -> String {
    let text: String = text.chars().take(MAX_LENGTH).collect();
    match template(&text, code) {
        Some((template, values)) => {
            let mut values = values.into_iter();
            let shown = pieces(template).into_iter().map(|piece| match piece {
                Piece::Literal(literal) => literal.to_owned(),
                Piece::Place(place) => value(place, values.next().unwrap_or_default(), known, pseudonyms),
            });
            shown.collect()
        }
        None => word_by_word(&text, known, pseudonyms),
    }
}

/// The message of the catalog that a text has, with the values at its places. Those of the code come first.
pub(crate) fn template<'t>(text: &'t str, code: Option<&str>) -> Option<(&'static str, Vec<&'t str>)> {
    let description = Description::get();
    let own = code.and_then(|code| description.code(code)).map(|entry| entry.messages).unwrap_or_default();
    let all = own.iter().copied().chain(description.messages());
    all.filter_map(|template| Some((template, values(template, text)?))).next()
}

/// The values of a text that has this template. `None` if it has another one.
fn values<'t>(template: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut is_after_place = false;
    let pieces = pieces(template);
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Place(_) => is_after_place = true,
            Piece::Literal(literal) => {
                let at = match is_after_place {
                    false => rest.starts_with(literal).then_some(0)?,
                    // The value reaches to the end, or to the next literal.
                    true if literal.is_empty() && index + 1 == pieces.len() => rest.len(),
                    true => rest.find(literal)?,
                };
                if is_after_place {
                    found.push(&rest[..at]);
                }
                is_after_place = false;
                rest = &rest[at + literal.len()..];
            }
        }
    }
    rest.is_empty().then_some(found)
}

/// The pseudonym of a value in a message of the catalog.
fn value(place: &str, text: &str, known: &Known, pseudonyms: &Pseudonyms) -> String {
    let description = Description::get();
    match place {
        "user" => pseudonyms.user(text),
        "group" => pseudonyms.group(text),
        "field" | "step" | "key" | "replacement" if description.has_field(text) => text.to_owned(),
        "maximum" if text.len() <= 6 && text.bytes().all(|byte| byte.is_ascii_digit()) => text.to_owned(),
        _ => word_by_word(text, known, pseudonyms),
    }
}

/// Replaces everything but the words of the service. A word that belongs to a value of the exchange is replaced even then.
pub(crate) fn word_by_word(text: &str, known: &Known, pseudonyms: &Pseudonyms) -> String {
    if let Some(kind) = known.kind(text) {
        return of_kind(kind, text, pseudonyms);
    }
    let mut shown = String::new();
    let mut punctuation = 0;
    // Addresses hold together; everything else is split at what is neither a letter nor a digit.
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first.is_alphanumeric() {
            punctuation = 0;
            let token_end = rest.find(|c: char| c.is_whitespace() || "\"'<>()[]{},;".contains(c)).unwrap_or(rest.len());
            let token = rest[..token_end].trim_end_matches(['.', ':', '!', '?']);
            let end = if token.contains('@') || known.kind(token).is_some() || is_token(token) {
                shown.push_str(&whole(token, known, pseudonyms));
                token.len()
            } else {
                let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
                shown.push_str(&word(&rest[..end], known, pseudonyms));
                end
            };
            rest = &rest[end..];
        } else {
            punctuation += 1;
            let is_kept = punctuation <= 2 && (first == ' ' || first.is_ascii_punctuation() || is_invisible(first));
            shown.push_str(match is_kept {
                true => &rest[..first.len_utf8()],
                false if punctuation <= 2 => " ",
                false => "",
            });
            rest = &rest[first.len_utf8()..];
        }
    }
    shown
}

/// Whether a piece of text may be a token or a path: long, with digits or odd characters.
fn is_token(text: &str) -> bool {
    text.len() >= 20 && text.bytes().any(|byte| !byte.is_ascii_alphabetic())
}

fn whole(token: &str, known: &Known, pseudonyms: &Pseudonyms) -> String {
    match known.kind(token) {
        Some(kind) => of_kind(kind, token, pseudonyms),
        None if token.contains('@') => pseudonyms.user(token),
        // A code of the service is a long text with dots.
        None if Description::get().code(token).is_some() => token.to_owned(),
        None => pseudonyms.name(Label::Word, token),
    }
}

fn word(word: &str, known: &Known, pseudonyms: &Pseudonyms) -> String {
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        // Lengths and counts, but no part of a phone number or an id.
        return if word.len() <= 2 && !known.has_word(word) { word.to_owned() } else { pseudonyms.digits(word) };
    }
    if known.has_word(word) {
        return pseudonyms.name(Label::Word, word);
    }
    if Description::get().knows_word(word) { word.to_owned() } else { pseudonyms.name(Label::Word, word) }
}

/// The pseudonym of a value of a kind.
pub(crate) fn of_kind(kind: Kind, text: &str, pseudonyms: &Pseudonyms) -> String {
    match kind {
        Kind::User => pseudonyms.user(text),
        Kind::Name => pseudonyms.name(Label::Name, text),
        Kind::Domain => pseudonyms.domain(text),
        Kind::Country => pseudonyms.country(text),
        Kind::Group => pseudonyms.group(text),
        Kind::Phone | Kind::Id => pseudonyms.id(text),
        Kind::RequestId => pseudonyms.name(Label::Request, text),
        Kind::ApiKey => pseudonyms.name(Label::Key, text),
        Kind::Secret => "[secret]".to_owned(),
        Kind::Code | Kind::Message | Kind::Listed | Kind::Quantity | Kind::Scope | Kind::TokenType | Kind::Text => {
            pseudonyms.name(Label::Text, text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str, code: Option<&str>, values: &[(&str, Kind)]) -> String {
        let mut known = Known::default();
        values.iter().for_each(|(value, kind)| known.add(value, *kind));
        message(text, code, &known, &Pseudonyms::with_key(7))
    }

    #[test]
    fn a_message_of_the_catalog_keeps_its_words() {
        let p = Pseudonyms::with_key(7);
        let user = p.user("jdoe@corp.com");
        assert_eq!(
            clean("User not found jdoe@corp.com", Some("error.user.not_found"), &[]),
            format!("User not found {user}")
        );
        assert_eq!(
            clean("Group R&D / 50 % was not found", None, &[]),
            format!("Group {} was not found", p.group("R&D / 50 %"))
        );
        let long = "String too long in command for field: country, max length 2";
        assert_eq!(clean(long, None, &[]), long);
        assert_eq!(clean("Too many requests", Some("429050"), &[]), "Too many requests");
        assert_eq!(
            clean("Could not create person of type createFederatedID", None, &[]),
            "Could not create person of type createFederatedID"
        );
    }

    #[test]
    fn an_unknown_message_keeps_the_words_of_the_service() {
        let p = Pseudonyms::with_key(7);
        let shown = clean("The user jdoe@corp.com (Jane Doe) is blocked, ask Mallory: +49 170 1234567", None, &[]);
        for planted in ["jdoe", "corp", "Jane", "Doe", "Mallory", "1234567"] {
            assert!(!shown.contains(planted), "{shown}");
        }
        assert!(shown.contains("user") && shown.contains(&p.user("jdoe@corp.com")), "{shown}");
    }

    #[test]
    fn a_name_that_is_a_word_is_replaced() {
        let values = [("User", Kind::Name), ("Not Found", Kind::Group)];
        let shown = clean("Sorry, User is in Not Found", None, &values);
        assert!(!shown.contains("User") && !shown.contains("Not") && !shown.contains("Found"), "{shown}");
        assert!(shown.contains(" is ") || shown.contains(" in "), "{shown}");
    }

    #[test]
    fn tokens_and_odd_text_do_not_survive() {
        for planted in [
            "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
            "0123456789abcdef0123456789abcdef",
            "/home/jdoe/secret-folder",
        ] {
            let shown = clean(&format!("token \"{planted}\" is invalid"), None, &[]);
            assert!(!shown.contains(planted) && !shown.contains(&planted[..8]), "{shown}");
        }
        assert_eq!(clean("", None, &[]), "");
        assert!(clean(&"x y ".repeat(5000), None, &[]).len() < 200_000);
    }
}
