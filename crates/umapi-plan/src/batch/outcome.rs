//! What became of a command.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use umapi_model::ErrorCode;

use super::report::BatchOutcome;
use crate::command::Command;
use crate::job::CallFailure;

/// How a command ended: in exactly one of four ways.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Every step was done. In test mode: would have been.
    Completed,
    /// The service refused at least one step, or the command broke a rule and was not sent.
    Rejected {
        /// Why, by step.
        errors: Vec<StepError>,
    },
    /// Nothing of it was refused, and some or all of it was surely not done.
    NotSent {
        /// Why it stayed behind.
        why: NotSent,
    },
    /// Some or all of it was sent, and what became of it cannot be known.
    Unknown {
        /// Why it is unknown.
        why: UnknownReason,
    },
}

/// Why nobody knows what became of a command.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum UnknownReason {
    /// No readable response came.
    NoResponse(CallFailure),
    /// The response contradicts itself.
    Contradiction(Disagreement),
    /// A request whose response was lost was repeated and rejected with this code: the first one may have done it.
    LostRequest(ErrorCode),
}

/// What in a response does not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement(pub(crate) &'static str);

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoResponse(failure) => failure.fmt(f),
            Self::Contradiction(disagreement) => write!(f, "the response contradicts itself: {disagreement}"),
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
    /// The command was too long for one request, and an earlier part of it failed: the parts after it are held back.
    HeldBack,
    /// Sending failed, or was given up.
    Failed(CallFailure),
}

/// A step that the service refused.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StepError {
    /// The step, as the caller counts them, from 0. Nothing if the command was refused as a whole.
    pub step: Option<usize>,
    /// Which names of the step's lists were refused together. Nothing if the step has no list.
    pub names: Option<Range<usize>>,
    /// What went wrong, for programs.
    pub code: ErrorCode,
    /// What went wrong, for people.
    pub message: Option<String>,
}

/// A step that was done, and should be asked for in another way.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StepWarning {
    /// The step, as the caller counts them, from 0. Nothing if the service did not say.
    pub step: Option<usize>,
    /// What the warning is about, for programs.
    pub code: ErrorCode,
    /// What the warning is about, for people.
    pub message: Option<String>,
}

/// Information about a command that is not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The step counts as done although the service refused it: a request whose answer was lost was repeated, and the
    /// refusal ("exists already", "is not there any more") says that the first one had done it.
    DoneByLostRequest {
        /// The step, as the caller counts them, from 0.
        step: usize,
        /// What the service answered to the repeated request.
        code: ErrorCode,
    },
}

/// How a step, or a part of it, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum StepState {
    /// Done. In test mode: would have been.
    Done,
    /// Surely not sent, or not applied.
    NotSent,
    /// Refused by the service.
    Refused,
    /// Sent, with no answer.
    Unknown,
}

/// How one step ended, in as many parts as it had to be sent in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepOutcome {
    /// The step, as the caller counts them, from 0.
    pub step: usize,
    /// The parts of it: which names of its lists (nothing if it has none), and what became of them.
    pub parts: Vec<(Option<Range<usize>>, StepState)>,
}

impl StepOutcome {
    /// The state of the step as a whole: the worst of its parts.
    pub fn state(&self) -> StepState {
        self.parts.iter().map(|(_, state)| *state).max().unwrap_or(StepState::Done)
    }
}

/// What became of one command, in the caller's own numbering.
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
    /// What few commands have.
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
    /// Which command it is, counted from 0 in the order in which they were given.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The user or the user group that the command was about.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// How it ended.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether all of it was done.
    pub fn is_completed(&self) -> bool {
        matches!(self.outcome, Outcome::Completed)
    }

    /// Whether some of it was refused, and of nothing the fate is unknown.
    pub fn is_rejected(&self) -> bool {
        matches!(self.outcome, Outcome::Rejected { .. })
    }

    /// Whether some of it was not sent, nothing was refused, and of nothing the fate is unknown.
    pub fn is_not_sent(&self) -> bool {
        matches!(self.outcome, Outcome::NotSent { .. })
    }

    /// Whether it cannot be known what became of some of it.
    pub fn is_unknown(&self) -> bool {
        matches!(self.outcome, Outcome::Unknown { .. })
    }

    /// How each step ended. Some may be done where others are refused, not sent or unknown.
    pub fn steps(&self) -> Vec<StepOutcome> {
        match &self.more {
            Some(more) if !more.steps.is_empty() => more.steps.clone(),
            _ => {
                let state = match self.outcome {
                    Outcome::Completed => StepState::Done,
                    Outcome::Rejected { .. } => StepState::Refused,
                    Outcome::NotSent { .. } => StepState::NotSent,
                    Outcome::Unknown { .. } => StepState::Unknown,
                };
                (0..self.step_count as usize).map(|step| StepOutcome { step, parts: vec![(None, state)] }).collect()
            }
        }
    }

    /// What the service refused. Of an [`Outcome::Unknown`] too: it may be known of other steps.
    pub fn errors(&self) -> &[StepError] {
        match (&self.outcome, &self.more) {
            (Outcome::Rejected { errors }, _) => errors,
            (_, Some(more)) => &more.errors,
            _ => &[],
        }
    }

    /// What was done and should be asked for in another way.
    pub fn warnings(&self) -> &[StepWarning] {
        self.more.as_ref().map_or(&[], |more| &more.warnings)
    }

    /// The information that is not an error.
    pub fn notices(&self) -> &[Notice] {
        self.more.as_ref().map_or(&[], |more| &more.notices)
    }

    /// The `X-Request-Id` of each answer that concerned it, for a case with Adobe's support.
    pub fn request_ids(&self) -> impl ExactSizeIterator<Item = &str> {
        self.request_ids.iter().map(|id| &**id)
    }

    /// How many requests it took part in, repeated ones included.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// What of the command was surely not done because it was not sent, as a command that can be given again.
    pub fn unsent(&self) -> Option<&Command> {
        self.more.as_ref().and_then(|more| more.unsent.as_ref())
    }

    /// The same, taken out.
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
    /// What to do about it, if the catalog knows the code.
    pub fn remedy(&self) -> Option<&'static str> {
        self.code.remedy()
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(step) = self.step {
            write!(f, "step {step}")?;
            if let Some(names) = self.names.as_ref().filter(|names| !names.is_empty()) {
                write!(f, ", names {} to {}", names.start, names.end - 1)?;
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
            "step {step} counts as done by a request whose answer was lost: its repetition was refused with {code}"
        )
    }
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeldBack => f.write_str("held back, since an earlier part of the command was not done"),
            Self::Failed(error) => error.fmt(f),
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
