//! The deprecated endpoints: users, user groups, products and their configurations (profiles).

use http::StatusCode;

use super::{
    Context,
    dto::{
        ConfigurationDto, Configurations, LegacyUserDto, LegacyUsers, ProductConfigurationsDto, ProductDto, Products,
        UserGroupDto, UserGroups,
    },
    errors::{ErrorShape, domain_not_found, legacy_error, not_found, reject, user_not_found},
    with_paging,
};
use crate::{
    engine::{
        Rejection,
        legacy::{self, LegacyError, UserGroupFields},
    },
    http::Response,
    store::{Configuration, GroupId, MemberQuery, Page, PageRequest, Product, StoreError, User, UserGroup, UserQuery},
};

const USER_GROUP_NOT_FOUND: &str = "GROUP_NOT_FOUND";
const CONFIGURATION_NOT_FOUND: &str = "PLC_NOT_FOUND";

impl<'a> Context<'a> {
    /// What the writes of the deprecated endpoints need to know about the request.
    fn legacy_call(self) -> legacy::Call<'a> {
        legacy::Call {
            org_id: &self.org.org_id,
            request_id: &self.request.id,
            at: self.app.clock.millis(),
            limits: self.app.settings.request_sizes,
        }
    }

    fn legacy_page(self, page: Option<u64>) -> PageRequest {
        PageRequest { page: page.unwrap_or(0), size: self.app.settings.pages.legacy_lists }
    }
}

/// Users.
impl Context<'_> {
    /// `GET /{orgId}/users`.
    pub(super) fn list_legacy_users(
        self,
        page: Option<u64>,
        direct_only: bool,
        domain: Option<&str>,
    ) -> Result<Response, StoreError> {
        let query = UserQuery { domain, direct_only };
        let request = PageRequest { page: page.unwrap_or(0), size: self.app.settings.pages.legacy_users };
        let page = self.app.store.read(|reader| reader.users(self.org.id, &query, request))?;
        Ok(page.map_or_else(|| domain_not_found(domain.unwrap_or_default()), |page| show_users(&page)))
    }

    /// `GET /{orgId}/users/{email}`.
    pub(super) fn get_legacy_user(self, email: &str) -> Result<Response, StoreError> {
        let user = self.app.store.read(|reader| reader.user(self.org.id, email, None, true))?;
        Ok(match user {
            Some(user) => Response::json(StatusCode::OK, &LegacyUserDto::of(&user)),
            None => user_not_found(email),
        })
    }

    /// A page of the members of a group, whether direct or through a user group. `None` if the group does not exist.
    fn list_members(self, group: GroupId, page: Option<u64>) -> Result<Option<Response>, StoreError> {
        let request = PageRequest { page: page.unwrap_or(0), size: self.app.settings.pages.legacy_users };
        let query = MemberQuery { direct_only: false, ..MemberQuery::default() };
        let page = self.app.store.read(|reader| {
            let Some(group) = reader.group_row(self.org.id, group)? else { return Ok::<_, StoreError>(None) };
            reader.members(&group, &query, request).map(Some)
        })?;
        Ok(page.map(|page| show_users(&page)))
    }
}

fn show_users(page: &Page<User>) -> Response {
    with_paging(Response::json(StatusCode::OK, &LegacyUsers(&page.items)), page, page.number)
}

/// User groups.
impl Context<'_> {
    /// `GET /{orgId}/user-groups`. Its pages count from 1; 0 counts as 1.
    pub(super) fn list_user_groups(self, page: Option<u64>) -> Result<Response, StoreError> {
        let requested = self.legacy_page(page);
        let request = PageRequest { page: requested.page.saturating_sub(1), ..requested };
        let page = self.app.store.read(|reader| reader.user_groups(self.org.id, request))?;
        Ok(with_paging(Response::json(StatusCode::OK, &UserGroups(&page.items)), &page, page.number + 1))
    }

    /// `GET /{orgId}/user-groups/{groupId}`.
    pub(super) fn get_user_group(self, group: u64) -> Result<Response, StoreError> {
        Ok(self.find_user_group(group)?.map_or_else(|| not_found(USER_GROUP_NOT_FOUND), |group| show_group(&group)))
    }

    /// `POST /{orgId}/user-groups`.
    pub(super) fn create_user_group(self) -> Response {
        let fields = legacy::body::<UserGroupFields>(&self.request.body);
        changed_group(
            fields.and_then(|fields| legacy::create_user_group(&self.app.store, &self.legacy_call(), &fields)),
        )
    }

    /// `PUT /{orgId}/user-groups/{groupId}`.
    pub(super) fn update_user_group(self, group: u64) -> Response {
        let fields = legacy::body::<UserGroupFields>(&self.request.body);
        changed_group(fields.and_then(|fields| {
            legacy::update_user_group(&self.app.store, &self.legacy_call(), group_id(group), &fields)
        }))
    }

    /// `POST /{orgId}/user-groups/{groupId}`.
    pub(super) fn update_user_group_rights(self, group: u64) -> Response {
        let rights = legacy::body(&self.request.body);
        changed_group(rights.and_then(|rights| {
            legacy::update_user_group_rights(&self.app.store, &self.legacy_call(), group_id(group), &rights)
        }))
    }

    /// `DELETE /{orgId}/user-groups/{groupId}`.
    pub(super) fn delete_user_group(self, group: u64) -> Response {
        match legacy::delete_user_group(&self.app.store, &self.legacy_call(), group_id(group)) {
            Ok(()) => Response::empty(StatusCode::NO_CONTENT),
            Err(error) => legacy_error(error),
        }
    }

    /// `GET /{orgId}/user-groups/{groupId}/users`.
    pub(super) fn list_user_group_users(self, group: u64, page: Option<u64>) -> Result<Response, StoreError> {
        let found =
            if self.find_user_group(group)?.is_some() { self.list_members(group_id(group), page)? } else { None };
        Ok(found.unwrap_or_else(|| not_found(USER_GROUP_NOT_FOUND)))
    }

    /// `GET /{orgId}/user-groups/{groupId}/admins`.
    pub(super) fn list_user_group_admins(self, group: u64, page: Option<u64>) -> Result<Response, StoreError> {
        let row = self.app.store.read(|reader| reader.group_row(self.org.id, group_id(group)))?;
        let admins = if self.find_user_group(group)?.is_some() { row.and_then(|row| row.admins) } else { None };
        let found = admins.map(|admins| self.list_members(admins, page)).transpose()?.flatten();
        Ok(found.unwrap_or_else(|| not_found(USER_GROUP_NOT_FOUND)))
    }

    fn find_user_group(self, group: u64) -> Result<Option<UserGroup>, StoreError> {
        self.app.store.read(|reader| reader.user_group(self.org.id, group_id(group)))
    }
}

/// The id of a group. A number that the store cannot hold is the id of no group.
fn group_id(number: u64) -> GroupId {
    number.try_into().unwrap_or(GroupId::MIN)
}

fn changed_group(result: Result<UserGroup, LegacyError>) -> Response {
    result.map_or_else(legacy_error, |group| show_group(&group))
}

fn show_group(group: &UserGroup) -> Response {
    Response::json(StatusCode::OK, &UserGroupDto::of(group))
}

/// Products and configurations.
impl Context<'_> {
    /// `GET /{orgId}/products`.
    pub(super) fn list_products(self, page: Option<u64>) -> Result<Response, StoreError> {
        let page = self.app.store.read(|reader| reader.products(self.org.id, self.legacy_page(page)))?;
        Ok(with_paging(Response::json(StatusCode::OK, &Products(&page.items)), &page, page.number))
    }

    /// `GET /{orgId}/products/{productId}`.
    pub(super) fn get_product(self, product_id: &str) -> Result<Response, StoreError> {
        Ok(match self.find_product(product_id)? {
            Some(product) => Response::json(StatusCode::OK, &ProductDto::of(&product)),
            None => product_not_found(product_id),
        })
    }

    /// `POST /{orgId}/products/{productId}` and `…/admin`.
    pub(super) fn update_product_admins(self, product_id: &str) -> Response {
        let admins = legacy::body(&self.request.body);
        let updated = admins.and_then(|admins| {
            legacy::update_product_admins(&self.app.store, &self.legacy_call(), product_id, &admins)
        });
        match updated {
            Ok(product) => Response::json(StatusCode::OK, &ProductDto::of(&product)),
            Err(error) => legacy_error(error),
        }
    }

    /// `GET /{orgId}/products/{productId}/configurations`.
    pub(super) fn list_configurations(self, product_id: &str, page: Option<u64>) -> Result<Response, StoreError> {
        let Some(product) = self.find_product(product_id)? else { return Ok(product_not_found(product_id)) };
        let page = self.app.store.read(|reader| reader.configurations(&product, self.legacy_page(page)))?;
        let body = ProductConfigurationsDto {
            product: ProductDto::of(&product),
            license_configurations: Configurations(&page.items),
        };
        Ok(with_paging(Response::json(StatusCode::OK, &body), &page, page.number))
    }

    /// `GET /{orgId}/products/{productId}/configurations/{configId}`.
    pub(super) fn get_configuration(self, product_id: &str, config_id: &str) -> Result<Response, StoreError> {
        self.with_configuration(product_id, config_id, |configuration| Ok(show_configuration(configuration)))
    }

    /// `POST /{orgId}/products/{productId}/configurations/{configId}`.
    pub(super) fn update_configuration(self, product_id: &str, config_id: &str) -> Response {
        let rights = legacy::body(&self.request.body);
        let updated = rights.and_then(|rights| {
            legacy::update_configuration(&self.app.store, &self.legacy_call(), product_id, config_id, &rights)
        });
        updated.map_or_else(legacy_error, |configuration| show_configuration(&configuration))
    }

    /// `GET …/configurations/{configId}/users`.
    pub(super) fn list_configuration_users(
        self,
        product_id: &str,
        config_id: &str,
        page: Option<u64>,
    ) -> Result<Response, StoreError> {
        self.with_configuration(product_id, config_id, |configuration| {
            self.list_configuration_members(configuration.group, page)
        })
    }

    /// `GET …/configurations/{configId}/admins`.
    pub(super) fn list_configuration_admins(
        self,
        product_id: &str,
        config_id: &str,
        page: Option<u64>,
    ) -> Result<Response, StoreError> {
        self.with_configuration(product_id, config_id, |configuration| {
            self.list_configuration_members(configuration.admin_group, page)
        })
    }

    fn list_configuration_members(self, group: GroupId, page: Option<u64>) -> Result<Response, StoreError> {
        Ok(self.list_members(group, page)?.unwrap_or_else(|| not_found(CONFIGURATION_NOT_FOUND)))
    }

    fn find_product(self, product_id: &str) -> Result<Option<Product>, StoreError> {
        self.app.store.read(|reader| reader.product(self.org.id, product_id))
    }

    fn with_configuration(
        self,
        product_id: &str,
        config_id: &str,
        then: impl FnOnce(&Configuration) -> Result<Response, StoreError>,
    ) -> Result<Response, StoreError> {
        let Some(product) = self.find_product(product_id)? else { return Ok(product_not_found(product_id)) };
        match self.app.store.read(|reader| reader.configuration(&product, config_id))? {
            Some(configuration) => then(&configuration),
            None => Ok(not_found(CONFIGURATION_NOT_FOUND)),
        }
    }
}

fn show_configuration(configuration: &Configuration) -> Response {
    Response::json(StatusCode::OK, &ConfigurationDto::of(configuration))
}

/// The documentation shows no code for an unknown product. This is the code that the writes respond with.
fn product_not_found(product_id: &str) -> Response {
    let message = format!("Product {product_id} was not found");
    reject(ErrorShape::Code, 404, &Rejection::new("error.command.product.not_found", message))
}
