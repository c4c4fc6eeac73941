//! The outcome of a command.

use std::{fmt, ops::Range, sync::Arc};

use serde::{Deserialize, Serialize};
use umapi_model::{ErrorCode, RemedyInText};

use super::{
    form::{CommandOutcomeForm, OutcomeForm, WhyForm, state_of},
    report::BatchOutcome,
    response::Disagreement,
};
use crate::{
    account::ShownName,
    command::{Command, InvalidCommand, StepDescription, StepInText},
    job::CallFailure,
};

/// The outcome of a command or a membership: exactly one of four.
///
/// In JSON, `outcome` is `completed`, `rejected` (with `errors`), `not_sent` or `unknown` (with `why`):
///
/// ```
/// use umapi_plan::{CallFailure, Outcome, model::ErrorCode, StepError};
///
/// let error = StepError::new(ErrorCode::GroupNotFound).with_message("Group Nix was not found");
/// let rejected = Outcome::from(error);
/// let json = serde_json::json!({
///     "outcome": "rejected",
///     "errors": [{ "code": "error.group.not_found", "message": "Group Nix was not found" }],
/// });
/// assert_eq!(serde_json::to_value(&rejected)?, json);
/// assert_eq!(serde_json::from_value::<Outcome>(json)?, rejected);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(into = "OutcomeForm", try_from = "OutcomeForm")]
#[non_exhaustive]
pub enum Outcome {
    /// Every step was done. In test mode: every step would be done.
    Completed,
    /// The service rejected at least one step, or the command broke a rule and was not sent.
    Rejected {
        /// The errors, by step. There is at least one.
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
///
/// In JSON its `reason` is `no_response` (with the `failure`), `contradiction` (with the `disagreement`) or `lost_request`
/// (with the `code`).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(into = "WhyForm", try_from = "WhyForm")]
#[non_exhaustive]
pub enum UnknownReason {
    /// No readable response came.
    NoResponse(CallFailure),
    /// The response contradicts itself or the request.
    Contradiction(Box<Disagreement>),
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
///
/// In JSON its `reason` is `held_back`, or `failed` (with the `failure`).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(into = "WhyForm", try_from = "WhyForm")]
#[non_exhaustive]
pub enum NotSent {
    /// The command was too long for one request, and an earlier part of it failed: the later parts are held back.
    HeldBack,
    /// Sending failed, or the run ended.
    Failed(CallFailure),
}

impl From<StepError> for Outcome {
    fn from(error: StepError) -> Self {
        Self::Rejected { errors: vec![error] }
    }
}

impl From<NotSent> for Outcome {
    fn from(why: NotSent) -> Self {
        Self::NotSent { why }
    }
}

impl From<UnknownReason> for Outcome {
    fn from(why: UnknownReason) -> Self {
        Self::Unknown { why }
    }
}

impl From<CallFailure> for NotSent {
    fn from(failure: CallFailure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Disagreement> for UnknownReason {
    fn from(disagreement: Disagreement) -> Self {
        Self::Contradiction(Box::new(disagreement))
    }
}

impl From<CallFailure> for UnknownReason {
    fn from(failure: CallFailure) -> Self {
        Self::NoResponse(failure)
    }
}

/// A step that the service rejected.
///
/// ```
/// use umapi_plan::{StepDescription, StepError, model::ErrorCode};
///
/// let error = StepError::new(ErrorCode::GroupNotFound)
///     .with_message("Group Nix was not found")
///     .with_step(0)
///     .with_description(StepDescription::new(r#"adding to the group "Nix""#, 2));
/// // Programs count from 0, people from 1.
/// let text = r#"adding to the group "Nix" (step 1 of 2): Group Nix was not found. Compare "#;
/// assert!(error.to_string().starts_with(text));
/// ```
///
/// A test makes one of a list of names, with a remedy of its own:
///
/// ```
/// use umapi_plan::{StepError, model::ErrorCode};
///
/// let error = StepError::new(ErrorCode::GroupNotFound).with_step(0).with_names(10..20);
/// assert!(error.remedy().is_some(), "that of the catalog");
/// let error = error.with_remedy("create the groups first");
/// assert_eq!(error.remedy(), Some("create the groups first"));
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StepError {
    /// The step, counted from 0 as the caller gave them. `None` if the command was rejected as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// The range of names in the step's lists that were rejected together. `None` if the step has no list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Range<usize>>,
    /// What the step does, with these names. `None` if the command was rejected as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Box<StepDescription>>,
    /// What went wrong, for programs.
    pub code: ErrorCode,
    /// What went wrong, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do about it, if that is more than the catalog says about the code: the client knows which rule was broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// A step that was done, and should be written in another way.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StepWarning {
    /// The step, counted from 0 as the caller gave them. `None` if the service did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// What the step does. `None` if the service did not say which it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Box<StepDescription>>,
    /// What the warning is about, for programs.
    pub code: ErrorCode,
    /// What the warning is about, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A notice about a command: something to know that is not an error.
///
/// In JSON its `notice` is `done_by_lost_request`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// The step counts as done although the service rejected its repetition ("exists already", "does not exist"): the
    /// response to the first request was lost, and reading the user or the group showed what was asked for.
    DoneByLostRequest {
        /// The step, counted from 0 as the caller gave them.
        step: usize,
        /// What the step does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<Box<StepDescription>>,
        /// The code with which the repetition was rejected.
        code: ErrorCode,
    },
}

/// The state of a step, or of a part of it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
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
///
/// ```
/// use umapi_plan::{StepOutcome, StepPart, StepState};
///
/// let done = StepPart::new(Some(0..10), StepState::Done);
/// let parts = [done, StepPart::new(Some(10..12), StepState::Rejected)];
/// assert_eq!(StepOutcome::new(0, parts).state(), StepState::Rejected);
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StepOutcome {
    /// The step, counted from 0 as the caller gave them.
    pub step: usize,
    /// The parts. There is at least one.
    pub parts: Vec<StepPart>,
}

/// A part of a step that was sent, or would have been sent, in one piece.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StepPart {
    /// The range of names in the step's lists. `None` if the step has none, or is meant as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Range<usize>>,
    /// The state.
    pub state: StepState,
}

impl StepOutcome {
    /// The outcome of a step with these parts.
    pub fn new(step: usize, parts: impl IntoIterator<Item = StepPart>) -> Self {
        Self { step, parts: parts.into_iter().collect() }
    }

    /// The state of the step as a whole: the most severe state of its parts.
    pub fn state(&self) -> StepState {
        self.parts.iter().map(|part| part.state).max().unwrap_or(StepState::Done)
    }
}

impl StepPart {
    /// A part with the range of its names.
    pub fn new(names: Option<Range<usize>>, state: StepState) -> Self {
        Self { names, state }
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
///             println!("{}: {error}", outcome.root());
///         }
///     }
///     _ => println!("{outcome}"),
/// }
/// # }
/// ```
///
/// A client makes it; so can a test. The functions [`completed`](Self::completed), [`rejected`](Self::rejected),
/// [`not_sent`](Self::not_sent) and [`unknown`](Self::unknown) make one whose steps all ended in the same way, [`of`](Self::of)
/// any other. It can be kept as JSON:
///
/// ```
/// use umapi_plan::{Command, CommandOutcome, StepError, model::ErrorCode};
///
/// let command = Command::user("ann@example.com").add_to(["Photoshop"]).remove_from(["Nix"]);
/// let error = StepError::new(ErrorCode::GroupNotFound).with_message("Group Nix was not found");
/// let outcome = CommandOutcome::of(command).reject(1, error).build()?.with_requests(1, ["r-1"]);
/// let json = serde_json::json!({
///     "number": 0,
///     "root": "ann@example.com",
///     "outcome": "rejected",
///     "errors": [{
///         "step": 1,
///         "names": { "start": 0, "end": 1 },
///         "description": { "text": "removing from the group \"Nix\"", "names": ["Nix"], "steps": 2 },
///         "code": "error.group.not_found",
///         "message": "Group Nix was not found",
///     }],
///     "step_count": 2,
///     "steps": [
///         { "step": 0, "parts": [{ "names": { "start": 0, "end": 1 }, "state": "done" }] },
///         { "step": 1, "parts": [{ "names": { "start": 0, "end": 1 }, "state": "rejected" }] },
///     ],
///     "requests": 1,
///     "request_ids": ["r-1"],
/// });
/// assert_eq!(serde_json::to_value(&outcome)?, json);
/// assert_eq!(serde_json::from_value::<CommandOutcome>(json)?, outcome);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `steps` is left out if all steps ended in the same way. Indexes count from 0; [`StepPart`], [`NotSent`],
/// [`UnknownReason`] and [`Notice`] describe their own forms. What contradicts itself cannot be read: an error of a
/// completed command, a step that the command does not have.
///
/// Besides the outcome it says what may be worth a look:
///
/// ```
/// use umapi_plan::{Command, CommandOutcome, Notice, StepWarning, model::ErrorCode};
///
/// let command = Command::user("ann@example.com").add_to(["Design"]).reset_password();
/// let outcome = CommandOutcome::of(command)
///     .done_by_lost_request(0, ErrorCode::UserAlreadyInOrg)
///     .warn(StepWarning::new(ErrorCode::WarningCommandDeprecated).with_step(1))
///     .build()?
///     .with_number(6)
///     .with_requests(2, ["r-1", "r-2"]);
/// assert_eq!((outcome.number(), outcome.errors()), (6, &[][..]));
/// assert_eq!(outcome.warnings()[0].step, Some(1));
/// assert!(matches!(outcome.notices(), [Notice::DoneByLostRequest { step: 0, .. }]));
/// assert_eq!(outcome.request_ids().collect::<Vec<_>>(), ["r-1", "r-2"]);
/// # Ok::<(), umapi_plan::InvalidOutcome>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(into = "CommandOutcomeForm", try_from = "CommandOutcomeForm")]
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

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct More {
    pub(super) steps: Vec<StepOutcome>,
    /// Errors of a command that is not `Rejected`.
    pub(super) errors: Vec<StepError>,
    pub(super) warnings: Vec<StepWarning>,
    pub(super) notices: Vec<Notice>,
    pub(super) unsent: Option<Command>,
}

impl CommandOutcome {
    /// Sets the number of the command. A [report](super::Report) numbers its outcomes itself.
    #[must_use]
    pub fn with_number(mut self, number: usize) -> Self {
        self.number = number;
        self
    }

    /// Sets the number of requests that it was in, and the `X-Request-Id` of each response about it.
    #[must_use]
    pub fn with_requests(mut self, requests: u32, ids: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.requests = requests;
        self.request_ids = ids.into_iter().map(|id| id.as_ref().into()).collect();
        self
    }

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
                let state = state_of(&self.outcome);
                (0..self.step_count as usize).map(|step| StepOutcome::new(step, [StepPart::new(None, state)])).collect()
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

    /// Whether a step was done, or may have been.
    pub fn may_have_been_applied(&self) -> bool {
        match &self.more {
            Some(more) if !more.steps.is_empty() => {
                let mut parts = more.steps.iter().flat_map(|step| &step.parts);
                parts.any(|part| matches!(part.state, StepState::Done | StepState::Unknown))
            }
            _ => matches!(self.outcome, Outcome::Completed | Outcome::Unknown { .. }),
        }
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
    const SINGULAR: &'static str = "command";
    const PLURAL: &'static str = "commands";

    fn number(&self) -> usize {
        self.number
    }

    fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    fn may_have_been_applied(&self) -> bool {
        self.may_have_been_applied()
    }
}

impl<K> BatchOutcome for (K, CommandOutcome) {
    const SINGULAR: &'static str = "command";
    const PLURAL: &'static str = "commands";

    fn number(&self) -> usize {
        self.1.number
    }

    fn outcome(&self) -> &Outcome {
        &self.1.outcome
    }

    fn may_have_been_applied(&self) -> bool {
        self.1.may_have_been_applied()
    }
}

impl StepError {
    /// An error with this code, of a command as a whole.
    pub fn new(code: ErrorCode) -> Self {
        Self { step: None, names: None, description: None, code, message: None, remedy: None }
    }

    /// The rejection of a request with only one command.
    pub(crate) fn of_request(failure: &CallFailure) -> Self {
        let code = failure.code().cloned().unwrap_or(ErrorCode::CommandMalformed);
        Self::new(code).with_message(failure.service_message().map_or_else(|| failure.to_string(), str::to_owned))
    }

    /// A rule that the command breaks.
    pub(crate) fn of_rule(invalid: &InvalidCommand) -> Self {
        let message = format!("{}: {}", invalid.field(), invalid.rule());
        Self {
            step: invalid.step(),
            description: invalid.description().cloned().map(Box::new),
            ..Self::new(invalid.code().clone()).with_message(message).with_remedy(invalid.remedy())
        }
    }

    /// Sets the message for people.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Sets the step, counted from 0.
    #[must_use]
    pub fn with_step(mut self, step: usize) -> Self {
        self.step = Some(step);
        self
    }

    /// Sets the range of names in the step's lists.
    #[must_use]
    pub fn with_names(mut self, names: Range<usize>) -> Self {
        self.names = Some(names);
        self
    }

    /// Sets what the step does.
    #[must_use]
    pub fn with_description(mut self, description: StepDescription) -> Self {
        self.description = Some(Box::new(description));
        self
    }

    /// Sets what to do about it, instead of what the catalog says about the code.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// What to do about it: its own remedy, or else that of the catalog.
    pub fn remedy(&self) -> Option<&str> {
        self.remedy.as_deref().or(self.code.remedy())
    }
}

impl StepWarning {
    /// A warning with this code.
    pub fn new(code: ErrorCode) -> Self {
        Self { step: None, description: None, code, message: None }
    }

    /// Sets the message for people.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Sets the step, counted from 0.
    #[must_use]
    pub fn with_step(mut self, step: usize) -> Self {
        self.step = Some(step);
        self
    }

    /// Sets what the step does.
    #[must_use]
    pub fn with_description(mut self, description: StepDescription) -> Self {
        self.description = Some(Box::new(description));
        self
    }
}

/// Writes the step at the beginning of a message, if it is known.
fn write_step(f: &mut fmt::Formatter<'_>, step: Option<usize>, description: Option<&StepDescription>) -> fmt::Result {
    step.map_or(Ok(()), |index| write!(f, "{}: ", StepInText { index, description }))
}

fn is_not_blank(message: &&str) -> bool {
    !message.trim().is_empty()
}

/// What failed, why, what to do, and the code.
impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_step(f, self.step, self.description.as_deref())?;
        let message = self.message.as_deref().filter(is_not_blank).or(self.code.meaning());
        f.write_str(message.unwrap_or("rejected").trim_end_matches('.'))?;
        write!(f, "{} ({})", RemedyInText(self.remedy()), self.code)
    }
}

impl fmt::Display for StepWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_step(f, self.step, self.description.as_deref())?;
        let message = self.message.as_deref().filter(is_not_blank).or(self.code.meaning());
        write!(f, "{} ({})", message.unwrap_or("a warning").trim_end_matches('.'), self.code)
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::DoneByLostRequest { step, description, code } = self;
        write_step(f, Some(*step), description.as_deref())?;
        write!(
            f,
            "done by a request whose response was lost; its repetition was rejected, and what was asked for is there ({code})"
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

/// Its number counts from 1, as people do.
impl fmt::Display for CommandOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "command {}, {}: {}", self.number.saturating_add(1), ShownName(&self.root), self.outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_name_is_shown() {
        let text = CommandOutcome::completed(Command::user("").add_to(["x"])).to_string();
        assert_eq!(text, r#"command 1, "": completed"#);
    }

    /// A report has one for each command, most of them completed.
    #[test]
    fn a_completed_command_takes_little_memory() {
        assert!(size_of::<Outcome>() <= 32, "{}", size_of::<Outcome>());
        assert!(size_of::<CommandOutcome>() <= 96, "{}", size_of::<CommandOutcome>());
    }
}
