//! Users of Google Workspace, as people.

use serde_json::Value;

use super::text;
use crate::{
    changes::{EntryKey, PersonEntry},
    cloud::Wanted,
    directory::Query,
    person::{Attributes, Person, PersonId},
};

/// Names of attributes that are shorter than the fields that they come from, and the names that LDAP and other directories give
/// them, so that one template fits several directories.
///
/// | attribute | field |
/// | --- | --- |
/// | `email`, `mail`, `username` | `primaryEmail` |
/// | `givenName`, `familyName`, `fullName` | of `name` |
/// | `countryCode`, `country` | of the primary address, or the one at work, or the first |
/// | `department`, `title`, `costCenter`, `company` | of the primary organization, or the one at work, or the first |
/// | `employeeId` | the external id of the type `organization` |
const SHORT_NAMES: [(&str, &str); 22] = [
    ("email", "primaryEmail"),
    ("mail", "primaryEmail"),
    ("uid", "primaryEmail"),
    ("upn", "primaryEmail"),
    ("username", "primaryEmail"),
    ("userPrincipalName", "primaryEmail"),
    ("givenName", "name"),
    ("firstname", "name"),
    ("familyName", "name"),
    ("lastname", "name"),
    ("sn", "name"),
    ("surname", "name"),
    ("fullName", "name"),
    ("countryCode", "addresses"),
    ("c", "addresses"),
    ("country", "addresses"),
    ("department", "organizations"),
    ("title", "organizations"),
    ("costCenter", "organizations"),
    ("company", "organizations"),
    ("employeeId", "externalIds"),
    ("employeeNumber", "externalIds"),
];

/// The fields that users have, besides those of own schemas.
const FIELDS: [&str; 26] = [
    "id",
    "primaryEmail",
    "name",
    "isAdmin",
    "isDelegatedAdmin",
    "lastLoginTime",
    "creationTime",
    "suspended",
    "suspensionReason",
    "archived",
    "emails",
    "externalIds",
    "relations",
    "aliases",
    "isMailboxSetup",
    "customerId",
    "addresses",
    "organizations",
    "phones",
    "languages",
    "locations",
    "keywords",
    "orgUnitPath",
    "isEnrolledIn2Sv",
    "recoveryEmail",
    "isGuestUser",
];

/// The fields that are always read.
const ALWAYS: [&str; 5] = ["id", "primaryEmail", "suspended", "archived", "orgUnitPath"];

/// How users become people.
pub(super) struct Rules {
    wanted: Wanted,
    /// The fields to ask for.
    fields: Vec<&'static str>,
    /// The own schemas to ask for.
    schemas: Vec<String>,
}

/// A user.
#[derive(Debug)]
pub(super) struct User {
    pub(super) key: EntryKey,
    /// The path of the organizational unit.
    pub(super) unit: Option<String>,
    pub(super) entry: PersonEntry,
}

impl Rules {
    /// Those of a query.
    pub(super) fn of(query: &Query) -> Self {
        let mut fields = ALWAYS.to_vec();
        let mut schemas = Vec::new();
        for attribute in &query.attributes {
            let first = attribute.split('.').next().unwrap_or_default();
            let short =
                SHORT_NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute)).map(|(_, field)| *field);
            let field = short.or_else(|| FIELDS.into_iter().find(|field| field.eq_ignore_ascii_case(first)));
            match field {
                Some(field) => fields.push(field),
                // The names of own schemas and their fields are any words.
                None if attribute.contains('.') => schemas.push(first.to_owned()),
                None => {}
            }
        }
        let mut known = std::collections::HashSet::new();
        fields.retain(|field| known.insert(*field));
        schemas.sort();
        schemas.dedup();
        Self { wanted: Wanted::of(query), fields, schemas }
    }

    /// The fields of each user to ask for: `id,primaryEmail`.
    pub(super) fn fields(&self) -> String {
        let mut fields = self.fields.join(",");
        if !self.schemas.is_empty() {
            fields += ",customSchemas";
        }
        fields
    }

    /// What else is asked for: the projection, and the own schemas of the projection `custom`.
    pub(super) fn projection(&self) -> (&'static str, Option<String>) {
        match self.schemas.is_empty() {
            true => ("basic", None),
            false => ("custom", Some(self.schemas.join(","))),
        }
    }

    /// The person that a user is.
    ///
    /// # Errors
    /// What is missing, with the address of the user.
    pub(super) fn user(&self, user: &Value) -> Result<User, String> {
        let email = text(&user["primaryEmail"]);
        let Some(id) = text(&user["id"]) else {
            return Err(format!("{} has no id", email.as_deref().unwrap_or("a user")));
        };
        let place = email.unwrap_or_else(|| id.clone());
        let is = |field: &str| match &user[field] {
            Value::Null => Ok(false),
            Value::Bool(value) => Ok(*value),
            _ => Err(format!("`{field}` of {place} is neither true nor false")),
        };
        let is_enabled = !is("suspended")? && !is("archived")?;
        let mut attributes = Attributes::default();
        for (name, value) in short_values(user) {
            self.wanted.add(&mut attributes, name, value);
        }
        for (name, value) in user.as_object().into_iter().flatten() {
            if name == "customSchemas" {
                for (schema, fields) in value.as_object().into_iter().flatten() {
                    self.wanted.add(&mut attributes, schema, fields);
                }
            } else {
                self.wanted.add(&mut attributes, name, value);
            }
        }
        let person = Person { id: PersonId::new(&id), place, is_enabled, attributes };
        Ok(User {
            key: EntryKey::new(id),
            unit: text(&user["orgUnitPath"]),
            entry: PersonEntry { person, is_listed: true, labels: Vec::new() },
        })
    }
}

/// The values of the [short names](SHORT_NAMES).
fn short_values(user: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    let address = best(&user["addresses"], "work");
    let organization = best(&user["organizations"], "work");
    let employee = user["externalIds"].as_array().into_iter().flatten().find(|id| id["type"] == "organization");
    let null = &Value::Null;
    SHORT_NAMES.into_iter().map(move |(short, field)| {
        let value = match (field, short) {
            ("primaryEmail", _) => &user["primaryEmail"],
            (_, "givenName" | "firstname") => &user["name"]["givenName"],
            (_, "fullName") => &user["name"]["fullName"],
            ("name", _) => &user["name"]["familyName"],
            (_, "countryCode" | "c") => address.map_or(null, |address| &address["countryCode"]),
            ("addresses", _) => address.map_or(null, |address| &address["country"]),
            (_, "company") => organization.map_or(null, |organization| &organization["name"]),
            ("organizations", _) => organization.map_or(null, |organization| &organization[short]),
            _ => employee.map_or(null, |employee| &employee["value"]),
        };
        (short, value)
    })
}

/// The primary entry of a list, or the first of a type, or the first.
fn best<'v>(list: &'v Value, kind: &str) -> Option<&'v Value> {
    let list = list.as_array()?;
    let primary = list.iter().find(|entry| entry["primary"] == true);
    primary.or_else(|| list.iter().find(|entry| entry["type"] == kind)).or_else(|| list.first())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(attributes: &[&str]) -> Rules {
        let attributes = attributes.iter().map(|&name| name.to_owned()).collect();
        Rules::of(&Query { attributes, ..Query::default() })
    }

    fn attributes(attributes: &[&str], user: &Value) -> Vec<String> {
        let user = rules(attributes).user(user).unwrap();
        let found = user.entry.person.attributes.iter();
        found.map(|(name, values)| format!("{name}={}", values.join(","))).collect()
    }

    #[test]
    fn only_the_needed_fields_are_asked_for() {
        let always = "id,primaryEmail,suspended,archived,orgUnitPath";
        assert_eq!(rules(&[]).fields(), always);
        let some =
            rules(&["givenName", "familyname", "country", "Adobe.country", "Adobe.login", "name.fullName", "odd"]);
        assert_eq!(some.fields(), format!("{always},name,addresses,customSchemas"));
        assert_eq!(some.projection(), ("custom", Some("Adobe".to_owned())));
        assert_eq!(rules(&["email"]).projection(), ("basic", None));
    }

    #[test]
    fn a_user_becomes_a_person_with_short_names() {
        let user = json!({
            "id": "107", "primaryEmail": "ann@example.com", "orgUnitPath": "/Sales",
            "name": { "givenName": "Ann", "familyName": "Lee", "fullName": "Ann Lee" },
            "addresses": [{ "type": "home", "countryCode": "FR" }, { "type": "work", "countryCode": "DE", "country": "Germany" }],
            "organizations": [{ "department": "old" }, { "department": "Design", "primary": true }],
            "externalIds": [{ "type": "login", "value": "x" }, { "type": "organization", "value": "E7" }],
            "customSchemas": { "Adobe": { "country": "AT", "tags": [{ "value": "a" }] } },
            "phones": [{ "value": "1" }],
        });
        assert_eq!(
            attributes(&["mail", "sn", "firstName", "c", "company"], &user),
            ["c=DE", "firstname=Ann", "mail=ann@example.com", "sn=Lee"]
        );
        assert_eq!(
            attributes(
                &["givenName", "countryCode", "department", "employeeId", "Adobe.country", "orgUnitPath"],
                &user
            ),
            [
                "adobe.country=AT",
                "countrycode=DE",
                "department=Design",
                "employeeid=E7",
                "givenname=Ann",
                "orgunitpath=/Sales"
            ]
        );
        let User { key, unit, entry } = rules(&[]).user(&user).unwrap();
        assert_eq!((key.as_str(), unit.as_deref(), entry.person.is_enabled), ("107", Some("/Sales"), true));
        assert_eq!(entry.person.place, "ann@example.com");
    }

    #[test]
    fn suspended_and_archived_accounts_are_not_in_use() {
        for field in ["suspended", "archived"] {
            let user = json!({ "id": "1", "primaryEmail": "a@example.com", field: true });
            assert!(!rules(&[]).user(&user).unwrap().entry.person.is_enabled, "{field}");
            let odd = json!({ "id": "1", "primaryEmail": "a@example.com", field: "yes" });
            assert!(rules(&[]).user(&odd).unwrap_err().contains("neither true nor false"), "{field}");
        }
        assert!(rules(&[]).user(&json!({ "primaryEmail": "a@example.com" })).unwrap_err().contains("has no id"));
    }
}
