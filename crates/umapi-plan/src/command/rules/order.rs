//! Which step may stand where.

use umapi_model::{ErrorCode, UserGroupStep, UserStep};

use super::{group_step_name, user_step_name};
use crate::batch::wire::Step;
use crate::command::invalid::{BrokenRule, InvalidCommand};

/// Where a step may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// First, and only once.
    First,
    /// Last, and only once.
    Last,
    Anywhere,
}

/// Where a step of either kind may stand.
pub(crate) fn place_of(step: &Step) -> Place {
    match step {
        Step::User(step) => place_of_user_step(step),
        Step::Group(step) => place_of_group_step(step),
    }
}

fn place_of_user_step(step: &UserStep) -> Place {
    match step {
        UserStep::AddAdobeId(_) | UserStep::CreateEnterpriseId(_) | UserStep::CreateFederatedId(_) => Place::First,
        UserStep::RemoveFromOrg(_) | UserStep::RemoveFromDomain(_) => Place::Last,
        _ => Place::Anywhere,
    }
}

fn place_of_group_step(step: &UserGroupStep) -> Place {
    match step {
        UserGroupStep::CreateUserGroup(_) => Place::First,
        UserGroupStep::DeleteUserGroup(_) => Place::Last,
        _ => Place::Anywhere,
    }
}

pub(super) fn check_user(root: &str, steps: &[UserStep]) -> Result<(), InvalidCommand> {
    let steps = steps.iter().map(|step| (place_of_user_step(step), user_step_name(step)));
    check(root, steps, ErrorCode::CommandRemovefromorgNotLast)
}

pub(super) fn check_group(root: &str, steps: &[UserGroupStep]) -> Result<(), InvalidCommand> {
    let steps = steps.iter().map(|step| (place_of_group_step(step), group_step_name(step)));
    // The service drops what follows a deletion without a word, so it has no code for it.
    check(root, steps, ErrorCode::CommandIllegalEntry)
}

fn check(
    root: &str,
    steps: impl ExactSizeIterator<Item = (Place, &'static str)>,
    not_last: ErrorCode,
) -> Result<(), InvalidCommand> {
    let count = steps.len();
    if count == 0 {
        let (rule, remedy) = ("a command must have at least one step", "say what is to be done");
        return Err(BrokenRule::new(ErrorCode::CommandStepsMalformed, "do", rule, remedy).in_command(root));
    }
    let mut created = false;
    for (index, (place, name)) in steps.enumerate() {
        let broken = match place {
            Place::First if created => BrokenRule::new(
                ErrorCode::CommandCreateMoreThanOne,
                name,
                "a command can create only once",
                "make two commands of it",
            ),
            Place::First if index > 0 => BrokenRule::new(
                ErrorCode::CommandCreateNotFirst,
                name,
                "it must be the first step of a command",
                "put it first, or make two commands of it",
            ),
            Place::Last if index + 1 < count => BrokenRule::new(
                not_last.clone(),
                name,
                "it must be the last step of a command, and the only one of its kind",
                "put it last, or make two commands of it",
            ),
            _ => {
                created |= place == Place::First;
                continue;
            }
        };
        return Err(broken.in_step(root, index, name));
    }
    Ok(())
}
