//! Stubs of the deprecated endpoints.

use std::future::{Future, ready};

use umapi_model::{
    Configuration, ConfigurationRights, LegacyUser, NewUserGroup, Operation, Product, ProductAdmins, UserGroup,
    UserGroupChange, UserGroupRights,
};

use super::{StubFuture, UsersQuery};
use crate::{
    Page,
    error::{Error, Kind},
};

/// Declares [`LegacyStub`], the same trait for `dyn`, and the list of its methods: one line for each operation.
macro_rules! legacy_stub {
    (
        $(#[$trait_doc:meta])*
        pub trait LegacyStub {
            $($(#[$doc:meta])* $operation:ident: $method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*
        }
    ) => {
        $(#[$trait_doc])*
        pub trait LegacyStub: Send + Sync + 'static {
            $(
                $(#[$doc])*
                fn $method(&self, $($argument: $type),*) -> impl Future<Output = Result<$answer, Error>> + Send {
                    $(let _ = $argument;)*
                    ready(Err(Error::new(Kind::Unanswered(Operation::$operation))))
                }
            )*
        }

        /// [`LegacyStub`] as a trait that allows `dyn`.
        pub(crate) trait DynLegacyStub: Send + Sync + 'static {
            $(fn $method(&self, $($argument: $type),*) -> StubFuture<'_, $answer>;)*
        }

        impl<S: LegacyStub> DynLegacyStub for S {
            $(
                fn $method(&self, $($argument: $type),*) -> StubFuture<'_, $answer> {
                    Box::pin(LegacyStub::$method(self, $($argument),*))
                }
            )*
        }

        /// The method of an operation.
        fn method_of(operation: Operation) -> Option<&'static str> {
            match operation {
                $(Operation::$operation => Some(stringify!($method)),)*
                _ => None,
            }
        }
    };
}

legacy_stub! {
    /// Answers in place of the deprecated endpoints, with values of their types; see [`Stub::legacy`](super::Stub::legacy).
    ///
    /// It is a trait of its own, so that [`Stub`](super::Stub) shows what programs need that do not use these endpoints. What it
    /// leaves out is asked of [`Stub::request`](super::Stub::request), as a request; if that is left out too, the error names the
    /// method of this trait. The methods have the names of the operations.
    ///
    /// Pages are counted from 0. What the client finds out itself about an answer, such as a page that comes again or another
    /// group than was asked for, is as for an answer of the service.
    ///
    /// ```
    /// use umapi::{
    ///     Client, Error, Page,
    ///     model::{NewUserGroup, UserGroup},
    ///     stub::{LegacyStub, Stub},
    /// };
    ///
    /// /// Two pages of user groups, and no user.
    /// struct TwoGroups;
    ///
    /// impl Stub for TwoGroups {
    ///     fn legacy(&self) -> &impl LegacyStub {
    ///         self
    ///     }
    /// }
    ///
    /// impl LegacyStub for TwoGroups {
    ///     async fn list_user_groups(&self, page: u32) -> Result<Page<UserGroup>, Error> {
    ///         Ok(Page::new([UserGroup::new(u64::from(page), format!("Group {page}"))], page == 1))
    ///     }
    ///
    ///     async fn create_user_group(&self, group: NewUserGroup) -> Result<UserGroup, Error> {
    ///         Ok(UserGroup::new(2, group.name))
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let groups = Client::from_stub(TwoGroups).legacy().user_groups();
    /// assert_eq!(groups.list().try_collect().await?.len(), 2);
    /// assert_eq!(groups.create(&NewUserGroup::new("Design")).await?.name, "Design");
    ///
    /// let error = groups.delete(7).await.unwrap_err();
    /// assert!(error.to_string().contains("the stub does not answer `delete_user_group`"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The example [`legacy_unit_tests`](https://docs.rs/crate/umapi/latest/source/examples/legacy_unit_tests.rs) answers all of
    /// them.
    pub trait LegacyStub {
        /// A user; `None` if the user does not exist. Answers [`LegacyUsers::get`](crate::LegacyUsers::get).
        GetLegacyUser: get_legacy_user(email: String) -> Option<LegacyUser>;

        /// A page of the users of the organization. Answers [`LegacyUsers::list`](crate::LegacyUsers::list).
        ListLegacyUsers: list_legacy_users(query: UsersQuery, page: u32) -> Page<LegacyUser>;

        /// A page of the user groups. Answers [`LegacyUserGroups::list`](crate::LegacyUserGroups::list).
        ListUserGroups: list_user_groups(page: u32) -> Page<UserGroup>;

        /// A user group; `None` if it does not exist. Answers [`LegacyUserGroups::get`](crate::LegacyUserGroups::get).
        GetUserGroup: get_user_group(group_id: u64) -> Option<UserGroup>;

        /// The user group that was created. Answers [`LegacyUserGroups::create`](crate::LegacyUserGroups::create).
        CreateUserGroup: create_user_group(group: NewUserGroup) -> UserGroup;

        /// The user group after a change. Answers [`LegacyUserGroups::update`](crate::LegacyUserGroups::update).
        UpdateUserGroup: update_user_group(group_id: u64, change: UserGroupChange) -> UserGroup;

        /// The user group after a change of its members and administrators. Answers
        /// [`LegacyUserGroups::change_rights`](crate::LegacyUserGroups::change_rights).
        UpdateUserGroupRights: update_user_group_rights(group_id: u64, rights: UserGroupRights) -> UserGroup;

        /// Whether the user group existed. Answers [`LegacyUserGroups::delete`](crate::LegacyUserGroups::delete).
        DeleteUserGroup: delete_user_group(group_id: u64) -> bool;

        /// A page of the members of a user group. Answers [`LegacyUserGroups::users`](crate::LegacyUserGroups::users).
        ListUserGroupUsers: list_user_group_users(group_id: u64, page: u32) -> Page<LegacyUser>;

        /// A page of the administrators of a user group. Answers [`LegacyUserGroups::admins`](crate::LegacyUserGroups::admins).
        ListUserGroupAdmins: list_user_group_admins(group_id: u64, page: u32) -> Page<LegacyUser>;

        /// A page of the products. Answers [`LegacyProducts::list`](crate::LegacyProducts::list).
        ListProducts: list_products(page: u32) -> Page<Product>;

        /// A product; `None` if it does not exist. Answers [`LegacyProducts::get`](crate::LegacyProducts::get).
        GetProduct: get_product(product_id: String) -> Option<Product>;

        /// The product after a change of its administrators. Answers
        /// [`LegacyProducts::change_admins`](crate::LegacyProducts::change_admins).
        UpdateProductAdmins: update_product_admins(product_id: String, admins: ProductAdmins) -> Product;

        /// The product after a change of its administrators. Answers
        /// [`LegacyProducts::change_rights`](crate::LegacyProducts::change_rights).
        UpdateProductRights: update_product_rights(product_id: String, admins: ProductAdmins) -> Product;

        /// A page of the profiles of a product. Answers [`LegacyConfigurations::list`](crate::LegacyConfigurations::list).
        ListConfigurations: list_configurations(product_id: String, page: u32) -> Page<Configuration>;

        /// A profile; `None` if it does not exist. Answers [`LegacyConfigurations::get`](crate::LegacyConfigurations::get).
        GetConfiguration: get_configuration(product_id: String, config_id: String) -> Option<Configuration>;

        /// The profile after a change of its members and administrators. Answers
        /// [`LegacyConfigurations::change_rights`](crate::LegacyConfigurations::change_rights).
        UpdateConfigurationRights: update_configuration_rights(
            product_id: String, config_id: String, rights: ConfigurationRights
        ) -> Configuration;

        /// A page of the users of a profile. Answers [`LegacyConfigurations::users`](crate::LegacyConfigurations::users).
        ListConfigurationUsers: list_configuration_users(product_id: String, config_id: String, page: u32) -> Page<LegacyUser>;

        /// A page of the administrators of a profile. Answers [`LegacyConfigurations::admins`](crate::LegacyConfigurations::admins).
        ListConfigurationAdmins: list_configuration_admins(product_id: String, config_id: String, page: u32) -> Page<LegacyUser>;
    }
}

/// Answers none of the deprecated endpoints.
pub(super) struct NoLegacy;

impl LegacyStub for NoLegacy {}

/// What an operation is called that no stub answers, and what to do.
pub(crate) fn unanswered_text(operation: Operation) -> String {
    match method_of(operation) {
        Some(method) => format!(
            "the stub does not answer `{method}`; implement this method of `umapi::stub::LegacyStub`, and `legacy` of `umapi::stub::Stub`, which returns it"
        ),
        None => format!("the stub does not answer {operation}; implement `request` of `umapi::stub::Stub`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_deprecated_operation_has_a_method_with_its_name() {
        for operation in Operation::ALL {
            let snake = operation
                .id()
                .chars()
                .flat_map(|c| c.is_ascii_uppercase().then_some('_').into_iter().chain([c.to_ascii_lowercase()]));
            let expected = operation.is_deprecated().then(|| snake.collect::<String>());
            assert_eq!(method_of(operation), expected.as_deref(), "{}", operation.id());
        }
    }
}
