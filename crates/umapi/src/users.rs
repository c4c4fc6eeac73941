//! Reading users.

use umapi_model::{LicenseStatus, Operation, User};

use crate::{
    call::ApiCall,
    call::RawClient,
    client::Client,
    error::Error,
    list::{Page, Pager, Query},
    lookup::{check_name, found},
};
use umapi_plan::account::FoldedName;

/// Reads users; made by [`Client::users`].
///
/// ```no_run
/// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
/// match client.users().get("jdoe@example.com").await? {
///     Some(user) => println!("{:?} is in {:?}", user.email, user.groups),
///     None => println!("there is no such user"),
/// }
/// # Ok(())
/// # }
/// ```
///
/// See <https://adobe-apiplatform.github.io/umapi-documentation/en/api/user.html>.
#[derive(Clone, Debug)]
pub struct Users {
    client: Client,
}

impl Users {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The user with this email address; nothing if there is none. Letter case does not matter.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn get(&self, email: &str) -> Result<Option<User>, Error> {
        self.look_up("email address", email, None).await
    }

    /// The user with this user name in a domain; nothing if there is none.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn get_by_username(&self, username: &str, domain: &str) -> Result<Option<User>, Error> {
        self.look_up("user name", username, Some(domain)).await
    }

    /// The Adobe ID with this email address, where an Enterprise or Federated ID has the same one; nothing if there is none.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn get_adobe_id(&self, email: &str) -> Result<Option<User>, Error> {
        self.look_up("email address", email, Some("AdobeID")).await
    }

    async fn look_up(&self, what: &str, name: &str, domain: Option<&str>) -> Result<Option<User>, Error> {
        check_name(what, name)?;
        let engine = &self.client.0;
        let organization = engine.organization.as_str();
        let send = |raw: RawClient| async move { raw.get_user(organization, name, domain, None).await };
        let answer = found(engine.call(ApiCall::question(Operation::GetUser), send).await)?;
        Ok(answer.and_then(|answer| answer.user))
    }

    /// All users of the organization.
    #[must_use]
    pub fn list(&self) -> Pager<User> {
        UserList::new(self.client.clone()).list()
    }

    /// The users of a domain.
    pub fn domain(&self, domain: impl Into<String>) -> UserList {
        UserList::new(self.client.clone()).domain(domain)
    }

    /// Whether the `groups` of each user hold only the profiles that were assigned to the user directly (true, the default),
    /// or also those that come through a user group.
    pub fn direct_only(&self, direct_only: bool) -> UserList {
        UserList::new(self.client.clone()).direct_only(direct_only)
    }

    /// The users of a user group, a product profile or an administrative group. Letter case does not matter.
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

/// Users of the organization, to be narrowed down and listed.
#[derive(Clone, Debug)]
#[must_use = "nothing is asked before `list`"]
pub struct UserList {
    client: Client,
    domain: Option<String>,
    direct_only: Option<bool>,
}

impl UserList {
    fn new(client: Client) -> Self {
        Self { client, domain: None, direct_only: None }
    }

    /// Only users of a domain.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Whether the `groups` of each user hold only the profiles that were assigned to the user directly (true, the default),
    /// or also those that come through a user group.
    pub fn direct_only(mut self, direct_only: bool) -> Self {
        self.direct_only = Some(direct_only);
        self
    }

    /// The list. A domain that the organization does not have ends it with an error that
    /// [is not found](Error::is_not_found).
    #[must_use]
    pub fn list(self) -> Pager<User> {
        let Self { client, domain, direct_only } = self;
        let shown = format!("{direct_only:?}");
        let parameters = [domain.as_deref().unwrap_or_default(), &shown];
        let query = Query::new(client, Operation::ListUsers, &parameters, {
            let domain = domain.clone();
            move |client: Client, call, page| {
                let domain = domain.clone();
                async move {
                    let organization = client.organization();
                    let domain = domain.as_deref();
                    let send = |raw: RawClient| async move {
                        raw.list_users(organization, page, direct_only, domain, None).await
                    };
                    let answer = client.0.call(call, send).await?;
                    let (users, is_last) = (answer.value.users, answer.value.last_page);
                    Ok(Page::of(users, is_last, answer.head))
                }
            }
        });
        Pager::new(query)
    }
}

/// The members of a group, to be narrowed down and listed.
///
/// ```no_run
/// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
/// use umapi::model::LicenseStatus;
///
/// // Who is in the profile without holding a license, since its quota is used up.
/// let mut without = client.users().in_group("Photoshop").status(LicenseStatus::Inactive).exclude_groups(true).list();
/// while let Some(user) = without.try_next().await? {
///     println!("{:?}", user.email);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is asked before `list`"]
pub struct GroupMembers {
    client: Client,
    group: String,
    direct_only: Option<bool>,
    exclude_groups: Option<bool>,
    status: Option<LicenseStatus>,
}

impl GroupMembers {
    /// Of a product profile, only members that hold a license, or only those that do not.
    pub fn status(mut self, status: LicenseStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Whether the `groups` of each user are left out, which makes the answers much smaller.
    pub fn exclude_groups(mut self, exclude: bool) -> Self {
        self.exclude_groups = Some(exclude);
        self
    }

    /// Whether the `groups` of each user hold only the profiles that were assigned to the user directly (true, the default),
    /// or also those that come through a user group.
    pub fn direct_only(mut self, direct_only: bool) -> Self {
        self.direct_only = Some(direct_only);
        self
    }

    /// The list. A group that does not exist ends it with an error that [is not found](Error::is_not_found); an
    /// administrative group without administrators is an empty list.
    #[must_use]
    pub fn list(self) -> Pager<User> {
        let Self { client, group, direct_only, exclude_groups, status } = self;
        let shown = format!("{direct_only:?}{exclude_groups:?}{status:?}");
        let query = Query::new(client, Operation::ListUsersInGroup, &[FoldedName::new(&group).as_str(), &shown], {
            let group = group.clone();
            move |client: Client, call, page| {
                let (group, status) = (group.clone(), status.clone());
                async move {
                    check_name("name of the group", &group)?;
                    let (organization, group, status) = (client.organization(), group.as_str(), status.as_ref());
                    let send = |raw: RawClient| async move {
                        raw.list_users_in_group(organization, page, group, direct_only, exclude_groups, status, None)
                            .await
                    };
                    let answer = client.0.call(call, send).await?;
                    let (users, is_last) = (answer.value.users, answer.value.last_page);
                    Ok(Page::of(users, is_last, answer.head))
                }
            }
        });
        Pager::new(query)
    }
}
