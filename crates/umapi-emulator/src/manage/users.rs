//! Accounts in any state, including those that the service does not show.

use super::{Manage, ManageError};
use crate::{
    seed::{self, Presence, UserStatus, UserType},
    store::{self, Organization, Reader, UserKind, UserRow},
};

/// Finds an account by its email address or username, in any state. If two accounts have the address, the account of the
/// organization's own directory wins, unless the type is given.
fn find(r: &Reader<'_>, org: &Organization, user: &str, user_type: Option<UserType>) -> Result<UserRow, ManageError> {
    let mut found = Vec::new();
    found.extend(r.user_by_email(org.id, user, false)?);
    found.extend(r.user_by_email(org.id, user, true)?);
    found.extend(r.users_by_username(org.id, user, None)?);
    let fits = |row: &UserRow| user_type.is_none_or(|wanted| row.kind == UserKind::from(wanted));
    let unknown = || ManageError::not_found("emulator.user.unknown", format!("User {user} was not found"));
    found.into_iter().find(fits).ok_or_else(unknown)
}

fn show(r: &Reader<'_>, user: UserRow) -> Result<seed::User, ManageError> {
    let mut groups = Vec::new();
    for membership in r.memberships(user.id)?.into_iter().filter(store::Membership::is_direct) {
        groups.extend(r.group_row(user.org, membership.group)?.map(|group| group.name));
    }
    Ok(seed::user_seed(user, groups))
}

impl Manage {
    /// An account by its email address or username, in any state. The type is needed if two accounts have the address.
    ///
    /// # Errors
    /// If it does not exist.
    pub fn user(&self, org_id: &str, user: &str, user_type: Option<UserType>) -> Result<seed::User, ManageError> {
        self.read(org_id, |r, org| show(r, find(r, org, user, user_type)?))
    }

    /// Creates an account in any state, by the same rules as the steps of the service.
    ///
    /// # Errors
    /// If a rule is broken. The error has the code of the step.
    pub fn create_user(&self, org_id: &str, new: &seed::User) -> Result<seed::User, ManageError> {
        self.write(org_id, |tx, org| {
            seed::add_user(tx, org_id, new)?;
            tx.flush()?;
            let r = tx.rows();
            show(&r, find(&r, org, &new.email, Some(new.user_type))?)
        })
    }

    /// Sets the status of an account in every organization that has it.
    ///
    /// # Errors
    /// If the account does not exist.
    pub fn set_status(
        &self,
        org_id: &str,
        user: &str,
        user_type: Option<UserType>,
        status: UserStatus,
    ) -> Result<seed::User, ManageError> {
        self.update_user(org_id, user, user_type, Some(status), None)
    }

    /// Sets the presence of an account in an organization. An account that is not a member is in no groups.
    ///
    /// # Errors
    /// If the account does not exist, or is to stay in a directory that the organization does not own.
    pub fn set_presence(
        &self,
        org_id: &str,
        user: &str,
        user_type: Option<UserType>,
        presence: Presence,
    ) -> Result<seed::User, ManageError> {
        self.update_user(org_id, user, user_type, None, Some(presence))
    }

    pub(super) fn update_user(
        &self,
        org_id: &str,
        user: &str,
        user_type: Option<UserType>,
        status: Option<UserStatus>,
        presence: Option<Presence>,
    ) -> Result<seed::User, ManageError> {
        self.write(org_id, |tx, org| {
            let mut row = find(&tx.rows(), org, user, user_type)?;
            if let Some(status) = status {
                tx.set_status(row.account, status.into())?;
                row.status = status.into();
            }
            match presence.map(store::Presence::from) {
                Some(wanted) if wanted == row.presence => {}
                Some(store::Presence::Member) => tx.join(&row)?,
                Some(store::Presence::Invited) => tx.invite(&row)?,
                Some(store::Presence::DirectoryOnly) => {
                    let directory = row.directory.map(|id| tx.rows().directory(id)).transpose()?.flatten();
                    if directory.is_none_or(|directory| directory.org != org.id) {
                        let message =
                            format!("User {user} is not in a directory of the organization: remove the user instead");
                        return Err(ManageError::conflict("emulator.user.elsewhere", message));
                    }
                    tx.leave(&row)?;
                }
                None => {}
            }
            tx.flush()?;
            let r = tx.rows();
            show(&r, find(&r, org, user, user_type)?)
        })
    }
}
