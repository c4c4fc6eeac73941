//! Where in a text of JSON a value stands.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::value::RawValue;

/// The line and the column, counted from 1, of a byte of the text.
pub(crate) fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// The first byte of a field of a command: of the command itself, or of one of its steps. If the field is not there, that of
/// the step, or of the command.
pub(crate) fn field_of_command(text: &str, step: Option<usize>, field: &str) -> usize {
    let command = text.trim_start();
    let begin = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    let found = match step {
        None => member(command, field),
        Some(step) => member(command, "do").and_then(|list| element(list, step)).map(|step| {
            let body = members(step).and_then(|entries| entries.into_values().next().map(RawValue::get));
            body.and_then(|body| member(body, field)).unwrap_or(step)
        }),
    };
    begin(found.unwrap_or(command))
}

fn member<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    members(object)?.get(key).map(|value| value.get())
}

fn members(object: &str) -> Option<BTreeMap<Key<'_>, &RawValue>> {
    serde_json::from_str(object).ok()
}

fn element(list: &str, index: usize) -> Option<&str> {
    let list: Vec<&RawValue> = serde_json::from_str(list).ok()?;
    list.get(index).map(|value| value.get())
}

/// A key, taken from the text where it has no escapes.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl std::borrow::Borrow<str> for Key<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_where_it_stands() {
        let text = r#" {"user": "ann@b.c", "do": [{"remove":"all"}, {"add": {"group": ["x"]}}]}"#;
        let at = |step, field| &text[field_of_command(text, step, field)..];
        assert!(at(None, "user").starts_with("\"ann@b.c\""));
        assert!(at(Some(1), "group").starts_with("[\"x\"]"));
        assert!(at(Some(0), "all").starts_with("{\"remove\""));
        assert!(at(Some(7), "group").starts_with("{\"user\""));
        assert!(at(None, "domain").starts_with("{\"user\""));
    }

    #[test]
    fn columns_are_letters_and_not_bytes() {
        assert_eq!(line_and_column("Größe\nGröße", 0), (1, 1));
        assert_eq!(line_and_column("Größe\nGröße", "Größe\nGröß".len()), (2, 5));
    }
}
