//! Checks that every request and response has an example, every example matches its schema, and every example file is used.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use serde_json::{Map, Value, json};

use super::{Finding, Report, SpecDir};
use crate::spec::Document;

pub(super) fn check(report: &mut Report<'_>) -> Result<()> {
    for (pointer, media_type) in media_types(report.document) {
        let Some(schema) = media_type.get("schema") else {
            report.add(&pointer, "example-present", "a body needs a schema");
            continue;
        };
        let validator = match validator(report.document, schema) {
            Ok(validator) => validator,
            Err(error) => {
                report.add(&pointer, "schema", error.to_string());
                continue;
            }
        };
        let examples = media_type["examples"].as_object().cloned().unwrap_or_default();
        if examples.is_empty() {
            report.add(&pointer, "example-present", "a body needs at least one entry under `examples`");
        }
        for (name, example) in examples {
            let location = format!("{pointer}/examples/{name}");
            match report.document.example_value(&example) {
                Ok(value) => {
                    for error in validator.iter_errors(&value) {
                        let at = error.instance_path().to_string();
                        report.add(
                            &location,
                            "example-valid",
                            format!("the example does not match its schema at `{at}`: {error}"),
                        );
                    }
                }
                Err(error) => report.add(&location, "example-valid", format!("{error:#}")),
            }
        }
    }
    check_parameter_examples(report)
}

fn check_parameter_examples(report: &mut Report<'_>) -> Result<()> {
    let document = report.document;
    for operation in document.operations() {
        for parameter in operation.parameters(document)? {
            let (Some(schema), Some(example)) = (parameter.get("schema"), parameter.get("example")) else { continue };
            let pointer = document.pointer_of(operation.path, operation.method);
            let name = &parameter["name"];
            match validator(document, schema) {
                Ok(validator) => {
                    if let Err(error) = validator.validate(example) {
                        let message = format!("the example of the parameter {name} does not match its schema: {error}");
                        report.add(pointer, "example-valid", message);
                    }
                }
                Err(error) => report.add(pointer, "schema", format!("the parameter {name}: {error}")),
            }
        }
    }
    Ok(())
}

/// The files in `spec/examples` that no description uses.
pub(super) fn unused_files(spec: &SpecDir) -> Result<Vec<Finding>> {
    let mut used = BTreeSet::new();
    for document in spec.documents()? {
        collect_used_files(&document.root, &mut used);
    }
    let mut findings = Vec::new();
    for entry in std::fs::read_dir(spec.path().join("examples"))? {
        let name = format!("examples/{}", entry?.file_name().to_string_lossy());
        if !used.contains(&name) {
            let message = "no description uses this example".to_owned();
            let file = format!("spec/{name}");
            findings.push(Finding { file, pointer: String::new(), rule: "example-used", message });
        }
    }
    Ok(findings)
}

/// A validator of one schema of the description.
pub(crate) fn validator(document: &Document, schema: &Value) -> Result<jsonschema::Validator> {
    let mut schemas = document.root.pointer("/components/schemas").cloned().unwrap_or_else(|| json!({}));
    convert_nullable(&mut schemas);
    let mut schema = schema.clone();
    convert_nullable(&mut schema);
    let whole = json!({ "allOf": [schema], "components": { "schemas": schemas } });
    jsonschema::draft4::new(&whole).map_err(|error| anyhow!("not a usable schema: {error}"))
}

/// OpenAPI 3.0 has `nullable: true`, JSON Schema has the type `null`.
fn convert_nullable(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(convert_nullable);
            if fields.shift_remove("nullable") == Some(json!(true)) {
                let given: Map<String, Value> = fields.clone();
                *fields = Map::from_iter([("anyOf".to_owned(), json!([given, { "enum": [null] }]))]);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(convert_nullable),
        _ => {}
    }
}

/// The bodies of the description, with the pointer to each.
pub(super) fn media_types(document: &Document) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    collect_media_types(&document.root, String::new(), &mut found);
    found
}

fn collect_media_types(value: &Value, pointer: String, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(fields) => {
            for (key, child) in fields {
                let location = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                match child.as_object() {
                    Some(media_types) if key == "content" => {
                        let each = media_types.iter();
                        found.extend(
                            each.map(|(name, media)| {
                                (format!("{location}/{}", name.replace('/', "~1")), media.clone())
                            }),
                        );
                    }
                    _ => collect_media_types(child, location, found),
                }
            }
        }
        Value::Array(items) => {
            for (index, child) in items.iter().enumerate() {
                collect_media_types(child, format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn collect_used_files(value: &Value, used: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            used.extend(fields.get("externalValue").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|child| collect_used_files(child, used));
        }
        Value::Array(items) => items.iter().for_each(|child| collect_used_files(child, used)),
        _ => {}
    }
}
