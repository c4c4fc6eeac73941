//! One value of a table.

use std::borrow::Cow;

/// One value of a table or a CSV line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    /// There is none.
    Missing,
    Text(Cow<'a, str>),
    Number(i64),
    List(&'a [String]),
}

impl Cell<'_> {
    /// The value as one piece of text. Lists are joined by `;`, see [`join_list`].
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Text(text) => text.into_owned(),
            Self::Number(number) => number.to_string(),
            Self::List(items) => join_list(items),
        }
    }

    /// The value for the eyes: no control characters, which could drive the terminal.
    pub(crate) fn into_shown(self) -> String {
        let text = match self {
            Self::List(items) => items.join(", "),
            other => other.into_text(),
        };
        text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl<'a> From<&'a String> for Cell<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text.as_str().into())
    }
}

impl<'a> From<&'a [String]> for Cell<'a> {
    fn from(items: &'a [String]) -> Self {
        Self::List(items)
    }
}

impl<'a> From<&'a Vec<String>> for Cell<'a> {
    fn from(items: &'a Vec<String>) -> Self {
        Self::List(items)
    }
}

impl From<i64> for Cell<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for Cell<'_> {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or_else(|_| Self::Text(number.to_string().into()), Self::Number)
    }
}

impl<'a, T> From<&'a Option<T>> for Cell<'a>
where
    &'a T: Into<Cell<'a>>,
{
    fn from(value: &'a Option<T>) -> Self {
        value.as_ref().map_or(Self::Missing, Into::into)
    }
}

impl<'a> From<&'a i64> for Cell<'a> {
    fn from(number: &'a i64) -> Self {
        Self::Number(*number)
    }
}

impl<'a> From<&'a u64> for Cell<'a> {
    fn from(number: &'a u64) -> Self {
        (*number).into()
    }
}

/// Joins names by `;`. A `;` or `\` that belongs to a name is written `\;` or `\\`.
pub(crate) fn join_list(items: &[String]) -> String {
    let escaped: Vec<String> = items.iter().map(|item| item.replace('\\', "\\\\").replace(';', "\\;")).collect();
    escaped.join(";")
}
