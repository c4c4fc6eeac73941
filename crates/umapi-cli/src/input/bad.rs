//! What is wrong in a file, and where.

use std::fmt;

/// A command of a file that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadCommand {
    pub(crate) place: Place,
    /// The rule, and how it was broken.
    pub(crate) rule: String,
    /// What to write instead.
    pub(crate) remedy: Option<String>,
    /// The command as it stands in the file, to be corrected and run again.
    pub(crate) text: String,
    /// Nothing after it can be read.
    pub(crate) ends_file: bool,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Counted from 1.
    pub(crate) line: u64,
    pub(crate) column: Column,
}

/// A place in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// The whole line.
    Whole,
    /// A letter, counted from 1.
    Letter(usize),
    /// A column of CSV.
    Named(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        match &self.column {
            Column::Whole => Ok(()),
            Column::Letter(number) => write!(f, ", column {number}"),
            Column::Named(name) => write!(f, ", column `{name}`"),
        }
    }
}

impl fmt::Display for BadCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.rule)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}
