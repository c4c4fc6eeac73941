//! Users of Okta, as people.

use std::collections::HashSet;

use serde_json::Value;

use super::text;
use crate::{
    changes::{EntryKey, PersonEntry},
    cloud::Wanted,
    directory::Query,
    person::{Attributes, Person, PersonId},
    settings::{OktaSettings, OktaStatus},
};

/// The people who were read.
pub(super) type Seen = HashSet<EntryKey>;

/// The statuses of accounts that are in use.
const ENABLED: [OktaStatus; 5] = [
    OktaStatus::Active,
    OktaStatus::Provisioned,
    OktaStatus::Recovery,
    OktaStatus::PasswordExpired,
    OktaStatus::LockedOut,
];

/// The names that LDAP and other directories give attributes, so that one template fits several directories.
const ALIASES: [(&str, &str); 15] = [
    ("c", "countryCode"),
    ("country", "countryCode"),
    ("firstname", "firstName"),
    ("givenName", "firstName"),
    ("l", "city"),
    ("lastname", "lastName"),
    ("mail", "email"),
    ("sn", "lastName"),
    ("st", "state"),
    ("surname", "lastName"),
    ("telephoneNumber", "primaryPhone"),
    ("uid", "login"),
    ("upn", "login"),
    ("username", "login"),
    ("userPrincipalName", "login"),
];

/// How users become people.
pub(super) struct Rules {
    wanted: Wanted,
    enabled: Vec<OktaStatus>,
}

/// A user.
#[derive(Debug)]
pub(super) struct User {
    pub(super) key: EntryKey,
    /// Whether the user was deactivated. Lists without a filter leave them out.
    pub(super) left: bool,
    pub(super) entry: PersonEntry,
}

impl Rules {
    /// Those of the settings, for a query.
    pub(super) fn of(settings: &OktaSettings, query: &Query) -> Self {
        let enabled = settings.enabled.clone().unwrap_or_else(|| ENABLED.to_vec());
        Self { wanted: Wanted::of(query), enabled }
    }

    /// The person that a user is.
    ///
    /// # Errors
    /// What is missing, with the id or the address of the user.
    pub(super) fn user(&self, user: &Value) -> Result<User, String> {
        let login = text(&user["profile"]["login"]).or_else(|| text(&user["profile"]["email"]));
        let Some(id) = text(&user["id"]) else {
            return Err(format!("{} has no id", login.as_deref().unwrap_or("a user")));
        };
        let place = login.unwrap_or_else(|| id.clone());
        let Some(status) = text(&user["status"]) else { return Err(format!("{place} has no status")) };
        let Some(profile) = user["profile"].as_object() else { return Err(format!("{place} has no profile")) };
        let mut attributes = Attributes::default();
        for (name, value) in profile {
            self.wanted.add(&mut attributes, name, value);
        }
        for (name, value) in user.as_object().into_iter().flatten() {
            // The rest describes the sign-in.
            if !matches!(name.as_str(), "profile" | "credentials" | "_links" | "_embedded") {
                self.wanted.add(&mut attributes, name, value);
            }
        }
        // An attribute of the organization's own goes before another name of a common one.
        for (alias, name) in ALIASES {
            if let Some(value) = profile.get(name) {
                self.wanted.add(&mut attributes, alias, value);
            }
        }
        let person = Person { id: PersonId::new(&id), place, is_enabled: self.is_enabled(&status), attributes };
        Ok(User {
            key: EntryKey::new(id),
            left: status == "DEPROVISIONED",
            entry: PersonEntry { person, is_listed: true, labels: Vec::new() },
        })
    }

    /// Whether an account of this status is in use. One that nobody knows is: nobody loses something for a new word.
    fn is_enabled(&self, status: &str) -> bool {
        let status = match status {
            "STAGED" => OktaStatus::Staged,
            "PROVISIONED" => OktaStatus::Provisioned,
            "ACTIVE" => OktaStatus::Active,
            "RECOVERY" => OktaStatus::Recovery,
            "PASSWORD_EXPIRED" => OktaStatus::PasswordExpired,
            "LOCKED_OUT" => OktaStatus::LockedOut,
            "SUSPENDED" => OktaStatus::Suspended,
            other => return other != "DEPROVISIONED",
        };
        self.enabled.contains(&status)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(enabled: Option<Vec<OktaStatus>>) -> Rules {
        let settings = serde_json::from_value::<OktaSettings>(json!({ "url": "https://example.okta.com" })).unwrap();
        let attributes = ["email", "status", "type.id", "city", "mail", "givenName", "c"].map(str::to_owned).to_vec();
        Rules::of(&OktaSettings { enabled, ..settings }, &Query { attributes, ..Query::default() })
    }

    fn user(status: &str) -> Value {
        json!({
            "id": "00u1", "status": status, "type": { "id": "oty1" },
            "profile": {
                "login": "ann@example.com", "email": "ann@example.com", "city": null, "mobilePhone": "1", "firstName": "Ann",
                "countryCode": "DE", "c": "AT",
            },
            "credentials": { "password": {} },
        })
    }

    #[test]
    fn a_user_becomes_a_person_with_the_wanted_attributes() {
        let User { key, left, entry } = rules(None).user(&user("ACTIVE")).unwrap();
        assert_eq!((key.as_str(), left, entry.person.is_enabled), ("00u1", false, true));
        assert_eq!(entry.person.place, "ann@example.com");
        let attributes: Vec<_> =
            entry.person.attributes.iter().map(|(name, values)| (name, values.join(","))).collect();
        let expected = [
            ("c", "AT"),
            ("email", "ann@example.com"),
            ("givenname", "Ann"),
            ("mail", "ann@example.com"),
            ("status", "ACTIVE"),
            ("type.id", "oty1"),
        ];
        assert_eq!(attributes, expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn statuses_tell_who_is_enabled_and_who_left() {
        for (status, is_enabled, left) in [
            ("ACTIVE", true, false),
            ("PROVISIONED", true, false),
            ("RECOVERY", true, false),
            ("PASSWORD_EXPIRED", true, false),
            ("LOCKED_OUT", true, false),
            ("A_NEW_WORD", true, false),
            ("STAGED", false, false),
            ("SUSPENDED", false, false),
            ("DEPROVISIONED", false, true),
        ] {
            let user = rules(None).user(&user(status)).unwrap();
            assert_eq!((user.entry.person.is_enabled, user.left), (is_enabled, left), "{status}");
        }
        let only_active = rules(Some(vec![OktaStatus::Active]));
        assert!(!only_active.user(&user("LOCKED_OUT")).unwrap().entry.person.is_enabled);
    }

    #[test]
    fn a_user_without_id_status_or_profile_is_named() {
        for (field, expected) in [
            ("id", "ann@example.com has no id"),
            ("status", "ann@example.com has no status"),
            ("profile", "00u1 has no profile"),
        ] {
            let mut user = user("ACTIVE");
            user.as_object_mut().unwrap().remove(field);
            assert_eq!(rules(None).user(&user).unwrap_err(), expected);
        }
        assert!(rules(None).user(&json!("ann")).unwrap_err().contains("no id"));
    }
}
