//! The writes of the deprecated endpoints: `user-groups`, `products`, `configurations`.
//!
//! Each call is one transaction: it does all that its body asks, or nothing. Refusals that the documentation shows have
//! its upper-case codes (`DUPLICATE_GROUP_NAME`, `GROUP_NOT_FOUND`, `PLC_NOT_FOUND`), the others the codes of its list.

mod products;
mod user_groups;

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::action::{Limits, migrating};
use super::add_remove::no_duplicates;
use super::lookup::{find_listed, nonexistent};
use super::{Refusal, Rejected};
use crate::store::{Cause, GroupId, OrgId, Store, StoreError, Tx, UserRow};

pub use products::{ConfigurationRights, ProductAdmins, update_configuration, update_product_admins};
pub use user_groups::{
    UserGroupFields, UserGroupRights, create_user_group, delete_user_group, update_user_group, update_user_group_rights,
};

/// A call of a deprecated endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The organization of the path.
    pub org_id: &'a str,
    /// The request's id: what the ledger records the changes under.
    pub request_id: &'a str,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// How many users a group may have that profiles are added to.
    pub limits: Limits,
}

/// Why a call was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyRefusal {
    /// The HTTP status.
    pub status: u16,
    /// `errorCode`.
    pub code: Cow<'static, str>,
    /// `errorMessage`.
    pub message: String,
}

impl fmt::Display for LegacyRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for LegacyRefusal {}

/// Why a call was not done. Nothing of it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LegacyFailure {
    /// A rule was broken.
    #[error(transparent)]
    Refused(LegacyRefusal),
    /// The store could not do its work: 500.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Rejected> for LegacyFailure {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Store(error) => Self::Store(error),
            Rejected::Refused(refusal) => refusal.into(),
        }
    }
}

impl From<Refusal> for LegacyFailure {
    fn from(refusal: Refusal) -> Self {
        let status = match &*refusal.code {
            "error.organization.migrating" => 403,
            "error.command.product.not_found" => 404,
            _ => 400,
        };
        Self::Refused(LegacyRefusal { status, code: refusal.code, message: refusal.message })
    }
}

/// A refusal as the documentation shows them: the message is the code.
fn shown<T>(status: u16, code: &'static str) -> Result<T, LegacyFailure> {
    Err(LegacyFailure::Refused(LegacyRefusal { status, code: Cow::Borrowed(code), message: code.to_owned() }))
}

/// Reads a body: the object, or an array holding it.
///
/// # Errors
/// If it is neither.
pub fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, LegacyFailure> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Body<T> {
        Held([T; 1]),
        Object(T),
    }
    match serde_json::from_slice(bytes) {
        Ok(Body::Held([body]) | Body::Object(body)) => Ok(body),
        Err(_) => Err(Refusal::new(
            "error.command.malformed",
            "The request must be a JSON object, or an array holding it, whose lists are arrays of strings",
        )
        .into()),
    }
}

fn run<T>(
    store: &Store,
    call: &Call<'_>,
    change: impl FnOnce(&mut Tx<'_>, OrgId) -> Result<T, LegacyFailure>,
) -> Result<T, LegacyFailure> {
    store.write(Some(Cause::request(call.at, call.request_id)), |tx| {
        let Some(org) = tx.rows().organization(call.org_id)? else {
            return Err(Refusal::new("error.organization.invalid_id", "Bad organization Id").into());
        };
        if org.migrating {
            return Err(migrating().into());
        }
        change(tx, org.id)
    })
}

fn users(tx: &Tx<'_>, org: OrgId, names: &[String]) -> Result<Vec<UserRow>, LegacyFailure> {
    no_duplicates(names, "error.command.add_remove.duplicate.user_list", "user")?;
    names.iter().map(|name| find_listed(tx.rows(), org, name)?.ok_or_else(|| nonexistent(name).into())).collect()
}

fn change_members(tx: &mut Tx<'_>, group: GroupId, add: &[UserRow], remove: &[UserRow]) -> Result<(), LegacyFailure> {
    for user in add {
        tx.add_member(user, group)?;
    }
    for user in remove {
        tx.remove_member(user, group)?;
    }
    Ok(())
}
