//! The users and groups that unsent and unanswered commands touch, and how.

use std::{borrow::Cow, collections::HashMap};

use umapi_model::{
    self as model, ExhaustiveUserGroupRemoval, ExhaustiveUserGroupStep as OnGroup, ExhaustiveUserRemoval,
    ExhaustiveUserStep as OnUser, NameKind, UserGroupStep, UserStep,
};

use crate::{
    account::{FoldedName, fold, fold_user},
    command::{Step, root_of},
};

/// The kind of an entity. Users and groups have separate names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum EntityKind {
    User,
    Group,
}

/// How a step touches a user or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// It must exist. Two steps that only use it may run in any order.
    Use,
    /// It exists afterwards.
    Create,
    /// Afterwards it is gone, has another name, or has none of its memberships.
    Change,
}

/// Calls `touch` for everything that a step of this command touches, except for its root.
pub(super) fn touched_by(head: &model::Command, step: &Step, mut touch: impl FnMut(EntityKind, &str, Access)) {
    let root = root_of(head);
    match step {
        Step::User(step) => user_step(root, step, &mut touch),
        Step::Group(step) => group_step(root, step, &mut touch),
    }
}

/// Whether the name of the root stands for something else afterwards, so that no command can be joined to this one.
pub(super) fn renames(head: &model::Command, step: &Step) -> bool {
    match step {
        Step::User(step) => match step.exhaustive() {
            OnUser::Update(fields) => fields.email.is_some() || fields.username.is_some(),
            OnUser::AddAdobeId(_)
            | OnUser::CreateEnterpriseId(_)
            | OnUser::CreateFederatedId(_)
            | OnUser::Add(_)
            | OnUser::Remove(_)
            | OnUser::AddRoles(_)
            | OnUser::RemoveRoles(_)
            | OnUser::RemoveFromOrg(_)
            | OnUser::RemoveFromDomain(_)
            | OnUser::ResetPassword(_) => false,
        },
        Step::Group(step) => match step.exhaustive() {
            OnGroup::UpdateUserGroup(fields) => fields.name.is_some(),
            OnGroup::CreateUserGroup(new) => {
                new.name.as_deref().is_some_and(|name| !FoldedName::is_same(name, root_of(head)))
            }
            OnGroup::DeleteUserGroup(_) | OnGroup::Add(_) | OnGroup::Remove(_) => false,
        },
    }
}

fn user_step(root: &str, step: &UserStep, touch: &mut impl FnMut(EntityKind, &str, Access)) {
    let mut create = |email: &str| {
        touch(EntityKind::User, root, Access::Create);
        if !FoldedName::is_same_user(root, email) {
            touch(EntityKind::User, email, Access::Create);
        }
    };
    match step.exhaustive() {
        OnUser::AddAdobeId(new) => create(&new.email),
        OnUser::CreateEnterpriseId(new) => create(&new.email),
        OnUser::CreateFederatedId(new) => create(&new.email),
        OnUser::Update(fields) => {
            for name in [&fields.email, &fields.username].into_iter().flatten() {
                touch(EntityKind::User, root, Access::Change);
                touch(EntityKind::User, name, Access::Change);
            }
        }
        OnUser::Add(lists) => names(lists.name_lists(), EntityKind::User, touch),
        OnUser::Remove(removal) => match removal.exhaustive() {
            ExhaustiveUserRemoval::All(_) => touch(EntityKind::User, root, Access::Change),
            ExhaustiveUserRemoval::These(lists) => names(lists.name_lists(), EntityKind::User, touch),
        },
        OnUser::AddRoles(lists) | OnUser::RemoveRoles(lists) => names(lists.name_lists(), EntityKind::User, touch),
        OnUser::RemoveFromOrg(_) | OnUser::RemoveFromDomain(_) => touch(EntityKind::User, root, Access::Change),
        // The account stays as it is.
        OnUser::ResetPassword(_) => {}
    }
}

/// Touches what the lists of a step name, which is on a user or on a group.
fn names<const COUNT: usize>(
    lists: [(&'static str, NameKind, &Vec<String>); COUNT],
    on: EntityKind,
    touch: &mut impl FnMut(EntityKind, &str, Access),
) {
    for (_, kind, names) in lists {
        for name in names {
            match (kind, on) {
                // On a user, the deprecated lists of profiles take user groups too. The administrators of a user group exist
                // as long as the group does.
                (NameKind::Group, _) | (NameKind::Profile, EntityKind::User) => {
                    touch(EntityKind::Group, name.strip_prefix("_admin_").unwrap_or(name), Access::Use);
                }
                (NameKind::User, _) => touch(EntityKind::User, name, Access::Use),
                // The API can create neither: nothing can come before them.
                (NameKind::Profile, EntityKind::Group) | (NameKind::Product, _) => {}
            }
        }
    }
}

fn group_step(root: &str, step: &UserGroupStep, touch: &mut impl FnMut(EntityKind, &str, Access)) {
    match step.exhaustive() {
        OnGroup::CreateUserGroup(new) => {
            touch(EntityKind::Group, root, Access::Create);
            if let Some(name) = new.name.as_deref().filter(|name| !FoldedName::is_same(name, root)) {
                touch(EntityKind::Group, name, Access::Create);
            }
        }
        OnGroup::UpdateUserGroup(fields) => {
            if let Some(name) = &fields.name {
                touch(EntityKind::Group, root, Access::Change);
                touch(EntityKind::Group, name, Access::Change);
            }
        }
        OnGroup::Add(lists) => names(lists.name_lists(), EntityKind::Group, touch),
        OnGroup::Remove(removal) => match removal.exhaustive() {
            ExhaustiveUserGroupRemoval::All(_) => touch(EntityKind::Group, root, Access::Change),
            ExhaustiveUserGroupRemoval::These(lists) => names(lists.name_lists(), EntityKind::Group, touch),
        },
        OnGroup::DeleteUserGroup(_) => touch(EntityKind::Group, root, Access::Change),
    }
}

/// A user or a group in [`Entities`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct EntityId(u32);

/// The users and groups that pending commands touch.
#[derive(Debug, Default)]
pub(super) struct Entities {
    users: HashMap<FoldedName, u32>,
    groups: HashMap<FoldedName, u32>,
    slots: Vec<Entity>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Entity {
    kind: EntityKind,
    name: FoldedName,
    /// The number of registrations of units that have not ended.
    pending: u32,
    /// The last unit with this root.
    tail: Option<usize>,
    /// The last unit that creates or changes it.
    changed_by: Option<usize>,
    /// The units that use it since then: on users, and on groups.
    used_by: [Vec<usize>; 2],
}

impl Entities {
    /// The entity with this name.
    pub(super) fn intern(&mut self, kind: EntityKind, name: &str) -> EntityId {
        self.intern_folded(kind, if kind == EntityKind::User { fold_user(name) } else { fold(name) })
    }

    /// The user with this username in a domain.
    pub(super) fn intern_username(&mut self, name: &str, domain: &str) -> EntityId {
        let name = format!("{}\0{}", fold_user(name), FoldedName::domain(domain));
        self.intern_folded(EntityKind::User, name.into())
    }

    fn intern_folded(&mut self, kind: EntityKind, name: Cow<'_, str>) -> EntityId {
        let Self { users, groups, slots, free } = self;
        let ids = if kind == EntityKind::User { users } else { groups };
        if let Some(id) = ids.get(&*name) {
            return EntityId(*id);
        }
        let name = FoldedName::from(name);
        let entity =
            Entity { kind, name: name.clone(), pending: 0, tail: None, changed_by: None, used_by: Default::default() };
        let id = match free.pop() {
            Some(id) => {
                slots[id as usize] = entity;
                id
            }
            None => {
                slots.push(entity);
                (slots.len() - 1) as u32
            }
        };
        ids.insert(name, id);
        EntityId(id)
    }

    /// The last unit with this root.
    pub(super) fn tail(&self, entity: EntityId) -> Option<usize> {
        self.slots[entity.0 as usize].tail
    }

    /// The last unit that creates or changes the entity.
    pub(super) fn changed_by(&self, entity: EntityId) -> Option<usize> {
        self.slots[entity.0 as usize].changed_by
    }

    /// The units on users, or on groups, that use the entity since it was last created or changed. Some may have ended.
    pub(super) fn used_by(&self, entity: EntityId, root: EntityKind) -> &[usize] {
        &self.slots[entity.0 as usize].used_by[root as usize]
    }

    /// Notes that a unit has this root.
    pub(super) fn register_root(&mut self, entity: EntityId, unit: usize) {
        let entity = &mut self.slots[entity.0 as usize];
        entity.tail = Some(unit);
        entity.pending += 1;
    }

    /// Notes that a unit touches the entity. Returns whether this must be released when the unit ends.
    pub(super) fn register(&mut self, entity: EntityId, unit: usize, root: EntityKind, mode: Access) -> bool {
        let entity = &mut self.slots[entity.0 as usize];
        match mode {
            Access::Use => {
                let users = &mut entity.used_by[root as usize];
                if users.last() == Some(&unit) || entity.changed_by == Some(unit) {
                    return false;
                }
                users.push(unit);
            }
            Access::Change | Access::Create => {
                if entity.changed_by == Some(unit) {
                    return false;
                }
                entity.changed_by = Some(unit);
                entity.used_by.iter_mut().for_each(Vec::clear);
            }
        }
        entity.pending += 1;
        true
    }

    /// Notes that the unit that creates an entity was put before units that use it.
    pub(super) fn keep_users(&mut self, entity: EntityId, unit: usize, users: [Vec<usize>; 2]) {
        let entity = &mut self.slots[entity.0 as usize];
        if entity.changed_by == Some(unit) {
            entity.used_by = users;
        }
    }

    /// Releases a registration of a unit.
    pub(super) fn release(&mut self, id: EntityId, unit: usize, is_alive: impl Fn(usize) -> bool) {
        let entity = &mut self.slots[id.0 as usize];
        entity.pending -= 1;
        if entity.pending == 0 {
            let ids = if entity.kind == EntityKind::User { &mut self.users } else { &mut self.groups };
            ids.remove(&entity.name);
            entity.used_by = Default::default();
            self.free.push(id.0);
            return;
        }
        if entity.tail == Some(unit) {
            entity.tail = None;
        }
        if entity.changed_by == Some(unit) {
            entity.changed_by = None;
        }
        for users in &mut entity.used_by {
            // Ended units are removed when there are many of them, so that each costs little.
            if users.len() > 2 * entity.pending as usize + 16 {
                users.retain(|unit| is_alive(*unit));
            }
        }
    }

    /// The number of known entities.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.users.len() + self.groups.len()
    }
}
