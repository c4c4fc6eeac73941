//! CSV: a command on each line, in columns.

mod columns;
mod row;

use std::io::{self, BufRead};

use columns::Columns;
use csv::{ReaderBuilder, StringRecord, Trim};
use row::Row;

use super::{
    bad::{BadCommand, Column, Place},
    line_starts::{LineStarts, Starts},
    reader::Numbered,
};

/// Reads a command from each line. A bad line does not keep the next one from being read; a bad header does.
pub(super) struct CsvCommands<R> {
    reader: csv::Reader<LineStarts<R>>,
    starts: Starts,
    columns: Option<Columns>,
    record: StringRecord,
}

impl<R: BufRead> CsvCommands<R> {
    pub(super) fn new(input: R) -> Self {
        let (input, starts) = LineStarts::new(input);
        let reader = ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(input);
        Self { reader, starts, columns: None, record: StringRecord::new() }
    }

    pub(super) fn header(&self) -> Option<String> {
        Some(to_line(self.columns.as_ref()?.names()))
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Result<Numbered, BadCommand>>> {
        loop {
            let is_there = match self.reader.read_record(&mut self.record) {
                Ok(is_there) => is_there,
                Err(error) => return unreadable(error).map(Err).map(Some),
            };
            if !is_there {
                let is_empty = self.columns.is_none();
                let rule = "the file is empty: a header was expected";
                return Ok(is_empty.then(|| Err(bad_header(1, Column::Whole, rule.to_owned(), None))));
            }
            let line = self.starts.line_at(self.record.position().map_or(0, csv::Position::byte));
            match &self.columns {
                None => match Columns::of_header(&self.record) {
                    Ok(columns) => self.columns = Some(columns),
                    Err((column, rule, remedy)) => {
                        return Ok(Some(Err(bad_header(line, column, rule, Some(remedy)))));
                    }
                },
                Some(_) if self.record.iter().all(str::is_empty) => {}
                Some(columns) => {
                    let command = Row::new(columns, &self.record).and_then(|row| row.into_command());
                    return Ok(Some(match command {
                        Ok(command) => Ok(Numbered { line, command }),
                        Err(complaint) => Err(BadCommand {
                            place: Place { line, column: complaint.column },
                            rule: complaint.rule,
                            remedy: complaint.remedy,
                            text: to_line(self.record.iter()),
                            ends_file: false,
                        }),
                    }));
                }
            }
        }
    }
}

/// What is wrong with a line, and in which column.
#[derive(Debug)]
struct Complaint {
    column: Column,
    rule: String,
    remedy: Option<String>,
}

impl Complaint {
    fn of_column(column: &str, rule: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { column: Column::Named(column.to_owned()), rule: rule.into(), remedy: Some(remedy.into()) }
    }
}

fn bad_header(line: u64, column: Column, rule: String, remedy: Option<String>) -> BadCommand {
    let remedy = remedy.or_else(|| Some("umapi help command-files lists the columns".to_owned()));
    BadCommand { place: Place { line, column }, rule, remedy, text: String::new(), ends_file: true }
}

fn unreadable(error: csv::Error) -> io::Result<BadCommand> {
    let line = error.position().map_or(0, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Err(error),
        csv::ErrorKind::Utf8 { err, .. } => Ok(BadCommand {
            place: Place { line, column: Column::Whole },
            rule: format!("field {} is not UTF-8", err.field() + 1),
            remedy: Some("save the file as UTF-8".to_owned()),
            text: String::new(),
            ends_file: true,
        }),
        other => Ok(bad_header(line, Column::Whole, format!("cannot be read ({other:?})"), None)),
    }
}

/// One line of CSV, without its end.
fn to_line<'a>(fields: impl Iterator<Item = &'a str>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(fields).ok().and_then(|()| writer.into_inner().ok());
    String::from_utf8(written.unwrap_or_default()).unwrap_or_default().trim_end().to_owned()
}
