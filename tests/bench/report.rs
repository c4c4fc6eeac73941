//! The report: tables for people, and the same data as JSON for programs.

use std::{fmt::Write as _, fs, path::Path};

use serde::Serialize;

use crate::{chart::Chart, machine};

/// All tables of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The machine of the run.
    machine: String,
    tables: Vec<Table>,
}

/// The compared rows.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    title: String,
    /// One sentence about the measurement.
    how: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    charts: Vec<Chart>,
}

impl Table {
    pub(crate) fn new(title: &str, how: impl Into<String>, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Self { title: title.to_owned(), how: how.into(), columns, rows: Vec::new(), charts: Vec::new() }
    }

    /// Draws a chart below the table.
    pub(crate) fn chart(&mut self, chart: Chart) {
        self.charts.push(chart);
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl Report {
    pub(crate) fn new() -> Self {
        Self { machine: machine::describe(), tables: Vec::new() }
    }

    pub(crate) fn add(&mut self, table: Table) {
        self.tables.push(table);
    }

    /// Writes `report.md`, `report.json` and the charts into a folder.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs::write(folder.join("report.json"), serde_json::to_vec_pretty(self)?)?;
        fs::write(folder.join("report.md"), self.to_markdown())?;
        for chart in self.tables.iter().flat_map(|table| &table.charts) {
            fs::write(folder.join(chart.name).with_extension("svg"), chart.to_svg()?)?;
        }
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
            for chart in &table.charts {
                let _ = write!(text, "\n![{}]({}.svg)\n", table.title, chart.name);
            }
        }
        text
    }
}

/// The median of some figures with the minimum and the maximum: `12.1 (11.8 to 13.0)`.
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

/// The median. For an even number of figures, the mean of the two middle ones.
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
