//! Tests of the rules: a description that breaks each of them.

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

/// The rules of the plain form that are broken after this change. The change may break others.
fn plain_rules_broken_by(change: impl FnOnce(&mut Value)) -> Vec<String> {
    broken_by(change).into_iter().filter(|line| line.starts_with("plain ")).collect()
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

/// A change of the description that breaks one rule, where the finding is, and what it says.
struct Broken {
    change: fn(&mut Value),
    rule: &'static str,
    pointer: &'static str,
    says: &'static str,
}

fn assert_each_is_found(rows: &[Broken]) {
    for Broken { change, rule, pointer, says } in rows {
        let mut document = umapi();
        change(&mut document.root);
        let mut report = Report { document: &document, findings: Vec::new() };
        check_rules(&mut report).unwrap();
        let is_expected =
            |finding: &Finding| finding.rule == *rule && finding.pointer == *pointer && finding.message.contains(says);
        let findings = &report.findings;
        assert!(findings.iter().any(is_expected), "no finding {rule} at {pointer} says {says:?}: {findings:#?}");
    }
}

fn schema<'a>(root: &'a mut Value, name: &str) -> &'a mut Value {
    &mut root["components"]["schemas"][name]
}

fn remove(value: &mut Value, key: &str) {
    value.as_object_mut().unwrap().shift_remove(key);
}

const COUNTRY: &str = "/components/schemas/CountryCode";
const USER_ID: &str = "/components/schemas/User/properties/id";

#[test]
fn a_schema_has_a_declared_module() {
    assert_each_is_found(&[
        Broken {
            change: |root| remove(schema(root, "AllMemberships"), "x-umapi-module"),
            rule: "module",
            pointer: "/components/schemas/AllMemberships",
            says: "needs `x-umapi-module`",
        },
        Broken {
            change: |root| remove(schema(root, "UserStatus"), "x-umapi-module"),
            rule: "module",
            pointer: "/components/schemas/UserStatus",
            says: "one of actions, users",
        },
        Broken {
            change: |root| schema(root, "User")["x-umapi-module"] = json!("usres"),
            rule: "module",
            pointer: "/components/schemas/User",
            says: "`usres` is not declared",
        },
        Broken {
            change: |root| root["x-umapi-modules"].as_array_mut().unwrap().push(json!("codes")),
            rule: "module",
            pointer: "/x-umapi-modules",
            says: "`codes` cannot be a module",
        },
        Broken {
            change: |root| root["x-umapi-modules"].as_array_mut().unwrap().push(json!("type")),
            rule: "module",
            pointer: "/x-umapi-modules",
            says: "`type` cannot be a module",
        },
        Broken {
            change: |root| root["x-umapi-modules"].as_array_mut().unwrap().push(json!("certificates")),
            rule: "module",
            pointer: "/x-umapi-modules",
            says: "no schema is in the module `certificates`",
        },
    ]);
}

#[test]
fn a_name_can_be_a_name_in_rust() {
    assert_each_is_found(&[
        Broken {
            change: |root| root["components"]["schemas"]["user_badge"] = json!({ "type": "object" }),
            rule: "name",
            pointer: "/components/schemas/user_badge",
            says: "`UserBadge`",
        },
        Broken {
            change: |root| root["components"]["schemas"]["Option"] = json!({ "type": "object" }),
            rule: "name",
            pointer: "/components/schemas/Option",
            says: "another type `Option`",
        },
        Broken {
            change: |root| root["components"]["schemas"]["USER"] = json!({ "type": "object" }),
            rule: "name",
            pointer: "/components/schemas/USER",
            says: "letter case only",
        },
        Broken {
            change: |root| {
                schema(root, "User")["properties"]["userName"] = json!({ "type": "string" });
                schema(root, "User")["properties"]["user_name"] = json!({ "type": "string" });
            },
            rule: "name",
            pointer: "/components/schemas/User/properties/user_name",
            says: "the same Rust name, `user_name`",
        },
        Broken {
            change: |root| schema(root, "User")["properties"]["extra"] = json!({ "type": "string" }),
            rule: "name",
            pointer: "/components/schemas/User/properties/extra",
            says: "`extra` keeps",
        },
        Broken {
            change: |root| schema(root, "UserStatus")["x-extensible-enum"][3] = json!("ACTIVE"),
            rule: "name",
            pointer: "/components/schemas/UserStatus",
            says: "`ACTIVE` and `active` get the same",
        },
        Broken {
            change: |root| schema(root, "UserStatus")["x-extensible-enum"][3] = json!("other"),
            rule: "name",
            pointer: "/components/schemas/UserStatus",
            says: "`other` cannot be a variant",
        },
        Broken {
            change: |root| schema(root, "UserStatus")["x-extensible-enum"][3] = json!("7th"),
            rule: "name",
            pointer: "/components/schemas/UserStatus",
            says: "`7th` cannot be a variant",
        },
        Broken {
            change: |root| schema(root, "UserType")["x-enum-aliases"] = json!({ "AdobeID": "none" }),
            rule: "name",
            pointer: "/components/schemas/UserType",
            says: "unlike `AdobeID`",
        },
        Broken {
            change: |root| root["x-umapi-error-codes"][1]["code"] = json!("user.not_found"),
            rule: "name",
            pointer: "/x-umapi-error-codes/1",
            says: "get the same Rust name",
        },
    ]);
}

#[test]
fn formats_enums_and_inline_types_that_rust_cannot_read() {
    assert_each_is_found(&[
        Broken {
            change: |root| schema(root, "User")["properties"]["id"]["format"] = json!("date"),
            rule: "format",
            pointer: USER_ID,
            says: "`format: date`",
        },
        Broken {
            change: |root| schema(root, "User")["properties"]["id"]["format"] = json!("uuid"),
            rule: "format",
            pointer: USER_ID,
            says: "not a dependency",
        },
        Broken {
            change: |root| schema(root, "User")["properties"]["id"]["format"] = json!("int64"),
            rule: "format",
            pointer: USER_ID,
            says: "leave the format out",
        },
        Broken {
            change: |root| schema(root, "User")["properties"]["id"]["enum"] = json!(["a", "b"]),
            rule: "closed-enum",
            pointer: USER_ID,
            says: "use `x-extensible-enum`",
        },
        Broken {
            change: |root| {
                let status = schema(root, "UserStatus");
                let values = status["x-extensible-enum"].clone();
                remove(status, "x-extensible-enum");
                status["enum"] = values;
            },
            rule: "closed-enum",
            pointer: "/components/schemas/UserStatus",
            says: "could not be read",
        },
        Broken {
            change: |root| schema(root, "User")["properties"]["id"] = json!({ "properties": { "a": {} } }),
            rule: "inline",
            pointer: USER_ID,
            says: "move it to `components.schemas`",
        },
        Broken {
            change: |root| schema(root, "User")["properties"]["groups"]["items"] = json!({ "oneOf": [] }),
            rule: "inline",
            pointer: "/components/schemas/User/properties/groups/items",
            says: "without a name",
        },
    ]);
}

#[test]
fn a_bound_can_be_checked() {
    assert_each_is_found(&[
        Broken {
            change: |root| schema(root, "CountryCode")["pattern"] = json!("^(US|DE)$"),
            rule: "bound",
            pointer: COUNTRY,
            says: "must begin with ^",
        },
        Broken {
            change: |root| schema(root, "CountryCode")["minLength"] = json!(3),
            rule: "bound",
            pointer: COUNTRY,
            says: "no value would be valid",
        },
        Broken {
            change: |root| schema(root, "CountryCode")["maximum"] = json!(3),
            rule: "bound",
            pointer: COUNTRY,
            says: "needs `type: integer`",
        },
        Broken {
            change: |root| schema(root, "CountryCode")["maxLength"] = json!("2"),
            rule: "bound",
            pointer: COUNTRY,
            says: "must be a whole number",
        },
        Broken {
            change: |root| schema(root, "NameList")["uniqueItems"] = json!(true),
            rule: "bound",
            pointer: "/components/schemas/NameList",
            says: "nothing checks `uniqueItems`",
        },
        Broken {
            change: |root| root["x-umapi-limits"][0]["value"] = json!(7),
            rule: "limit",
            pointer: "/x-umapi-limits/0",
            says: "either a `value`",
        },
    ]);
}

#[test]
fn a_step_says_where_it_may_stand_and_what_its_lists_name() {
    assert_each_is_found(&[
        Broken {
            change: |root| remove(&mut schema(root, "UserStep")["oneOf"][3], "x-umapi-step"),
            rule: "step",
            pointer: "/components/schemas/UserStep/oneOf/3",
            says: "one of first, last, anywhere",
        },
        Broken {
            change: |root| schema(root, "UserStep")["oneOf"][3]["x-umapi-step"]["position"] = json!("middle"),
            rule: "step",
            pointer: "/components/schemas/UserStep/oneOf/3",
            says: "`x-umapi-step",
        },
        Broken {
            change: |root| schema(root, "UserStep")["oneOf"][3]["required"] = json!([]),
            rule: "step",
            pointer: "/components/schemas/UserStep/oneOf/3",
            says: "one property, which is required",
        },
        Broken {
            change: |root| remove(&mut schema(root, "RoleLists")["properties"]["admin"], "x-umapi-names"),
            rule: "names",
            pointer: "/components/schemas/RoleLists/properties/admin",
            says: "one of groups, profiles, products, users",
        },
        Broken {
            change: |root| schema(root, "User")["properties"]["id"]["x-umapi-names"] = json!("users"),
            rule: "names",
            pointer: USER_ID,
            says: "only for lists of names",
        },
    ]);
}

#[test]
fn misspelled_keywords_and_extensions_are_found() {
    assert_each_is_found(&[
        Broken {
            change: |root| schema(root, "User")["x-umapi-modul"] = json!("users"),
            rule: "keyword",
            pointer: "/components/schemas/User/x-umapi-modul",
            says: "did you mean `x-umapi-module`?",
        },
        Broken {
            change: |root| schema(root, "CountryCode")["maxLenght"] = json!(2),
            rule: "keyword",
            pointer: "/components/schemas/CountryCode/maxLenght",
            says: "did you mean `maxLength`?",
        },
        Broken {
            change: |root| schema(root, "UserGroup")["required"][1] = json!("nmae"),
            rule: "keyword",
            pointer: "/components/schemas/UserGroup/required",
            says: "`nmae`, which is not among",
        },
    ]);
}

#[test]
fn each_alternative_is_in_an_example() {
    let broken = broken_by(|root| {
        let steps = schema(root, "UserStep")["oneOf"].as_array_mut().unwrap();
        let mut step = steps[10].clone();
        step["title"] = json!("AddNoteStep");
        step["required"] = json!(["addNote"]);
        step["properties"] = json!({ "addNote": { "$ref": "#/components/schemas/PasswordReset" } });
        steps.push(step);
    });
    assert_eq!(broken, ["alternative /components/schemas/UserStep/oneOf/11"]);
}

#[test]
fn all_findings_are_reported_at_once() {
    let broken = broken_by(|root| {
        remove(schema(root, "User"), "x-umapi-module");
        schema(root, "User")["properties"]["id"]["format"] = json!("binary");
        remove(&mut schema(root, "UserStep")["oneOf"][3], "x-umapi-step");
    });
    assert_eq!(
        broken,
        [
            "module /components/schemas/User",
            "format /components/schemas/User/properties/id",
            "step /components/schemas/UserStep/oneOf/3"
        ]
    );
}

#[test]
fn a_union_of_other_things_than_objects_has_a_plain_form() {
    let pointer = "/components/schemas/IntegerOrString";
    let broken = plain_rules_broken_by(|root| {
        root["components"]["schemas"]["IntegerOrString"].as_object_mut().unwrap().shift_remove("x-umapi-plain");
    });
    assert_eq!(broken, [format!("plain {pointer}/oneOf/0"), format!("plain {pointer}/oneOf/1")]);
    let broken = plain_rules_broken_by(|root| {
        let list = json!({ "title": "List", "description": "A list.", "type": "array", "items": { "type": "string" } });
        root["components"]["schemas"]["UserRemoval"]["oneOf"].as_array_mut().unwrap().push(list);
    });
    assert_eq!(broken, ["plain /components/schemas/UserRemoval/oneOf/2"]);
    let broken = plain_rules_broken_by(|root| {
        root["components"]["schemas"]["User"]["properties"]["status"]["anyOf"] = json!([{ "type": "boolean" }]);
    });
    assert_eq!(broken, ["plain /components/schemas/User/properties/status/anyOf/0"]);
    let broken = plain_rules_broken_by(|root| {
        root["components"]["schemas"]["IntegerOrString"]["x-umapi-plain"] = json!({ "type": "string" });
    });
    assert_eq!(broken, ["plain /components/schemas"]);
}

#[test]
fn a_union_in_a_response_has_a_plain_form() {
    let broken = plain_rules_broken_by(|root| {
        root["components"]["schemas"]["ErrorBody"].as_object_mut().unwrap().shift_remove("x-umapi-plain");
    });
    assert_eq!(broken, ["plain /components/schemas/ErrorBody"]);
}

#[test]
fn a_body_has_an_example_of_its_plain_form() {
    let broken = plain_rules_broken_by(|root| {
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
    let error = Document::parse(Path::new("spec/bad.yaml"), "openapi: 3.0.3\npaths: [\n").err().unwrap().to_string();
    assert!(error.contains("spec/bad.yaml") && error.contains("line"), "{error}");
}
