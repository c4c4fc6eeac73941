//! Does what the Admin Console does and the service has no endpoint for: organizations, directories, products,
//! profiles, quotas, accounts in any state. Seeds and the management API use it, so both follow the same rules.
//!
//! Rules without a code of the service have one that begins with `emulator.`.

use super::{
    create::{Placement, place, trusted},
    outcome::{EngineError, Rejection, reject},
    request::with_email_type,
    rules::{self, identifier_length, no_hidden, person_name},
};
use crate::store::{
    DirectoryId, GroupId, NewDirectory, NewGroup, NewIntegration, NewOrganization, NewProduct, NewUser, OrgId,
    Organization, Presence, ProductId, Tx, UserId, UserKind, UserStatus, fold,
};

/// An account to create, in any state.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Account<'a> {
    /// Its type.
    pub kind: UserKind,
    /// Its address.
    pub email: &'a str,
    /// Its username, if it is not its address.
    pub username: Option<&'a str>,
    /// The domain that identifies the directory of a username.
    pub domain: Option<&'a str>,
    /// The first name.
    pub firstname: Option<&'a str>,
    /// The last name.
    pub lastname: Option<&'a str>,
    /// The two-letter country code.
    pub country: Option<&'a str>,
    /// The phone number.
    pub phone: Option<&'a str>,
    /// Its state.
    pub status: UserStatus,
    /// Its relation to the organization.
    pub presence: Presence,
    /// Whether it is a technical account, which is counted but not listed.
    pub technical: bool,
}

impl<'a> Account<'a> {
    /// An active user with this address.
    #[must_use]
    pub fn new(kind: UserKind, email: &'a str) -> Self {
        Self {
            kind,
            email,
            username: None,
            domain: None,
            firstname: None,
            lastname: None,
            country: None,
            phone: None,
            status: UserStatus::Active,
            presence: Presence::Member,
            technical: false,
        }
    }
}

/// Creates an organization.
///
/// # Errors
/// If the id is invalid or taken.
pub fn organization(tx: &mut Tx<'_>, org_id: &str, name: &str) -> Result<OrgId, EngineError> {
    let part = org_id.strip_suffix("@AdobeOrg").unwrap_or_default();
    if part.is_empty() || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
        return reject(
            "error.organization.invalid_id",
            format!("Organization id is invalid: {org_id}, it must be a hexadecimal number followed by @AdobeOrg"),
        );
    }
    if tx.rows().organization(org_id)?.is_some() {
        return reject("emulator.organization.exists", format!("Organization already exists: {org_id}"));
    }
    identifier_length("name", name)?;
    no_hidden("error.organization.invalid_name", "name", name)?;
    Ok(tx.create_organization(&NewOrganization { org_id, name })?)
}

/// Creates a directory.
///
/// # Errors
/// If it has no name, or logs in with usernames and is not federated.
pub fn directory(tx: &Tx<'_>, org: OrgId, new: &NewDirectory<'_>) -> Result<DirectoryId, EngineError> {
    if new.name.trim().is_empty() {
        return reject("emulator.directory.invalid", "A directory must have a name");
    }
    identifier_length("name", new.name)?;
    no_hidden("emulator.directory.invalid", "name", new.name)?;
    if new.username_login && !new.federated {
        return reject("emulator.directory.invalid", "Only a federated directory can use username login");
    }
    Ok(tx.create_directory(org, new)?)
}

/// Claims a domain for a directory.
///
/// # Errors
/// If the domain is invalid or already claimed.
pub fn claim(tx: &Tx<'_>, org: OrgId, directory: DirectoryId, domain: &str, enforced: bool) -> Result<(), EngineError> {
    rules::domain(domain)?;
    if tx.rows().claim(org, domain)?.is_some() {
        return reject("emulator.domain.claimed", format!("Domain is already claimed: {domain}"));
    }
    Ok(tx.claim_domain(directory, domain, enforced)?)
}

/// Allows another organization to use a directory.
///
/// # Errors
/// If the organization does not exist.
pub fn trust(tx: &Tx<'_>, directory: DirectoryId, trustee: &str) -> Result<(), EngineError> {
    match tx.rows().organization(trustee)? {
        Some(trustee) => Ok(tx.trust(directory, trustee.id)?),
        None => reject("error.organization.invalid_id", format!("Organization does not exist: {trustee}")),
    }
}

/// Creates a product.
///
/// # Errors
/// If the name or the id is invalid or taken, or the quota is negative.
pub fn product(tx: &mut Tx<'_>, org: OrgId, new: &NewProduct<'_>) -> Result<ProductId, EngineError> {
    rules::group_name(new.name)?;
    check_quota(new.quota)?;
    no_hidden("emulator.product.invalid", "code", new.code)?;
    no_hidden("emulator.product.invalid", "id", new.external_id.unwrap_or_default())?;
    if tx.rows().product_by_name(org, new.name)?.is_some() {
        return reject("emulator.product.exists", format!("Product already exists: {}", new.name));
    }
    if let Some(external_id) = new.external_id
        && tx.rows().product(org, external_id)?.is_some()
    {
        return reject("emulator.product.exists", format!("Product id is already taken: {external_id}"));
    }
    Ok(tx.create_product(org, new)?)
}

/// Creates a profile of a product.
///
/// # Errors
/// If the name is invalid or taken, or the quota is negative.
pub fn profile(tx: &mut Tx<'_>, org: OrgId, product: ProductId, new: &NewGroup<'_>) -> Result<GroupId, EngineError> {
    free_group_name(tx, org, new.name)?;
    check_quota(new.quota)?;
    Ok(tx.create_profile(product, new)?)
}

/// Creates a user group, which may be read-only: then another organization owns its users.
///
/// # Errors
/// If the name is invalid or taken.
pub fn user_group(tx: &mut Tx<'_>, org: OrgId, new: &NewGroup<'_>) -> Result<GroupId, EngineError> {
    free_group_name(tx, org, new.name)?;
    Ok(tx.create_user_group(org, new)?)
}

/// Sets the licenses of a profile; `None` is unlimited.
///
/// # Errors
/// If the quota is negative.
pub fn quota(tx: &mut Tx<'_>, profile: GroupId, quota: Option<i64>) -> Result<(), EngineError> {
    check_quota(quota)?;
    Ok(tx.set_quota(profile, quota)?)
}

/// Creates an account, in any state, by the rules of the create steps.
///
/// # Errors
/// With the code that the create step has.
pub fn account(tx: &mut Tx<'_>, org: &Organization, new: &Account<'_>) -> Result<UserId, EngineError> {
    rules::email(new.email)?;
    person_name("firstname", new.firstname.unwrap_or_default())?;
    person_name("lastname", new.lastname.unwrap_or_default())?;
    no_hidden("error.user.name.invalid", "phone", new.phone.unwrap_or_default())?;
    new.country.map_or(Ok(()), rules::country)?;
    let user = new.username.unwrap_or(new.email);
    identifier_length("username", user)?;
    let rows = tx.rows();
    let placement = place(rows, org, new.kind, user, new.domain, new.email)?;
    let directory = placement.directory.as_ref();
    if new.domain.is_some_and(|domain| fold(domain) != placement.domain) {
        return Err(with_email_type().into());
    }
    if new.presence == Presence::DirectoryOnly && !placement.owned {
        return reject(
            "emulator.user.elsewhere",
            format!("User is in no directory of the organization: {}, the presence cannot be directoryOnly", new.email),
        );
    }
    free_account(tx, org.id, new, &placement)?;
    let account = match directory {
        Some(directory) if !placement.owned => Some(trusted(rows, &placement, directory, new.email)?),
        _ => None,
    };
    Ok(tx.create_user(
        org.id,
        &NewUser {
            kind: new.kind,
            status: new.status,
            presence: new.presence,
            technical: new.technical,
            account,
            directory: directory.map(|directory| directory.id),
            domain: new.domain.unwrap_or(&placement.domain),
            email: new.email,
            username: placement.username.as_deref(),
            firstname: new.firstname,
            lastname: new.lastname,
            country: new.country,
            phone: new.phone,
        },
    )?)
}

/// Creates an integration and its technical account.
///
/// # Errors
/// If the client id or the technical account is invalid or taken.
pub fn integration(tx: &mut Tx<'_>, org: OrgId, new: &NewIntegration<'_>) -> Result<i64, EngineError> {
    if new.client_id.is_empty() || !new.client_id.bytes().all(|b| b.is_ascii_graphic()) {
        return reject(
            "emulator.integration.invalid",
            format!("Client id is invalid: {}, it must be visible ASCII without spaces", new.client_id),
        );
    }
    no_hidden("emulator.integration.invalid", "name", new.name)?;
    for account in [new.technical_account, new.technical_account_email] {
        no_hidden("emulator.integration.invalid", "Technical account", account)?;
        if account.strip_suffix("@techacct.adobe.com").is_none_or(str::is_empty) {
            return reject(
                "emulator.integration.invalid",
                format!("Technical account is invalid: {account}, it must end in @techacct.adobe.com"),
            );
        }
    }
    if tx.rows().integration(new.client_id)?.is_some() {
        return reject("emulator.integration.exists", format!("Client id is already taken: {}", new.client_id));
    }
    let rows = tx.rows();
    let mut same_account = rows.user_by_email(org, new.technical_account_email, true)?.is_some();
    for org in rows.organizations()? {
        let others = rows.integrations(org.id)?;
        same_account |= others.iter().any(|other| other.technical_account == new.technical_account);
    }
    if same_account {
        return reject(
            "emulator.integration.exists",
            format!("Technical account is already taken: {}", new.technical_account),
        );
    }
    Ok(tx.create_integration(org, new)?)
}

fn check_quota(quota: Option<i64>) -> Result<(), Rejection> {
    if quota.is_some_and(|quota| quota < 0) {
        return Err(Rejection::new("emulator.quota.invalid", "A quota must not be negative"));
    }
    Ok(())
}

fn free_group_name(tx: &Tx<'_>, org: OrgId, name: &str) -> Result<(), EngineError> {
    rules::group_name(name)?;
    if tx.rows().group_by_name(org, name)?.is_some() {
        return reject("error.usergroup.already_exists", format!("Group {name} already exists"));
    }
    Ok(())
}

fn free_account(tx: &Tx<'_>, org: OrgId, new: &Account<'_>, place: &Placement) -> Result<(), EngineError> {
    let rows = tx.rows();
    let adobe = new.kind == UserKind::AdobeId;
    let mut taken = rows.user_by_email(org, new.email, adobe)?.is_some();
    if let Some(directory) = &place.directory {
        let username = place.username.as_deref().unwrap_or(new.email);
        taken |= !rows.users_by_username(org, username, Some(directory.id))?.is_empty();
    }
    if taken {
        return reject("error.user.already_in_org", format!("User is already in the organization: {}", new.email));
    }
    Ok(())
}
