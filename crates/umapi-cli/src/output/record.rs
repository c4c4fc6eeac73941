//! Records of results: their columns, and the values in them.

use std::borrow::Cow;

use serde::Serialize;

use super::terminal::escape_line;

/// A result that can be written as a row of a table, a line of CSV or a JSON object.
pub(crate) trait Record: Serialize {
    /// Returns the columns of CSV in their stable order. Tables leave out the hidden ones.
    fn columns() -> Vec<Column<Self>>
    where
        Self: Sized;
}

/// A column: its name, and how to get its value from a record.
pub(crate) struct Column<T: ?Sized> {
    pub(crate) name: &'static str,
    pub(crate) value: for<'a> fn(&'a T) -> Cell<'a>,
    pub(crate) is_shown: bool,
}

/// A column of CSV and of tables.
pub(crate) fn column<T: ?Sized>(name: &'static str, value: for<'a> fn(&'a T) -> Cell<'a>) -> Column<T> {
    Column { name, value, is_shown: true }
}

/// A column of CSV only, for programs.
pub(crate) fn hidden_column<T: ?Sized>(name: &'static str, value: for<'a> fn(&'a T) -> Cell<'a>) -> Column<T> {
    Column { name, value, is_shown: false }
}

/// A value in a table or a CSV line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    /// No value.
    Missing,
    Text(Cow<'a, str>),
    Number(i64),
    List(&'a [String]),
}

impl Cell<'_> {
    /// Returns the value as text. Lists are joined with `;`, see [`join_list`].
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Text(text) => text.into_owned(),
            Self::Number(number) => number.to_string(),
            Self::List(items) => join_list(items),
        }
    }

    /// Returns the value for display, on one line and without characters that could control the terminal.
    pub(crate) fn into_shown(self) -> String {
        let text = match self {
            Self::List(items) => items.join(", "),
            other => other.into_text(),
        };
        escape_line(&text)
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

/// Joins names with `;`. A `;` or `\` in a name becomes `\;` or `\\`, and a blank at its beginning or end becomes `\ `.
pub(crate) fn join_list(items: &[String]) -> String {
    let escaped: Vec<String> = items.iter().map(|item| escaped_item(item)).collect();
    escaped.join(";")
}

fn escaped_item(item: &str) -> String {
    let (begin, end) = (item.len() - item.trim_start().len(), item.trim_end().len());
    let mut escaped = String::with_capacity(item.len());
    for (at, character) in item.char_indices() {
        if matches!(character, ';' | '\\') || at < begin || at >= end {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// The longest text of a cell of a table, in characters. Far above what the service allows for a name.
const LONGEST: usize = 1000;

/// A text for a cell of a table: on one line, without characters that could control the terminal, and not longer than
/// anybody reads.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => escape_line(text),
        Some((end, _)) => {
            let begin = text.get(..end).unwrap_or(text);
            format!("{}… ({} characters)", escape_line(begin), text.chars().count())
        }
    }
}

/// Formats a number with its noun: `1 request`, `2 requests`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "user")), ["0 users", "1 user", "2 users"]);
    }

    #[test]
    fn separators_in_names_are_escaped() {
        let names = ["a;b", r"c\d", "e"].map(str::to_owned).to_vec();
        assert_eq!(Cell::List(&names).into_text(), r"a\;b;c\\d;e");
        let blanks = [" a b", "c ", " "].map(str::to_owned).to_vec();
        assert_eq!(Cell::List(&blanks).into_text(), r"\ a b;c\ ;\ ");
    }
}
