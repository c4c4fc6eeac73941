//! Commands on users, and new users.

use std::fmt;

use umapi_model::{
    self as model, AllMemberships, CreateOption, DomainRemoval, NewAdobeId, NewEnterpriseId, NewFederatedId,
    OrgRemoval, PasswordReset, RoleLists, UserMemberships, UserRemoval, UserStep, UserUpdate,
};

use super::{Command, InvalidCommand, Step, rules};
use crate::account::Account;

/// A command on a user: any number of steps, each with any number of names. Made by [`Command::user`] and
/// [`Command::create_user`].
///
/// It ends with what removes the user, and can say so in three ways:
///
/// ```
/// use umapi_plan::Command;
///
/// let ann = || Command::user("ann@example.com");
/// Command::check(&ann().remove_from(["Design"]).remove_from_org())?;
/// Command::check(&ann().remove_from_org_and_delete_account())?; // with all files
/// Command::check(&ann().remove_from_domain("example.com"))?; // deprecated
/// # Ok::<(), umapi_plan::InvalidCommand>(())
/// ```
///
/// Programs for the deprecated steps write them instead of the administrative groups:
///
/// ```
/// use umapi_plan::Command;
///
/// let before = Command::user("ann@example.com")
///     .add_admin_roles(["Design"])
///     .remove_admin_roles(["Sales"])
///     .add_product_admin_roles(["Photoshop"])
///     .remove_product_admin_roles(["Illustrator"])
///     .reset_password();
/// let now = Command::user("ann@example.com")
///     .add_to(["_admin_Design", "_product_admin_Photoshop"])
///     .remove_from(["_admin_Sales", "_product_admin_Illustrator"]);
/// before.check()?;
/// now.check()?;
/// # Ok::<(), umapi_plan::InvalidCommand>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct UserCommand {
    pub(super) raw: model::UserCommand,
    pub(super) is_repeated: bool,
}

impl UserCommand {
    pub(super) fn new(account: &Account) -> Self {
        let mut raw = model::UserCommand::new(account.name(), []);
        raw.domain = account.domain().map(str::to_owned);
        raw.use_adobe_id = account.is_adobe_id().then_some(true);
        raw.into()
    }

    /// Sets the service's `requestID`. See [`Command::request_id`].
    #[must_use]
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.raw.request_id = Some(id.into());
        self
    }

    /// Marks the command as one that may have been done already. See [`Command::repeated`].
    #[must_use]
    pub fn repeated(mut self) -> Self {
        self.is_repeated = true;
        self
    }

    /// Checks every rule that can be checked without the service. See [`Command::check`].
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), InvalidCommand> {
        let step = |index: usize| self.raw.do_.get(index).cloned().map(Step::User);
        rules::check_user_command(&self.raw).map_err(|invalid| invalid.describe(self.raw.do_.len(), step))
    }

    /// Changes names, email address or username. Not allowed for Adobe IDs; a country can never be changed.
    ///
    /// ```
    /// use umapi_plan::{Command, UserUpdate};
    ///
    /// Command::user("jdoe@example.com").update(UserUpdate::default().with_lastname("Smith")).check()?;
    /// # Ok::<(), umapi_plan::InvalidCommand>(())
    /// ```
    #[must_use]
    pub fn update(self, fields: UserUpdate) -> Self {
        self.step(UserStep::Update(fields))
    }

    /// Adds the user to groups of any kind, by name: user groups, product profiles, administrative groups.
    #[must_use]
    pub fn add_to(self, groups: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.step(UserStep::Add(UserMemberships::default().with_group(groups)))
    }

    /// Removes the user from groups. Groups that the user is not in are not an error.
    #[must_use]
    pub fn remove_from(self, groups: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.step(UserStep::Remove(UserRemoval::These(UserMemberships::default().with_group(groups))))
    }

    /// Removes the user from all user groups and profiles, and from all administrative roles except `_org_admin`.
    #[must_use]
    pub fn remove_all(self) -> Self {
        self.step(UserStep::Remove(UserRemoval::All(AllMemberships::All)))
    }

    /// Makes the user an administrator of user groups and profiles, by their names. Deprecated by the service: use
    /// [`add_to`](Self::add_to) with their `_admin_…` groups.
    #[must_use]
    pub fn add_admin_roles(self, of: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.step(UserStep::AddRoles(RoleLists::default().with_admin(of)))
    }

    /// Reverses [`add_admin_roles`](Self::add_admin_roles). Deprecated by the service too.
    #[must_use]
    pub fn remove_admin_roles(self, of: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.step(UserStep::RemoveRoles(RoleLists::default().with_admin(of)))
    }

    /// Makes the user an administrator of products, by their names. Deprecated by the service: use
    /// [`add_to`](Self::add_to) with their `_product_admin_…` groups.
    #[must_use]
    pub fn add_product_admin_roles(self, products: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.step(UserStep::AddRoles(RoleLists::default().with_product_admin(products)))
    }

    /// Reverses [`add_product_admin_roles`](Self::add_product_admin_roles). Deprecated by the service too.
    #[must_use]
    pub fn remove_product_admin_roles(self, products: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.step(UserStep::RemoveRoles(RoleLists::default().with_product_admin(products)))
    }

    /// Sends an Enterprise ID the email for setting a new password. Deprecated by the service.
    #[must_use]
    pub fn reset_password(self) -> Self {
        self.step(UserStep::ResetPassword(PasswordReset::default()))
    }

    /// Removes the user from the organization; the account stays. Ends the command. Succeeds even if the user does not
    /// exist.
    #[must_use]
    pub fn remove_from_org(self) -> Command {
        self.step(UserStep::RemoveFromOrg(OrgRemoval::default().with_delete_account(false))).into()
    }

    /// Removes the user from the organization and deletes the account **with its files**, if the organization owns it.
    /// Adobe IDs are never deleted. Ends the command.
    #[must_use]
    pub fn remove_from_org_and_delete_account(self) -> Command {
        self.step(UserStep::RemoveFromOrg(OrgRemoval::default().with_delete_account(true))).into()
    }

    /// Deletes the account from a domain that the organization owns. Ends the command. Deprecated by the service: use
    /// [`remove_from_org_and_delete_account`](Self::remove_from_org_and_delete_account).
    #[must_use]
    pub fn remove_from_domain(self, domain: impl Into<String>) -> Command {
        self.step(UserStep::RemoveFromDomain(DomainRemoval::new(domain))).into()
    }

    fn step(mut self, step: UserStep) -> Self {
        self.raw.do_.push(step);
        self
    }
}

impl From<model::UserCommand> for UserCommand {
    fn from(raw: model::UserCommand) -> Self {
        Self { raw, is_repeated: false }
    }
}

impl fmt::Debug for UserCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = f.debug_struct("UserCommand");
        all.field("raw", &self.raw);
        if self.is_repeated {
            all.field("is_repeated", &true);
        }
        all.finish()
    }
}

/// A user to create, or an Adobe ID to add to the organization.
///
/// ```
/// use umapi_plan::{Command, NewUser};
///
/// let john = NewUser::federated("john@mail.com", "John", "Doe", "US").username("jdoe", "example.com");
/// Command::create_user(john.update_if_exists()).add_to(["Design"]).check()?;
/// # Ok::<(), umapi_plan::InvalidCommand>(())
/// ```
///
/// A user who exists already is an error, unless [`ignore_if_exists`](Self::ignore_if_exists) or
/// [`update_if_exists`](Self::update_if_exists) says otherwise.
///
/// The three kinds of account need different things:
///
/// ```
/// use umapi_plan::{Command, NewUser};
///
/// for new in [
///     NewUser::federated("john@example.com", "John", "Doe", "US"),
///     NewUser::enterprise("ann@example.com", "Ann", "Doe"),
///     NewUser::adobe_id("bob@mail.example").names("Bob", "Doe").country("US"),
/// ] {
///     Command::create_user(new.ignore_if_exists()).check()?;
/// }
/// # Ok::<(), umapi_plan::InvalidCommand>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "nothing is created before the command is sent"]
pub struct NewUser {
    /// Username and domain, if the email address is not the username.
    login: Option<(String, String)>,
    step: NewUserStep,
}

/// The steps that create a user.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::enum_variant_names, reason = "the service calls them so")]
enum NewUserStep {
    AdobeId(NewAdobeId),
    EnterpriseId(NewEnterpriseId),
    FederatedId(NewFederatedId),
}

impl NewUser {
    /// A Federated ID, in a domain that the organization claimed for them. `country` is two upper-case letters of ISO
    /// 3166-1.
    pub fn federated(
        email: impl Into<String>,
        first_name: impl Into<String>,
        last_name: impl Into<String>,
        country: impl Into<String>,
    ) -> Self {
        let new = NewFederatedId::new(email, first_name, last_name, country);
        Self { login: None, step: NewUserStep::FederatedId(new) }
    }

    /// An Enterprise ID, in a domain that the organization claimed for them.
    pub fn enterprise(email: impl Into<String>, first_name: impl Into<String>, last_name: impl Into<String>) -> Self {
        Self { login: None, step: NewUserStep::EnterpriseId(NewEnterpriseId::new(email, first_name, last_name)) }
    }

    /// The person who has the Adobe ID of this address; the service invites them if there is none.
    pub fn adobe_id(email: impl Into<String>) -> Self {
        Self { login: None, step: NewUserStep::AdobeId(NewAdobeId::new(email)) }
    }

    /// Sets the username and its domain, for directories whose usernames are not email addresses.
    pub fn username(mut self, name: impl Into<String>, domain: impl Into<String>) -> Self {
        self.login = Some((name.into(), domain.into()));
        self
    }

    /// Sets the country, as two upper-case letters of ISO 3166-1.
    pub fn country(mut self, country: impl Into<String>) -> Self {
        match &mut self.step {
            NewUserStep::AdobeId(new) => new.country = Some(country.into()),
            NewUserStep::EnterpriseId(new) => new.country = Some(country.into()),
            NewUserStep::FederatedId(new) => new.country = country.into(),
        }
        self
    }

    /// Sets the first and the last name.
    pub fn names(mut self, first_name: impl Into<String>, last_name: impl Into<String>) -> Self {
        let (first, last) = (first_name.into(), last_name.into());
        match &mut self.step {
            NewUserStep::AdobeId(new) => (new.firstname, new.lastname) = (Some(first), Some(last)),
            NewUserStep::EnterpriseId(new) => (new.firstname, new.lastname) = (first, last),
            NewUserStep::FederatedId(new) => (new.firstname, new.lastname) = (first, last),
        }
        self
    }

    /// Skips the create if the user exists already, and runs the steps after it.
    pub fn ignore_if_exists(self) -> Self {
        self.option(CreateOption::IgnoreIfAlreadyExists)
    }

    /// Writes first and last name if the user exists already, and runs the steps after the create.
    pub fn update_if_exists(self) -> Self {
        self.option(CreateOption::UpdateIfAlreadyExists)
    }

    fn option(mut self, option: CreateOption) -> Self {
        match &mut self.step {
            NewUserStep::AdobeId(new) => new.option = Some(option),
            NewUserStep::EnterpriseId(new) => new.option = Some(option),
            NewUserStep::FederatedId(new) => new.option = Some(option),
        }
        self
    }

    fn email(&self) -> &str {
        match &self.step {
            NewUserStep::AdobeId(new) => &new.email,
            NewUserStep::EnterpriseId(new) => &new.email,
            NewUserStep::FederatedId(new) => &new.email,
        }
    }
}

impl From<NewUserStep> for UserStep {
    fn from(step: NewUserStep) -> Self {
        match step {
            NewUserStep::AdobeId(new) => Self::AddAdobeId(new),
            NewUserStep::EnterpriseId(new) => Self::CreateEnterpriseId(new),
            NewUserStep::FederatedId(new) => Self::CreateFederatedId(new),
        }
    }
}

impl From<NewUser> for UserCommand {
    fn from(new: NewUser) -> Self {
        let account = match &new.login {
            Some((name, domain)) => Account::username(name, domain),
            None => Account::email(new.email()),
        };
        Self::new(&account).step(new.step.into())
    }
}

impl From<NewUser> for Command {
    fn from(new: NewUser) -> Self {
        Self::User(new.into())
    }
}
