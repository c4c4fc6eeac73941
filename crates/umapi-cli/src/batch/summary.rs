//! How a batch ended as a whole.

use std::io::Write;

use umapi::Error;

use super::WriteArgs;
use crate::{
    context::Context,
    exit::Exit,
    failure::{Failure, Result, exit_of},
    output::{Listing, Record, counted},
    records::{OutcomeRecord, Verdict},
};

/// A record of something that has come to its end.
pub(crate) trait Ended: Record {
    fn verdict(&self) -> Verdict;

    /// Whether there is something about it that one should see although it is no error.
    fn has_warnings(&self) -> bool;
}

impl Ended for OutcomeRecord {
    fn verdict(&self) -> Verdict {
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
            Verdict::Completed => &mut self.completed,
            Verdict::Rejected => &mut self.rejected,
            Verdict::NotSent => &mut self.not_sent,
            Verdict::Unknown => &mut self.unknown,
        } += 1;
        let is_fine = verdict == Verdict::Completed && !record.has_warnings();
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
        if self.rejected + self.not_sent + self.unknown == 0 { Exit::Done } else { Exit::Refused }
    }

    /// How the call ends: as its outcomes say, or as what ended the work early does. `way_on` tells how a call that was
    /// stopped is gone on with.
    pub(crate) fn conclude(&self, context: &Context, ended_by: Option<&Error>, way_on: &str) -> Result<Exit> {
        match ended_by {
            None => Ok(self.exit()),
            Some(error) if error.is_stopped() => {
                context.hint(way_on);
                Ok(Exit::Interrupted)
            }
            Some(error) => {
                let failure = Failure::of_service("the work ended before its end", error);
                Err(failure.with_exit(self.exit().graver(exit_of(error))))
            }
        }
    }

    /// In a line: how many, and in how many requests.
    pub(crate) fn describe(&self, requests: u64, is_test: bool) -> String {
        let mut parts = vec![format!("{} completed", self.completed)];
        for (count, what) in [(self.rejected, "rejected"), (self.not_sent, "not sent"), (self.unknown, "unknown")] {
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
