//! What can be written as a line of a table.

use serde::Serialize;

use super::Cell;

/// What can be written as a line of a table, of CSV, or as a JSON object.
pub(crate) trait Record: Serialize {
    /// The columns of CSV, in their promised order. Tables leave out the hidden ones.
    fn columns() -> Vec<Column<Self>>
    where
        Self: Sized;
}

/// A column: its name, and its value in a record.
pub(crate) struct Column<T: ?Sized> {
    pub(crate) name: &'static str,
    pub(crate) value: for<'a> fn(&'a T) -> Cell<'a>,
    pub(crate) is_shown: bool,
}

/// A column of CSV and of tables.
pub(crate) fn column<T: ?Sized>(name: &'static str, value: for<'a> fn(&'a T) -> Cell<'a>) -> Column<T> {
    Column { name, value, is_shown: true }
}

/// A column of CSV alone: it is for programs.
pub(crate) fn hidden_column<T: ?Sized>(name: &'static str, value: for<'a> fn(&'a T) -> Cell<'a>) -> Column<T> {
    Column { name, value, is_shown: false }
}
