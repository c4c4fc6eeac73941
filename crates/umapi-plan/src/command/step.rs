//! Steps of commands: their names, their sizes, and their lists cut to what one step may hold.

use std::{io, ops::Range, vec};

use serde::Serialize;
use umapi_model::{
    self as model, ExhaustiveCommandMut, ExhaustiveUserGroupRemovalMut, ExhaustiveUserGroupStepMut,
    ExhaustiveUserRemovalMut, ExhaustiveUserStepMut, StepPosition, UserGroupStep, UserStep,
};

/// A step of a command of either kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    User(UserStep),
    Group(UserGroupStep),
}

/// Takes the steps out of a command.
pub(crate) fn take_steps(command: &mut model::Command) -> Vec<Step> {
    match command.exhaustive_mut() {
        ExhaustiveCommandMut::User(command) => std::mem::take(&mut command.do_).into_iter().map(Step::User).collect(),
        ExhaustiveCommandMut::Group(command) => std::mem::take(&mut command.do_).into_iter().map(Step::Group).collect(),
    }
}

/// Appends steps to a command.
pub(crate) fn with_steps(mut head: model::Command, steps: impl IntoIterator<Item = Step>) -> model::Command {
    let steps = steps.into_iter();
    match head.exhaustive_mut() {
        ExhaustiveCommandMut::User(command) => command.do_.reserve_exact(steps.size_hint().0),
        ExhaustiveCommandMut::Group(command) => command.do_.reserve_exact(steps.size_hint().0),
    }
    for step in steps {
        match (head.exhaustive_mut(), step) {
            (ExhaustiveCommandMut::User(command), Step::User(step)) => command.do_.push(step),
            (ExhaustiveCommandMut::Group(command), Step::Group(step)) => command.do_.push(step),
            // A command has steps of its own kind only.
            (ExhaustiveCommandMut::User(_), Step::Group(_)) | (ExhaustiveCommandMut::Group(_), Step::User(_)) => {}
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
            Self::User(step) => step.name(),
            Self::Group(step) => step.name(),
        }
    }

    pub(crate) fn json_size(&self) -> usize {
        match self {
            Self::User(step) => json_size(step),
            Self::Group(step) => json_size(step),
        }
    }

    /// Where in a command it may stand.
    pub(crate) fn position(&self) -> StepPosition {
        match self {
            Self::User(step) => step.position(),
            Self::Group(step) => step.position(),
        }
    }

    /// Splits the step so that each list holds at most `limit` names. With each part comes its range of names; `None` for
    /// steps without lists. The lists of one step are cut side by side.
    pub(crate) fn split(mut self, limit: usize) -> Vec<(Self, Option<Range<u32>>)> {
        let mut longest = None;
        self.each_list(|names| longest = longest.max(Some(names.len())));
        let Some(longest) = longest else { return vec![(self, None)] };
        let range = |from: usize| Some(from as u32..longest.min(from + limit) as u32);
        if longest <= limit {
            return vec![(self, range(0))];
        }
        let mut rest: Vec<vec::IntoIter<String>> = Vec::new();
        self.each_list(|names| rest.push(std::mem::take(names).into_iter()));
        let chunk = |from| {
            let (mut part, mut lists) = (self.clone(), rest.iter_mut());
            part.each_list(|names| names.extend(lists.next().into_iter().flat_map(|all| all.by_ref().take(limit))));
            (part, range(from))
        };
        (0..longest).step_by(limit).map(chunk).collect()
    }

    /// Reverses [`split`](Self::split): appends the names of `next`, the part after `self`.
    pub(crate) fn join(&mut self, mut next: Self) {
        let mut tails = Vec::new();
        next.each_list(|names| tails.push(std::mem::take(names)));
        let mut tails = tails.into_iter();
        self.each_list(|names| names.extend(tails.next().unwrap_or_default()));
    }

    /// The step with only this range of the names of each list.
    pub(crate) fn cut(mut self, range: &Range<usize>) -> Self {
        self.each_list(|names| {
            names.truncate(range.end);
            names.drain(..range.start.min(names.len()));
        });
        self
    }

    /// Calls `act` with each list of names.
    fn each_list(&mut self, act: impl FnMut(&mut Vec<String>)) {
        use ExhaustiveUserGroupStepMut as OnGroup;
        use ExhaustiveUserStepMut as OnUser;
        match self {
            Self::User(step) => match step.exhaustive_mut() {
                OnUser::Add(lists) => lists.name_lists_mut().into_iter().for_each(act),
                OnUser::Remove(removal) => match removal.exhaustive_mut() {
                    ExhaustiveUserRemovalMut::All(_) => {}
                    ExhaustiveUserRemovalMut::These(lists) => lists.name_lists_mut().into_iter().for_each(act),
                },
                OnUser::AddRoles(lists) | OnUser::RemoveRoles(lists) => {
                    lists.name_lists_mut().into_iter().for_each(act);
                }
                OnUser::AddAdobeId(_)
                | OnUser::CreateEnterpriseId(_)
                | OnUser::CreateFederatedId(_)
                | OnUser::Update(_)
                | OnUser::RemoveFromOrg(_)
                | OnUser::RemoveFromDomain(_)
                | OnUser::ResetPassword(_) => {}
            },
            Self::Group(step) => match step.exhaustive_mut() {
                OnGroup::Add(lists) => lists.name_lists_mut().into_iter().for_each(act),
                OnGroup::Remove(removal) => match removal.exhaustive_mut() {
                    ExhaustiveUserGroupRemovalMut::All(_) => {}
                    ExhaustiveUserGroupRemovalMut::These(lists) => lists.name_lists_mut().into_iter().for_each(act),
                },
                OnGroup::CreateUserGroup(_) | OnGroup::UpdateUserGroup(_) | OnGroup::DeleteUserGroup(_) => {}
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use umapi_model::UserGroupMembers;

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
