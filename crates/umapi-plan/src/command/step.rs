//! Steps of commands: their names, their sizes, and their lists cut to what one step may hold.

use std::{io, ops::Range, vec};

use serde::Serialize;
use umapi_model::{
    self as model, RoleLists, UserGroupMembers, UserGroupRemoval, UserGroupStep, UserMemberships, UserRemoval, UserStep,
};

/// A step of a command of either kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    User(UserStep),
    Group(UserGroupStep),
}

/// The name of a step on a user in the service's JSON.
pub(crate) fn user_step_name(step: &UserStep) -> &'static str {
    match step {
        UserStep::AddAdobeId(_) => "addAdobeID",
        UserStep::CreateEnterpriseId(_) => "createEnterpriseID",
        UserStep::CreateFederatedId(_) => "createFederatedID",
        UserStep::Update(_) => "update",
        UserStep::Add(_) => "add",
        UserStep::Remove(_) => "remove",
        UserStep::AddRoles(_) => "addRoles",
        UserStep::RemoveRoles(_) => "removeRoles",
        UserStep::RemoveFromOrg(_) => "removeFromOrg",
        UserStep::RemoveFromDomain(_) => "removeFromDomain",
        UserStep::ResetPassword(_) => "resetPassword",
        _ => "step",
    }
}

/// The name of a step on a user group in the service's JSON.
pub(crate) fn group_step_name(step: &UserGroupStep) -> &'static str {
    match step {
        UserGroupStep::CreateUserGroup(_) => "createUserGroup",
        UserGroupStep::UpdateUserGroup(_) => "updateUserGroup",
        UserGroupStep::DeleteUserGroup(_) => "deleteUserGroup",
        UserGroupStep::Add(_) => "add",
        UserGroupStep::Remove(_) => "remove",
        _ => "step",
    }
}

/// Takes the steps out of a command.
pub(crate) fn take_steps(command: &mut model::Command) -> Vec<Step> {
    match command {
        model::Command::User(command) => std::mem::take(&mut command.do_).into_iter().map(Step::User).collect(),
        model::Command::Group(command) => std::mem::take(&mut command.do_).into_iter().map(Step::Group).collect(),
        _ => Vec::new(),
    }
}

/// Appends steps to a command.
pub(crate) fn with_steps(mut head: model::Command, steps: impl IntoIterator<Item = Step>) -> model::Command {
    let steps = steps.into_iter();
    match &mut head {
        model::Command::User(command) => command.do_.reserve_exact(steps.size_hint().0),
        model::Command::Group(command) => command.do_.reserve_exact(steps.size_hint().0),
        _ => {}
    }
    for step in steps {
        match (&mut head, step) {
            (model::Command::User(command), Step::User(step)) => command.do_.push(step),
            (model::Command::Group(command), Step::Group(step)) => command.do_.push(step),
            _ => {}
        }
    }
    head
}

/// The size of a value as JSON, in bytes.
pub(crate) fn json_size(value: &impl Serialize) -> usize {
    struct Counter(usize);
    impl io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    // What cannot be serialized cannot be sent either.
    if serde_json::to_writer(&mut counter, value).is_err() { usize::MAX / 4 } else { counter.0 }
}

impl Step {
    /// Its name in the service's JSON.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::User(step) => user_step_name(step),
            Self::Group(step) => group_step_name(step),
        }
    }

    pub(crate) fn json_size(&self) -> usize {
        match self {
            Self::User(step) => json_size(step),
            Self::Group(step) => json_size(step),
        }
    }

    /// Splits the step so that each list holds at most `limit` names. With each part comes its range of names; `None` for
    /// steps without lists. The lists of one step are cut side by side.
    pub(crate) fn split(self, limit: usize) -> Vec<(Self, Option<Range<u32>>)> {
        match self {
            Self::User(UserStep::Add(lists)) => cut(lists, limit, |lists| Self::User(UserStep::Add(lists))),
            Self::User(UserStep::Remove(UserRemoval::These(lists))) => {
                cut(lists, limit, |lists| Self::User(UserStep::Remove(UserRemoval::These(lists))))
            }
            Self::User(UserStep::AddRoles(lists)) => cut(lists, limit, |lists| Self::User(UserStep::AddRoles(lists))),
            Self::User(UserStep::RemoveRoles(lists)) => {
                cut(lists, limit, |lists| Self::User(UserStep::RemoveRoles(lists)))
            }
            Self::Group(UserGroupStep::Add(lists)) => cut(lists, limit, |lists| Self::Group(UserGroupStep::Add(lists))),
            Self::Group(UserGroupStep::Remove(UserGroupRemoval::These(lists))) => {
                cut(lists, limit, |lists| Self::Group(UserGroupStep::Remove(UserGroupRemoval::These(lists))))
            }
            step => vec![(step, None)],
        }
    }

    /// Reverses [`split`](Self::split): appends the names of `next`, the part after `self`.
    pub(crate) fn join(&mut self, next: Self) {
        match (self, next) {
            (Self::User(UserStep::Add(lists)), Self::User(UserStep::Add(more)))
            | (
                Self::User(UserStep::Remove(UserRemoval::These(lists))),
                Self::User(UserStep::Remove(UserRemoval::These(more))),
            ) => append(lists, more),
            (Self::User(UserStep::AddRoles(lists)), Self::User(UserStep::AddRoles(more)))
            | (Self::User(UserStep::RemoveRoles(lists)), Self::User(UserStep::RemoveRoles(more))) => {
                append(lists, more)
            }
            (Self::Group(UserGroupStep::Add(lists)), Self::Group(UserGroupStep::Add(more)))
            | (
                Self::Group(UserGroupStep::Remove(UserGroupRemoval::These(lists))),
                Self::Group(UserGroupStep::Remove(UserGroupRemoval::These(more))),
            ) => append(lists, more),
            _ => {}
        }
    }
}

/// A step with lists of names.
trait Lists: Default {
    fn each(&mut self, act: impl FnMut(&mut Vec<String>));
}

impl Lists for UserMemberships {
    fn each(&mut self, act: impl FnMut(&mut Vec<String>)) {
        [&mut self.group, &mut self.product, &mut self.product_configuration, &mut self.usergroup]
            .into_iter()
            .for_each(act);
    }
}

impl Lists for RoleLists {
    fn each(&mut self, act: impl FnMut(&mut Vec<String>)) {
        [&mut self.admin, &mut self.product_admin].into_iter().for_each(act);
    }
}

impl Lists for UserGroupMembers {
    fn each(&mut self, act: impl FnMut(&mut Vec<String>)) {
        [&mut self.user, &mut self.product_configuration, &mut self.users, &mut self.product].into_iter().for_each(act);
    }
}

fn cut<L: Lists>(mut lists: L, limit: usize, step: impl Fn(L) -> Step) -> Vec<(Step, Option<Range<u32>>)> {
    let mut longest = 0;
    lists.each(|names| longest = longest.max(names.len()));
    let range = |from: usize| Some(from as u32..longest.min(from + limit) as u32);
    if longest <= limit {
        return vec![(step(lists), range(0))];
    }
    let mut rest: Vec<vec::IntoIter<String>> = Vec::new();
    lists.each(|names| rest.push(std::mem::take(names).into_iter()));
    let chunk = |from| {
        let (mut part, mut lists) = (L::default(), rest.iter_mut());
        part.each(|names| names.extend(lists.next().into_iter().flat_map(|all| all.by_ref().take(limit))));
        (step(part), range(from))
    };
    (0..longest).step_by(limit).map(chunk).collect()
}

fn append<L: Lists>(lists: &mut L, mut more: L) {
    let mut tails = Vec::new();
    more.each(|names| tails.push(std::mem::take(names)));
    let mut tails = tails.into_iter();
    lists.each(|names| names.extend(tails.next().unwrap_or_default()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(users: usize, profiles: usize) -> Step {
        let names = |count, prefix: char| (0..count).map(move |i| format!("{prefix}{i}")).collect::<Vec<_>>();
        let lists = UserGroupMembers::default().with_user(names(users, 'u'));
        Step::Group(UserGroupStep::Add(lists.with_product_configuration(names(profiles, 'p'))))
    }

    #[test]
    fn lists_are_cut_and_joined_again() {
        let whole = add(25, 12);
        let parts = whole.clone().split(10);
        let ranges: Vec<_> = parts.iter().map(|(_, names)| names.clone().unwrap()).collect();
        assert_eq!(ranges, [0..10, 10..20, 20..25]);
        assert_eq!(serde_json::to_string(&parts[2].0.clone().into_group()).unwrap().matches('p').count(), 0);
        let joined = parts.into_iter().map(|(step, _)| step).reduce(|mut all, next| {
            all.join(next);
            all
        });
        assert_eq!(joined, Some(whole));
    }

    #[test]
    fn sizes_match_the_json() {
        let step = add(3, 1);
        let UserGroupStep::Add(lists) = step.clone().into_group() else { unreachable!() };
        assert_eq!(step.json_size(), serde_json::to_string(&UserGroupStep::Add(lists)).unwrap().len());
    }

    impl Step {
        fn into_group(self) -> UserGroupStep {
            match self {
                Self::Group(step) => step,
                Self::User(_) => unreachable!(),
            }
        }
    }
}
