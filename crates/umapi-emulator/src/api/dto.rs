//! The JSON of the store's rows in responses. A field without a value is absent.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::store::{self, Configuration, GroupKind, Product, UserGroup, UserKind, UserStatus};

/// Defines a JSON array of rows, which is serialized without collecting the DTOs first.
macro_rules! dto_list {
    ($list:ident, $row:ty, $dto:ident) => {
        /// Rows as a JSON array.
        pub(super) struct $list<'a>(pub(super) &'a [$row]);

        impl Serialize for $list<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.iter().map($dto::of))
            }
        }
    };
}

/// A user of the current endpoints.
#[derive(Serialize)]
pub(super) struct UserDto<'a> {
    id: &'a str,
    email: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "names")]
    groups: &'a [Arc<str>],
    username: &'a str,
    domain: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    firstname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lastname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "adminRoles", skip_serializing_if = "<[_]>::is_empty", serialize_with = "names")]
    admin_roles: &'a [Arc<str>],
}

impl<'a> UserDto<'a> {
    pub(super) fn of(user: &'a store::User) -> Self {
        Self {
            id: &user.id,
            email: &user.email,
            status: UserStatus::as_str(user.status),
            groups: &user.groups,
            username: &user.username,
            domain: &user.domain,
            firstname: user.firstname.as_deref(),
            lastname: user.lastname.as_deref(),
            country: user.country.as_deref(),
            kind: UserKind::as_str(user.kind),
            admin_roles: &user.admin_roles,
        }
    }
}

dto_list!(Users, store::User, UserDto);

/// A user of the deprecated endpoints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LegacyUserDto<'a> {
    id: &'a str,
    email: &'a str,
    status: &'static str,
    username: &'a str,
    domain: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<&'a str>,
    user_type: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "names")]
    groups: &'a [Arc<str>],
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "names")]
    admin_roles: &'a [Arc<str>],
}

impl<'a> LegacyUserDto<'a> {
    pub(super) fn of(user: &'a store::User) -> Self {
        Self {
            id: &user.id,
            email: &user.email,
            status: UserStatus::as_str(user.status),
            username: &user.username,
            domain: &user.domain,
            first_name: user.firstname.as_deref(),
            last_name: user.lastname.as_deref(),
            country_code: user.country.as_deref(),
            phone_number: user.phone.as_deref(),
            user_type: UserKind::as_str(user.kind),
            groups: &user.groups,
            admin_roles: &user.admin_roles,
        }
    }
}

dto_list!(LegacyUsers, store::User, LegacyUserDto);

/// A group of any kind.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupDto<'a> {
    group_id: i64,
    group_name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_profile_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_group_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_group_name: Option<&'a str>,
    member_count: i64,
    /// Of a profile: a string, as the service sends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    license_quota: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_read_only: Option<bool>,
}

impl<'a> GroupDto<'a> {
    pub(super) fn of(group: &'a store::Group) -> Self {
        Self {
            group_id: group.id,
            group_name: &group.name,
            kind: group.kind.as_str(),
            product_name: group.product_name.as_deref(),
            product_profile_name: group.product_profile_name.as_deref(),
            user_group_name: group.user_group_name.as_deref(),
            admin_group_name: group.admin_group_name.as_deref(),
            member_count: group.member_count,
            license_quota: (group.kind == GroupKind::Profile)
                .then(|| group.license_quota.map_or_else(|| "UNLIMITED".to_owned(), |quota| quota.to_string())),
            is_read_only: (group.kind == GroupKind::UserGroup).then_some(group.read_only),
        }
    }
}

dto_list!(Groups, store::Group, GroupDto);

/// A user group of the deprecated endpoints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserGroupDto<'a> {
    group_id: i64,
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    /// Absent if it is 0: the service omits it for a new group.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_count: Option<i64>,
    /// A string, as the service sends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_count: Option<String>,
    /// A string, as the service sends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_group_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_group_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_read_only: Option<bool>,
}

impl<'a> UserGroupDto<'a> {
    pub(super) fn of(group: &'a UserGroup) -> Self {
        Self {
            group_id: group.id,
            name: &group.name,
            kind: GroupKind::UserGroup.as_str(),
            user_count: Some(group.user_count).filter(|count| *count > 0),
            admin_count: Some(group.admin_count).filter(|count| *count > 0).map(|count| count.to_string()),
            admin_group_id: group.admin_group_id.map(|id| id.to_string()),
            admin_group_name: group.admin_group_name.as_deref(),
            is_read_only: group.read_only.then_some(true),
        }
    }
}

dto_list!(UserGroups, UserGroup, UserGroupDto);

/// A product.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProductDto<'a> {
    id: &'a str,
    code: &'a str,
    name: &'a str,
    user_count: i64,
    configuration_count: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    license_quota: Option<i64>,
}

impl<'a> ProductDto<'a> {
    pub(super) fn of(product: &'a Product) -> Self {
        Self {
            id: &product.external_id,
            code: &product.code,
            name: &product.name,
            user_count: product.user_count,
            configuration_count: product.configuration_count,
            license_quota: product.quota,
        }
    }
}

dto_list!(Products, Product, ProductDto);

/// A product with a page of its profiles.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProductConfigurationsDto<'a> {
    #[serde(flatten)]
    pub(super) product: ProductDto<'a>,
    pub(super) license_configurations: Configurations<'a>,
}

/// A profile of the deprecated endpoints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfigurationDto<'a> {
    id: &'a str,
    name: &'a str,
    admin_count: i64,
    user_count: i64,
    /// `null` without a quota, as the service sends it.
    license_quota: Option<i64>,
    license_group_id: i64,
    admin_group_id: i64,
    org_id: &'a str,
    product_id: &'a str,
}

impl<'a> ConfigurationDto<'a> {
    pub(super) fn of(configuration: &'a Configuration) -> Self {
        Self {
            id: &configuration.external_id,
            name: &configuration.name,
            admin_count: configuration.admin_count,
            user_count: configuration.user_count,
            license_quota: configuration.quota,
            license_group_id: configuration.group,
            admin_group_id: configuration.admin_group,
            org_id: &configuration.org_id,
            product_id: &configuration.product_id,
        }
    }
}

dto_list!(Configurations, Configuration, ConfigurationDto);

fn names<S: Serializer>(names: &[Arc<str>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(names.iter().map(|name| &**name))
}
