//! Which operations a schema reaches, as part of a request or of an answer.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::Value;

use crate::spec::Document;

/// Where a schema is used.
#[derive(Default)]
pub(super) struct Usage {
    pub(super) requests: BTreeSet<String>,
    pub(super) answers: BTreeSet<String>,
}

impl Usage {
    /// `in requests of a, b; in answers of c`.
    pub(super) fn describe(&self) -> String {
        let part = |what: &str, operations: &BTreeSet<String>| {
            let list = operations.iter().cloned().collect::<Vec<_>>().join(", ");
            if list.is_empty() { String::new() } else { format!("in {what} of {list}") }
        };
        let parts = [part("requests", &self.requests), part("answers", &self.answers)];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    }
}

/// The usage of every schema that an operation reaches.
pub(super) fn of(document: &Document) -> Result<BTreeMap<String, Usage>> {
    let mut usages: BTreeMap<String, Usage> = BTreeMap::new();
    for operation in document.operations() {
        let id = operation.id().unwrap_or(operation.path).to_owned();
        let mut asked = BTreeSet::new();
        for parameter in operation.parameters(document)? {
            collect(document, parameter, &mut asked)?;
        }
        if let Some(body) = operation.value.get("requestBody") {
            collect(document, body, &mut asked)?;
        }
        let mut answered = BTreeSet::new();
        if let Some(responses) = operation.value.get("responses") {
            collect(document, responses, &mut answered)?;
        }
        for name in asked {
            usages.entry(name).or_default().requests.insert(id.clone());
        }
        for name in answered {
            usages.entry(name).or_default().answers.insert(id.clone());
        }
    }
    Ok(usages)
}

fn collect(document: &Document, value: &Value, found: &mut BTreeSet<String>) -> Result<()> {
    match value {
        Value::Object(fields) => {
            if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
                let is_new = match target.strip_prefix("#/components/schemas/") {
                    Some(name) => found.insert(name.to_owned()),
                    None => true,
                };
                if is_new {
                    collect(document, document.resolve(value)?, found)?;
                }
                return Ok(());
            }
            fields.values().try_for_each(|child| collect(document, child, found))
        }
        Value::Array(items) => items.iter().try_for_each(|child| collect(document, child, found)),
        _ => Ok(()),
    }
}
