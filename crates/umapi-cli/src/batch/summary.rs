//! How a batch ended as a whole.

use std::io::Write;

use umapi::Error;

use super::WriteArgs;
use crate::{
    context::Context,
    failure::{Exit, Failure, Result, exit_of},
    output::{Listing, OutcomeRecord, OutcomeStatus, Record, counted},
};

/// A record of something that has come to its end.
pub(crate) trait Ended: Record {
    fn verdict(&self) -> OutcomeStatus;

    /// Whether there is something about it that one should see although it is no error.
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
    /// Of all these, how many an earlier call had brought to their end.
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

    /// The same for what an earlier call brought to its end.
    pub(crate) fn write_earlier<W: Write>(
        &mut self,
        record: OutcomeRecord,
        listing: &mut Listing<OutcomeRecord, W>,
        options: &WriteArgs,
    ) -> Result<()> {
        self.earlier += 1;
        self.write(&record, listing, options)
    }

    /// How many of them an earlier call had brought to their end.
    pub(crate) fn earlier(&self) -> u64 {
        self.earlier
    }

    /// How the call ends, as far as outcomes say.
    fn exit(&self) -> Exit {
        match (self.rejected + self.not_sent + self.unknown, self.not_found) {
            (0, 0) => Exit::Success,
            (0, _) => Exit::NotFound,
            _ => Exit::Failed,
        }
    }

    /// How the call ends: as its outcomes say, or as what ended the work early does. `way_on` tells how a call that was
    /// stopped is gone on with.
    pub(crate) fn conclude(&self, context: &Context, ended_by: Option<&Error>, way_on: &str) -> Result<Exit> {
        match ended_by {
            None => Ok(self.exit()),
            Some(error) if error.is_stopped() => {
                context.note(way_on);
                Ok(Exit::Interrupted)
            }
            Some(error) => {
                let failure = Failure::of_service("the work ended before its end", error);
                Err(failure.with_exit(self.exit().most_severe(exit_of(error))))
            }
        }
    }

    /// In a line: how many, and in how many requests.
    pub(crate) fn describe(&self, requests: u64, is_test: bool) -> String {
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
            text += &format!("; {} of them were done by an earlier call", self.earlier);
        }
        if is_test {
            text += "; only tried, nothing was changed";
        }
        text
    }
}
