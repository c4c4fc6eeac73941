//! Writing records in each format, one by one.

use std::io::{self, Write};

use anstyle::Style as TextStyle;

use super::{
    csv::CsvStyle,
    record::{Column, Record},
    table::Sheet,
};
use crate::options::Format;

/// Writes records one by one, in any format. Only a table for a terminal keeps some of them in memory.
pub(crate) struct Listing<T: Record, W: Write> {
    out: W,
    columns: Vec<Column<T>>,
    style: Style,
    count: u64,
}

enum Style {
    Sheet(Sheet),
    /// A table outside of a terminal: columns are separated by tabs.
    Plain,
    Csv(CsvStyle),
    Ndjson,
    Json,
}

impl<T: Record, W: Write> Listing<T, W> {
    /// With the width of a terminal, tables have aligned columns. Without it, columns are separated by tabs.
    pub(crate) fn new(format: Format, terminal_width: Option<usize>, out: W) -> Self {
        let columns = T::columns();
        let style = match (format, terminal_width) {
            (Format::Json, _) => Style::Json,
            (Format::Ndjson, _) => Style::Ndjson,
            (Format::Csv, _) => Style::Csv(CsvStyle::default()),
            (Format::Table | Format::Html, None) => Style::Plain,
            (Format::Table | Format::Html, Some(width)) => Style::Sheet(Sheet::new(
                columns.iter().filter(|column| column.is_shown).map(|column| column.name),
                width,
            )),
        };
        Self { out, columns, style, count: 0 }
    }

    /// Sets for whom CSV is written.
    pub(crate) fn csv_style(mut self, csv: CsvStyle) -> Self {
        if let Style::Csv(style) = &mut self.style {
            *style = csv;
        }
        self
    }

    pub(crate) fn push(&mut self, record: &T) -> io::Result<()> {
        if self.count == 0 {
            self.begin()?;
        }
        self.count += 1;
        match &mut self.style {
            Style::Sheet(sheet) => {
                let shown = self.columns.iter().filter(|column| column.is_shown);
                sheet.push(shown.map(|column| (column.value)(record)), &mut self.out)
            }
            Style::Plain => {
                let shown = self.columns.iter().filter(|column| column.is_shown);
                let line: Vec<String> = shown.map(|column| (column.value)(record).into_shown()).collect();
                writeln!(self.out, "{}", line.join("\t"))
            }
            Style::Csv(style) => {
                style.write_row(&mut self.out, self.columns.iter().map(|column| (column.value)(record).into_text()))
            }
            Style::Ndjson => {
                serde_json::to_writer(&mut self.out, record)?;
                writeln!(self.out)
            }
            Style::Json => {
                self.out.write_all(if self.count == 1 { b"\n  " } else { b",\n  " })?;
                Ok(serde_json::to_writer(&mut self.out, record)?)
            }
        }
    }

    /// Flushes all complete output. An unfinished sheet of a table stays in memory.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Writes the end of the output, and returns the number of records.
    pub(crate) fn finish(mut self) -> io::Result<u64> {
        if self.count == 0 {
            self.begin()?;
        }
        match &mut self.style {
            Style::Sheet(sheet) => sheet.write(&mut self.out)?,
            Style::Json => self.out.write_all(if self.count == 0 { b"]\n" } else { b"\n]\n" })?,
            Style::Plain | Style::Csv(_) | Style::Ndjson => {}
        }
        self.out.flush()?;
        Ok(self.count)
    }

    fn begin(&mut self) -> io::Result<()> {
        match self.style {
            Style::Sheet(_) | Style::Ndjson => Ok(()),
            Style::Json => self.out.write_all(b"["),
            Style::Csv(style) => {
                style.begin(&mut self.out)?;
                style.write_row(&mut self.out, self.columns.iter().map(|column| column.name))
            }
            Style::Plain => {
                let shown = self.columns.iter().filter(|column| column.is_shown);
                writeln!(self.out, "{}", shown.map(|column| column.name).collect::<Vec<_>>().join("\t"))
            }
        }
    }
}

/// Writes one record: as a `name value` line per column, or as one object or line in the other formats.
pub(crate) fn write_single<T: Record>(
    format: Format,
    terminal_width: Option<usize>,
    record: &T,
    out: &mut impl Write,
) -> io::Result<()> {
    match format {
        Format::Table | Format::Html => {
            let columns: Vec<_> = T::columns();
            let longest = columns.iter().map(|column| column.name.len()).max().unwrap_or_default();
            let bold = TextStyle::new().bold();
            for column in columns {
                let value = (column.value)(record).into_shown();
                if !value.is_empty() {
                    writeln!(out, "{bold}{:<width$}{bold:#}  {value}", column.name, width = longest)?;
                }
            }
        }
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, record)?;
            writeln!(out)?;
        }
        Format::Ndjson | Format::Csv => {
            let mut listing = Listing::new(format, terminal_width, &mut *out);
            listing.push(record)?;
            listing.finish()?;
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;
    use crate::output::{column, hidden_column};

    #[derive(Serialize)]
    struct Pet {
        name: &'static str,
        toys: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        age: Option<u64>,
    }

    impl Record for Pet {
        fn columns() -> Vec<Column<Self>> {
            vec![
                column("name", |pet: &Self| pet.name.into()),
                column("toys", |pet| (&pet.toys).into()),
                hidden_column("age", |pet: &Self| (&pet.age).into()),
            ]
        }
    }

    fn written(format: Format, width: Option<usize>, pets: &[Pet]) -> String {
        let mut out = Vec::new();
        let mut listing = Listing::new(format, width, &mut out);
        for pet in pets {
            listing.push(pet).unwrap();
        }
        assert_eq!(listing.finish().unwrap(), pets.len() as u64);
        String::from_utf8(out).unwrap()
    }

    fn pets() -> Vec<Pet> {
        let toys = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        vec![
            Pet { name: "Rex, \"the\" dog", toys: toys(&["ball", "a;b", r"c\d"]), age: Some(3) },
            Pet { name: "Mia\u{1b}[2J", toys: vec![], age: None },
        ]
    }

    #[test]
    fn every_format_contains_every_record() {
        let pets = pets();
        assert_eq!(
            written(Format::Csv, None, &pets),
            "name,toys,age\n\"Rex, \"\"the\"\" dog\",ball;a\\;b;c\\\\d,3\nMia\u{1b}[2J,,\n"
        );
        assert_eq!(
            written(Format::Ndjson, None, &pets),
            "{\"name\":\"Rex, \\\"the\\\" dog\",\"toys\":[\"ball\",\"a;b\",\"c\\\\d\"],\"age\":3}\n\
             {\"name\":\"Mia\\u001b[2J\",\"toys\":[]}\n"
        );
        let json: Vec<serde_json::Value> = serde_json::from_str(&written(Format::Json, None, &pets)).unwrap();
        assert_eq!((json.len(), &json[0]["age"]), (2, &serde_json::json!(3)));
        // Tables escape control characters, and leave out hidden columns.
        assert_eq!(
            written(Format::Table, None, &pets),
            "name\ttoys\nRex, \"the\" dog\tball, a;b, c\\d\nMia<U+001B>[2J\t\n"
        );
        let sheet = written(Format::Table, Some(80), &pets);
        let header = anstream::adapter::strip_str(sheet.lines().next().unwrap()).to_string();
        assert_eq!(header.split_whitespace().collect::<Vec<_>>(), ["NAME", "TOYS"]);
        assert_eq!(sheet.lines().count(), 3, "{sheet}");
    }

    #[test]
    fn empty_result_is_valid_in_every_format() {
        assert_eq!(written(Format::Json, None, &[]), "[]\n");
        assert_eq!(written(Format::Csv, None, &[]), "name,toys,age\n");
        assert_eq!(written(Format::Ndjson, None, &[]), "");
        assert_eq!(written(Format::Table, None, &[]), "name\ttoys\n");
    }

    #[test]
    fn single_record_is_shown_by_fields() {
        let mut out = anstream::StripStream::new(Vec::new());
        write_single(Format::Table, None, &pets()[0], &mut out).unwrap();
        let shown = String::from_utf8(out.into_inner()).unwrap();
        assert_eq!(shown, "name  Rex, \"the\" dog\ntoys  ball, a;b, c\\d\nage   3\n");
    }
}
