use super::{Manage, ManageError};
use crate::seed::{self, Presence, UserStatus, UserType};
use crate::store::{self, Organization, Reader, UserKind, UserRow, domain_of, fold};

/// The account with this address or username, in whatever state. Of two with one address it is the organization's own,
/// unless the type says otherwise.
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
    let named_by_email = user.username == user.email;
    let own_domain = user.domain == fold(domain_of(&user.email));
    Ok(seed::User {
        user_type: match user.kind {
            UserKind::AdobeId => UserType::AdobeId,
            UserKind::EnterpriseId => UserType::EnterpriseId,
            UserKind::FederatedId => UserType::FederatedId,
            UserKind::Unknown => UserType::Unknown,
        },
        email: user.email,
        username: (!named_by_email).then_some(user.username),
        domain: (!own_domain).then_some(user.domain),
        firstname: user.firstname,
        lastname: user.lastname,
        country: user.country,
        phone: user.phone,
        status: match user.status {
            store::UserStatus::Active => UserStatus::Active,
            store::UserStatus::Disabled => UserStatus::Disabled,
            store::UserStatus::Locked => UserStatus::Locked,
            store::UserStatus::Removed => UserStatus::Removed,
        },
        presence: match user.presence {
            store::Presence::Member => Presence::Member,
            store::Presence::DirectoryOnly => Presence::DirectoryOnly,
            store::Presence::Invited => Presence::Invited,
        },
        technical: user.technical,
        groups,
    })
}

impl Manage {
    /// An account by its address or its username, in whatever state. The type tells two with one address apart.
    ///
    /// # Errors
    /// If there is none.
    pub fn user(&self, org_id: &str, user: &str, user_type: Option<UserType>) -> Result<seed::User, ManageError> {
        self.read(org_id, |r, org| show(r, find(r, org, user, user_type)?))
    }

    /// Makes an account in any state, by the rules that the service's own steps follow.
    ///
    /// # Errors
    /// With the code that the step would have.
    pub fn create_user(&self, org_id: &str, new: &seed::User) -> Result<seed::User, ManageError> {
        self.write(org_id, |tx, org| {
            seed::add_user(tx, org_id, new)?;
            tx.flush()?;
            let r = tx.rows();
            show(&r, find(&r, org, &new.email, Some(new.user_type))?)
        })
    }

    /// Sets the state of an account, in every organization that knows it.
    ///
    /// # Errors
    /// If there is no such account.
    pub fn set_status(
        &self,
        org_id: &str,
        user: &str,
        user_type: Option<UserType>,
        status: UserStatus,
    ) -> Result<seed::User, ManageError> {
        self.update_user(org_id, user, user_type, Some(status), None)
    }

    /// Sets how an account stands to an organization. One that is no member is in none of its groups.
    ///
    /// # Errors
    /// If there is no such account, or it cannot stay behind without being a user.
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
                            format!("User {user} is in no directory of the organization: remove the user instead");
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
