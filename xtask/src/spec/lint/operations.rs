//! Checks that every operation has an id, texts, limits and responses.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Value;

use super::Report;
use crate::spec::{Operation, text_of};

pub(super) fn check(report: &mut Report<'_>) -> Result<()> {
    let document = report.document;
    check_declared_throttles(report);
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

/// In an API that declares limits, every operation must have some of them: first the one of every call, then others of its
/// class.
fn check_throttle(report: &mut Report<'_>, operation: &Operation<'_>, pointer: &str) {
    let Some(declared) = report.document.root.get("x-umapi-throttles") else { return };
    let own = operation.value.get("x-umapi-throttle").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let Some((first, others)) = own.split_first() else {
        return report.add(pointer, "operation-limits", "the operation has no list `x-umapi-throttle`");
    };
    let pointer = format!("{pointer}/x-umapi-throttle");
    if own.iter().any(|throttle| declared.get(text_of(throttle, "name")) != Some(throttle)) {
        let message = "each of `x-umapi-throttle` must be one of `x-umapi-throttles`: use its anchor";
        report.add(&pointer, "operation-limits", message);
    }
    if first["counts"] != "calls" || others.iter().any(|other| other["counts"] == "calls") {
        report.add(&pointer, "operation-limits", "the first limit, and no other, must count `calls`");
    }
    if others.iter().any(|other| other["class"] != first["class"]) {
        report.add(&pointer, "operation-limits", "all limits of an operation must have one class");
    }
    if !operation.path.contains("{page}") && others.iter().any(|other| other["counts"] == "first-page") {
        report.add(&pointer, "operation-limits", "a limit of first pages needs the path parameter `page`");
    }
}

/// The declared limits have a name, numbers, and a known way to count.
fn check_declared_throttles(report: &mut Report<'_>) {
    let declared = report.document.root.get("x-umapi-throttles").and_then(Value::as_object);
    for (name, throttle) in declared.into_iter().flatten() {
        let pointer = format!("/x-umapi-throttles/{name}");
        let mut require = |is_valid: bool, message: &str| {
            if !is_valid {
                report.add(&pointer, "limit", message);
            }
        };
        let is_positive = |value: &Value| value.as_u64().is_some_and(|number| number > 0);
        require(throttle["name"] == name.as_str(), "`name` must be the key of the limit");
        require(!text_of(throttle, "class").is_empty(), "the limit has no `class`");
        let counts = text_of(throttle, "counts");
        require(["calls", "first-page"].contains(&counts), "`counts` must be `calls` or `first-page`");
        let source = text_of(throttle, "source");
        require(["documentation", "reports"].contains(&source), "`source` must be `documentation` or `reports`");
        require(
            is_positive(&throttle["seconds"]) && is_positive(&throttle["client"]),
            "`seconds` and `client` must be positive numbers",
        );
        let Some(block) = throttle.get("block") else { continue };
        let seconds = |key: &str| block[key].as_u64().unwrap_or_default();
        let (shortest, longest) = (seconds("shortest"), seconds("longest"));
        require(
            0 < shortest && (shortest..=longest).contains(&seconds("seconds")),
            "`block` needs `seconds`, from `shortest` to `longest`",
        );
        require(
            !text_of(block, "retryHint").is_empty() && block["retryWithin"].is_u64(),
            "`block` needs `retryHint` and `retryWithin`",
        );
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
