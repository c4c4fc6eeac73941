//! The deprecated endpoints.

mod configurations;
mod products;
mod user_groups;
mod users;

pub use configurations::LegacyConfigurations;
pub use products::LegacyProducts;
pub use user_groups::LegacyUserGroups;
pub use users::{LegacyUserList, LegacyUsers};

use crate::client::Client;

/// The deprecated endpoints, for programs that still lean on them; made by [`Client::legacy`].
///
/// Everything new is done better by [`Client::users`], [`Client::groups`] and [`Client::execute`].
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

    /// Users, in the older shape.
    #[must_use]
    pub fn users(&self) -> LegacyUsers {
        LegacyUsers::new(self.client.clone())
    }

    /// User groups by their number.
    #[must_use]
    pub fn user_groups(&self) -> LegacyUserGroups {
        LegacyUserGroups::new(self.client.clone())
    }

    /// Products, and their profiles.
    #[must_use]
    pub fn products(&self) -> LegacyProducts {
        LegacyProducts::new(self.client.clone())
    }
}
