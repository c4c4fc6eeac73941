//! `--report`: the files that tell what a run did, and its last line.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;
use umapi_sync::{
    Report,
    report::{Ending, Run},
};

use crate::{
    context::Context,
    failure::{Exit, Result},
    private_file,
};

/// Where a run is reported.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ReportArgs {
    /// Write a report of the run: a page for people (.html) or data for programs (.json); can be repeated.
    #[arg(long, value_name = "FILE")]
    report: Vec<ReportFile>,
}

/// A file of a report, which is of the kind that its ending says.
#[derive(Clone, Debug)]
struct ReportFile {
    path: PathBuf,
    is_page: bool,
}

impl FromStr for ReportFile {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = PathBuf::from(text);
        let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase);
        let is_page = match ending.as_deref() {
            Some("html") => true,
            Some("json") => false,
            _ => return Err("the file must end in .html or .json"),
        };
        Ok(Self { path, is_page })
    }
}

impl ReportArgs {
    /// Ends the report with what became of the run, writes it, and tells the counts. A run that failed has a report, too: the
    /// one of an earlier run would be taken for it.
    pub(crate) fn conclude(&self, context: &Context, mut report: Report, result: Result<Exit>) -> Result<Exit> {
        let exit = match &result {
            Ok(exit) => *exit,
            Err(failure) => failure.exit(),
        };
        let failure = result.as_ref().err().map(ToString::to_string);
        report.ending = Ending { exit_code: exit as u8, text: exit.describe().to_owned(), failure };
        let mut is_written = true;
        for file in &self.report {
            let text = if file.is_page { report.to_html() } else { report.to_json() };
            if let Err(error) = write(&file.path, &text) {
                is_written = false;
                context.warn(&format!("cannot write the report {}: {error}", file.path.display()));
            }
        }
        if report.plan.is_some() {
            let run = match report.run {
                Run::Plan => "plan",
                Run::DryRun => "dry run",
                Run::Apply => "sync",
            };
            context.note(&format!("{run}: {}", report.counts));
            context.count_sync(report.counts);
        }
        result.map(|exit| if is_written { exit } else { exit.most_severe(Exit::Failed) })
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    // It names people, so it is for nobody else.
    if private_file::is_special(path) {
        std::fs::write(path, text)
    } else {
        private_file::replace(path, text.as_bytes())
    }
}
