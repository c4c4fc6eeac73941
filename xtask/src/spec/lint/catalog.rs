//! Checks that every entry of the catalog of codes is complete, and that the limits refer to numbers.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::Value;

use super::Report;
use crate::{codegen::limit_value, spec::text_of};

/// The names that `raised-by` may have besides steps and operations: the root of a command, the whole request, a direct call,
/// and the gateway in front of the service.
const SOURCES: [&str; 6] = ["command", "request", "query", "gateway", "addToUserGroup", "removeFromUserGroup"];

pub(super) fn check(report: &mut Report<'_>) -> Result<()> {
    let root = &report.document.root;
    let mut sources: BTreeSet<String> = SOURCES.map(str::to_owned).into();
    sources.extend(report.document.operations().iter().filter_map(|operation| operation.id().map(str::to_owned)));
    for union in ["UserStep", "UserGroupStep"] {
        for step in root["components"]["schemas"][union]["oneOf"].as_array().into_iter().flatten() {
            sources.extend(step["required"][0].as_str().map(str::to_owned));
        }
    }

    let mut seen = BTreeSet::new();
    for (index, entry) in root["x-umapi-error-codes"].as_array().into_iter().flatten().enumerate() {
        let pointer = format!("/x-umapi-error-codes/{index}");
        let code = text_of(entry, "code");
        if !seen.insert(code) {
            report.add(&pointer, "code-unique", format!("the code `{code}` is listed already"));
        }
        for key in ["code", "area", "meaning", "remedy"] {
            if text_of(entry, key).trim().is_empty() {
                report.add(&pointer, "code-complete", format!("the code `{code}` has no `{key}`"));
            }
        }
        if !matches!(text_of(entry, "severity"), "error" | "warning") {
            report.add(&pointer, "code-complete", format!("the severity of `{code}` is neither error nor warning"));
        }
        let raised_by: Vec<&str> =
            entry["raised-by"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if raised_by.is_empty() {
            report.add(&pointer, "code-complete", format!("`{code}` has no `raised-by`"));
        }
        for source in raised_by.iter().filter(|source| !sources.contains(**source)) {
            report.add(
                &pointer,
                "code-complete",
                format!("`{source}`, which raises `{code}`, is not a step or an operation"),
            );
        }
    }

    for (index, limit) in root["x-umapi-limits"].as_array().into_iter().flatten().enumerate() {
        if let Err(error) = limit_value(report.document, limit) {
            report.add(format!("/x-umapi-limits/{index}"), "limit", error.to_string());
        }
    }
    Ok(())
}
