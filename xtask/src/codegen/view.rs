//! Simplifies the description for the Rust generator.
//!
//! The generator supports one error type per operation, turns constraints into new types, and cannot leave a parameter to a hook.
//! The description contains more, so it is simplified here before it is passed to the generator.

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::spec::Document;

/// The responses to keep.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Responses {
    /// Only 2xx: for the endpoints, which return every other response unread.
    Successes,
    /// All: for the mocks, which replace the server.
    All,
}

/// The simplified description.
pub(crate) fn of(document: &Document, responses: Responses) -> Result<openapiv3::OpenAPI> {
    let mut root = document.root.clone();
    let paths = root.pointer_mut("/paths").and_then(Value::as_object_mut).context("the description has no paths")?;
    for item in paths.values_mut().filter_map(Value::as_object_mut) {
        simplify_path_item(document, item, responses)?;
    }
    let schemas = simplified_schemas(document)?;
    root["components"] = json!({ "schemas": schemas });
    inline_plain(&document.schemas(), &mut root["paths"]);
    simplify_schema(&mut root["paths"]);
    Ok(serde_json::from_value(root)?)
}

/// The simplified description without operations, for the models.
pub(crate) fn schemas_of(document: &Document) -> Result<openapiv3::OpenAPI> {
    Ok(serde_json::from_value(json!({
        "openapi": "3.0.3",
        "info": { "title": document.name, "version": "0" },
        "paths": {},
        "components": { "schemas": simplified_schemas(document)? },
    }))?)
}

/// Whether a schema becomes its own type in Rust. Plain strings and lists are inlined.
pub(crate) fn is_named_type(schema: &Value) -> bool {
    let is_plain = matches!(schema["type"].as_str(), Some("string" | "array" | "integer"))
        && schema.get("x-extensible-enum").is_none()
        && schema.get("x-umapi-type").is_none()
        && schema.get("enum").is_none();
    !is_plain
}

fn simplify_path_item(document: &Document, item: &mut Map<String, Value>, responses: Responses) -> Result<()> {
    for (key, value) in item.iter_mut() {
        if key == "parameters" {
            *value = kept_parameters(document, value)?;
        } else if let Some(operation) = value.as_object_mut() {
            simplify_operation(document, operation, responses)?;
        }
    }
    Ok(())
}

fn simplify_operation(document: &Document, operation: &mut Map<String, Value>, responses: Responses) -> Result<()> {
    if let Some(parameters) = operation.get_mut("parameters") {
        *parameters = kept_parameters(document, parameters)?;
    }
    if let Some(body) = operation.get_mut("requestBody") {
        let mut resolved = document.resolve(body)?.clone();
        if let Some(content) = resolved.get_mut("content").and_then(Value::as_object_mut) {
            // One media type per call: the first one is sent.
            content.retain({
                let first = content.keys().next().cloned();
                move |media_type, _| Some(media_type) == first.as_ref()
            });
        }
        resolved["required"] = json!(true);
        *body = resolved;
    }
    if let Some(described) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        if responses == Responses::Successes {
            described.retain(|status, _| status.starts_with('2'));
        }
        for response in described.values_mut() {
            let mut resolved = document.resolve(response)?.clone();
            if let Some(fields) = resolved.as_object_mut() {
                fields.shift_remove("headers");
            }
            *response = resolved;
        }
    }
    Ok(())
}

/// The parameters that become arguments, without those that a hook sends.
fn kept_parameters(document: &Document, parameters: &Value) -> Result<Value> {
    let mut kept = Vec::new();
    for parameter in parameters.as_array().into_iter().flatten() {
        let resolved = document.resolve(parameter)?.clone();
        if resolved["x-umapi-rust"] != "skip" {
            kept.push(resolved);
        }
    }
    Ok(Value::Array(kept))
}

fn simplified_schemas(document: &Document) -> Result<Map<String, Value>> {
    let all = document.schemas();
    let mut kept: Map<String, Value> = all.clone();
    kept.retain(|_, schema| is_named_type(schema));
    for schema in kept.values_mut() {
        describe_properties(&all, schema);
        inline_plain(&all, schema);
        simplify_schema(schema);
    }
    Ok(kept)
}

/// Copies descriptions from the targets of references to properties, so that the fields are documented.
fn describe_properties(all: &Map<String, Value>, schema: &mut Value) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for property in properties.values_mut() {
            if let Some(target) = referred(all, property) {
                let description = target["description"].clone();
                *property = json!({ "description": description, "allOf": [property.clone()] });
            }
        }
    }
    if let Some(variants) = schema.get_mut("oneOf").and_then(Value::as_array_mut) {
        variants.iter_mut().for_each(|variant| describe_properties(all, variant));
    }
}

/// Inlines references to plain strings and lists.
fn inline_plain(all: &Map<String, Value>, value: &mut Value) {
    if let Some(target) = referred(all, value)
        && !is_named_type(target)
    {
        *value = target.clone();
    }
    // `allOf` with one plain entry means the entry with another description.
    if let Some([only]) = value.get("allOf").and_then(Value::as_array).map(Vec::as_slice)
        && let Some(target) = referred(all, only)
        && !is_named_type(target)
    {
        let mut merged = target.clone();
        for (key, own) in value.as_object().into_iter().flatten().filter(|(key, _)| *key != "allOf") {
            merged[key] = own.clone();
        }
        *value = merged;
    }
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|child| inline_plain(all, child)),
        Value::Array(items) => items.iter_mut().for_each(|child| inline_plain(all, child)),
        _ => {}
    }
}

fn referred<'a>(all: &'a Map<String, Value>, value: &Value) -> Option<&'a Value> {
    all.get(value.get("$ref")?.as_str()?.strip_prefix("#/components/schemas/")?)
}

/// Removes keywords that would become new types or assertions, after choosing the width of numbers.
fn simplify_schema(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let is_unsigned = fields.get("minimum").and_then(Value::as_i64) == Some(0);
            if is_unsigned && let Some(Value::String(format)) = fields.get_mut("format") {
                *format = format.replace("int", "uint");
            }
            for keyword in ["pattern", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"] {
                if fields.get(keyword).is_some_and(|bound| !bound.is_object()) {
                    fields.shift_remove(keyword);
                }
            }
            // `true` is the default; with an empty schema, the generator keeps unknown fields.
            if fields.get("additionalProperties") == Some(&json!(true)) {
                fields.insert("additionalProperties".to_owned(), json!({}));
            }
            for keyword in ["example", "examples"] {
                fields.shift_remove(keyword);
            }
            fields.values_mut().for_each(simplify_schema);
        }
        Value::Array(items) => items.iter_mut().for_each(simplify_schema),
        _ => {}
    }
}
