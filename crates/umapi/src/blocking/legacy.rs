//! The deprecated endpoints.

use super::{Call, List, wrapper::wrapper};
use crate::model::{
    Configuration, ConfigurationRights, LegacyUser, NewUserGroup, Product, ProductAdmins, UserGroup, UserGroupChange,
    UserGroupRights,
};

wrapper! {
    /// Calls the deprecated endpoints; created by [`Client::legacy`](super::Client::legacy).
    Legacy;

    /// Users in the older shape.
    fn users(&self) -> LegacyUsers;
    /// User groups by their id.
    fn user_groups(&self) -> LegacyUserGroups;
    /// Products.
    fn products(&self) -> LegacyProducts;
}

wrapper! {
    /// Users in the older shape; created by [`Legacy::users`].
    LegacyUsers;

    /// Returns the user with this email address, or `None`.
    fn get(&self, email: &str) -> Call<Option<LegacyUser>>;
    /// Lists all users of the organization.
    fn list(&self) -> List<LegacyUser>;
    /// Selects the users of a domain.
    fn domain(&self, domain: impl Into<String>) -> LegacyUserList;
    /// Sets whether the groups of each user include only the profiles that were assigned directly.
    fn direct_only(&self, direct_only: bool) -> LegacyUserList;
}

wrapper! {
    /// A list of users in the older shape, with filters.
    LegacyUserList;

    consuming {
        /// Selects the users of a domain.
        fn domain(self, domain: impl Into<String>) -> Self;
        /// Sets whether the groups of each user include only the profiles that were assigned directly.
        fn direct_only(self, direct_only: bool) -> Self;
        /// Starts the list.
        fn list(self) -> List<LegacyUser>;
    }
}

wrapper! {
    /// User groups by their id; created by [`Legacy::user_groups`].
    LegacyUserGroups;

    /// Lists all user groups.
    fn list(&self) -> List<UserGroup>;
    /// Returns the user group with this id, or `None`.
    fn get(&self, group_id: u64) -> Call<Option<UserGroup>>;
    /// Creates a user group.
    fn create(&self, group: &NewUserGroup) -> Call<UserGroup>;
    /// Changes the name or the description of a user group.
    fn update(&self, group_id: u64, change: &UserGroupChange) -> Call<UserGroup>;
    /// Changes the members and administrators of a user group.
    fn change_rights(&self, group_id: u64, rights: UserGroupRights) -> Call<UserGroup>;
    /// Deletes a user group and its memberships, but not its users. Returns false if it does not exist.
    fn delete(&self, group_id: u64) -> Call<bool>;
    /// Lists the members of a user group.
    fn users(&self, group_id: u64) -> List<LegacyUser>;
    /// Lists the administrators of a user group.
    fn admins(&self, group_id: u64) -> List<LegacyUser>;
}

wrapper! {
    /// Products; created by [`Legacy::products`].
    LegacyProducts;

    /// Lists all products.
    fn list(&self) -> List<Product>;
    /// Returns the product with this id, or `None`.
    fn get(&self, product_id: &str) -> Call<Option<Product>>;
    /// Changes the administrators of a product with the endpoint `…/admin`.
    fn change_admins(&self, product_id: &str, admins: ProductAdmins) -> Call<Product>;
    /// Changes the administrators of a product with the endpoint of the product itself.
    fn change_rights(&self, product_id: &str, admins: ProductAdmins) -> Call<Product>;
    /// Returns the profiles of a product.
    fn configurations(&self, product_id: impl Into<String>) -> LegacyConfigurations;
}

wrapper! {
    /// The profiles of a product, which these endpoints call configurations; created by [`LegacyProducts::configurations`].
    LegacyConfigurations;

    /// Lists all profiles of the product.
    fn list(&self) -> List<Configuration>;
    /// Returns the profile with this id, or `None`.
    fn get(&self, config_id: &str) -> Call<Option<Configuration>>;
    /// Changes the members and administrators of a profile.
    fn change_rights(&self, config_id: &str, rights: ConfigurationRights) -> Call<Configuration>;
    /// Lists the users of a profile.
    fn users(&self, config_id: impl Into<String>) -> List<LegacyUser>;
    /// Lists the administrators of a profile.
    fn admins(&self, config_id: impl Into<String>) -> List<LegacyUser>;
}
