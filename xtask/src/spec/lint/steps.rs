//! Checks that each step of a command says what the planner must know of it, and each list of names what it names.

use serde_json::Value;

use super::{Report, for_each_schema};
use crate::spec::{is_union_of_steps, key_of, text_of};

const POSITIONS: [&str; 3] = ["first", "last", "anywhere"];
const NAMES: [&str; 4] = ["groups", "profiles", "products", "users"];
const NAME_LIST: &str = "#/components/schemas/NameList";

pub(super) fn check(report: &mut Report<'_>) {
    if report.document.root["x-umapi-rust"] == "skip" {
        return;
    }
    for (name, schema) in report.document.schemas() {
        if is_union_of_steps(&schema) {
            check_steps(report, &format!("/components/schemas/{name}"), &schema);
        }
    }
    let mut findings = Vec::new();
    for_each_schema(report.document, |pointer, schema| {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let location = format!("{pointer}/properties/{name}");
            let names = property.get("x-umapi-names").and_then(Value::as_str);
            match (is_name_list(property), names) {
                (true, Some(names)) if NAMES.contains(&names) => {}
                (true, _) => findings.push((location, format!(
                    "a list of names must say by `x-umapi-names` what it names, so that commands that depend on each other \
                     keep their order: one of {}",
                    NAMES.join(", ")
                ))),
                (false, Some(_)) => findings.push((location, format!(
                    "`x-umapi-names` is only for lists of names: refer to {NAME_LIST} by `allOf`"
                ))),
                (false, None) => {}
            }
        }
    });
    for (pointer, message) in findings {
        report.add(pointer, "names", message);
    }
}

fn check_steps(report: &mut Report<'_>, pointer: &str, schema: &Value) {
    let mut seen = Vec::new();
    for (index, step) in schema["oneOf"].as_array().into_iter().flatten().enumerate() {
        let location = format!("{pointer}/oneOf/{index}");
        match key_of(step) {
            None => {
                let message =
                    "a step is an object with one property, which is required, and `additionalProperties: false`";
                report.add(&location, "step", message);
            }
            Some(name) if seen.contains(&name) => {
                report.add(&location, "step", format!("the step `{name}` is listed already"));
            }
            Some(name) => seen.push(name),
        }
        if !POSITIONS.contains(&text_of(&step["x-umapi-step"], "position")) {
            let message = format!(
                "a step must say where in a command it may stand: `x-umapi-step: {{ position: … }}` with one of {}",
                POSITIONS.join(", ")
            );
            report.add(&location, "step", message);
        }
    }
}

fn is_name_list(property: &Value) -> bool {
    property["$ref"] == NAME_LIST
        || property["allOf"].as_array().into_iter().flatten().any(|part| part["$ref"] == NAME_LIST)
}
