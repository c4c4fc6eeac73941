//! Organizations.

use serde::{Deserialize, Serialize};

use super::{Manage, ManageError, organization};
use crate::{
    seed::{self, Seed, UserType},
    store::{self, UserKind},
};

/// An organization without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OrganizationState {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// Whether it is being migrated. Nobody can log in to it meanwhile.
    pub migrating: bool,
    /// The types of users that it may create.
    pub user_types: Vec<UserType>,
}

/// A change of an organization. Absent fields stay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrganizationChange {
    /// Whether it is being migrated.
    #[serde(default)]
    pub migrating: Option<bool>,
    /// The types of users that it may create.
    #[serde(default)]
    pub user_types: Option<Vec<UserType>>,
}

impl OrganizationState {
    fn of(org: &store::Organization) -> Self {
        let types = [UserType::AdobeId, UserType::EnterpriseId, UserType::FederatedId];
        Self {
            id: org.org_id.clone(),
            name: org.name.clone(),
            migrating: org.migrating,
            user_types: types.into_iter().filter(|user_type| org.user_kinds.contains((*user_type).into())).collect(),
        }
    }
}

impl Manage {
    /// All organizations, in the order of their creation.
    ///
    /// # Errors
    /// If the store fails.
    pub fn organizations(&self) -> Result<Vec<OrganizationState>, ManageError> {
        let all = self.app.store.read(|r| r.organizations())?;
        Ok(all.iter().map(OrganizationState::of).collect())
    }

    /// An organization by its id.
    ///
    /// # Errors
    /// If it does not exist.
    pub fn organization(&self, org_id: &str) -> Result<OrganizationState, ManageError> {
        self.read(org_id, |_, org| Ok(OrganizationState::of(org)))
    }

    /// Creates an organization with its content: everything, or nothing.
    ///
    /// # Errors
    /// If the seed breaks a rule. The error names the location and the rule.
    pub fn create_organization(&self, new: &seed::Organization) -> Result<OrganizationState, ManageError> {
        self.load(&Seed { organizations: vec![new.clone()], ..Seed::default() })?;
        self.organization(&new.id)
    }

    /// Adds the organizations of a seed: all of them, or none.
    ///
    /// # Errors
    /// If the seed breaks a rule. The error names the location and the rule.
    pub fn load(&self, seed: &Seed) -> Result<(), ManageError> {
        Ok(seed::load(&self.app.store, seed)?)
    }

    /// All organizations and the rate limits as a seed, in JSON. It contains the secrets of the integrations.
    ///
    /// A seed says who is in a group, and not since when. The order of its users is such that the same users hold a license,
    /// unless some wait for licenses of several profiles that they joined in different orders.
    ///
    /// # Errors
    /// If the store fails.
    pub fn export(&self) -> Result<Vec<u8>, ManageError> {
        let limits = self.app.limits.settings();
        Ok(self.app.store.read(|r| seed::export(r, &limits))?)
    }

    /// Changes an organization.
    ///
    /// ```
    /// use umapi_emulator::{Emulator, OrganizationChange, seed::UserType};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = Emulator::start().await?;
    /// let (manage, org) = (emulator.manage(), emulator.org_id());
    /// let types = Some(vec![UserType::FederatedId]);
    /// let change = OrganizationChange { migrating: Some(true), user_types: types };
    /// manage.update_organization(org, &change)?;
    /// assert!(manage.organizations()?[0].migrating, "nobody can log in to it");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If it does not exist.
    pub fn update_organization(
        &self,
        org_id: &str,
        change: &OrganizationChange,
    ) -> Result<OrganizationState, ManageError> {
        self.write(org_id, |tx, org| {
            if let Some(migrating) = change.migrating {
                tx.set_migrating(org.id, migrating)?;
            }
            if let Some(types) = &change.user_types {
                tx.set_user_kinds(org.id, types.iter().map(|user_type| UserKind::from(*user_type)).collect())?;
            }
            Ok(OrganizationState::of(&organization(&tx.rows(), org_id)?))
        })
    }
}
