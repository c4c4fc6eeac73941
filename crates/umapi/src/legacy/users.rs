//! Users, in the older shape.

use umapi_model::{LegacyUser, Operation};

use crate::{
    call::ApiCall,
    call::RawClient,
    client::Client,
    error::Error,
    list::{Pager, Query, array_page},
    lookup::{check_name, found},
};

/// Users, in the older shape; made by [`Legacy::users`](crate::Legacy::users).
#[derive(Clone, Debug)]
pub struct LegacyUsers {
    client: Client,
}

impl LegacyUsers {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The user with this email address; nothing if there is none.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    #[expect(deprecated, reason = "it is what this module is for")]
    pub async fn get(&self, email: &str) -> Result<Option<LegacyUser>, Error> {
        check_name("email address", email)?;
        let organization = self.client.organization();
        let send = |raw: RawClient| async move { raw.get_legacy_user(organization, email, None).await };
        found(self.client.0.call(ApiCall::question(Operation::GetLegacyUser), send).await)
    }

    /// All users of the organization.
    #[must_use]
    pub fn list(&self) -> Pager<LegacyUser> {
        LegacyUserList::new(self.client.clone()).list()
    }

    /// The users of a domain.
    pub fn domain(&self, domain: impl Into<String>) -> LegacyUserList {
        LegacyUserList::new(self.client.clone()).domain(domain)
    }

    /// Whether the `groups` of each user hold only the profiles that were assigned to the user directly (true, the default),
    /// or also those that come through a user group.
    pub fn direct_only(&self, direct_only: bool) -> LegacyUserList {
        LegacyUserList::new(self.client.clone()).direct_only(direct_only)
    }
}

/// Users in the older shape, to be narrowed down and listed.
#[derive(Clone, Debug)]
#[must_use = "nothing is asked before `list`"]
pub struct LegacyUserList {
    client: Client,
    domain: Option<String>,
    direct_only: Option<bool>,
}

impl LegacyUserList {
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

    /// The list.
    #[must_use]
    #[expect(deprecated, reason = "it is what this module is for")]
    pub fn list(self) -> Pager<LegacyUser> {
        let Self { client, domain, direct_only } = self;
        let shown = format!("{domain:?}{direct_only:?}");
        let query = Query::new(client, Operation::ListLegacyUsers, &[&shown], move |client: Client, call, page| {
            let domain = domain.clone();
            async move {
                let (organization, domain) = (client.organization(), domain.as_deref());
                let send = |raw: RawClient| async move {
                    raw.list_legacy_users(organization, direct_only, domain, Some(page), None).await
                };
                Ok(array_page(client.0.call(call, send).await?, page, 0))
            }
        });
        Pager::new(query)
    }
}
