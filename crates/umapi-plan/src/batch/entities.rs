//! The users and groups that unsent and unanswered commands touch, and so which command must wait for which.

use std::collections::HashMap;

use super::access::{Kind, Mode};
use crate::account::FoldedName;

/// A user or a group in [`Entities`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EntityId(u32);

/// Every user and group that something pending touches.
#[derive(Debug, Default)]
pub(crate) struct Entities {
    users: HashMap<FoldedName, u32>,
    groups: HashMap<FoldedName, u32>,
    slots: Vec<Entity>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Entity {
    kind: Kind,
    name: FoldedName,
    /// Registrations of units that have not ended.
    pending: u32,
    /// The last unit of which this is the root.
    tail: Option<usize>,
    /// The last unit that makes or changes it.
    changed_by: Option<usize>,
    /// Units that use it, since then: those on users, and those on groups.
    used_by: [Vec<usize>; 2],
}

impl Entities {
    /// The thing of this name, which is compared as the service does.
    pub(crate) fn intern(&mut self, kind: Kind, name: &str) -> EntityId {
        self.intern_folded(kind, if kind == Kind::User { FoldedName::user(name) } else { FoldedName::new(name) })
    }

    /// The user with this username in a domain.
    pub(crate) fn intern_username(&mut self, name: &str, domain: &str) -> EntityId {
        let name = format!("{}\0{}", FoldedName::user(name), FoldedName::domain(domain));
        self.intern_folded(Kind::User, FoldedName::new(&name))
    }

    fn intern_folded(&mut self, kind: Kind, name: FoldedName) -> EntityId {
        let Self { users, groups, slots, free } = self;
        let ids = if kind == Kind::User { users } else { groups };
        if let Some(id) = ids.get(&name) {
            return EntityId(*id);
        }
        let thing =
            Entity { kind, name: name.clone(), pending: 0, tail: None, changed_by: None, used_by: Default::default() };
        let id = match free.pop() {
            Some(id) => {
                slots[id as usize] = thing;
                id
            }
            None => {
                slots.push(thing);
                (slots.len() - 1) as u32
            }
        };
        ids.insert(name, id);
        EntityId(id)
    }

    /// The last unit of which the thing is the root.
    pub(crate) fn tail(&self, thing: EntityId) -> Option<usize> {
        self.slots[thing.0 as usize].tail
    }

    /// The last unit that makes or changes the thing.
    pub(crate) fn changed_by(&self, thing: EntityId) -> Option<usize> {
        self.slots[thing.0 as usize].changed_by
    }

    /// The units on users, or on groups, that use the thing since it was last made or changed. Some may have ended.
    pub(crate) fn used_by(&self, thing: EntityId, root: Kind) -> &[usize] {
        &self.slots[thing.0 as usize].used_by[root as usize]
    }

    /// Notes that a unit has the thing as its root.
    pub(crate) fn register_root(&mut self, thing: EntityId, unit: usize) {
        let thing = &mut self.slots[thing.0 as usize];
        thing.tail = Some(unit);
        thing.pending += 1;
    }

    /// Notes that a unit touches the thing. Says whether this is to be taken back when the unit has ended.
    pub(crate) fn register(&mut self, thing: EntityId, unit: usize, root: Kind, mode: Mode) -> bool {
        let thing = &mut self.slots[thing.0 as usize];
        match mode {
            Mode::Use => {
                let users = &mut thing.used_by[root as usize];
                if users.last() == Some(&unit) || thing.changed_by == Some(unit) {
                    return false;
                }
                users.push(unit);
            }
            Mode::Change | Mode::Create => {
                if thing.changed_by == Some(unit) {
                    return false;
                }
                thing.changed_by = Some(unit);
                thing.used_by.iter_mut().for_each(Vec::clear);
            }
        }
        thing.pending += 1;
        true
    }

    /// Notes that the makers of a thing were put before units that use it.
    pub(crate) fn keep_users(&mut self, thing: EntityId, unit: usize, users: [Vec<usize>; 2]) {
        let thing = &mut self.slots[thing.0 as usize];
        if thing.changed_by == Some(unit) {
            thing.used_by = users;
        }
    }

    /// Takes a registration of a unit back.
    pub(crate) fn release(&mut self, id: EntityId, unit: usize, is_alive: impl Fn(usize) -> bool) {
        let thing = &mut self.slots[id.0 as usize];
        thing.pending -= 1;
        if thing.pending == 0 {
            let ids = if thing.kind == Kind::User { &mut self.users } else { &mut self.groups };
            ids.remove(&thing.name);
            thing.used_by = Default::default();
            self.free.push(id.0);
            return;
        }
        if thing.tail == Some(unit) {
            thing.tail = None;
        }
        if thing.changed_by == Some(unit) {
            thing.changed_by = None;
        }
        for users in &mut thing.used_by {
            // Those that have ended are swept out when they are many, so that each costs nothing to speak of.
            if users.len() > 2 * thing.pending as usize + 16 {
                users.retain(|unit| is_alive(*unit));
            }
        }
    }

    /// How many things are known.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.users.len() + self.groups.len()
    }
}
