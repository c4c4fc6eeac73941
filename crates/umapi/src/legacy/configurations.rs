//! The profiles of a product.

use umapi_model::{Configuration, ConfigurationRights, ConfigurationRightsRequest, LegacyUser, Operation};

use crate::{
    call::ApiCall,
    call::Effect,
    call::{RawClient, Response},
    client::Client,
    error::Error,
    list::{Pager, Query, array_page},
    lookup::{check_name, found},
};

/// The profiles of a product, which these endpoints call configurations; made by
/// [`LegacyProducts::configurations`](crate::LegacyProducts::configurations).
#[derive(Clone, Debug)]
pub struct LegacyConfigurations {
    client: Client,
    product_id: String,
}

/// Whom a profile has.
#[derive(Clone, Copy)]
enum People {
    Users,
    Admins,
}

#[expect(deprecated, reason = "it is what this module is for")]
impl LegacyConfigurations {
    pub(super) fn new(client: Client, product_id: String) -> Self {
        Self { client, product_id }
    }

    /// All profiles of the product.
    #[must_use]
    pub fn list(&self) -> Pager<Configuration> {
        let product_id = self.product_id.clone();
        let fetch = move |client: Client, call, page| {
            let product_id = product_id.clone();
            async move {
                check_name("id of the product", &product_id)?;
                let (organization, product_id) = (client.organization(), product_id.as_str());
                let send = |raw: RawClient| async move {
                    raw.list_configurations(organization, product_id, Some(page), None).await
                };
                let Response { value, head, requests, is_repetition } = client.0.call(call, send).await?;
                let answer = Response { value: value.license_configurations, head, requests, is_repetition };
                Ok(array_page(answer, page, 0))
            }
        };
        Pager::new(Query::new(self.client.clone(), Operation::ListConfigurations, &[&self.product_id], fetch))
    }

    /// The profile with this id; nothing if there is none.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn get(&self, config_id: &str) -> Result<Option<Configuration>, Error> {
        self.check(config_id)?;
        let (organization, product_id) = (self.client.organization(), self.product_id.as_str());
        let send =
            |raw: RawClient| async move { raw.get_configuration(organization, product_id, config_id, None).await };
        found(self.client.0.call(ApiCall::question(Operation::GetConfiguration), send).await)
    }

    /// Changes who is in a profile and who administers it.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn change_rights(&self, config_id: &str, rights: ConfigurationRights) -> Result<Configuration, Error> {
        self.check(config_id)?;
        let (organization, product_id) = (self.client.organization(), self.product_id.as_str());
        let body = &ConfigurationRightsRequest::from(rights);
        let send = |raw: RawClient| async move {
            raw.update_configuration_rights(organization, product_id, config_id, None, body).await
        };
        let call = ApiCall::change(Operation::UpdateConfigurationRights, Effect::RepeatableChange);
        Ok(self.client.0.call(call, send).await?.value)
    }

    /// The users of a profile.
    #[must_use]
    pub fn users(&self, config_id: impl Into<String>) -> Pager<LegacyUser> {
        self.people(config_id.into(), People::Users)
    }

    /// The administrators of a profile.
    #[must_use]
    pub fn admins(&self, config_id: impl Into<String>) -> Pager<LegacyUser> {
        self.people(config_id.into(), People::Admins)
    }

    fn people(&self, config_id: String, people: People) -> Pager<LegacyUser> {
        let (this, config) = (self.clone(), config_id.clone());
        let fetch = move |client: Client, call, page| {
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
                Ok(array_page(client.0.call(call, send).await?, page, 0))
            }
        };
        let operation = match people {
            People::Users => Operation::ListConfigurationUsers,
            People::Admins => Operation::ListConfigurationAdmins,
        };
        Pager::new(Query::new(self.client.clone(), operation, &[&self.product_id, &config_id], fetch))
    }

    fn check(&self, config_id: &str) -> Result<(), Error> {
        check_name("id of the product", &self.product_id)?;
        check_name("id of the profile", config_id)
    }
}
