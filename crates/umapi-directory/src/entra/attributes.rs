//! Attributes of people: which ones Microsoft Graph is asked for, and what a person is made of.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::person::{Attributes, Person, PersonId};

/// The properties of a user that Microsoft Graph can select.
const PROPERTIES: [&str; 42] = [
    "accountEnabled",
    "ageGroup",
    "businessPhones",
    "city",
    "companyName",
    "country",
    "createdDateTime",
    "creationType",
    "department",
    "displayName",
    "employeeHireDate",
    "employeeId",
    "employeeOrgData",
    "employeeType",
    "externalUserState",
    "faxNumber",
    "givenName",
    "id",
    "identities",
    "imAddresses",
    "jobTitle",
    "mail",
    "mailNickname",
    "mobilePhone",
    "officeLocation",
    "onPremisesDistinguishedName",
    "onPremisesDomainName",
    "onPremisesExtensionAttributes",
    "onPremisesImmutableId",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesSyncEnabled",
    "onPremisesUserPrincipalName",
    "otherMails",
    "postalCode",
    "preferredLanguage",
    "proxyAddresses",
    "state",
    "streetAddress",
    "surname",
    "usageLocation",
    "userPrincipalName",
];

/// The names that LDAP and other directories give properties, so that one template fits several directories.
const ALIASES: [(&str, &str); 17] = [
    ("c", "usageLocation"),
    ("co", "country"),
    ("company", "companyName"),
    ("email", "mail"),
    ("employeenumber", "employeeId"),
    ("firstname", "givenName"),
    ("l", "city"),
    ("lastname", "surname"),
    ("objectid", "id"),
    ("samaccountname", "onPremisesSamAccountName"),
    ("sn", "surname"),
    ("st", "state"),
    ("telephonenumber", "businessPhones"),
    ("title", "jobTitle"),
    ("upn", "userPrincipalName"),
    ("username", "userPrincipalName"),
    ("usertype", "userType"),
];

/// The properties that are read of everyone: who it is, whether the account is in use, and whether it is that of a guest.
const ALWAYS: [&str; 4] = ["id", "accountEnabled", "userPrincipalName", "userType"];

/// The number of extension attributes that come from Exchange and Active Directory.
const EXTENSION_ATTRIBUTES: u8 = 15;

/// What a query asks for, in the terms of Microsoft Graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    /// The properties for `$select`.
    properties: BTreeSet<String>,
    /// Other names of what is selected: the name of the query, and the path in Microsoft Graph.
    aliases: Vec<(String, String)>,
    /// The attributes of the query that Microsoft Graph does not have.
    pub(super) unknown: Vec<String>,
}

impl Selection {
    pub(super) fn new(attributes: &[String]) -> Self {
        let mut selection = Self::default();
        selection.properties.extend(ALWAYS.map(str::to_owned));
        for name in attributes {
            let Some(path) = path(name) else {
                selection.unknown.push(name.clone());
                continue;
            };
            let property = path.split('.').next().unwrap_or_default();
            selection.properties.insert(property.to_owned());
            if !path.eq_ignore_ascii_case(name) {
                selection.aliases.push((name.clone(), path));
            }
        }
        selection
    }

    /// The value of `$select`.
    pub(super) fn select(&self) -> String {
        self.properties.iter().map(String::as_str).collect::<Vec<_>>().join(",")
    }

    /// Whether a user holds all that is selected. A delta may hold only what changed.
    pub(super) fn is_whole(&self, user: &Map<String, Value>) -> bool {
        // Extensions without a value are left out.
        self.properties.iter().all(|name| user.contains_key(name) || name.contains('_'))
    }

    /// The person of a user.
    ///
    /// # Errors
    /// What keeps the user from being a person.
    pub(super) fn person(&self, user: &Map<String, Value>) -> Result<Person, String> {
        let text = |name: &str| user.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let Some(id) = text("id") else { return Err("a user has no id".to_owned()) };
        let place = text("userPrincipalName").unwrap_or(id).to_owned();
        // Microsoft Graph hides it from applications that may not see it. Somebody who left would then look like someone who
        // stays.
        let Some(is_enabled) = user.get("accountEnabled").and_then(Value::as_bool) else {
            return Err(format!("{place} has no accountEnabled"));
        };
        let mut attributes = Attributes::default();
        for (name, value) in user.iter().filter(|(name, _)| !name.starts_with('@')) {
            push(&mut attributes, name, value);
        }
        for (alias, path) in &self.aliases {
            if attributes.all(alias).is_empty() {
                for value in attributes.all(path).to_vec() {
                    attributes.push(alias, value);
                }
            }
        }
        Ok(Person { id: PersonId::new(id), place, is_enabled, attributes })
    }
}

/// Where Microsoft Graph has an attribute: a property, or a part of one.
fn path(name: &str) -> Option<String> {
    let same = |known: &str| known.eq_ignore_ascii_case(name);
    if let Some((_, property)) = ALIASES.iter().find(|(alias, _)| same(alias)) {
        return Some((*property).to_owned());
    }
    let (head, rest) = name.split_once('.').unwrap_or((name, ""));
    if let Some(property) = PROPERTIES.iter().find(|property| property.eq_ignore_ascii_case(head)) {
        return Some(if rest.is_empty() { (*property).to_owned() } else { format!("{property}.{rest}") });
    }
    let number = name.to_ascii_lowercase().strip_prefix("extensionattribute").and_then(|number| number.parse().ok());
    if let Some(number) = number.filter(|number| (1..=EXTENSION_ATTRIBUTES).contains(number)) {
        return Some(format!("onPremisesExtensionAttributes.extensionAttribute{number}"));
    }
    // Extensions: `extension_0123_costCenter`, `contoso_courses.courseType`.
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    (head.contains('_') && name.chars().all(is_name)).then(|| name.to_owned())
}

fn push(attributes: &mut Attributes, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Bool(value) => attributes.push(name, value.to_string()),
        Value::Number(value) => attributes.push(name, value.to_string()),
        Value::String(value) => attributes.push(name, value),
        Value::Array(list) => list.iter().for_each(|value| push(attributes, name, value)),
        Value::Object(fields) => {
            fields.iter().for_each(|(field, value)| push(attributes, &format!("{name}.{field}"), value))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selection(names: &[&str]) -> Selection {
        Selection::new(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn attributes_have_the_names_of_graph_of_ldap_and_of_extensions() {
        let names =
            ["MAIL", "sn", "extensionAttribute7", "extension_0123_costCenter", "employeeOrgData.division", "uid"];
        let selection = selection(&names);
        assert_eq!(
            selection.select(),
            "accountEnabled,employeeOrgData,extension_0123_costCenter,id,mail,onPremisesExtensionAttributes,surname,\
             userPrincipalName,userType"
        );
        assert_eq!(selection.unknown, ["uid"]);
        let user = json!({
            "@odata.id": "x", "id": "1", "userPrincipalName": "ann@example.com", "accountEnabled": false, "userType": "Guest",
            "surname": "Lee", "mail": null, "employeeOrgData": { "division": "North" },
            "onPremisesExtensionAttributes": { "extensionAttribute7": "7" }, "extension_0123_costCenter": ["4711", "4712"],
        });
        let ann = selection.person(user.as_object().unwrap()).unwrap();
        assert!(!ann.is_enabled && ann.place == "ann@example.com");
        let first = |name: &str| ann.attributes.first(name).unwrap_or_default().to_owned();
        assert_eq!([first("sn"), first("surname")], ["Lee", "Lee"]);
        assert_eq!([first("extensionAttribute7"), first("employeeorgdata.division")], ["7", "North"]);
        assert_eq!(ann.attributes.all("extension_0123_costCenter"), ["4711", "4712"]);
        assert_eq!([first("userType"), first("mail")], ["Guest", ""]);
    }

    #[test]
    fn a_user_without_identity_or_state_is_not_a_person() {
        for user in [json!({}), json!({ "id": "" }), json!({ "id": "1" }), json!({ "id": "1", "accountEnabled": null })]
        {
            assert!(selection(&[]).person(user.as_object().unwrap()).is_err(), "{user}");
        }
    }

    #[test]
    fn a_user_of_a_delta_is_whole_only_with_all_properties() {
        let selection = selection(&["mail", "extension_0123_costCenter"]);
        let whole =
            json!({ "id": "1", "accountEnabled": true, "userPrincipalName": "a", "userType": null, "mail": null });
        assert!(selection.is_whole(whole.as_object().unwrap()));
        assert!(!selection.is_whole(json!({ "id": "1", "mail": "a" }).as_object().unwrap()));
    }
}
