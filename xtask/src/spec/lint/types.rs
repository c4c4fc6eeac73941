//! Checks that the Rust generator can make a type of each schema: modules, names, formats, and enums that may grow.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use heck::{ToSnakeCase, ToUpperCamelCase};
use serde_json::Value;

use super::{Report, for_each_schema};
use crate::{
    codegen::{OWN_MODULES, RESERVED_TYPES, code_name, is_named_type},
    spec::{text_of, usage},
};

/// The formats that become a number or a text in Rust.
const FORMATS: [&str; 5] = ["int32", "int64", "float", "double", "password"];

pub(super) fn check(report: &mut Report<'_>) -> Result<()> {
    // No Rust types are generated from some descriptions.
    if report.document.root["x-umapi-rust"] == "skip" {
        return Ok(());
    }
    check_modules(report);
    check_schema_names(report);
    check_property_names(report);
    check_enums(report);
    check_codes(report);
    check_formats(report);
    check_inline(report);
    check_closed_enums(report)
}

fn check_modules(report: &mut Report<'_>) {
    let root = &report.document.root;
    let declared: Vec<&str> =
        root["x-umapi-modules"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut used = BTreeSet::new();
    for (name, schema) in report.document.schemas() {
        let pointer = format!("/components/schemas/{name}");
        match schema.get("x-umapi-module").and_then(Value::as_str) {
            None if is_named_type(&schema) && schema.get("x-umapi-type").is_none() => {
                let message = format!(
                    "the schema becomes a Rust type and needs `x-umapi-module`, the name of its file: one of {}",
                    declared.join(", ")
                );
                report.add(&pointer, "module", message);
            }
            Some(module) if !declared.contains(&module) => {
                let message = format!(
                    "the module `{module}` is not declared: use one of {}, or add it to `x-umapi-modules`",
                    declared.join(", ")
                );
                report.add(&pointer, "module", message);
            }
            Some(module) => drop(used.insert(module.to_owned())),
            None => {}
        }
    }
    for module in declared {
        if module.to_snake_case() != module || !is_identifier(module) || OWN_MODULES.contains(&module) {
            let message = format!(
                "`{module}` cannot be a module: write a snake_case name that is neither a Rust keyword nor one of {}",
                OWN_MODULES.join(", ")
            );
            report.add("/x-umapi-modules", "module", message);
        } else if !used.contains(module) {
            let message = format!("no schema is in the module `{module}`: remove it from the list");
            report.add("/x-umapi-modules", "module", message);
        }
    }
}

fn check_schema_names(report: &mut Report<'_>) {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (name, schema) in report.document.schemas() {
        let pointer = format!("/components/schemas/{name}");
        if name.to_upper_camel_case() != name || !is_identifier(&name) {
            let proposal = name.to_upper_camel_case();
            report.add(&pointer, "name", format!("`{name}` is not the name of a Rust type: call it e.g. `{proposal}`"));
        }
        let is_generated = is_named_type(&schema) && schema.get("x-umapi-type").is_none();
        if is_generated && (RESERVED_TYPES.contains(&name.as_str()) || name.starts_with("Exhaustive")) {
            let message = format!("the generated code has another type `{name}`: give the schema another name");
            report.add(&pointer, "name", message);
        }
        if let Some(other) = seen.insert(name.to_lowercase(), name.clone()) {
            let message = format!(
                "`{name}` and `{other}` differ in letter case only, which some languages and file systems ignore"
            );
            report.add(&pointer, "name", message);
        }
    }
}

/// Two fields of one struct must not get the same Rust name.
fn check_property_names(report: &mut Report<'_>) {
    let mut findings = Vec::new();
    for_each_schema(report.document, |pointer, schema| {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for name in schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name) {
            let rust_name = name.to_snake_case();
            let location = format!("{pointer}/properties/{name}");
            if rust_name == "extra" {
                let message = "a field `extra` keeps what the description does not list: it cannot be described itself";
                findings.push((location, message.to_owned()));
            } else if let Some(other) = seen.insert(rust_name.clone(), name) {
                let message = format!("`{name}` and `{other}` get the same Rust name, `{rust_name}`");
                findings.push((location, message));
            }
        }
    });
    for (pointer, message) in findings {
        report.add(pointer, "name", message);
    }
}

fn check_enums(report: &mut Report<'_>) {
    for (name, schema) in report.document.schemas() {
        let pointer = format!("/components/schemas/{name}");
        let Some(values) = schema.get("x-extensible-enum").and_then(Value::as_array) else { continue };
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for value in values.iter().map(|value| value.as_str().unwrap_or_default()) {
            let rust_name = value.to_upper_camel_case();
            if rust_name == "Other" || !is_identifier(&rust_name) {
                let message = format!("the value `{value}` cannot be a variant of a Rust enum, `{rust_name}`");
                report.add(&pointer, "name", message);
            } else if let Some(other) = seen.insert(rust_name.clone(), value) {
                let message = format!("the values `{value}` and `{other}` get the same Rust name, `{rust_name}`");
                report.add(&pointer, "name", message);
            }
        }
        if schema["x-enum-descriptions"].as_array().map(Vec::len) != Some(values.len()) {
            let message = "`x-enum-descriptions` must describe every value, in the same order";
            report.add(&pointer, "description", message);
        }
        for (alias, of) in schema["x-enum-aliases"].as_object().into_iter().flatten() {
            if !values.contains(of) || values.iter().any(|value| value == alias.as_str()) {
                let message = format!("`x-enum-aliases` must map other spellings to values, unlike `{alias}` to {of}");
                report.add(&pointer, "name", message);
            }
        }
    }
}

fn check_codes(report: &mut Report<'_>) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let root = &report.document.root;
    for (index, entry) in root["x-umapi-error-codes"].as_array().into_iter().flatten().enumerate() {
        let code = text_of(entry, "code");
        let rust_name = code_name(code);
        let pointer = format!("/x-umapi-error-codes/{index}");
        if !is_identifier(&rust_name) || rust_name == "Other" {
            report.add(pointer, "name", format!("the code `{code}` cannot be a variant of a Rust enum, `{rust_name}`"));
        } else if let Some(other) = seen.insert(rust_name.clone(), code)
            && other != code
        {
            let message = format!("the codes `{other}` and `{code}` get the same Rust name, `{rust_name}`");
            report.add(pointer, "name", message);
        }
    }
}

fn check_formats(report: &mut Report<'_>) {
    let mut findings = Vec::new();
    for_each_schema(report.document, |pointer, schema| {
        let Some(format) = schema["format"].as_str() else { return };
        let fits = match schema["type"].as_str() {
            Some("integer") => format.starts_with("int"),
            Some("number") => matches!(format, "float" | "double"),
            _ => format == "password",
        };
        if !FORMATS.contains(&format) || !fits {
            findings.push((pointer.to_owned(), format.to_owned()));
        }
    });
    for (pointer, format) in findings {
        let message = format!(
            "the Rust generator makes `format: {format}` a type of a crate that is not a dependency, or of another form: leave \
             the format out, and give the form in the description or as a `pattern`"
        );
        report.add(pointer, "format", message);
    }
}

/// A type inside of another one would get a made-up name.
fn check_inline(report: &mut Report<'_>) {
    let mut findings = Vec::new();
    for_each_schema(report.document, |pointer, schema| {
        let children = schema["properties"].as_object().into_iter().flatten();
        let children = children.map(|(name, child)| (format!("{pointer}/properties/{name}"), child));
        let items = schema.get("items").map(|items| (format!("{pointer}/items"), items));
        for (location, child) in children.chain(items) {
            let is_type = child.get("properties").is_some()
                || ["oneOf", "anyOf", "enum", "x-extensible-enum"].iter().any(|keyword| child.get(*keyword).is_some());
            if is_type {
                findings.push(location);
            }
        }
    });
    for pointer in findings {
        let message =
            "the schema would become a Rust type without a name: move it to `components.schemas`, and refer to it";
        report.add(pointer, "inline", message);
    }
}

/// The service may add a value to what it sends.
fn check_closed_enums(report: &mut Report<'_>) -> Result<()> {
    let usages = usage::of(report.document)?;
    let mut findings = Vec::new();
    for_each_schema(report.document, |pointer, schema| {
        let owner = pointer.strip_prefix("/components/schemas/").map(|rest| rest.split('/').next().unwrap_or_default());
        let is_response = match owner {
            Some(name) => usages.get(name).is_some_and(|usage| !usage.responses.is_empty()),
            None => pointer.contains("/responses/") || pointer.starts_with("/components/headers/"),
        };
        if is_response && schema.get("enum").is_some_and(Value::is_array) {
            findings.push(pointer.to_owned());
        }
    });
    for pointer in findings {
        let message = "the service may add a value to what it sends, and a closed `enum` could not be read then: use \
                       `x-extensible-enum` with `x-enum-descriptions`";
        report.add(pointer, "closed-enum", message);
    }
    Ok(())
}

/// Whether the text can be an identifier in Rust: not a keyword, and no other characters.
fn is_identifier(text: &str) -> bool {
    syn::parse_str::<syn::Ident>(text).is_ok()
}
