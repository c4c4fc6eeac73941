//! Outcomes and reports in JSON, and what makes one invalid.

use std::{fmt, ops::Range};

use serde::{Deserialize, Serialize};
use umapi_model::ErrorCode;

use super::{
    outcome::{
        CommandOutcome, More, NotSent, Notice, Outcome, StepError, StepOutcome, StepState, StepWarning, UnknownReason,
    },
    report::{BatchOutcome, Counts, Report},
    response::Disagreement,
};
use crate::{
    command::Command,
    job::{CallFailure, is_false},
};

/// Why an outcome or a report is not valid: it contradicts itself, or the command that it is about.
///
/// ```
/// use umapi_plan::{Command, CommandOutcome, StepError, model::ErrorCode};
///
/// let one_step = Command::user("ann@example.com").add_to(["Design"]);
/// let not_found = StepError::new(ErrorCode::GroupNotFound);
/// let error = CommandOutcome::of(one_step).reject(1, not_found).build().unwrap_err();
/// assert_eq!(error.to_string(), "invalid outcome: step 2 is rejected, and the command has 1 step");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidOutcome(String);

impl InvalidOutcome {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for InvalidOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid outcome: {}", self.0)
    }
}

impl std::error::Error for InvalidOutcome {}

/// Which of the four outcomes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Completed,
    Rejected,
    NotSent,
    Unknown,
}

/// Why a step was not sent, or is unknown.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub(super) enum WhyForm {
    HeldBack,
    Failed { failure: CallFailure },
    NoResponse { failure: CallFailure },
    Contradiction { disagreement: Box<Disagreement> },
    LostRequest { code: ErrorCode },
}

impl From<NotSent> for WhyForm {
    fn from(why: NotSent) -> Self {
        match why {
            NotSent::HeldBack => Self::HeldBack,
            NotSent::Failed(failure) => Self::Failed { failure },
        }
    }
}

impl TryFrom<WhyForm> for NotSent {
    type Error = InvalidOutcome;

    fn try_from(why: WhyForm) -> Result<Self, InvalidOutcome> {
        match why {
            WhyForm::HeldBack => Ok(Self::HeldBack),
            WhyForm::Failed { failure } => Ok(Self::Failed(failure)),
            _ => Err(InvalidOutcome::new("what was not sent has a reason of what is unknown")),
        }
    }
}

impl From<UnknownReason> for WhyForm {
    fn from(why: UnknownReason) -> Self {
        match why {
            UnknownReason::NoResponse(failure) => Self::NoResponse { failure },
            UnknownReason::Contradiction(disagreement) => Self::Contradiction { disagreement },
            UnknownReason::LostRequest(code) => Self::LostRequest { code },
        }
    }
}

impl TryFrom<WhyForm> for UnknownReason {
    type Error = InvalidOutcome;

    fn try_from(why: WhyForm) -> Result<Self, InvalidOutcome> {
        match why {
            WhyForm::NoResponse { failure } => Ok(Self::NoResponse(failure)),
            WhyForm::Contradiction { disagreement } => Ok(Self::Contradiction(disagreement)),
            WhyForm::LostRequest { code } => Ok(Self::LostRequest(code)),
            _ => Err(InvalidOutcome::new("what is unknown has a reason of what was not sent")),
        }
    }
}

/// An [`Outcome`] in JSON.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct OutcomeForm {
    outcome: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<WhyForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    errors: Vec<StepError>,
}

impl From<Outcome> for OutcomeForm {
    fn from(outcome: Outcome) -> Self {
        let (outcome, why, errors) = match outcome {
            Outcome::Completed => (Status::Completed, None, Vec::new()),
            Outcome::Rejected { errors } => (Status::Rejected, None, errors),
            Outcome::NotSent { why } => (Status::NotSent, Some(why.into()), Vec::new()),
            Outcome::Unknown { why } => (Status::Unknown, Some(why.into()), Vec::new()),
        };
        Self { outcome, why, errors }
    }
}

impl TryFrom<OutcomeForm> for Outcome {
    type Error = InvalidOutcome;

    fn try_from(form: OutcomeForm) -> Result<Self, InvalidOutcome> {
        match form.split()? {
            (outcome, errors) if errors.is_empty() => Ok(outcome),
            _ => Err(InvalidOutcome::new("it has errors, and is not rejected")),
        }
    }
}

impl OutcomeForm {
    /// The outcome, and the errors of one that is not `Rejected`.
    fn split(self) -> Result<(Outcome, Vec<StepError>), InvalidOutcome> {
        let Self { outcome, why, errors } = self;
        match (outcome, why) {
            (Status::Completed, None) => Ok((Outcome::Completed, errors)),
            (Status::Rejected, None) if errors.is_empty() => {
                Err(InvalidOutcome::new("it is rejected without an error"))
            }
            (Status::Rejected, None) => Ok((Outcome::Rejected { errors }, Vec::new())),
            (Status::NotSent, Some(why)) => Ok((Outcome::NotSent { why: why.try_into()? }, errors)),
            (Status::Unknown, Some(why)) => Ok((Outcome::Unknown { why: why.try_into()? }, errors)),
            (Status::NotSent, None) => Err(InvalidOutcome::new("it was not sent, and does not say why")),
            (Status::Unknown, None) => Err(InvalidOutcome::new("it is unknown, and does not say why")),
            (Status::Completed | Status::Rejected, Some(_)) => {
                Err(InvalidOutcome::new("it has a reason that only an outcome without an answer has"))
            }
        }
    }
}

/// A [`CommandOutcome`] in JSON.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct CommandOutcomeForm {
    number: usize,
    root: String,
    #[serde(flatten)]
    outcome: OutcomeForm,
    step_count: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    steps: Vec<StepOutcome>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<StepWarning>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notices: Vec<Notice>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unsent: Option<Command>,
    /// Whether what was not sent is marked as repeated, which the JSON of a command does not tell.
    #[serde(default, skip_serializing_if = "is_false")]
    is_unsent_repeated: bool,
    #[serde(default)]
    requests: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    request_ids: Vec<String>,
}

impl From<CommandOutcome> for CommandOutcomeForm {
    fn from(outcome: CommandOutcome) -> Self {
        let request_ids = outcome.request_ids().map(str::to_owned).collect();
        let CommandOutcome { number, root, outcome, step_count, requests, more, .. } = outcome;
        let More { steps, errors, warnings, notices, unsent } = more.map(|more| *more).unwrap_or_default();
        let mut form = OutcomeForm::from(outcome);
        form.errors.extend(errors);
        Self {
            number,
            root: root.into(),
            outcome: form,
            step_count,
            steps,
            warnings,
            notices,
            is_unsent_repeated: unsent.as_ref().is_some_and(Command::is_repeated),
            unsent,
            requests,
            request_ids,
        }
    }
}

impl TryFrom<CommandOutcomeForm> for CommandOutcome {
    type Error = InvalidOutcome;

    fn try_from(form: CommandOutcomeForm) -> Result<Self, InvalidOutcome> {
        let CommandOutcomeForm { number, root, outcome, step_count, steps, warnings, notices, unsent, .. } = form;
        let (outcome, errors) = outcome.split()?;
        let is_unknown = matches!(outcome, Outcome::Unknown { .. });
        if !errors.is_empty() && !is_unknown {
            return Err(InvalidOutcome::new("it has errors, and is neither rejected nor unknown"));
        }
        if let Some(unsent) = &unsent {
            if matches!(outcome, Outcome::Completed) {
                return Err(InvalidOutcome::new("it is completed, and something of it was not sent"));
            }
            if unsent.root() != &*root {
                return Err(InvalidOutcome::new(format!(
                    "it is about {root:?}, and what was not sent of it about {:?}",
                    unsent.root()
                )));
            }
        }
        let unsent = if form.is_unsent_repeated { unsent.map(Command::repeated) } else { unsent };
        let steps = check_steps(steps, step_count as usize, &outcome)?;
        let outcome = Self {
            number,
            root: root.into(),
            outcome,
            step_count,
            requests: form.requests,
            request_ids: form.request_ids.into_iter().map(Into::into).collect(),
            more: More { steps, errors, warnings, notices, unsent }.into_some(),
        };
        check_places(&outcome)?;
        Ok(outcome)
    }
}

/// Checks that the states of the steps make up the outcome. Returns no steps if all ended in the same way.
fn check_steps(steps: Vec<StepOutcome>, count: usize, outcome: &Outcome) -> Result<Vec<StepOutcome>, InvalidOutcome> {
    if steps.is_empty() {
        return Ok(steps);
    }
    if steps.iter().map(|step| step.step).ne(0..count) {
        return Err(InvalidOutcome::new("its list of steps does not have every step once, in order"));
    }
    if let Some(empty) = steps.iter().find(|step| step.parts.is_empty()) {
        return Err(InvalidOutcome::new(format!("step {} has no parts", empty.step + 1)));
    }
    let mut states = steps.iter().flat_map(|step| step.parts.iter().map(|part| part.state));
    let first = states.next();
    let (most_severe, differ) =
        states.fold((first, false), |(most, differ), state| (most.max(Some(state)), differ || Some(state) != first));
    if most_severe != Some(state_of(outcome)) {
        return Err(InvalidOutcome::new("the states of its steps make up another outcome"));
    }
    Ok(if differ { steps } else { Vec::new() })
}

/// The most severe state of the steps of a command with this outcome.
pub(super) fn state_of(outcome: &Outcome) -> StepState {
    match outcome {
        Outcome::Completed => StepState::Done,
        Outcome::Rejected { .. } => StepState::Rejected,
        Outcome::NotSent { .. } => StepState::NotSent,
        Outcome::Unknown { .. } => StepState::Unknown,
    }
}

/// Checks that every step that something is about exists.
fn check_places(outcome: &CommandOutcome) -> Result<(), InvalidOutcome> {
    let errors = outcome.errors().iter().map(|error| ("rejected", error.step));
    let warnings = outcome.warnings().iter().map(|warning| ("warned about", warning.step));
    let notices = outcome.notices().iter().map(|Notice::DoneByLostRequest { step, .. }| ("noticed", Some(*step)));
    for (what, step) in errors.chain(warnings).chain(notices) {
        check_step(what, step, outcome.step_count as usize)?;
    }
    let parts = outcome.more.iter().flat_map(|more| &more.steps).flat_map(|step| &step.parts);
    let names = outcome.errors().iter().filter_map(|error| error.names.as_ref());
    for names in parts.filter_map(|part| part.names.as_ref()).chain(names) {
        check_names(names)?;
    }
    Ok(())
}

pub(super) fn check_step(what: &str, step: Option<usize>, count: usize) -> Result<(), InvalidOutcome> {
    match step.filter(|step| *step >= count) {
        Some(step) => {
            let steps = if count == 1 { "step" } else { "steps" };
            let number = step.saturating_add(1);
            Err(InvalidOutcome::new(format!("step {number} is {what}, and the command has {count} {steps}")))
        }
        None => Ok(()),
    }
}

fn check_names(names: &Range<usize>) -> Result<(), InvalidOutcome> {
    if names.start <= names.end { Ok(()) } else { Err(InvalidOutcome::new("a range of names ends before it begins")) }
}

/// A [`Report`] in JSON.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct ReportForm<O> {
    #[serde(default, skip_serializing_if = "is_false")]
    test_mode: bool,
    #[serde(default)]
    requests: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aborted: Option<CallFailure>,
    /// For readers that do not count themselves.
    #[serde(default)]
    counts: Option<Counts>,
    outcomes: Vec<O>,
}

impl<O: BatchOutcome> From<Report<O>> for ReportForm<O> {
    fn from(report: Report<O>) -> Self {
        Self {
            test_mode: report.is_test(),
            requests: report.requests(),
            aborted: report.aborted().cloned(),
            counts: Some(report.counts()),
            outcomes: report.into_outcomes(),
        }
    }
}

impl<O: BatchOutcome> TryFrom<ReportForm<O>> for Report<O> {
    type Error = InvalidOutcome;

    fn try_from(form: ReportForm<O>) -> Result<Self, InvalidOutcome> {
        let ReportForm { test_mode, requests, aborted, counts, mut outcomes } = form;
        outcomes.sort_by_key(O::number);
        if let Some((expected, wrong)) = (0..).zip(&outcomes).find(|(expected, outcome)| outcome.number() != *expected)
        {
            let which = if wrong.number() < expected { "two outcomes have" } else { "no outcome has" };
            return Err(InvalidOutcome::new(format!("{which} the number {}", wrong.number().min(expected))));
        }
        let mut report = Self::new(outcomes).with_requests(requests).with_test_mode(test_mode);
        if let Some(aborted) = aborted {
            report = report.with_aborted(aborted);
        }
        match counts {
            Some(counts) if counts != report.counts() => {
                Err(InvalidOutcome::new(format!("it counts {counts}, and has {}", report.counts())))
            }
            _ => Ok(report),
        }
    }
}
