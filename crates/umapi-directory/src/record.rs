//! Records that hold a person and the names of their groups, as files and programs have them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use serde_json::Value;

use crate::{
    directory::{GroupName, Query, Reading},
    extent::{Gap, GapCause},
    person::{Attributes, Person, PersonId},
};

/// The attributes that say who somebody is, where the settings name none, in order.
const IDS: [&str; 4] = ["id", "username", "email", "mail"];

/// The attributes that say whether an account is in use.
const ENABLED: [&str; 2] = ["enabled", "active"];

/// A person and the names of their groups.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) attributes: Attributes,
    pub(crate) groups: Vec<GroupName>,
}

/// Collects records to a reading.
pub(crate) struct Collector<'t> {
    take: &'t mut (dyn FnMut(Person) + Send),
    id: Option<String>,
    /// Who was handed on, with a hash of what the record said.
    seen: HashMap<PersonId, u64>,
    members: BTreeMap<GroupName, Vec<PersonId>>,
    gaps: Vec<Gap>,
}

impl<'t> Collector<'t> {
    /// Starts with nobody. `id` is the attribute that says who somebody is.
    pub(crate) fn new(take: &'t mut (dyn FnMut(Person) + Send), id: Option<&str>) -> Self {
        Self { take, id: id.map(str::to_owned), seen: HashMap::new(), members: BTreeMap::new(), gaps: Vec::new() }
    }

    /// Takes a record.
    pub(crate) fn record(&mut self, place: String, record: Record) {
        let id = match &self.id {
            Some(name) => record.attributes.first(name),
            None => IDS.iter().find_map(|name| record.attributes.first(name)),
        };
        let Some(id) = id else {
            let wanted = self.id.clone().unwrap_or_else(|| IDS.join(", "));
            self.unreadable(&place, format!("it has no {wanted}, so nobody can tell who it is"));
            return;
        };
        let is_enabled = ENABLED.iter().find_map(|name| record.attributes.first(name)).is_none_or(is_yes);
        let id = PersonId::new(id);
        let mut hasher = DefaultHasher::new();
        record.attributes.iter().for_each(|attribute| attribute.hash(&mut hasher));
        let hash = hasher.finish();
        match self.seen.get(&id) {
            Some(known) if *known == hash => {}
            Some(_) => {
                self.unreadable(&place, format!("{id} stands there twice, with different values"));
                return;
            }
            None => {
                self.seen.insert(id.clone(), hash);
                (self.take)(Person { id: id.clone(), place, is_enabled, attributes: record.attributes });
            }
        }
        for group in record.groups {
            self.members.entry(group).or_default().push(id.clone());
        }
    }

    /// Takes the name of a group that exists, with members or without.
    pub(crate) fn group(&mut self, name: &str) {
        self.members.entry(name.to_owned()).or_default();
    }

    /// Notes a record that cannot be understood. Nobody knows whose it is, and in which groups.
    pub(crate) fn unreadable(&mut self, place: &str, reason: impl AsRef<str>) {
        self.gap(GapCause::Unreadable, format!("{place}: {}", reason.as_ref()));
    }

    /// Notes that the records are not all.
    pub(crate) fn gap(&mut self, cause: GapCause, detail: impl Into<String>) {
        self.gaps.push(Gap::new("the list of people", cause).detail(detail));
    }

    /// Ends the reading.
    pub(crate) fn finish(mut self, query: &Query) -> Reading {
        /// The number of gaps that are told; more of the same tell nothing new.
        const TOLD: usize = 20;
        for members in self.members.values_mut() {
            // A person may stand there several times, with the same group or another one.
            let mut seen = HashSet::with_capacity(members.len());
            members.retain(|id| seen.insert(id.clone()));
        }
        let more = self.gaps.len().saturating_sub(TOLD);
        self.gaps.truncate(TOLD);
        if more > 0 {
            self.gap(GapCause::Unreadable, format!("and {more} more"));
        }
        Reading::of_memberships(query, self.seen.len(), self.members, self.gaps)
    }
}

impl Record {
    /// A record from a JSON object. Attributes of an object in it get names with a dot: `profile.email`.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub(crate) fn from_json(value: &Value, groups: &str) -> Result<Self, String> {
        let Value::Object(fields) = value else { return Err("it is not an object: {\"email\": \"…\"}".to_owned()) };
        let mut record = Self::default();
        for (name, value) in fields {
            if name.eq_ignore_ascii_case(groups) {
                record.groups = match value {
                    Value::Null => Vec::new(),
                    Value::String(group) => vec![group.trim().to_owned()],
                    Value::Array(list) => list
                        .iter()
                        .map(|group| group.as_str().map(|group| group.trim().to_owned()))
                        .collect::<Option<_>>()
                        .ok_or_else(|| format!("`{name}` is not a list of names"))?,
                    _ => return Err(format!("`{name}` is not a list of names")),
                };
                record.groups.retain(|group| !group.is_empty());
            } else {
                record.value(name, value);
            }
        }
        Ok(record)
    }

    fn value(&mut self, name: &str, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(value) => self.attributes.push(name, value.to_string()),
            Value::Number(value) => self.attributes.push(name, value.to_string()),
            Value::String(value) => self.attributes.push(name, value),
            Value::Array(list) => list.iter().for_each(|value| self.value(name, value)),
            Value::Object(fields) => {
                fields.iter().for_each(|(field, value)| self.value(&format!("{name}.{field}"), value))
            }
        }
    }
}

/// Whether a text of a file means yes. Anything unknown does: nobody is taken for disabled by a word.
fn is_yes(text: &str) -> bool {
    !["false", "no", "0", "disabled", "inactive"].iter().any(|no| text.eq_ignore_ascii_case(no))
}
