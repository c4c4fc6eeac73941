use super::accounts::{self, Placement};
use super::command::Context;
use super::refusal::refuse;
use super::steps::{CreateUser, IfExists};
use super::{Refusal, Rejected, lookup};
use crate::store::{NewUser, Presence, UserChange, UserKind, UserRow, fold};

impl Context<'_, '_> {
    /// `addAdobeID`, `createEnterpriseID`, `createFederatedID`.
    pub(super) fn create_user(&mut self, create: &CreateUser) -> Result<(), Rejected> {
        let (name, domain) = self.user_name();
        let place = accounts::place(self.tx.rows(), self.org, create.kind, name, domain, &create.email)?;
        match self.existing(create, &place)? {
            None => self.create_new(create, &place),
            Some(user) => self.meet(create, &user),
        }
    }

    /// Who the organization knows already under the name or the address of the new user.
    fn existing(&self, create: &CreateUser, place: &Placement) -> Result<Option<UserRow>, Rejected> {
        let rows = self.tx.rows();
        let by_email = rows.user_by_email(self.org.id, &create.email, create.kind == UserKind::AdobeId)?;
        // An Adobe ID has no username of its own.
        let Some(directory) = &place.directory else { return Ok(by_email) };
        let username = place.username.as_deref().unwrap_or(&create.email);
        let by_name = rows.users_by_username(self.org.id, username, Some(directory.id))?.into_iter().next();
        match (by_name, by_email) {
            (Some(named), Some(addressed)) if named.id != addressed.id => Err(self.already_in_org()),
            // The address is the username of somebody else.
            (Some(_), None) if place.username.is_none() => Err(self.already_in_org()),
            // The address is taken by a user of another name.
            (None, Some(addressed)) if place.username.is_some() && fold(&addressed.username) != fold(username) => {
                Err(self.already_in_org())
            }
            (named, addressed) => Ok(named.or(addressed)),
        }
    }

    fn already_in_org(&self) -> Rejected {
        let (name, _) = self.user_name();
        Refusal::new("error.user.already_in_org", format!("User is already in the organization: {name}")).into()
    }

    fn create_new(&mut self, create: &CreateUser, place: &Placement) -> Result<(), Rejected> {
        let directory = place.directory.as_ref();
        if directory.is_some_and(|directory| directory.synced) {
            let step = match create.kind {
                UserKind::EnterpriseId => "createEnterpriseID",
                _ => "createFederatedID",
            };
            return refuse("error.internal.create_failed", format!("Could not create person of type {step}"));
        }
        let account = match directory {
            Some(directory) if !place.owned => {
                Some(accounts::trusted(self.tx.rows(), place, directory, &create.email)?)
            }
            _ => None,
        };
        let id = self.tx.create_user(
            self.org.id,
            &NewUser {
                account,
                directory: directory.map(|directory| directory.id),
                username: place.username.as_deref(),
                firstname: create.firstname.as_deref(),
                lastname: create.lastname.as_deref(),
                country: create.country.as_deref(),
                ..NewUser::member(create.kind, &create.email, &place.domain)
            },
        )?;
        self.is_about_user(id);
        Ok(())
    }

    /// The user is there already: what happens is the step's `option`.
    fn meet(&mut self, create: &CreateUser, user: &UserRow) -> Result<(), Rejected> {
        match (user.presence, create.option) {
            (Presence::DirectoryOnly, _) => self.tx.join(user)?,
            (Presence::Invited, None) => {
                return refuse(
                    "error.user.already_invited",
                    format!("User already has an active invitation: {}", user.email),
                );
            }
            (Presence::Member, None) => return Err(self.already_in_org()),
            (Presence::Invited | Presence::Member, Some(_)) => {}
        }
        if create.option == Some(IfExists::Update) {
            self.write_names(create, user)?;
        }
        if user.presence != Presence::Invited {
            self.is_about_user(user.id);
        }
        Ok(())
    }

    /// `updateIfAlreadyExists` writes the two names and nothing else. Those of an Adobe ID are the person's own: they
    /// stay, and the step is fine.
    fn write_names(&mut self, create: &CreateUser, user: &UserRow) -> Result<(), Rejected> {
        if user.kind == UserKind::AdobeId {
            return Ok(());
        }
        lookup::must_own(self.tx.rows(), user, || lookup::not_in_org(&user.email))?;
        let change = UserChange {
            firstname: create.firstname.as_deref(),
            lastname: create.lastname.as_deref(),
            ..UserChange::default()
        };
        if changes(user, &change) {
            self.tx.change_account(user.account, &change)?;
        }
        Ok(())
    }
}

/// Whether a change would change anything.
pub(super) fn changes(user: &UserRow, change: &UserChange<'_>) -> bool {
    let differs = |new: Option<&str>, old: Option<&str>| new.is_some() && new != old;
    differs(change.email, Some(&user.email))
        || differs(change.username, Some(&user.username))
        || differs(change.domain, Some(&user.domain))
        || differs(change.firstname, user.firstname.as_deref())
        || differs(change.lastname, user.lastname.as_deref())
}
