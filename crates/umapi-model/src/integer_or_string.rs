//! Whole numbers that the service sends sometimes as a number and sometimes as a string.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::lenient::{Scalar, read_scalar};

/// A whole number in the form in which it was received: `licenseQuota` is `"8"` on one endpoint and `8` on another.
///
/// ```
/// use umapi_model::IntegerOrString;
///
/// let quota: IntegerOrString = serde_json::from_str(r#""8""#).unwrap();
/// assert_eq!(quota.as_i64(), Some(8));
/// assert_eq!(serde_json::to_string(&quota).unwrap(), r#""8""#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum IntegerOrString {
    /// A number.
    Integer(i64),
    /// A string, usually of digits.
    String(String),
}

impl<'de> Deserialize<'de> for IntegerOrString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_scalar(deserializer, "a whole number or text", |scalar| {
            Some(match (&scalar, scalar.to_integer()) {
                (Scalar::Text(text), _) => Self::String((*text).to_owned()),
                (_, Some(number)) => Self::Integer(number),
                (_, None) => Self::String(scalar.to_text()),
            })
        })
    }
}

impl IntegerOrString {
    /// The number. `None` for a string that is not a number.
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
    fn both_forms_survive_a_round_trip() {
        for (json, number) in [("42073423", Some(42_073_423)), (r#""1""#, Some(1)), (r#""UNLIMITED""#, None)] {
            let value: IntegerOrString = serde_json::from_str(json).unwrap();
            assert_eq!(value.as_i64(), number);
            assert_eq!(serde_json::to_string(&value).unwrap(), json);
        }
    }
}
