//! Checks that the plain form of a description has no union that generators for Java, C# and PHP cannot handle.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::Report;
use crate::spec::{Document, plain::plain_form};

pub(super) fn check(report: &mut Report<'_>) -> Result<()> {
    // Nobody generates a client from a description without Rust types: that of the emulator's own management API.
    if report.document.root["x-umapi-rust"] == "skip" {
        return Ok(());
    }
    let plain = match plain_form(report.document) {
        Ok(Some(plain)) => plain,
        Ok(None) => report.document.clone(),
        Err(error) => {
            report.add("/components/schemas", "plain", error.to_string());
            return Ok(());
        }
    };
    let mut findings = Vec::new();
    find(&plain, &plain.root, String::new(), &mut findings)?;
    // It would only repeat the unions that are already found.
    if findings.is_empty() {
        find_in_responses(&plain, &mut findings)?;
    }
    for (pointer, message) in findings {
        report.add(pointer, "plain", message);
    }
    Ok(())
}

/// Finds unions of objects in responses. Generators for Java read each alternative, whichever fields it requires, and find
/// several.
fn find_in_responses(plain: &Document, findings: &mut Vec<(String, &'static str)>) -> Result<()> {
    let mut open = Vec::new();
    for operation in plain.operations() {
        for response in operation.value.get("responses").and_then(Value::as_object).into_iter().flat_map(Map::values) {
            collect_references(&plain.resolve(response)?["content"], &mut open);
        }
    }
    let mut seen = BTreeSet::new();
    while let Some(reference) = open.pop() {
        if !seen.insert(reference.clone()) {
            continue;
        }
        let schema = plain.resolve(&json!({ "$ref": reference }))?.clone();
        if schema.get("oneOf").or(schema.get("anyOf")).is_some() {
            let message = "a response must not be a union of objects in the plain form: add `x-umapi-plain: merge`";
            findings.push((reference.trim_start_matches('#').to_owned(), message));
        }
        collect_references(&schema, &mut open);
    }
    Ok(())
}

fn collect_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|child| collect_references(child, found));
        }
        Value::Array(items) => items.iter().for_each(|child| collect_references(child, found)),
        _ => {}
    }
}

fn find(plain: &Document, value: &Value, pointer: String, findings: &mut Vec<(String, &'static str)>) -> Result<()> {
    match value {
        Value::Object(fields) => {
            for keyword in ["oneOf", "anyOf"] {
                for (index, alternative) in
                    fields.get(keyword).and_then(Value::as_array).into_iter().flatten().enumerate()
                {
                    if !is_class(plain, alternative)? {
                        let message = "an alternative must be an object or an enum; otherwise the schema needs \
                                       `x-umapi-plain`, its form for generators without unions";
                        findings.push((format!("{pointer}/{keyword}/{index}"), message));
                    }
                }
            }
            if fields.contains_key("schema")
                && fields.get("examples").and_then(Value::as_object).is_some_and(Map::is_empty)
            {
                findings.push((format!("{pointer}/examples"), "none of the examples has the plain form of the body"));
            }
            for (key, child) in fields {
                find(plain, child, format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), findings)?;
            }
        }
        Value::Array(items) => {
            for (index, child) in items.iter().enumerate() {
                find(plain, child, format!("{pointer}/{index}"), findings)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Whether generators create a class for this alternative: only then can they tell it from the others.
fn is_class(plain: &Document, alternative: &Value) -> Result<bool> {
    let schema = plain.resolve(alternative)?;
    if let Some([only]) = schema.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
        return is_class(plain, only);
    }
    Ok(schema["type"] == "object" || schema.get("enum").is_some())
}
