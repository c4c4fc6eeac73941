//! The messages of the readers of JSON and YAML in words that the writer of a file knows: the rule, and what to do.

use serde_saphyr::{Error, budget::BudgetBreach};

/// A broken rule, and what to do about it.
pub(super) type Words = (String, Option<String>);

fn words(rule: impl Into<String>, remedy: impl Into<String>) -> Words {
    (rule.into(), Some(remedy.into()))
}

/// What is wrong with text that is not JSON, by the message of the reader without its place.
pub(super) fn json_syntax(message: &str) -> Words {
    let (rule, remedy) = match message {
        "key must be a string" => ("a name in double quotes was expected", "write names as in \"user\""),
        "expected `:`" => ("`:` is missing after a name", "write \"name\": value"),
        "expected `,` or `}`" => ("`,` or `}` was expected", "put a comma between two fields, or close the object"),
        "expected `,` or `]`" => ("`,` or `]` was expected", "put a comma between two entries, or close the list"),
        "trailing comma" => ("nothing follows a comma", "delete the comma"),
        "trailing characters" => ("there is text behind its end", "delete it, or put it on a line of its own"),
        "expected value" | "expected ident" => ("a value was expected", "put texts into double quotes"),
        "invalid escape" => ("`\\` is followed by a letter that has no meaning", "write `\\\\` for a backslash"),
        "invalid number" | "number out of range" => {
            ("this is not a number that can be read", "put texts into double quotes")
        }
        "recursion limit exceeded" => ("it is nested too deeply", "check the brackets"),
        _ if message.starts_with("control character") => {
            ("a text contains a line break or a control character", "close the text with a double quote, or write \\n")
        }
        _ if message.contains("escape") || message.contains("unicode") || message.contains("surrogate") => {
            ("`\\u` is not followed by the code of a character", "write the character itself")
        }
        _ => ("it cannot be read here", "check the quotes, the commas and the brackets"),
    };
    words(format!("this is not valid JSON: {rule}"), remedy)
}

/// What is wrong with a value of JSON, by the message of the reader without its place.
pub(super) fn json_value(message: &str) -> Words {
    let quoted = |text: &str| text.split('`').nth(1).unwrap_or_default().to_owned();
    let possible = message.split_once(", expected ").map(|(_, expected)| expected.trim_start_matches("one of "));
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        return (format!("unknown step `{}`", quoted(rest)), possible.map(|steps| format!("the steps are {steps}")));
    }
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let remedy = match possible {
            Some(fields) if fields.starts_with('`') => format!("the fields are {fields}"),
            _ => "delete it: there are no fields here".to_owned(),
        };
        return words(format!("unknown field `{}`", quoted(rest)), remedy);
    }
    if let Some(name) = message.strip_prefix("missing field ") {
        return words(format!("the field {name} is missing"), "add it");
    }
    if let Some(name) = message.strip_prefix("duplicate field ") {
        return words(format!("the field {name} is there twice"), "delete one of them");
    }
    if message.contains("untagged enum") {
        return words(
            "this has none of the forms that are possible here",
            "write lists such as {\"group\":[\"Design\"]}, or \"all\"",
        );
    }
    let found =
        ["invalid type: ", "invalid value: ", "invalid length "].iter().find_map(|prefix| message.strip_prefix(prefix));
    if let (Some(found), Some(expected)) = (found.and_then(|found| found.split(", expected ").next()), possible) {
        let (expected, remedy) = expectation(expected);
        let rule = match message.starts_with("invalid length") {
            true => format!("{expected} was expected"),
            false => format!("{expected} was expected, not {}", finding(found)),
        };
        return words(rule, remedy);
    }
    words("this is not what is expected here", "umapi help command-files shows the format")
}

/// What is wrong with a value of a file that does not have commands, by the message of its reader.
pub(crate) fn plain_rule(message: &str) -> String {
    let known = ["invalid type: ", "invalid value: ", "invalid length ", "missing field ", "duplicate field "];
    match known.iter().any(|prefix| message.starts_with(prefix)) {
        true => json_value(message).0,
        false => message.to_owned(),
    }
}

/// What a reader expects, and how to write it.
fn expectation(expected: &str) -> (&'static str, &'static str) {
    match expected {
        "a string" | "string" | "str" | "a borrowed string" => ("a text", "put it into double quotes"),
        "a boolean" => ("true or false", "write it without quotes"),
        "a sequence" => ("a list", "put it into brackets, as in [\"Design\"]"),
        "a map" => ("an object", "put it into braces, as in {\"group\":[\"Design\"]}"),
        _ if expected.starts_with("struct ") || expected.contains("enum") || expected.contains("map") => {
            ("an object", "put it into braces, as in {\"group\":[\"Design\"]}")
        }
        _ if ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "usize", "f32", "f64", "integer", "number"]
            .iter()
            .any(|number| expected.contains(number)) =>
        {
            ("a number", "write it without quotes")
        }
        _ => ("something else", "umapi help command-files shows the format"),
    }
}

/// What a reader found instead.
fn finding(found: &str) -> String {
    let (kind, value) = found.split_once(' ').unwrap_or((found, ""));
    match kind {
        "string" => format!("the text {value}"),
        "integer" => format!("the number {value}"),
        "floating" => format!("the number {}", value.trim_start_matches("point ")),
        "boolean" => value.to_owned(),
        "map" | "struct" => "an object".to_owned(),
        "sequence" | "tuple" => "a list".to_owned(),
        "null" | "unit" | "Option" => "null".to_owned(),
        _ => "this".to_owned(),
    }
}

/// What is wrong with text that is not YAML.
pub(super) fn yaml_syntax(error: &Error) -> Words {
    let check = "check the indentation, the quotes and the brackets";
    match error {
        Error::WithSnippet { error, .. } | Error::AliasError { error, .. } => yaml_syntax(error),
        Error::Eof { .. } => words("the file ends too early", "complete it"),
        Error::MultipleDocuments { .. } => {
            words("the file has several documents, separated by `---`", "put everything into one")
        }
        Error::UnknownAnchor { .. } => {
            words("`*` refers to something that does not exist", "put a name that begins with `*` or `&` into quotes")
        }
        Error::ContainerEndMismatch { .. } => {
            words("a bracket is not closed, or closed by another one", "check the brackets")
        }
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            words("it is nested too deeply", "check the brackets and the indentation")
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            words("the file repeats too much with `&` and `*`", "write the names out")
        }
        Error::InvalidUtf8Input => words("this is not UTF-8", "save the file as UTF-8"),
        Error::UnsupportedTag { .. } | Error::TaggedScalarCannotDeserializeIntoString { .. } => {
            words("a name begins with `!`", "put it into quotes")
        }
        Error::ExternalMessage { msg, .. } | Error::Message { msg, .. } => yaml_scanner(msg),
        _ => words("this cannot be read", check),
    }
}

/// What the scanner of YAML stumbles over.
fn yaml_scanner(message: &str) -> Words {
    let message = message.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
    if has(&["recursion limit", "nesting"]) {
        return words("it is nested too deeply", "check the brackets and the indentation");
    }
    if has(&["tab"]) {
        return words("a line is indented with a tab", "indent with blanks");
    }
    if has(&["quoted", "quote"]) {
        return words("a quotation mark is not closed, or something follows a closing one", "check the quotes");
    }
    if has(&["mapping values", "':'", "simple key"]) {
        return words(
            "`:` is missing, or in a place where it has no meaning",
            "check the indentation; put a name that contains `: ` into quotes",
        );
    }
    if has(&["flow", "']'", "'}'", "','", "bracket"]) {
        return words("a bracket is not closed, or a comma is missing", "check the brackets");
    }
    if has(&["cannot start any token", "unexpected character", "reserved", "directive", "anchor", "alias", "tag"]) {
        return words("a name begins with a character that has a meaning in YAML", "put the name into quotes");
    }
    if has(&["indent", "block"]) {
        return words("the indentation does not fit the lines before", "indent all entries of a list alike");
    }
    words("this cannot be read", "check the indentation, the quotes and the brackets")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_described_in_plain_words() {
        for (message, rule, remedy) in [
            (
                "unknown variant `x`, expected one of `add`, `remove`",
                "unknown step `x`",
                "the steps are `add`, `remove`",
            ),
            ("unknown field `x`, expected `user`", "unknown field `x`", "the fields are `user`"),
            ("unknown field `x`, there are no fields", "unknown field `x`", "delete it: there are no fields here"),
            ("missing field `country`", "the field `country` is missing", "add it"),
            (
                "invalid type: integer `7`, expected a string",
                "a text was expected, not the number `7`",
                "put it into double quotes",
            ),
            (
                "invalid type: null, expected struct Root",
                "an object was expected, not null",
                "put it into braces, as in {\"group\":[\"Design\"]}",
            ),
            (
                "invalid type: map, expected a sequence",
                "a list was expected, not an object",
                "put it into brackets, as in [\"Design\"]",
            ),
            (
                "invalid length 1, expected struct Root with 2 elements",
                "an object was expected",
                "put it into braces, as in {\"group\":[\"Design\"]}",
            ),
            ("something else", "this is not what is expected here", "umapi help command-files shows the format"),
        ] {
            assert_eq!(json_value(message), words(rule, remedy));
        }
        assert_eq!(
            plain_rule("invalid type: integer `7`, expected a string"),
            "a text was expected, not the number `7`"
        );
        assert_eq!(plain_rule("unclosed table, expected `]`"), "unclosed table, expected `]`");
    }
}
