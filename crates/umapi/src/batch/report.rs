//! What became of a batch.

use std::fmt;

use super::outcome::CommandOutcome;
use crate::commands::Command;
use crate::error::Error;

/// What became of every command of a batch, in the caller's order. Nothing is ever missing from it.
///
/// ```
/// # fn show(report: umapi::Report) {
/// println!("{report}");
/// for refused in report.rejected() {
///     eprintln!("{refused}");
/// }
/// let again: Vec<_> = report.into_unsent().into_iter().map(|(_, command)| command).collect();
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Report {
    outcomes: Vec<CommandOutcome>,
    is_sorted: bool,
    requests: u32,
    test_mode: bool,
    aborted: Option<Error>,
}

/// How many commands ended in which way.
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

impl Report {
    pub(crate) fn new(test_mode: bool) -> Self {
        Self { test_mode, is_sorted: true, ..Self::default() }
    }

    pub(crate) fn add(&mut self, outcome: CommandOutcome) {
        self.is_sorted &= self.outcomes.last().is_none_or(|last| last.number() < outcome.number());
        self.outcomes.push(outcome);
    }

    /// Puts the outcomes into the caller's order, and says how many requests were sent in all.
    pub(crate) fn finish(mut self, requests: u32, aborted: Option<Error>) -> Self {
        if !self.is_sorted {
            self.outcomes.sort_by_key(CommandOutcome::number);
            self.is_sorted = true;
        }
        self.requests = requests;
        self.aborted = aborted;
        self
    }

    /// Every command, in the caller's order.
    pub fn outcomes(&self) -> &[CommandOutcome] {
        &self.outcomes
    }

    /// The commands that were done.
    pub fn completed(&self) -> impl Iterator<Item = &CommandOutcome> {
        self.outcomes.iter().filter(|outcome| outcome.is_completed())
    }

    /// The commands of which something was refused.
    pub fn rejected(&self) -> impl Iterator<Item = &CommandOutcome> {
        self.outcomes.iter().filter(|outcome| outcome.is_rejected())
    }

    /// The commands of which something was not sent.
    pub fn not_sent(&self) -> impl Iterator<Item = &CommandOutcome> {
        self.outcomes.iter().filter(|outcome| outcome.is_not_sent())
    }

    /// The commands of whose fate something is unknown.
    pub fn unknown(&self) -> impl Iterator<Item = &CommandOutcome> {
        self.outcomes.iter().filter(|outcome| outcome.is_unknown())
    }

    /// How many commands ended in which way.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for outcome in &self.outcomes {
            counts.add(outcome);
        }
        counts
    }

    /// Whether every command was done.
    pub fn is_success(&self) -> bool {
        self.outcomes.iter().all(CommandOutcome::is_completed)
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
    pub fn aborted(&self) -> Option<&Error> {
        self.aborted.as_ref()
    }

    /// What was surely not done because it was not sent, as commands that can be given again, with their numbers. Of a
    /// command of which a part was sent, only the rest.
    pub fn into_unsent(self) -> Vec<(usize, Command)> {
        let unsent = |outcome: CommandOutcome| Some((outcome.number(), outcome.into_unsent()?));
        self.outcomes.into_iter().filter_map(unsent).collect()
    }
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, outcome: &CommandOutcome) {
        use super::outcome::Outcome;
        *match outcome.outcome() {
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

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (commands, mode) = (self.outcomes.len(), if self.test_mode { ", as a test" } else { "" });
        write!(f, "{commands} commands in {} requests{mode}: {}", self.requests, self.counts())?;
        match &self.aborted {
            Some(error) => write!(f, "; ended early: {error}"),
            None => Ok(()),
        }
    }
}
