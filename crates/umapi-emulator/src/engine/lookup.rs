//! Finds the user that a user string refers to.

use super::outcome::{EngineError, Rejection, reject};
use crate::store::{OrgId, Presence, Reader, StoreError, UserKind, UserRow, is_email_type};

/// The result of looking up a user string.
#[derive(Debug)]
pub(super) enum Lookup {
    /// A user of the organization.
    Member(UserRow),
    /// An account that the organization has but that is not a user of it: removed earlier, or only invited.
    NotInOrg(UserRow),
    /// Only an account of another type than requested.
    OtherType,
    /// A username that exists in another directory of the organization.
    OtherDirectory,
    /// No account.
    NotFound,
}

/// Finds the user of a command. An email address means the organization's own account before the Adobe ID, unless the
/// Adobe ID is requested; a username is looked up in the directory of a domain.
pub(super) fn find(
    rows: Reader<'_>,
    org: OrgId,
    user: &str,
    domain: Option<&str>,
    use_adobe_id: bool,
) -> Result<Lookup, StoreError> {
    if is_email_type(user) {
        let adobe = rows.user_by_email(org, user, true)?;
        let own = rows.user_by_email(org, user, false)?;
        return Ok(match (use_adobe_id, own, adobe) {
            (true, _, Some(adobe)) => membership_of(adobe),
            (true, Some(_), None) => Lookup::OtherType,
            // An own account that is not a user of the organization does not hide an Adobe ID that is one.
            (false, Some(own), Some(adobe)) if own.presence != Presence::Member => membership_of(adobe),
            (false, Some(own), _) => membership_of(own),
            (false, None, Some(adobe)) => membership_of(adobe),
            (_, None, None) => Lookup::NotFound,
        });
    }
    let claim = match domain {
        Some(domain) => rows.claim(org, domain)?,
        None => None,
    };
    if let Some(claim) = claim
        && let Some(user) = rows.users_by_username(org, user, Some(claim.directory.id))?.into_iter().next()
    {
        return Ok(membership_of(user));
    }
    let elsewhere = !rows.users_by_username(org, user, None)?.is_empty();
    Ok(if elsewhere { Lookup::OtherDirectory } else { Lookup::NotFound })
}

fn membership_of(user: UserRow) -> Lookup {
    if user.presence == Presence::Member { Lookup::Member(user) } else { Lookup::NotInOrg(user) }
}

/// Finds a user in a list, where no domain is given: by email address, or by a username that exists in only one
/// directory.
pub(super) fn find_listed(rows: Reader<'_>, org: OrgId, user: &str) -> Result<Option<UserRow>, EngineError> {
    if is_email_type(user) {
        return Ok(match find(rows, org, user, None, false)? {
            Lookup::Member(user) => Some(user),
            _ => None,
        });
    }
    let mut users = rows.users_by_username(org, user, None)?;
    users.retain(|user| user.presence == Presence::Member);
    if users.len() > 1 {
        return reject(
            "error.user.not_found_or_ambiguous",
            format!("More than one user of the organization has this name: {user}"),
        );
    }
    Ok(users.pop())
}

pub(super) fn nonexistent(user: &str) -> Rejection {
    Rejection::new("error.user.nonexistent", format!("User Id does not exist: {user}"))
}

pub(super) fn not_in_org(user: &str) -> Rejection {
    Rejection::new("error.user.not_in_org", format!("User is not in the organization: {user}"))
}

/// Checks that the organization may change the account: that it owns the account's directory.
///
/// # Errors
/// The given rejection, if another organization owns the account.
pub(super) fn must_own(
    rows: Reader<'_>,
    user: &UserRow,
    rejection: impl FnOnce() -> Rejection,
) -> Result<(), EngineError> {
    let directory = match user.directory {
        Some(directory) => rows.directory(directory)?,
        None => None,
    };
    if user.kind == UserKind::Unknown || directory.is_none_or(|directory| directory.org != user.org) {
        return Err(rejection().into());
    }
    Ok(())
}
