//! Loose parsing: rewrites the shapes that real clients send into the documented ones.
//!
//! Strict parsing rejects all of them. Empty lists of groups, which are valid in loose parsing too, are left to the
//! parsing of the lists.

use super::request::Json;
use crate::generated::action_step::ActionStep;

/// Rewrites a command.
pub(super) fn rewrite(command: &mut Json) {
    let Json::Object(fields) = command else { return };
    let roots = fields.iter().filter(|(key, _)| key == "user" || key == "usergroup").count();
    fields.retain(|(key, value)| {
        let is_dropped = match key.as_str() {
            "domain" | "requestID" => true,
            "user" | "usergroup" => roots > 1,
            _ => false,
        };
        !(is_dropped && is_empty(value))
    });
    for (key, value) in fields {
        match (key.as_str(), value) {
            ("useAdobeID", value) => rewrite_boolean(value),
            ("do", Json::Array(steps)) => {
                *steps = std::mem::take(steps).into_iter().flat_map(split).collect();
                steps.iter_mut().for_each(rewrite_step);
            }
            _ => {}
        }
    }
}

/// Splits an object with several steps into one object for each, in their order.
fn split(step: Json) -> Vec<Json> {
    match step {
        Json::Object(steps) if steps.len() > 1 => steps.into_iter().map(|step| Json::Object(vec![step])).collect(),
        step => vec![step],
    }
}

fn rewrite_step(step: &mut Json) {
    let Json::Object(steps) = step else { return };
    for (name, value) in steps {
        let Json::Object(fields) = value else { continue };
        if ActionStep::of_name(name).is_some_and(has_single_values) {
            fields.retain(|(_, value)| !is_empty(value));
        }
        for (_, value) in fields.iter_mut().filter(|(key, _)| key == "deleteAccount") {
            rewrite_boolean(value);
        }
    }
}

/// Whether the fields of the step are single values, rather than lists of names.
fn has_single_values(step: ActionStep) -> bool {
    match step {
        ActionStep::AddAdobeId
        | ActionStep::CreateEnterpriseId
        | ActionStep::CreateFederatedId
        | ActionStep::Update
        | ActionStep::CreateUserGroup
        | ActionStep::UpdateUserGroup
        | ActionStep::RemoveFromOrg => true,
        ActionStep::Add
        | ActionStep::Remove
        | ActionStep::AddRoles
        | ActionStep::RemoveRoles
        | ActionStep::RemoveFromDomain
        | ActionStep::ResetPassword
        | ActionStep::DeleteUserGroup => false,
    }
}

/// An empty string means an absent field.
fn is_empty(value: &Json) -> bool {
    value.text() == Some("")
}

fn rewrite_boolean(value: &mut Json) {
    let boolean = match value.text() {
        Some(text) if text.eq_ignore_ascii_case("true") => true,
        Some(text) if text.eq_ignore_ascii_case("false") => false,
        _ => return,
    };
    *value = Json::Bool(boolean);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_real_clients_become_the_documented_ones() {
        for (sent, documented) in [
            (r#"{"user":"a","useAdobeID":"true"}"#, r#"{"user":"a","useAdobeID":true}"#),
            (r#"{"user":"a","usergroup":"","domain":""}"#, r#"{"user":"a"}"#),
            (r#"{"user":"","do":[]}"#, r#"{"user":"","do":[]}"#),
            (
                r#"{"do":[{"update":{"firstname":"A","lastname":""},"removeFromOrg":{"deleteAccount":"False"}}]}"#,
                r#"{"do":[{"update":{"firstname":"A"}},{"removeFromOrg":{"deleteAccount":false}}]}"#,
            ),
            (r#"{"do":[{"addAdobeID":{"email":"a","option":""}}]}"#, r#"{"do":[{"addAdobeID":{"email":"a"}}]}"#),
            (r#"{"do":[{"add":{"group":[""]}},7]}"#, r#"{"do":[{"add":{"group":[""]}},7]}"#),
            ("[]", "[]"),
        ] {
            let mut command: Json = serde_json::from_str(sent).unwrap();
            rewrite(&mut command);
            assert_eq!(command, serde_json::from_str(documented).unwrap(), "{sent}");
        }
    }
}
