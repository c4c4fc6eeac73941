use serde::Deserialize;

use super::{Call, LegacyFailure, change_members, run, shown, users};
use crate::engine::Refusal;
use crate::engine::add_remove::no_duplicates;
use crate::engine::lookup::find_listed;
use crate::engine::user_group::attach;
use crate::store::{Configuration, GroupId, GroupKind, GroupRow, OrgId, Product, Store, Tx};

/// The body of `POST /products/{productId}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProductAdmins {
    /// Users to make administrators of the product.
    pub add_product_admin: Vec<String>,
    /// Users to be administrators no more.
    pub remove_product_admin: Vec<String>,
}

/// The body of `POST /products/{productId}/configurations/{configId}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConfigurationRights {
    /// Users to put into the profile.
    pub add_users: Vec<String>,
    /// Users to take out of the profile.
    pub remove_users: Vec<String>,
    /// User groups to bring the profile.
    pub add_user_groups: Vec<String>,
    /// User groups to bring it no more.
    pub remove_user_groups: Vec<String>,
    /// Users to make administrators of the profile.
    pub add_admin_users: Vec<String>,
    /// Users to be administrators no more.
    pub remove_admin_users: Vec<String>,
}

/// `POST /{orgId}/products/{productId}` and `…/admin`: the administrators of a product.
///
/// # Errors
/// If there is no such product or user, or nothing changes.
pub fn update_product_admins(
    store: &Store,
    call: &Call<'_>,
    product_id: &str,
    admins: &ProductAdmins,
) -> Result<Product, LegacyFailure> {
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
                    return Err(Refusal::new(code, format!("The admin user list was not updated: {name}")).into());
                }
            }
        }
        tx.settle()?;
        self::product(tx, org, product_id)
    })
}

/// `POST /{orgId}/products/{productId}/configurations/{configId}`: users, user groups and administrators of a profile.
///
/// # Errors
/// If there is no such product, profile, user or user group, or the administrators do not change.
pub fn update_configuration(
    store: &Store,
    call: &Call<'_>,
    product_id: &str,
    configuration_id: &str,
    rights: &ConfigurationRights,
) -> Result<Configuration, LegacyFailure> {
    run(store, call, |tx, org| {
        let product = product(tx, org, product_id)?;
        let Some(configuration) = tx.rows().configuration(&product, configuration_id)? else {
            return shown(404, "PLC_NOT_FOUND");
        };
        let add = users(tx, org, &rights.add_users)?;
        let remove = users(tx, org, &rights.remove_users)?;
        change_members(tx, configuration.group, &add, &remove)?;
        change_user_groups(tx, call, org, configuration.group, rights)?;
        change_profile_admins(tx, org, &configuration, rights)?;
        tx.settle()?;
        match tx.rows().configuration(&product, configuration_id)? {
            Some(configuration) => Ok(configuration),
            None => shown(404, "PLC_NOT_FOUND"),
        }
    })
}

fn change_user_groups(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    org: OrgId,
    profile: GroupId,
    rights: &ConfigurationRights,
) -> Result<(), LegacyFailure> {
    let Some(profile) = tx.rows().group_row(org, profile)? else { return shown(404, "PLC_NOT_FOUND") };
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
) -> Result<(), LegacyFailure> {
    for name in &rights.add_admin_users {
        let user = find_listed(tx.rows(), org, name)?
            .ok_or_else(|| Refusal::new("plc.add.admin.error", format!("User Id does not exist: {name}")))?;
        if !tx.add_member(&user, configuration.admin_group)? {
            return Err(Refusal::new("plc.admin.already_added", format!("User is an admin already: {name}")).into());
        }
    }
    for name in &rights.remove_admin_users {
        tx.settle()?;
        let admins = tx.rows().group_row(org, configuration.admin_group)?.map_or(0, |group| group.members);
        if admins == 0 {
            return Err(Refusal::new("plc.admin.group.not_found", "The profile has no admins").into());
        }
        let removed = match find_listed(tx.rows(), org, name)? {
            Some(user) => tx.remove_member(&user, configuration.admin_group)?,
            None => false,
        };
        if !removed {
            return Err(Refusal::new("plc.remove.admin.error", format!("User is no admin: {name}")).into());
        }
    }
    Ok(())
}

fn product(tx: &Tx<'_>, org: OrgId, id: &str) -> Result<Product, LegacyFailure> {
    let unknown = || Refusal::new("error.command.product.not_found", format!("Product {id} was not found"));
    tx.rows().product(org, id)?.ok_or_else(|| unknown().into())
}

fn unknown_admin(name: &str, add: bool) -> Refusal {
    let code =
        if add { "error.user.productadmin.add.user.failed" } else { "error.user.productadmin.remove.admin.failed" };
    Refusal::new(code, format!("User Id does not exist: {name}"))
}

fn user_groups(tx: &Tx<'_>, org: OrgId, names: &[String]) -> Result<Vec<GroupRow>, LegacyFailure> {
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
        Some(_) if found.is_empty() => Err(Refusal::new(
            "error.command.add_remove.invalid.usergroup_list",
            "No user groups were found to add or remove",
        )
        .into()),
        Some(name) => Err(Refusal::new("error.usergroup.not_found", format!("Group {name} was not found")).into()),
    }
}
