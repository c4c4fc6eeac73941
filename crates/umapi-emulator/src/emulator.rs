//! An emulator, running: its builder and its handle.

mod addresses;
mod builder;
mod error;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use addresses::Addresses;
pub use builder::Builder;
pub use error::{StartError, TokenError};

use crate::app::AppState;
use crate::clock::EmulatorClock;
use crate::contract::Violation;
use crate::credentials::Credentials;
use crate::faults::Faults;
use crate::http::{Port, Server};
use crate::journal::{Journal, Ledger};
use crate::limits::RateLimits;
use crate::manage::Manage;
use crate::seed::{self, Seed, SeedError};
use crate::store::{Snapshot, Store, StoreError};
use crate::tls::Authority;

/// The User Management API and its login, on this machine. Dropping it ends it.
///
/// ```
/// use umapi_emulator::Emulator;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let emulator = Emulator::start().await?;
/// let credentials = emulator.credentials();
/// println!("{} {} {}", emulator.um_url(), emulator.ims_url(), credentials.client_id);
/// # Ok(()) }
/// ```
///
/// It needs no thread of its own: its connections are tasks of the runtime that it was started on, and hundreds can run side
/// by side. If an answer did not keep to the description, which is a mistake of the emulator, it panics when it is dropped,
/// so that the test fails; see [`violations`](Self::violations).
pub struct Emulator {
    app: Arc<AppState>,
    addresses: Addresses,
    org_id: String,
    credentials: Credentials,
    authority: Option<Authority>,
    server: Server,
}

impl Emulator {
    /// An emulator with the organization `12345@AdobeOrg`, over HTTP and on free ports of this machine.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// An emulator that is to be told more.
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn run(
        app: Arc<AppState>,
        addresses: Addresses,
        ports: Vec<Port>,
        authority: Option<Authority>,
    ) -> Result<Self, StartError> {
        let organizations = app.store.read(|reader| reader.organizations())?;
        let org_id = organizations.into_iter().next().ok_or(StartError::NoOrganization)?.org_id;
        let credentials = Credentials::ready_made(&org_id);
        let server = Server::start(&app, ports);
        Ok(Self { app, addresses, org_id, credentials, authority, server })
    }

    /// The address of the User Management API: by HTTP if it is on, else by HTTPS.
    #[must_use]
    pub fn um_url(&self) -> String {
        self.addresses.um_http().or_else(|| self.addresses.um_https()).unwrap_or_default()
    }

    /// The address of the login: by HTTP if it is on, else by HTTPS.
    #[must_use]
    pub fn ims_url(&self) -> String {
        self.addresses.ims_http().or_else(|| self.addresses.ims_https()).unwrap_or_default()
    }

    /// The address of the User Management API by HTTPS, if it is on.
    #[must_use]
    pub fn um_https_url(&self) -> Option<String> {
        self.addresses.um_https()
    }

    /// The address of the login by HTTPS, if it is on.
    #[must_use]
    pub fn ims_https_url(&self) -> Option<String> {
        self.addresses.ims_https()
    }

    /// The address of the management API, if it is on.
    #[must_use]
    pub fn management_url(&self) -> Option<String> {
        self.addresses.management()
    }

    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The first organization.
    #[must_use]
    pub fn org_id(&self) -> &str {
        &self.org_id
    }

    /// Credentials for the first organization, for either login.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// An access token for the ready-made credentials, without a login.
    ///
    /// # Errors
    /// If their integration is gone, or the database fails.
    pub fn access_token(&self) -> Result<String, TokenError> {
        let client_id = &self.credentials.client_id;
        let integration = self.app.store.read(|reader| reader.integration(client_id));
        match integration.map_err(|error| TokenError(error.to_string()))? {
            Some(integration) => self.app.login.issue(&integration).map_err(TokenError),
            None => Err(TokenError(format!("the integration {client_id} is gone"))),
        }
    }

    /// The certificate that clients are to trust, in PEM, if HTTPS is on.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.authority.as_ref().map(Authority::pem)
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &EmulatorClock {
        &self.app.clock
    }

    /// The fault rules.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.app.faults
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> &RateLimits {
        &self.app.limits
    }

    /// The journal of requests.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.app.journal
    }

    /// The ledger of changes in the first organization.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.ledger_of(&self.org_id)
    }

    /// The ledger of changes in an organization.
    #[must_use]
    pub fn ledger_of(&self, org_id: &str) -> Ledger {
        Ledger::new(Arc::clone(&self.app.store), org_id)
    }

    /// Changes what the service has no call for: organizations, directories, products, quotas, accounts, integrations.
    #[must_use]
    pub fn manage(&self) -> Manage {
        Manage::new(Arc::clone(&self.app))
    }

    /// The state itself, to be asked and changed past the service.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.app.store
    }

    /// Adds the organizations of a seed to the state.
    ///
    /// # Errors
    /// If the seed breaks a rule, such as having an organization that is there already. Nothing of it is added then.
    pub fn load(&self, seed: &Seed) -> Result<(), SeedError> {
        seed::load(&self.app.store, seed)
    }

    /// Keeps the state as it is now.
    ///
    /// # Errors
    /// If the database fails.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.app.store.snapshot()
    }

    /// Puts the state back to a snapshot, of this emulator or of another. Access tokens that are out stay good.
    ///
    /// # Errors
    /// If the database fails; then the state is what it was.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.app.restore(snapshot)
    }

    /// Puts the state back to the seed, and forgets calls that were counted, exchanges, and fault rules. The clock goes on,
    /// and access tokens that are out stay good.
    ///
    /// # Errors
    /// If the database fails.
    pub fn reset(&self) -> Result<(), SeedError> {
        self.app.reset()
    }

    /// Answers that did not keep to the description, and requests that the emulator failed on. There should be none.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.app.contract.violations.all()
    }

    /// Takes the violations away: the emulator does not panic for them any more.
    pub fn take_violations(&self) -> Vec<Violation> {
        self.app.contract.violations.take()
    }

    /// Asserts that every answer kept to the description.
    ///
    /// # Panics
    /// If one did not.
    #[track_caller]
    pub fn assert_clean(&self) {
        fail_on(&self.take_violations());
    }

    /// Ends it in good order: requests under way are answered, and no more are taken.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // A test that fails anyhow is to show its own reason.
        if !std::thread::panicking() {
            fail_on(&self.take_violations());
        }
    }
}

#[track_caller]
#[expect(clippy::panic, reason = "a mistake of the emulator is to fail the test that met it")]
fn fail_on(violations: &[Violation]) {
    if let Some(first) = violations.first() {
        panic!("{} of the emulator's answers did not keep to the description, first {first}", violations.len());
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("org_id", &self.org_id)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}
