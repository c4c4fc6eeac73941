//! The deprecated endpoints.
#![expect(deprecated, reason = "this module offers the deprecated endpoints")]

use std::{fmt, future::Future};

use serde::de::DeserializeOwned;
use umapi_model::{
    Configuration, ConfigurationRights, ConfigurationRightsRequest, LegacyUser, NewUserGroup, Operation, Product,
    ProductAdmins, ProductAdminsRequest, UserGroup, UserGroupChange, UserGroupRights, UserGroupRightsRequest,
};

use crate::{
    call::{ApiCall, Call, Effect, RawClient, RawResult, Response},
    client::Client,
    error::Error,
    list::{Page, PageCall, PageItem, Pager, Query, array_page},
    lookup::{check_name, found, is_named},
    stub::{DynLegacyStub, StubFuture, UsersQuery},
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
            let ask = asking(|stub| stub.get_legacy_user(email.to_owned()));
            let is_asked =
                |user: &LegacyUser| is_named([&user.email, &user.username, &user.id].map(Option::as_deref), email);
            look_up(&client, scope.read(Operation::GetLegacyUser), ask, send, "user", email, is_asked).await
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
                    let (organization, named) = (client.organization(), domain.as_deref());
                    let send = |raw: RawClient| async move {
                        raw.list_legacy_users(organization, direct_only, named, Some(page), None).await
                    };
                    let query = UsersQuery { domain: domain.clone(), direct_only };
                    ask_or_list(&client, call, page, 0, |stub| stub.list_legacy_users(query, page), send).await
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
                let ask = asking(|stub| stub.list_user_groups(page.saturating_sub(1)));
                ask_or_list(&client, call, page, 1, ask, send).await
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
            let ask = asking(|stub| stub.get_user_group(group_id));
            look_up(
                &client,
                scope.read(Operation::GetUserGroup),
                ask,
                send,
                "user group",
                group_id,
                |group: &UserGroup| group.group_id == group_id,
            )
            .await
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
            let ask = asking(|stub| stub.create_user_group(group.clone()));
            let call = scope.change(Operation::CreateUserGroup, Effect::OneTimeChange);
            Ok(ask_or_call(&client, call, ask, send).await?.value)
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
            let ask = asking(|stub| stub.update_user_group(group_id, change.clone()));
            let call = scope.change(Operation::UpdateUserGroup, Effect::RepeatableChange);
            let changed = ask_or_call(&client, call, ask, send).await?;
            changed_one(changed, "user group", group_id, |group| group.group_id == group_id)
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
            let body = &UserGroupRightsRequest::from(rights.clone());
            body.check_bounds()?;
            let ask = asking(|stub| stub.update_user_group_rights(group_id, rights));
            let send =
                |raw: RawClient| async move { raw.update_user_group_rights(organization, group_id, None, body).await };
            let call = scope.change(Operation::UpdateUserGroupRights, Effect::RepeatableChange);
            let changed = ask_or_call(&client, call, ask, send).await?;
            changed_one(changed, "user group", group_id, |group| group.group_id == group_id)
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
            if let Some(existed) = client.0.ask_legacy(call, |stub| stub.delete_user_group(group_id)).await {
                return existed;
            }
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
            ask_or_list(&client, call, page, 0, |stub| stub.list_user_group_users(group_id, page), send).await
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
            ask_or_list(&client, call, page, 0, |stub| stub.list_user_group_admins(group_id, page), send).await
        };
        Pager::new(Query::new(self.client.clone(), operation, &[&group_id.to_string()], fetch))
    }
}

/// The endpoint that changes the administrators of a product.
#[derive(Clone, Copy)]
enum Endpoint {
    Admin,
    Product,
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
            ask_or_list(&client, call, page, 0, |stub| stub.list_products(page), send).await
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
            let ask = asking(|stub| stub.get_product(product_id.to_owned()));
            look_up(
                &client,
                scope.read(Operation::GetProduct),
                ask,
                send,
                "product",
                product_id,
                |product: &Product| is_id(&product.id, product_id),
            )
            .await
        })
    }

    /// Changes the administrators of a product with the endpoint `…/admin`.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn change_admins(&self, product_id: &str, admins: ProductAdmins) -> Call<Product> {
        self.change(Endpoint::Admin, product_id, admins)
    }

    /// Changes the administrators of a product with the endpoint of the product itself.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn change_rights(&self, product_id: &str, admins: ProductAdmins) -> Call<Product> {
        self.change(Endpoint::Product, product_id, admins)
    }

    fn change(&self, endpoint: Endpoint, product_id: &str, admins: ProductAdmins) -> Call<Product> {
        let product_id = product_id.to_owned();
        Call::new(&self.client, move |client, scope| async move {
            check_name("product id", &product_id)?;
            let (organization, product_id) = (client.organization(), product_id.as_str());
            let body = &ProductAdminsRequest::from(admins.clone());
            body.check_bounds()?;
            let send = |raw: RawClient| async move {
                match endpoint {
                    Endpoint::Admin => raw.update_product_admins(organization, product_id, None, body).await,
                    Endpoint::Product => raw.update_product_rights(organization, product_id, None, body).await,
                }
            };
            let ask = asking(|stub| match endpoint {
                Endpoint::Admin => stub.update_product_admins(product_id.to_owned(), admins),
                Endpoint::Product => stub.update_product_rights(product_id.to_owned(), admins),
            });
            let operation = match endpoint {
                Endpoint::Admin => Operation::UpdateProductAdmins,
                Endpoint::Product => Operation::UpdateProductRights,
            };
            let call = scope.change(operation, Effect::RepeatableChange);
            let changed = ask_or_call(&client, call, ask, send).await?;
            changed_one(changed, "product", product_id, |product| is_id(&product.id, product_id))
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
                let ask = asking(|stub| stub.list_configurations(product_id.to_owned(), page));
                if let Some(answer) = call.ask_legacy(&client, ask).await {
                    return answer;
                }
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
            let ask = asking(|stub| stub.get_configuration(product_id.to_owned(), config_id.to_owned()));
            let is_asked = |configuration: &Configuration| is_id(&configuration.id, config_id);
            look_up(&client, scope.read(Operation::GetConfiguration), ask, send, "profile", config_id, is_asked).await
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
            let body = &ConfigurationRightsRequest::from(rights.clone());
            body.check_bounds()?;
            let ask =
                asking(|stub| stub.update_configuration_rights(product_id.to_owned(), config_id.to_owned(), rights));
            let send = |raw: RawClient| async move {
                raw.update_configuration_rights(organization, product_id, config_id, None, body).await
            };
            let call = scope.change(Operation::UpdateConfigurationRights, Effect::RepeatableChange);
            let changed = ask_or_call(&client, call, ask, send).await?;
            changed_one(changed, "profile", config_id, |configuration| is_id(&configuration.id, config_id))
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
                let ask = asking(|stub| {
                    let (product, config) = (product.to_owned(), config.to_owned());
                    match people {
                        People::Users => stub.list_configuration_users(product, config, page),
                        People::Admins => stub.list_configuration_admins(product, config, page),
                    }
                });
                ask_or_list(&client, call, page, 0, ask, send).await
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

/// The question that is asked of a stub, as a closure that works for a stub of any lifetime.
fn asking<T, F: FnOnce(&dyn DynLegacyStub) -> StubFuture<'_, T>>(ask: F) -> F {
    ask
}

/// Makes a call. If a stub answers this operation with values, it is asked in place of the request.
async fn ask_or_call<T, F, Fut>(
    client: &Client,
    call: ApiCall<'_>,
    ask: impl FnOnce(&dyn DynLegacyStub) -> StubFuture<'_, T>,
    send: F,
) -> Result<Response<T>, Error>
where
    T: DeserializeOwned,
    F: Fn(RawClient) -> Fut,
    Fut: Future<Output = RawResult<T>>,
{
    match client.0.ask_legacy(call, ask).await {
        Some(answer) => answer.map(Response::of_stub),
        None => client.0.call(call, send).await,
    }
}

/// Looks up one thing, and checks that the answer is about it.
async fn look_up<T, F, Fut>(
    client: &Client,
    call: ApiCall<'_>,
    ask: impl FnOnce(&dyn DynLegacyStub) -> StubFuture<'_, Option<T>>,
    send: F,
    what: &str,
    asked: impl fmt::Debug,
    is_asked: impl FnOnce(&T) -> bool,
) -> Result<Option<T>, Error>
where
    T: DeserializeOwned,
    F: Fn(RawClient) -> Fut,
    Fut: Future<Output = RawResult<T>>,
{
    let call = call.or_absent();
    let response = match client.0.ask_legacy(call, ask).await {
        Some(answer) => answer?.map(Response::of_stub),
        None => found(client.0.call(call, send).await)?,
    };
    match response {
        Some(response) if !is_asked(&response.value) => Err(about_another(&response, what, asked)),
        response => Ok(response.map(|response| response.value)),
    }
}

/// The thing after a change, if the response is about it. Otherwise the change may have been made, to whatever it was.
fn changed_one<T>(
    response: Response<T>,
    what: &str,
    asked: impl fmt::Debug,
    is_asked: impl FnOnce(&T) -> bool,
) -> Result<T, Error> {
    if is_asked(&response.value) {
        return Ok(response.value);
    }
    Err(about_another(&response, what, asked).with(|details| details.may_have_been_applied = true))
}

/// Reads a page of a list that is a bare array.
async fn ask_or_list<T, F, Fut>(
    client: &Client,
    call: PageCall,
    page: u32,
    first_page: u32,
    ask: impl FnOnce(&dyn DynLegacyStub) -> StubFuture<'_, Page<T>>,
    send: F,
) -> Result<Page<T>, Error>
where
    T: PageItem + DeserializeOwned,
    F: Fn(RawClient) -> Fut,
    Fut: Future<Output = RawResult<Vec<T>>>,
{
    match call.ask_legacy(client, ask).await {
        Some(answer) => answer,
        None => Ok(array_page(client.0.call(call.as_call(), send).await?, page, first_page)),
    }
}

/// The error of a response about another thing than was asked for.
fn about_another<T>(response: &Response<T>, what: &str, asked: impl fmt::Debug) -> Error {
    response.unusable(&format!("it is about another {what} than {asked:?}"), None, None)
}

/// Whether an id is the one that was asked for. A response without one says nothing.
fn is_id(id: &str, asked: &str) -> bool {
    id.is_empty() || id.eq_ignore_ascii_case(asked)
}
