//! `cargo xtask spec lint`: the rules of descriptions, which code, mocks and documentation rely on.

mod alternatives;
mod bounds;
mod catalog;
mod examples;
mod keywords;
mod operations;
mod plain;
mod schemas;
mod steps;
#[cfg(test)]
mod tests;
mod types;

use std::fmt;

use anyhow::{Result, bail};
use serde_json::Value;

pub(crate) use examples::validator;

use super::{Document, SpecDir};

/// A broken rule.
#[derive(Debug, PartialEq)]
pub(crate) struct Finding {
    file: String,
    /// The JSON pointer to the location.
    pointer: String,
    rule: &'static str,
    message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}: {} [{}]", self.file, self.pointer, self.message, self.rule)
    }
}

/// The findings of one description while they are collected.
struct Report<'d> {
    document: &'d Document,
    findings: Vec<Finding>,
}

impl Report<'_> {
    fn add(&mut self, pointer: impl Into<String>, rule: &'static str, message: impl Into<String>) {
        let file = format!("spec/{}.yaml", self.document.name);
        self.findings.push(Finding { file, pointer: pointer.into(), rule, message: message.into() });
    }
}

/// Checks all descriptions and returns how many there are. The error lists every finding.
pub(crate) fn lint_all(spec: &SpecDir) -> Result<usize> {
    let mut findings = Vec::new();
    let documents = spec.documents()?;
    for document in &documents {
        findings.extend(lint(document)?);
    }
    findings.extend(examples::unused_files(spec)?);
    if findings.is_empty() {
        return Ok(documents.len());
    }
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    bail!("{}\n{} findings", lines.join("\n"), findings.len())
}

/// Checks one description.
pub(crate) fn lint(document: &Document) -> Result<Vec<Finding>> {
    let mut report = Report { document, findings: Vec::new() };
    if document.root["openapi"].as_str().is_none_or(|version| !version.starts_with("3.0.")) {
        report.add("/openapi", "version", "`openapi` must be 3.0.x");
    }
    schemas::check_references(&mut report);
    // The rules below follow references; they would only repeat a dangling one.
    if report.findings.is_empty() {
        check_rules(&mut report)?;
        examples::check(&mut report)?;
        alternatives::check(&mut report)?;
        plain::check(&mut report)?;
    }
    Ok(report.findings)
}

/// The rules that need no example.
fn check_rules(report: &mut Report<'_>) -> Result<()> {
    keywords::check(report);
    operations::check(report)?;
    schemas::check(report);
    types::check(report)?;
    bounds::check(report);
    steps::check(report);
    catalog::check(report)
}

/// Calls `act` with the pointer and the value of each schema of the description: named ones, those of parameters, headers and
/// bodies, and those inside of other schemas.
fn for_each_schema<'d>(document: &'d Document, mut act: impl FnMut(&str, &'d Value)) {
    find_schemas(&document.root, String::new(), &mut act);
}

fn find_schemas<'d>(value: &'d Value, pointer: String, act: &mut impl FnMut(&str, &'d Value)) {
    match value {
        Value::Object(fields) => {
            for (key, child) in fields {
                let location = pointer_of_key(&pointer, key);
                match key.as_str() {
                    "example" | "examples" | "value" => {}
                    "schema" if child.is_object() => visit_schema(child, &location, act),
                    "schemas" if pointer == "/components" => {
                        for (name, schema) in child.as_object().into_iter().flatten() {
                            visit_schema(schema, &pointer_of_key(&location, name), act);
                        }
                    }
                    _ => find_schemas(child, location, act),
                }
            }
        }
        Value::Array(items) => {
            for (index, child) in items.iter().enumerate() {
                find_schemas(child, format!("{pointer}/{index}"), act);
            }
        }
        _ => {}
    }
}

fn visit_schema<'d>(schema: &'d Value, pointer: &str, act: &mut impl FnMut(&str, &'d Value)) {
    act(pointer, schema);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        visit_schema(property, &pointer_of_key(&format!("{pointer}/properties"), name), act);
    }
    for keyword in ["oneOf", "anyOf", "allOf"] {
        for (index, part) in schema[keyword].as_array().into_iter().flatten().enumerate() {
            visit_schema(part, &format!("{pointer}/{keyword}/{index}"), act);
        }
    }
    for keyword in ["items", "additionalProperties", "not"] {
        if let Some(inner) = schema.get(keyword).filter(|inner| inner.is_object()) {
            visit_schema(inner, &format!("{pointer}/{keyword}"), act);
        }
    }
}

/// The JSON pointer to a key of the object at `pointer`.
fn pointer_of_key(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}
