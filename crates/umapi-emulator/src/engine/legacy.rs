//! The writes of the deprecated endpoints: `user-groups`, `products`, `configurations`.
//!
//! Each call is one transaction: it does everything that its body asks, or nothing. Rejections that the documentation
//! shows have its upper-case codes (`DUPLICATE_GROUP_NAME`, `GROUP_NOT_FOUND`, `PLC_NOT_FOUND`); the others have the
//! codes of its list.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    add_remove::{no_duplicates, read_only_add, read_only_remove},
    command::migrating,
    lookup::{find_listed, nonexistent},
    outcome::{EngineError, Rejection},
    request::RequestSizes,
    rules,
    user_group::{attach, delete_group, must_be_writable, update_group},
};
use crate::store::{
    Cause, Configuration, GroupId, GroupKind, GroupRow, NewGroup, OrgId, Product, Store, StoreError, Tx, UserGroup,
    UserRow,
};

/// A call of a deprecated endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The organization of the path.
    pub org_id: &'a str,
    /// The id of the request, which the ledger records.
    pub request_id: &'a str,
    /// The time, in milliseconds since 1970.
    pub at: i64,
    /// The size limits. Only the largest group that profiles can be assigned to applies here.
    pub limits: RequestSizes,
}

/// A rejected call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyRejection {
    /// The HTTP status.
    pub status: u16,
    /// `errorCode`.
    pub code: Cow<'static, str>,
    /// `errorMessage`.
    pub message: String,
}

impl fmt::Display for LegacyRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for LegacyRejection {}

/// An error of a call. Nothing of the call was done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LegacyError {
    /// A rule was broken.
    #[error(transparent)]
    Rejected(LegacyRejection),
    /// The store failed: 500.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<EngineError> for LegacyError {
    fn from(rejected: EngineError) -> Self {
        match rejected {
            EngineError::Store(error) => Self::Store(error),
            EngineError::Rejected(rejection) => rejection.into(),
        }
    }
}

impl From<Rejection> for LegacyError {
    fn from(rejection: Rejection) -> Self {
        let status = match &*rejection.code {
            "error.organization.migrating" => 403,
            "error.command.product.not_found" => 404,
            _ => 400,
        };
        Self::Rejected(LegacyRejection { status, code: rejection.code, message: rejection.message })
    }
}

/// Creates a rejection as the documentation shows it: the message is the code.
fn documented<T>(status: u16, code: &'static str) -> Result<T, LegacyError> {
    Err(LegacyError::Rejected(LegacyRejection { status, code: Cow::Borrowed(code), message: code.to_owned() }))
}

/// Parses a body: an object, or an array with one object.
///
/// # Errors
/// If it is neither.
pub fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, LegacyError> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Body<T> {
        Held([T; 1]),
        Object(T),
    }
    match serde_json::from_slice(bytes) {
        Ok(Body::Held([body]) | Body::Object(body)) => Ok(body),
        Err(_) => Err(Rejection::new(
            "error.command.malformed",
            "The request must be a JSON object, or an array with one object, whose lists are arrays of strings",
        )
        .into()),
    }
}

fn run<T>(
    store: &Store,
    call: &Call<'_>,
    change: impl FnOnce(&mut Tx<'_>, OrgId) -> Result<T, LegacyError>,
) -> Result<T, LegacyError> {
    store.write(Some(Cause::request(call.at, call.request_id)), |tx| {
        let Some(org) = tx.rows().organization(call.org_id)? else {
            return Err(Rejection::new("error.organization.invalid_id", "Bad organization Id").into());
        };
        if org.migrating {
            return Err(migrating().into());
        }
        change(tx, org.id)
    })
}

fn users(tx: &Tx<'_>, org: OrgId, names: &[String]) -> Result<Vec<UserRow>, LegacyError> {
    no_duplicates(names, "error.command.add_remove.duplicate.user_list", "user")?;
    names.iter().map(|name| find_listed(tx.rows(), org, name)?.ok_or_else(|| nonexistent(name).into())).collect()
}

fn change_members(tx: &mut Tx<'_>, group: GroupId, add: &[UserRow], remove: &[UserRow]) -> Result<(), LegacyError> {
    for user in add {
        tx.add_member(user, group)?;
    }
    for user in remove {
        tx.remove_member(user, group)?;
    }
    Ok(())
}

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
    /// Users to add to the group.
    pub add_users: Vec<String>,
    /// Users to remove from the group.
    pub remove_users: Vec<String>,
    /// Users to make administrators of the group.
    pub add_admin_users: Vec<String>,
    /// Users that stop being administrators.
    pub remove_admin_users: Vec<String>,
}

/// `POST /{orgId}/user-groups`.
///
/// # Errors
/// If the name is invalid or taken.
pub fn create_user_group(store: &Store, call: &Call<'_>, fields: &UserGroupFields) -> Result<UserGroup, LegacyError> {
    run(store, call, |tx, org| {
        let name = fields.name.as_deref().unwrap_or_default();
        rules::group_name(name)?;
        if tx.rows().group_by_name(org, name)?.is_some() {
            return documented(400, "DUPLICATE_GROUP_NAME");
        }
        let new = NewGroup { name, description: fields.description.as_deref(), ..NewGroup::default() };
        let id = tx.create_user_group(org, &new)?;
        response(tx, org, id)
    })
}

/// `PUT /{orgId}/user-groups/{groupId}`.
///
/// # Errors
/// If the group does not exist or is read-only, or the name is invalid or taken.
pub fn update_user_group(
    store: &Store,
    call: &Call<'_>,
    id: GroupId,
    fields: &UserGroupFields,
) -> Result<UserGroup, LegacyError> {
    run(store, call, |tx, org| {
        let group = user_group(tx, org, id)?;
        if fields.name.is_none() && fields.description.is_none() {
            return Err(Rejection::new("error.user.command.missing.arguments", "name or description is missing").into());
        }
        must_be_writable(&group)?;
        if let Some(name) = &fields.name {
            rules::group_name(name)?;
            if tx.rows().group_by_name(org, name)?.is_some_and(|other| other.id != id) {
                return documented(400, "DUPLICATE_GROUP_NAME");
            }
        }
        update_group(tx, &group, fields.name.as_deref(), fields.description.as_deref())?;
        response(tx, org, id)
    })
}

/// `DELETE /{orgId}/user-groups/{groupId}`.
///
/// # Errors
/// If the group does not exist or is read-only.
pub fn delete_user_group(store: &Store, call: &Call<'_>, id: GroupId) -> Result<(), LegacyError> {
    run(store, call, |tx, org| {
        let group = user_group(tx, org, id)?;
        Ok(delete_group(tx, &group)?)
    })
}

/// `POST /{orgId}/user-groups/{groupId}`: the members and administrators of a user group.
///
/// # Errors
/// If the group or a user does not exist, or the group is read-only.
pub fn update_user_group_rights(
    store: &Store,
    call: &Call<'_>,
    id: GroupId,
    rights: &UserGroupRights,
) -> Result<UserGroup, LegacyError> {
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
        response(tx, org, id)
    })
}

fn user_group(tx: &Tx<'_>, org: OrgId, id: GroupId) -> Result<GroupRow, LegacyError> {
    match tx.rows().group_row(org, id)?.filter(|group| group.kind == GroupKind::UserGroup) {
        Some(group) => Ok(group),
        None => documented(404, "GROUP_NOT_FOUND"),
    }
}

fn response(tx: &mut Tx<'_>, org: OrgId, id: GroupId) -> Result<UserGroup, LegacyError> {
    tx.flush()?;
    match tx.rows().user_group(org, id)? {
        Some(group) => Ok(group),
        None => documented(404, "GROUP_NOT_FOUND"),
    }
}

/// The body of `POST /products/{productId}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProductAdmins {
    /// Users to make administrators of the product.
    pub add_product_admin: Vec<String>,
    /// Users that stop being administrators.
    pub remove_product_admin: Vec<String>,
}

/// The body of `POST /products/{productId}/configurations/{configId}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConfigurationRights {
    /// Users to add to the profile.
    pub add_users: Vec<String>,
    /// Users to remove from the profile.
    pub remove_users: Vec<String>,
    /// User groups to assign the profile to.
    pub add_user_groups: Vec<String>,
    /// User groups to unassign the profile from.
    pub remove_user_groups: Vec<String>,
    /// Users to make administrators of the profile.
    pub add_admin_users: Vec<String>,
    /// Users that stop being administrators.
    pub remove_admin_users: Vec<String>,
}

/// `POST /{orgId}/products/{productId}` and `…/admin`: the administrators of a product.
///
/// # Errors
/// If the product or a user does not exist, or nothing changes.
pub fn update_product_admins(
    store: &Store,
    call: &Call<'_>,
    product_id: &str,
    admins: &ProductAdmins,
) -> Result<Product, LegacyError> {
    run(store, call, |tx, org| {
        let product = product(tx, org, product_id)?;
        for (names, code, add) in [
            (&admins.add_product_admin, "error.productadmin.add.user.failed", true),
            (&admins.remove_product_admin, "error.productadmin.remove.admin.failed", false),
        ] {
            no_duplicates(names, "error.command.add_remove.duplicate.productadmin_list", "user")?;
            for name in names {
                let user = find_listed(tx.rows(), org, name)?.ok_or_else(|| unknown_admin(name, add))?;
                let changed =
                    if add { tx.add_member(&user, product.admins)? } else { tx.remove_member(&user, product.admins)? };
                if !changed {
                    return Err(Rejection::new(code, format!("The admin user list was not updated: {name}")).into());
                }
            }
        }
        tx.flush()?;
        self::product(tx, org, product_id)
    })
}

/// `POST /{orgId}/products/{productId}/configurations/{configId}`: users, user groups and administrators of a profile.
///
/// # Errors
/// If the product, the profile, a user or a user group does not exist, or the administrators do not change.
pub fn update_configuration(
    store: &Store,
    call: &Call<'_>,
    product_id: &str,
    configuration_id: &str,
    rights: &ConfigurationRights,
) -> Result<Configuration, LegacyError> {
    run(store, call, |tx, org| {
        let product = product(tx, org, product_id)?;
        let Some(configuration) = tx.rows().configuration(&product, configuration_id)? else {
            return documented(404, "PLC_NOT_FOUND");
        };
        let add = users(tx, org, &rights.add_users)?;
        let remove = users(tx, org, &rights.remove_users)?;
        change_members(tx, configuration.group, &add, &remove)?;
        change_user_groups(tx, call, org, configuration.group, rights)?;
        change_profile_admins(tx, org, &configuration, rights)?;
        tx.flush()?;
        match tx.rows().configuration(&product, configuration_id)? {
            Some(configuration) => Ok(configuration),
            None => documented(404, "PLC_NOT_FOUND"),
        }
    })
}

fn change_user_groups(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    org: OrgId,
    profile: GroupId,
    rights: &ConfigurationRights,
) -> Result<(), LegacyError> {
    let Some(profile) = tx.rows().group_row(org, profile)? else { return documented(404, "PLC_NOT_FOUND") };
    for group in user_groups(tx, org, &rights.add_user_groups)? {
        attach(tx, &group, &profile, &call.limits)?;
    }
    for group in user_groups(tx, org, &rights.remove_user_groups)? {
        tx.detach_profile(group.id, profile.id)?;
    }
    Ok(())
}

fn change_profile_admins(
    tx: &mut Tx<'_>,
    org: OrgId,
    configuration: &Configuration,
    rights: &ConfigurationRights,
) -> Result<(), LegacyError> {
    for name in &rights.add_admin_users {
        let user = find_listed(tx.rows(), org, name)?
            .ok_or_else(|| Rejection::new("plc.add.admin.error", format!("User Id does not exist: {name}")))?;
        if !tx.add_member(&user, configuration.admin_group)? {
            return Err(Rejection::new("plc.admin.already_added", format!("User is an admin already: {name}")).into());
        }
    }
    for name in &rights.remove_admin_users {
        tx.flush()?;
        let admins = tx.rows().group_row(org, configuration.admin_group)?.map_or(0, |group| group.members);
        if admins == 0 {
            return Err(Rejection::new("plc.admin.group.not_found", "The profile has no admins").into());
        }
        let removed = match find_listed(tx.rows(), org, name)? {
            Some(user) => tx.remove_member(&user, configuration.admin_group)?,
            None => false,
        };
        if !removed {
            return Err(Rejection::new("plc.remove.admin.error", format!("User is not an admin: {name}")).into());
        }
    }
    Ok(())
}

fn product(tx: &Tx<'_>, org: OrgId, id: &str) -> Result<Product, LegacyError> {
    let unknown = || Rejection::new("error.command.product.not_found", format!("Product {id} was not found"));
    tx.rows().product(org, id)?.ok_or_else(|| unknown().into())
}

fn unknown_admin(name: &str, add: bool) -> Rejection {
    let code =
        if add { "error.user.productadmin.add.user.failed" } else { "error.user.productadmin.remove.admin.failed" };
    Rejection::new(code, format!("User Id does not exist: {name}"))
}

fn user_groups(tx: &Tx<'_>, org: OrgId, names: &[String]) -> Result<Vec<GroupRow>, LegacyError> {
    no_duplicates(names, "error.command.add_remove.duplicate.usergroup_list", "user group")?;
    let mut found = Vec::new();
    let mut missing = None;
    for name in names {
        match tx.rows().group_by_name(org, name)?.filter(|group| group.kind == GroupKind::UserGroup) {
            Some(group) => found.push(group),
            None => missing = missing.or(Some(name)),
        }
    }
    match missing {
        None => Ok(found),
        Some(_) if found.is_empty() => Err(Rejection::new(
            "error.command.add_remove.invalid.usergroup_list",
            "No user groups were found to add or remove",
        )
        .into()),
        Some(_) => Err(Rejection::new("error.usergroup.not_found", "UserGroup not found").into()),
    }
}
