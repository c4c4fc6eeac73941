//! Checks that references resolve, components are used, and schemas, fields and alternatives are described.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Report, for_each_schema};

pub(super) fn check_references(report: &mut Report<'_>) {
    let mut references = Vec::new();
    collect_references(&report.document.root, String::new(), &mut references);
    for (pointer, target) in references {
        let found = target.strip_prefix('#').and_then(|pointer| report.document.root.pointer(pointer));
        if found.is_none() {
            report.add(pointer, "reference", format!("`{target}` does not exist in this file"));
        }
    }
}

pub(super) fn check(report: &mut Report<'_>) {
    check_used(report);
    check_class_names(report);
    check_described(report);
    for (name, schema) in report.document.schemas() {
        check_variants(report, &format!("/components/schemas/{name}"), &schema);
    }
}

fn check_described(report: &mut Report<'_>) {
    for (name, schema) in report.document.schemas() {
        if schema["description"].as_str().is_none_or(str::is_empty) {
            report.add(format!("/components/schemas/{name}"), "description", "a schema needs a description");
        }
    }
    let mut findings = Vec::new();
    for_each_schema(report.document, |pointer, schema| {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if property.get("$ref").is_none() && property["description"].as_str().is_none_or(str::is_empty) {
                findings.push(format!("{pointer}/properties/{name}"));
            }
        }
    });
    for pointer in findings {
        report.add(pointer, "description", "a field needs a description");
    }
}

/// The title of a variant becomes its name, and its description becomes its documentation.
fn check_variants(report: &mut Report<'_>, pointer: &str, schema: &Value) {
    if schema.get("x-umapi-type").is_some() {
        return;
    }
    let mut titles = BTreeSet::new();
    for (index, variant) in schema["oneOf"].as_array().into_iter().flatten().enumerate() {
        let location = format!("{pointer}/oneOf/{index}");
        match variant["title"].as_str() {
            None => report.add(&location, "variant", "an alternative needs a `title`: the name of the Rust variant"),
            Some(title) if !titles.insert(title) => {
                report.add(&location, "variant", format!("the title `{title}` is taken by another alternative"));
            }
            Some(_) => {}
        }
        if variant["description"].as_str().is_none_or(str::is_empty) {
            report.add(&location, "variant", "an alternative needs a description");
        }
    }
}

/// Generators of other languages create a class for each alternative that is an object, named by its title: titles must be
/// unique.
fn check_class_names(report: &mut Report<'_>) {
    let schemas = report.document.schemas();
    let mut names: BTreeSet<String> = schemas.keys().cloned().collect();
    for (name, schema) in &schemas {
        for (index, variant) in schema["oneOf"].as_array().into_iter().flatten().enumerate() {
            let Some(title) = variant["title"].as_str().filter(|_| variant["type"] == "object") else { continue };
            if !names.insert(title.to_owned()) {
                let location = format!("/components/schemas/{name}/oneOf/{index}");
                report.add(location, "variant", format!("another schema or alternative is called `{title}`"));
            }
        }
    }
}

/// Finds components that no operation uses, directly or indirectly.
fn check_used(report: &mut Report<'_>) {
    let root = &report.document.root;
    let mut reached = BTreeSet::new();
    let mut open: Vec<&Value> = vec![&root["paths"]];
    while let Some(value) = open.pop() {
        let mut references = Vec::new();
        collect_references(value, String::new(), &mut references);
        for (_, target) in references {
            if reached.insert(target.clone())
                && let Some(found) = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer))
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
