//! The report on a run.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    form::ReportForm,
    outcome::{CommandOutcome, Outcome},
};
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
///
/// Clients make it. So can the tests of what takes one, and it can be kept as JSON:
///
/// ```
/// use umapi_plan::{CallFailure, Command, CommandOutcome, Report};
///
/// let users = ["ann@example.com", "bob@example.com"];
/// let commands = users.map(|user| Command::user(user).remove_from_org());
/// let [ann, bob] = &commands;
/// let stopped = CallFailure::new("stopped by the caller").stopped();
/// let not_sent = CommandOutcome::not_sent(bob, stopped.clone());
/// let report = Report::new([CommandOutcome::completed(ann), not_sent])
///     .with_requests(1)
///     .with_aborted(stopped);
/// let json = serde_json::json!({
///     "counts": { "completed": 1, "rejected": 0, "not_sent": 1, "unknown": 0 },
///     "outcomes": [
///         {
///             "number": 0,
///             "root": "ann@example.com",
///             "outcome": "completed",
///             "step_count": 1,
///             "requests": 0,
///         },
///         {
///             "number": 1,
///             "root": "bob@example.com",
///             "outcome": "not_sent",
///             "why": {
///                 "reason": "failed",
///                 "failure": {
///                     "message": "stopped by the caller",
///                     "is_stopped": true,
///                     "requests": 0,
///                 },
///             },
///             "step_count": 1,
///             "unsent": {
///                 "user": "bob@example.com",
///                 "do": [{ "removeFromOrg": { "deleteAccount": false } }],
///             },
///             "requests": 0,
///         },
///     ],
///     "requests": 1,
///     "aborted": { "message": "stopped by the caller", "is_stopped": true, "requests": 0 },
/// });
/// assert_eq!(serde_json::to_value(&report)?, json);
/// assert_eq!(serde_json::from_value::<Report>(json)?, report);
/// assert_eq!(report.into_unsent(), [commands[1].clone()]);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// A dry run has `"test_mode": true`. An outcome with a key is an array of both. A report with two outcomes of one number, a
/// missing outcome or wrong counts cannot be read.
///
/// Any report, of commands with and without keys and of memberships, answers the same questions:
///
/// ```
/// use umapi_plan::{BatchOutcome, CallFailure, Command, CommandOutcome, Report};
///
/// fn tell<O: BatchOutcome>(report: &Report<O>) -> String {
///     let kind = if report.is_test() { "would have ended" } else { "ended" };
///     let early = report.aborted().map(|why| format!(", early: {why}")).unwrap_or_default();
///     format!("{} {kind}{early}", report.summary())
/// }
///
/// let ann = CommandOutcome::completed(Command::user("ann@example.com").remove_from_org());
/// let report = Report::new([(17, ann)]).with_requests(1).with_test_mode(true);
/// assert!(tell(&report).starts_with("1 command in 1 request (dry run): 1 completed"));
/// for (row, outcome) in report.into_outcomes() {
///     println!("row {row}: {outcome}");
/// }
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(
    into = "ReportForm<O>",
    try_from = "ReportForm<O>",
    bound(serialize = "O: BatchOutcome + Clone + Serialize", deserialize = "O: BatchOutcome + Deserialize<'de>")
)]
pub struct Report<O = CommandOutcome> {
    outcomes: Vec<O>,
    requests: u32,
    test_mode: bool,
    aborted: Option<CallFailure>,
}

/// The number of outcomes of each kind.
///
/// ```
/// use umapi_plan::Counts;
///
/// let counts = Counts::new().with_completed(2).with_unknown(1);
/// assert_eq!(counts.to_string(), "2 completed, 0 rejected, 0 not sent, 1 unknown");
/// let json = r#"{"completed":2,"rejected":0,"not_sent":0,"unknown":1}"#;
/// assert_eq!(serde_json::to_string(&counts)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// Those of several runs are added up, here for the exit code of a program:
///
/// ```
/// use umapi_plan::Counts;
///
/// let nightly = Counts::new().with_completed(90).with_rejected(2).with_not_sent(8);
/// assert_eq!(nightly.total(), 100);
/// let code = if nightly.total() == nightly.completed { 0 } else { 3 };
/// assert_eq!(code, 3);
/// ```
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
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
    /// The name of one item, for messages.
    const SINGULAR: &'static str;

    /// The plural of the item, for messages.
    const PLURAL: &'static str;

    /// The number of the item, counted from 0 in the caller's order.
    fn number(&self) -> usize;

    /// The outcome.
    fn outcome(&self) -> &Outcome;

    /// Whether something was done, or may have been. In test mode: would have been.
    fn may_have_been_applied(&self) -> bool;
}

pub(crate) mod sealed {
    /// Closes [`BatchOutcome`](super::BatchOutcome) for other crates.
    pub trait Sealed {
        /// Sets the number of the item.
        fn set_number(&mut self, number: usize);
    }

    impl Sealed for super::CommandOutcome {
        fn set_number(&mut self, number: usize) {
            self.number = number;
        }
    }

    impl<K> Sealed for (K, super::CommandOutcome) {
        fn set_number(&mut self, number: usize) {
            self.1.number = number;
        }
    }
}

impl<O: BatchOutcome> Report<O> {
    /// The report with these outcomes, in the caller's order, of no request. It numbers them, from 0.
    pub fn new(outcomes: impl IntoIterator<Item = O>) -> Self {
        let mut outcomes: Vec<O> = outcomes.into_iter().collect();
        (0..).zip(&mut outcomes).for_each(|(number, outcome)| outcome.set_number(number));
        Self { outcomes, requests: 0, test_mode: false, aborted: None }
    }

    /// Sets the number of requests, including repeated ones.
    #[must_use]
    pub fn with_requests(mut self, requests: u32) -> Self {
        self.requests = requests;
        self
    }

    /// Sets whether it was a dry run.
    #[must_use]
    pub fn with_test_mode(mut self, test_mode: bool) -> Self {
        self.test_mode = test_mode;
        self
    }

    /// Sets why the run ended early.
    #[must_use]
    pub fn with_aborted(mut self, why: CallFailure) -> Self {
        self.aborted = Some(why);
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

    /// The number of items, of requests, and of outcomes of each kind, in words. Unlike the text of the report, it does not
    /// say why the run ended early.
    pub fn summary(&self) -> String {
        let (count, requests) = (self.outcomes.len(), self.requests);
        let items = if count == 1 { O::SINGULAR } else { O::PLURAL };
        let sent = if requests == 1 { "request" } else { "requests" };
        let mode = if self.test_mode { " (dry run)" } else { "" };
        format!("{count} {items} in {requests} {sent}{mode}: {}", self.counts())
    }

    /// Whether something was changed, or may have been. A dry run changes nothing.
    pub fn may_have_been_applied(&self) -> bool {
        !self.test_mode && self.outcomes.iter().any(O::may_have_been_applied)
    }

    /// Why the run ended early, if it did.
    pub fn aborted(&self) -> Option<&CallFailure> {
        self.aborted.as_ref()
    }
}

impl Report {
    /// What was certainly not done because it was not sent, as [`into_unsent`](Self::into_unsent) returns it.
    pub fn unsent(&self) -> impl Iterator<Item = &Command> {
        self.outcomes.iter().filter_map(CommandOutcome::unsent)
    }

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
    /// Counts of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `completed`.
    #[must_use]
    pub fn with_completed(mut self, completed: usize) -> Self {
        self.completed = completed;
        self
    }

    /// Sets `rejected`.
    #[must_use]
    pub fn with_rejected(mut self, rejected: usize) -> Self {
        self.rejected = rejected;
        self
    }

    /// Sets `not_sent`.
    #[must_use]
    pub fn with_not_sent(mut self, not_sent: usize) -> Self {
        self.not_sent = not_sent;
        self
    }

    /// Sets `unknown`.
    #[must_use]
    pub fn with_unknown(mut self, unknown: usize) -> Self {
        self.unknown = unknown;
        self
    }

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
        f.write_str(&self.summary())?;
        match &self.aborted {
            Some(error) => write!(f, "; stopped early: {error}"),
            None => Ok(()),
        }
    }
}
