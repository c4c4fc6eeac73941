//! A product.

use serde::Serialize;
use umapi::model::Product;

use crate::output::{Column, Record, column};

/// A product that the organization has.
#[derive(Debug, Serialize)]
pub(crate) struct ProductRecord {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    license_quota: Option<String>,
}

impl From<Product> for ProductRecord {
    fn from(product: Product) -> Self {
        Self {
            id: product.id,
            code: product.code,
            name: product.name,
            user_count: product.user_count,
            profile_count: product.configuration_count,
            license_quota: product.license_quota.map(|quota| quota.to_string()),
        }
    }
}

impl Record for ProductRecord {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("id", |product: &Self| (&product.id).into()),
            column("code", |product| (&product.code).into()),
            column("name", |product| (&product.name).into()),
            column("user_count", |product| (&product.user_count).into()),
            column("profile_count", |product| (&product.profile_count).into()),
            column("license_quota", |product| (&product.license_quota).into()),
        ]
    }
}
