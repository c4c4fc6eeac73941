//! Reading users.

use umapi_model::{LicenseStatus, Operation, User};
use umapi_plan::account::FoldedName;

use crate::{
    call::{Call, RawClient, Response},
    client::Client,
    error::Error,
    list::{Page, PageCall, Pager, Query},
    lookup::{self, check_name, found},
    stub::{MembersQuery, UserLookup, UsersQuery},
};

/// Reads users; created by [`Client::users`].
///
/// ```no_run
/// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
/// match client.users().get("jdoe@example.com").await? {
///     Some(user) => println!("{:?} is in {:?}", user.email, user.groups),
///     None => println!("the user does not exist"),
/// }
/// # Ok(())
/// # }
/// ```
///
/// See <https://adobe-apiplatform.github.io/umapi-documentation/en/api/user.html>.
///
/// Two accounts may have one address. A username with its domain, or the type of the account, tells them apart:
///
/// ```no_run
/// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
/// let users = client.users();
/// let federated = users.get_by_username("jdoe", "example.com").await?;
/// let own = users.get_adobe_id("jdoe@example.com").await?;
///
/// // With the profiles that users have through user groups.
/// let mut all = users.direct_only(false).domain("example.com").list();
/// while let Some(user) = all.try_next().await? {
///     println!("{:?}: {:?}", user.email, user.groups);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Users {
    client: Client,
}

impl Users {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Returns the user with this email address, or `None`. Letter case does not matter.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn get(&self, email: &str) -> Call<Option<User>> {
        self.look_up(UserLookup::Email(email.to_owned()))
    }

    /// Returns the user with this username in a domain, or `None`.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn get_by_username(&self, username: &str, domain: &str) -> Call<Option<User>> {
        self.look_up(UserLookup::Username { name: username.to_owned(), domain: domain.to_owned() })
    }

    /// Returns the Adobe ID with this email address, even if an Enterprise or Federated ID has the same one, or `None`.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn get_adobe_id(&self, email: &str) -> Call<Option<User>> {
        self.look_up(UserLookup::AdobeId(email.to_owned()))
    }

    fn look_up(&self, user: UserLookup) -> Call<Option<User>> {
        Call::new(&self.client, move |client, scope| async move {
            let (organization, name, domain) = (client.organization(), user.name(), user.domain());
            check_name(user.what(), name)?;
            if let Some(stub) = client.0.stub() {
                let answer =
                    client.0.ask(scope.read(Operation::GetUser).or_absent(), stub.get_user(user.clone())).await?;
                let response = Response::of_stub(answer);
                return match &response.value {
                    Some(user) if !is_named(user, name) => Err(about_another(&response, name, None)),
                    _ => Ok(response.value),
                };
            }
            let send = |raw: RawClient| async move { raw.get_user(organization, name, domain, None).await };
            let Some(response) = found(client.0.call(scope.read(Operation::GetUser).or_absent(), send).await)? else {
                return Ok(None);
            };
            response.check_result(&response.value.result, response.value.message.as_deref())?;
            let Some(user) = &response.value.user else {
                return Err(response.unusable("it contains no user", None, response.value.message.as_deref()));
            };
            if !is_named(user, name) {
                return Err(about_another(&response, name, response.value.message.as_deref()));
            }
            Ok(response.value.user)
        })
    }

    /// Lists all users of the organization.
    #[must_use]
    pub fn list(&self) -> Pager<User> {
        UserList::new(self.client.clone()).list()
    }

    /// Selects the users of a domain.
    pub fn domain(&self, domain: impl Into<String>) -> UserList {
        UserList::new(self.client.clone()).domain(domain)
    }

    /// Sets whether the `groups` of each user include only the profiles that were assigned directly (true, the default), or
    /// also those through a user group.
    pub fn direct_only(&self, direct_only: bool) -> UserList {
        UserList::new(self.client.clone()).direct_only(direct_only)
    }

    /// Selects the users of a user group, a product profile or an administrative group. Letter case does not matter.
    pub fn in_group(&self, name: impl Into<String>) -> GroupMembers {
        GroupMembers {
            client: self.client.clone(),
            group: name.into(),
            direct_only: None,
            exclude_groups: None,
            status: None,
        }
    }
}

/// A list of users of the organization, with filters.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `list`"]
pub struct UserList {
    client: Client,
    domain: Option<String>,
    direct_only: Option<bool>,
}

impl UserList {
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

    /// Starts the list. If the organization does not have the domain, the list ends with an error that
    /// [is not found](Error::is_not_found).
    #[must_use]
    pub fn list(self) -> Pager<User> {
        let Self { client, domain, direct_only } = self;
        let filters = format!("{direct_only:?}");
        let parameters = [domain.as_deref().unwrap_or_default(), &filters];
        let query = Query::new(client, Operation::ListUsers, &parameters, {
            let domain = domain.clone();
            move |client: Client, call: PageCall, page| {
                let domain = domain.clone();
                async move {
                    if let Some(stub) = client.0.stub() {
                        return call.ask(&client, stub.list_users(UsersQuery { domain, direct_only }, page)).await;
                    }
                    let organization = client.organization();
                    let domain = domain.as_deref();
                    let send = |raw: RawClient| async move {
                        raw.list_users(organization, page, direct_only, domain, None).await
                    };
                    let response = client.0.call(call.as_call(), send).await?;
                    response.check_result(&response.value.result, response.value.message.as_deref())?;
                    Ok(Page::of(response.value.users, response.value.last_page, response.head))
                }
            }
        });
        Pager::new(query)
    }
}

/// A list of the members of a group, with filters.
///
/// ```no_run
/// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
/// use umapi::model::LicenseStatus;
///
/// // Members of the profile without a license, because its quota is used up.
/// let members = client.users().in_group("Photoshop");
/// let mut without = members.status(LicenseStatus::Inactive).exclude_groups(true).list();
/// while let Some(user) = without.try_next().await? {
///     println!("{:?}", user.email);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `list`"]
pub struct GroupMembers {
    client: Client,
    group: String,
    direct_only: Option<bool>,
    exclude_groups: Option<bool>,
    status: Option<LicenseStatus>,
}

impl GroupMembers {
    /// Selects the members of a product profile that have a license, or those that do not.
    pub fn status(mut self, status: LicenseStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Sets whether the `groups` of each user are left out, which makes the responses much smaller.
    pub fn exclude_groups(mut self, exclude: bool) -> Self {
        self.exclude_groups = Some(exclude);
        self
    }

    /// Sets whether the `groups` of each user include only the profiles that were assigned directly (true, the default), or
    /// also those through a user group.
    pub fn direct_only(mut self, direct_only: bool) -> Self {
        self.direct_only = Some(direct_only);
        self
    }

    /// Starts the list. If the group does not exist, the list ends with an error that [is not found](Error::is_not_found). An
    /// administrative group without administrators is an empty list.
    #[must_use]
    pub fn list(self) -> Pager<User> {
        let Self { client, group, direct_only, exclude_groups, status } = self;
        let filters = format!("{direct_only:?}{exclude_groups:?}{status:?}");
        let query = Query::new(client, Operation::ListUsersInGroup, &[FoldedName::new(&group).as_str(), &filters], {
            let group = group.clone();
            move |client: Client, call: PageCall, page| {
                let (group, status) = (group.clone(), status.clone());
                async move {
                    check_name("group name", &group)?;
                    if let Some(stub) = client.0.stub() {
                        let query = MembersQuery { group, status, direct_only, exclude_groups };
                        return call.ask(&client, stub.list_members(query, page)).await;
                    }
                    let (organization, group, status) = (client.organization(), group.as_str(), status.as_ref());
                    let send = |raw: RawClient| async move {
                        raw.list_users_in_group(organization, page, group, direct_only, exclude_groups, status, None)
                            .await
                    };
                    let response = client.0.call(call.as_call(), send).await?;
                    response.check_result(&response.value.result, response.value.message.as_deref())?;
                    Ok(Page::of(response.value.users, response.value.last_page, response.head))
                }
            }
        });
        Pager::new(query)
    }
}

/// The error of a response about another user than was asked for.
fn about_another<T>(response: &Response<T>, name: &str, message: Option<&str>) -> Error {
    response.unusable(&format!("it is about another user than {name:?}"), None, message)
}

/// Whether a user has this email address, username or id.
fn is_named(user: &User, name: &str) -> bool {
    lookup::is_named([&user.email, &user.username, &user.id].map(Option::as_deref), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_recognized_by_any_of_its_names() {
        let ann = User::default().with_email("Ann@Example.com").with_username("ANN").with_id("7@AdobeID");
        for name in ["ann@example.com", "ann", "7@adobeid"] {
            assert!(is_named(&ann, name), "{name}");
        }
        for name in ["bob@example.com", "bob"] {
            assert!(!is_named(&ann, name), "{name}");
        }
        assert!(is_named(&User::default().with_email("ann@example.com"), "ann"), "the username is not known");
        assert!(is_named(&User::default(), "ann@example.com"), "nothing is known");
    }
}
