//! Checks that every bound in a description can be checked: the client checks those of requests by generated code.

use serde_json::Value;

use super::{Report, for_each_schema};
use crate::codegen::{UNCHECKED_BOUNDS, pattern_problem};

/// The keywords that state a bound, the type that each needs, and its counterpart.
const BOUNDS: [(&str, &str, Option<&str>); 8] = [
    ("minLength", "string", Some("maxLength")),
    ("maxLength", "string", None),
    ("pattern", "string", None),
    ("minimum", "integer", Some("maximum")),
    ("maximum", "integer", None),
    ("minItems", "array", Some("maxItems")),
    ("maxItems", "array", None),
    ("minProperties", "object", None),
];

pub(super) fn check(report: &mut Report<'_>) {
    if report.document.root["x-umapi-rust"] == "skip" {
        return;
    }
    let mut findings = Vec::new();
    for_each_schema(report.document, |pointer, schema| {
        let mut find = |message: String| findings.push((pointer.to_owned(), message));
        for keyword in UNCHECKED_BOUNDS.iter().filter(|keyword| schema.get(**keyword).is_some()) {
            let known: Vec<&str> = BOUNDS.iter().map(|(keyword, ..)| *keyword).collect();
            find(format!("nothing checks `{keyword}`: say it in the description, or use one of {}", known.join(", ")));
        }
        for (keyword, needs, counterpart) in BOUNDS {
            let Some(bound) = schema.get(keyword) else { continue };
            if schema["type"] != needs {
                find(format!("`{keyword}` needs `type: {needs}`"));
            }
            if keyword == "pattern" {
                let pattern = bound.as_str().unwrap_or_default();
                if let Some(problem) = pattern_problem(pattern) {
                    find(format!("nothing can check the pattern: {problem}"));
                }
                continue;
            }
            let is_number = if needs == "integer" { bound.is_i64() } else { bound.is_u64() };
            if !is_number {
                find(format!("`{keyword}` must be a whole number, not {bound}"));
            } else if let Some(most) = counterpart.and_then(|counterpart| schema.get(counterpart))
                && most.as_i64() < bound.as_i64()
            {
                find(format!(
                    "`{keyword}` is {bound}, more than the {most} of its counterpart: no value would be valid"
                ));
            }
        }
    });
    for (pointer, message) in findings {
        report.add(pointer, "bound", message);
    }
    check_limits(report);
}

/// A limit that the client splits by refers to the size of a list, which is not checked then.
fn check_limits(report: &mut Report<'_>) {
    let root = &report.document.root;
    for (index, limit) in root["x-umapi-limits"].as_array().into_iter().flatten().enumerate() {
        for key in ["name", "description"] {
            if limit[key].as_str().is_none_or(str::is_empty) {
                report.add(format!("/x-umapi-limits/{index}"), "limit", format!("the limit has no `{key}`"));
            }
        }
        if limit.get("value").is_some() == limit.get("schema").is_some() {
            let message = "a limit has either a `value` of its own, or a `schema` and a `keyword` that state it";
            report.add(format!("/x-umapi-limits/{index}"), "limit", message);
        }
        if limit.get("value").is_some_and(|value| !matches!(value, Value::Number(_))) {
            report.add(format!("/x-umapi-limits/{index}"), "limit", "the `value` of a limit must be a number");
        }
    }
}
