//! Whether an outcome can be the one of a given command.

use std::ops::Range;

use super::outcome::{CommandOutcome, Notice, Outcome, StepState};
use crate::command::{Command, Step, StepDescription, take_steps, with_steps};

impl CommandOutcome {
    /// Whether it can be the outcome of this command: it is about the same user or group and has as many steps, and the
    /// steps that it describes or [hands back](Self::unsent) are those of the command.
    ///
    /// ```
    /// use umapi_plan::{CallFailure, Command, CommandOutcome};
    ///
    /// let given = Command::from(Command::user("ann@example.com").add_to(["Design"]));
    /// let other = Command::user("ann@example.com").add_to(["Sales"]);
    /// assert!(CommandOutcome::not_sent(&given, CallFailure::new("no connection")).is_about(&given));
    /// assert!(!CommandOutcome::not_sent(other, CallFailure::new("no connection")).is_about(&given));
    /// ```
    pub fn is_about(&self, command: &Command) -> bool {
        if (self.root(), self.step_count as usize) != (command.root(), command.steps()) {
            return false;
        }
        if self.is_completed() && self.more.is_none() {
            return true;
        }
        let mut head = command.to_raw();
        let steps = take_steps(&mut head);
        self.describes(&steps) && self.hands_back(command, head, &steps)
    }

    /// Whether everything that it describes is one of the steps.
    fn describes(&self, steps: &[Step]) -> bool {
        let describes = |step: Option<usize>, names: Option<&Range<usize>>, description: Option<&StepDescription>| {
            let Some(description) = description else { return true };
            let is_of = |step: &Step| {
                let part = names.map(|names| step.clone().cut(names));
                // A notice does not say to which names it applies.
                let is_of = |step: &Step| {
                    let whole = StepDescription::of_step(step, steps.len());
                    (&whole.text, &whole.names) == (&description.text, &description.names)
                };
                part.as_ref().is_some_and(is_of) || is_of(step)
            };
            match step {
                Some(step) => steps.get(step).is_some_and(is_of),
                None => steps.iter().any(is_of),
            }
        };
        self.errors().iter().all(|error| describes(error.step, error.names.as_ref(), error.description.as_deref()))
            && self.warnings().iter().all(|warning| describes(warning.step, None, warning.description.as_deref()))
            && self.notices().iter().all(|Notice::DoneByLostRequest { step, description, .. }| {
                describes(Some(*step), None, description.as_deref())
            })
    }

    /// Whether it hands back exactly what was not sent of the command.
    fn hands_back(&self, command: &Command, head: umapi_model::Command, steps: &[Step]) -> bool {
        let mut unsent = Vec::new();
        for outcome in self.steps() {
            let Some(step) = steps.get(outcome.step) else { return false };
            let parts = outcome.parts.iter().filter(|part| part.state == StepState::NotSent);
            let parts = parts.map(|part| match &part.names {
                Some(names) => step.clone().cut(names),
                None => step.clone(),
            });
            unsent.extend(parts.reduce(|mut whole, next| {
                whole.join(next);
                whole
            }));
        }
        match self.unsent() {
            // A command that breaks a rule is handed back by nobody.
            None => unsent.is_empty() || matches!(self.outcome, Outcome::Rejected { .. }),
            Some(_) if unsent.is_empty() => false,
            Some(given) => {
                let expected = Command::from_raw(with_steps(head, unsent));
                let expected = if command.is_repeated() { expected.map(Command::repeated) } else { expected };
                expected.as_ref() == Some(given)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use umapi_model::ErrorCode;

    use super::*;
    use crate::{
        batch::{StepError, StepWarning},
        job::CallFailure,
    };

    fn two_steps(group: &str) -> Command {
        Command::user("a@b.c").add_to([group, "x"]).remove_from(["y"]).into()
    }

    fn failure() -> CallFailure {
        CallFailure::new("no connection")
    }

    #[test]
    fn outcomes_are_about_their_own_command() {
        let (given, other) = (two_steps("d"), two_steps("e"));
        let error = || StepError::new(ErrorCode::GroupNotFound);
        let make: [fn(Command) -> CommandOutcome; 6] = [
            |command| CommandOutcome::not_sent(command, failure()),
            |command| CommandOutcome::of(command).leave_unsent(0, failure()).build().unwrap(),
            |command| {
                let error = StepError::new(ErrorCode::GroupNotFound);
                CommandOutcome::of(command).reject(0, error).leave_unsent(1, failure()).build().unwrap()
            },
            |command| {
                let error = StepError::new(ErrorCode::GroupNotFound).with_names(0..1);
                CommandOutcome::of(command).reject(0, error).leave_unknown(1, failure()).build().unwrap()
            },
            |command| CommandOutcome::of(command).done_by_lost_request(0, ErrorCode::GroupNotFound).build().unwrap(),
            |command| {
                let warning = StepWarning::new(ErrorCode::WarningCommandDeprecated).with_step(0);
                CommandOutcome::of(command).warn(warning).build().unwrap()
            },
        ];
        for (number, make) in make.into_iter().enumerate() {
            assert!(make(given.clone()).is_about(&given), "{number}");
            assert!(!make(other.clone()).is_about(&given), "{number}");
        }
        assert!(CommandOutcome::rejected(&given, error()).is_about(&given));
        assert!(CommandOutcome::unknown(&given, failure()).is_about(&given));
        let repeated = given.clone().repeated();
        assert!(CommandOutcome::not_sent(&repeated, failure()).is_about(&repeated));
        assert!(!CommandOutcome::not_sent(&given, failure()).is_about(&repeated), "what is lost is not sent twice");
        let group = Command::group("a@b.c").add_users(["d"]).remove_users(["y"]);
        assert!(!CommandOutcome::not_sent(group, failure()).is_about(&given));
    }

    #[test]
    fn what_a_rule_rejects_is_about_its_command() {
        let wrong = Command::from(Command::user("a@b.c").add_to(["d"]).remove_from([""]));
        assert!(CommandOutcome::invalid(&wrong, &wrong.check().unwrap_err()).is_about(&wrong));
    }
}
