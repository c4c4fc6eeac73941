//! Whole numbers that the service writes now as a number, now as a string.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A whole number, in the form in which it came: `licenseQuota` is `"8"` on one endpoint and `8` on another.
///
/// ```
/// use umapi_model::IntegerOrString;
///
/// let quota: IntegerOrString = serde_json::from_str(r#""8""#).unwrap();
/// assert_eq!(quota.as_i64(), Some(8));
/// assert_eq!(serde_json::to_string(&quota).unwrap(), r#""8""#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum IntegerOrString {
    /// It came as a number.
    Integer(i64),
    /// It came as a string, of digits as a rule.
    String(String),
}

impl IntegerOrString {
    /// The number. Nothing for a string that is none.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::String(text) => text.trim().parse().ok(),
        }
    }
}

impl fmt::Display for IntegerOrString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(f),
            Self::String(text) => text.fmt(f),
        }
    }
}

impl From<i64> for IntegerOrString {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<String> for IntegerOrString {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<&str> for IntegerOrString {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_written_back_as_they_came() {
        for (json, number) in [("42073423", Some(42_073_423)), (r#""1""#, Some(1)), (r#""UNLIMITED""#, None)] {
            let value: IntegerOrString = serde_json::from_str(json).unwrap();
            assert_eq!(value.as_i64(), number);
            assert_eq!(serde_json::to_string(&value).unwrap(), json);
        }
    }
}
