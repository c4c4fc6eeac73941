//! The operations that use a schema, in a request or in a response.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::Value;

use super::Document;

/// The operations that use a schema.
#[derive(Default)]
pub(crate) struct Usage {
    pub(crate) requests: BTreeSet<String>,
    pub(crate) responses: BTreeSet<String>,
}

impl Usage {
    /// `in requests of a, b; in responses of c`.
    pub(crate) fn describe(&self) -> String {
        let part = |what: &str, operations: &BTreeSet<String>| {
            let list = operations.iter().cloned().collect::<Vec<_>>().join(", ");
            if list.is_empty() { String::new() } else { format!("in {what} of {list}") }
        };
        let parts = [part("requests", &self.requests), part("responses", &self.responses)];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    }
}

/// The usage of every schema that an operation uses.
pub(crate) fn of(document: &Document) -> Result<BTreeMap<String, Usage>> {
    let mut usages: BTreeMap<String, Usage> = BTreeMap::new();
    for operation in document.operations() {
        let id = operation.id().unwrap_or(operation.path).to_owned();
        let mut requested = BTreeSet::new();
        for parameter in operation.parameters(document)? {
            collect(document, parameter, &mut requested)?;
        }
        if let Some(body) = operation.value.get("requestBody") {
            collect(document, body, &mut requested)?;
        }
        let mut responded = BTreeSet::new();
        if let Some(responses) = operation.value.get("responses") {
            collect(document, responses, &mut responded)?;
        }
        for name in requested {
            usages.entry(name).or_default().requests.insert(id.clone());
        }
        for name in responded {
            usages.entry(name).or_default().responses.insert(id.clone());
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
