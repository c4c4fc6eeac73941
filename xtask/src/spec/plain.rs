//! The plain form of a description, for generators that turn a union of anything but objects into code that does not work.
//!
//! A schema that is such a union states in `x-umapi-plain` what its references become: another schema of the description
//! (`$ref`), or a schema without a type, which generators turn into their type for any value. A union of objects in a
//! response states `merge`, and becomes one object with the fields of all. A parameter with `x-umapi-plain: skip` is left
//! out: it repeats a field of the body, and both would be arguments of one method.

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use super::{Document, lint};

/// The key of a schema or parameter that says what it becomes in the plain form.
const PLAIN: &str = "x-umapi-plain";

/// The plain form of a description. `None` if the description itself is plain: nothing in it states a plain form.
pub(crate) fn plain_form(document: &Document) -> Result<Option<Document>> {
    let replacements = Replacements::of(document)?;
    if replacements.is_empty() {
        return Ok(None);
    }
    let mut plain = document.clone();
    for kind in ["schemas", "parameters"] {
        if let Some(components) = plain.root["components"].get_mut(kind).and_then(Value::as_object_mut) {
            components.retain(|_, component| component.get(PLAIN).is_none_or(|form| form == "merge"));
        }
    }
    for (name, merged) in &replacements.merged {
        plain.root["components"]["schemas"][name] = merged.clone();
    }
    replacements.apply(&mut plain.root);
    if let Some(Value::String(description)) = plain.root.pointer_mut("/info/description") {
        description.push_str(" This is the plain form, for generators without unions: see `spec/README.md`.");
    }
    let as_plain = plain.clone();
    retain_matching_examples(&as_plain, &mut plain.root)?;
    Ok(Some(plain))
}

struct Replacements {
    /// What the references to each replaced schema become, by reference.
    schemas: Map<String, Value>,
    /// The objects that replace unions of objects, by name.
    merged: Map<String, Value>,
    /// The references to parameters that are left out.
    skipped: Vec<String>,
}

impl Replacements {
    fn of(document: &Document) -> Result<Self> {
        let mut schemas = Map::new();
        let mut merged = Map::new();
        for (name, schema) in document.schemas() {
            let Some(plain) = schema.get(PLAIN) else { continue };
            if plain == "merge" {
                merged.insert(name, merge(document, &schema)?);
                continue;
            }
            let replacement = match plain.as_object() {
                Some(fields) if fields.contains_key("$ref") && fields.len() == 1 => plain.clone(),
                Some(fields) if !fields.contains_key("type") && !fields.contains_key("$ref") => {
                    let mut replacement = json!({ "description": schema["description"] });
                    fields.iter().for_each(|(key, value)| replacement[key] = value.clone());
                    replacement
                }
                _ => bail!(
                    "{}: the `{PLAIN}` of {name} must be `merge`, a `$ref` or a schema without type",
                    document.name
                ),
            };
            schemas.insert(format!("#/components/schemas/{name}"), replacement);
        }
        let parameters = document.root["components"]["parameters"].as_object().into_iter().flatten();
        let skipped = parameters.filter(|(_, parameter)| parameter[PLAIN] == "skip");
        let skipped = skipped.map(|(name, _)| format!("#/components/parameters/{name}")).collect();
        Ok(Self { schemas, merged, skipped })
    }

    fn is_empty(&self) -> bool {
        self.schemas.is_empty() && self.merged.is_empty() && self.skipped.is_empty()
    }

    fn of_reference(&self, value: &Value) -> Option<&Value> {
        self.schemas.get(value.get("$ref")?.as_str()?)
    }

    fn is_skipped(&self, value: &Value) -> bool {
        value["$ref"].as_str().is_some_and(|reference| self.skipped.iter().any(|skipped| skipped == reference))
    }

    fn apply(&self, value: &mut Value) {
        if let Some(replacement) = self.of_reference(value) {
            *value = replacement.clone();
            return;
        }
        // `allOf` with one entry means the entry with another description.
        if let Some([only]) = value.get("allOf").and_then(Value::as_array).map(Vec::as_slice)
            && let Some(replacement) = self.of_reference(only).filter(|replacement| replacement.get("$ref").is_none())
        {
            let mut merged = replacement.clone();
            for (key, own) in value.as_object().into_iter().flatten().filter(|(key, _)| *key != "allOf") {
                merged[key] = own.clone();
            }
            *value = merged;
        }
        match value {
            Value::Object(fields) => fields.values_mut().for_each(|child| self.apply(child)),
            Value::Array(items) => {
                items.retain(|item| !self.is_skipped(item));
                items.iter_mut().for_each(|child| self.apply(child));
            }
            _ => {}
        }
    }
}

/// One object with the fields of all alternatives of a union. Required is what all of them require. Of fields whose names
/// differ in case and underscores alone, only the first is kept: generators would give them one name.
fn merge(document: &Document, union: &Value) -> Result<Value> {
    let mut properties = Map::new();
    let mut required: Option<Vec<Value>> = None;
    for alternative in union["oneOf"].as_array().into_iter().flatten() {
        let only = alternative["allOf"].get(0).unwrap_or(alternative);
        let object = document.resolve(only)?;
        for (name, property) in object["properties"].as_object().into_iter().flatten() {
            let as_class_field = |name: &str| name.replace('_', "").to_lowercase();
            if !properties.keys().any(|kept| as_class_field(kept) == as_class_field(name)) {
                properties.insert(name.clone(), property.clone());
            }
        }
        let requires = object["required"].as_array().cloned().unwrap_or_default();
        required = Some(match required {
            None => requires,
            Some(all) => all.into_iter().filter(|name| requires.contains(name)).collect(),
        });
    }
    let mut merged = union.clone();
    if let Some(fields) = merged.as_object_mut() {
        fields.shift_remove("oneOf");
        fields.insert("type".to_owned(), json!("object"));
        let required = required.unwrap_or_default();
        if !required.is_empty() {
            fields.insert("required".to_owned(), Value::Array(required));
        }
        fields.insert("additionalProperties".to_owned(), json!(true));
        fields.insert("properties".to_owned(), Value::Object(properties));
    }
    Ok(merged)
}

/// Removes the examples of forms that the plain form does not have.
fn retain_matching_examples(plain: &Document, value: &mut Value) -> Result<()> {
    match value {
        Value::Object(fields) => {
            if let Some(schema) = fields.get("schema").cloned()
                && let Some(examples) = fields.get_mut("examples").and_then(Value::as_object_mut)
            {
                let validator = lint::validator(plain, &schema)?;
                let mut matching = Map::new();
                for (name, example) in std::mem::take(examples) {
                    if validator.is_valid(&plain.example_value(&example)?) {
                        matching.insert(name, example);
                    }
                }
                *examples = matching;
            }
            fields.values_mut().try_for_each(|child| retain_matching_examples(plain, child))
        }
        Value::Array(items) => items.iter_mut().try_for_each(|child| retain_matching_examples(plain, child)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parsed(root: &Value) -> Document {
        Document::parse(Path::new("spec/some.yaml"), &root.to_string()).unwrap()
    }

    fn description(plain_of_id: &Value) -> Document {
        let body =
            |schema: Value, examples: Value| json!({ "application/json": { "schema": schema, "examples": examples } });
        let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        let examples = json!({ "one": { "value": { "id": 1 } }, "list": { "value": [{ "id": "1" }] } });
        parsed(&json!({
            "info": { "description": "Things." },
            "paths": { "/things": { "post": {
                "parameters": [{ "$ref": "#/components/parameters/Kept" }, { "$ref": "#/components/parameters/Left" }],
                "requestBody": { "content": body(reference("OneOrMany"), examples) },
            } } },
            "components": { "parameters": { "Kept": { "name": "kept" }, "Left": { "x-umapi-plain": "skip" } }, "schemas": {
                "OneOrMany": {
                    "description": "One or many.",
                    "x-umapi-plain": reference("Thing"),
                    "oneOf": [reference("Thing"), { "type": "array", "items": reference("Thing") }],
                },
                "Thing": { "type": "object", "properties": {
                    "id": reference("Id"),
                    "owner": { "description": "The owner.", "allOf": [reference("Id")] },
                    "parts": { "type": "array", "items": reference("Id") },
                } },
                "Id": {
                    "description": "An id.",
                    "x-umapi-plain": plain_of_id,
                    "oneOf": [{ "type": "integer" }, { "type": "string" }],
                },
            } },
        }))
    }

    #[test]
    fn unions_become_their_plain_forms() {
        let plain = plain_form(&description(&json!({ "nullable": true }))).unwrap().unwrap().root;
        let schemas = plain["components"]["schemas"].as_object().unwrap();
        assert_eq!(schemas.keys().collect::<Vec<_>>(), ["Thing"]);
        let id = json!({ "description": "An id.", "nullable": true });
        assert_eq!(schemas["Thing"]["properties"]["id"], id);
        assert_eq!(schemas["Thing"]["properties"]["parts"]["items"], id);
        let owner = json!({ "description": "The owner.", "nullable": true });
        assert_eq!(schemas["Thing"]["properties"]["owner"], owner);
        let body = &plain["paths"]["/things"]["post"]["requestBody"]["content"]["application/json"];
        assert_eq!(body["schema"], json!({ "$ref": "#/components/schemas/Thing" }));
        assert_eq!(plain["components"]["parameters"], json!({ "Kept": { "name": "kept" } }));
        let parameters = &plain["paths"]["/things"]["post"]["parameters"];
        assert_eq!(parameters, &json!([{ "$ref": "#/components/parameters/Kept" }]));
        // The list is not an example of the plain form.
        assert_eq!(body["examples"].as_object().unwrap().keys().collect::<Vec<_>>(), ["one"]);
        assert_ne!(plain["info"]["description"], "Things.");
    }

    #[test]
    fn merged_objects_have_the_fields_of_all() {
        let object = |required: Value, properties: Value| json!({ "required": required, "properties": properties });
        let (id, code) = (json!({ "type": "string" }), json!({ "type": "integer" }));
        let document = parsed(&json!({ "components": { "schemas": {
            "Either": {
                "description": "One of both.",
                "x-umapi-plain": "merge",
                "oneOf": [
                    { "title": "A", "allOf": [{ "$ref": "#/components/schemas/A" }] },
                    object(json!(["id"]), json!({ "code": code, "id": id, "size": code })),
                ],
            },
            "A": object(json!(["id", "text"]), json!({ "id": id, "text": id, "CO_DE": id })),
        } } }));
        let plain = plain_form(&document).unwrap().unwrap().root;
        assert_eq!(
            plain["components"]["schemas"]["Either"],
            json!({
                "description": "One of both.",
                "x-umapi-plain": "merge",
                "type": "object",
                "required": ["id"],
                "additionalProperties": true,
                "properties": { "id": id, "text": id, "CO_DE": id, "size": code },
            })
        );
    }

    #[test]
    fn a_description_without_such_unions_is_plain_itself() {
        let document = parsed(&json!({ "components": { "schemas": { "Thing": { "type": "object" } } } }));
        assert!(plain_form(&document).unwrap().is_none());
    }

    #[test]
    fn a_plain_form_is_a_reference_or_has_no_type() {
        for wrong in [json!("any"), json!({ "type": "string" }), json!({ "$ref": "#/x", "nullable": true })] {
            let error = plain_form(&description(&wrong)).err().unwrap().to_string();
            assert_eq!(
                error, "some: the `x-umapi-plain` of Id must be `merge`, a `$ref` or a schema without type",
                "{wrong}"
            );
        }
    }
}
