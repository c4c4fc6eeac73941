//! A document in YAML or JSON as a tree, in which every value knows its place. So all mistakes in it are found at once.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{DuplicateKeyPolicy, Location, Spanned};

use super::{Diagnostic, SourceLocation, words};

/// Deepest nesting of a document: more than twice what the format of memberships needs.
const DEEPEST: usize = 8;

/// A value, and its place.
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) location: SourceLocation,
}

/// A value of a document.
pub(super) enum Value {
    Text(String),
    /// A number, `true` or `false`, as it is written.
    Scalar(String),
    Null,
    List(Vec<Node>),
    /// Names with their values, in the order of the file; a name may be there twice.
    Mapping(Vec<(Node, Node)>),
}

impl Node {
    /// What the value is, for messages.
    pub(super) fn describe(&self) -> String {
        match &self.value {
            Value::Text(text) | Value::Scalar(text) => format!("`{text}`"),
            Value::Null => "nothing".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
        }
    }
}

/// Reads a document.
///
/// # Errors
///
/// If it is not valid YAML.
pub(super) fn read_document(text: &str) -> Result<Node, Diagnostic> {
    let raw: Spanned<Raw> = serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let location = error.location().map_or_else(SourceLocation::default, location_of);
        let (rule, remedy) = words::yaml_syntax(&error);
        Diagnostic { location, rule, remedy }
    })?;
    Ok(node_of(raw, text))
}

/// The file is the user's own, and may be as large as an organization. Only the nesting is limited, because each level takes
/// stack, and what aliases repeat.
fn options() -> serde_saphyr::Options {
    let budget = serde_saphyr::budget! {
        max_depth: DEEPEST,
        max_events: usize::MAX,
        max_nodes: usize::MAX,
        max_total_scalar_bytes: usize::MAX,
    };
    serde_saphyr::options! { duplicate_keys: DuplicateKeyPolicy::PassThrough, budget: budget }
}

/// A value before its text is looked up.
enum Raw {
    Text(String),
    Scalar,
    Null,
    List(Vec<Spanned<Raw>>),
    Mapping(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Raw, E> {
                Ok(Raw::Text(text.to_owned()))
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Raw, E> {
                Ok(Raw::Scalar)
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Raw, E> {
                Ok(Raw::Scalar)
            }

            fn visit_i128<E: de::Error>(self, _: i128) -> Result<Raw, E> {
                Ok(Raw::Scalar)
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Raw, E> {
                Ok(Raw::Scalar)
            }

            fn visit_u128<E: de::Error>(self, _: u128) -> Result<Raw, E> {
                Ok(Raw::Scalar)
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Raw, E> {
                Ok(Raw::Scalar)
            }

            fn visit_unit<E: de::Error>(self) -> Result<Raw, E> {
                Ok(Raw::Null)
            }

            fn visit_none<E: de::Error>(self) -> Result<Raw, E> {
                Ok(Raw::Null)
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
                Raw::deserialize(deserializer)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Raw::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Raw::Mapping(entries))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

fn node_of(raw: Spanned<Raw>, source: &str) -> Node {
    let value = match raw.value {
        Raw::Text(text) => Value::Text(text),
        Raw::Scalar => Value::Scalar(source_of(raw.defined, source).to_owned()),
        Raw::Null => Value::Null,
        Raw::List(items) => Value::List(items.into_iter().map(|item| node_of(item, source)).collect()),
        Raw::Mapping(entries) => {
            let entry = |(name, value)| (node_of(name, source), node_of(value, source));
            Value::Mapping(entries.into_iter().map(entry).collect())
        }
    };
    Node { value, location: location_of(raw.referenced) }
}

/// The text of a value as it is written.
fn source_of(location: Location, source: &str) -> &str {
    let span = location.span();
    let range = span.byte_offset().zip(span.byte_len()).and_then(|(begin, length)| {
        let begin = usize::try_from(begin).ok()?;
        Some(begin..begin.checked_add(usize::try_from(length).ok()?)?)
    });
    range.and_then(|range| source.get(range)).unwrap_or_default().trim()
}

fn location_of(location: Location) -> SourceLocation {
    SourceLocation::character(location.line(), location.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(node: &Node) -> String {
        let list = |items: Vec<String>| items.join(" ");
        let value = match &node.value {
            Value::Text(text) => format!("{text:?}"),
            Value::Scalar(text) => text.clone(),
            Value::Null => "-".to_owned(),
            Value::List(items) => format!("[{}]", list(items.iter().map(shown).collect())),
            Value::Mapping(entries) => {
                let entry = |(name, value): &(Node, Node)| format!("{}={}", shown(name), shown(value));
                format!("{{{}}}", list(entries.iter().map(entry).collect()))
            }
        };
        format!("{value}@{}", node.location.to_string().replace("line ", "").replace(", column ", ":"))
    }

    #[test]
    fn every_value_has_a_place() {
        let yaml = "a: [007, true, 'x y']\nß: &n\n  - 1e3\na: ~\nb: *n\n";
        assert_eq!(
            shown(&read_document(yaml).unwrap()),
            "{\"a\"@1:1=[007@1:5 true@1:10 \"x y\"@1:16]@1:4 \"ß\"@2:1=[1e3@3:5]@3:3 \"a\"@4:1=-@4:4 \"b\"@5:1=[1e3@5:4]@5:4}@1:1"
        );
        assert_eq!(shown(&read_document("{\n\t\"a\": [2024]}").unwrap()), "{\"a\"@2:2=[2024@2:8]@2:7}@1:1");
    }

    #[test]
    fn broken_documents_are_described_in_plain_words() {
        for (text, expected) in [
            ("a: [\n", "a bracket"),
            ("a: 'x\n", "quotation mark"),
            ("a: b: c\n", "`:`"),
            ("a:\n\t- x\n", "tab"),
            ("a: *x\n", "`*` refers"),
            ("a: 1\n---\nb: 2\n", "several documents"),
            ("a: @x\n", "character that has a meaning"),
            ("a:\n  - x\n - y\n", "indent"),
            ("a: {b: c]\n", "bracket"),
        ] {
            let mistake = read_document(text).err().map(|mistake| mistake.to_string()).unwrap_or_default();
            assert!(mistake.starts_with("line ") && mistake.contains(expected), "{text:?}: {mistake}");
        }
    }
    #[test]
    fn deep_nesting_is_refused_with_its_line() {
        let nested = |levels: usize| format!("a: x\nb: {}{}\n", "[".repeat(levels), "]".repeat(levels));
        assert!(read_document(&nested(DEEPEST - 1)).is_ok());
        let indented: String = (0..1000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
        let listed = format!("a:\n{}x\n", "- ".repeat(10_000));
        let keys = format!("a: x\n{}\n", "? ".repeat(10_000));
        for levels in [DEEPEST, 60, 250, 10_000, 1_000_000] {
            let mistake = read_document(&nested(levels)).err().map(|mistake| mistake.to_string()).unwrap_or_default();
            assert!(mistake.starts_with("line 2") && mistake.contains("nested too deeply"), "{levels}: {mistake}");
        }
        for text in [indented, listed, keys] {
            let mistake = read_document(&text).err().map(|mistake| mistake.to_string()).unwrap_or_default();
            assert!(mistake.starts_with("line ") && mistake.contains("nested too deeply"), "{mistake}");
        }
    }

    #[test]
    fn large_document_is_read() {
        let names: String = (0..300_000).map(|number| format!("- u{number}@x.example\n")).collect();
        match read_document(&format!("a:\n{names}")).unwrap().value {
            Value::Mapping(entries) => {
                assert!(matches!(&entries[0].1.value, Value::List(items) if items.len() == 300_000));
            }
            _ => unreachable!("a mapping"),
        }
    }
}
