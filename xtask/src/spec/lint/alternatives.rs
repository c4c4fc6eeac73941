//! Checks that each alternative of a union is in an example: mocks, documentation and tests are made of them.

use std::collections::BTreeMap;

use anyhow::Result;
use jsonschema::Validator;
use serde_json::Value;

use super::{Report, examples};
use crate::spec::Document;

/// The alternatives of the unions, by the pointer of each.
struct Alternatives<'d> {
    document: &'d Document,
    all: BTreeMap<String, Alternative>,
}

struct Alternative {
    validator: Validator,
    has_example: bool,
}

pub(super) fn check(report: &mut Report<'_>) -> Result<()> {
    let mut alternatives = Alternatives { document: report.document, all: BTreeMap::new() };
    for (name, schema) in report.document.schemas() {
        // What is written by hand has its own tests.
        if schema.get("x-umapi-type").is_none() {
            alternatives.collect(&format!("/components/schemas/{name}"), &schema)?;
        }
    }
    for (_, media_type) in examples::media_types(report.document) {
        let Some(schema) = media_type.get("schema") else { continue };
        for example in media_type["examples"].as_object().into_iter().flatten().map(|(_, example)| example) {
            // An example that cannot be read is another finding.
            let Ok(value) = report.document.example_value(example) else { continue };
            alternatives.visit("", schema, &value)?;
        }
    }
    let missing: Vec<String> = alternatives
        .all
        .into_iter()
        .filter(|(_, alternative)| !alternative.has_example)
        .map(|(pointer, _)| pointer)
        .collect();
    for pointer in missing {
        let message = "no example contains this alternative: add it to one under `spec/examples`";
        report.add(pointer, "alternative", message);
    }
    Ok(())
}

impl Alternatives<'_> {
    fn collect(&mut self, pointer: &str, schema: &Value) -> Result<()> {
        for keyword in ["oneOf", "anyOf"] {
            for (index, alternative) in schema[keyword].as_array().into_iter().flatten().enumerate() {
                let location = format!("{pointer}/{keyword}/{index}");
                self.collect(&location, alternative)?;
                // A schema that is not valid is another finding.
                if let Ok(validator) = examples::validator(self.document, alternative) {
                    self.all.insert(location, Alternative { validator, has_example: false });
                }
            }
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            self.collect(&format!("{pointer}/properties/{name}"), property)?;
        }
        if let Some(items) = schema.get("items") {
            self.collect(&format!("{pointer}/items"), items)?;
        }
        Ok(())
    }

    /// Notes which alternatives a value is made of.
    fn visit(&mut self, pointer: &str, schema: &Value, value: &Value) -> Result<()> {
        if let Some(target) = schema["$ref"].as_str() {
            let pointer = target.trim_start_matches('#').to_owned();
            let schema = self.document.resolve(schema)?.clone();
            return self.visit(&pointer, &schema, value);
        }
        for (index, part) in schema["allOf"].as_array().into_iter().flatten().enumerate() {
            self.visit(&format!("{pointer}/allOf/{index}"), part, value)?;
        }
        for keyword in ["oneOf", "anyOf"] {
            for (index, alternative) in schema[keyword].as_array().into_iter().flatten().enumerate() {
                let location = format!("{pointer}/{keyword}/{index}");
                if let Some(known) = self.all.get_mut(&location)
                    && known.validator.is_valid(value)
                {
                    known.has_example = true;
                    self.visit(&location, alternative, value)?;
                }
            }
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(child) = value.get(name) {
                self.visit(&format!("{pointer}/properties/{name}"), property, child)?;
            }
        }
        if let Some(items) = schema.get("items") {
            for item in value.as_array().into_iter().flatten() {
                self.visit(&format!("{pointer}/items"), items, item)?;
            }
        }
        Ok(())
    }
}
