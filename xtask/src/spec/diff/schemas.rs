//! Schemas: fields, types, values, alternatives and bounds, judged by whether callers send them or read them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::Value;

use super::{
    Changes, keys_of,
    usage::{self, Usage},
};
use crate::spec::Document;

/// Bounds that grow tighter when they shrink.
const UPPER_BOUNDS: [&str; 3] = ["maxLength", "maxItems", "maximum"];
/// Bounds that grow tighter when they grow.
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
        let direction = Direction { is_sent: !usage.requests.is_empty(), is_read: !usage.answers.is_empty() };
        let suffix = format!(" ({})", usage.describe());
        compare_schema(name, &suffix, previous, schema, direction, changes);
    }
    Ok(())
}

/// Schemas that stand where they are used, in a parameter or a body.
pub(super) fn compare_inline(place: &str, old: &Value, new: &Value, is_sent: bool, changes: &mut Changes) {
    if old.get("$ref") == new.get("$ref") && old.get("$ref").is_some() {
        return;
    }
    compare_schema(place, "", old, new, Direction { is_sent, is_read: !is_sent }, changes);
}

fn merged(name: &str, old: &BTreeMap<String, Usage>, new: &BTreeMap<String, Usage>) -> Usage {
    let mut usage = Usage::default();
    for side in [old.get(name), new.get(name)].into_iter().flatten() {
        usage.requests.extend(side.requests.iter().cloned());
        usage.answers.extend(side.answers.iter().cloned());
    }
    usage
}

fn compare_schema(name: &str, suffix: &str, old: &Value, new: &Value, direction: Direction, changes: &mut Changes) {
    let place = format!("{name}{suffix}");
    let (old_kind, new_kind) = (kind(old), kind(new));
    if old_kind != new_kind {
        return changes.add(place, format!("{old_kind} became {new_kind}"), true);
    }
    compare_nullable(&place, old, new, direction, changes);
    compare_bounds(&place, old, new, direction, changes);
    compare_values(&place, old, new, direction, changes);
    compare_alternatives(&place, old, new, direction, changes);
    compare_fields(name, suffix, old, new, direction, changes);
    if let (Some(old), Some(new)) = (old.get("items"), new.get("items")) {
        compare_schema(&format!("{name}[]"), suffix, old, new, direction, changes);
    }
}

/// What a value of the schema is: a type, with its format, or what it refers to.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref")).and_then(Value::as_str) {
        return reference.rsplit('/').next().unwrap_or(reference).to_owned();
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some(kind), Some(format)) => format!("{kind} ({format})"),
        (Some(kind), None) => kind.to_owned(),
        (None, _) if schema.get("oneOf").is_some() => "a choice".to_owned(),
        (None, _) => "anything".to_owned(),
    }
}

fn compare_nullable(place: &str, old: &Value, new: &Value, direction: Direction, changes: &mut Changes) {
    let (was, is) = (old["nullable"] == true, new["nullable"] == true);
    if was != is {
        let what = if is { "may be null now" } else { "may no longer be null" };
        changes.add(place, what, if is { direction.is_read } else { direction.is_sent });
    }
}

fn compare_bounds(place: &str, old: &Value, new: &Value, direction: Direction, changes: &mut Changes) {
    for (keyword, is_upper) in
        UPPER_BOUNDS.map(|bound| (bound, true)).into_iter().chain(LOWER_BOUNDS.map(|bound| (bound, false)))
    {
        let (before, after) = (old[keyword].as_i64(), new[keyword].as_i64());
        if before == after {
            continue;
        }
        let open = if is_upper { i64::MAX } else { i64::MIN };
        let (was, is) = (before.unwrap_or(open), after.unwrap_or(open));
        let is_tighter = if is_upper { is < was } else { is > was };
        let shown = |bound: Option<i64>| bound.map_or_else(|| "none".to_owned(), |bound| bound.to_string());
        let what = format!("{keyword} {} became {}", shown(before), shown(after));
        changes.add(place, what, is_tighter && direction.is_sent);
    }
    if old["pattern"] != new["pattern"] {
        changes.add(place, format!("pattern {} became {}", old["pattern"], new["pattern"]), direction.is_sent);
    }
}

/// Values of enums. Open ones may grow; a closed one that grows surprises those who read it.
fn compare_values(place: &str, old: &Value, new: &Value, direction: Direction, changes: &mut Changes) {
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
            changes.add(place, format!("value `{value}` removed"), true);
        }
        for value in after.difference(&before) {
            changes.add(place, format!("value `{value}` added"), !is_open && direction.is_read);
        }
    }
}

fn compare_alternatives(place: &str, old: &Value, new: &Value, direction: Direction, changes: &mut Changes) {
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
            None => changes.add(place, format!("alternative {title} removed"), true),
            Some(current) => compare_schema(&format!("{place}, {title}"), "", previous, current, direction, changes),
        }
    }
    for title in after.keys().filter(|title| !before.contains_key(*title)) {
        changes.add(place, format!("alternative {title} added"), direction.is_read);
    }
}

fn compare_fields(name: &str, suffix: &str, old: &Value, new: &Value, direction: Direction, changes: &mut Changes) {
    let is_required = |schema: &Value, field: &str| {
        schema["required"].as_array().into_iter().flatten().any(|required| required == field)
    };
    for field in keys_of(&old["properties"], &new["properties"]) {
        let place = format!("{name}.{field}{suffix}");
        match (old["properties"].get(field), new["properties"].get(field)) {
            (Some(_), None) => changes.add(place, "removed", true),
            (None, Some(_)) if is_required(new, field) => changes.add(place, "added, and required", direction.is_sent),
            (None, Some(_)) => changes.add(place, "added", false),
            (Some(before), Some(after)) => {
                match (is_required(old, field), is_required(new, field)) {
                    (false, true) => changes.add(place, "became required", direction.is_sent),
                    (true, false) => changes.add(place, "became optional", direction.is_read),
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
