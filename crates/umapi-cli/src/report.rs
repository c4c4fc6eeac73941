//! Reports about an organization, for people who do not use the command: what they consist of, and their formats.
//!
//! Nothing here reads or writes a file or asks the service: [`crate::commands`] hands over the organization and the time.

mod changes;
mod chart;
mod licenses;
mod memberships;
mod organization;
mod page;
pub(crate) mod snapshot;

use std::{
    borrow::Cow,
    io::{self, Write},
};

use serde::{Serialize, Serializer, ser::SerializeMap};

pub(crate) use self::{
    changes::changes,
    chart::Chart,
    licenses::{Snapshots, licenses},
    memberships::memberships,
    organization::{Builder, Organization},
};
use crate::output::{Cell, CsvStyle};

/// A report: its figures, its charts, and the tables behind them.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The name in the command line.
    report: &'static str,
    #[serde(skip)]
    title: &'static str,
    organization: String,
    /// When the organization was read, in UTC.
    as_of: String,
    /// The time of the snapshot that it is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(serialize_with = "as_map")]
    figures: Vec<(&'static str, u64)>,
    /// What limits the report, e.g. lists that changed while they were read.
    notes: Vec<String>,
    #[serde(skip)]
    charts: Vec<Chart>,
    #[serde(serialize_with = "by_name")]
    tables: Vec<Table>,
}

/// A table of a report.
#[derive(Debug)]
pub(crate) struct Table {
    /// The name for programs.
    name: &'static str,
    title: &'static str,
    /// What the table shows, if the title does not say it.
    about: Cow<'static, str>,
    columns: &'static [&'static str],
    rows: Vec<Vec<Value>>,
}

/// A value in a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Value {
    Missing,
    Text(String),
    Number(u64),
    Names(Vec<String>),
}

impl Report {
    fn new(report: &'static str, title: &'static str, organization: &Organization) -> Self {
        Self {
            report,
            title,
            organization: organization.id.clone(),
            as_of: organization.as_of.clone(),
            since: None,
            figures: Vec::new(),
            notes: organization.notes(),
            charts: Vec::new(),
            tables: Vec::new(),
        }
    }

    /// Adds what limits the report.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Writes a page that needs nothing else. Long tables are cut.
    pub(crate) fn write_html(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(page::page(self).as_bytes())
    }

    /// Writes all tables as one table. Its first column names the table of each row, and a column that a table does not have is
    /// empty there.
    pub(crate) fn write_csv(&self, style: CsvStyle, out: &mut impl Write) -> io::Result<()> {
        let mut columns: Vec<&str> = Vec::new();
        for column in self.tables.iter().flat_map(|table| table.columns) {
            if !columns.contains(column) {
                columns.push(column);
            }
        }
        style.begin(out)?;
        style.write_row(out, ["table"].iter().chain(&columns))?;
        for table in &self.tables {
            let places: Vec<Option<usize>> =
                columns.iter().map(|name| table.columns.iter().position(|column| column == name)).collect();
            for row in &table.rows {
                let value =
                    |place: &Option<usize>| place.and_then(|place| row.get(place)).map_or(String::new(), Value::text);
                let values = places.iter().map(value);
                style.write_row(out, [table.name.to_owned()].into_iter().chain(values))?;
            }
        }
        Ok(())
    }

    /// Writes one document.
    pub(crate) fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }

    /// Writes an object for each row of the tables.
    pub(crate) fn write_ndjson(&self, out: &mut impl Write) -> io::Result<()> {
        for table in &self.tables {
            for row in &table.rows {
                serde_json::to_writer(&mut *out, &RowObject { table, row, is_named: true })?;
                writeln!(out)?;
            }
        }
        Ok(())
    }
}

impl Value {
    fn text(&self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Names(names) => Cell::List(names).into_text(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        if text.is_empty() { Self::Missing } else { Self::Text(text.to_owned()) }
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

impl From<Vec<String>> for Value {
    fn from(names: Vec<String>) -> Self {
        Self::Names(names)
    }
}

/// A row of a table as an object. Values that are missing are left out.
struct RowObject<'a> {
    table: &'a Table,
    row: &'a [Value],
    /// Whether it names its table.
    is_named: bool,
}

impl Serialize for RowObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.is_named {
            map.serialize_entry("table", self.table.name)?;
        }
        for (column, value) in self.table.columns.iter().zip(self.row) {
            if *value != Value::Missing {
                map.serialize_entry(column, value)?;
            }
        }
        map.end()
    }
}

/// The rows of a table as an array.
struct Rows<'a>(&'a Table);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.rows.iter().map(|row| RowObject { table: self.0, row, is_named: false }))
    }
}

fn by_name<S: Serializer>(tables: &[Table], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(tables.iter().map(|table| (table.name, Rows(table))))
}

fn as_map<S: Serializer>(figures: &[(&'static str, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    let named = figures.iter().map(|(label, figure)| (label.to_lowercase().replace([' ', '-'], "_"), figure));
    serializer.collect_map(named)
}

/// The number of items of a list.
fn count<T>(items: &[T]) -> u64 {
    items.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::new("licenses", "Licenses", &Organization::default());
        report.figures.push(("Users in no group", 2));
        report.tables.push(Table {
            name: "a",
            title: "A",
            about: "".into(),
            columns: &["user", "groups"],
            rows: vec![vec!["=1+1".into(), vec!["x;y".to_owned(), "<script>".to_owned()].into()]],
        });
        let rows = vec![vec![7.into(), Value::Missing]];
        report.tables.push(Table { name: "b", title: "B", about: "".into(), columns: &["members", "user"], rows });
        report
    }

    fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn csv_is_one_table_of_all_columns() {
        let safe = CsvStyle { is_safe: true, has_bom: false };
        let expected = "table,user,groups,members\na,'=1+1,x\\;y;<script>,\nb,,,7\n";
        assert_eq!(written(|out| report().write_csv(safe, out)), expected);
        assert!(written(|out| report().write_csv(CsvStyle::default(), out)).contains("\na,=1+1,"));
    }

    #[test]
    fn json_has_the_tables_by_name() {
        let json: serde_json::Value = serde_json::from_str(&written(|out| report().write_json(out))).unwrap();
        assert_eq!(json["tables"]["a"][0]["user"], "=1+1");
        assert_eq!(json["tables"]["b"], serde_json::json!([{"members": 7}]));
        assert_eq!(json["figures"]["users_in_no_group"], 2);
        let lines = written(|out| report().write_ndjson(out));
        assert_eq!(lines.lines().nth(1), Some(r#"{"table":"b","members":7}"#));
    }
}
