//! No reference dangles, no component is unused, every schema and field is described and has its place in Rust.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::Value;

use super::Report;

pub(super) fn check_references(report: &mut Report<'_>) {
    let mut references = Vec::new();
    collect_references(&report.document.root, String::new(), &mut references);
    for (pointer, target) in references {
        let found = target.strip_prefix('#').and_then(|place| report.document.root.pointer(place));
        if found.is_none() {
            report.add(pointer, "reference", format!("`{target}` points at nothing in this file"));
        }
    }
}

pub(super) fn check(report: &mut Report<'_>) -> Result<()> {
    check_used(report);
    check_class_names(report);
    // A description that no Rust types are generated from.
    let has_types = report.document.root["x-umapi-rust"] != "skip";
    for (name, schema) in report.document.schemas() {
        let pointer = format!("/components/schemas/{name}");
        check_described(report, &pointer, &schema);
        let is_union_or_object =
            schema["type"] == "object" || schema.get("oneOf").is_some() || schema.get("x-extensible-enum").is_some();
        if has_types
            && is_union_or_object
            && schema.get("x-umapi-module").is_none()
            && schema.get("x-umapi-type").is_none()
        {
            report.add(&pointer, "module", "a type needs `x-umapi-module`: the Rust file it goes to");
        }
        if let Some(values) = schema.get("x-extensible-enum").and_then(Value::as_array)
            && schema["x-enum-descriptions"].as_array().map(Vec::len) != Some(values.len())
        {
            report.add(&pointer, "description", "`x-enum-descriptions` must describe every value");
        }
        check_variants(report, &pointer, &schema);
    }
    Ok(())
}

fn check_described(report: &mut Report<'_>, pointer: &str, schema: &Value) {
    if schema["description"].as_str().is_none_or(str::is_empty) {
        report.add(pointer, "description", "a schema needs a description");
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if property.get("$ref").is_none() && property["description"].as_str().is_none_or(str::is_empty) {
            report.add(format!("{pointer}/properties/{name}"), "description", "a field needs a description");
        }
    }
}

/// Variants are named by their titles, and documented by their descriptions.
fn check_variants(report: &mut Report<'_>, pointer: &str, schema: &Value) {
    if schema.get("x-umapi-type").is_some() {
        return;
    }
    let mut titles = BTreeSet::new();
    for (index, variant) in schema["oneOf"].as_array().into_iter().flatten().enumerate() {
        let place = format!("{pointer}/oneOf/{index}");
        match variant["title"].as_str() {
            None => report.add(&place, "variant", "an alternative needs a `title`: the name of the Rust variant"),
            Some(title) if !titles.insert(title) => {
                report.add(&place, "variant", format!("the title `{title}` is taken by another alternative"));
            }
            Some(_) => {}
        }
        if variant["description"].as_str().is_none_or(str::is_empty) {
            report.add(&place, "variant", "an alternative needs a description");
        }
    }
}

/// Other languages make a class of each alternative that is an object, by its title alone: it must be the only one.
fn check_class_names(report: &mut Report<'_>) {
    let schemas = report.document.schemas();
    let mut names: BTreeSet<String> = schemas.keys().cloned().collect();
    for (name, schema) in &schemas {
        for (index, variant) in schema["oneOf"].as_array().into_iter().flatten().enumerate() {
            let Some(title) = variant["title"].as_str().filter(|_| variant["type"] == "object") else { continue };
            if !names.insert(title.to_owned()) {
                let place = format!("/components/schemas/{name}/oneOf/{index}");
                report.add(place, "variant", format!("another schema or alternative is called `{title}`"));
            }
        }
    }
}

/// Components that no operation reaches, directly or through others.
fn check_used(report: &mut Report<'_>) {
    let root = &report.document.root;
    let mut reached = BTreeSet::new();
    let mut open: Vec<&Value> = vec![&root["paths"]];
    while let Some(value) = open.pop() {
        let mut references = Vec::new();
        collect_references(value, String::new(), &mut references);
        for (_, target) in references {
            if reached.insert(target.clone())
                && let Some(found) = target.strip_prefix('#').and_then(|place| root.pointer(place))
            {
                open.push(found);
            }
        }
    }
    for (kind, components) in root["components"].as_object().into_iter().flatten() {
        if kind == "securitySchemes" {
            continue;
        }
        for name in components.as_object().into_iter().flatten().map(|(name, _)| name) {
            if !reached.contains(&format!("#/components/{kind}/{name}")) {
                report.add(format!("/components/{kind}/{name}"), "component-used", "nothing uses this component");
            }
        }
    }
}

fn collect_references(value: &Value, pointer: String, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
                found.push((pointer, target.to_owned()));
                return;
            }
            for (key, child) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                collect_references(child, format!("{pointer}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, child) in items.iter().enumerate() {
                collect_references(child, format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}
