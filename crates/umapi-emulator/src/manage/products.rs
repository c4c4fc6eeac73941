use serde::Serialize;

use super::{Manage, ManageError};
use crate::engine::provision;
use crate::seed;
use crate::store::{GroupId, GroupKind, GroupRow, NewGroup, Organization, Product, Reader};

/// A product and its profiles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProductState {
    /// The service's id for it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its code.
    pub code: String,
    /// How many licenses were bought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<i64>,
    /// How many users are in any of its profiles.
    pub users: i64,
    /// Its profiles.
    pub profiles: Vec<ProfileState>,
}

/// A product profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProfileState {
    /// The service's number for it.
    pub group_id: GroupId,
    /// Its name.
    pub name: String,
    /// Its description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name of its product.
    pub product: String,
    /// How many licenses there are; none is "as many as are asked for".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<i64>,
    /// How many users are in it.
    pub members: i64,
    /// How many of them hold a license.
    pub licensed: i64,
}

impl ProductState {
    fn of(r: &Reader<'_>, org: &Organization, product: Product) -> Result<Self, ManageError> {
        let mut profiles = r.groups_of_kind(org.id, GroupKind::Profile)?;
        profiles.retain(|profile| profile.subject == Some(product.id));
        Ok(Self {
            profiles: profiles.into_iter().map(|profile| ProfileState::of(profile, &product.name)).collect(),
            id: product.external_id,
            name: product.name,
            code: product.code,
            quota: product.quota,
            users: product.user_count,
        })
    }
}

impl ProfileState {
    fn of(profile: GroupRow, product: &str) -> Self {
        Self {
            group_id: profile.id,
            name: profile.name,
            description: profile.description,
            product: product.to_owned(),
            quota: profile.quota,
            members: profile.members,
            licensed: profile.licensed,
        }
    }
}

/// The product with this id, or this name.
fn find(r: &Reader<'_>, org: &Organization, product: &str) -> Result<Product, ManageError> {
    let found = match r.product(org.id, product)? {
        Some(found) => Some(found),
        None => r.product_by_name(org.id, product)?,
    };
    found.ok_or_else(|| ManageError::not_found("emulator.product.unknown", format!("Product {product} was not found")))
}

fn find_profile(r: &Reader<'_>, org: &Organization, name: &str) -> Result<GroupRow, ManageError> {
    let found = r.group_by_name(org.id, name)?.filter(|group| group.kind == GroupKind::Profile);
    found.ok_or_else(|| ManageError::not_found("emulator.profile.unknown", format!("Profile {name} was not found")))
}

fn show_profile(r: &Reader<'_>, org: &Organization, name: &str) -> Result<ProfileState, ManageError> {
    let profile = find_profile(r, org, name)?;
    let product = r.products_of(org.id)?.into_iter().find(|product| profile.subject == Some(product.id));
    Ok(ProfileState::of(profile, &product.map(|product| product.name).unwrap_or_default()))
}

impl Manage {
    /// The products of an organization.
    ///
    /// # Errors
    /// If there is no such organization.
    pub fn products(&self, org_id: &str) -> Result<Vec<ProductState>, ManageError> {
        self.read(org_id, |r, org| {
            r.products_of(org.id)?.into_iter().map(|product| ProductState::of(r, org, product)).collect()
        })
    }

    /// A product by its id or its name.
    ///
    /// # Errors
    /// If there is none.
    pub fn product(&self, org_id: &str, product: &str) -> Result<ProductState, ManageError> {
        self.read(org_id, |r, org| ProductState::of(r, org, find(r, org, product)?))
    }

    /// Makes a product with its profiles.
    ///
    /// # Errors
    /// If a name is taken.
    pub fn create_product(&self, org_id: &str, new: &seed::Product) -> Result<ProductState, ManageError> {
        self.write(org_id, |tx, org| {
            seed::add_product(tx, org_id, new)?;
            tx.flush()?;
            let r = tx.rows();
            ProductState::of(&r, org, find(&r, org, &new.name)?)
        })
    }

    /// Sets how many licenses of a product were bought. What decides who holds one is the quota of each profile.
    ///
    /// # Errors
    /// If there is no such product.
    pub fn set_product_quota(
        &self,
        org_id: &str,
        product: &str,
        quota: Option<u32>,
    ) -> Result<ProductState, ManageError> {
        self.write(org_id, |tx, org| {
            tx.set_product_quota(find(&tx.rows(), org, product)?.id, quota.map(i64::from))?;
            let r = tx.rows();
            ProductState::of(&r, org, find(&r, org, product)?)
        })
    }

    /// Makes a profile of a product.
    ///
    /// # Errors
    /// If there is no such product, or the name is that of another group.
    pub fn create_profile(
        &self,
        org_id: &str,
        product: &str,
        new: &seed::Profile,
    ) -> Result<ProfileState, ManageError> {
        self.write(org_id, |tx, org| {
            let product = find(&tx.rows(), org, product)?;
            let group = NewGroup {
                name: &new.name,
                description: new.description.as_deref(),
                read_only: false,
                quota: new.quota.map(i64::from),
            };
            provision::profile(tx, org.id, product.id, &group)?;
            show_profile(&tx.rows(), org, &new.name)
        })
    }

    /// A profile by its name, without regard to case.
    ///
    /// # Errors
    /// If there is none.
    pub fn profile(&self, org_id: &str, name: &str) -> Result<ProfileState, ManageError> {
        self.read(org_id, |r, org| show_profile(r, org, name))
    }

    /// Sets the quota of a profile. With fewer licenses those who came last lose theirs, with more those who have waited
    /// longest get one; without a quota everyone has one.
    ///
    /// # Errors
    /// If there is no such profile.
    pub fn set_profile_quota(&self, org_id: &str, name: &str, quota: Option<u32>) -> Result<ProfileState, ManageError> {
        self.write(org_id, |tx, org| {
            let profile = find_profile(&tx.rows(), org, name)?;
            provision::quota(tx, profile.id, quota.map(i64::from))?;
            tx.flush()?;
            show_profile(&tx.rows(), org, name)
        })
    }
}
