//! The rules of names in memberships, which may stand in a list or as a root.

use umapi_model::ErrorCode;

use super::{domain_name, fields};
use crate::command::BrokenRule;
use crate::command::names::is_email_type;

/// A user by address, or by username with or without a domain.
pub(crate) fn membership_user(name: &str, domain: Option<&str>, use_adobe_id: bool) -> Result<(), BrokenRule> {
    if name.is_empty() {
        let remedy = "give an email address or a username";
        return Err(BrokenRule::new(ErrorCode::CommandUserMissing, "user", "it must name a user", remedy));
    }
    fields::user("user", name)?;
    match domain {
        Some(_) if is_email_type(name) && !use_adobe_id => Err(BrokenRule::new(
            ErrorCode::CommandDomainMustBeUsedWithNonemailUsername,
            "domain",
            "it can only be used with a user that is no email address",
            "take it off: the address says which domain it is",
        )),
        Some(domain) => domain_name(domain),
        None => Ok(()),
    }
}

/// A group that somebody joins or leaves.
pub(crate) fn membership_group(name: &str) -> Result<(), BrokenRule> {
    fields::group("group", name)?;
    fields::touchable("group", name)
}
