//! The attributes of people in JSON that a query asks for.

use std::collections::HashSet;

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

    /// Adds the values of a field, if they are wanted. The fields of an object in it have names with a dot:
    /// `manager.email`. What is there already stays.
    pub(crate) fn add(&self, attributes: &mut Attributes, name: &str, value: &Value) {
        if let Value::Object(fields) = value {
            fields.iter().for_each(|(field, value)| self.add(attributes, &format!("{name}.{field}"), value));
        } else if self.has(name) && attributes.all(name).is_empty() {
            push(attributes, name, value);
        }
    }
}

fn push(attributes: &mut Attributes, name: &str, value: &Value) {
    match value {
        Value::Null | Value::Object(_) => {}
        Value::Bool(value) => attributes.push(name, value.to_string()),
        Value::Number(value) => attributes.push(name, value.to_string()),
        Value::String(value) => attributes.push(name, value),
        Value::Array(list) => list.iter().for_each(|value| push(attributes, name, value)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_wanted_attributes_are_kept() {
        let names = ["Email", "manager.email", "tags", "age", "active"].map(str::to_owned).to_vec();
        let wanted = Wanted::of(&Query { attributes: names, ..Query::default() });
        let mut attributes = Attributes::default();
        let person = json!({
            "email": "ann@example.com", "manager": { "email": "bob@example.com", "phone": "1" }, "tags": ["a", null, "b"],
            "age": 7, "active": true, "mobile": "2", "deep": [{ "email": "eve@example.com" }],
        });
        for (name, value) in person.as_object().unwrap() {
            wanted.add(&mut attributes, name, value);
        }
        wanted.add(&mut attributes, "EMAIL", &json!("second@example.com"));
        let found: Vec<_> = attributes.iter().map(|(name, values)| format!("{name}={}", values.join(","))).collect();
        assert_eq!(
            found,
            ["active=true", "age=7", "email=ann@example.com", "manager.email=bob@example.com", "tags=a,b"]
        );
    }
}
