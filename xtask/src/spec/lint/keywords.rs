//! Finds misspelled keywords of schemas, and extensions that nothing reads.

use serde_json::Value;
use similar::TextDiff;

use super::{Report, for_each_schema, pointer_of_key};

/// The extensions that this project reads.
const EXTENSIONS: [&str; 16] = [
    "x-enum-aliases",
    "x-enum-descriptions",
    "x-extensible-enum",
    "x-umapi-error-codes",
    "x-umapi-limits",
    "x-umapi-may-be-empty",
    "x-umapi-module",
    "x-umapi-modules",
    "x-umapi-names",
    "x-umapi-plain",
    "x-umapi-required-responses",
    "x-umapi-rust",
    "x-umapi-step",
    "x-umapi-throttle",
    "x-umapi-throttles",
    "x-umapi-type",
];

/// The keywords of a schema in OpenAPI 3.0.
const KEYWORDS: [&str; 36] = [
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "default",
    "deprecated",
    "description",
    "discriminator",
    "enum",
    "example",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "externalDocs",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "nullable",
    "oneOf",
    "pattern",
    "properties",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
    "xml",
];

pub(super) fn check(report: &mut Report<'_>) {
    let mut findings = Vec::new();
    collect_extensions(&report.document.root, String::new(), &mut findings);
    for_each_schema(report.document, |pointer, schema| {
        for key in schema.as_object().into_iter().flatten().map(|(key, _)| key) {
            if !key.starts_with("x-") && !KEYWORDS.contains(&key.as_str()) {
                let message = format!("a schema has no keyword `{key}`{}", suggestion(key, &KEYWORDS));
                findings.push((format!("{pointer}/{key}"), message));
            }
        }
        // The properties of a schema with `allOf` may be in another one.
        let is_whole = schema.get("allOf").is_none() && schema.get("properties").is_some();
        for required in
            schema["required"].as_array().filter(|_| is_whole).into_iter().flatten().filter_map(Value::as_str)
        {
            if schema["properties"].get(required).is_none() {
                let message = format!("`required` names `{required}`, which is not among the `properties`");
                findings.push((format!("{pointer}/required"), message));
            }
        }
    });
    for (pointer, message) in findings {
        report.add(pointer, "keyword", message);
    }
}

fn collect_extensions(value: &Value, pointer: String, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, child) in fields {
                // An example may hold anything.
                if ["example", "examples", "value"].contains(&key.as_str()) {
                    continue;
                }
                let location = pointer_of_key(&pointer, key);
                if key.starts_with("x-") && !EXTENSIONS.contains(&key.as_str()) {
                    let message = format!(
                        "nothing reads `{key}`{}; a new extension is added in `xtask/src/spec/lint/keywords.rs`",
                        suggestion(key, &EXTENSIONS)
                    );
                    found.push((location.clone(), message));
                }
                collect_extensions(child, location, found);
            }
        }
        Value::Array(items) => {
            for (index, child) in items.iter().enumerate() {
                collect_extensions(child, format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// ` (did you mean …?)`, if there is something similar.
fn suggestion(word: &str, known: &[&str]) -> String {
    let likeness = |other: &str| TextDiff::from_chars(word, other).ratio();
    let best = known.iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    best.filter(|best| likeness(best) > 0.7).map(|best| format!(" (did you mean `{best}`?)")).unwrap_or_default()
}
