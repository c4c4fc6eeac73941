//! How a batch ended as a whole.

use std::io::Write;

use super::WriteArgs;
use crate::{
    exit::Exit,
    failure::Result,
    output::{Listing, Record},
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
    pub(crate) fn exit(&self) -> Exit {
        if self.rejected + self.not_sent + self.unknown == 0 { Exit::Done } else { Exit::Refused }
    }

    /// In a line: how many, and in how many requests.
    pub(crate) fn describe(&self, requests: u64, is_test: bool) -> String {
        let mut parts = vec![format!("{} completed", self.completed)];
        for (count, what) in [(self.rejected, "rejected"), (self.not_sent, "not sent"), (self.unknown, "unknown")] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        let plural = if requests == 1 { "" } else { "s" };
        let mut text = format!("{}; {requests} request{plural}", parts.join(", "));
        if self.earlier > 0 {
            text += &format!("; {} of them were done by an earlier call", self.earlier);
        }
        if is_test {
            text += "; only tried, nothing was changed";
        }
        text
    }
}
