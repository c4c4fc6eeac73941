//! Lenient reading of responses. The service does not always keep to its own types: numbers, text and booleans are read in each
//! other's form, and `null` counts as absent.

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

/// A type that is read leniently.
pub(crate) trait Lenient: Sized {
    /// Reads the value in any of its forms.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// Reads a field leniently, for `#[serde(deserialize_with)]`.
pub(crate) fn read<'de, T: Lenient, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::read(deserializer)
}

/// Reads a list that may be absent: `null` counts as an empty list.
pub(crate) fn read_or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads a scalar that may be absent: `null` counts as the default.
pub(crate) fn read_scalar_or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Lenient + Default,
    D: Deserializer<'de>,
{
    Ok(<Option<T> as Lenient>::read(deserializer)?.unwrap_or_default())
}

/// A scalar, in the form in which it was received.
pub(crate) enum Scalar<'a> {
    Text(&'a str),
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl Scalar<'_> {
    /// The value as text, e.g. `7` for the number 7.
    #[inline]
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Text(text) => (*text).to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Unsigned(number) => number.to_string(),
            Self::Signed(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
        }
    }

    /// The value as a whole number: a number without fraction, or the text of one.
    pub(crate) fn to_integer<T: FromStr + TryFrom<u64> + TryFrom<i64>>(&self) -> Option<T> {
        match self {
            Self::Text(text) => text.trim().parse().ok(),
            Self::Bool(_) => None,
            Self::Unsigned(number) => T::try_from(*number).ok(),
            Self::Signed(number) => T::try_from(*number).ok(),
            // Every float without fraction is written as an integer.
            Self::Float(number) if number.fract() == 0.0 => format!("{number}").parse().ok(),
            Self::Float(_) => None,
        }
    }

    fn to_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Text(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
            Self::Text(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
            Self::Unsigned(0) | Self::Signed(0) => Some(false),
            Self::Unsigned(1) | Self::Signed(1) => Some(true),
            _ => None,
        }
    }
}

/// Reads any scalar, and converts it.
pub(crate) fn read_scalar<'de, T, D: Deserializer<'de>>(
    deserializer: D,
    expected: &'static str,
    convert: impl Fn(Scalar<'_>) -> Option<T>,
) -> Result<T, D::Error> {
    deserializer.deserialize_any(ScalarVisitor { expected, convert })
}

struct ScalarVisitor<C> {
    expected: &'static str,
    convert: C,
}

impl<T, C: Fn(Scalar<'_>) -> Option<T>> ScalarVisitor<C> {
    fn convert<E: Error>(self, scalar: Scalar<'_>) -> Result<T, E> {
        let shown = scalar.to_text();
        (self.convert)(scalar).ok_or_else(|| E::custom(format!("expected {}, got {shown:?}", self.expected)))
    }
}

impl<T, C: Fn(Scalar<'_>) -> Option<T>> Visitor<'_> for ScalarVisitor<C> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        // Without the text of the error, which most values do not need.
        let Self { expected, convert } = self;
        convert(Scalar::Text(text)).ok_or_else(|| E::custom(format!("expected {expected}, got {text:?}")))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        self.convert(Scalar::Bool(value))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.convert(Scalar::Unsigned(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.convert(Scalar::Signed(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        self.convert(Scalar::Float(number))
    }
}

macro_rules! lenient_integers {
    ($($integer:ty),*) => {
        $(impl Lenient for $integer {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                read_scalar(deserializer, "a whole number", |scalar| scalar.to_integer())
            }
        })*
    };
}

lenient_integers!(u32, u64, i32, i64);

impl Lenient for bool {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_scalar(deserializer, "true or false", |scalar| scalar.to_bool())
    }
}

impl Lenient for String {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_scalar(deserializer, "text", |scalar| Some(scalar.to_text()))
    }
}

/// `null` counts as absent.
impl<T: Lenient> Lenient for Option<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OptionVisitor<T>(PhantomData<T>);

        impl<'de, T: Lenient> Visitor<'de> for OptionVisitor<T> {
            type Value = Option<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or null")
            }

            fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
                Ok(None)
            }

            fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
                Ok(None)
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
                T::read(deserializer).map(Some)
            }
        }

        deserializer.deserialize_option(OptionVisitor(PhantomData))
    }
}

/// `null` counts as an empty list, and is omitted inside it.
impl Lenient for Vec<String> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text(Option<String>);

        impl<'de> Deserialize<'de> for Text {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Lenient::read(deserializer).map(Self)
            }
        }

        let list = Option::<Vec<Text>>::deserialize(deserializer)?.unwrap_or_default();
        Ok(list.into_iter().filter_map(|text| text.0).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{ActionResponse, Group, GroupPage, GroupType, User};

    fn group(json: &str) -> serde_json::Result<Group> {
        serde_json::from_str(json)
    }

    #[test]
    fn scalars_are_read_in_each_others_form() {
        let text =
            r#"{"groupId":"2","groupName":7,"memberCount":7.0,"isReadOnly":"false","type":3,"productName":true}"#;
        let group = group(text).unwrap();
        assert_eq!((group.group_id, group.member_count, group.is_read_only), (Some(2), Some(7), Some(false)));
        assert_eq!((group.group_name.as_str(), group.product_name.as_deref()), ("7", Some("true")));
        assert_eq!(group.type_, Some(GroupType::Other("3".to_owned())));
    }

    #[test]
    fn null_is_absent_for_fields_lists_and_elements() {
        let text = r#"{"result":"success","completed":"3","notCompleted":null,"errors":null,"warnings":null}"#;
        let response: ActionResponse = serde_json::from_str(text).unwrap();
        assert_eq!((response.completed, response.not_completed, response.errors.len()), (3, 0, 0));
        let user: User = serde_json::from_str(r#"{"email":null,"groups":["a",null,7],"adminRoles":null}"#).unwrap();
        assert_eq!((user.email, user.groups), (None, Some(vec!["a".to_owned(), "7".to_owned()])));
        let page = r#"{"lastPage":true,"result":"Not found","groups":null}"#;
        assert!(serde_json::from_str::<GroupPage>(page).unwrap().groups.is_empty());
    }

    #[test]
    fn a_group_may_have_no_type() {
        let group = group(r#"{"groupName":"a"}"#).unwrap();
        assert_eq!((group.type_, group.group_id), (None, None));
    }

    #[test]
    fn what_is_not_a_number_is_an_error() {
        for value in [json!(-1), json!("x"), json!(1.5), json!([1]), json!({}), json!("")] {
            let error = group(&json!({"groupName": "a", "groupId": value}).to_string()).unwrap_err().to_string();
            assert!(error.contains("a whole number"), "{value}: {error}");
        }
    }

    #[test]
    fn lenient_values_are_written_in_the_described_form() {
        let group = group(r#"{"groupName":"a","groupId":"2","isReadOnly":"True"}"#).unwrap();
        assert_eq!(serde_json::to_value(group).unwrap(), json!({"groupName": "a", "groupId": 2, "isReadOnly": true}));
    }
}
