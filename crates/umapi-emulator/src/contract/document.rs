//! An OpenAPI document whose schemas are read as JSON Schema.

use serde_json::{Map, Value, json};

/// An OpenAPI document whose schemas are read as JSON Schema.
pub(super) struct Document {
    root: Value,
    /// `components.schemas` as JSON Schema, for `$ref`s to point into.
    schemas: Value,
}

impl Document {
    /// Reads a built-in description.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let root: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut schemas = root.pointer("/components/schemas").cloned().unwrap_or_default();
        to_json_schema(&mut schemas);
        Ok(Self { root, schemas })
    }

    /// The path of the server's URL, e.g. `/v2/usermanagement`. Empty if there is none.
    pub(super) fn base(&self) -> &str {
        let url = self.root.pointer("/servers/0/url").and_then(Value::as_str).unwrap_or_default();
        let path = url.split_once("://").map_or(url, |(_, rest)| rest).split_once('/').map_or("", |(_, path)| path);
        match path {
            "" => "",
            path => &url[url.len() - path.len() - 1..],
        }
    }

    /// The paths and their items.
    pub(super) fn paths(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.root.get("paths").and_then(Value::as_object).into_iter().flatten()
    }

    /// The node, or the target of its `$ref`.
    pub(super) fn follow<'a>(&'a self, node: &'a Value) -> &'a Value {
        let target = node.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix('#'));
        target.and_then(|pointer| self.root.pointer(pointer)).map_or(node, |found| self.follow(found))
    }

    /// A self-contained schema: with everything that it refers to, but nothing else, because every validator has its own copy.
    pub(super) fn schema(&self, node: &Value) -> Value {
        let mut schema = node.clone();
        to_json_schema(&mut schema);
        let mut needed = Map::new();
        self.collect(&schema, &mut needed);
        json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "allOf": [schema],
            "components": {"schemas": needed},
        })
    }

    /// Adds the schemas that a node refers to, recursively.
    fn collect(&self, node: &Value, into: &mut Map<String, Value>) {
        match node {
            Value::Array(items) => items.iter().for_each(|item| self.collect(item, into)),
            Value::Object(map) => {
                let target = map.get("$ref").and_then(Value::as_str);
                let name = target.and_then(|target| target.strip_prefix("#/components/schemas/"));
                if let Some((name, schema)) = name.and_then(|name| Some((name, self.schemas.get(name)?)))
                    && !into.contains_key(name)
                {
                    into.insert(name.to_owned(), schema.clone());
                    self.collect(schema, into);
                }
                map.values().for_each(|value| self.collect(value, into));
            }
            _ => {}
        }
    }
}

/// Converts the keywords of OpenAPI 3.0 to JSON Schema: `nullable`, and the ranges of number formats.
fn to_json_schema(node: &mut Value) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(to_json_schema),
        Value::Object(map) => {
            map.values_mut().for_each(to_json_schema);
            ranges(map);
            if map.remove("nullable").is_some_and(|nullable| nullable == true) {
                let inner = Value::Object(std::mem::take(map));
                map.insert("anyOf".to_owned(), json!([{"type": "null"}, inner]));
            }
        }
        _ => {}
    }
}

fn ranges(schema: &mut Map<String, Value>) {
    let (least, most) = match schema.get("format").and_then(Value::as_str) {
        Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        Some("int64") => (i64::MIN, i64::MAX),
        _ => return,
    };
    schema.entry("minimum").or_insert(least.into());
    schema.entry("maximum").or_insert(most.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nullable_and_formats_become_json_schema() {
        let mut schema = json!({"properties": {"n": {"type": "integer", "format": "int32", "nullable": true}}});
        to_json_schema(&mut schema);
        let validator = jsonschema::validator_for(&schema).unwrap();
        assert!(validator.is_valid(&json!({"n": null})) && validator.is_valid(&json!({"n": 7})));
        assert!(!validator.is_valid(&json!({"n": 2_147_483_648_i64})) && !validator.is_valid(&json!({"n": "7"})));
    }

    #[test]
    fn a_schema_contains_only_what_it_refers_to() {
        let text = r##"{"components":{"schemas":{"A":{"items":{"$ref":"#/components/schemas/B"}},
            "B":{"properties":{"a":{"$ref":"#/components/schemas/A"}}},"C":{"type":"string"}}}}"##;
        let document = Document::new(text).unwrap();
        let schema = document.schema(&json!({"$ref": "#/components/schemas/A"}));
        let names: Vec<_> = schema["components"]["schemas"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["A", "B"]);
        assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&json!([{"a": []}])));
    }

    #[test]
    fn the_base_is_the_path_of_the_server() {
        let document = Document::new(r#"{"servers":[{"url":"https://x.example/v2/usermanagement"}]}"#).unwrap();
        assert_eq!(document.base(), "/v2/usermanagement");
        assert_eq!(Document::new(r#"{"servers":[{"url":"https://x.example"}]}"#).unwrap().base(), "");
    }
}
