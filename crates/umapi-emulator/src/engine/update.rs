//! Updates users: names, address and username.

use super::{
    command::{Context, Target},
    create::changes,
    lookup::{self, Lookup},
    outcome::{EngineError, Rejection, reject},
    steps::UpdateUser,
};
use crate::store::{Directory, UserChange, UserKind, UserRow, domain_of, fold, is_email_type};

impl Context<'_, '_> {
    /// Runs `update`.
    pub(super) fn update_user(&mut self, update: &UpdateUser) -> Result<(), EngineError> {
        if let Lookup::OtherDirectory = self.find_user()? {
            return reject(
                "error.update.domain.mismatch",
                "The domain in the request does not match the domain of the user",
            );
        }
        let Target::User(user) = self.member()? else { return Ok(()) };
        let directory = self.updatable(&user)?;
        let email = match &update.email {
            // Letter case cannot be changed: an address that differs in case only is not a change.
            Some(email) if fold(email) != fold(&user.email) => {
                self.check_new_email(&user, &directory, email)?;
                Some(email.as_str())
            }
            _ => None,
        };
        let username = match (&update.username, email) {
            (Some(username), _) => {
                if *username != user.username {
                    self.check_new_username(&user, &directory, username)?;
                }
                // Kept even if it is the present one: only an absent username follows the email address.
                Some(username.as_str())
            }
            (None, Some(email)) if !directory.username_login => {
                self.check_free_username(&user, &directory, email)?;
                Some(email)
            }
            (None, _) => None,
        };
        let domain = email.filter(|_| !directory.username_login).map(|email| fold(domain_of(email)));
        let change = UserChange {
            email,
            username,
            domain: domain.as_deref(),
            firstname: update.firstname.as_deref(),
            lastname: update.lastname.as_deref(),
        };
        if changes(&user, &change) {
            self.tx.change_account(user.account, &change)?;
        }
        Ok(())
    }

    /// Returns the directory of an account that this organization may change.
    fn updatable(&self, user: &UserRow) -> Result<Directory, EngineError> {
        match user.kind {
            UserKind::AdobeId => {
                return reject("error.update.adobeid.no", format!("An Adobe ID cannot be updated: {}", user.email));
            }
            UserKind::Unknown => {
                return reject(
                    "error.user.type_unknown",
                    format!("Type of user could not be determined: {}", user.email),
                );
            }
            UserKind::EnterpriseId | UserKind::FederatedId => {}
        }
        let rows = self.tx.rows();
        lookup::must_own(rows, user, || lookup::not_in_org(&user.email))?;
        let directory = match user.directory {
            Some(directory) => rows.directory(directory)?,
            None => None,
        };
        directory.ok_or_else(|| lookup::not_in_org(&user.email).into())
    }

    /// Checks that the new address is free, and in a domain of the same directory unless the directory uses username
    /// login.
    fn check_new_email(&self, user: &UserRow, directory: &Directory, email: &str) -> Result<(), EngineError> {
        let rows = self.tx.rows();
        match rows.claim(self.org.id, domain_of(email))? {
            _ if directory.username_login => {}
            Some(claim) if claim.directory.id == directory.id => {}
            Some(claim) if claim.owned => {
                return reject(
                    "error.user.change_domain_update.no",
                    format!("The new email address is in another directory: {email}"),
                );
            }
            _ => {
                return reject(
                    "error.update.no",
                    format!("The new email address cannot be used, its domain is not claimed: {email}"),
                );
            }
        }
        // An account has a row in every organization that is trusted with it: the address must be free in all of them.
        for row in rows.users_of_account(user.account)? {
            if rows.user_by_email(row.org, email, false)?.is_some_and(|other| other.account != user.account) {
                return reject("error.user.email.name_in_use", format!("Email address is already in use: {email}"));
            }
        }
        Ok(())
    }

    /// Checks a new username: an address in the same directory, or not an address; with username login, never an
    /// address.
    fn check_new_username(&self, user: &UserRow, directory: &Directory, username: &str) -> Result<(), EngineError> {
        if user.kind == UserKind::EnterpriseId {
            return reject(
                "error.update.username.no",
                "The user name cannot be updated. However, changing the email changes the user login name.",
            );
        }
        if is_email_type(username) {
            if directory.username_login {
                return reject("error.user.name.contains.email", format!("Username is invalid: {username}"));
            }
            let claim = self.tx.rows().claim(self.org.id, domain_of(username))?;
            if claim.is_none_or(|claim| claim.directory.id != directory.id) {
                return Err(Rejection::new(
                    "error.update.domain.mismatch",
                    format!("The domain of the new username is not in the directory of the user: {username}"),
                )
                .into());
            }
        }
        self.check_free_username(user, directory, username)
    }

    /// Checks that no other account of the directory has the username, or has it as its address.
    fn check_free_username(&self, user: &UserRow, directory: &Directory, username: &str) -> Result<(), EngineError> {
        let rows = self.tx.rows();
        let named = rows.users_by_username(self.org.id, username, Some(directory.id))?;
        let addressed = rows.user_by_email(self.org.id, username, false)?;
        if named.iter().chain(&addressed).any(|other| other.id != user.id) {
            return reject("error.user.name_in_use", format!("Username is already in use: {username}"));
        }
        Ok(())
    }
}
