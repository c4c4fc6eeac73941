//! What a refusal means when the request had been sent before, and nobody knows whether that one was applied.
//!
//! | the step | is refused with | then |
//! | --- | --- | --- |
//! | creates, without an option | exists already, is invited already | the first one did it |
//! | adds users to a group | all of them are in it already | the first one did it |
//! | takes users out of a group | the membership is as it was | the first one did it |
//! | removes the user, deletes the group | there is no such user or group | the first one did it |
//! | anything else of a command that removes, deletes or renames | there is no such user or group | unknown: the first one may have done this step, and then the other |
//! | anything | anything else | refused: it would have been the first time too |

use umapi_model::{ErrorCode, UserGroupStep, UserStep};

use crate::command::Step;
use crate::command::{StepPosition, position_of};

/// What the refusal of a repeated step says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The step was done, by the request whose answer was lost.
    DoneByFirst,
    /// It cannot be told.
    Unknown,
    /// It was refused.
    Refused,
}

/// What the refusal of `step` means, which is one of the `steps` of a command that had been sent before.
pub(crate) fn meaning<'a>(steps: impl Iterator<Item = &'a Step>, step: &Step, code: &ErrorCode) -> Meaning {
    let is_gone = matches!(
        code,
        ErrorCode::UserNotFound
            | ErrorCode::UserNotInOrg
            | ErrorCode::UserNonexistent
            | ErrorCode::UsergroupNotFound
            | ErrorCode::GroupNotFound
    );
    match code {
        ErrorCode::UserAlreadyInOrg | ErrorCode::UserAlreadyInvited if position_of(step) == StepPosition::First => {
            Meaning::DoneByFirst
        }
        ErrorCode::UsergroupAlreadyExists if position_of(step) == StepPosition::First => Meaning::DoneByFirst,
        ErrorCode::UserAlreadyExists if matches!(step, Step::Group(UserGroupStep::Add(_))) => Meaning::DoneByFirst,
        ErrorCode::UsergroupUserListInvalid if matches!(step, Step::Group(UserGroupStep::Remove(_))) => {
            Meaning::DoneByFirst
        }
        _ if is_gone && position_of(step) == StepPosition::Last => Meaning::DoneByFirst,
        _ if is_gone && steps.into_iter().any(takes_the_root_away) => Meaning::Unknown,
        _ => Meaning::Refused,
    }
}

/// Whether there is nobody of the command's root after this step.
fn takes_the_root_away(step: &Step) -> bool {
    match step {
        Step::User(UserStep::Update(fields)) => fields.email.is_some() || fields.username.is_some(),
        Step::Group(UserGroupStep::UpdateUserGroup(fields)) => fields.name.is_some(),
        step => position_of(step) == StepPosition::Last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::take_steps;
    use crate::command::{Command, NewGroup, NewUser};

    fn means(command: Command, step: usize, code: ErrorCode) -> Meaning {
        let steps = take_steps(&mut command.to_raw());
        meaning(steps.iter(), &steps[step], &code)
    }

    #[test]
    fn every_row_of_the_table() {
        let user = || Command::user("a@b.c");
        let group = || Command::group("g");
        let federated = NewUser::federated("a@b.c", "A", "B", "US");
        let adobe = NewUser::adobe_id("a@b.c");
        let rows: [(Command, usize, ErrorCode, Meaning); 11] = [
            (federated.into(), 0, ErrorCode::UserAlreadyInOrg, Meaning::DoneByFirst),
            (adobe.clone().into(), 0, ErrorCode::UserAlreadyInvited, Meaning::DoneByFirst),
            (adobe.into(), 0, ErrorCode::UserDomainEnforcement, Meaning::Refused),
            (NewGroup::new("g").into(), 0, ErrorCode::UsergroupAlreadyExists, Meaning::DoneByFirst),
            (group().add_users(["a@b.c"]).into(), 0, ErrorCode::UserAlreadyExists, Meaning::DoneByFirst),
            (group().remove_users(["a@b.c"]).into(), 0, ErrorCode::UsergroupUserListInvalid, Meaning::DoneByFirst),
            (group().add_users(["a@b.c"]).into(), 0, ErrorCode::UsergroupUserListInvalid, Meaning::Refused),
            (group().delete(), 0, ErrorCode::UsergroupNotFound, Meaning::DoneByFirst),
            (user().remove_from_org_and_delete_account(), 0, ErrorCode::UserNonexistent, Meaning::DoneByFirst),
            (user().remove_all().remove_from_org(), 0, ErrorCode::UserNotInOrg, Meaning::Unknown),
            (user().remove_all().add_to(["x"]).into(), 0, ErrorCode::UserNotInOrg, Meaning::Refused),
        ];
        for (command, step, code, meaning) in rows {
            assert_eq!(means(command.clone(), step, code), meaning, "{command:?}");
        }
    }
}
