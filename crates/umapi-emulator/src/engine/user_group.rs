//! The steps of a command on a user group.

use super::{
    add_remove::{GroupLists, read_only_add, read_only_remove},
    command::Context,
    lookup::{self, find_listed},
    outcome::{EngineError, Rejection, reject},
    request::RequestSizes,
    rules,
    steps::{GroupFields, IfExists},
};
use crate::store::{GroupKind, GroupRow, NewGroup, OrgId, Tx, UserRow, fold};

impl Context<'_, '_> {
    /// Runs `createUserGroup`. Its `name` takes precedence over the root; the following steps work on the new group.
    pub(super) fn create_group(&mut self, fields: &GroupFields) -> Result<(), EngineError> {
        let (root, _) = self.user_name();
        let root = root.to_owned();
        if fields.option.is_some()
            && let Some(group) = self.tx.rows().group_by_name(self.org.id, &root)?
            && group.kind == GroupKind::UserGroup
        {
            return self.handle_existing_group(fields, &group);
        }
        let name = fields.name.as_deref().unwrap_or(&root);
        rules::group_name(name)?;
        if let Some(group) = self.tx.rows().group_by_name(self.org.id, name)? {
            if fields.option.is_some() && group.kind == GroupKind::UserGroup {
                return self.handle_existing_group(fields, &group);
            }
            return Err(group_exists(name));
        }
        let new = NewGroup { name, description: fields.description.as_deref(), ..NewGroup::default() };
        let id = self.tx.create_user_group(self.org.id, &new)?;
        self.set_group(id);
        self.plan_group(&root);
        self.plan_group(name);
        Ok(())
    }

    /// Handles a group that exists already, if the step has an `option`: the description may be written, the name
    /// never.
    fn handle_existing_group(&mut self, fields: &GroupFields, group: &GroupRow) -> Result<(), EngineError> {
        self.set_group(group.id);
        let description = fields.description.as_deref().filter(|new| group.description.as_deref() != Some(*new));
        if fields.option == Some(IfExists::Update) && description.is_some() {
            must_be_writable(group)?;
            self.tx.change_group(group.id, None, description)?;
        }
        Ok(())
    }

    /// Runs `updateUserGroup`.
    pub(super) fn update_group(&mut self, fields: &GroupFields) -> Result<(), EngineError> {
        let Some(group) = self.user_group()? else { return Ok(()) };
        update_group(self.tx, &group, fields.name.as_deref(), fields.description.as_deref())?;
        self.set_group(group.id);
        Ok(())
    }

    /// Runs `deleteUserGroup`, which ends the command.
    pub(super) fn delete_group(&mut self) -> Result<(), EngineError> {
        if let Some(group) = self.user_group()? {
            delete_group(self.tx, &group)?;
        }
        self.end_command();
        Ok(())
    }

    /// Runs `add` on a user group.
    ///
    /// A list of users that are all members already is an error, because the documentation has a code for it; from a
    /// mixed list the new members are added.
    pub(super) fn add_to_group(&mut self, lists: &GroupLists) -> Result<(), EngineError> {
        let group = self.user_group()?;
        let users = self.listed_users(&lists.users)?;
        let profiles = profiles(self.tx, self.org.id, &lists.profiles)?;
        let Some(group) = group else { return Ok(()) };
        if group.read_only && !lists.users.is_empty() {
            return Err(read_only_add(&group));
        }
        let mut added = false;
        for user in &users {
            added |= self.tx.add_member(user, group.id)?;
        }
        if let (false, Some(user)) = (added, users.first()) {
            return reject(
                "error.user.already_exists",
                format!("User is already a member of the group {}: {}", group.name, user.email),
            );
        }
        for profile in profiles {
            attach(self.tx, &group, &profile, &self.options.limits)?;
        }
        Ok(())
    }

    /// Runs `remove` on a user group. A list of users without any member is an error, because the documentation
    /// has a code for it.
    pub(super) fn remove_from_group(&mut self, lists: &GroupLists) -> Result<(), EngineError> {
        let group = self.user_group()?;
        let users = self.listed_users(&lists.users)?;
        let profiles = profiles(self.tx, self.org.id, &lists.profiles)?;
        let Some(group) = group else { return Ok(()) };
        if group.read_only && !lists.users.is_empty() {
            return Err(read_only_remove(&group));
        }
        let mut removed = false;
        for user in &users {
            removed |= self.tx.remove_member(user, group.id)?;
        }
        if !removed && !users.is_empty() {
            return reject(
                "error.usergroup.user_list.invalid",
                format!("The provided list of users did not change the group membership: {}", group.name),
            );
        }
        for profile in profiles {
            self.tx.detach_profile(group.id, profile.id)?;
        }
        Ok(())
    }

    /// Runs `"remove": "all"` on a user group: removes all users and all profiles.
    pub(super) fn remove_all_from_group(&mut self) -> Result<(), EngineError> {
        let Some(group) = self.user_group()? else { return Ok(()) };
        let members = self.tx.rows().member_ids(group.id)?;
        if group.read_only && !members.is_empty() {
            return Err(read_only_remove(&group));
        }
        for profile in self.tx.rows().profiles_of_group(group.id)? {
            self.tx.detach_profile(group.id, profile)?;
        }
        for member in members {
            if let Some(user) = self.tx.rows().user_row(member)? {
                self.tx.remove_member(&user, group.id)?;
            }
        }
        Ok(())
    }

    /// Returns the users of a list: all of them, or an error. In test mode, users that do not exist are skipped.
    fn listed_users(&self, names: &[String]) -> Result<Vec<UserRow>, EngineError> {
        let mut users = Vec::new();
        let mut missing = None;
        for name in names {
            match find_listed(self.tx.rows(), self.org.id, name)? {
                Some(user) => users.push(user),
                None => missing = missing.or(Some(name)),
            }
        }
        match missing {
            None => Ok(users),
            Some(_) if self.options.test_only => Ok(users),
            Some(_) if users.is_empty() => reject("error.user.not_found", "No valid users were found in the request"),
            Some(name) => Err(lookup::nonexistent(name).into()),
        }
    }
}

fn group_exists(name: &str) -> EngineError {
    Rejection::new("error.usergroup.already_exists", format!("Group {name} already exists")).into()
}

/// Checks that the group is not read-only: its users would belong to another organization.
pub(super) fn must_be_writable(group: &GroupRow) -> Result<(), EngineError> {
    if group.read_only {
        return reject(
            "error.usergroup.readonly.update_not_allowed",
            format!("Usergroup is owned by another org and readonly: {}", group.name),
        );
    }
    Ok(())
}

/// Changes name and description of a user group.
pub(super) fn update_group(
    tx: &Tx<'_>,
    group: &GroupRow,
    name: Option<&str>,
    description: Option<&str>,
) -> Result<(), EngineError> {
    must_be_writable(group)?;
    if let Some(name) = name {
        let taken = tx.rows().group_by_name(group.org, name)?;
        if taken.is_some_and(|other| other.id != group.id) {
            return Err(group_exists(name));
        }
    }
    let name = name.filter(|name| *name != group.name);
    let description = description.filter(|new| group.description.as_deref() != Some(*new));
    if name.is_some() || description.is_some() {
        tx.change_group(group.id, name, description)?;
    }
    Ok(())
}

/// Deletes a user group.
pub(super) fn delete_group(tx: &mut Tx<'_>, group: &GroupRow) -> Result<(), EngineError> {
    if group.read_only {
        return reject(
            "error.usergroup.readonly.remove_not_allowed",
            format!("User group owned by another organization. Remove not allowed: {}", group.name),
        );
    }
    Ok(tx.delete_group(group.id)?)
}

/// Returns the profiles with these names.
fn profiles(tx: &Tx<'_>, org: OrgId, names: &[String]) -> Result<Vec<GroupRow>, EngineError> {
    names
        .iter()
        .map(|name| {
            let group = tx.rows().group_by_name(org, &fold(name))?;
            match group.filter(|group| group.kind == GroupKind::Profile) {
                Some(profile) => Ok(profile),
                None => reject("error.group.not_found", format!("Group {name} was not found")),
            }
        })
        .collect()
}

/// Assigns a profile to a user group, unless the group has too many users.
pub(super) fn attach(
    tx: &mut Tx<'_>,
    group: &GroupRow,
    profile: &GroupRow,
    limits: &RequestSizes,
) -> Result<(), EngineError> {
    tx.flush()?;
    let members = tx.rows().group_row(group.org, group.id)?.map_or(0, |group| group.members);
    if members > limits.group_members {
        return reject(
            "error.usergroup.exceeds_maximum_member_count",
            format!(
                "The user count of the group {} exceeds {}: profiles cannot be added",
                group.name, limits.group_members
            ),
        );
    }
    tx.attach_profile(group.id, profile.id)?;
    Ok(())
}
