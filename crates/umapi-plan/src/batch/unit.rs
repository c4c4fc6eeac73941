//! A wire command in the making: what is sent to one user or group in one request.

use std::ops::Range;

use umapi_model::{self as model, limits};

use super::access;
use super::entities::EntityId;
use super::undoing::undoes;
use crate::command::{Step, json_size};
use crate::command::{StepPosition, position_of};

/// Bytes that the commands of a request share: all but the brackets around them.
pub(crate) const COMMAND_BYTES: usize = limits::REQUEST_BYTES - 2;

/// A wire step, and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) step: Step,
    pub(crate) bytes: usize,
    /// The number of the caller's command.
    pub(crate) owner: usize,
    /// The caller's step.
    pub(crate) index: u32,
    /// The names of the caller's lists that it holds.
    pub(crate) names: Option<Range<u32>>,
}

impl Part {
    pub(crate) fn new(step: Step, owner: usize, index: u32, names: Option<Range<u32>>) -> Self {
        Self { bytes: step.json_size(), step, owner, index, names }
    }
}

/// Where a unit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// For units before it.
    Waiting,
    /// To be sent.
    Ready,
    /// Sent; so many parts are not settled.
    Sent { unsettled: usize },
}

/// At most ten parts on one root.
#[derive(Debug)]
pub(crate) struct Unit {
    /// The command without its steps.
    pub(crate) head: model::Command,
    pub(crate) parts: Vec<Part>,
    /// Size of the command as JSON.
    pub(crate) bytes: usize,
    pub(crate) root: EntityId,
    /// What it touches, its root among them. To be released at its end.
    pub(crate) things: Vec<EntityId>,
    pub(crate) predecessors: Vec<usize>,
    pub(crate) successors: Vec<usize>,
    /// Predecessors that have not ended.
    pub(crate) waiting: usize,
    /// Units in the longest chain that begins with it.
    pub(crate) height: u32,
    pub(crate) state: State,
}

impl Unit {
    pub(crate) fn new(head: model::Command, root: EntityId) -> Self {
        Self {
            bytes: json_size(&head),
            head,
            parts: Vec::new(),
            root,
            things: Vec::new(),
            predecessors: Vec::new(),
            successors: Vec::new(),
            waiting: 0,
            height: 1,
            state: State::Waiting,
        }
    }

    pub(crate) fn is_unsent(&self) -> bool {
        !matches!(self.state, State::Sent { .. })
    }

    pub(crate) fn add(&mut self, part: Part) {
        self.bytes += part.bytes + usize::from(!self.parts.is_empty());
        self.parts.push(part);
    }

    /// How many of the parts have room.
    pub(crate) fn room_for(&self, parts: &[Part]) -> usize {
        let mut bytes = self.bytes + usize::from(!self.parts.is_empty());
        let fits = |part: &&Part| {
            bytes += part.bytes;
            let fits = bytes <= COMMAND_BYTES;
            bytes += 1;
            fits
        };
        parts.iter().take(limits::STEPS_PER_COMMAND - self.parts.len()).take_while(fits).count()
    }

    /// Whether a command may go on where this one ends: the rules of order are kept, both are about the same account, and
    /// neither undoes what the other does.
    pub(crate) fn can_be_followed_by(&self, head: &model::Command, parts: &[Part]) -> bool {
        let may_be_followed =
            |part: &Part| position_of(&part.step) != StepPosition::Last && !access::renames(&self.head, &part.step);
        self.is_unsent()
            && !self.parts.is_empty()
            && parts.first().is_some_and(|part| position_of(&part.step) != StepPosition::First)
            && self.parts.iter().all(may_be_followed)
            && match (&self.head, head) {
                (model::Command::User(one), model::Command::User(other)) => {
                    one.domain == other.domain
                        && one.use_adobe_id.unwrap_or(false) == other.use_adobe_id.unwrap_or(false)
                }
                (model::Command::Group(_), model::Command::Group(_)) => true,
                _ => false,
            }
            // Of a long command no more than these could be joined.
            && !undoes(&self.parts, &parts[..parts.len().min(limits::STEPS_PER_COMMAND)])
    }

    /// It is several commands now: the `requestID` of one would be wrong for the others.
    pub(crate) fn drop_request_id(&mut self) {
        let id = match &mut self.head {
            model::Command::User(command) => command.request_id.take(),
            model::Command::Group(command) => command.request_id.take(),
            _ => None,
        };
        if id.is_some() {
            self.measure();
        }
    }

    fn measure(&mut self) {
        let steps = self.parts.iter().map(|part| part.bytes + 1).sum::<usize>();
        self.bytes = json_size(&self.head) + steps.saturating_sub(1);
    }

    /// Takes out what belongs to one command.
    pub(crate) fn take_parts_of(&mut self, owner: usize) -> Vec<Part> {
        let (taken, kept) = self.parts.drain(..).partition(|part| part.owner == owner);
        self.parts = kept;
        self.measure();
        taken
    }

    /// The wire command of some of the parts.
    pub(crate) fn command(&self, parts: Range<usize>) -> model::Command {
        crate::command::with_steps(self.head.clone(), self.parts[parts].iter().map(|part| part.step.clone()))
    }
}
