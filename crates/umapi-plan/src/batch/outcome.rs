//! The outcome of a command.

use std::{fmt, ops::Range, sync::Arc};

use umapi_model::ErrorCode;

use super::{report::BatchOutcome, response::Disagreement};
use crate::{command::Command, job::CallFailure};

/// The outcome of a command or a membership: exactly one of four.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Every step was done. In test mode: every step would be done.
    Completed,
    /// The service rejected at least one step, or the command broke a rule and was not sent.
    Rejected {
        /// The errors, by step.
        errors: Vec<StepError>,
    },
    /// No step was rejected, and at least one step was certainly not done.
    NotSent {
        /// Why it was not sent.
        why: NotSent,
    },
    /// At least one step was sent, and it is not known whether it was done.
    Unknown {
        /// Why it is unknown.
        why: UnknownReason,
    },
}

/// Why it is not known whether a command was done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum UnknownReason {
    /// No readable response came.
    NoResponse(CallFailure),
    /// The response contradicts itself or the request.
    Contradiction(Disagreement),
    /// A request whose response was lost was repeated and rejected with this code. The first one may have done it, and
    /// reading the user or the group did not tell.
    LostRequest(ErrorCode),
}

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoResponse(failure) => write!(f, "{failure:#}"),
            Self::Contradiction(disagreement) => write!(f, "the response cannot be relied on: {disagreement}"),
            Self::LostRequest(code) => write!(
                f,
                "the response to a request was lost; its repetition was rejected with {code}, which the lost request \
                 may have caused"
            ),
        }
    }
}

/// Why a step was not sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NotSent {
    /// The command was too long for one request, and an earlier part of it failed: the later parts are held back.
    HeldBack,
    /// Sending failed, or the run ended.
    Failed(CallFailure),
}

/// A step that the service rejected.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StepError {
    /// The step, counted from 0 as the caller gave them. `None` if the command was rejected as a whole.
    pub step: Option<usize>,
    /// The range of names in the step's lists that were rejected together. `None` if the step has no list.
    pub names: Option<Range<usize>>,
    /// What went wrong, for programs.
    pub code: ErrorCode,
    /// What went wrong, for people.
    pub message: Option<String>,
}

/// A step that was done, and should be written in another way.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StepWarning {
    /// The step, counted from 0 as the caller gave them. `None` if the service did not say.
    pub step: Option<usize>,
    /// What the warning is about, for programs.
    pub code: ErrorCode,
    /// What the warning is about, for people.
    pub message: Option<String>,
}

/// A notice about a command: something to know that is not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The step counts as done although the service rejected its repetition ("exists already", "does not exist"): the
    /// response to the first request was lost, and reading the user or the group showed what was asked for.
    DoneByLostRequest {
        /// The step, counted from 0 as the caller gave them.
        step: usize,
        /// The code with which the repetition was rejected.
        code: ErrorCode,
    },
}

/// The state of a step, or of a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum StepState {
    /// Done. In test mode: it would be done.
    Done,
    /// Certainly not sent, or not applied.
    NotSent,
    /// Rejected by the service.
    Rejected,
    /// Sent, and not known to be done.
    Unknown,
}

/// The outcome of one step, in the parts in which it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepOutcome {
    /// The step, counted from 0 as the caller gave them.
    pub step: usize,
    /// The parts: the range of names in its lists (`None` if it has none), and their state.
    pub parts: Vec<(Option<Range<usize>>, StepState)>,
}

impl StepOutcome {
    /// The state of the step as a whole: the most severe state of its parts.
    pub fn state(&self) -> StepState {
        self.parts.iter().map(|(_, state)| *state).max().unwrap_or(StepState::Done)
    }
}

/// The outcome of one command.
///
/// ```
/// # fn show(outcome: &umapi_plan::CommandOutcome) {
/// use umapi_plan::Outcome;
///
/// match outcome.outcome() {
///     Outcome::Completed => println!("{} is done", outcome.root()),
///     Outcome::Rejected { errors } => {
///         for error in errors {
///             println!("{}, step {:?}: {}", outcome.root(), error.step, error.code);
///         }
///     }
///     _ => println!("{outcome}"),
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CommandOutcome {
    pub(super) number: usize,
    pub(super) root: Box<str>,
    pub(super) outcome: Outcome,
    pub(super) step_count: u32,
    pub(super) requests: u32,
    pub(super) request_ids: Vec<Arc<str>>,
    /// What only few commands have.
    pub(super) more: Option<Box<More>>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct More {
    pub(super) steps: Vec<StepOutcome>,
    /// Errors of a command that is not `Rejected`.
    pub(super) errors: Vec<StepError>,
    pub(super) warnings: Vec<StepWarning>,
    pub(super) notices: Vec<Notice>,
    pub(super) unsent: Option<Command>,
}

impl CommandOutcome {
    /// The number of the command, counted from 0 in the order given.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The user or the user group of the command.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The outcome.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether every step was done.
    pub fn is_completed(&self) -> bool {
        matches!(self.outcome, Outcome::Completed)
    }

    /// Whether a step was rejected, and no step is unknown.
    pub fn is_rejected(&self) -> bool {
        matches!(self.outcome, Outcome::Rejected { .. })
    }

    /// Whether a step was not sent, no step was rejected, and no step is unknown.
    pub fn is_not_sent(&self) -> bool {
        matches!(self.outcome, Outcome::NotSent { .. })
    }

    /// Whether a step is unknown.
    pub fn is_unknown(&self) -> bool {
        matches!(self.outcome, Outcome::Unknown { .. })
    }

    /// The outcome of each step. Some may be done where others are rejected, not sent or unknown.
    pub fn steps(&self) -> Vec<StepOutcome> {
        match &self.more {
            Some(more) if !more.steps.is_empty() => more.steps.clone(),
            _ => {
                let state = match self.outcome {
                    Outcome::Completed => StepState::Done,
                    Outcome::Rejected { .. } => StepState::Rejected,
                    Outcome::NotSent { .. } => StepState::NotSent,
                    Outcome::Unknown { .. } => StepState::Unknown,
                };
                (0..self.step_count as usize).map(|step| StepOutcome { step, parts: vec![(None, state)] }).collect()
            }
        }
    }

    /// The errors of the service. An [`Outcome::Unknown`] may have some too, of other steps.
    pub fn errors(&self) -> &[StepError] {
        match (&self.outcome, &self.more) {
            (Outcome::Rejected { errors }, _) => errors,
            (_, Some(more)) => &more.errors,
            _ => &[],
        }
    }

    /// Warnings about steps that should be written in another way.
    pub fn warnings(&self) -> &[StepWarning] {
        self.more.as_ref().map_or(&[], |more| &more.warnings)
    }

    /// Notices: things to know that are not errors.
    pub fn notices(&self) -> &[Notice] {
        self.more.as_ref().map_or(&[], |more| &more.notices)
    }

    /// The `X-Request-Id` of each response about it, for a support case with Adobe.
    pub fn request_ids(&self) -> impl ExactSizeIterator<Item = &str> {
        self.request_ids.iter().map(|id| &**id)
    }

    /// The number of requests that it was in, including repeated ones.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// What was certainly not done because it was not sent, as a command that can be given again.
    pub fn unsent(&self) -> Option<&Command> {
        self.more.as_ref().and_then(|more| more.unsent.as_ref())
    }

    /// Consumes the outcome and returns what was not sent.
    pub fn into_unsent(self) -> Option<Command> {
        self.more.and_then(|more| more.unsent)
    }
}

impl BatchOutcome for CommandOutcome {
    const PLURAL: &'static str = "commands";

    fn number(&self) -> usize {
        self.number
    }

    fn outcome(&self) -> &Outcome {
        &self.outcome
    }
}

impl<K> BatchOutcome for (K, CommandOutcome) {
    const PLURAL: &'static str = "commands";

    fn number(&self) -> usize {
        self.1.number
    }

    fn outcome(&self) -> &Outcome {
        &self.1.outcome
    }
}

impl StepError {
    /// What to do about it, if the catalog has the code.
    pub fn remedy(&self) -> Option<&'static str> {
        self.code.remedy()
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(step) = self.step {
            write!(f, "step {step}")?;
            if let Some(names) = self.names.as_ref().filter(|names| !names.is_empty()) {
                match (names.start, names.end - 1) {
                    (first, last) if first == last => write!(f, ", name {first}")?,
                    (first, last) => write!(f, ", names {first} to {last}")?,
                }
            }
            f.write_str(": ")?;
        }
        match self.message.as_deref().filter(|message| !message.is_empty()) {
            Some(message) => write!(f, "{message} ({})", self.code)?,
            None => write!(f, "{}", self.code)?,
        }
        match self.remedy() {
            Some(remedy) => write!(f, ". {remedy}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for StepWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(step) = self.step {
            write!(f, "step {step}: ")?;
        }
        match &self.message {
            Some(message) => write!(f, "{message} ({})", self.code),
            None => write!(f, "{}", self.code),
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::DoneByLostRequest { step, code } = self;
        write!(
            f,
            "step {step} was done by a request whose response was lost: the repetition was rejected with {code}, and what was \
             asked for is there"
        )
    }
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeldBack => f.write_str("held back, because an earlier part of the command was not done"),
            Self::Failed(failure) => write!(f, "{failure:#}"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::Rejected { errors } => {
                f.write_str("rejected")?;
                for (i, error) in errors.iter().enumerate() {
                    write!(f, "{} {error}", if i == 0 { ":" } else { ";" })?;
                }
                Ok(())
            }
            Self::NotSent { why } => write!(f, "not sent: {why}"),
            Self::Unknown { why } => write!(f, "unknown: {why}"),
        }
    }
}

impl fmt::Display for CommandOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "command {}", self.number)?;
        write!(f, ", {}: {}", self.root, self.outcome)
    }
}
