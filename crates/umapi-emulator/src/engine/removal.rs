//! Removes users from the organization, and resets passwords.

use super::{
    command::{Context, Target},
    create::unclaimed,
    lookup::{self, Lookup},
    outcome::{EngineError, Rejection, reject},
};
use crate::store::{UserKind, UserRow, domain_of, is_email_type};

impl Context<'_, '_> {
    /// Runs `removeFromOrg`, which succeeds even if the user does not exist.
    ///
    /// Without `deleteAccount`, the older `removedDomain` deletes the account too, as the documentation of 2017
    /// says.
    pub(super) fn remove_from_org(
        &mut self,
        delete: Option<bool>,
        removed_domain: Option<&str>,
    ) -> Result<(), EngineError> {
        if let Some(domain) = removed_domain {
            self.must_be_usable(domain)?;
        }
        let delete = delete.unwrap_or(removed_domain.is_some());
        match self.find_user()? {
            Lookup::Member(user) => {
                if !delete || user.kind == UserKind::AdobeId {
                    return Ok(self.tx.leave(&user)?);
                }
                self.must_be_parent(&user)?;
                Ok(self.tx.delete_account(user.account)?)
            }
            Lookup::NotInOrg(user) if delete && user.kind != UserKind::AdobeId => {
                self.must_be_parent(&user)?;
                Ok(self.tx.delete_account(user.account)?)
            }
            Lookup::NotFound | Lookup::OtherDirectory if delete && !self.options.test_only => {
                self.delete_missing_user()
            }
            Lookup::NotInOrg(_) | Lookup::OtherType | Lookup::NotFound | Lookup::OtherDirectory => Ok(()),
        }
    }

    /// Deleting a user that does not exist succeeds, except that a recording of 2017 shows it failing for an address in
    /// a domain with username login, where an address never names a user.
    fn delete_missing_user(&self) -> Result<(), EngineError> {
        let (name, _) = self.user_name();
        let claim = self.tx.rows().claim(self.org.id, domain_of(name))?;
        if is_email_type(name) && claim.is_some_and(|claim| claim.directory.username_login) {
            return Err(lookup::nonexistent(name).into());
        }
        Ok(())
    }

    /// Checks that the organization owns the account, and so may delete it.
    fn must_be_parent(&self, user: &UserRow) -> Result<(), EngineError> {
        lookup::must_own(self.tx.rows(), user, || {
            Rejection::new(
                "error.api.user.not.parent.org",
                format!("Only the organization that owns the account can delete it: {}", user.email),
            )
        })
    }

    fn must_be_usable(&self, domain: &str) -> Result<(), EngineError> {
        match self.tx.rows().claim(self.org.id, domain)? {
            Some(claim) if claim.owned || claim.trusted => Ok(()),
            _ => Err(unclaimed()),
        }
    }

    /// Runs `removeFromDomain` (deprecated): deletes the account from a domain that the organization owns, and so from
    /// every organization.
    pub(super) fn remove_from_domain(&mut self, domain: &str) -> Result<(), EngineError> {
        let claim = self.tx.rows().claim(self.org.id, domain)?;
        let Some(claim) = claim.filter(|claim| claim.owned) else { return Err(unclaimed()) };
        let Target::User(user) = self.member()? else { return Ok(()) };
        if user.kind == UserKind::AdobeId {
            return Err(not_for_adobe_ids("removeFromDomain", &user));
        }
        if user.directory != Some(claim.directory.id) {
            return Err(unclaimed());
        }
        Ok(self.tx.delete_account(user.account)?)
    }

    /// Runs `resetPassword` (deprecated), for an Enterprise ID that the organization owns.
    pub(super) fn reset_password(&mut self) -> Result<(), EngineError> {
        let Target::User(user) = self.member()? else { return Ok(()) };
        match user.kind {
            UserKind::AdobeId => return Err(not_for_adobe_ids("resetPassword", &user)),
            UserKind::EnterpriseId => {}
            UserKind::FederatedId | UserKind::Unknown => {
                return reject(
                    "error.user.type_mismatch",
                    format!("resetPassword is for Enterprise IDs only, not for {}", user.kind.as_str()),
                );
            }
        }
        lookup::must_own(self.tx.rows(), &user, || lookup::not_in_org(&user.email))?;
        Ok(self.tx.reset_password(&user)?)
    }
}

fn not_for_adobe_ids(step: &str, user: &UserRow) -> EngineError {
    Rejection::new(
        "error.user.type_must_not_be_adobeid",
        format!("{step} cannot be applied to an Adobe ID: {}", user.email),
    )
    .into()
}
