//! Checks that every operation has an id, texts, limits and responses.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Value;

use super::Report;
use crate::spec::{Operation, text_of};

pub(super) fn check(report: &mut Report<'_>) -> Result<()> {
    let document = report.document;
    let mut ids: BTreeMap<&str, String> = BTreeMap::new();
    let operations = document.operations();
    for operation in &operations {
        let pointer = document.pointer_of(operation.path, operation.method);
        check_texts(report, operation, &pointer);
        if let Some(id) = operation.id()
            && let Some(other) = ids.insert(id, pointer.clone())
        {
            report.add(&pointer, "operation-id", format!("`{id}` is already the operationId of {other}"));
        }
        check_throttle(report, operation, &pointer);
        check_parameters(report, operation, &pointer)?;
        check_responses(report, operation, &pointer);
    }
    Ok(())
}

fn check_texts(report: &mut Report<'_>, operation: &Operation<'_>, pointer: &str) {
    for key in ["operationId", "summary", "description"] {
        let text = operation.value.get(key).and_then(Value::as_str).unwrap_or_default();
        if text.trim().is_empty() {
            report.add(pointer, "operation-texts", format!("the operation has no `{key}`"));
        }
    }
    let declared = report.document.root["tags"].as_array();
    let is_declared = |tag: &str| declared.into_iter().flatten().any(|entry| entry["name"] == tag);
    match operation.tag() {
        None => report.add(pointer, "operation-tag", "the operation has no tag"),
        Some(tag) if !is_declared(tag) => {
            report.add(pointer, "operation-tag", format!("the tag `{tag}` is not declared under `tags`"));
        }
        Some(_) => {}
    }
}

/// In an API that declares classes of limits, every operation must have one of them, with its numbers.
fn check_throttle(report: &mut Report<'_>, operation: &Operation<'_>, pointer: &str) {
    let Some(classes) = report.document.root.get("x-umapi-throttle-classes") else { return };
    match operation.value.get("x-umapi-throttle") {
        None => report.add(pointer, "operation-limits", "the operation has no `x-umapi-throttle`"),
        Some(throttle) if classes.get(text_of(throttle, "class")) != Some(throttle) => report.add(
            format!("{pointer}/x-umapi-throttle"),
            "operation-limits",
            "`x-umapi-throttle` must be one of `x-umapi-throttle-classes`: use its anchor",
        ),
        Some(_) => {}
    }
}

fn check_parameters(report: &mut Report<'_>, operation: &Operation<'_>, pointer: &str) -> Result<()> {
    let parameters = operation.parameters(report.document)?;
    for parameter in &parameters {
        let name = text_of(parameter, "name");
        for key in ["description", "example"] {
            if parameter.get(key).is_none() {
                report.add(pointer, "parameter", format!("the parameter `{name}` has no `{key}`"));
            }
        }
        if parameter["in"] == "path" && !operation.path.contains(&format!("{{{name}}}")) {
            report.add(pointer, "parameter", format!("the path parameter `{name}` is not in the path"));
        }
    }
    for placeholder in operation.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
        if !parameters.iter().any(|parameter| parameter["in"] == "path" && parameter["name"] == placeholder) {
            report.add(pointer, "parameter", format!("`{{{placeholder}}}` of the path is not a parameter"));
        }
    }
    Ok(())
}

fn check_responses(report: &mut Report<'_>, operation: &Operation<'_>, pointer: &str) {
    let responses = operation.value.get("responses").and_then(Value::as_object);
    let pointer = format!("{pointer}/responses");
    let Some(responses) = responses else {
        return report.add(pointer, "operation-responses", "the operation has no responses");
    };
    if !responses.keys().any(|status| status.starts_with('2')) {
        report.add(&pointer, "operation-responses", "the operation has no 2xx response");
    }
    for status in required_errors(&report.document.root) {
        if !responses.contains_key(status) {
            report.add(&pointer, "operation-responses", format!("{status} is not described"));
        }
    }
}

/// The error responses that every operation must describe: those that the description lists, or those of an API with a login and
/// limits.
fn required_errors(root: &Value) -> Vec<&str> {
    if let Some(stated) = root["x-umapi-required-responses"].as_array() {
        return stated.iter().filter_map(Value::as_str).collect();
    }
    let has_login = root["security"].as_array().is_some_and(|schemes| !schemes.is_empty());
    let mut expected = vec!["400", "401", "429", "503"];
    expected.extend(has_login.then_some("403"));
    expected
}
