//! Whether steps undo one another.
//!
//! A wire command whose answer was lost is sent again, and a repetition must do nothing a second time. Of a command that
//! gives and takes the same thing it would: what the first one took at its end, the second would give and take once more.
//! So commands are not joined across such a pair. In a command that the caller wrote so, it stands.

use umapi_model::{
    CreateOption, UserGroupMembers, UserGroupRemoval, UserGroupStep, UserMemberships, UserRemoval, UserStep,
};

use super::unit::Part;
use crate::account::FoldedName;
use crate::command::{Step, StepPosition, position_of};

/// Whether one of the steps after takes what one of those before gives, or the reverse.
pub(super) fn undoes(before: &[Part], after: &[Part]) -> bool {
    let makes_and_unmakes = before.iter().any(|part| position_of(&part.step) == StepPosition::First)
        && after.iter().any(|part| position_of(&part.step) == StepPosition::Last);
    makes_and_unmakes
        || before.iter().any(|one| {
            let one = effect(&one.step);
            after.iter().any(|other| one.is_opposite_of(&effect(&other.step)))
        })
}

/// What a step does that another one may undo.
enum Effect<'a> {
    None,
    /// Names, or a description: the last one who writes has the word.
    Writes,
    Gives(Vec<&'a [String]>),
    Takes(Vec<&'a [String]>),
    TakesAll,
}

impl Effect<'_> {
    fn is_opposite_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Gives(given), Self::Takes(taken)) | (Self::Takes(taken), Self::Gives(given)) => {
                // Lists with names of the same things stand side by side.
                given.iter().flat_map(|names| names.iter()).any(|given| {
                    taken
                        .iter()
                        .flat_map(|names| names.iter())
                        .any(|taken| FoldedName::user(given) == FoldedName::user(taken))
                })
            }
            (Self::Gives(_), Self::TakesAll) | (Self::TakesAll, Self::Gives(_)) | (Self::Writes, Self::Writes) => true,
            _ => false,
        }
    }
}

fn effect(step: &Step) -> Effect<'_> {
    match step {
        Step::User(UserStep::Add(lists)) => Effect::Gives(of_user(lists)),
        Step::User(UserStep::Remove(UserRemoval::These(lists))) => Effect::Takes(of_user(lists)),
        Step::User(UserStep::AddRoles(lists)) => Effect::Gives(vec![&lists.admin, &lists.product_admin]),
        Step::User(UserStep::RemoveRoles(lists)) => Effect::Takes(vec![&lists.admin, &lists.product_admin]),
        Step::Group(UserGroupStep::Add(lists)) => Effect::Gives(of_group(lists)),
        Step::Group(UserGroupStep::Remove(UserGroupRemoval::These(lists))) => Effect::Takes(of_group(lists)),
        Step::User(UserStep::Remove(_)) | Step::Group(UserGroupStep::Remove(_)) => Effect::TakesAll,
        Step::User(UserStep::Update(_)) | Step::Group(UserGroupStep::UpdateUserGroup(_)) => Effect::Writes,
        step if create_option(step) == Some(&CreateOption::UpdateIfAlreadyExists) => Effect::Writes,
        _ => Effect::None,
    }
}

fn create_option(step: &Step) -> Option<&CreateOption> {
    match step {
        Step::User(UserStep::AddAdobeId(new)) => new.option.as_ref(),
        Step::User(UserStep::CreateEnterpriseId(new)) => new.option.as_ref(),
        Step::User(UserStep::CreateFederatedId(new)) => new.option.as_ref(),
        Step::Group(UserGroupStep::CreateUserGroup(new)) => new.option.as_ref(),
        _ => None,
    }
}

fn of_user(lists: &UserMemberships) -> Vec<&[String]> {
    vec![&lists.group, &lists.product, &lists.product_configuration, &lists.usergroup]
}

fn of_group(lists: &UserGroupMembers) -> Vec<&[String]> {
    vec![&lists.user, &lists.users, &lists.product_configuration, &lists.product]
}

#[cfg(test)]
mod tests {
    use umapi_model::UserUpdate;

    use super::*;
    use crate::command::{Command, NewGroup, NewUser, UserCommand, take_steps};

    fn parts(command: &Command) -> Vec<Part> {
        take_steps(&mut command.to_raw())
            .into_iter()
            .zip(0..)
            .map(|(step, index)| Part::new(step, 0, index, None))
            .collect()
    }

    fn is_undone(one: impl Into<Command>, other: impl Into<Command>) -> bool {
        undoes(&parts(&one.into()), &parts(&other.into()))
    }

    fn user() -> UserCommand {
        Command::user("a@b.c")
    }

    #[test]
    fn adding_and_removing_the_same_undoes_in_either_order() {
        let user: [(UserCommand, UserCommand, bool); 6] = [
            (user().add_to(["x", "y"]), user().remove_from(["z", "Y"]), true),
            (user().add_to(["x"]), user().remove_from(["y"]), false),
            (user().add_to(["x"]), user().add_to(["x"]), false),
            (user().add_to(["x"]), user().remove_all(), true),
            (user().remove_all(), user().remove_from(["x"]), false),
            (user().add_admin_roles(["x"]), user().remove_admin_roles(["x"]), true),
        ];
        let group = || Command::group("g");
        let groups = [
            (group().add_users(["a@b.c"]), group().remove_users(["A@b.c"]), true),
            (group().add_profiles(["p"]), group().remove_users(["p@b.c"]), false),
        ];
        let user = user.map(|(one, other, expected)| (Command::from(one), Command::from(other), expected));
        let groups = groups.map(|(one, other, expected)| (Command::from(one), Command::from(other), expected));
        for (one, other, expected) in user.into_iter().chain(groups) {
            assert_eq!(is_undone(one.clone(), other.clone()), expected, "{one:?} {other:?}");
            assert_eq!(is_undone(other.clone(), one.clone()), expected, "{other:?} {one:?}");
        }
    }

    #[test]
    fn two_updates_of_the_names_undo_each_other() {
        let create = || NewUser::federated("a@b.c", "A", "B", "US");
        let update = || user().update(UserUpdate::default().with_firstname("C"));
        assert!(is_undone(create().update_if_exists(), update()));
        assert!(is_undone(update(), update()));
        assert!(!is_undone(create().ignore_if_exists(), update()));
    }

    #[test]
    fn a_removal_undoes_a_creation() {
        assert!(is_undone(NewUser::federated("a@b.c", "A", "B", "US"), user().remove_from_org()));
        assert!(!is_undone(user().add_to(["x"]), user().remove_from_org()));
        assert!(is_undone(NewGroup::new("g"), Command::group("g").delete()));
    }
}
