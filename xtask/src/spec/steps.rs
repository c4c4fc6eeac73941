//! The steps of commands in a description: the alternatives of a union with `x-umapi-step`.

use serde_json::Value;

use super::text_of;

/// A step of a command: an object with exactly one key.
pub(crate) struct Step<'a> {
    /// The key, which is its name in JSON.
    pub(crate) name: &'a str,
    /// Where in a command it may stand, as the description says.
    pub(crate) position: &'a str,
}

/// The steps of a union. Empty if its alternatives are not steps.
pub(crate) fn steps_of(schema: &Value) -> Vec<Step<'_>> {
    let alternatives: Vec<&Value> = schema["oneOf"].as_array().into_iter().flatten().collect();
    if !is_union_of_steps(schema) {
        return Vec::new();
    }
    alternatives
        .into_iter()
        .map(|alternative| Step {
            name: key_of(alternative).unwrap_or_default(),
            position: text_of(&alternative["x-umapi-step"], "position"),
        })
        .collect()
}

/// Whether the alternatives are objects with one key each, and at least one says that it is a step.
pub(crate) fn is_union_of_steps(schema: &Value) -> bool {
    let alternatives = schema["oneOf"].as_array().map_or(&[][..], Vec::as_slice);
    alternatives.iter().any(|alternative| alternative.get("x-umapi-step").is_some())
        || (alternatives.len() > 1 && alternatives.iter().all(|alternative| key_of(alternative).is_some()))
}

/// The only key that an object may have. `None` for another schema.
pub(crate) fn key_of(schema: &Value) -> Option<&str> {
    let properties = schema["properties"].as_object()?;
    let required = schema["required"].as_array()?;
    let (name, _) = properties.iter().next()?;
    let has_one = properties.len() == 1 && required.len() == 1 && required[0] == name.as_str();
    (has_one && schema["additionalProperties"] == Value::Bool(false)).then_some(name)
}
