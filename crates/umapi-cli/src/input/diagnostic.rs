//! Mistakes in input files: where each one is, which rule it breaks, and how to correct it.

use std::fmt;

use crate::failure::Failure;

/// The number of mistakes that are shown; the others are counted.
const SHOWN: usize = 20;

/// A place in an input file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SourceLocation {
    /// The line from 1; `None` for the whole file.
    pub(crate) line: Option<u64>,
    pub(crate) column: Option<SourceColumn>,
}

/// A place in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SourceColumn {
    /// A character, counted from 1.
    Character(u64),
    /// A column of CSV.
    Named(String),
}

/// A mistake in an input file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diagnostic {
    pub(crate) location: SourceLocation,
    /// The broken rule, with the value that breaks it.
    pub(crate) rule: String,
    /// How to correct it.
    pub(crate) remedy: Option<String>,
}

/// The mistakes in one input file.
#[derive(Clone, Debug)]
pub(crate) struct Diagnostics {
    file: String,
    first: Vec<Diagnostic>,
    count: u64,
}

impl SourceLocation {
    /// A whole line.
    pub(crate) fn line(line: u64) -> Self {
        Self { line: Some(line), column: None }
    }

    /// A character in a line, both counted from 1.
    pub(crate) fn character(line: u64, character: u64) -> Self {
        Self { line: Some(line), column: Some(SourceColumn::Character(character)) }
    }

    /// A column of CSV in a line.
    pub(crate) fn column(line: u64, name: impl Into<String>) -> Self {
        Self { line: Some(line), column: Some(SourceColumn::Named(name.into())) }
    }

    /// The place of a byte of a text.
    pub(crate) fn of_byte(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line = before.matches('\n').count() as u64 + 1;
        let character = before.rsplit('\n').next().unwrap_or_default().chars().count() as u64 + 1;
        Self::character(line, character)
    }
}

impl Diagnostic {
    pub(crate) fn new(location: SourceLocation, rule: impl Into<String>) -> Self {
        Self { location, rule: rule.into(), remedy: None }
    }

    /// Sets how to correct it.
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Makes a failure of the only mistake in a file.
    pub(crate) fn into_failure(self, file: impl Into<String>, what: &str) -> Failure {
        let mut mistakes = Diagnostics::of_file(file);
        mistakes.push(self);
        mistakes.into_failure(what)
    }
}

impl Diagnostics {
    /// Starts with no mistakes.
    pub(crate) fn of_file(file: impl Into<String>) -> Self {
        Self { file: file.into(), first: Vec::new(), count: 0 }
    }

    /// Adds a mistake. However many there are, only the first ones stay in memory.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.count += 1;
        if self.first.len() < SHOWN {
            self.first.push(diagnostic);
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Makes a failure that shows the first mistakes, each with its own remedy, and says what to do about all of them.
    pub(crate) fn into_failure_with(self, what: &str, remedy: &str) -> Failure {
        let more = self.count - self.first.len() as u64;
        let failure = Failure::usage(format!("{}: {what}", self.file));
        let failure = self.first.into_iter().fold(failure, Failure::why);
        let failure = if more > 0 { failure.why(format!("and {more} more")) } else { failure };
        failure.remedy(remedy)
    }

    /// Makes a failure that shows the first mistakes and counts the others: `users.csv: 2 of 9 commands are not valid`.
    pub(crate) fn into_failure(self, what: &str) -> Failure {
        let failure = Failure::usage(format!("{}: {what}", self.file));
        let more = self.count - self.first.len() as u64;
        match (<[Diagnostic; 1]>::try_from(self.first), more) {
            (Ok([Diagnostic { location, rule, remedy }]), 0) => {
                let failure = failure.why(Diagnostic::new(location, rule));
                match remedy {
                    Some(remedy) => failure.remedy(remedy),
                    None => failure,
                }
            }
            (Ok([only]), _) => failure.why(only),
            (Err(several), more) => {
                let failure = several.into_iter().fold(failure, Failure::why);
                match more {
                    0 => failure,
                    more => failure.why(format!("and {more} more")),
                }
            }
        }
    }
}

impl fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(line) = self.line else { return f.write_str("the file") };
        write!(f, "line {line}")?;
        match &self.column {
            None => Ok(()),
            Some(SourceColumn::Character(number)) => write!(f, ", column {number}"),
            Some(SourceColumn::Named(name)) => write!(f, ", column `{name}`"),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.location.line.is_some() {
            write!(f, "{}: ", self.location)?;
        }
        f.write_str(&self.rule)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn country(line: u64) -> Diagnostic {
        Diagnostic::new(SourceLocation::column(line, "country"), "`usa` is not a country code").remedy("use e.g. US")
    }

    #[test]
    fn location_counts_lines_and_characters_from_1() {
        assert_eq!(SourceLocation::of_byte("Größe\nGröße", 0), SourceLocation::character(1, 1));
        let byte = "Größe\nGröß".len();
        assert_eq!(SourceLocation::of_byte("Größe\nGröße", byte).to_string(), "line 2, column 5");
        assert_eq!(SourceLocation::line(7).to_string(), "line 7");
    }

    #[test]
    fn single_mistake_has_its_own_remedy() {
        let failure = country(3).into_failure("users.csv", "a command is not valid");
        let text = failure.to_string();
        let cause = "line 3, column `country`: `usa` is not a country code";
        assert_eq!(text, format!("users.csv: a command is not valid: {cause}; use e.g. US"));
    }

    #[test]
    fn many_mistakes_are_shown_first_and_counted() {
        let mut mistakes = Diagnostics::of_file("users.csv");
        (1..=25).for_each(|line| mistakes.push(country(line)));
        assert_eq!(mistakes.count(), 25);
        let text = mistakes.into_failure("25 of 30 commands are not valid").to_string();
        assert!(text.contains("line 20, column") && !text.contains("line 21,"), "{text}");
        assert!(text.ends_with("and 5 more"), "{text}");
    }
}
