//! What an answer says of each command of its request.

use umapi_model::{self as model, ActionError, ActionResponse, ActionResult, ActionWarning, IntegerOrString};

use super::outcome::{Disagreement, UnknownReason};
use crate::command::{group_step_name, user_step_name};

/// What an answer says of one command.
#[derive(Debug, Default)]
pub(crate) struct Reading<'a> {
    /// The command was refused as a whole.
    pub(crate) whole: Vec<&'a ActionError>,
    /// Steps that were refused.
    pub(crate) steps: Vec<(usize, &'a ActionError)>,
    pub(crate) warnings: Vec<(Option<usize>, &'a ActionWarning)>,
    /// The answer counts more failures than it names, so that no error need not mean that it was done.
    pub(crate) is_doubtful: bool,
}

/// Reads an answer to a request of these commands, in their order.
pub(crate) fn read<'a>(response: &'a ActionResponse, commands: &[model::Command]) -> Vec<Reading<'a>> {
    let mut readings: Vec<Reading<'a>> = commands.iter().map(|_| Reading::default()).collect();
    for error in &response.errors {
        let index = error.index as usize;
        let (Some(reading), Some(command)) = (readings.get_mut(index), commands.get(index)) else { continue };
        match step_of(error.step.as_ref(), command) {
            Some(step) if !is_about_command(error, step, command) => reading.steps.push((step, error)),
            _ => reading.whole.push(error),
        }
    }
    for warning in &response.warnings {
        let index = warning.index as usize;
        if let (Some(reading), Some(command)) = (readings.get_mut(index), commands.get(index)) {
            reading.warnings.push((step_of(warning.step.as_ref(), command), warning));
        }
    }
    let named = readings.iter().filter(|reading| reading.is_refused()).count();
    let counted = match response.result {
        ActionResult::Error => commands.len(),
        ActionResult::Partial => (response.not_completed as usize).max(1),
        _ => response.not_completed as usize,
    };
    if counted > named {
        readings.iter_mut().for_each(|reading| reading.is_doubtful = !reading.is_refused());
    }
    readings
}

/// Why a command is doubtful.
pub(crate) fn doubt() -> UnknownReason {
    UnknownReason::Contradiction(Disagreement("it counts more commands as failed than it has errors for"))
}

impl Reading<'_> {
    fn is_refused(&self) -> bool {
        !self.whole.is_empty() || !self.steps.is_empty()
    }
}

fn step_of(step: Option<&IntegerOrString>, command: &model::Command) -> Option<usize> {
    let step = usize::try_from(step?.as_i64()?).ok()?;
    step_name(command, step).is_some().then_some(step)
}

/// Errors that concern a command as a whole come with step 0. Which they are, the catalog tells: those that commands
/// raise, and the first step does not.
fn is_about_command(error: &ActionError, step: usize, command: &model::Command) -> bool {
    let (Some(entry), Some(name)) = (error.error_code.entry(), step_name(command, step)) else { return false };
    step == 0 && entry.raised_by.contains(&"command") && !entry.raised_by.contains(&name)
}

/// The name of a step as the catalog has it.
fn step_name(command: &model::Command, step: usize) -> Option<&'static str> {
    match command {
        model::Command::User(command) => command.do_.get(step).map(user_step_name),
        model::Command::Group(command) => command.do_.get(step).map(|step| match group_step_name(step) {
            "add" => "addToUserGroup",
            "remove" => "removeFromUserGroup",
            name => name,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use umapi_model::ErrorCode;

    use super::*;
    use crate::command::Command;

    fn commands() -> Vec<model::Command> {
        let command = |user: &str| Command::from(Command::user(user).add_to(["x"]).remove_from(["y"])).to_raw();
        vec![command("a@b.c"), command("d@e.f"), command("g@h.i")]
    }

    fn error(index: u32, step: Option<i64>, code: ErrorCode) -> ActionError {
        let error = ActionError::new(index, code);
        if let Some(step) = step { error.with_step(step) } else { error }
    }

    #[test]
    fn errors_go_to_their_steps_and_to_the_command_where_they_are_about_it() {
        let response = ActionResponse::new(ActionResult::Error).with_not_completed(3).with_errors([
            error(0, Some(1), ErrorCode::GroupNotFound),
            error(1, None, ErrorCode::GroupNotFound),
            error(2, Some(0), ErrorCode::CommandDomainMustBeUsedWithNonemailUsername),
            error(9, Some(0), ErrorCode::GroupNotFound),
        ]);
        let readings = read(&response, &commands());
        assert_eq!(readings[0].steps.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [1]);
        assert_eq!((readings[1].whole.len(), readings[2].whole.len()), (1, 1));
        assert!(readings.iter().all(|reading| !reading.is_doubtful));
    }

    #[test]
    fn steps_may_be_strings() {
        let named = ActionError::new(0, ErrorCode::GroupNotFound).with_step("1");
        let response = ActionResponse::new(ActionResult::Partial).with_errors([named]);
        assert_eq!(read(&response, &commands())[0].steps[0].0, 1);
    }

    #[test]
    fn an_answer_that_counts_more_failures_than_it_names_leaves_the_others_in_doubt() {
        for (response, doubtful) in [
            (ActionResponse::new(ActionResult::Error), [true, true, true]),
            (ActionResponse::new(ActionResult::Partial), [true, true, true]),
            (ActionResponse::new(ActionResult::Success).with_completed(3), [false, false, false]),
            (
                ActionResponse::new(ActionResult::Partial).with_not_completed(2).with_errors([error(
                    1,
                    Some(0),
                    ErrorCode::GroupNotFound,
                )]),
                [true, false, true],
            ),
        ] {
            let found: Vec<_> = read(&response, &commands()).iter().map(|reading| reading.is_doubtful).collect();
            assert_eq!(found, doubtful, "{response:?}");
        }
    }
}
