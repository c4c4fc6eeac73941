//! Where a new account belongs: the rules of types, claimed domains, trust and login that every creation follows,
//! whether a step asks for it or a seed.

use super::refusal::refuse;
use super::{Refusal, Rejected, rules};
use crate::store::{Claim, Directory, Organization, Reader, UserKind, domain_of, fold, is_email_type};

/// A place for a new account.
#[derive(Debug)]
pub(super) struct Placement {
    pub(super) directory: Option<Directory>,
    pub(super) domain: String,
    /// The username, if it is not the address.
    pub(super) username: Option<String>,
    /// Whether the organization owns the account; else it belongs to the person, or another organization trusts it with
    /// the directory.
    pub(super) owned: bool,
}

/// Finds the place of an account: `user` is how the command names it, `email` its address.
pub(super) fn place(
    rows: Reader<'_>,
    org: &Organization,
    kind: UserKind,
    user: &str,
    domain: Option<&str>,
    email: &str,
) -> Result<Placement, Rejected> {
    if kind != UserKind::Unknown && !org.user_kinds.contains(kind) {
        return refuse(
            "error.user.type_not_available",
            format!("The user type {} is not available for this organization", kind.as_str()),
        );
    }
    match kind {
        UserKind::EnterpriseId | UserKind::FederatedId => in_directory(rows, org, kind, user, domain, email),
        UserKind::AdobeId | UserKind::Unknown => {
            if fold(user) != fold(email) {
                return Err(no_match(user, email));
            }
            let domain = domain_of(email);
            if rows.claim(org.id, domain)?.is_some_and(|claim| claim.enforced) {
                return refuse(
                    "error.user.domain_enforcement",
                    format!("The domain {domain} is enforced: it takes no users of type {}", kind.as_str()),
                );
            }
            Ok(Placement { directory: None, domain: domain.to_owned(), username: None, owned: false })
        }
    }
}

fn in_directory(
    rows: Reader<'_>,
    org: &Organization,
    kind: UserKind,
    user: &str,
    domain: Option<&str>,
    email: &str,
) -> Result<Placement, Rejected> {
    // A username needs `domain` beside it; an address brings its own.
    let domain = domain.filter(|_| !is_email_type(user)).unwrap_or_else(|| domain_of(email));
    let claim = usable_claim(rows, org, domain)?;
    let directory = claim.directory;
    if directory.federated != (kind == UserKind::FederatedId) {
        return refuse(
            "error.user.type_mismatch",
            "The user type requested for the invite does not match the claimed domain type",
        );
    }
    let username = login_name(rows, org, &directory, user, email)?;
    Ok(Placement { domain: domain.to_owned(), username, owned: claim.owned, directory: Some(directory) })
}

/// The username that an account of a directory gets, if it is not the address.
fn login_name(
    rows: Reader<'_>,
    org: &Organization,
    directory: &Directory,
    user: &str,
    email: &str,
) -> Result<Option<String>, Rejected> {
    match (is_email_type(user), directory.username_login) {
        (true, true) => refuse("error.user.name.contains.email", format!("Username is invalid: {user}")),
        (false, true) => {
            rules::username(user)?;
            Ok(Some(user.to_owned()))
        }
        (false, false) => Err(no_match(user, email)),
        (true, false) if fold(user) == fold(email) => Ok((user != email).then(|| user.to_owned())),
        // Adobe's collection of sample requests creates Federated IDs whose login is another address than their email.
        // The documentation says that "some FederatedID organizations" need no match: here, those addresses that are
        // in the same directory.
        (true, false) => {
            rules::email(user)?;
            let login = rows.claim(org.id, domain_of(user))?.filter(|login| login.directory.id == directory.id);
            if directory.federated && login.is_some() { Ok(Some(user.to_owned())) } else { Err(no_match(user, email)) }
        }
    }
}

/// The directory that claims a domain, if the organization may use it: its own, or one that trusts it.
pub(super) fn usable_claim(rows: Reader<'_>, org: &Organization, domain: &str) -> Result<Claim, Rejected> {
    match rows.claim(org.id, domain)? {
        Some(claim) if claim.owned || claim.trusted => Ok(claim),
        Some(_) => refuse(
            "error.user.belongs_to_another_org",
            "Illegal to invite user from another organization's owned auth src",
        ),
        None => Err(unclaimed()),
    }
}

/// The account that an organization takes in from a directory it is trusted with. It makes none there itself.
pub(super) fn trusted(
    rows: Reader<'_>,
    place: &Placement,
    directory: &Directory,
    email: &str,
) -> Result<i64, Rejected> {
    let account = match &place.username {
        Some(username) => rows.users_by_username(directory.org, username, Some(directory.id))?.into_iter().next(),
        None => rows.user_by_email(directory.org, email, false)?,
    };
    match account {
        Some(account) => Ok(account.account),
        None => refuse(
            "error.api.user.not.parent.org",
            format!("Only the organization that owns the domain can create users in it: {email}"),
        ),
    }
}

/// Accounts of an organization's own types live in claimed domains only.
pub(super) fn unclaimed() -> Rejected {
    Refusal::new("error.domain.trust.nonexistent", "Changes to users are only allowed in claimed domains.").into()
}

fn no_match(user: &str, email: &str) -> Rejected {
    Refusal::new(
        "error.user.must_match_email",
        format!("The user name must be a valid email address and match the email field: {user}, {email}"),
    )
    .into()
}
