//! Products.

use umapi_model::{Operation, Product, ProductAdmins, ProductAdminsRequest};

use super::LegacyConfigurations;
use crate::{
    call::ApiCall,
    call::Effect,
    call::RawClient,
    client::Client,
    error::Error,
    list::{Pager, Query, array_page},
    lookup::{check_name, found},
};

/// Products; made by [`Legacy::products`](crate::Legacy::products).
#[derive(Clone, Debug)]
pub struct LegacyProducts {
    client: Client,
}

#[expect(deprecated, reason = "it is what this module is for")]
impl LegacyProducts {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// All products.
    #[must_use]
    pub fn list(&self) -> Pager<Product> {
        let fetch = |client: Client, call, page| async move {
            let organization = client.organization();
            let send = |raw: RawClient| async move { raw.list_products(organization, Some(page), None).await };
            Ok(array_page(client.0.call(call, send).await?, page, 0))
        };
        Pager::new(Query::new(self.client.clone(), Operation::ListProducts, &[], fetch))
    }

    /// The product with this id; nothing if there is none.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn get(&self, product_id: &str) -> Result<Option<Product>, Error> {
        check_name("id of the product", product_id)?;
        let organization = self.client.organization();
        let send = |raw: RawClient| async move { raw.get_product(organization, product_id, None).await };
        found(self.client.0.call(ApiCall::question(Operation::GetProduct), send).await)
    }

    /// Changes who administers a product, by the endpoint `…/admin`.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn change_admins(&self, product_id: &str, admins: ProductAdmins) -> Result<Product, Error> {
        check_name("id of the product", product_id)?;
        let organization = self.client.organization();
        let body = &ProductAdminsRequest::from(admins);
        let send =
            |raw: RawClient| async move { raw.update_product_admins(organization, product_id, None, body).await };
        let call = ApiCall::change(Operation::UpdateProductAdmins, Effect::RepeatableChange);
        Ok(self.client.0.call(call, send).await?.value)
    }

    /// Changes who administers a product, by the endpoint of the product itself.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn change_rights(&self, product_id: &str, admins: ProductAdmins) -> Result<Product, Error> {
        check_name("id of the product", product_id)?;
        let organization = self.client.organization();
        let body = &ProductAdminsRequest::from(admins);
        let send =
            |raw: RawClient| async move { raw.update_product_rights(organization, product_id, None, body).await };
        let call = ApiCall::change(Operation::UpdateProductRights, Effect::RepeatableChange);
        Ok(self.client.0.call(call, send).await?.value)
    }

    /// The profiles of a product.
    #[must_use]
    pub fn configurations(&self, product_id: impl Into<String>) -> LegacyConfigurations {
        LegacyConfigurations::new(self.client.clone(), product_id.into())
    }
}
