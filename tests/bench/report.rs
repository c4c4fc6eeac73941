//! The report: tables for people, the same as JSON for programs.

use std::{fmt::Write as _, fs, path::Path};

use serde::Serialize;

/// All tables of a run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// Processors, memory and build of the machine that it ran on.
    machine: String,
    tables: Vec<Table>,
}

/// What was measured side by side.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    title: String,
    /// What was done and how it was counted, in a sentence.
    how: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(title: &str, how: impl Into<String>, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Self { title: title.to_owned(), how: how.into(), columns, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl Report {
    pub(crate) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(0, usize::from);
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kib = memory.split_ascii_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default();
        let build = if cfg!(debug_assertions) { "debug build" } else { "release build" };
        Self { machine: format!("{processors} processors, {} GiB of memory, {build}", kib >> 20), tables: Vec::new() }
    }

    pub(crate) fn add(&mut self, table: Table) {
        self.tables.push(table);
    }

    /// Writes `report.md` and `report.json` into a folder.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("report.json"), serde_json::to_vec_pretty(self)?)?;
        fs::write(folder.join("report.md"), self.to_markdown())?;
        Ok(())
    }

    pub(crate) fn to_markdown(&self) -> String {
        let mut text = format!("# Benchmarks\n\nRan on: {}.\n", self.machine);
        for table in &self.tables {
            let _ = write!(text, "\n## {}\n\n{}\n\n", table.title, table.how);
            let _ = writeln!(text, "| {} |", table.columns.join(" | "));
            let _ = writeln!(text, "|{}", " --- |".repeat(table.columns.len()));
            for row in &table.rows {
                let _ = writeln!(text, "| {} |", row.join(" | "));
            }
        }
        text
    }
}

/// The median of some figures, with the least and the greatest: `12.1 (11.8 to 13.0)`.
pub(crate) fn spread(figures: &[f64], decimals: usize) -> String {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.first(), sorted.last()) {
        (Some(least), Some(greatest)) if sorted.len() > 1 => {
            format!("{:.decimals$} ({least:.decimals$} to {greatest:.decimals$})", median(figures))
        }
        _ => format!("{:.decimals$}", median(figures)),
    }
}

/// The figure in the middle; of an even number of figures, the mean of the two there.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}
