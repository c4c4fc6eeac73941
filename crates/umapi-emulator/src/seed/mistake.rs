//! Mistakes in the text of a seed: where they are, and what is wrong in the words of its writer.

use serde::de::DeserializeOwned;
use serde_saphyr::{Error, Options};

/// A mistake in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// The line and the column.
    pub(crate) location: String,
    /// What is wrong, and what to do.
    pub(crate) message: String,
}

/// Reads YAML.
pub(crate) fn read_yaml<T: DeserializeOwned>(text: &str, options: Options) -> Result<T, Mistake> {
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let location = match error.location() {
            Some(at) => location(at.line(), at.column()),
            None => "its start".to_owned(),
        };
        Mistake { location, message: yaml_message(&error) }
    })
}

/// Reads JSON.
pub(crate) fn read_json<T: DeserializeOwned>(text: &str, options: Options) -> Result<T, Mistake> {
    serde_json::from_str(text).map_err(|error| {
        let place = location(error.line() as u64, error.column() as u64);
        if !error.is_data() {
            let what =
                if error.is_eof() { "it ends too early" } else { "check the quotes, the commas and the brackets" };
            return Mistake { location: place, message: format!("this is not valid JSON; {what}") };
        }
        // JSON is YAML too, whose reader says more precisely what is wrong.
        match read_yaml::<T>(text, options) {
            Err(mistake) => mistake,
            Ok(_) => Mistake { location: place, message: "a value of another kind was expected".to_owned() },
        }
    })
}

/// The text of bytes in UTF-8, with or without a byte order mark.
pub(crate) fn text_of(bytes: &[u8]) -> Result<&str, Mistake> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let last = valid.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = valid.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        let column = String::from_utf8_lossy(last).chars().count() as u64 + 1;
        Mistake { location: location(line, column), message: "this is not UTF-8; save the file as UTF-8".to_owned() }
    })
}

fn location(line: u64, column: u64) -> String {
    format!("line {line}, column {column}")
}

fn yaml_message(error: &Error) -> String {
    match error {
        Error::WithSnippet { error, .. } | Error::AliasError { error, .. } => yaml_message(error),
        Error::SerdeUnknownField { field, expected, .. } => match expected.as_slice() {
            [] => format!("unknown field `{field}`; delete it"),
            fields => format!("unknown field `{field}`; the fields are {}", quoted(fields)),
        },
        Error::SerdeMissingField { field, .. } => format!("the field `{field}` is missing; add it"),
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            format!("unknown value `{variant}`; use {}", quoted(expected))
        }
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("`{key}` is there twice; delete one of them"),
        Error::DuplicateMappingKey { key: None, .. } => "a name is there twice; delete one of them".to_owned(),
        Error::SerdeInvalidType { unexpected, expected, .. }
        | Error::SerdeInvalidValue { unexpected, expected, .. } => {
            format!("{} was expected, not {}", kind_of(expected), found(unexpected))
        }
        Error::SerdeInvalidLength { expected, .. } => format!("{} was expected", kind_of(expected)),
        Error::Unexpected { expected, .. } => format!("{} was expected", kind_of(expected)),
        Error::InvalidScalar { ty, .. } => format!("{} was expected", kind_of(ty)),
        Error::InvalidBooleanStrict { .. } => "true or false was expected".to_owned(),
        Error::NullIntoString { .. } => "a text was expected, not nothing; write \"\" for an empty text".to_owned(),
        Error::Eof { .. } => "the text ends too early; complete it".to_owned(),
        Error::MultipleDocuments { .. } => {
            "there are several documents, separated by `---`; put everything into one".to_owned()
        }
        Error::Budget { .. } => "it is nested too deeply; check the brackets and the indentation".to_owned(),
        Error::UnknownAnchor { .. } => {
            "`*` refers to something that does not exist; put a name that begins with `*` into quotes".to_owned()
        }
        // The seed's own types say what is wrong with their values.
        Error::Message { msg, .. } if !is_internal(msg) => msg.clone(),
        _ => "this cannot be read; check the indentation, the quotes and the brackets".to_owned(),
    }
}

fn is_internal(message: &str) -> bool {
    ["variant", "enum", "struct", "deserializ", "invalid type", "::", "scalar", "sequence", "mapping"]
        .iter()
        .any(|word| message.contains(word))
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// What was expected, by the name that the reader has for it.
fn kind_of(expected: &str) -> &'static str {
    match expected {
        "sequence start" | "a sequence" => "a list",
        "mapping start" | "a map" => "a mapping with fields",
        "a boolean" | "boolean" | "bool" => "true or false",
        "a string" | "string" | "string scalar" | "str" => "a text",
        _ if expected.starts_with("struct") || expected.contains("map") => "a mapping with fields",
        _ if expected.contains("sequence") || expected.contains("tuple") => "a list",
        _ if ["int", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f64", "number", "usize"]
            .iter()
            .any(|number| expected.contains(number)) =>
        {
            "a number"
        }
        _ => "a value of another kind",
    }
}

fn found(unexpected: &str) -> String {
    let (kind, value) = unexpected.split_once(' ').unwrap_or((unexpected, ""));
    match kind {
        "string" => format!("the text {value}"),
        "integer" | "floating" => format!("the number {}", value.trim_start_matches("point ")),
        "boolean" => value.to_owned(),
        "map" => "a mapping".to_owned(),
        "sequence" => "a list".to_owned(),
        "null" | "unit" | "Option" => "nothing".to_owned(),
        _ => "this".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::seed::{Seed, SeedError};

    #[test]
    fn mistakes_are_told_in_plain_words() {
        let internal =
            ["struct", "enum", "variant", "serde", "invalid", "sequence", "scalar", "DuplicateKeyPolicy", "::"];
        for (text, expected) in [
            ("", "line 1"),
            ("7", "line 1, column 1: a mapping with fields was expected"),
            ("organizations: 7", "line 1, column 16: a list was expected"),
            ("organizations: [7]", "line 1, column 17: a mapping with fields was expected"),
            ("organizations:\n- {}", "line 2, column 3: the field `id` is missing; add it"),
            ("organizations:\n- {id: 1@AdobeOrg, id: x}", "line 2, column 20: `id` is there twice"),
            (
                "organizations:\n- {id: 1@AdobeOrg, nam: x}",
                "line 2, column 20: unknown field `nam`; the fields are `id`",
            ),
            ("organizations:\n- {id: 1@AdobeOrg, migrating: perhaps}", "line 2, column 31: true or false was expected"),
            (
                "organizations:\n- {id: 1@AdobeOrg, userTypes: [martian]}",
                "line 2, column 32: unknown value `martian`; use `",
            ),
            ("organizations:\n- {id: 1@AdobeOrg, generate: {users: many}}", "line 2, column 38: a number was expected"),
            ("organizations: [", "line 1, column"),
            ("organizations:\n\t- id: x", "line 2"),
        ] {
            for read in [Seed::from_yaml(text), Seed::from_json(text)] {
                let Err(SeedError::Format { location, message }) = read else { panic!("{text}") };
                let shown = format!("{location}: {message}");
                assert!(internal.iter().all(|word| !shown.contains(word)), "{text}: {shown}");
                assert!(shown.starts_with(expected) || shown.contains("not valid JSON"), "{text}: {shown}");
            }
        }
        let shown = |json: &str| Seed::from_json(json).unwrap_err().to_string();
        assert!(shown("{\"organizations\":[{\"id\":7}]}").contains("line 1, column"));
        assert!(
            shown("{\n\"organizations\":[{\"id\":\"x\",\"color\":1}]}")
                .contains("line 2, column 28: unknown field `color`")
        );
    }

    #[test]
    fn file_in_another_encoding_is_named_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seed.yaml");
        std::fs::write(&path, b"organizations:\n- {id: 1@AdobeOrg, name: M\xfcller}\n").unwrap();
        let error = Seed::from_file(&path).unwrap_err().to_string();
        assert!(error.contains("seed.yaml, line 2, column 27: this is not UTF-8; save the file as UTF-8"), "{error}");
        let json = folder.path().join("seed.json");
        std::fs::write(&json, "\u{feff}{\"organizations\":[{\"id\":\"1@AdobeOrg\"}]}").unwrap();
        assert_eq!(Seed::from_file(&json).unwrap().organizations.len(), 1);
        std::fs::write(&json, "{\"organisations\":[]}").unwrap();
        let error = Seed::from_file(&json).unwrap_err().to_string();
        assert!(error.contains("seed.json, line 1, column 2: unknown field `organisations`"), "{error}");
    }
}
