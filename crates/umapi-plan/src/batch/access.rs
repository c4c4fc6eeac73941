//! What a step touches: which users and groups it needs, makes, or changes as a whole.

use umapi_model::{
    self as model, UserGroupMembers, UserGroupRemoval, UserGroupStep, UserMemberships, UserRemoval, UserStep,
};

use crate::account::FoldedName;
use crate::command::Step;
use crate::command::root_of;

/// Users and groups have names of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    User,
    Group,
}

/// How a step touches a user or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It must be there. Two that only use the same may run in any order.
    Use,
    /// It is there afterwards.
    Create,
    /// It is gone or another afterwards, or all its memberships are.
    Change,
}

/// Tells `touch` of everything that a step of this command touches, its root apart.
pub(crate) fn of_step(head: &model::Command, step: &Step, mut touch: impl FnMut(Kind, &str, Mode)) {
    let root = root_of(head);
    match step {
        Step::User(step) => user_step(root, step, &mut touch),
        Step::Group(step) => group_step(root, step, &mut touch),
    }
}

/// Whether the root's name means somebody else for the commands that follow, so that none can be joined to this one.
pub(crate) fn renames(head: &model::Command, step: &Step) -> bool {
    match step {
        Step::User(UserStep::Update(fields)) => fields.email.is_some() || fields.username.is_some(),
        Step::Group(UserGroupStep::UpdateUserGroup(fields)) => fields.name.is_some(),
        Step::Group(UserGroupStep::CreateUserGroup(new)) => {
            new.name.as_deref().is_some_and(|name| !is_same_group(name, root_of(head)))
        }
        _ => false,
    }
}

fn is_same_group(one: &str, other: &str) -> bool {
    FoldedName::new(one) == FoldedName::new(other)
}

fn user_step(root: &str, step: &UserStep, touch: &mut impl FnMut(Kind, &str, Mode)) {
    let mut create = |email: &str| {
        touch(Kind::User, root, Mode::Create);
        if FoldedName::user(root) != FoldedName::user(email) {
            touch(Kind::User, email, Mode::Create);
        }
    };
    match step {
        UserStep::AddAdobeId(new) => create(&new.email),
        UserStep::CreateEnterpriseId(new) => create(&new.email),
        UserStep::CreateFederatedId(new) => create(&new.email),
        UserStep::Update(fields) => {
            for name in [&fields.email, &fields.username].into_iter().flatten() {
                touch(Kind::User, root, Mode::Change);
                touch(Kind::User, name, Mode::Change);
            }
        }
        UserStep::Add(lists) | UserStep::Remove(UserRemoval::These(lists)) => groups(lists, touch),
        UserStep::AddRoles(lists) | UserStep::RemoveRoles(lists) => {
            lists.admin.iter().for_each(|group| touch(Kind::Group, group, Mode::Use));
        }
        UserStep::Remove(_) | UserStep::RemoveFromOrg(_) | UserStep::RemoveFromDomain(_) => {
            touch(Kind::User, root, Mode::Change);
        }
        _ => {}
    }
}

fn groups(lists: &UserMemberships, touch: &mut impl FnMut(Kind, &str, Mode)) {
    let UserMemberships { group, product, product_configuration, usergroup, .. } = lists;
    for name in group.iter().chain(product).chain(product_configuration).chain(usergroup) {
        // The administrators of a user group come and go with the group.
        touch(Kind::Group, name.strip_prefix("_admin_").unwrap_or(name), Mode::Use);
    }
}

fn group_step(root: &str, step: &UserGroupStep, touch: &mut impl FnMut(Kind, &str, Mode)) {
    match step {
        UserGroupStep::CreateUserGroup(new) => {
            touch(Kind::Group, root, Mode::Create);
            if let Some(name) = new.name.as_deref().filter(|name| !is_same_group(name, root)) {
                touch(Kind::Group, name, Mode::Create);
            }
        }
        UserGroupStep::UpdateUserGroup(fields) => {
            if let Some(name) = &fields.name {
                touch(Kind::Group, root, Mode::Change);
                touch(Kind::Group, name, Mode::Change);
            }
        }
        UserGroupStep::Add(lists) | UserGroupStep::Remove(UserGroupRemoval::These(lists)) => {
            // Profiles are not made by the API: nothing can come before them.
            let UserGroupMembers { user, users, .. } = lists;
            user.iter().chain(users).for_each(|name| touch(Kind::User, name, Mode::Use));
        }
        UserGroupStep::DeleteUserGroup(_) | UserGroupStep::Remove(_) => touch(Kind::Group, root, Mode::Change),
        _ => {}
    }
}
