//! Compares schemas: fields, types, values, alternatives and bounds. Whether a change breaks callers depends on whether they send
//! or read the values.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::Value;

use super::{Changes, keys_of};
use crate::spec::{
    Document,
    usage::{self, Usage},
};

/// Bounds that are stricter when they are lower.
const UPPER_BOUNDS: [&str; 3] = ["maxLength", "maxItems", "maximum"];
/// Bounds that are stricter when they are higher.
const LOWER_BOUNDS: [&str; 3] = ["minLength", "minItems", "minimum"];

/// Whether callers send values of a schema, read them, or both.
#[derive(Clone, Copy)]
struct Direction {
    is_sent: bool,
    is_read: bool,
}

pub(super) fn compare(before: &Document, after: &Document, changes: &mut Changes) -> Result<()> {
    let (old, new) = (before.schemas(), after.schemas());
    let (old_usage, new_usage) = (usage::of(before)?, usage::of(after)?);
    for (name, schema) in &new {
        let Some(previous) = old.get(name) else { continue };
        let usage = merged(name, &old_usage, &new_usage);
        let direction = Direction { is_sent: !usage.requests.is_empty(), is_read: !usage.responses.is_empty() };
        let suffix = format!(" ({})", usage.describe());
        compare_schema(name, &suffix, previous, schema, direction, changes);
    }
    Ok(())
}

/// Compares inline schemas of a parameter or a body.
pub(super) fn compare_inline(subject: &str, old: &Value, new: &Value, is_sent: bool, changes: &mut Changes) {
    if old.get("$ref") == new.get("$ref") && old.get("$ref").is_some() {
        return;
    }
    compare_schema(subject, "", old, new, Direction { is_sent, is_read: !is_sent }, changes);
}

fn merged(name: &str, old: &BTreeMap<String, Usage>, new: &BTreeMap<String, Usage>) -> Usage {
    let mut usage = Usage::default();
    for side in [old.get(name), new.get(name)].into_iter().flatten() {
        usage.requests.extend(side.requests.iter().cloned());
        usage.responses.extend(side.responses.iter().cloned());
    }
    usage
}

fn compare_schema(name: &str, suffix: &str, old: &Value, new: &Value, direction: Direction, changes: &mut Changes) {
    let subject = format!("{name}{suffix}");
    let (old_type, new_type) = (type_of(old), type_of(new));
    if old_type != new_type {
        return changes.add(subject, format!("{old_type} became {new_type}"), true);
    }
    compare_nullable(&subject, old, new, direction, changes);
    if old["x-umapi-plain"] != new["x-umapi-plain"] {
        // Clients that are generated from the plain form get another class or type. A first plain form replaces code that
        // did not work.
        let what = format!("plain form {} became {}", old["x-umapi-plain"], new["x-umapi-plain"]);
        changes.add(&subject, what, old.get("x-umapi-plain").is_some());
    }
    compare_bounds(&subject, old, new, direction, changes);
    compare_values(&subject, old, new, direction, changes);
    compare_alternatives(&subject, old, new, direction, changes);
    compare_fields(name, suffix, old, new, direction, changes);
    if let (Some(old), Some(new)) = (old.get("items"), new.get("items")) {
        compare_schema(&format!("{name}[]"), suffix, old, new, direction, changes);
    }
}

/// The type of the schema with its format, or the name that it refers to.
fn type_of(schema: &Value) -> String {
    if let Some(reference) = schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref")).and_then(Value::as_str) {
        return reference.rsplit('/').next().unwrap_or(reference).to_owned();
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some(name), Some(format)) => format!("{name} ({format})"),
        (Some(name), None) => name.to_owned(),
        (None, _) if schema.get("oneOf").is_some() => "a choice".to_owned(),
        (None, _) => "anything".to_owned(),
    }
}

fn compare_nullable(subject: &str, old: &Value, new: &Value, direction: Direction, changes: &mut Changes) {
    let (was, is) = (old["nullable"] == true, new["nullable"] == true);
    if was != is {
        let what = if is { "may be null now" } else { "may no longer be null" };
        changes.add(subject, what, if is { direction.is_read } else { direction.is_sent });
    }
}

fn compare_bounds(subject: &str, old: &Value, new: &Value, direction: Direction, changes: &mut Changes) {
    for (keyword, is_upper) in
        UPPER_BOUNDS.map(|bound| (bound, true)).into_iter().chain(LOWER_BOUNDS.map(|bound| (bound, false)))
    {
        let (before, after) = (old[keyword].as_i64(), new[keyword].as_i64());
        if before == after {
            continue;
        }
        let open = if is_upper { i64::MAX } else { i64::MIN };
        let (was, is) = (before.unwrap_or(open), after.unwrap_or(open));
        let is_stricter = if is_upper { is < was } else { is > was };
        let shown = |bound: Option<i64>| bound.map_or_else(|| "none".to_owned(), |bound| bound.to_string());
        let what = format!("{keyword} {} became {}", shown(before), shown(after));
        changes.add(subject, what, is_stricter && direction.is_sent);
    }
    if old["pattern"] != new["pattern"] {
        changes.add(subject, format!("pattern {} became {}", old["pattern"], new["pattern"]), direction.is_sent);
    }
}

/// Compares the values of enums. An open enum may grow; a new value of a closed enum breaks callers that read it.
fn compare_values(subject: &str, old: &Value, new: &Value, direction: Direction, changes: &mut Changes) {
    for (keyword, is_open) in [("x-extensible-enum", true), ("enum", false)] {
        let values = |schema: &Value| -> BTreeSet<String> {
            schema[keyword]
                .as_array()
                .into_iter()
                .flatten()
                .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                .collect()
        };
        let (before, after) = (values(old), values(new));
        for value in before.difference(&after) {
            changes.add(subject, format!("value `{value}` removed"), true);
        }
        for value in after.difference(&before) {
            changes.add(subject, format!("value `{value}` added"), !is_open && direction.is_read);
        }
    }
}

fn compare_alternatives(subject: &str, old: &Value, new: &Value, direction: Direction, changes: &mut Changes) {
    let titled = |schema: &Value| -> BTreeMap<String, Value> {
        let alternatives = schema["oneOf"].as_array().into_iter().flatten().enumerate();
        alternatives
            .map(|(index, each)| {
                (each["title"].as_str().map_or_else(|| index.to_string(), str::to_owned), each.clone())
            })
            .collect()
    };
    let (before, after) = (titled(old), titled(new));
    for (title, previous) in &before {
        match after.get(title) {
            None => changes.add(subject, format!("alternative {title} removed"), true),
            Some(current) => compare_schema(&format!("{subject}, {title}"), "", previous, current, direction, changes),
        }
    }
    for title in after.keys().filter(|title| !before.contains_key(*title)) {
        changes.add(subject, format!("alternative {title} added"), direction.is_read);
    }
}

fn compare_fields(name: &str, suffix: &str, old: &Value, new: &Value, direction: Direction, changes: &mut Changes) {
    let is_required = |schema: &Value, field: &str| {
        schema["required"].as_array().into_iter().flatten().any(|required| required == field)
    };
    for field in keys_of(&old["properties"], &new["properties"]) {
        let subject = format!("{name}.{field}{suffix}");
        match (old["properties"].get(field), new["properties"].get(field)) {
            (Some(_), None) => changes.add(subject, "removed", true),
            (None, Some(_)) if is_required(new, field) => {
                changes.add(subject, "added, and required", direction.is_sent)
            }
            (None, Some(_)) => changes.add(subject, "added", false),
            (Some(before), Some(after)) => {
                match (is_required(old, field), is_required(new, field)) {
                    (false, true) => changes.add(subject, "became required", direction.is_sent),
                    (true, false) => changes.add(subject, "became optional", direction.is_read),
                    _ => {}
                }
                if before["deprecated"] != true && after["deprecated"] == true {
                    changes.add(format!("{name}.{field}{suffix}"), "deprecated", false);
                }
                compare_schema(&format!("{name}.{field}"), suffix, before, after, direction, changes);
            }
            (None, None) => {}
        }
    }
}
