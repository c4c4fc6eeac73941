//! What a response means for each command of its request.
//!
//! A command counts as completed only if the response proves it: its result, its counts and every one of its errors must
//! agree with what was sent. Otherwise the outcome is unknown, with what disagrees.

use std::fmt;

use serde::{Deserialize, Serialize};
use umapi_model::{
    self as model, ActionError, ActionResponse, ActionWarning, ErrorCode, ExhaustiveActionResult, ExhaustiveCommand,
    ExhaustiveUserGroupStep, IntegerOrString, UserGroupStep, UserStep,
};

use super::unit::Part;
use crate::{
    account::FoldedName,
    command::{Step, root_of},
};

/// What a response says about one command.
#[derive(Debug, Default)]
pub(crate) struct Reading<'a> {
    /// Errors of the command as a whole.
    pub(crate) whole: Vec<&'a ActionError>,
    /// Errors of steps.
    pub(crate) steps: Vec<(usize, &'a ActionError)>,
    pub(crate) warnings: Vec<(Option<usize>, &'a ActionWarning)>,
    /// What disagrees, if the response proves nothing about this command.
    pub(crate) disagreement: Option<Disagreement>,
}

/// What in a response disagrees with itself or with the request.
///
/// In JSON its `kind` is `result`, `counts`, `failures`, `place` or `name`.
///
/// ```
/// use umapi_plan::{Command, CommandOutcome, Disagreement, Outcome, UnknownReason};
///
/// /// Whether a support case is due: the service contradicted itself.
/// fn is_odd(outcome: &CommandOutcome) -> bool {
///     matches!(outcome.outcome(), Outcome::Unknown { why: UnknownReason::Contradiction(_) })
/// }
///
/// let odd = Disagreement::Failures { counted: 2, named: 1 };
/// assert!(is_odd(&CommandOutcome::unknown(Command::user("ann@example.com").remove_all(), odd)));
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Disagreement {
    /// The result is none of `success`, `partial` and `error`.
    Result {
        /// The result.
        result: String,
        /// The message of the response.
        message: Option<String>,
    },
    /// The counts do not fit the number of commands, the result, or the mode.
    Counts {
        /// The number of commands that were sent.
        sent: usize,
        /// The result.
        result: String,
        /// The count of completed commands.
        completed: u32,
        /// The count of commands that are not completed.
        not_completed: u32,
        /// The count of commands that would be completed outside of test mode.
        completed_in_test_mode: u32,
    },
    /// More or fewer commands have errors than are counted as not completed.
    Failures {
        /// The count of commands that are not completed.
        counted: usize,
        /// The number of commands with errors.
        named: usize,
    },
    /// An error is about a command or a step that was not sent.
    Place {
        /// The index of the command in the error, counted from 0.
        index: u32,
        /// The step in the error, counted from 0. It may be any text.
        step: Option<String>,
        /// The user or user group of the command. `None` if there is no such command.
        root: Option<String>,
        /// The number of commands that were sent, or of steps of the command if there is one.
        sent: usize,
        /// The code of the error.
        code: ErrorCode,
    },
    /// An error names another user, user group or `requestID` than the command that it points at.
    Name {
        /// The name in the error.
        named: String,
        /// The name in the command. `None` if it has none.
        sent: Option<String>,
        /// The code of the error.
        code: ErrorCode,
    },
}

/// A command of a request, as far as its response is compared with it.
pub(crate) trait SentCommand {
    /// The user or user group.
    fn root(&self) -> &str;
    fn request_id(&self) -> Option<&str>;
    /// The number of steps.
    fn steps(&self) -> usize;
    /// The name of a step in the catalog.
    fn step_name(&self, step: usize) -> Option<&'static str>;
}

/// Reads the response to a request of these commands.
pub(crate) fn read<'a>(
    response: &'a ActionResponse,
    commands: &[impl SentCommand],
    test_mode: bool,
) -> Vec<Reading<'a>> {
    let mut readings: Vec<Reading<'a>> = commands.iter().map(|_| Reading::default()).collect();
    let mut disagreement = check_counts(response, commands.len(), test_mode);
    for error in &response.errors {
        let index = error.index as usize;
        let (Some(reading), Some(command)) = (readings.get_mut(index), commands.get(index)) else {
            disagreement.get_or_insert(misplaced(error, None, commands.len()));
            continue;
        };
        if let Some(bad) = check_error(error, command) {
            reading.disagreement = Some(bad.clone());
            disagreement.get_or_insert(bad);
            continue;
        }
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
    let named = readings.iter().filter(|reading| reading.is_rejected()).count();
    let counted = match response.result.exhaustive() {
        ExhaustiveActionResult::Error => commands.len(),
        ExhaustiveActionResult::Partial => (response.not_completed as usize).max(1),
        ExhaustiveActionResult::Success | ExhaustiveActionResult::Other(_) => response.not_completed as usize,
    };
    if counted != named {
        disagreement.get_or_insert(Disagreement::Failures { counted, named });
    }
    if let Some(disagreement) = disagreement {
        // Errors stand if the response counts as many failures. They say nothing about the other commands.
        let errors_stand = named <= counted;
        for reading in &mut readings {
            if !(errors_stand && reading.is_rejected()) {
                reading.disagreement.get_or_insert_with(|| disagreement.clone());
            }
        }
    }
    readings
}

/// Checks that result and counts agree with each other and with the number of commands.
fn check_counts(response: &ActionResponse, sent: usize, test_mode: bool) -> Option<Disagreement> {
    let ActionResponse { result, completed, not_completed, completed_in_test_mode, .. } = response;
    let (done, other_mode) =
        if test_mode { (completed_in_test_mode, completed) } else { (completed, completed_in_test_mode) };
    let (done, failed) = (*done as usize, *not_completed as usize);
    let fits = match result.exhaustive() {
        ExhaustiveActionResult::Success => done == sent && failed == 0,
        ExhaustiveActionResult::Partial => done > 0 && failed > 0,
        ExhaustiveActionResult::Error => done == 0,
        ExhaustiveActionResult::Other(other) => {
            let message = response.extra.get("message").and_then(|message| message.as_str());
            return Some(Disagreement::Result { result: other.to_string(), message: message.map(str::to_owned) });
        }
    };
    (!fits || done + failed != sent || *other_mode != 0).then(|| Disagreement::Counts {
        sent,
        result: result.to_string(),
        completed: *completed,
        not_completed: *not_completed,
        completed_in_test_mode: *completed_in_test_mode,
    })
}

/// Checks that an error agrees with the command that it points at.
fn check_error(error: &ActionError, command: &impl SentCommand) -> Option<Disagreement> {
    if error.step.is_some() && step_of(error.step.as_ref(), command).is_none() {
        return Some(misplaced(error, Some(command.root()), command.steps()));
    }
    let root = command.root();
    if let Some(user) = error.user.as_deref().filter(|user| !user.is_empty())
        && !FoldedName::is_same_user(user, root)
    {
        let code = error.error_code.clone();
        return Some(Disagreement::Name { named: user.to_owned(), sent: Some(root.to_owned()), code });
    }
    let sent = command.request_id();
    match error.request_id.as_deref().filter(|id| !id.is_empty()) {
        Some(id) if Some(id) != sent => Some(Disagreement::Name {
            named: id.to_owned(),
            sent: sent.map(str::to_owned),
            code: error.error_code.clone(),
        }),
        _ => None,
    }
}

fn misplaced(error: &ActionError, root: Option<&str>, sent: usize) -> Disagreement {
    let (step, root) = (error.step.as_ref().map(ToString::to_string), root.map(str::to_owned));
    Disagreement::Place { index: error.index, step, root, sent, code: error.error_code.clone() }
}

impl Reading<'_> {
    fn is_rejected(&self) -> bool {
        !self.whole.is_empty() || !self.steps.is_empty()
    }
}

fn step_of(step: Option<&IntegerOrString>, command: &impl SentCommand) -> Option<usize> {
    let step = usize::try_from(step?.as_i64()?).ok()?;
    command.step_name(step).is_some().then_some(step)
}

/// Errors of a command as a whole have step 0. The catalog tells which they are: those that commands raise and the first
/// step does not.
fn is_about_command(error: &ActionError, step: usize, command: &impl SentCommand) -> bool {
    let (Some(entry), Some(name)) = (error.error_code.entry(), command.step_name(step)) else { return false };
    step == 0 && entry.raised_by.contains(&"command") && !entry.raised_by.contains(&name)
}

impl SentCommand for model::Command {
    fn root(&self) -> &str {
        root_of(self)
    }

    fn request_id(&self) -> Option<&str> {
        request_id_of(self)
    }

    fn steps(&self) -> usize {
        match self {
            Self::User(command) => command.do_.len(),
            Self::Group(command) => command.do_.len(),
            _ => 0,
        }
    }

    fn step_name(&self, step: usize) -> Option<&'static str> {
        match self.exhaustive() {
            ExhaustiveCommand::User(command) => command.do_.get(step).map(UserStep::name),
            ExhaustiveCommand::Group(command) => command.do_.get(step).map(catalog_name),
        }
    }
}

/// Some parts of a unit, as one command.
pub(super) struct SentParts<'a> {
    /// The command without its steps.
    pub(super) head: &'a model::Command,
    pub(super) parts: &'a [Part],
}

impl SentCommand for SentParts<'_> {
    fn root(&self) -> &str {
        root_of(self.head)
    }

    fn request_id(&self) -> Option<&str> {
        request_id_of(self.head)
    }

    fn steps(&self) -> usize {
        self.parts.len()
    }

    fn step_name(&self, step: usize) -> Option<&'static str> {
        self.parts.get(step).map(|part| match &*part.step {
            Step::User(step) => step.name(),
            Step::Group(step) => catalog_name(step),
        })
    }
}

pub(super) fn request_id_of(command: &model::Command) -> Option<&str> {
    match command.exhaustive() {
        ExhaustiveCommand::User(command) => command.request_id.as_deref(),
        ExhaustiveCommand::Group(command) => command.request_id.as_deref(),
    }
}

/// The name of a step on a user group in the catalog.
fn catalog_name(step: &UserGroupStep) -> &'static str {
    match step.exhaustive() {
        ExhaustiveUserGroupStep::Add(_) => "addToUserGroup",
        ExhaustiveUserGroupStep::Remove(_) => "removeFromUserGroup",
        ExhaustiveUserGroupStep::CreateUserGroup(_)
        | ExhaustiveUserGroupStep::UpdateUserGroup(_)
        | ExhaustiveUserGroupStep::DeleteUserGroup(_) => step.name(),
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Result { result, message: None } => write!(f, "its result is \"{result}\""),
            Self::Result { result, message: Some(message) } => write!(f, "its result is \"{result}\": {message}"),
            Self::Counts { sent, result, completed, not_completed, completed_in_test_mode } => write!(
                f,
                "for {sent} commands it says \"{result}\", with {completed} completed, {not_completed} not completed and \
                 {completed_in_test_mode} completed in test mode"
            ),
            Self::Failures { counted, named } => {
                write!(f, "it counts {counted} commands as not completed, and has errors for {named}")
            }
            Self::Place { step, root: Some(root), sent, code, .. } => {
                write!(f, "its error {code} is about ")?;
                // People count from 1.
                match step.as_deref().map(|step| step.parse::<u32>().map_err(|_| step)) {
                    Some(Ok(step)) => write!(f, "step {}", u64::from(step) + 1)?,
                    Some(Err(step)) => write!(f, "a step {step:?}")?,
                    None => f.write_str("a step")?,
                }
                write!(f, " of the command for {root:?}, of which {sent} steps were sent")
            }
            Self::Place { index, root: None, sent, code, .. } => {
                write!(f, "its error {code} is about command {} of a request of {sent}", u64::from(*index) + 1)
            }
            Self::Name { named, sent: Some(sent), code } => {
                write!(f, "its error {code} names \"{named}\", and points at the command for \"{sent}\"")
            }
            Self::Name { named, sent: None, code } => {
                write!(f, "its error {code} names the request id \"{named}\", and points at a command without one")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use umapi_model::{ActionResult, ErrorCode};

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

    fn not_found(index: u32) -> ActionError {
        error(index, Some(0), ErrorCode::GroupNotFound)
    }

    fn response(result: ActionResult, completed: u32, errors: Vec<ActionError>) -> ActionResponse {
        ActionResponse::new(result).with_completed(completed).with_not_completed(3 - completed).with_errors(errors)
    }

    /// The outcome of each command: `c`ompleted, `r`ejected or `u`nknown.
    fn outcomes(response: &ActionResponse, commands: &[model::Command], test_mode: bool) -> String {
        let outcome = |reading: &Reading<'_>| match reading {
            reading if reading.disagreement.is_some() => 'u',
            reading if reading.is_rejected() => 'r',
            _ => 'c',
        };
        read(response, commands, test_mode).iter().map(outcome).collect()
    }

    #[test]
    fn errors_go_to_their_steps_or_to_the_command() {
        let response = response(
            ActionResult::Error,
            0,
            vec![
                error(0, Some(1), ErrorCode::GroupNotFound),
                error(1, None, ErrorCode::GroupNotFound),
                error(2, Some(0), ErrorCode::CommandDomainMustBeUsedWithNonemailUsername),
            ],
        );
        let commands = commands();
        let readings = read(&response, &commands, false);
        assert_eq!(readings[0].steps.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [1]);
        assert_eq!((readings[1].whole.len(), readings[2].whole.len()), (1, 1));
        assert_eq!(outcomes(&response, &commands, false), "rrr");
    }

    #[test]
    fn steps_may_be_strings() {
        let named = ActionError::new(0, ErrorCode::GroupNotFound).with_step("1");
        let response = response(ActionResult::Partial, 2, vec![named]);
        assert_eq!(read(&response, &commands(), false)[0].steps[0].0, 1);
        assert_eq!(outcomes(&response, &commands(), false), "rcc");
    }

    #[test]
    fn completed_needs_proof() {
        use ActionResult::{Error, Partial, Success};
        let partial = |errors| response(Partial, 2, errors);
        for (case, response, expected) in [
            ("all completed", response(Success, 3, vec![]), "ccc"),
            ("one rejected", partial(vec![not_found(1)]), "crc"),
            ("an unknown result", response("error.internal.exceptionflys".into(), 3, vec![]), "uuu"),
            ("success without counts", ActionResponse::new(Success), "uuu"),
            ("success with one of three", response(Success, 1, vec![]), "uuu"),
            ("completed in test mode only", ActionResponse::new(Success).with_completed_in_test_mode(3), "uuu"),
            ("success with an error", response(Success, 3, vec![not_found(1)]), "uuu"),
            ("an index out of range", partial(vec![not_found(9)]), "uuu"),
            ("a step out of range", partial(vec![error(1, Some(7), ErrorCode::GroupNotFound)]), "uuu"),
            ("another user", partial(vec![not_found(1).with_user("x@y.z")]), "uuu"),
            ("the same user in capitals", partial(vec![not_found(1).with_user("D@E.F")]), "crc"),
            ("another request id", partial(vec![not_found(1).with_request_id("r9")]), "uuu"),
            ("fewer errors than failures", response(Partial, 1, vec![not_found(1)]), "uru"),
            ("more errors than failures", partial(vec![not_found(0), not_found(1)]), "uuu"),
            ("an error without errors", response(Error, 0, vec![]), "uuu"),
            ("a partial success without errors", partial(vec![]), "uuu"),
            ("an error with completed commands", response(Error, 1, vec![not_found(0), not_found(1)]), "rru"),
        ] {
            assert_eq!(outcomes(&response, &commands(), false), expected, "{case}");
        }
        let tried = ActionResponse::new(Success).with_completed_in_test_mode(3);
        assert_eq!(outcomes(&tried, &commands(), true), "ccc");
        assert_eq!(outcomes(&response(Success, 3, vec![]), &commands(), true), "uuu");
    }

    /// Responses of the shared cases: what contradicts itself, and what does not.
    #[test]
    fn contradictory_responses_complete_nothing() {
        for line in include_str!("contradictory.ndjson").lines() {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            let sent = case["sent"].as_u64().unwrap();
            let command = |i| Command::from(Command::user(format!("u{i}@example.com")).add_to(["x"])).to_raw();
            let commands: Vec<_> = (0..sent).map(command).collect();
            let response: ActionResponse = serde_json::from_value(case["answer"].clone()).unwrap();
            let expected: String =
                case["expect"].as_array().unwrap().iter().map(|word| &word.as_str().unwrap()[..1]).collect();
            assert_eq!(outcomes(&response, &commands, false), expected, "{line}");
        }
    }

    #[test]
    fn a_disagreement_names_what_disagrees() {
        let json = r#"{"result":"error.internal.exceptionflys","message":"boom"}"#;
        let response: ActionResponse = serde_json::from_str(json).unwrap();
        let text = read(&response, &commands(), false)[0].disagreement.clone().unwrap().to_string();
        assert!(text.contains("error.internal.exceptionflys") && text.contains("boom"), "{text}");
    }

    /// A response that agrees with itself: the commands with errors, of `count`.
    fn consistent(count: usize, rejected: &[bool], test_mode: bool) -> ActionResponse {
        let errors: Vec<ActionError> = (0..count).filter(|i| rejected[*i]).map(|i| not_found(i as u32)).collect();
        let (failed, done) = (errors.len() as u32, (count - errors.len()) as u32);
        let result = match (failed, done) {
            (0, _) => ActionResult::Success,
            (_, 0) => ActionResult::Error,
            _ => ActionResult::Partial,
        };
        let response = ActionResponse::new(result).with_not_completed(failed).with_errors(errors);
        if test_mode { response.with_completed_in_test_mode(done) } else { response.with_completed(done) }
    }

    fn mutate(response: &mut ActionResponse, kind: u8, at: usize, number: u32) {
        let at = at % response.errors.len().max(1);
        match kind {
            0 => response.result = ["success", "partial", "error", "failure"][number as usize % 4].into(),
            1 => response.completed = number,
            2 => response.not_completed = number,
            3 => response.completed_in_test_mode = number,
            4 if at < response.errors.len() => drop(response.errors.remove(at)),
            5 if at < response.errors.len() => response.errors[at].index = number,
            6 if at < response.errors.len() => response.errors[at].step = Some(i64::from(number).into()),
            7 if at < response.errors.len() => response.errors[at].user = Some(format!("u{number}@b.c")),
            8 if at < response.errors.len() => response.errors[at].request_id = Some(number.to_string()),
            _ => response.errors.push(not_found(number)),
        }
    }

    proptest! {
        #[test]
        fn no_mutation_completes_more_than_the_response_proves(
            count in 1..10_usize,
            rejected in prop::collection::vec(any::<bool>(), 10),
            test_mode in any::<bool>(),
            mutations in prop::collection::vec((0..10_u8, 0..10_usize, 0..12_u32), 0..3),
        ) {
            let command = |i| Command::from(Command::user(format!("u{i}@b.c")).add_to(["x"])).to_raw();
            let commands: Vec<_> = (0..count).map(command).collect();
            let mut response = consistent(count, &rejected, test_mode);
            let before = outcomes(&response, &commands, test_mode);
            prop_assert_eq!(before.matches('c').count(), rejected[..count].iter().filter(|is| !**is).count());
            for (kind, at, number) in mutations {
                mutate(&mut response, kind, at, number);
            }
            let after = outcomes(&response, &commands, test_mode);
            let completed = after.matches('c').count();
            let claimed = if test_mode { response.completed_in_test_mode } else { response.completed } as usize;
            prop_assert!(completed == 0 || completed == claimed, "{} of {:?}", after, response);
            let fits = matches!(response.result, ActionResult::Success | ActionResult::Partial);
            prop_assert!(completed == 0 || fits, "{} of {:?}", after, response);
            for (i, outcome) in after.chars().enumerate() {
                let is_named = response.errors.iter().any(|error| error.index as usize == i);
                prop_assert!(outcome != 'c' || !is_named, "{} of {:?}", after, response);
            }
        }
    }
}
