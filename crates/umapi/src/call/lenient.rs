//! Reads a response whose JSON the strict reader rejects: what is readable of it counts.
//!
//! `null` is absent. Text that is not Unicode gets replacement characters, a number that is too large is absent, and of a
//! repeated key the last value wins. A value of another type is [set aside](odd_values). An item of a list
//! that still cannot be read is left out and reported.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::odd_values;

/// The fields that contain the items of a page.
const ITEMS: [&str; 2] = ["users", "groups"];

/// The fields that may name an item.
const NAMES: [&str; 7] = ["email", "username", "groupName", "name", "id", "groupId", "code"];

/// The code of a failed step or a warning that has none.
const NO_CODE: &str = "error.unspecified";

/// An item of a page that cannot be read. The list leaves it out.
///
/// ```no_run
/// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
/// use umapi::UnreadableItem;
///
/// let mut pages = client.users().list().by_page();
/// while let Some(page) = pages.try_next().await? {
///     for UnreadableItem { index, name, why, .. } in &page.unreadable {
///         eprintln!("page {}, user {index} ({name:?}) is left out: {why}", page.index);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadableItem {
    /// The index of the item on its page, counted from 0.
    pub index: usize,
    /// The name of the item, as far as it has one that can be read.
    pub name: Option<String>,
    /// Why it cannot be read.
    pub why: String,
}

/// Reads a response leniently. Returns `None` if it is incomplete, or of another kind.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Option<(T, Vec<UnreadableItem>)> {
    let mut value: Value = serde_json::from_str(&repair(&String::from_utf8_lossy(body))).ok()?;
    let items = take_items(&mut value);
    remove_nulls(&mut value);
    add_codes(&mut value);
    let Some((field, items)) = items else {
        return Some((T::deserialize(odd_values::repair::<T>(value)?).ok()?, Vec::new()));
    };
    let (mut readable, mut unreadable) = (Vec::new(), Vec::new());
    for (index, mut item) in items.into_iter().enumerate() {
        remove_nulls(&mut item);
        let page = with_items(&value, field, vec![item.clone()]);
        match T::deserialize(&page) {
            Ok(_) => readable.push(item),
            Err(error) => match odd_values::repair::<T>(page).and_then(|mut page| take_items(&mut page)) {
                Some((_, repaired)) => readable.extend(repaired),
                None => unreadable.push(UnreadableItem { index, name: name_of(&item), why: error.to_string() }),
            },
        }
    }
    Some((T::deserialize(with_items(&value, field, readable)).ok()?, unreadable))
}

/// Takes the items out of a page: the whole value if it is an array, otherwise one of its fields.
fn take_items(value: &mut Value) -> Option<(Option<&'static str>, Vec<Value>)> {
    match value {
        Value::Array(items) => Some((None, std::mem::take(items))),
        Value::Object(fields) => ITEMS.into_iter().find_map(|field| match fields.get_mut(field) {
            Some(Value::Array(items)) => Some((Some(field), std::mem::take(items))),
            _ => None,
        }),
        _ => None,
    }
}

fn with_items(page: &Value, field: Option<&str>, items: Vec<Value>) -> Value {
    let Some(field) = field else { return Value::Array(items) };
    let mut page = page.clone();
    page[field] = Value::Array(items);
    page
}

fn name_of(item: &Value) -> Option<String> {
    NAMES.into_iter().find_map(|field| match item.get(field)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

fn remove_nulls(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(remove_nulls);
        }
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(remove_nulls);
        }
        _ => {}
    }
}

/// Adds the code to the entries of an action response that have none: they still say which step failed.
fn add_codes(value: &mut Value) {
    for (list, code) in [("errors", "errorCode"), ("warnings", "warningCode")] {
        let entries = value.get_mut(list).and_then(Value::as_array_mut);
        for entry in entries.into_iter().flatten().filter_map(Value::as_object_mut) {
            add_code(entry, code);
        }
    }
}

fn add_code(entry: &mut Map<String, Value>, code: &str) {
    if !entry.contains_key(code) {
        entry.insert(code.to_owned(), Value::from(NO_CODE));
    }
}

/// Replaces what a JSON reader rejects within values: halves of surrogate pairs, and numbers that are too large.
pub(super) fn repair(text: &str) -> String {
    let mut repaired = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter == '"' || letter == '-' || letter.is_ascii_digit()) {
        repaired.push_str(&rest[..start]);
        rest = &rest[start..];
        let length =
            if rest.starts_with('"') { repair_text(rest, &mut repaired) } else { repair_number(rest, &mut repaired) };
        rest = &rest[length..];
    }
    repaired.push_str(rest);
    repaired
}

/// Copies a quoted text. Returns its length.
fn repair_text(text: &str, repaired: &mut String) -> usize {
    let bytes = text.as_bytes();
    let mut index = 1;
    let mut copied = 0;
    while index < bytes.len() {
        match bytes[index] {
            b'"' => {
                index += 1;
                break;
            }
            b'\\' if bytes.get(index + 1) == Some(&b'u') => match escaped(bytes, index) {
                Some(0xd800..=0xdbff) if matches!(escaped(bytes, index + 6), Some(0xdc00..=0xdfff)) => index += 12,
                Some(0xd800..=0xdfff) => {
                    repaired.push_str(&text[copied..index]);
                    repaired.push_str("\\ufffd");
                    index += 6;
                    copied = index;
                }
                _ => index += 2,
            },
            b'\\' => index += 2,
            _ => index += 1,
        }
    }
    // An escape at the end of a text that is cut off.
    let end = (index.min(bytes.len())..=bytes.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(bytes.len());
    repaired.push_str(&text[copied..end]);
    end
}

/// The code unit of an escape such as `\u00fc`.
fn escaped(bytes: &[u8], index: usize) -> Option<u32> {
    let escape = bytes.get(index..index + 6)?;
    let digits = std::str::from_utf8(escape.strip_prefix(b"\\u")?).ok()?;
    u32::from_str_radix(digits, 16).ok()
}

/// Copies a number, or `null` in place of one that is too large. Returns its length.
fn repair_number(text: &str, repaired: &mut String) -> usize {
    let is_part = |letter: char| letter.is_ascii_digit() || matches!(letter, '+' | '-' | '.' | 'e' | 'E');
    let end = text.find(|letter| !is_part(letter)).unwrap_or(text.len());
    let is_too_large = text[..end].parse::<f64>().is_ok_and(f64::is_infinite);
    repaired.push_str(if is_too_large { "null" } else { &text[..end] });
    end
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use umapi_model::{ActionResponse, UserPage};

    use super::*;

    #[test]
    fn values_that_a_strict_reader_rejects_are_replaced() {
        for (json, repaired) in [
            (
                r#"["\ud83d","\ud83d\ude00","\ude00x","\\ud83d","\u00fc"]"#,
                r#"["\ufffd","\ud83d\ude00","\ufffdx","\\ud83d","\u00fc"]"#,
            ),
            ("[1e999,-1e999,1e9,-2.5,12]", "[null,null,1e9,-2.5,12]"),
            (r#"{"1e999":"1e999"}"#, r#"{"1e999":"1e999"}"#),
            (r#"["cut off \"#, r#"["cut off \"#),
            ("\"\\ü", "\"\\ü"),
        ] {
            assert_eq!(repair(json), repaired);
        }
    }

    #[test]
    fn an_unreadable_item_is_named_and_left_out() {
        let body =
            br#"{"lastPage":true,"result":"success","users":[{"id":"a"},{"email":"b@example.com","groups":7},null]}"#;
        let (page, unreadable) = read::<UserPage>(body).unwrap();
        assert_eq!(page.users.len(), 1);
        assert_eq!(unreadable[0].name.as_deref(), Some("b@example.com"));
        assert_eq!(unreadable.iter().map(|item| item.index).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn an_incomplete_response_is_not_read() {
        assert!(read::<UserPage>(br#"{"lastPage":true,"result":"success","users":[{"id":"a"}"#).is_none());
        assert!(read::<ActionResponse>(b"").is_none());
    }

    proptest! {
        #[test]
        fn valid_json_stays_as_it_is(value in prop::collection::vec(any::<(String, f64, i64)>(), 0..5)) {
            let json = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(repair(&json), json);
        }

        #[test]
        fn no_input_is_a_panic(body in prop::collection::vec(any::<u8>(), 0..200), text in r#"["\\\\ud8c0-9e+{}\[\]:, a]{0,40}"#) {
            let _ = read::<UserPage>(&body);
            let _ = read::<UserPage>(text.as_bytes());
        }
    }
}
