//! A table for the eyes, in sheets.

use std::io::{self, Write};

use anstyle::Style;
use comfy_table::{ContentArrangement, Table, presets};

/// How many lines one sheet has. Columns are as wide as the longest value of the sheet.
const LINES: usize = 1000;

/// A table for the eyes, of any length: every thousand lines are a sheet with a header of their own.
pub(crate) struct Sheet {
    header: Vec<String>,
    lines: Vec<Vec<String>>,
    width: usize,
}

impl Sheet {
    pub(crate) fn new(header: impl IntoIterator<Item = &'static str>, width: usize) -> Self {
        Self { header: header.into_iter().map(|name| name.to_uppercase()).collect(), lines: Vec::new(), width }
    }

    pub(crate) fn push(&mut self, line: Vec<String>, out: &mut impl Write) -> io::Result<()> {
        self.lines.push(line);
        if self.lines.len() >= LINES { self.write(out) } else { Ok(()) }
    }

    /// Writes the lines that are waiting.
    pub(crate) fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(self.width).unwrap_or(u16::MAX));
        table.set_header(self.header.clone());
        table.add_rows(self.lines.drain(..));
        let bold = Style::new().bold();
        // Without borders the header is one line, unless a name of a column did not fit.
        for (number, line) in table.lines().enumerate() {
            let line = line.trim_end();
            let line = line.strip_prefix(' ').unwrap_or(line);
            if number == 0 { writeln!(out, "{bold}{line}{bold:#}")? } else { writeln!(out, "{line}")? }
        }
        Ok(())
    }
}
