//! What became of a batch.

use std::fmt;

use super::outcome::{CommandOutcome, Outcome};
use crate::command::Command;
use crate::job::CallFailure;

/// What became of every command of a batch (or every membership), in the caller's order. Nothing is ever missing from it.
///
/// ```
/// # fn show(report: umapi_plan::Report) {
/// println!("{report}");
/// for refused in report.rejected() {
///     eprintln!("{refused}");
/// }
/// let again: Vec<_> = report.into_unsent().into_iter().map(|(_, command)| command).collect();
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Report<O = CommandOutcome> {
    outcomes: Vec<O>,
    is_sorted: bool,
    requests: u32,
    test_mode: bool,
    aborted: Option<CallFailure>,
}

/// How many ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// All of it was done; in test mode, would have been.
    pub completed: usize,
    /// Some of it was refused.
    pub rejected: usize,
    /// Some of it was not sent.
    pub not_sent: usize,
    /// Of some of it the fate is unknown.
    pub unknown: usize,
}

/// Something of a batch that has ended: a command or a membership.
pub trait BatchOutcome: sealed::Sealed {
    /// What many of them are called.
    const PLURAL: &'static str;

    /// Which it is, counted from 0 in the caller's order.
    fn number(&self) -> usize;

    /// How it ended.
    fn outcome(&self) -> &Outcome;
}

mod sealed {
    /// Closes [`BatchOutcome`](super::BatchOutcome) for other crates.
    pub trait Sealed {}
    impl Sealed for super::CommandOutcome {}
    impl<K> Sealed for (K, super::CommandOutcome) {}
    impl Sealed for crate::membership::MembershipOutcome {}
}

impl<O: BatchOutcome> Report<O> {
    /// A report without outcomes.
    pub fn new(test_mode: bool) -> Self {
        Self { outcomes: Vec::new(), is_sorted: true, requests: 0, test_mode, aborted: None }
    }

    /// Adds an outcome.
    pub fn add(&mut self, outcome: O) {
        self.is_sorted &= self.outcomes.last().is_none_or(|last| last.number() < outcome.number());
        self.outcomes.push(outcome);
    }

    /// Puts the outcomes into the caller's order, and says how many requests were sent in all.
    pub fn finish(mut self, requests: u32, aborted: Option<CallFailure>) -> Self {
        if !self.is_sorted {
            self.outcomes.sort_by_key(O::number);
            self.is_sorted = true;
        }
        self.requests = requests;
        self.aborted = aborted;
        self
    }

    /// Everything, in the caller's order.
    pub fn outcomes(&self) -> &[O] {
        &self.outcomes
    }

    /// The same, taken out.
    pub fn into_outcomes(self) -> Vec<O> {
        self.outcomes
    }

    /// What was done.
    pub fn completed(&self) -> impl Iterator<Item = &O> {
        self.outcomes.iter().filter(|ended| matches!(ended.outcome(), Outcome::Completed))
    }

    /// That of which something was refused.
    pub fn rejected(&self) -> impl Iterator<Item = &O> {
        self.outcomes.iter().filter(|ended| matches!(ended.outcome(), Outcome::Rejected { .. }))
    }

    /// That of which something was not sent, and nothing refused.
    pub fn not_sent(&self) -> impl Iterator<Item = &O> {
        self.outcomes.iter().filter(|ended| matches!(ended.outcome(), Outcome::NotSent { .. }))
    }

    /// That of which it is not known whether all was done.
    pub fn unknown(&self) -> impl Iterator<Item = &O> {
        self.outcomes.iter().filter(|ended| matches!(ended.outcome(), Outcome::Unknown { .. }))
    }

    /// How many ended in which way.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.outcomes.iter().for_each(|ended| counts.add(ended.outcome()));
        counts
    }

    /// Whether all was done.
    pub fn is_success(&self) -> bool {
        self.completed().count() == self.outcomes.len()
    }

    /// How many requests were sent in all, repeated ones included.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// Whether nothing was done, and the commands only tried.
    pub fn is_test(&self) -> bool {
        self.test_mode
    }

    /// What ended the batch before its end, if something did.
    pub fn aborted(&self) -> Option<&CallFailure> {
        self.aborted.as_ref()
    }
}

impl Report {
    /// What was certainly not done because it was not sent, as commands that can be given again. Of a command that was
    /// sent in part, it is the rest.
    pub fn into_unsent(self) -> Vec<Command> {
        self.outcomes.into_iter().filter_map(CommandOutcome::into_unsent).collect()
    }
}

impl<K> Report<(K, CommandOutcome)> {
    /// What was certainly not done because it was not sent, as commands that can be given again under their keys. Of a
    /// command that was sent in part, it is the rest.
    pub fn into_unsent(self) -> Vec<(K, Command)> {
        self.outcomes.into_iter().filter_map(|(key, outcome)| Some((key, outcome.into_unsent()?))).collect()
    }
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Completed => &mut self.completed,
            Outcome::Rejected { .. } => &mut self.rejected,
            Outcome::NotSent { .. } => &mut self.not_sent,
            Outcome::Unknown { .. } => &mut self.unknown,
        } += 1;
    }

    /// All together.
    pub fn total(&self) -> usize {
        self.completed + self.rejected + self.not_sent + self.unknown
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { completed, rejected, not_sent, unknown } = self;
        write!(f, "{completed} completed, {rejected} rejected, {not_sent} not sent, {unknown} unknown")
    }
}

impl<O: BatchOutcome> fmt::Display for Report<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = if self.test_mode { ", as a test" } else { "" };
        write!(f, "{} {} in {} requests{mode}: {}", self.outcomes.len(), O::PLURAL, self.requests, self.counts())?;
        match &self.aborted {
            Some(error) => write!(f, "; ended early: {error}"),
            None => Ok(()),
        }
    }
}
