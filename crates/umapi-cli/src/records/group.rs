//! A group of any kind.

use serde::Serialize;
use umapi::model::Group;

use crate::output::{Column, Record, column, hidden_column};

/// A user group, a product profile or an administrative group.
#[derive(Debug, Serialize)]
pub(crate) struct GroupRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    name: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    /// As text: `UNLIMITED` has been seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    license_quota: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_read_only: Option<bool>,
}

impl From<Group> for GroupRecord {
    fn from(group: Group) -> Self {
        Self {
            id: group.group_id,
            name: group.group_name,
            kind: group.type_.map(|kind| kind.as_str().to_owned()),
            member_count: group.member_count,
            product: group.product_name,
            license_quota: group.license_quota.map(|quota| quota.to_string()),
            admin_group: group.admin_group_name,
            user_group: group.user_group_name,
            profile: group.product_profile_name,
            is_read_only: group.is_read_only,
        }
    }
}

impl Record for GroupRecord {
    fn columns() -> Vec<Column<Self>> {
        vec![
            hidden_column("id", |group: &Self| (&group.id).into()),
            column("name", |group| (&group.name).into()),
            column("type", |group| (&group.kind).into()),
            column("member_count", |group| (&group.member_count).into()),
            column("product", |group| (&group.product).into()),
            column("license_quota", |group| (&group.license_quota).into()),
            hidden_column("admin_group", |group| (&group.admin_group).into()),
            hidden_column("user_group", |group| (&group.user_group).into()),
            hidden_column("profile", |group| (&group.profile).into()),
            hidden_column("is_read_only", |group| {
                group.is_read_only.map_or("", |yes| if yes { "true" } else { "false" }).into()
            }),
        ]
    }
}
