//! The summary of changes: how many were completed, rejected, not sent, and so on.

use std::io::Write;

use serde::Serialize;
use umapi::Counts;

use crate::{
    failure::{Exit, Result},
    options::WriteArgs,
    output::{Listing, OutcomeRecord, OutcomeStatus, Record, counted},
};

/// A record with an outcome.
pub(crate) trait Ended: Record {
    fn verdict(&self) -> OutcomeStatus;

    /// Whether there is a warning, which `--problems-only` shows too.
    fn has_warnings(&self) -> bool;
}

impl Ended for OutcomeRecord {
    fn verdict(&self) -> OutcomeStatus {
        self.outcome
    }

    fn has_warnings(&self) -> bool {
        !self.warnings.is_empty()
    }
}

/// Counts outcomes as they are written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    counts: Counts,
    /// The users to be removed who do not exist.
    not_found: u64,
    /// How many of all these an earlier run finished.
    earlier: u64,
    /// The number of requests.
    requests: u64,
    is_dry_run: bool,
}

/// The summary for programs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SummaryFields {
    completed: usize,
    rejected: usize,
    not_sent: usize,
    unknown: usize,
    not_found: u64,
    recorded_earlier: u64,
    dry_run: bool,
}

impl Summary {
    pub(crate) fn write<T: Ended, W: Write>(
        &mut self,
        record: &T,
        listing: &mut Listing<T, W>,
        options: &WriteArgs,
    ) -> Result<()> {
        let verdict = record.verdict();
        match verdict {
            OutcomeStatus::Completed => self.counts.completed += 1,
            OutcomeStatus::Rejected => self.counts.rejected += 1,
            OutcomeStatus::NotSent => self.counts.not_sent += 1,
            OutcomeStatus::Unknown => self.counts.unknown += 1,
            OutcomeStatus::NotFound => self.not_found += 1,
        }
        let is_fine = verdict == OutcomeStatus::Completed && !record.has_warnings();
        if !(options.problems_only && is_fine) {
            listing.push(record)?;
        }
        Ok(())
    }

    /// Counts and writes an outcome of an earlier run.
    pub(crate) fn write_earlier<W: Write>(
        &mut self,
        record: OutcomeRecord,
        listing: &mut Listing<OutcomeRecord, W>,
        options: &WriteArgs,
    ) -> Result<()> {
        self.earlier += 1;
        self.write(&record, listing, options)
    }

    /// The number of all outcomes.
    pub(crate) fn count(&self) -> u64 {
        self.counts.total() as u64 + self.not_found
    }

    /// Notes how the outcomes came about.
    pub(crate) fn finish(mut self, requests: u64, is_dry_run: bool) -> Self {
        (self.requests, self.is_dry_run) = (requests, is_dry_run);
        self
    }

    /// Adds the outcomes of another change of the same call.
    pub(crate) fn add(&mut self, other: &Self) {
        self.counts.completed += other.counts.completed;
        self.counts.rejected += other.counts.rejected;
        self.counts.not_sent += other.counts.not_sent;
        self.counts.unknown += other.counts.unknown;
        self.not_found += other.not_found;
        self.earlier += other.earlier;
        self.requests += other.requests;
        self.is_dry_run |= other.is_dry_run;
    }

    /// The summary for programs.
    pub(crate) fn fields(&self) -> SummaryFields {
        let Counts { completed, rejected, not_sent, unknown, .. } = self.counts;
        SummaryFields {
            completed,
            rejected,
            not_sent,
            unknown,
            not_found: self.not_found,
            recorded_earlier: self.earlier,
            dry_run: self.is_dry_run,
        }
    }

    /// The number of outcomes of earlier runs.
    pub(crate) fn earlier(&self) -> u64 {
        self.earlier
    }

    /// The exit code that the outcomes stand for.
    pub(crate) fn exit(&self) -> Exit {
        match (self.counts.total() - self.counts.completed, self.not_found) {
            (0, 0) => Exit::Success,
            (0, _) => Exit::NotFound,
            _ => Exit::Failed,
        }
    }

    /// Returns the counts on one line: `3 completed, 1 rejected; 1 request`.
    pub(crate) fn describe(&self) -> String {
        let Counts { completed, rejected, not_sent, unknown, .. } = self.counts;
        let mut parts = vec![format!("{completed} completed")];
        for (count, what) in [
            (rejected as u64, "rejected"),
            (not_sent as u64, "not sent"),
            (unknown as u64, "unknown"),
            (self.not_found, "not found"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        let mut text = format!("{}; {}", parts.join(", "), counted(self.requests, "request"));
        if self.earlier > 0 {
            text += &format!("; {} of them were recorded by an earlier run", self.earlier);
        }
        if self.is_dry_run {
            text += "; dry run, nothing was changed";
        }
        text
    }
}
