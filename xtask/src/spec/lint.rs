//! `cargo xtask spec lint`: the rules of descriptions, which code, mocks and documentation rely on.

mod catalog;
mod examples;
mod operations;
mod plain;
mod schemas;

use std::fmt;

use anyhow::{Result, bail};

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

/// Checks all descriptions. The error lists every finding.
pub(crate) fn lint_all(spec: &SpecDir) -> Result<()> {
    let mut findings = Vec::new();
    for document in spec.documents()? {
        findings.extend(lint(&document)?);
    }
    findings.extend(examples::unused_files(spec)?);
    if findings.is_empty() {
        return Ok(());
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
        operations::check(&mut report)?;
        schemas::check(&mut report)?;
        catalog::check(&mut report)?;
        examples::check(&mut report)?;
        plain::check(&mut report)?;
    }
    Ok(report.findings)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;

    fn umapi() -> Document {
        SpecDir::new(crate::workspace::top().join("spec")).document("umapi").unwrap()
    }

    /// The rules that are broken after this change of the description.
    fn broken_by(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut document = umapi();
        change(&mut document.root);
        lint(&document).unwrap().iter().map(|finding| format!("{} {}", finding.rule, finding.pointer)).collect()
    }

    fn list_users(root: &mut Value) -> &mut Value {
        &mut root["paths"]["/users/{orgId}/{page}"]["get"]
    }

    #[test]
    fn the_descriptions_follow_the_rules() {
        lint_all(&SpecDir::new(crate::workspace::top().join("spec"))).unwrap();
    }

    #[test]
    fn an_operation_needs_id_tag_summary_description_and_limits() {
        for key in ["operationId", "tags", "summary", "description", "x-umapi-throttle"] {
            let broken = broken_by(|root| {
                list_users(root).as_object_mut().unwrap().shift_remove(key);
            });
            assert!(broken.iter().any(|line| line.starts_with("operation")), "{key}: {broken:?}");
        }
    }

    #[test]
    fn limits_are_declared_and_complete() {
        let broken = broken_by(|root| list_users(root)["x-umapi-throttle"][0]["client"] = json!(24));
        assert_eq!(broken, ["operation-limits /paths/~1users~1{orgId}~1{page}/get/x-umapi-throttle"]);
        let broken = broken_by(|root| list_users(root)["x-umapi-throttle"].as_array_mut().unwrap().reverse());
        assert_eq!(broken, ["operation-limits /paths/~1users~1{orgId}~1{page}/get/x-umapi-throttle"]);
        let broken = broken_by(|root| root["paths"]["/action/{orgId}"]["post"]["x-umapi-throttle"] = json!({}));
        assert_eq!(broken, ["operation-limits /paths/~1action~1{orgId}/post"]);
        for (key, wrong) in [
            ("name", json!("other")),
            ("counts", json!("pages")),
            ("source", json!("rumors")),
            ("seconds", json!(0)),
            ("client", json!("1")),
            ("block", json!({ "seconds": 10, "shortest": 20, "longest": 30, "retryHint": "x", "retryWithin": 1 })),
            ("block", json!({ "seconds": 20, "shortest": 20, "longest": 30 })),
        ] {
            let broken = broken_by(|root| root["x-umapi-throttles"]["groups-first-page"][key] = wrong);
            assert_eq!(broken[0], "limit /x-umapi-throttles/groups-first-page", "{key}");
        }
    }

    #[test]
    fn an_operation_id_is_unique() {
        let broken = broken_by(|root| list_users(root)["operationId"] = json!("getUser"));
        assert!(broken.iter().any(|line| line.starts_with("operation-id ")), "{broken:?}");
    }

    #[test]
    fn an_error_response_must_be_described() {
        let broken = broken_by(|root| {
            list_users(root)["responses"].as_object_mut().unwrap().shift_remove("429");
        });
        assert_eq!(broken, ["operation-responses /paths/~1users~1{orgId}~1{page}/get/responses"]);
    }

    #[test]
    fn an_example_must_fit_its_schema() {
        let broken = broken_by(|root| {
            root["components"]["responses"]["UserPage"]["content"]["application/json"]["examples"]["emptyPage"]["value"]
                ["lastPage"] = json!("no");
        });
        assert!(broken.iter().any(|line| line.starts_with("example-valid ")), "{broken:?}");
    }

    #[test]
    fn an_example_is_required() {
        let broken = broken_by(|root| {
            root["components"]["responses"]["UserPage"]["content"]["application/json"]
                .as_object_mut()
                .unwrap()
                .shift_remove("examples");
        });
        assert!(broken.iter().any(|line| line.starts_with("example-present ")), "{broken:?}");
    }

    #[test]
    fn a_code_is_listed_once() {
        let mut last = 0;
        let broken = broken_by(|root| {
            let codes = root["x-umapi-error-codes"].as_array_mut().unwrap();
            last = codes.len();
            codes.push(codes[0].clone());
        });
        assert_eq!(broken, [format!("code-unique /x-umapi-error-codes/{last}")]);
    }

    #[test]
    fn a_schema_must_be_used_described_and_resolvable() {
        let unused = broken_by(|root| {
            root["components"]["schemas"]["Lonely"] =
                json!({ "type": "object", "description": "Alone.", "x-umapi-module": "users" });
        });
        assert_eq!(unused, ["component-used /components/schemas/Lonely"]);
        let dangling = broken_by(|root| {
            root["components"]["schemas"]["User"]["properties"]["status"]["$ref"] = json!("#/components/schemas/None");
        });
        assert_eq!(dangling, ["reference /components/schemas/User/properties/status"]);
        let undescribed = broken_by(|root| {
            root["components"]["schemas"]["User"]["properties"]["id"] = json!({ "type": "string" });
        });
        assert_eq!(undescribed, ["description /components/schemas/User/properties/id"]);
    }

    #[test]
    fn a_union_of_other_things_than_objects_has_a_plain_form() {
        let pointer = "/components/schemas/IntegerOrString";
        let broken = broken_by(|root| {
            root["components"]["schemas"]["IntegerOrString"].as_object_mut().unwrap().shift_remove("x-umapi-plain");
        });
        assert_eq!(broken, [format!("plain {pointer}/oneOf/0"), format!("plain {pointer}/oneOf/1")]);
        let broken = broken_by(|root| {
            let list =
                json!({ "title": "List", "description": "A list.", "type": "array", "items": { "type": "string" } });
            root["components"]["schemas"]["UserRemoval"]["oneOf"].as_array_mut().unwrap().push(list);
        });
        assert_eq!(broken, ["plain /components/schemas/UserRemoval/oneOf/2"]);
        let broken = broken_by(|root| {
            root["components"]["schemas"]["User"]["properties"]["status"]["anyOf"] = json!([{ "type": "boolean" }]);
        });
        assert_eq!(broken, ["plain /components/schemas/User/properties/status/anyOf/0"]);
        let broken = broken_by(|root| {
            root["components"]["schemas"]["IntegerOrString"]["x-umapi-plain"] = json!({ "type": "string" });
        });
        assert_eq!(broken, ["plain /components/schemas"]);
    }

    #[test]
    fn a_union_in_a_response_has_a_plain_form() {
        let broken = broken_by(|root| {
            root["components"]["schemas"]["ErrorBody"].as_object_mut().unwrap().shift_remove("x-umapi-plain");
        });
        assert_eq!(broken, ["plain /components/schemas/ErrorBody"]);
    }

    #[test]
    fn a_body_has_an_example_of_its_plain_form() {
        let broken = broken_by(|root| {
            root["components"]["requestBodies"]["ProductAdmins"]["content"]["application/json"]["examples"]
                .as_object_mut()
                .unwrap()
                .shift_remove("one");
        });
        assert_eq!(broken, ["plain /components/requestBodies/ProductAdmins/content/application~1json/examples"]);
    }

    #[test]
    fn a_finding_names_file_pointer_and_rule() {
        let document = Document::parse(Path::new("spec/bad.yaml"), "openapi: 3.1.0\npaths: {}\n").unwrap();
        let findings = lint(&document).unwrap();
        assert_eq!(findings[0].to_string(), "spec/bad.yaml#/openapi: `openapi` must be 3.0.x [version]");
    }

    #[test]
    fn invalid_yaml_is_an_error_with_its_line() {
        let error =
            Document::parse(Path::new("spec/bad.yaml"), "openapi: 3.0.3\npaths: [\n").err().unwrap().to_string();
        assert!(error.contains("spec/bad.yaml") && error.contains("line"), "{error}");
    }
}
