//! `cargo xtask spec diff`: the changes of the descriptions since a revision, and which of them break callers.

mod operations;
mod schemas;

use std::{collections::BTreeSet, fmt, path::Path, process::Command};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Document, SpecDir, text_of};

/// A difference between two versions of a description.
#[derive(Debug, PartialEq)]
pub(crate) struct Change {
    /// The changed element: an operation, a parameter, a field or a response.
    subject: String,
    what: String,
    /// Whether a caller that worked before can fail now.
    breaks: bool,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.breaks { "BREAKING" } else { "        " };
        write!(f, "{mark}  {}: {}", self.subject, self.what)
    }
}

/// The changes while they are collected.
#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn add(&mut self, subject: impl Into<String>, what: impl Into<String>, breaks: bool) {
        self.0.push(Change { subject: subject.into(), what: what.into(), breaks });
    }
}

/// All changes since a Git revision, one per line, and whether one of them breaks callers.
pub(crate) fn diff(spec: &SpecDir, revision: &str) -> Result<(String, bool)> {
    let mut lines = String::new();
    let mut breaks = false;
    for document in spec.documents()? {
        let before = at_revision(spec, &document, revision)?;
        let changes = compare(&before, &document)?;
        breaks |= changes.iter().any(|change| change.breaks);
        if !changes.is_empty() {
            lines += &format!("spec/{}.yaml\n", document.name);
            changes.iter().for_each(|change| lines += &format!("  {change}\n"));
        }
    }
    Ok((lines, breaks))
}

fn at_revision(spec: &SpecDir, document: &Document, revision: &str) -> Result<Document> {
    let top = spec.path().parent().unwrap_or(Path::new("."));
    let known = Command::new("git")
        .args(["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])
        .current_dir(top)
        .output()
        .context("cannot start git")?;
    if !known.status.success() {
        bail!("unknown Git revision `{revision}`");
    }
    let shown = Command::new("git")
        .args(["show", &format!("{revision}:spec/{}.yaml", document.name)])
        .current_dir(top)
        .output()
        .context("cannot start git")?;
    // The description did not exist yet: everything in it is new.
    let text = if shown.status.success() {
        String::from_utf8(shown.stdout)?
    } else {
        "openapi: 3.0.3\npaths: {}\n".to_owned()
    };
    Document::parse(&document.file, &text)
}

/// The changes between two versions.
pub(crate) fn compare(before: &Document, after: &Document) -> Result<Vec<Change>> {
    let mut changes = Changes::default();
    operations::compare(before, after, &mut changes)?;
    schemas::compare(before, after, &mut changes)?;
    compare_codes(before, after, &mut changes);
    compare_limits(before, after, &mut changes);
    Ok(changes.0)
}

fn compare_codes(before: &Document, after: &Document, changes: &mut Changes) {
    let codes = |document: &Document| -> BTreeSet<String> {
        let entries = document.root["x-umapi-error-codes"].as_array();
        entries.into_iter().flatten().map(|entry| text_of(entry, "code").to_owned()).collect()
    };
    let (old, new) = (codes(before), codes(after));
    for code in old.difference(&new) {
        changes.add(format!("code {code}"), "removed from the catalog", true);
    }
    for code in new.difference(&old) {
        changes.add(format!("code {code}"), "added to the catalog", false);
    }
}

fn compare_limits(before: &Document, after: &Document, changes: &mut Changes) {
    let empty = Vec::new();
    let limits = |document: &Document| document.root["x-umapi-limits"].as_array().unwrap_or(&empty).clone();
    let new = limits(after);
    for old in limits(before) {
        let name = text_of(&old, "name").to_owned();
        let Some(limit) = new.iter().find(|limit| limit["name"] == name.as_str()) else {
            changes.add(format!("limit {name}"), "removed", true);
            continue;
        };
        let (Some(old), Some(new)) = (old["value"].as_u64(), limit["value"].as_u64()) else { continue };
        if old != new {
            changes.add(format!("limit {name}"), format!("{old} became {new}"), new < old);
        }
    }
}

/// The keys of two objects, sorted and unique.
fn keys_of<'v>(old: &'v Value, new: &'v Value) -> BTreeSet<&'v String> {
    [old, new].into_iter().filter_map(Value::as_object).flat_map(serde_json::Map::keys).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The changes after an edit of the description, as lines.
    fn changes(edit: impl FnOnce(&mut Value)) -> Vec<String> {
        let before = SpecDir::new(crate::workspace::top().join("spec")).document("umapi").unwrap();
        let mut after = before.clone();
        edit(&mut after.root);
        compare(&before, &after).unwrap().iter().map(|change| change.to_string().trim().to_owned()).collect()
    }

    fn user(root: &mut Value) -> &mut Value {
        &mut root["components"]["schemas"]["User"]
    }

    #[test]
    fn nothing_changed() {
        assert!(changes(|_| ()).is_empty());
    }

    #[test]
    fn operations_come_and_go() {
        let removed = changes(|root| {
            root["paths"].as_object_mut().unwrap().shift_remove("/groups/{orgId}/{page}");
        });
        assert!(removed.contains(&"BREAKING  listGroups: removed".to_owned()), "{removed:?}");
        let added = changes(|root| {
            let mut operation = root["paths"]["/groups/{orgId}/{page}"].clone();
            operation["get"]["operationId"] = json!("listMoreGroups");
            root["paths"]["/more-groups/{orgId}/{page}"] = operation;
        });
        assert_eq!(added, ["listMoreGroups: added"]);
        let moved = changes(|root| {
            let operation = root["paths"].as_object_mut().unwrap().shift_remove("/groups/{orgId}/{page}").unwrap();
            root["paths"]["/all-groups/{orgId}/{page}"] = operation;
        });
        assert_eq!(moved.len(), 1);
        assert!(moved[0].starts_with("BREAKING  listGroups: moved from `GET /groups/"), "{moved:?}");
        let deprecated = changes(|root| root["paths"]["/groups/{orgId}/{page}"]["get"]["deprecated"] = json!(true));
        assert_eq!(deprecated, ["listGroups: deprecated"]);
    }

    #[test]
    fn parameters_come_and_go() {
        let query = |name: &str, required: bool| json!({ "name": name, "in": "query", "required": required, "schema": { "type": "string" } });
        let parameters = |root: &mut Value| root["paths"]["/users/{orgId}/{page}"]["get"]["parameters"].take();
        let optional = changes(|root| {
            let mut list = parameters(root);
            list.as_array_mut().unwrap().push(query("sort", false));
            root["paths"]["/users/{orgId}/{page}"]["get"]["parameters"] = list;
        });
        assert_eq!(optional, ["listUsers, parameter sort: added"]);
        let required = changes(|root| {
            let mut list = parameters(root);
            list.as_array_mut().unwrap().push(query("sort", true));
            root["paths"]["/users/{orgId}/{page}"]["get"]["parameters"] = list;
        });
        assert_eq!(required, ["BREAKING  listUsers, parameter sort: added, and required"]);
        let removed = changes(|root| {
            let mut list = parameters(root);
            list.as_array_mut().unwrap().remove(0);
            root["paths"]["/users/{orgId}/{page}"]["get"]["parameters"] = list;
        });
        assert_eq!(removed, ["BREAKING  listUsers, parameter domain: removed"]);
    }

    #[test]
    fn fields_of_responses() {
        let added = changes(|root| user(root)["properties"]["nickname"] = json!({ "type": "string" }));
        assert!(added.len() == 1 && added[0].starts_with("User.nickname (in responses of"), "{added:?}");
        let removed = changes(|root| {
            user(root)["properties"].as_object_mut().unwrap().shift_remove("email");
        });
        assert!(removed.len() == 1 && removed[0].starts_with("BREAKING  User.email"), "{removed:?}");
        let retyped = changes(|root| user(root)["properties"]["email"]["type"] = json!("integer"));
        assert!(retyped.len() == 1 && retyped[0].contains("string became integer"), "{retyped:?}");
        let no_longer_required = changes(|root| {
            root["components"]["schemas"]["UserPage"]["required"] = json!(["result"]);
        });
        assert!(no_longer_required[0].starts_with("BREAKING  UserPage.lastPage"), "{no_longer_required:?}");
    }

    #[test]
    fn fields_of_requests() {
        let schema = "NewEnterpriseId";
        let newly_required = changes(|root| {
            root["components"]["schemas"][schema]["required"].as_array_mut().unwrap().push(json!("country"));
        });
        assert!(
            newly_required.len() == 1 && newly_required[0].starts_with("BREAKING  NewEnterpriseId.country"),
            "{newly_required:?}"
        );
        let relaxed = changes(|root| root["components"]["schemas"][schema]["required"] = json!(["email", "firstname"]));
        assert!(relaxed.len() == 1 && relaxed[0].starts_with("NewEnterpriseId.lastname"), "{relaxed:?}");
        let shorter = changes(|root| root["components"]["schemas"]["EmailAddress"]["maxLength"] = json!(50));
        assert!(shorter.len() == 1 && shorter[0].contains("maxLength 60 became 50"), "{shorter:?}");
        assert!(shorter[0].starts_with("BREAKING"), "{shorter:?}");
        let longer = changes(|root| root["components"]["schemas"]["EmailAddress"]["maxLength"] = json!(70));
        assert!(longer.len() == 1 && !longer[0].starts_with("BREAKING"), "{longer:?}");
    }

    #[test]
    fn values_and_variants() {
        let values =
            |root: &mut Value, list: Value| root["components"]["schemas"]["UserType"]["x-extensible-enum"] = list;
        let added =
            changes(|root| values(root, json!(["adobeID", "enterpriseID", "federatedID", "unknown", "guestID"])));
        assert!(added.len() == 1 && added[0].contains("value `guestID` added"), "{added:?}");
        assert!(!added[0].starts_with("BREAKING"), "{added:?}");
        let removed = changes(|root| values(root, json!(["adobeID", "enterpriseID", "federatedID"])));
        assert!(removed.len() == 1 && removed[0].starts_with("BREAKING"), "{removed:?}");
        let step = changes(|root| {
            root["components"]["schemas"]["UserStep"]["oneOf"].as_array_mut().unwrap().remove(0);
        });
        assert!(
            step.iter().any(|line| line.starts_with("BREAKING  UserStep") && line.contains("AddAdobeId")),
            "{step:?}"
        );
    }

    #[test]
    fn plain_forms() {
        let plain = |root: &mut Value, form: Value| root["components"]["schemas"]["ErrorBody"]["x-umapi-plain"] = form;
        let changed = changes(|root| plain(root, json!({})));
        assert!(changed.len() == 1 && changed[0].starts_with("BREAKING  ErrorBody"), "{changed:?}");
        let first = changes(|root| root["components"]["schemas"]["UserStep"]["x-umapi-plain"] = json!("merge"));
        assert!(first.len() == 1 && first[0].contains("plain form null became \"merge\""), "{first:?}");
        assert!(!first[0].starts_with("BREAKING"), "{first:?}");
    }

    fn list_groups(root: &mut Value) -> &mut Value {
        &mut root["paths"]["/groups/{orgId}/{page}"]["get"]
    }

    #[test]
    fn responses_limits_and_codes() {
        let status = changes(|root| {
            root["paths"]["/groups/{orgId}/{page}"]["get"]["responses"].as_object_mut().unwrap().shift_remove("404");
        });
        assert_eq!(status, ["listGroups, response 404: removed"]);
        let slower = changes(|root| list_groups(root)["x-umapi-throttle"][0]["client"] = json!(2));
        assert_eq!(slower, ["BREAKING  listGroups, limit groups: client 5 became 2"]);
        let longer = changes(|root| list_groups(root)["x-umapi-throttle"][1]["seconds"] = json!(3600));
        assert_eq!(longer, ["listGroups, limit groups-first-page: seconds 7200 became 3600"]);
        let unlimited = changes(|root| {
            list_groups(root).as_object_mut().unwrap().shift_remove("x-umapi-throttle");
        });
        assert_eq!(unlimited, ["listGroups, limit groups: removed", "listGroups, limit groups-first-page: removed"]);
        let older = |root: &mut Value| {
            list_groups(root)["x-umapi-throttle"] = json!({ "client": 5, "application": 100, "class": "groups" });
        };
        assert_eq!(changes(older), ["listGroups, limit groups-first-page: removed"]);
        let code = changes(|root| {
            root["x-umapi-error-codes"].as_array_mut().unwrap().remove(0);
        });
        assert_eq!(code, ["BREAKING  code error.user.not_found: removed from the catalog"]);
        let bytes = changes(|root| root["x-umapi-limits"][3]["value"] = json!(2_000_000));
        assert_eq!(bytes, ["limit request-bytes: 1000000 became 2000000"]);
    }
}
