//! The deprecated endpoints.
#![expect(deprecated, reason = "this module offers the deprecated endpoints")]

use umapi_model::{
    Configuration, ConfigurationRights, ConfigurationRightsRequest, LegacyUser, NewUserGroup, Operation, Product,
    ProductAdmins, ProductAdminsRequest, UserGroup, UserGroupChange, UserGroupRights, UserGroupRightsRequest,
};

use crate::{
    call::{Call, Effect, RawClient, Response},
    client::Client,
    error::Error,
    list::{PageCall, Pager, Query, array_page},
    lookup::{check_name, found},
};

/// The deprecated endpoints, for programs that still need them; created by [`Client::legacy`].
///
/// Use [`Client::users`], [`Client::groups`] and [`Client::execute`] instead.
///
/// ```no_run
/// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
/// let mut products = client.legacy().products().list();
/// while let Some(product) = products.try_next().await? {
///     println!("{}: {:?} users", product.name, product.user_count);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Legacy {
    client: Client,
}

impl Legacy {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Users in the older shape.
    #[must_use]
    pub fn users(&self) -> LegacyUsers {
        LegacyUsers::new(self.client.clone())
    }

    /// User groups by their id.
    #[must_use]
    pub fn user_groups(&self) -> LegacyUserGroups {
        LegacyUserGroups::new(self.client.clone())
    }

    /// Products and their profiles.
    #[must_use]
    pub fn products(&self) -> LegacyProducts {
        LegacyProducts::new(self.client.clone())
    }
}

/// Users in the older shape; created by [`Legacy::users`](crate::Legacy::users).
#[derive(Clone, Debug)]
pub struct LegacyUsers {
    client: Client,
}

impl LegacyUsers {
    fn new(client: Client) -> Self {
        Self { client }
    }

    /// Returns the user with this email address, or `None`.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn get(&self, email: &str) -> Call<Option<LegacyUser>> {
        let email = email.to_owned();
        Call::new(&self.client, move |client, scope| async move {
            check_name("email address", &email)?;
            let (organization, email) = (client.organization(), email.as_str());
            let send = |raw: RawClient| async move { raw.get_legacy_user(organization, email, None).await };
            let found = found(client.0.call(scope.read(Operation::GetLegacyUser).or_absent(), send).await)?;
            Ok(found.map(|response| response.value))
        })
    }

    /// Lists all users of the organization.
    #[must_use]
    pub fn list(&self) -> Pager<LegacyUser> {
        LegacyUserList::new(self.client.clone()).list()
    }

    /// Selects the users of a domain.
    pub fn domain(&self, domain: impl Into<String>) -> LegacyUserList {
        LegacyUserList::new(self.client.clone()).domain(domain)
    }

    /// Sets whether the `groups` of each user include only the profiles that were assigned directly (true, the default), or
    /// also those through a user group.
    pub fn direct_only(&self, direct_only: bool) -> LegacyUserList {
        LegacyUserList::new(self.client.clone()).direct_only(direct_only)
    }
}

/// A list of users in the older shape, with filters.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `list`"]
pub struct LegacyUserList {
    client: Client,
    domain: Option<String>,
    direct_only: Option<bool>,
}

impl LegacyUserList {
    fn new(client: Client) -> Self {
        Self { client, domain: None, direct_only: None }
    }

    /// Selects the users of a domain.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Sets whether the `groups` of each user include only the profiles that were assigned directly (true, the default), or
    /// also those through a user group.
    pub fn direct_only(mut self, direct_only: bool) -> Self {
        self.direct_only = Some(direct_only);
        self
    }

    /// Starts the list.
    #[must_use]
    pub fn list(self) -> Pager<LegacyUser> {
        let Self { client, domain, direct_only } = self;
        let filters = format!("{domain:?}{direct_only:?}");
        let query =
            Query::new(client, Operation::ListLegacyUsers, &[&filters], move |client: Client, call: PageCall, page| {
                let domain = domain.clone();
                async move {
                    let (organization, domain) = (client.organization(), domain.as_deref());
                    let send = |raw: RawClient| async move {
                        raw.list_legacy_users(organization, direct_only, domain, Some(page), None).await
                    };
                    Ok(array_page(client.0.call(call.as_call(), send).await?, page, 0))
                }
            });
        Pager::new(query)
    }
}

/// User groups by their id; created by [`Legacy::user_groups`].
///
/// A change without a response is only sent again if doing it twice has the same effect. Otherwise see
/// [`Error::may_have_been_applied`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::time::Duration;
/// # let clock = umapi::time::ManualClock::new().auto_advance(Duration::from_millis(10));
/// # let emulator = umapi_emulator::Emulator::builder().clock(clock).start().await?;
/// # let client = emulator.client()?;
/// use umapi::model::{NewUserGroup, UserGroupChange, UserGroupRights};
///
/// let groups = client.legacy().user_groups();
/// let id = groups.create(&NewUserGroup::new("Interns")).await?.group_id;
/// groups.update(id, &UserGroupChange::default().with_description("Until September")).await?;
/// let rights = UserGroupRights::default()
///     .with_add_users(["jdoe@example.com"])
///     .with_add_admin_users(["jane@example.com"]);
/// groups.change_rights(id, rights).await?;
/// assert_eq!(groups.users(id).try_collect().await?.len(), 1);
/// assert_eq!(groups.admins(id).try_collect().await?.len(), 1);
/// assert!(groups.delete(id).await?);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct LegacyUserGroups {
    client: Client,
}
impl LegacyUserGroups {
    fn new(client: Client) -> Self {
        Self { client }
    }

    /// Lists all user groups.
    #[must_use]
    pub fn list(&self) -> Pager<UserGroup> {
        let query = Query::new(
            self.client.clone(),
            Operation::ListUserGroups,
            &[],
            |client: Client, call: PageCall, page| async move {
                let organization = client.organization();
                let send = |raw: RawClient| async move { raw.list_user_groups(organization, Some(page), None).await };
                Ok(array_page(client.0.call(call.as_call(), send).await?, page, 1))
            },
        );
        Pager::new(query.counted_from_one())
    }

    /// Returns the user group with this id, or `None`.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn get(&self, group_id: u64) -> Call<Option<UserGroup>> {
        Call::new(&self.client, move |client, scope| async move {
            let organization = client.organization();
            let send = |raw: RawClient| async move { raw.get_user_group(organization, group_id, None).await };
            let found = found(client.0.call(scope.read(Operation::GetUserGroup).or_absent(), send).await)?;
            Ok(found.map(|response| response.value))
        })
    }

    /// Creates a user group.
    ///
    /// # Errors
    ///
    /// See [`Error`]; the code is `DUPLICATE_GROUP_NAME` if the name exists already.
    pub fn create(&self, group: &NewUserGroup) -> Call<UserGroup> {
        let group = group.clone();
        Call::new(&self.client, move |client, scope| async move {
            group.check_bounds()?;
            let (organization, group) = (client.organization(), &group);
            let send = |raw: RawClient| async move { raw.create_user_group(organization, None, group).await };
            let call = scope.change(Operation::CreateUserGroup, Effect::OneTimeChange);
            Ok(client.0.call(call, send).await?.value)
        })
    }

    /// Changes the name or the description of a user group.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn update(&self, group_id: u64, change: &UserGroupChange) -> Call<UserGroup> {
        let change = change.clone();
        Call::new(&self.client, move |client, scope| async move {
            change.check_bounds()?;
            let (organization, change) = (client.organization(), &change);
            let send =
                |raw: RawClient| async move { raw.update_user_group(organization, group_id, None, change).await };
            let call = scope.change(Operation::UpdateUserGroup, Effect::RepeatableChange);
            Ok(client.0.call(call, send).await?.value)
        })
    }

    /// Changes the members and administrators of a user group.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn change_rights(&self, group_id: u64, rights: UserGroupRights) -> Call<UserGroup> {
        Call::new(&self.client, move |client, scope| async move {
            let organization = client.organization();
            let body = &UserGroupRightsRequest::from(rights);
            body.check_bounds()?;
            let send =
                |raw: RawClient| async move { raw.update_user_group_rights(organization, group_id, None, body).await };
            let call = scope.change(Operation::UpdateUserGroupRights, Effect::RepeatableChange);
            Ok(client.0.call(call, send).await?.value)
        })
    }

    /// Deletes a user group and its memberships, but not its users. Returns false if it does not exist.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn delete(&self, group_id: u64) -> Call<bool> {
        Call::new(&self.client, move |client, scope| async move {
            let organization = client.organization();
            let send = |raw: RawClient| async move { raw.delete_user_group(organization, group_id, None).await };
            let call = scope.change(Operation::DeleteUserGroup, Effect::RepeatableChange);
            match client.0.call(call, send).await {
                Ok(_) => Ok(true),
                // Deleted by an earlier attempt without a response, or before.
                Err(error) if error.is_not_found() => Ok(error.may_have_been_applied()),
                Err(error) => Err(error),
            }
        })
    }

    /// Lists the members of a user group.
    #[must_use]
    pub fn users(&self, group_id: u64) -> Pager<LegacyUser> {
        let operation = Operation::ListUserGroupUsers;
        let fetch = move |client: Client, call: PageCall, page| async move {
            let organization = client.organization();
            let send = |raw: RawClient| async move {
                raw.list_user_group_users(organization, group_id, Some(page), None).await
            };
            Ok(array_page(client.0.call(call.as_call(), send).await?, page, 0))
        };
        Pager::new(Query::new(self.client.clone(), operation, &[&group_id.to_string()], fetch))
    }

    /// Lists the administrators of a user group.
    #[must_use]
    pub fn admins(&self, group_id: u64) -> Pager<LegacyUser> {
        let operation = Operation::ListUserGroupAdmins;
        let fetch = move |client: Client, call: PageCall, page| async move {
            let organization = client.organization();
            let send = |raw: RawClient| async move {
                raw.list_user_group_admins(organization, group_id, Some(page), None).await
            };
            Ok(array_page(client.0.call(call.as_call(), send).await?, page, 0))
        };
        Pager::new(Query::new(self.client.clone(), operation, &[&group_id.to_string()], fetch))
    }
}

/// Products; created by [`Legacy::products`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::time::Duration;
/// # let clock = umapi::time::ManualClock::new().auto_advance(Duration::from_millis(10));
/// # let emulator = umapi_emulator::Emulator::builder().clock(clock).start().await?;
/// # let client = emulator.client()?;
/// use umapi::model::{ConfigurationRights, ProductAdmins};
///
/// let products = client.legacy().products();
/// let product = products.list().try_next().await?.ok_or("no product")?;
/// let more = ProductAdmins::default().with_add_product_admin(["jane@example.com"]);
/// products.change_admins(&product.id, more).await?;
/// // The other endpoint for the same.
/// let fewer = ProductAdmins::default().with_remove_product_admin(["jane@example.com"]);
/// products.change_rights(&product.id, fewer).await?;
///
/// let profiles = products.configurations(&product.id);
/// let profile = profiles.list().try_next().await?.ok_or("no profile")?;
/// let rights = ConfigurationRights::default().with_add_users(["nobody@example.com"]);
/// profiles.change_rights(&profile.id, rights).await?;
/// let users = profiles.users(&profile.id).try_collect().await?;
/// let admins = profiles.admins(&profile.id).try_collect().await?;
/// println!("{} users and {} administrators of {}", users.len(), admins.len(), profile.id);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct LegacyProducts {
    client: Client,
}
impl LegacyProducts {
    fn new(client: Client) -> Self {
        Self { client }
    }

    /// Lists all products.
    #[must_use]
    pub fn list(&self) -> Pager<Product> {
        let fetch = |client: Client, call: PageCall, page| async move {
            let organization = client.organization();
            let send = |raw: RawClient| async move { raw.list_products(organization, Some(page), None).await };
            Ok(array_page(client.0.call(call.as_call(), send).await?, page, 0))
        };
        Pager::new(Query::new(self.client.clone(), Operation::ListProducts, &[], fetch))
    }

    /// Returns the product with this id, or `None`.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn get(&self, product_id: &str) -> Call<Option<Product>> {
        let product_id = product_id.to_owned();
        Call::new(&self.client, move |client, scope| async move {
            check_name("product id", &product_id)?;
            let (organization, product_id) = (client.organization(), product_id.as_str());
            let send = |raw: RawClient| async move { raw.get_product(organization, product_id, None).await };
            let found = found(client.0.call(scope.read(Operation::GetProduct).or_absent(), send).await)?;
            Ok(found.map(|response| response.value))
        })
    }

    /// Changes the administrators of a product with the endpoint `…/admin`.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn change_admins(&self, product_id: &str, admins: ProductAdmins) -> Call<Product> {
        let product_id = product_id.to_owned();
        Call::new(&self.client, move |client, scope| async move {
            check_name("product id", &product_id)?;
            let (organization, product_id) = (client.organization(), product_id.as_str());
            let body = &ProductAdminsRequest::from(admins);
            body.check_bounds()?;
            let send =
                |raw: RawClient| async move { raw.update_product_admins(organization, product_id, None, body).await };
            let call = scope.change(Operation::UpdateProductAdmins, Effect::RepeatableChange);
            Ok(client.0.call(call, send).await?.value)
        })
    }

    /// Changes the administrators of a product with the endpoint of the product itself.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn change_rights(&self, product_id: &str, admins: ProductAdmins) -> Call<Product> {
        let product_id = product_id.to_owned();
        Call::new(&self.client, move |client, scope| async move {
            check_name("product id", &product_id)?;
            let (organization, product_id) = (client.organization(), product_id.as_str());
            let body = &ProductAdminsRequest::from(admins);
            body.check_bounds()?;
            let send =
                |raw: RawClient| async move { raw.update_product_rights(organization, product_id, None, body).await };
            let call = scope.change(Operation::UpdateProductRights, Effect::RepeatableChange);
            Ok(client.0.call(call, send).await?.value)
        })
    }

    /// Returns the profiles of a product.
    #[must_use]
    pub fn configurations(&self, product_id: impl Into<String>) -> LegacyConfigurations {
        LegacyConfigurations::new(self.client.clone(), product_id.into())
    }
}

/// The profiles of a product, which these endpoints call configurations; created by [`LegacyProducts::configurations`].
#[derive(Clone, Debug)]
pub struct LegacyConfigurations {
    client: Client,
    product_id: String,
}

/// The people of a profile.
#[derive(Clone, Copy)]
enum People {
    Users,
    Admins,
}
impl LegacyConfigurations {
    fn new(client: Client, product_id: String) -> Self {
        Self { client, product_id }
    }

    /// Lists all profiles of the product.
    #[must_use]
    pub fn list(&self) -> Pager<Configuration> {
        let product_id = self.product_id.clone();
        let fetch = move |client: Client, call: PageCall, page| {
            let product_id = product_id.clone();
            async move {
                check_name("product id", &product_id)?;
                let (organization, product_id) = (client.organization(), product_id.as_str());
                let send = |raw: RawClient| async move {
                    raw.list_configurations(organization, product_id, Some(page), None).await
                };
                let Response { value, head, requests, is_repetition } = client.0.call(call.as_call(), send).await?;
                let response = Response { value: value.license_configurations, head, requests, is_repetition };
                Ok(array_page(response, page, 0))
            }
        };
        Pager::new(Query::new(self.client.clone(), Operation::ListConfigurations, &[&self.product_id], fetch))
    }

    /// Returns the profile with this id, or `None`.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn get(&self, config_id: &str) -> Call<Option<Configuration>> {
        let (config_id, this) = (config_id.to_owned(), self.clone());
        Call::new(&self.client, move |client, scope| async move {
            this.check(&config_id)?;
            let (organization, product_id) = (client.organization(), this.product_id.as_str());
            let config_id = config_id.as_str();
            let send =
                |raw: RawClient| async move { raw.get_configuration(organization, product_id, config_id, None).await };
            let found = found(client.0.call(scope.read(Operation::GetConfiguration).or_absent(), send).await)?;
            Ok(found.map(|response| response.value))
        })
    }

    /// Changes the members and administrators of a profile.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn change_rights(&self, config_id: &str, rights: ConfigurationRights) -> Call<Configuration> {
        let (config_id, this) = (config_id.to_owned(), self.clone());
        Call::new(&self.client, move |client, scope| async move {
            this.check(&config_id)?;
            let (organization, product_id) = (client.organization(), this.product_id.as_str());
            let config_id = config_id.as_str();
            let body = &ConfigurationRightsRequest::from(rights);
            body.check_bounds()?;
            let send = |raw: RawClient| async move {
                raw.update_configuration_rights(organization, product_id, config_id, None, body).await
            };
            let call = scope.change(Operation::UpdateConfigurationRights, Effect::RepeatableChange);
            Ok(client.0.call(call, send).await?.value)
        })
    }

    /// Lists the users of a profile.
    #[must_use]
    pub fn users(&self, config_id: impl Into<String>) -> Pager<LegacyUser> {
        self.people(config_id.into(), People::Users)
    }

    /// Lists the administrators of a profile.
    #[must_use]
    pub fn admins(&self, config_id: impl Into<String>) -> Pager<LegacyUser> {
        self.people(config_id.into(), People::Admins)
    }

    fn people(&self, config_id: String, people: People) -> Pager<LegacyUser> {
        let (this, config) = (self.clone(), config_id.clone());
        let fetch = move |client: Client, call: PageCall, page| {
            let (this, config) = (this.clone(), config.clone());
            async move {
                this.check(&config)?;
                let (org, product, config) = (client.organization(), this.product_id.as_str(), config.as_str());
                let send = |raw: RawClient| async move {
                    match people {
                        People::Users => raw.list_configuration_users(org, product, config, Some(page), None).await,
                        People::Admins => raw.list_configuration_admins(org, product, config, Some(page), None).await,
                    }
                };
                Ok(array_page(client.0.call(call.as_call(), send).await?, page, 0))
            }
        };
        let operation = match people {
            People::Users => Operation::ListConfigurationUsers,
            People::Admins => Operation::ListConfigurationAdmins,
        };
        Pager::new(Query::new(self.client.clone(), operation, &[&self.product_id, &config_id], fetch))
    }

    fn check(&self, config_id: &str) -> Result<(), Error> {
        check_name("product id", &self.product_id)?;
        check_name("profile id", config_id)
    }
}
