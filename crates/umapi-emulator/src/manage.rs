//! Management: what people do in the Admin Console and the Developer Console, and what only an emulator can do.
//!
//! [`Manage`] is for tests in the same process. The HTTP API on the management port, which `spec/emulator.yaml` describes, calls
//! it.

mod directories;
mod endpoints;
mod error;
mod integrations;
mod observe;
mod organizations;
mod products;
mod snapshots;
mod user_groups;
mod users;

use std::{fmt, sync::Arc};

use crate::{
    app::AppState,
    store::{Cause, Organization, Reader, Tx},
};
pub(crate) use endpoints::{failure, forbidden_host, forbidden_origin, handle, no_route};
pub use error::ManageError;
pub use integrations::IntegrationChange;
pub use organizations::{OrganizationChange, OrganizationState};
pub use products::{ProductState, ProfileState};
pub use snapshots::SnapshotState;
pub(crate) use snapshots::Snapshots;
pub use user_groups::UserGroupState;

/// Changes what the service has no calls for: organizations, directories, products, profiles, quotas, account states, read-only
/// groups, integrations.
///
/// ```
/// use umapi_emulator::{Emulator, seed};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let emulator = Emulator::start().await?;
/// let product = seed::Product { name: "Illustrator".to_owned(), ..seed::Product::default() };
/// emulator.manage().create_product(emulator.org_id(), &product)?;
/// # Ok(()) }
/// ```
///
/// It works on every organization, by its id. The ledger records its changes under the request id `management`, except for
/// organizations that it adds.
///
/// Its errors tell what does not exist from what exists already:
///
/// ```
/// use umapi_emulator::{Emulator, seed};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let emulator = Emulator::start().await?;
/// let (manage, org) = (emulator.manage(), emulator.org_id());
/// assert!(manage.user_group(org, "Nix").unwrap_err().is_not_found());
/// let design = seed::UserGroup { name: "Design".to_owned(), ..Default::default() };
/// assert!(manage.create_user_group(org, &design).unwrap_err().is_conflict());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Manage {
    app: Arc<AppState>,
}

impl Manage {
    pub(crate) fn new(app: Arc<AppState>) -> Self {
        Self { app }
    }

    /// Reads from an organization.
    fn read<T>(
        &self,
        org_id: &str,
        query: impl FnOnce(&Reader<'_>, &Organization) -> Result<T, ManageError>,
    ) -> Result<T, ManageError> {
        self.app.store.read(|r| query(r, &organization(r, org_id)?))
    }

    /// Changes an organization, under the request id `management`.
    fn write<T>(
        &self,
        org_id: &str,
        change: impl FnOnce(&mut Tx<'_>, &Organization) -> Result<T, ManageError>,
    ) -> Result<T, ManageError> {
        let cause = Cause::request(self.app.clock.millis(), "management");
        self.app.store.write(Some(cause), |tx| {
            let org = organization(&tx.rows(), org_id)?;
            change(tx, &org)
        })
    }
}

fn organization(r: &Reader<'_>, org_id: &str) -> Result<Organization, ManageError> {
    let unknown =
        || ManageError::not_found("emulator.organization.unknown", format!("Organization {org_id} does not exist"));
    r.organization(org_id)?.ok_or_else(unknown)
}

impl fmt::Debug for Manage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manage").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
