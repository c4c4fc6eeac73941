//! The summary of a batch.

use std::io::Write;

use umapi::Error;

use super::WriteArgs;
use crate::{
    context::Context,
    failure::{Exit, Failure, Result, exit_of},
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
#[derive(Debug, Default)]
pub(crate) struct Summary {
    completed: u64,
    rejected: u64,
    not_sent: u64,
    unknown: u64,
    not_found: u64,
    /// How many of all these an earlier run finished.
    earlier: u64,
}

impl Summary {
    pub(crate) fn write<T: Ended, W: Write>(
        &mut self,
        record: &T,
        listing: &mut Listing<T, W>,
        options: &WriteArgs,
    ) -> Result<()> {
        let verdict = record.verdict();
        *match verdict {
            OutcomeStatus::Completed => &mut self.completed,
            OutcomeStatus::Rejected => &mut self.rejected,
            OutcomeStatus::NotSent => &mut self.not_sent,
            OutcomeStatus::Unknown => &mut self.unknown,
            OutcomeStatus::NotFound => &mut self.not_found,
        } += 1;
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
        self.completed + self.rejected + self.not_sent + self.unknown + self.not_found
    }

    /// The number of outcomes of earlier runs.
    pub(crate) fn earlier(&self) -> u64 {
        self.earlier
    }

    /// The exit code that the outcomes stand for.
    fn exit(&self) -> Exit {
        match (self.rejected + self.not_sent + self.unknown, self.not_found) {
            (0, 0) => Exit::Success,
            (0, _) => Exit::NotFound,
            _ => Exit::Failed,
        }
    }

    /// Returns the exit code, or the failure that stopped the batch early. `way_on` says how to continue a stopped run.
    pub(crate) fn conclude(&self, context: &Context, ended_by: Option<&Error>, way_on: &str) -> Result<Exit> {
        match ended_by {
            None => Ok(self.exit()),
            Some(error) if error.is_stopped() => {
                context.note(way_on);
                Ok(Exit::Interrupted)
            }
            Some(error) => {
                let failure = Failure::of_service("stopped early", error);
                Err(failure.with_exit(self.exit().most_severe(exit_of(error))))
            }
        }
    }

    /// Returns the counts on one line: `3 completed, 1 rejected; 1 request`.
    pub(crate) fn describe(&self, requests: u64, is_dry_run: bool) -> String {
        let mut parts = vec![format!("{} completed", self.completed)];
        for (count, what) in [
            (self.rejected, "rejected"),
            (self.not_sent, "not sent"),
            (self.unknown, "unknown"),
            (self.not_found, "not found"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        let mut text = format!("{}; {}", parts.join(", "), counted(requests, "request"));
        if self.earlier > 0 {
            text += &format!("; {} of them were recorded by an earlier run", self.earlier);
        }
        if is_dry_run {
            text += "; dry run, nothing was changed";
        }
        text
    }
}
