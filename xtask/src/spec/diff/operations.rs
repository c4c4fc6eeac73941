//! Compares operations: their parameters, bodies, responses and limits.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::{Value, json};

use super::{Changes, keys_of};
use crate::spec::{Document, Operation, text_of};

pub(super) fn compare(before: &Document, after: &Document, changes: &mut Changes) -> Result<()> {
    let (old, new) = (by_id(before), by_id(after));
    let ids: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for id in ids {
        match (old.get(id), new.get(id)) {
            (Some(_), None) => changes.add(id, "removed", true),
            (None, Some(_)) => changes.add(id, "added", false),
            (Some(old), Some(new)) => compare_one(id, (before, old), (after, new), changes)?,
            (None, None) => {}
        }
    }
    Ok(())
}

fn by_id(document: &Document) -> BTreeMap<String, Operation<'_>> {
    let operations = document.operations().into_iter();
    operations.map(|operation| (operation.id().unwrap_or(operation.path).to_owned(), operation)).collect()
}

type Side<'d> = (&'d Document, &'d Operation<'d>);

fn compare_one(id: &str, old: Side<'_>, new: Side<'_>, changes: &mut Changes) -> Result<()> {
    let call = |operation: &Operation<'_>| format!("{} {}", operation.method.to_uppercase(), operation.path);
    if call(old.1) != call(new.1) {
        changes.add(id, format!("moved from `{}` to `{}`", call(old.1), call(new.1)), true);
    }
    match (old.1.is_deprecated(), new.1.is_deprecated()) {
        (false, true) => changes.add(id, "deprecated", false),
        (true, false) => changes.add(id, "no longer deprecated", false),
        _ => {}
    }
    compare_parameters(id, old, new, changes)?;
    compare_body(id, old, new, changes)?;
    compare_responses(id, old, new, changes)?;
    compare_throttle(id, old.1, new.1, changes);
    Ok(())
}

fn compare_parameters(id: &str, old: Side<'_>, new: Side<'_>, changes: &mut Changes) -> Result<()> {
    let named = |(document, operation): Side<'_>| -> Result<BTreeMap<String, Value>> {
        let parameters = operation.parameters(document)?;
        Ok(parameters.into_iter().map(|each| (text_of(each, "name").to_owned(), each.clone())).collect())
    };
    let (old, new) = (named(old)?, named(new)?);
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let subject = format!("{id}, parameter {name}");
        let is_required = |parameter: &Value| parameter["required"] == true;
        match (old.get(name), new.get(name)) {
            (Some(_), None) => changes.add(subject, "removed", true),
            (None, Some(new)) if is_required(new) => changes.add(subject, "added, and required", true),
            (None, Some(_)) => changes.add(subject, "added", false),
            (Some(old), Some(new)) => {
                if is_required(old) != is_required(new) {
                    let what = if is_required(new) { "became required" } else { "became optional" };
                    changes.add(&subject, what, is_required(new));
                }
                if old["in"] != new["in"] {
                    changes.add(&subject, format!("moved from the {} to the {}", old["in"], new["in"]), true);
                }
                super::schemas::compare_inline(&subject, &old["schema"], &new["schema"], true, changes);
            }
            (None, None) => {}
        }
    }
    Ok(())
}

fn compare_body(id: &str, old: Side<'_>, new: Side<'_>, changes: &mut Changes) -> Result<()> {
    let body = |(document, operation): Side<'_>| -> Result<Value> {
        operation.value.get("requestBody").map_or(Ok(Value::Null), |body| document.resolve(body).cloned())
    };
    let (old, new) = (body(old)?, body(new)?);
    let subject = format!("{id}, body");
    match (old.is_null(), new.is_null()) {
        (false, true) => changes.add(subject, "removed", true),
        (true, false) => changes.add(subject, "added", new["required"] == true),
        (true, true) => {}
        (false, false) => {
            if old["required"] != true && new["required"] == true {
                changes.add(&subject, "became required", true);
            }
            compare_content(&subject, &old["content"], &new["content"], true, changes);
        }
    }
    Ok(())
}

fn compare_responses(id: &str, old: Side<'_>, new: Side<'_>, changes: &mut Changes) -> Result<()> {
    let none = json!({});
    let old_responses = old.1.value.get("responses").unwrap_or(&none);
    let new_responses = new.1.value.get("responses").unwrap_or(&none);
    for status in keys_of(old_responses, new_responses) {
        let subject = format!("{id}, response {status}");
        match (old_responses.get(status), new_responses.get(status)) {
            // Callers must expect any error, but they rely on the successes that they know.
            (Some(_), None) => changes.add(subject, "removed", status.starts_with('2')),
            (None, Some(_)) => changes.add(subject, "added", false),
            (Some(before), Some(after)) => {
                let (before, after) = (old.0.resolve(before)?, new.0.resolve(after)?);
                compare_content(&subject, &before["content"], &after["content"], false, changes);
                for header in keys_of(&before["headers"], &after["headers"]) {
                    let (was, is) = (before["headers"].get(header).is_some(), after["headers"].get(header).is_some());
                    if was != is {
                        let what = if is { "added" } else { "removed" };
                        changes.add(format!("{subject}, header {header}"), what, was);
                    }
                }
            }
            (None, None) => {}
        }
    }
    Ok(())
}

fn compare_content(subject: &str, old: &Value, new: &Value, is_request: bool, changes: &mut Changes) {
    for media_type in keys_of(old, new) {
        match (old.get(media_type), new.get(media_type)) {
            (Some(_), None) => changes.add(subject, format!("{media_type} removed"), true),
            (None, Some(_)) => changes.add(subject, format!("{media_type} added"), false),
            (Some(old), Some(new)) => {
                super::schemas::compare_inline(subject, &old["schema"], &new["schema"], is_request, changes);
            }
            (None, None) => {}
        }
    }
}

fn compare_throttle(id: &str, old: &Operation<'_>, new: &Operation<'_>, changes: &mut Changes) {
    let (old, new) = (throttles(old), throttles(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let subject = format!("{id}, limit {name}");
        match (old.get(name), new.get(name)) {
            (Some(_), None) => changes.add(subject, "removed", false),
            (None, Some(new)) => {
                let what = format!("added, {} calls of a client in {} seconds", new["client"], new["seconds"]);
                changes.add(subject, what, true);
            }
            (Some(old), Some(new)) => compare_limit(&subject, old, new, changes),
            (None, None) => {}
        }
    }
}

fn compare_limit(subject: &str, old: &Value, new: &Value, changes: &mut Changes) {
    for key in keys_of(old, new).into_iter().filter(|key| old[*key] != new[*key]) {
        let is_less = |limit: &Value, other: &Value| {
            // Without a number, there is no limit.
            limit[key].as_u64().unwrap_or(u64::MAX) < other[key].as_u64().unwrap_or(u64::MAX)
        };
        let breaks = match key.as_str() {
            "client" | "application" => is_less(new, old),
            "seconds" => is_less(old, new),
            "counts" => new[key] == "calls",
            "block" => old[key].is_null(),
            _ => false,
        };
        changes.add(subject, format!("{key} {} became {}", old[key], new[key]), breaks);
    }
}

/// The limits of an operation, by name. Older descriptions have one limit per minute, named by its class.
fn throttles(operation: &Operation<'_>) -> BTreeMap<String, Value> {
    match operation.value.get("x-umapi-throttle") {
        Some(Value::Array(list)) => {
            list.iter().map(|throttle| (text_of(throttle, "name").to_owned(), throttle.clone())).collect()
        }
        Some(Value::Object(limit)) => {
            let mut limit = limit.clone();
            for (key, value) in [("seconds", json!(60)), ("counts", json!("calls")), ("source", json!("documentation"))]
            {
                limit.insert(key.to_owned(), value);
            }
            let name = limit["class"].as_str().unwrap_or_default().to_owned();
            limit.insert("name".to_owned(), json!(name));
            BTreeMap::from([(name, Value::Object(limit))])
        }
        _ => BTreeMap::new(),
    }
}
