//! The steps on a user.

use umapi_model::{
    AllMemberships, Command as Raw, DomainRemoval, NewAdobeId, NewEnterpriseId, NewFederatedId, OrgRemoval,
    PasswordReset, RoleLists, UserGroupRemoval, UserGroupStep, UserMemberships, UserRemoval, UserStep, UserUpdate,
};

use super::command::Command;
use super::names::is_email_type;

/// # Steps on a user
impl Command {
    /// Creates a Federated ID in a domain that the organization claimed for them. `country` is two upper-case letters of
    /// ISO 3166-1.
    ///
    /// Comes first. The email address is that of [`user`](Self::user); of a username, say it by [`email`](Self::email).
    /// A user who exists already is an error, unless [`ignore_if_exists`](Self::ignore_if_exists) or
    /// [`update_if_exists`](Self::update_if_exists) follows.
    ///
    /// ```
    /// # use umapi_plan::Command;
    /// Command::username("jdoe", "example.com").create_federated("John", "Doe", "US").email("john@mail.com").check()?;
    /// # Ok::<(), umapi_plan::InvalidCommand>(())
    /// ```
    #[must_use]
    pub fn create_federated(
        self,
        first_name: impl Into<String>,
        last_name: impl Into<String>,
        country: impl Into<String>,
    ) -> Self {
        let email = self.own_address();
        let new = NewFederatedId::new(email, first_name, last_name, country);
        self.user_step("createFederatedID", UserStep::CreateFederatedId(new))
    }

    /// Creates an Enterprise ID in a domain that the organization claimed for them. Comes first; a
    /// [`country`](Self::country) may follow.
    #[must_use]
    pub fn create_enterprise(self, first_name: impl Into<String>, last_name: impl Into<String>) -> Self {
        let new = NewEnterpriseId::new(self.own_address(), first_name, last_name);
        self.user_step("createEnterpriseID", UserStep::CreateEnterpriseId(new))
    }

    /// Adds the person who has the Adobe ID of this address, or invites them to have one. Comes first;
    /// [`names`](Self::names) and a [`country`](Self::country) may follow.
    #[must_use]
    pub fn add_adobe_id(self) -> Self {
        let new = NewAdobeId::new(self.own_address());
        self.user_step("addAdobeID", UserStep::AddAdobeId(new))
    }

    /// Changes names, email address or username. Not of Adobe IDs; a country can never be changed.
    ///
    /// ```
    /// use umapi_plan::{Command, UserUpdate};
    ///
    /// Command::user("jdoe@example.com").update(UserUpdate::default().with_lastname("Smith")).check()?;
    /// # Ok::<(), umapi_plan::InvalidCommand>(())
    /// ```
    #[must_use]
    pub fn update(self, fields: UserUpdate) -> Self {
        self.user_step("update", UserStep::Update(fields))
    }

    /// Adds the user to groups of any kind, by name: user groups, product profiles, administrative groups.
    #[must_use]
    pub fn add_to(self, groups: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.user_step("add", UserStep::Add(UserMemberships::default().with_group(groups)))
    }

    /// Takes the user out of groups. Those that the user is not in are no error.
    #[must_use]
    pub fn remove_from(self, groups: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let groups = UserMemberships::default().with_group(groups);
        self.user_step("remove", UserStep::Remove(UserRemoval::These(groups)))
    }

    /// On a user: takes the user out of all user groups and profiles, and takes all administrative roles but
    /// `_org_admin`. On a user group: takes out all its users and profiles.
    #[must_use]
    pub fn remove_all(self) -> Self {
        match self.raw {
            Raw::Group(_) => {
                self.group_step("remove", UserGroupStep::Remove(UserGroupRemoval::All(AllMemberships::All)))
            }
            _ => self.user_step("remove", UserStep::Remove(UserRemoval::All(AllMemberships::All))),
        }
    }

    /// Makes the user an administrator of user groups and profiles, by their names. Deprecated by the service: use
    /// [`add_to`](Self::add_to) with their `_admin_…` groups.
    #[must_use]
    pub fn add_admin_roles(self, of: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.user_step("addRoles", UserStep::AddRoles(RoleLists::default().with_admin(of)))
    }

    /// The reverse of [`add_admin_roles`](Self::add_admin_roles), and as deprecated.
    #[must_use]
    pub fn remove_admin_roles(self, of: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.user_step("removeRoles", UserStep::RemoveRoles(RoleLists::default().with_admin(of)))
    }

    /// Makes the user an administrator of products, by their names. Deprecated by the service: use
    /// [`add_to`](Self::add_to) with their `_product_admin_…` groups.
    #[must_use]
    pub fn add_product_admin_roles(self, products: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.user_step("addRoles", UserStep::AddRoles(RoleLists::default().with_product_admin(products)))
    }

    /// The reverse of [`add_product_admin_roles`](Self::add_product_admin_roles), and as deprecated.
    #[must_use]
    pub fn remove_product_admin_roles(self, products: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.user_step("removeRoles", UserStep::RemoveRoles(RoleLists::default().with_product_admin(products)))
    }

    /// Takes the user out of the organization; the account lives on. Comes last. Succeeds even if there is no such user.
    #[must_use]
    pub fn remove_from_org(self) -> Self {
        self.user_step("removeFromOrg", UserStep::RemoveFromOrg(OrgRemoval::default().with_delete_account(false)))
    }

    /// Takes the user out of the organization and deletes the account **with its files**, if the organization owns it.
    /// Adobe IDs are never deleted. Comes last.
    #[must_use]
    pub fn remove_from_org_and_delete_account(self) -> Self {
        self.user_step("removeFromOrg", UserStep::RemoveFromOrg(OrgRemoval::default().with_delete_account(true)))
    }

    /// Deletes the account from a domain that the organization owns. Comes last. Deprecated by the service: use
    /// [`remove_from_org_and_delete_account`](Self::remove_from_org_and_delete_account).
    #[must_use]
    pub fn remove_from_domain(self, domain: impl Into<String>) -> Self {
        self.user_step("removeFromDomain", UserStep::RemoveFromDomain(DomainRemoval::new(domain)))
    }

    /// Has the service send an Enterprise ID the mail by which a new password is set. Deprecated by the service.
    #[must_use]
    pub fn reset_password(self) -> Self {
        self.user_step("resetPassword", UserStep::ResetPassword(PasswordReset::default()))
    }

    /// The address that a create has unless it is told another: the root, if that is one.
    fn own_address(&self) -> String {
        Some(self.root()).filter(|root| is_email_type(root)).unwrap_or_default().to_owned()
    }
}
