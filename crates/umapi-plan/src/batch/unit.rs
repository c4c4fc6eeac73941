//! A wire command in the making: what is sent to one user or group in one request.

use std::{ops::Range, sync::Arc};

use umapi_model::{
    self as model, CreateOption, ExhaustiveCommandMut, ExhaustiveCreateOption, ExhaustiveUserGroupRemoval,
    ExhaustiveUserGroupStep as OnGroup, ExhaustiveUserRemoval, ExhaustiveUserStep as OnUser, NameKind, StepPosition,
    limits,
};

use super::{
    entities::{EntityId, renames},
    response::{SentParts, request_id_of},
};
use crate::{
    account::FoldedName,
    command::{Step, json_size, with_steps},
};

/// The bytes for the commands of a request: all but the brackets around them.
pub(super) const COMMAND_BYTES: usize = limits::REQUEST_BYTES - 2;

/// A wire step and its owner.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Shared, because a part is copied while its unit changes.
    pub(super) step: Arc<Step>,
    pub(super) bytes: usize,
    /// The number of the caller's command.
    pub(super) owner: usize,
    /// The caller's step.
    pub(super) index: u32,
    /// The range of names in the caller's lists.
    pub(super) names: Option<Range<u32>>,
}

impl Part {
    pub(super) fn new(step: Step, owner: usize, index: u32, names: Option<Range<u32>>) -> Self {
        Self { bytes: step.json_size(), step: Arc::new(step), owner, index, names }
    }
}

/// The state of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It waits for other units.
    Waiting,
    /// It may be sent.
    Ready,
    /// It was sent; so many parts are not settled.
    Sent { unsettled: usize },
}

/// At most ten parts on one root.
#[derive(Debug)]
pub(super) struct Unit {
    /// The command without its steps.
    pub(super) head: Arc<model::Command>,
    pub(super) parts: Vec<Part>,
    /// The size of the command as JSON.
    pub(super) bytes: usize,
    pub(super) root: EntityId,
    /// What it touches, including its root. It is released at the end.
    pub(super) entities: Vec<EntityId>,
    pub(super) predecessors: Vec<usize>,
    pub(super) successors: Vec<usize>,
    /// The number of predecessors that have not ended.
    pub(super) waiting: usize,
    /// The number of units in the longest chain that begins with it.
    pub(super) height: u32,
    pub(super) state: State,
}

impl Unit {
    /// A unit without parts. `bytes` is the size of the head as JSON.
    pub(super) fn new(head: Arc<model::Command>, bytes: usize, root: EntityId) -> Self {
        Self {
            bytes,
            head,
            parts: Vec::new(),
            root,
            entities: Vec::new(),
            predecessors: Vec::new(),
            successors: Vec::new(),
            waiting: 0,
            height: 1,
            state: State::Waiting,
        }
    }

    pub(super) fn is_unsent(&self) -> bool {
        !matches!(self.state, State::Sent { .. })
    }

    pub(super) fn add(&mut self, part: Part) {
        self.bytes += part.bytes + usize::from(!self.parts.is_empty());
        self.parts.push(part);
    }

    /// How many of the parts fit.
    pub(super) fn room_for(&self, parts: &[Part]) -> usize {
        let mut bytes = self.bytes + usize::from(!self.parts.is_empty());
        let fits = |part: &&Part| {
            bytes += part.bytes;
            let fits = bytes <= COMMAND_BYTES;
            bytes += 1;
            fits
        };
        parts.iter().take(limits::STEPS_PER_COMMAND - self.parts.len()).take_while(fits).count()
    }

    /// Whether a command can be joined to this one: the rules of order are kept, both are about the same account, and
    /// neither reverses what the other does.
    pub(super) fn can_be_followed_by(&self, head: &model::Command, parts: &[Part]) -> bool {
        let may_be_followed =
            |part: &Part| part.step.position() != StepPosition::Last && !renames(&self.head, &part.step);
        self.is_unsent()
            && !self.parts.is_empty()
            && parts.first().is_some_and(|part| part.step.position() != StepPosition::First)
            && self.parts.iter().all(may_be_followed)
            && match (&*self.head, head) {
                (model::Command::User(one), model::Command::User(other)) => {
                    one.domain == other.domain
                        && one.use_adobe_id.unwrap_or(false) == other.use_adobe_id.unwrap_or(false)
                }
                (model::Command::Group(_), model::Command::Group(_)) => true,
                _ => false,
            }
            // No more parts of a long command could be joined.
            && !undoes(&self.parts, &parts[..parts.len().min(limits::STEPS_PER_COMMAND)])
    }

    /// Drops the `requestID`: with several commands in the unit it would be wrong for the others.
    pub(super) fn drop_request_id(&mut self) {
        if request_id_of(&self.head).is_none() {
            return;
        }
        match Arc::make_mut(&mut self.head).exhaustive_mut() {
            ExhaustiveCommandMut::User(command) => command.request_id = None,
            ExhaustiveCommandMut::Group(command) => command.request_id = None,
        }
        self.measure();
    }

    fn measure(&mut self) {
        let steps = self.parts.iter().map(|part| part.bytes + 1).sum::<usize>();
        self.bytes = json_size(&*self.head) + steps.saturating_sub(1);
    }

    /// Takes out the parts of one command.
    pub(super) fn take_parts_of(&mut self, owner: usize) -> Vec<Part> {
        let (taken, kept) = self.parts.drain(..).partition(|part| part.owner == owner);
        self.parts = kept;
        self.measure();
        taken
    }

    /// Some of the parts, as they were sent. `None` if the unit does not have them.
    pub(super) fn sent(&self, parts: Range<usize>) -> Option<SentParts<'_>> {
        Some(SentParts { head: &self.head, parts: self.parts.get(parts)? })
    }

    /// The wire command with some of the parts.
    pub(super) fn command(&self, parts: Range<usize>) -> model::Command {
        with_steps(model::Command::clone(&self.head), self.parts[parts].iter().map(|part| Step::clone(&part.step)))
    }
}

/// Whether a step of `after` reverses a step of `before`, or the other way around.
///
/// A wire command whose response was lost is sent again, and a repetition must change nothing a second time. A command that
/// adds and removes the same thing would: what the first one removed at its end, the second one would add and remove once
/// more. So commands are not joined across such a pair. A command that the caller wrote so is sent as it is.
pub(super) fn undoes(before: &[Part], after: &[Part]) -> bool {
    let makes_and_unmakes = before.iter().any(|part| part.step.position() == StepPosition::First)
        && after.iter().any(|part| part.step.position() == StepPosition::Last);
    makes_and_unmakes
        || before.iter().any(|one| {
            let one = effect(&one.step);
            after.iter().any(|other| one.is_opposite_of(&effect(&other.step)))
        })
}

/// What a step does that another one may reverse.
enum Effect<'a> {
    None,
    /// It writes names or a description: the last one wins.
    Writes,
    Adds(Vec<&'a [String]>),
    Removes(Vec<&'a [String]>),
    RemovesAll,
}

impl Effect<'_> {
    fn is_opposite_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Adds(added), Self::Removes(removed)) | (Self::Removes(removed), Self::Adds(added)) => {
                // The lists of both steps are compared as a whole.
                added.iter().flat_map(|names| names.iter()).any(|added| {
                    removed
                        .iter()
                        .flat_map(|names| names.iter())
                        .any(|removed| FoldedName::is_same_user(added, removed))
                })
            }
            (Self::Adds(_), Self::RemovesAll) | (Self::RemovesAll, Self::Adds(_)) | (Self::Writes, Self::Writes) => {
                true
            }
            _ => false,
        }
    }
}

fn effect(step: &Step) -> Effect<'_> {
    match step {
        Step::User(step) => match step.exhaustive() {
            OnUser::AddAdobeId(new) => created(new.option.as_ref()),
            OnUser::CreateEnterpriseId(new) => created(new.option.as_ref()),
            OnUser::CreateFederatedId(new) => created(new.option.as_ref()),
            OnUser::Update(_) => Effect::Writes,
            OnUser::Add(lists) => Effect::Adds(names_of(lists.name_lists())),
            OnUser::Remove(removal) => match removal.exhaustive() {
                ExhaustiveUserRemoval::All(_) => Effect::RemovesAll,
                ExhaustiveUserRemoval::These(lists) => Effect::Removes(names_of(lists.name_lists())),
            },
            OnUser::AddRoles(lists) => Effect::Adds(names_of(lists.name_lists())),
            OnUser::RemoveRoles(lists) => Effect::Removes(names_of(lists.name_lists())),
            // A repetition of these changes nothing; that they undo a creation follows from their position.
            OnUser::RemoveFromOrg(_) | OnUser::RemoveFromDomain(_) | OnUser::ResetPassword(_) => Effect::None,
        },
        Step::Group(step) => match step.exhaustive() {
            OnGroup::CreateUserGroup(new) => created(new.option.as_ref()),
            OnGroup::UpdateUserGroup(_) => Effect::Writes,
            OnGroup::DeleteUserGroup(_) => Effect::None,
            OnGroup::Add(lists) => Effect::Adds(names_of(lists.name_lists())),
            OnGroup::Remove(removal) => match removal.exhaustive() {
                ExhaustiveUserGroupRemoval::All(_) => Effect::RemovesAll,
                ExhaustiveUserGroupRemoval::These(lists) => Effect::Removes(names_of(lists.name_lists())),
            },
        },
    }
}

/// The effect of a create step, which may also write to what exists already.
fn created(option: Option<&CreateOption>) -> Effect<'static> {
    match option.map(CreateOption::exhaustive) {
        Some(ExhaustiveCreateOption::UpdateIfAlreadyExists) => Effect::Writes,
        None | Some(ExhaustiveCreateOption::IgnoreIfAlreadyExists | ExhaustiveCreateOption::Other(_)) => Effect::None,
    }
}

fn names_of<'a, const COUNT: usize>(lists: [(&'static str, NameKind, &'a Vec<String>); COUNT]) -> Vec<&'a [String]> {
    lists.into_iter().map(|(_, _, names)| names.as_slice()).collect()
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
