//! Outcomes that nobody sent: for the tests of what takes them.

use std::sync::Arc;

use umapi_model::{self as model, ErrorCode};

use super::{
    form::{InvalidOutcome, check_step},
    outcome::{CommandOutcome, NotSent, StepError, StepWarning, UnknownReason},
    record::{Record, Verdict},
    unit::Part,
};
use crate::command::{Command, InvalidCommand, Step, StepDescription, take_steps};

/// Builds the outcome of a command, step by step; made by [`CommandOutcome::of`]. A step of which nothing is said is done.
///
/// It makes what the client makes: the errors get the description of their step, the outcome follows from the steps, and
/// the steps that were not sent are handed back.
///
/// ```
/// use umapi_plan::{CallFailure, Command, CommandOutcome, StepError, StepState, model::ErrorCode};
///
/// let ann = Command::user("ann@example.com");
/// let command = ann.add_to(["Nix"]).remove_from(["Sales"]).add_to(["Design"]);
/// let outcome = CommandOutcome::of(command)
///     .reject(0, StepError::new(ErrorCode::GroupNotFound).with_message("Group Nix was not found"))
///     .leave_unsent(2, CallFailure::new("no connection"))
///     .build()?;
/// assert!(outcome.is_rejected());
/// let states: Vec<StepState> = outcome.steps().iter().map(|step| step.state()).collect();
/// assert_eq!(states, [StepState::Rejected, StepState::Done, StepState::NotSent]);
/// assert_eq!(outcome.unsent(), Some(&Command::user("ann@example.com").add_to(["Design"]).into()));
/// # Ok::<(), umapi_plan::InvalidOutcome>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it makes no outcome before it is built"]
pub struct CommandOutcomeBuilder {
    head: Arc<model::Command>,
    is_repeated: bool,
    parts: Vec<Part>,
    verdicts: Vec<Option<Verdict>>,
    warnings: Vec<StepWarning>,
    invalid: Option<InvalidOutcome>,
}

impl CommandOutcome {
    /// Begins to build the outcome of a command.
    pub fn of(command: impl Into<Command>) -> CommandOutcomeBuilder {
        let (mut head, is_repeated) = command.into().into_parts();
        let names = |step: &Step| step.clone().split(usize::MAX).pop().and_then(|(_, names)| names);
        let parts: Vec<Part> = (0..)
            .zip(take_steps(&mut head))
            .map(|(index, step)| {
                let names = names(&step);
                Part::new(step, 0, index, names)
            })
            .collect();
        CommandOutcomeBuilder {
            head: Arc::new(head),
            is_repeated,
            verdicts: vec![None; parts.len()],
            parts,
            warnings: Vec::new(),
            invalid: None,
        }
    }

    /// The outcome of a command whose steps were all done.
    pub fn completed(command: impl Into<Command>) -> Self {
        Self::of(command).conclude(&Verdict::Done)
    }

    /// The outcome of a command that was rejected as a whole. A step of the error does not count: [`of`](Self::of) makes
    /// the outcome of a command with a rejected step.
    pub fn rejected(command: impl Into<Command>, error: StepError) -> Self {
        let builder = Self::of(command);
        let mut record = builder.record();
        record.reject(builder.parts.len(), StepError { step: None, names: None, description: None, ..error });
        record.conclude(0).1
    }

    /// The outcome of a command that breaks a rule, as [`check`](Command::check) found it. Nothing of it is sent.
    ///
    /// ```
    /// use umapi_plan::{Command, CommandOutcome, StepState};
    ///
    /// let command = Command::from(Command::user("ann@example.com").add_to(["Design"]).remove_from([""]));
    /// let outcome = CommandOutcome::invalid(&command, &command.check().unwrap_err());
    /// let states: Vec<StepState> = outcome.steps().iter().map(|step| step.state()).collect();
    /// assert_eq!(states, [StepState::NotSent, StepState::Rejected]);
    /// ```
    pub fn invalid(command: impl Into<Command>, invalid: &InvalidCommand) -> Self {
        let builder = Self::of(command);
        let mut record = builder.record();
        record.reject(builder.parts.len(), StepError::of_rule(invalid));
        record.conclude(0).1
    }

    /// The outcome of a command of which nothing was sent, e.g. because of a [`CallFailure`](crate::CallFailure).
    pub fn not_sent(command: impl Into<Command>, why: impl Into<NotSent>) -> Self {
        Self::of(command).conclude(&Verdict::NotSent(why.into()))
    }

    /// The outcome of a command that was sent, of which nobody knows what became.
    pub fn unknown(command: impl Into<Command>, why: impl Into<UnknownReason>) -> Self {
        Self::of(command).conclude(&Verdict::Unknown(why.into()))
    }
}

impl CommandOutcomeBuilder {
    /// A step was rejected with this error. Of a step with several errors, call it once for each.
    pub fn reject(mut self, step: usize, error: StepError) -> Self {
        let Some(part) = self.parts.get(step) else { return self.missing("rejected", step) };
        let description = Box::new(StepDescription::of_step(&part.step, self.parts.len()));
        let names = part.names.as_ref().map(|names| names.start as usize..names.end as usize);
        let error = StepError {
            step: Some(step),
            names: error.names.or(names),
            description: error.description.or(Some(description)),
            ..error
        };
        if let Some(Some(Verdict::Rejected(errors))) = self.verdicts.get_mut(step) {
            errors.push(error);
            return self;
        }
        self.set(step, Verdict::Rejected(vec![error]))
    }

    /// A step was not sent.
    pub fn leave_unsent(self, step: usize, why: impl Into<NotSent>) -> Self {
        if step < self.parts.len() {
            self.set(step, Verdict::NotSent(why.into()))
        } else {
            self.missing("not sent", step)
        }
    }

    /// Nobody knows whether a step was done.
    ///
    /// ```
    /// use umapi_plan::{CallFailure, Command, CommandOutcome};
    ///
    /// let command = Command::user("ann@example.com").add_to(["Design"]).remove_from(["Sales"]);
    /// let lost = CallFailure::new("no response within 30 s");
    /// let outcome = CommandOutcome::of(command).leave_unknown(1, lost).build()?;
    /// assert!(outcome.is_unknown() && outcome.may_have_been_applied());
    /// # Ok::<(), umapi_plan::InvalidOutcome>(())
    /// ```
    pub fn leave_unknown(self, step: usize, why: impl Into<UnknownReason>) -> Self {
        if step < self.parts.len() {
            self.set(step, Verdict::Unknown(why.into()))
        } else {
            self.missing("unknown", step)
        }
    }

    /// A step was done by a request whose response was lost, and its repetition rejected with this code.
    pub fn done_by_lost_request(self, step: usize, code: ErrorCode) -> Self {
        if step < self.parts.len() {
            self.set(step, Verdict::DoneByLostRequest(code))
        } else {
            self.missing("done", step)
        }
    }

    /// The service warned about the step of the warning, or about the command.
    pub fn warn(mut self, warning: StepWarning) -> Self {
        let Some(step) = warning.step else {
            self.warnings.push(warning);
            return self;
        };
        let Some(part) = self.parts.get(step) else { return self.missing("warned about", step) };
        let description = Box::new(StepDescription::of_step(&part.step, self.parts.len()));
        self.warnings.push(StepWarning { description: warning.description.or(Some(description)), ..warning });
        self
    }

    /// Makes the outcome.
    ///
    /// # Errors
    /// If something was said about a step that the command does not have, or two different things about one step.
    pub fn build(self) -> Result<CommandOutcome, InvalidOutcome> {
        match &self.invalid {
            Some(invalid) => Err(invalid.clone()),
            None => Ok(self.conclude(&Verdict::Done)),
        }
    }

    fn set(mut self, step: usize, verdict: Verdict) -> Self {
        match self.verdicts.get_mut(step) {
            Some(place @ None) => *place = Some(verdict),
            _ => {
                let invalid = InvalidOutcome::new(format!("step {} ends in two ways", step.saturating_add(1)));
                self.invalid.get_or_insert(invalid);
            }
        }
        self
    }

    fn missing(mut self, what: &str, step: usize) -> Self {
        if let Err(invalid) = check_step(what, Some(step), self.parts.len()) {
            self.invalid.get_or_insert(invalid);
        }
        self
    }

    fn record(&self) -> Record<()> {
        let mut record = Record::new((), self.head.clone(), self.parts.len(), self.parts.len());
        record.is_repeated = self.is_repeated;
        record
    }

    /// The outcome, where what is not said is as given.
    fn conclude(self, otherwise: &Verdict) -> CommandOutcome {
        let mut record = self.record();
        for (part, verdict) in self.parts.iter().zip(self.verdicts) {
            record.settle(part, verdict.unwrap_or_else(|| otherwise.clone()));
        }
        self.warnings.into_iter().for_each(|warning| record.warn(warning));
        record.conclude(0).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        batch::{Notice, Outcome},
        job::CallFailure,
    };

    fn two_steps() -> Command {
        Command::user("a@b.c").add_to(["x"]).remove_from(["y"]).into()
    }

    fn error() -> StepError {
        StepError::new(ErrorCode::GroupNotFound)
    }

    #[test]
    fn whole_commands_end_in_four_ways() {
        let failure = || CallFailure::new("no connection");
        assert!(CommandOutcome::completed(two_steps()).is_completed());
        let rejected = CommandOutcome::rejected(two_steps(), error().with_step(7));
        assert_eq!(rejected.errors(), [error()]);
        assert!(rejected.is_rejected() && rejected.unsent().is_none());
        let not_sent = CommandOutcome::not_sent(two_steps(), failure());
        assert!(not_sent.is_not_sent());
        assert_eq!(not_sent.unsent(), Some(&two_steps()));
        let unknown = CommandOutcome::unknown(two_steps(), failure());
        assert!(unknown.is_unknown() && unknown.unsent().is_none());
        let repeated = two_steps().repeated();
        assert_eq!(CommandOutcome::not_sent(&repeated, failure()).into_unsent(), Some(repeated));
    }

    #[test]
    fn what_contradicts_itself_is_not_built() {
        let of = || CommandOutcome::of(two_steps());
        let failure = || CallFailure::new("no connection");
        for (builder, part) in [
            (of().reject(2, error()), "step 3 is rejected, and the command has 2 steps"),
            (of().leave_unsent(2, failure()), "step 3 is not sent"),
            (of().leave_unknown(usize::MAX, failure()), "is unknown"),
            (of().done_by_lost_request(5, ErrorCode::UserNotFound), "step 6 is done"),
            (of().warn(StepWarning::new(ErrorCode::WarningCommandDeprecated).with_step(2)), "step 3 is warned about"),
            (of().reject(0, error()).leave_unsent(0, failure()), "step 1 ends in two ways"),
            (of().leave_unknown(1, failure()).reject(1, error()), "step 2 ends in two ways"),
        ] {
            let message = builder.build().unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn steps_make_up_the_outcome() {
        let outcome = CommandOutcome::of(two_steps())
            .reject(0, error())
            .reject(0, StepError::new(ErrorCode::UserNotFound))
            .leave_unknown(1, UnknownReason::LostRequest(ErrorCode::UserNotFound))
            .build()
            .unwrap();
        assert!(outcome.is_unknown());
        assert_eq!(outcome.errors().len(), 2);
        let done = CommandOutcome::of(two_steps()).done_by_lost_request(1, ErrorCode::UserNotFound).build().unwrap();
        let [Notice::DoneByLostRequest { step: 1, description: Some(description), .. }] = done.notices() else {
            panic!("{done:?}")
        };
        assert_eq!(description.text, r#"removing from the group "y""#);
        assert!(matches!(done.outcome(), Outcome::Completed));
    }
}
