use serde::Deserialize;

use super::{Call, LegacyFailure, change_members, run, shown, users};
use crate::engine::memberships::{read_only_add, read_only_remove};
use crate::engine::user_group::{delete_group, must_be_writable, update_group};
use crate::engine::{Refusal, rules};
use crate::store::{GroupId, GroupKind, GroupRow, NewGroup, OrgId, Store, Tx, UserGroup};

/// The body of `POST` and `PUT` on user groups.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct UserGroupFields {
    /// The name.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
}

/// The body of `POST /user-groups/{groupId}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserGroupRights {
    /// Users to put into the group.
    pub add_users: Vec<String>,
    /// Users to take out of the group.
    pub remove_users: Vec<String>,
    /// Users to make administrators of the group.
    pub add_admin_users: Vec<String>,
    /// Users to be administrators no more.
    pub remove_admin_users: Vec<String>,
}

/// `POST /{orgId}/user-groups`.
///
/// # Errors
/// If the name is invalid or taken.
pub fn create_user_group(store: &Store, call: &Call<'_>, fields: &UserGroupFields) -> Result<UserGroup, LegacyFailure> {
    run(store, call, |tx, org| {
        let name = fields.name.as_deref().unwrap_or_default();
        rules::group_name(name)?;
        if tx.rows().group_by_name(org, name)?.is_some() {
            return shown(400, "DUPLICATE_GROUP_NAME");
        }
        let new = NewGroup { name, description: fields.description.as_deref(), ..NewGroup::default() };
        let id = tx.create_user_group(org, &new)?;
        answer(tx, org, id)
    })
}

/// `PUT /{orgId}/user-groups/{groupId}`.
///
/// # Errors
/// If there is no such group, it is read-only, or the name is invalid or taken.
pub fn update_user_group(
    store: &Store,
    call: &Call<'_>,
    id: GroupId,
    fields: &UserGroupFields,
) -> Result<UserGroup, LegacyFailure> {
    run(store, call, |tx, org| {
        let group = user_group(tx, org, id)?;
        if fields.name.is_none() && fields.description.is_none() {
            return Err(Refusal::new("error.user.command.missing.arguments", "name or description is missing").into());
        }
        must_be_writable(&group)?;
        if let Some(name) = &fields.name {
            rules::group_name(name)?;
            if tx.rows().group_by_name(org, name)?.is_some_and(|other| other.id != id) {
                return shown(400, "DUPLICATE_GROUP_NAME");
            }
        }
        update_group(tx, &group, fields.name.as_deref(), fields.description.as_deref())?;
        answer(tx, org, id)
    })
}

/// `DELETE /{orgId}/user-groups/{groupId}`.
///
/// # Errors
/// If there is no such group, or it is read-only.
pub fn delete_user_group(store: &Store, call: &Call<'_>, id: GroupId) -> Result<(), LegacyFailure> {
    run(store, call, |tx, org| {
        let group = user_group(tx, org, id)?;
        Ok(delete_group(tx, &group)?)
    })
}

/// `POST /{orgId}/user-groups/{groupId}`: the rights in a user group.
///
/// # Errors
/// If there is no such group or user, or the group is read-only.
pub fn update_user_group_rights(
    store: &Store,
    call: &Call<'_>,
    id: GroupId,
    rights: &UserGroupRights,
) -> Result<UserGroup, LegacyFailure> {
    run(store, call, |tx, org| {
        let group = user_group(tx, org, id)?;
        let add = users(tx, org, &rights.add_users)?;
        let remove = users(tx, org, &rights.remove_users)?;
        match (group.read_only, add.is_empty(), remove.is_empty()) {
            (true, false, _) => return Err(read_only_add(&group).into()),
            (true, true, false) => return Err(read_only_remove(&group).into()),
            _ => {}
        }
        change_members(tx, group.id, &add, &remove)?;
        let add = users(tx, org, &rights.add_admin_users)?;
        let remove = users(tx, org, &rights.remove_admin_users)?;
        if let Some(admins) = group.admins {
            change_members(tx, admins, &add, &remove)?;
        }
        answer(tx, org, id)
    })
}

fn user_group(tx: &Tx<'_>, org: OrgId, id: GroupId) -> Result<GroupRow, LegacyFailure> {
    match tx.rows().group_row(org, id)?.filter(|group| group.kind == GroupKind::UserGroup) {
        Some(group) => Ok(group),
        None => shown(404, "GROUP_NOT_FOUND"),
    }
}

fn answer(tx: &mut Tx<'_>, org: OrgId, id: GroupId) -> Result<UserGroup, LegacyFailure> {
    tx.settle()?;
    match tx.rows().user_group(org, id)? {
        Some(group) => Ok(group),
        None => shown(404, "GROUP_NOT_FOUND"),
    }
}
