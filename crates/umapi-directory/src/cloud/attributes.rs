//! The attributes of people in JSON that a query asks for.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::{directory::Query, person::Attributes};

/// The attributes that a query asks for. Nothing else of a person is kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted(HashSet<String>);

impl Wanted {
    /// Those of a query.
    pub(crate) fn of(query: &Query) -> Self {
        Self(query.attributes.iter().map(|name| name.to_ascii_lowercase()).collect())
    }

    /// Whether an attribute is wanted.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains(&name.to_ascii_lowercase())
    }

    /// Adds the values of a field, if they are wanted. The fields of objects in it have names with a dot: `manager.email`. What
    /// is there already stays.
    pub(crate) fn add(&self, attributes: &mut Attributes, name: &str, value: &Value) {
        let mut values = BTreeMap::new();
        self.flatten(&mut values, name, value);
        for (name, values) in values {
            if attributes.all(&name).is_empty() {
                values.iter().for_each(|value| attributes.push(&name, value));
            }
        }
    }

    fn flatten(&self, values: &mut BTreeMap<String, Vec<String>>, name: &str, value: &Value) {
        let text = match value {
            Value::Null => return,
            Value::Array(list) => return list.iter().for_each(|value| self.flatten(values, name, value)),
            Value::Object(fields) => {
                return fields
                    .iter()
                    .for_each(|(field, value)| self.flatten(values, &format!("{name}.{field}"), value));
            }
            Value::Bool(value) => value.to_string(),
            Value::Number(value) => value.to_string(),
            Value::String(value) => value.clone(),
        };
        if self.has(name) {
            values.entry(name.to_owned()).or_default().push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_wanted_attributes_are_kept() {
        let names = ["Email", "manager.email", "tags", "age", "active", "phones.value"].map(str::to_owned).to_vec();
        let wanted = Wanted::of(&Query { attributes: names, ..Query::default() });
        let mut attributes = Attributes::default();
        let person = json!({
            "email": "ann@example.com", "manager": { "email": "bob@example.com", "phone": "1" }, "tags": ["a", null, "b"],
            "age": 7, "active": true, "mobile": "2", "deep": [{ "email": "eve@example.com" }],
            "phones": [{ "value": "3", "type": "home" }, { "value": "4" }],
        });
        for (name, value) in person.as_object().unwrap() {
            wanted.add(&mut attributes, name, value);
        }
        wanted.add(&mut attributes, "EMAIL", &json!("second@example.com"));
        let found: Vec<_> = attributes.iter().map(|(name, values)| format!("{name}={}", values.join(","))).collect();
        assert_eq!(
            found,
            [
                "active=true",
                "age=7",
                "email=ann@example.com",
                "manager.email=bob@example.com",
                "phones.value=3,4",
                "tags=a,b"
            ]
        );
    }
}
