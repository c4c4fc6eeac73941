//! The report on a run.

use std::fmt;

use super::outcome::{CommandOutcome, Outcome};
use crate::{command::Command, job::CallFailure};

/// The outcomes of all commands (or memberships) of a run, in the caller's order. None is ever missing.
///
/// ```
/// # fn show(report: umapi_plan::Report) {
/// println!("{report}");
/// for rejected in report.rejected() {
///     eprintln!("{rejected}");
/// }
/// let again = report.into_unsent();
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

/// The number of outcomes of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Every step was done. In test mode: would be done.
    pub completed: usize,
    /// A step was rejected.
    pub rejected: usize,
    /// A step was not sent.
    pub not_sent: usize,
    /// A step is unknown.
    pub unknown: usize,
}

/// The outcome of an item of a run: a command or a membership.
pub trait BatchOutcome: sealed::Sealed {
    /// The plural of the item, for messages.
    const PLURAL: &'static str;

    /// The number of the item, counted from 0 in the caller's order.
    fn number(&self) -> usize;

    /// The outcome.
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

    /// Puts the outcomes into the caller's order, and notes the number of requests and why the run ended early.
    pub fn finish(mut self, requests: u32, aborted: Option<CallFailure>) -> Self {
        if !self.is_sorted {
            self.outcomes.sort_by_key(O::number);
            self.is_sorted = true;
        }
        self.requests = requests;
        self.aborted = aborted;
        self
    }

    /// All outcomes, in the caller's order.
    pub fn outcomes(&self) -> &[O] {
        &self.outcomes
    }

    /// Consumes the report and returns the outcomes.
    pub fn into_outcomes(self) -> Vec<O> {
        self.outcomes
    }

    /// The completed outcomes.
    pub fn completed(&self) -> impl Iterator<Item = &O> {
        self.outcomes.iter().filter(|ended| matches!(ended.outcome(), Outcome::Completed))
    }

    /// The outcomes with a rejected step.
    pub fn rejected(&self) -> impl Iterator<Item = &O> {
        self.outcomes.iter().filter(|ended| matches!(ended.outcome(), Outcome::Rejected { .. }))
    }

    /// The outcomes with a step that was not sent, and no rejected step.
    pub fn not_sent(&self) -> impl Iterator<Item = &O> {
        self.outcomes.iter().filter(|ended| matches!(ended.outcome(), Outcome::NotSent { .. }))
    }

    /// The outcomes with a step that is unknown.
    pub fn unknown(&self) -> impl Iterator<Item = &O> {
        self.outcomes.iter().filter(|ended| matches!(ended.outcome(), Outcome::Unknown { .. }))
    }

    /// The number of outcomes of each kind.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.outcomes.iter().for_each(|ended| counts.add(ended.outcome()));
        counts
    }

    /// Whether all outcomes are completed.
    pub fn is_success(&self) -> bool {
        self.completed().count() == self.outcomes.len()
    }

    /// The number of requests, including repeated ones.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// Whether it was a dry run.
    pub fn is_test(&self) -> bool {
        self.test_mode
    }

    /// Why the run ended early, if it did.
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
    /// Counts an outcome.
    pub fn add(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Completed => &mut self.completed,
            Outcome::Rejected { .. } => &mut self.rejected,
            Outcome::NotSent { .. } => &mut self.not_sent,
            Outcome::Unknown { .. } => &mut self.unknown,
        } += 1;
    }

    /// The sum of all counts.
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
        let mode = if self.test_mode { " (dry run)" } else { "" };
        write!(f, "{} {} in {} requests{mode}: {}", self.outcomes.len(), O::PLURAL, self.requests, self.counts())?;
        match &self.aborted {
            Some(error) => write!(f, "; stopped early: {error}"),
            None => Ok(()),
        }
    }
}
