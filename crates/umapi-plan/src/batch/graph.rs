//! The units that have not ended, and the order among them.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use umapi_model::{self as model, ExhaustiveCommand, limits};

use super::{
    entities::{Access, Entities, EntityId, EntityKind, touched_by},
    unit::{Part, State, Unit},
    window::Window,
};
use crate::account::is_email_type;

/// The units by age, and the order among them.
#[derive(Debug)]
pub(super) struct Graph {
    units: Window<Unit>,
    entities: Entities,
    /// The units that may be sent: those with the longest chain after them first, and the oldest of these first.
    ready: BTreeSet<(Reverse<u32>, usize)>,
    /// The heights of the units that are not sent.
    levels: Levels,
    /// Units with predecessors that do not know their height yet.
    fresh: Vec<usize>,
    /// The bytes of JSON of all units.
    bytes: usize,
}

/// The parts of a command that are not in a unit yet.
pub(super) type Parts = std::vec::IntoIter<Part>;

/// A command without its steps, and what it is about.
pub(super) struct Head<'a> {
    command: &'a Arc<model::Command>,
    /// The size of the command as JSON.
    bytes: usize,
    /// The user or user group.
    name: &'a str,
    kind: EntityKind,
    root: EntityId,
    /// See [`Touched::chain`].
    chain: EntityId,
}

impl Head<'_> {
    fn unit(&self) -> Unit {
        Unit::new(self.command.clone(), self.bytes, self.root)
    }
}

/// What the parts on one root touch.
struct Touched {
    root: EntityId,
    /// Commands on this entity are sent one after the other. It is the root, except for a username, which has no meaning
    /// without its domain.
    chain: EntityId,
    kind: EntityKind,
    entities: Vec<(EntityId, Access)>,
}

/// The units that must end before another one.
#[derive(Default)]
struct Before {
    units: Vec<usize>,
    /// Units that use what the other one creates, and that may come after it.
    early_users: Vec<usize>,
}

impl Graph {
    pub(super) fn new() -> Self {
        Self {
            units: Window::new(),
            entities: Entities::default(),
            ready: BTreeSet::new(),
            levels: Levels::default(),
            fresh: Vec::new(),
            bytes: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The number of units that are not sent and wait for others.
    pub(super) fn blocked(&self) -> usize {
        self.levels.total() - self.ready.len()
    }

    pub(super) fn levels(&mut self) -> &Levels {
        self.settle_heights();
        &self.levels
    }

    /// The least number of requests for what is not sent, as far as heights are known.
    pub(super) fn lower_bound(&self) -> usize {
        self.levels.lower_bound(limits::COMMANDS_PER_REQUEST)
    }

    pub(super) fn unit(&self, key: usize) -> Option<&Unit> {
        self.units.get(key)
    }

    pub(super) fn keys(&self) -> Vec<usize> {
        self.units.iter().map(|(key, _)| key).collect()
    }

    /// The units that may be sent now, in the order in which they should be sent.
    pub(super) fn ready(&mut self) -> impl Iterator<Item = (usize, &Unit)> {
        self.settle_heights();
        self.ready.iter().filter_map(|(_, key)| Some((*key, self.units.get(*key)?)))
    }

    /// Appends the first of the parts to the last unsent unit on this root: all of them if they fit, as many as fit if
    /// they are too many for any unit, otherwise none. Returns the unit, and leaves the rest.
    ///
    /// This never costs a request: the unit waits for nothing that it did not wait for before, unless nothing waits for
    /// it.
    pub(super) fn extend_tail(&mut self, head: &Head<'_>, parts: &mut Parts) -> Option<usize> {
        let key = self.entities.tail(head.chain).filter(|key| self.units.contains(*key))?;
        let unit = self.units.get(key)?;
        if !unit.can_be_followed_by(head.command, parts.as_slice()) {
            return None;
        }
        let room = unit.room_for(parts.as_slice());
        let is_long = parts.len() > limits::STEPS_PER_COMMAND || head.unit().room_for(parts.as_slice()) < parts.len();
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

    /// Appends a new unit with the first of the parts, as many as fit. Leaves the rest.
    pub(super) fn append(&mut self, head: &Head<'_>, parts: &mut Parts) -> usize {
        let unit = head.unit();
        // It was checked before that each part fits.
        let room = unit.room_for(parts.as_slice()).max(1);
        let touched = self.touched(head, &parts.as_slice()[..room]);
        let before = self.before(&touched, true);
        self.bytes += unit.bytes;
        let key = self.units.push(unit);
        self.levels.add(1);
        self.put(key, parts.by_ref().take(room));
        let users = self.register(key, &touched);
        if before.early_users.is_empty() {
            self.wait_for(key, before.units);
        } else {
            for (entity, used_by) in users {
                self.entities.keep_users(entity, key, used_by);
            }
            for user in before.early_users {
                self.wait_for(user, vec![key]);
            }
        }
        self.entities.register_root(head.chain, key);
        if let Some(unit) = self.units.get_mut(key) {
            unit.entities.push(head.chain);
        }
        self.become_ready(key);
        key
    }

    fn put(&mut self, key: usize, parts: impl Iterator<Item = Part>) {
        let Some(unit) = self.units.get_mut(key) else { return };
        let bytes = unit.bytes;
        unit.parts.reserve_exact(parts.size_hint().0);
        parts.for_each(|part| unit.add(part));
        self.bytes += unit.bytes - bytes;
    }

    /// A command without its steps, whose size as JSON is given. Use it before a unit ends, which may release its entities.
    pub(super) fn head<'a>(&mut self, command: &'a Arc<model::Command>, bytes: usize) -> Head<'a> {
        let (name, kind, domain) = match command.exhaustive() {
            ExhaustiveCommand::User(user) => (user.user.as_str(), EntityKind::User, user.domain.as_deref()),
            ExhaustiveCommand::Group(group) => (group.usergroup.as_str(), EntityKind::Group, None),
        };
        let root = self.entities.intern(kind, name);
        let chain = match domain {
            Some(domain) if !is_email_type(name) => self.entities.intern_username(name, domain),
            _ => root,
        };
        Head { command, bytes, name, kind, root, chain }
    }

    fn touched(&mut self, head: &Head<'_>, parts: &[Part]) -> Touched {
        let Head { command, name: root_name, kind: root_kind, root, chain, .. } = *head;
        let mut entities = Vec::with_capacity(2 * parts.len());
        entities.push((root, Access::Use));
        for part in parts {
            touched_by(command, &part.step, |kind, name, mode| {
                let is_root = kind == root_kind && name == root_name;
                entities.push((if is_root { root } else { self.entities.intern(kind, name) }, mode));
            });
        }
        Touched { root, chain, kind: root_kind, entities }
    }

    /// The units that must end before a unit that touches these entities: the caller's order is kept between what creates
    /// or changes an entity and what uses it, and between the two sides of one membership.
    fn before(&self, touched: &Touched, may_come_first: bool) -> Before {
        let Touched { root, chain, kind, entities } = touched;
        let mut before = Before::default();
        let is_alive = |key: &usize| self.units.contains(*key);
        before.units.extend(self.entities.tail(*chain).filter(is_alive));
        for (entity, mode) in entities {
            before.units.extend(self.entities.changed_by(*entity).filter(is_alive));
            let users = || {
                [EntityKind::User, EntityKind::Group]
                    .into_iter()
                    .flat_map(|kind| self.entities.used_by(*entity, kind))
                    .copied()
            };
            match mode {
                Access::Use => {}
                Access::Change => before.units.extend(users().filter(is_alive)),
                Access::Create => before.early_users.extend(users().filter(is_alive)),
            }
        }
        before.units.extend(self.other_sides(*root, *kind, entities));
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
    fn other_sides(&self, root: EntityId, kind: EntityKind, entities: &[(EntityId, Access)]) -> Vec<usize> {
        let mut found = Vec::new();
        match kind {
            // A user joins or leaves groups: few units on groups name the user.
            EntityKind::User => {
                for key in self.entities.used_by(root, EntityKind::Group) {
                    let is_same = |unit: &Unit| entities.iter().any(|(entity, _)| *entity == unit.root);
                    found.extend(self.units.get(*key).filter(|unit| is_same(unit)).map(|_| *key));
                }
            }
            // Users join or leave a group: there are few units on each of them.
            EntityKind::Group => {
                for (user, _) in entities.iter().filter(|(entity, _)| *entity != root) {
                    for key in self.entities.used_by(*user, EntityKind::User) {
                        let unit = self.units.get(*key).filter(|unit| unit.entities.contains(&root));
                        found.extend(unit.map(|_| *key));
                    }
                }
            }
        }
        found
    }

    /// Registers what a unit touches. Returns the units that used what it creates.
    fn register(&mut self, key: usize, touched: &Touched) -> Vec<(EntityId, [Vec<usize>; 2])> {
        let mut users = Vec::new();
        let Some(unit) = self.units.get_mut(key) else { return users };
        for (entity, mode) in &touched.entities {
            if *mode == Access::Create {
                let used_by =
                    [EntityKind::User, EntityKind::Group].map(|kind| self.entities.used_by(*entity, kind).to_vec());
                if used_by.iter().any(|units| !units.is_empty()) {
                    users.push((*entity, used_by));
                }
            }
            if self.entities.register(*entity, key, touched.kind, *mode) {
                unit.entities.push(*entity);
            }
        }
        users
    }

    fn wait_for(&mut self, key: usize, before: Vec<usize>) {
        if before.is_empty() {
            return;
        }
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

    /// Counts the units by the length of the chain before them.
    pub(super) fn depths(&self) -> Levels {
        let mut levels = Levels::default();
        let mut left: HashMap<usize, (usize, u32)> = HashMap::new();
        let first = self.units.iter().filter(|(_, unit)| unit.waiting == 0);
        let mut known: Vec<(usize, u32)> = first.map(|(key, _)| (key, 1)).collect();
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

    /// Propagates new heights to predecessors, as far as they grow.
    fn settle_heights(&mut self) {
        // The newest first: then most units get their final height in one pass.
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

    /// Notes that so many parts of a sent unit are settled. The unit ends with the last one.
    pub(super) fn settle(&mut self, key: usize, parts: usize) {
        let Some(unit) = self.units.get_mut(key) else { return };
        if let State::Sent { unsettled } = &mut unit.state {
            *unsettled -= parts;
            if *unsettled == 0 {
                self.end(key);
            }
        }
    }

    /// Takes the parts of one command out of a unit that is not sent. An empty unit is never sent; it ends when it would
    /// have been sent.
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

    /// Removes a unit, sent or not.
    pub(super) fn remove(&mut self, key: usize) -> Option<Unit> {
        let unit = self.units.remove(key)?;
        if unit.is_unsent() && !unit.parts.is_empty() {
            self.levels.remove(unit.height);
        }
        if unit.state == State::Ready {
            self.ready.remove(&(Reverse(unit.height), key));
        }
        self.bytes -= unit.bytes;
        for entity in &unit.entities {
            self.entities.release(*entity, key, |key| self.units.contains(key));
        }
        Some(unit)
    }

    fn end(&mut self, key: usize) {
        let mut ended = vec![key];
        while let Some(key) = ended.pop() {
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
        self.units.is_empty()
            && self.entities.len() == 0
            && self.ready.is_empty()
            && self.bytes == 0
            && self.levels.total() == 0
    }
}

/// A histogram of the heights of units. The height of a unit is the number of units in the longest chain that begins
/// with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Levels {
    /// The number of units by height, from 1.
    counts: Vec<u32>,
    total: usize,
}

impl Levels {
    pub(crate) fn add(&mut self, height: u32) {
        let index = height as usize - 1;
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] += 1;
        self.total += 1;
    }

    pub(crate) fn remove(&mut self, height: u32) {
        self.counts[height as usize - 1] -= 1;
        self.total -= 1;
        while self.counts.last() == Some(&0) {
            self.counts.pop();
        }
    }

    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// The least number of requests of `places` units each. A unit of height `h` has a chain of `h - 1` requests after it,
    /// so all units of at least that height must be in requests before these.
    pub(crate) fn lower_bound(&self, places: usize) -> usize {
        let mut at_least = 0;
        let bounds = self.counts.iter().enumerate().rev().map(|(after, count)| {
            at_least += *count as usize;
            after + at_least.div_ceil(places)
        });
        bounds.max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(heights: &[u32]) -> usize {
        let mut levels = Levels::default();
        heights.iter().for_each(|height| levels.add(*height));
        levels.lower_bound(10)
    }

    #[test]
    fn the_bound_is_the_greater_of_chain_and_number() {
        assert_eq!(bound(&[]), 0);
        assert_eq!(bound(&[1; 25]), 3);
        assert_eq!(bound(&[5, 4, 3, 2, 1]), 5);
        // Eleven groups to create, and then one user in each.
        assert_eq!(bound(&[[2; 11], [1; 11]].concat()), 3);
        assert_eq!(bound(&[[2; 20], [1; 20]].concat()), 4);
    }

    #[test]
    fn removed_units_do_not_count() {
        let mut levels = Levels::default();
        [3, 2, 1].into_iter().for_each(|height| levels.add(height));
        levels.remove(3);
        assert_eq!((levels.lower_bound(10), levels.total()), (2, 2));
    }
}
