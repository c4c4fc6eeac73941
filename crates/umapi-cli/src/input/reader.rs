//! Commands from a file of any form.

use std::io::{self, BufRead};

use umapi::Command;

use super::{InputForm, bad::BadCommand, csv_commands::CsvCommands, elements::Elements, lines::Lines};

/// A command, and the line of the file on which it begins, counted from 1.
#[derive(Debug)]
pub(crate) struct Numbered {
    pub(crate) line: u64,
    pub(crate) command: Command,
}

/// Reads commands one by one, whatever the form of the file. Only one of them is in memory.
pub(crate) struct CommandReader<R> {
    form: Form<R>,
    is_over: bool,
}

enum Form<R> {
    Lines(Lines<R>),
    Elements(Elements<R>),
    Csv(Box<CsvCommands<R>>),
}

impl<R: BufRead> CommandReader<R> {
    pub(crate) fn new(form: InputForm, input: R) -> Self {
        let form = match form {
            InputForm::Ndjson => Form::Lines(Lines::new(input)),
            InputForm::Json => Form::Elements(Elements::new(input)),
            InputForm::Csv => Form::Csv(Box::new(CsvCommands::new(input))),
        };
        Self { form, is_over: false }
    }

    /// The header of CSV, once something was read: what a file of some of its lines begins with.
    pub(crate) fn header(&self) -> Option<String> {
        match &self.form {
            Form::Csv(reader) => reader.header(),
            _ => None,
        }
    }
}

impl<R: BufRead> Iterator for CommandReader<R> {
    type Item = io::Result<Result<Numbered, BadCommand>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = match &mut self.form {
            Form::Lines(lines) => lines.next(),
            Form::Elements(elements) => elements.next(),
            Form::Csv(reader) => reader.next(),
        };
        self.is_over = match &next {
            Ok(Some(Err(bad))) => bad.ends_file,
            Ok(Some(Ok(_))) => false,
            Ok(None) | Err(_) => true,
        };
        next.transpose()
    }
}

#[cfg(test)]
mod tests;
