//! The units that have not ended, and which of them must wait for which.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use umapi_model::{self as model, limits};

use super::access::{self, Kind, Mode};
use super::entities::{Entities, EntityId};
use super::levels::Levels;
use super::ring::Ring;
use super::unit::{Part, State, Unit};
use crate::account::is_email_type;
use crate::command::root_of;

/// Units by their age, and the order among them.
#[derive(Debug)]
pub(super) struct Graph {
    units: Ring<Unit>,
    things: Entities,
    /// The units that may be sent: those with the longest chain after them first, and of these the oldest.
    ready: BTreeSet<(Reverse<u32>, usize)>,
    /// Heights of the units that are not sent.
    levels: Levels,
    /// Units whose predecessors have not heard of their height.
    fresh: Vec<usize>,
    /// Bytes of JSON of all units.
    bytes: usize,
}

/// The parts of a command that are in no unit yet.
pub(super) type Parts = std::vec::IntoIter<Part>;

/// What parts on one root touch.
struct Touched {
    root: EntityId,
    /// Commands on this are sent one after the other. Not the root if that is a username, which has no meaning without
    /// its domain.
    chain: EntityId,
    kind: Kind,
    things: Vec<(EntityId, Mode)>,
}

/// The units that must end before another.
#[derive(Default)]
struct Before {
    units: Vec<usize>,
    /// Units that use what the other one makes, and that might as well come after it.
    early_users: Vec<usize>,
}

impl Graph {
    pub(super) fn new() -> Self {
        Self {
            units: Ring::new(),
            things: Entities::default(),
            ready: BTreeSet::new(),
            levels: Levels::default(),
            fresh: Vec::new(),
            bytes: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.units.len() == 0
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Units that are not sent and must wait for others.
    pub(super) fn blocked(&self) -> usize {
        self.levels.total() - self.ready.len()
    }

    pub(super) fn levels(&mut self) -> &Levels {
        self.settle_heights();
        &self.levels
    }

    /// Requests that are at least needed for what is not sent, as far as heights are known.
    pub(super) fn lower_bound(&self) -> usize {
        self.levels.lower_bound(limits::COMMANDS_PER_REQUEST)
    }

    pub(super) fn unit(&self, key: usize) -> Option<&Unit> {
        self.units.get(key)
    }

    pub(super) fn keys(&self) -> Vec<usize> {
        self.units.keys().collect()
    }

    /// The units that may be sent now, in the order in which they should be.
    pub(super) fn ready(&mut self) -> impl Iterator<Item = (usize, &Unit)> {
        self.settle_heights();
        self.ready.iter().filter_map(|(_, key)| Some((*key, self.units.get(*key)?)))
    }

    /// Lets the last unsent unit on this root take on the first of the parts: all of them if they fit, as many as fit if
    /// they are too many for any unit, else none. Says which unit, and leaves the rest.
    ///
    /// Never at a price: the unit waits for nothing it did not wait for before, unless nothing waits for it.
    pub(super) fn extend_tail(&mut self, head: &model::Command, parts: &mut Parts) -> Option<usize> {
        let (root, chain) = self.roots(head);
        let key = self.things.tail(chain).filter(|key| self.units.contains(*key));
        let Some(key) = key else {
            // Only looked up: what is new gets registered by the unit that follows.
            return None;
        };
        let unit = self.units.get(key)?;
        if !unit.can_be_followed_by(head, parts.as_slice()) {
            return None;
        }
        let room = unit.room_for(parts.as_slice());
        let is_long = parts.len() > limits::STEPS_PER_COMMAND
            || Unit::new(head.clone(), root).room_for(parts.as_slice()) < parts.len();
        if room == 0 || (room < parts.len() && !is_long) {
            return None;
        }
        let touched = self.touched(head, &parts.as_slice()[..room]);
        let mut before = self.before(&touched, false).units;
        let unit = self.units.get(key)?;
        before.retain(|other| *other != key && !unit.predecessors.contains(other));
        if !before.is_empty() && !unit.successors.is_empty() {
            return None;
        }
        let unit = self.units.get_mut(key)?;
        let bytes = unit.bytes;
        unit.drop_request_id();
        self.bytes -= bytes - unit.bytes;
        self.put(key, parts.by_ref().take(room));
        self.wait_for(key, before);
        self.register(key, &touched);
        Some(key)
    }

    /// A new unit of the first of the parts, as many as fit. Leaves the rest.
    pub(super) fn append(&mut self, head: &model::Command, parts: &mut Parts) -> usize {
        let (root, chain) = self.roots(head);
        let unit = Unit::new(head.clone(), root);
        // That one part fits was checked before.
        let room = unit.room_for(parts.as_slice()).max(1);
        let touched = self.touched(head, &parts.as_slice()[..room]);
        let before = self.before(&touched, true);
        self.bytes += unit.bytes;
        let key = self.units.insert(unit);
        self.levels.add(1);
        self.put(key, parts.by_ref().take(room));
        let users = self.register(key, &touched);
        if before.early_users.is_empty() {
            self.wait_for(key, before.units);
        } else {
            for (thing, used_by) in users {
                self.things.keep_users(thing, key, used_by);
            }
            for user in before.early_users {
                self.wait_for(user, vec![key]);
            }
        }
        self.things.register_root(chain, key);
        if let Some(unit) = self.units.get_mut(key) {
            unit.things.push(chain);
        }
        self.fresh.push(key);
        self.become_ready(key);
        key
    }

    fn put(&mut self, key: usize, parts: impl Iterator<Item = Part>) {
        let Some(unit) = self.units.get_mut(key) else { return };
        let bytes = unit.bytes;
        parts.for_each(|part| unit.add(part));
        self.bytes += unit.bytes - bytes;
    }

    fn roots(&mut self, head: &model::Command) -> (EntityId, EntityId) {
        match head {
            model::Command::User(command) => {
                let root = self.things.intern(Kind::User, &command.user);
                match command.domain.as_deref().filter(|_| !is_email_type(&command.user)) {
                    Some(domain) => (root, self.things.intern_username(&command.user, domain)),
                    None => (root, root),
                }
            }
            _ => {
                let root = self.things.intern(Kind::Group, root_of(head));
                (root, root)
            }
        }
    }

    fn touched(&mut self, head: &model::Command, parts: &[Part]) -> Touched {
        let (root, chain) = self.roots(head);
        let kind = if matches!(head, model::Command::User(_)) { Kind::User } else { Kind::Group };
        let mut things = vec![(root, Mode::Use)];
        for part in parts {
            access::of_step(head, &part.step, |kind, name, mode| {
                things.push((self.things.intern(kind, name), mode));
            });
        }
        Touched { root, chain, kind, things }
    }

    /// The units that must end before one that touches these things: the caller's order is kept between what makes or
    /// changes a thing and what uses it, and between the two sides of one membership.
    fn before(&self, touched: &Touched, may_come_first: bool) -> Before {
        let Touched { root, chain, kind, things } = touched;
        let mut before = Before::default();
        let is_alive = |key: &usize| self.units.contains(*key);
        before.units.extend(self.things.tail(*chain).filter(is_alive));
        for (thing, mode) in things {
            before.units.extend(self.things.changed_by(*thing).filter(is_alive));
            let users =
                || [Kind::User, Kind::Group].into_iter().flat_map(|kind| self.things.used_by(*thing, kind)).copied();
            match mode {
                Mode::Use => {}
                Mode::Change => before.units.extend(users().filter(is_alive)),
                Mode::Create => before.early_users.extend(users().filter(is_alive)),
            }
        }
        before.units.extend(self.other_sides(*root, *kind, things));
        let is_unsent = |key: &usize| self.units.get(*key).is_some_and(Unit::is_unsent);
        if !(may_come_first && before.units.is_empty() && before.early_users.iter().all(is_unsent)) {
            before.units.append(&mut before.early_users);
        }
        for units in [&mut before.units, &mut before.early_users] {
            units.sort_unstable();
            units.dedup();
        }
        before
    }

    /// Units that set one of these memberships from its other side.
    fn other_sides(&self, root: EntityId, kind: Kind, things: &[(EntityId, Mode)]) -> Vec<usize> {
        let mut found = Vec::new();
        match kind {
            // A user joins or leaves groups: the units on groups that name the user are few.
            Kind::User => {
                for key in self.things.used_by(root, Kind::Group) {
                    let is_same = |unit: &Unit| things.iter().any(|(thing, _)| *thing == unit.root);
                    found.extend(self.units.get(*key).filter(|unit| is_same(unit)).map(|_| *key));
                }
            }
            // A group takes or gives up users: the units on each of them are few.
            Kind::Group => {
                for (user, _) in things.iter().filter(|(thing, _)| *thing != root) {
                    for key in self.things.used_by(*user, Kind::User) {
                        let unit = self.units.get(*key).filter(|unit| unit.things.contains(&root));
                        found.extend(unit.map(|_| *key));
                    }
                }
            }
        }
        found
    }

    /// Notes what a unit touches. Gives back who used what it makes.
    fn register(&mut self, key: usize, touched: &Touched) -> Vec<(EntityId, [Vec<usize>; 2])> {
        let mut users = Vec::new();
        let Some(unit) = self.units.get_mut(key) else { return users };
        for (thing, mode) in &touched.things {
            if *mode == Mode::Create {
                let used_by = [Kind::User, Kind::Group].map(|kind| self.things.used_by(*thing, kind).to_vec());
                if used_by.iter().any(|units| !units.is_empty()) {
                    users.push((*thing, used_by));
                }
            }
            if self.things.register(*thing, key, touched.kind, *mode) {
                unit.things.push(*thing);
            }
        }
        users
    }

    fn wait_for(&mut self, key: usize, before: Vec<usize>) {
        for other in before {
            let Some(first) = self.units.get_mut(other) else { continue };
            first.successors.push(key);
            if let Some(unit) = self.units.get_mut(key) {
                unit.predecessors.push(other);
                unit.waiting += 1;
                if unit.state == State::Ready {
                    self.ready.remove(&(Reverse(unit.height), key));
                    unit.state = State::Waiting;
                }
            }
        }
        self.fresh.push(key);
    }

    /// How many units have how long a chain before them.
    pub(super) fn depths(&self) -> Levels {
        let mut levels = Levels::default();
        let mut left: HashMap<usize, (usize, u32)> = HashMap::new();
        let first = self.units.keys().filter(|key| self.units.get(*key).is_some_and(|unit| unit.waiting == 0));
        let mut known: Vec<(usize, u32)> = first.map(|key| (key, 1)).collect();
        while let Some((key, depth)) = known.pop() {
            levels.add(depth);
            let Some(unit) = self.units.get(key) else { continue };
            for next in &unit.successors {
                let Some(waiter) = self.units.get(*next) else { continue };
                let (waiting, deepest) = left.entry(*next).or_insert((waiter.waiting, 0));
                *waiting -= 1;
                *deepest = depth.max(*deepest);
                if *waiting == 0 {
                    known.push((*next, *deepest + 1));
                }
            }
        }
        levels
    }

    /// Tells predecessors of new heights, as far as they grow by it.
    fn settle_heights(&mut self) {
        // The newest first: then most units hear of their final height at once.
        while let Some(key) = self.fresh.pop() {
            let mut grown = vec![key];
            while let Some(key) = grown.pop() {
                let Some(unit) = self.units.get_mut(key) else { continue };
                let (height, predecessors) = (unit.height + 1, std::mem::take(&mut unit.predecessors));
                for first in &predecessors {
                    if self.grow(*first, height) {
                        grown.push(*first);
                    }
                }
                if let Some(unit) = self.units.get_mut(key) {
                    unit.predecessors = predecessors;
                }
            }
        }
    }

    fn grow(&mut self, key: usize, height: u32) -> bool {
        let Some(unit) = self.units.get_mut(key).filter(|unit| unit.is_unsent() && unit.height < height) else {
            return false;
        };
        if !unit.parts.is_empty() {
            self.levels.remove(unit.height);
            self.levels.add(height);
        }
        if unit.state == State::Ready {
            self.ready.remove(&(Reverse(unit.height), key));
            self.ready.insert((Reverse(height), key));
        }
        unit.height = height;
        true
    }

    fn become_ready(&mut self, key: usize) {
        if let Some(unit) = self.units.get_mut(key)
            && unit.waiting == 0
            && unit.state == State::Waiting
        {
            unit.state = State::Ready;
            self.ready.insert((Reverse(unit.height), key));
        }
    }

    /// Notes that a unit is sent.
    pub(super) fn send(&mut self, key: usize) {
        if let Some(unit) = self.units.get_mut(key) {
            self.ready.remove(&(Reverse(unit.height), key));
            self.levels.remove(unit.height);
            unit.state = State::Sent { unsettled: unit.parts.len() };
        }
    }

    /// The lower bound once these are sent.
    pub(super) fn lower_bound_without(&mut self, keys: &[usize], places: usize) -> usize {
        self.settle_heights();
        let heights: Vec<u32> = keys.iter().filter_map(|key| Some(self.units.get(*key)?.height)).collect();
        heights.iter().for_each(|height| self.levels.remove(*height));
        let bound = self.levels.lower_bound(places);
        heights.iter().for_each(|height| self.levels.add(*height));
        bound
    }

    /// Notes that so many parts of a sent unit are settled. When none is left it has ended.
    pub(super) fn settle(&mut self, key: usize, parts: usize) {
        let Some(unit) = self.units.get_mut(key) else { return };
        if let State::Sent { unsettled } = &mut unit.state {
            *unsettled -= parts;
            if *unsettled == 0 {
                self.end(key);
            }
        }
    }

    /// Takes what belongs to one command out of a unit that is not sent. A unit that holds nothing more is never sent,
    /// and ends when it would have been.
    pub(super) fn strip(&mut self, key: usize, owner: usize) -> Vec<Part> {
        let Some(unit) = self.units.get_mut(key).filter(|unit| unit.is_unsent() && !unit.parts.is_empty()) else {
            return Vec::new();
        };
        let bytes = unit.bytes;
        let taken = unit.take_parts_of(owner);
        self.bytes -= bytes - unit.bytes;
        if unit.parts.is_empty() {
            self.levels.remove(unit.height);
            if unit.state == State::Ready {
                self.end(key);
            }
        }
        taken
    }

    /// Drops a unit, sent or not.
    pub(super) fn remove(&mut self, key: usize) -> Option<Unit> {
        let unit = self.units.remove(key)?;
        if unit.is_unsent() && !unit.parts.is_empty() {
            self.levels.remove(unit.height);
        }
        self.ready.remove(&(Reverse(unit.height), key));
        self.bytes -= unit.bytes;
        for thing in &unit.things {
            self.things.release(*thing, key, |key| self.units.contains(key));
        }
        Some(unit)
    }

    fn end(&mut self, key: usize) {
        let mut ended = vec![key];
        while let Some(key) = ended.pop() {
            if let Some(unit) = self.units.get_mut(key) {
                // Whatever it was, it is not counted as unsent any more.
                self.ready.remove(&(Reverse(unit.height), key));
                unit.state = State::Sent { unsettled: 0 };
            }
            let Some(unit) = self.remove(key) else { continue };
            for next in unit.successors {
                let Some(waiter) = self.units.get_mut(next) else { continue };
                waiter.waiting -= 1;
                if waiter.waiting == 0 && waiter.state == State::Waiting {
                    if waiter.parts.is_empty() {
                        ended.push(next);
                    } else {
                        self.become_ready(next);
                    }
                }
            }
        }
    }

    #[cfg(test)]
    pub(super) fn is_forgotten(&self) -> bool {
        self.units.len() == 0
            && self.things.len() == 0
            && self.ready.is_empty()
            && self.bytes == 0
            && self.levels.total() == 0
    }
}
