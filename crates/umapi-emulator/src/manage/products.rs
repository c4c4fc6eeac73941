//! Products and their profiles.

use serde::Serialize;

use super::{Manage, ManageError};
use crate::{
    engine::provision,
    seed,
    store::{GroupId, GroupKind, GroupRow, NewGroup, Organization, Product, Reader},
};

/// A product and its profiles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProductState {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The code.
    pub code: String,
    /// The number of licenses that were bought. `None` if unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<i64>,
    /// The number of users in any of its profiles.
    pub users: i64,
    /// The profiles.
    pub profiles: Vec<ProfileState>,
}

/// A product profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProfileState {
    /// The id of its group.
    pub group_id: GroupId,
    /// The name.
    pub name: String,
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name of its product.
    pub product: String,
    /// The number of licenses. `None` if unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<i64>,
    /// The number of users in it.
    pub members: i64,
    /// The number of users with a license.
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

/// Finds a product by its id or its name.
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
    /// If the organization does not exist.
    pub fn products(&self, org_id: &str) -> Result<Vec<ProductState>, ManageError> {
        self.read(org_id, |r, org| {
            r.products_of(org.id)?.into_iter().map(|product| ProductState::of(r, org, product)).collect()
        })
    }

    /// A product by its id or its name.
    ///
    /// # Errors
    /// If it does not exist.
    pub fn product(&self, org_id: &str, product: &str) -> Result<ProductState, ManageError> {
        self.read(org_id, |r, org| ProductState::of(r, org, find(r, org, product)?))
    }

    /// Creates a product with its profiles.
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

    /// Sets the number of licenses that were bought. It does not change who has a license: the quota of each profile does.
    ///
    /// # Errors
    /// If the product does not exist.
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

    /// Creates a profile of a product.
    ///
    /// ```
    /// use umapi_emulator::{Emulator, ProfileState, seed};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = Emulator::start().await?;
    /// let (manage, org) = (emulator.manage(), emulator.org_id());
    /// let new = seed::Profile { name: "Interns".to_owned(), quota: Some(2), ..Default::default() };
    /// manage.create_profile(org, "Adobe Photoshop", &new)?;
    ///
    /// // The licenses run out.
    /// manage.set_product_quota(org, "Adobe Photoshop", Some(7))?;
    /// manage.set_profile_quota(org, "Interns", Some(0))?;
    /// let ProfileState { quota, licensed, .. } = manage.profile(org, "Interns")?;
    /// assert_eq!((quota, licensed), (Some(0), 0));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the product does not exist, or another group has the name.
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
    /// If it does not exist.
    pub fn profile(&self, org_id: &str, name: &str) -> Result<ProfileState, ManageError> {
        self.read(org_id, |r, org| show_profile(r, org, name))
    }

    /// Sets the quota of a profile. With fewer licenses, the users who joined last lose theirs; with more, the users who have
    /// waited longest get one; without a quota, every user has one.
    ///
    /// # Errors
    /// If the profile does not exist.
    pub fn set_profile_quota(&self, org_id: &str, name: &str, quota: Option<u32>) -> Result<ProfileState, ManageError> {
        self.write(org_id, |tx, org| {
            let profile = find_profile(&tx.rows(), org, name)?;
            provision::quota(tx, profile.id, quota.map(i64::from))?;
            tx.flush()?;
            show_profile(&tx.rows(), org, name)
        })
    }
}
