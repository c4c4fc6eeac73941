//! The settings in the YAML of a connector file: each with its text and its place, and those that nobody knows.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_saphyr::{Location, Spanned};

use crate::Secret;

/// A part of the file: its name, and the settings that user-sync reads in it.
#[derive(Clone, Copy)]
struct Section {
    name: &'static str,
    known: &'static [&'static str],
}

const ROOT: Section =
    Section { name: "", known: &["authentication_method", "ssl_cert_verify", "ssl_verify", "test_mode"] };
const SERVER: Section = Section {
    name: "server",
    known: &[
        "host",
        "endpoint",
        "ims_host",
        "auth_host",
        "ims_endpoint_jwt",
        "auth_endpoint",
        "timeout",
        "retries",
        "ssl_verify",
    ],
};
const ENTERPRISE: Section = Section {
    name: "enterprise",
    known: &[
        "org_id",
        "client_id",
        "secure_client_id_key",
        "api_key",
        "secure_api_key_key",
        "client_secret",
        "secure_client_secret_key",
        "tech_acct_id",
        "tech_acct",
        "priv_key_path",
        "priv_key_data",
        "secure_priv_key_data_key",
        "priv_key_pass",
        "secure_priv_key_pass_key",
        "secure_priv_pass_key",
    ],
};
/// Settings of user-sync that concern its own work, not the connection.
const OF_USER_SYNC: [&str; 3] = ["logger_name", "trusted", "uses_business_id"];

/// The settings of a file.
#[derive(Default)]
pub(super) struct Settings {
    found: Vec<Setting>,
    /// The names and places of settings that user-sync does not read either.
    pub(super) unknown: Vec<Unknown>,
}

/// A setting that has a value.
pub(super) struct Setting {
    section: &'static str,
    key: &'static str,
    pub(super) text: Secret,
    place: Place,
}

pub(super) struct Unknown {
    pub(super) name: String,
    pub(super) place: Place,
    /// The settings that are known there.
    pub(super) known: &'static [&'static str],
}

/// A line and a column, both counted from 1.
#[derive(Clone, Copy)]
pub(super) struct Place {
    line: u64,
    column: u64,
}

impl Settings {
    /// Returns a setting that is not blank.
    pub(super) fn get(&self, section: &str, key: &str) -> Option<&Setting> {
        self.found.iter().find(|setting| setting.section == section && setting.key == key)
    }

    fn read<'de, A: MapAccess<'de>>(&mut self, section: Section, map: &mut A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let known = section.known.iter().find(|known| **known == key);
            match (section.name, key.as_str(), known) {
                (_, _, Some(key)) => {
                    let value: Spanned<Option<Secret>> = map.next_value()?;
                    let place = Place::of(&value.referenced);
                    // Without a value, or with a blank one, a setting counts as missing.
                    if let Some(text) = value.value.filter(|text| !text.is_blank()) {
                        self.found.push(Setting { section: section.name, key, text, place });
                    }
                }
                ("", "server", _) => map.next_value_seed(Part { section: SERVER, settings: self })?,
                ("", "enterprise", _) => map.next_value_seed(Part { section: ENTERPRISE, settings: self })?,
                ("", key, _) if OF_USER_SYNC.contains(&key) => drop(map.next_value::<IgnoredAny>()?),
                (name, _, None) => {
                    let value: Spanned<IgnoredAny> = map.next_value()?;
                    // A name that no setting could have may be a secret on a wrong line.
                    let key =
                        if key.chars().all(|c| c.is_ascii_lowercase() || c == '_') { key } else { "…".to_owned() };
                    let name = if name.is_empty() { key } else { format!("{name}.{key}") };
                    self.unknown.push(Unknown { name, place: Place::of(&value.referenced), known: section.known });
                }
            }
        }
        Ok(())
    }
}

impl Setting {
    /// The name as the file has it, with its place: ``line 3, column 9: `server.host` ``.
    pub(super) fn name(&self) -> String {
        let dot = if self.section.is_empty() { "" } else { "." };
        format!("{}: `{}{dot}{}`", self.place, self.section, self.key)
    }

    /// The text, without blanks around it.
    pub(super) fn plain(&self) -> &str {
        self.text.reveal().trim()
    }
}

impl Place {
    pub(super) fn of(location: &Location) -> Self {
        Self { line: location.line(), column: location.column() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut settings = Self::default();
        Part { section: ROOT, settings: &mut settings }.deserialize(deserializer)?;
        Ok(settings)
    }
}

/// Reads a part of the file, which may be empty: all its lines may be comments.
struct Part<'a> {
    section: Section,
    settings: &'a mut Settings,
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("settings")
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.settings.read(self.section, &mut map)
    }
}
