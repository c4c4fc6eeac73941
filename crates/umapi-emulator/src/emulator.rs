//! A running emulator: its handle and its builder.

mod addresses;
mod builder;
mod error;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use tokio::sync::oneshot;

pub use addresses::Addresses;
pub use builder::Builder;
pub use error::{StartError, TokenError};

use crate::{
    app::AppState,
    clock::EmulatorClock,
    contract::Violation,
    credentials::Credentials,
    faults::Faults,
    http::{Port, Server},
    journal::{Journal, Ledger},
    limits::RateLimits,
    manage::Manage,
    seed::{self, Seed, SeedError},
    store::{Snapshot, Store, StoreError},
    tls::Authority,
};

/// A running emulator of the User Management API and its login. Dropping it stops it.
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
/// It needs no thread of its own: its connections are tasks of the runtime that it was started on, and hundreds of emulators can
/// run side by side. If a response did not match the description, which is a bug of the emulator, it panics when it is dropped,
/// so that the test fails; see [`violations`](Self::violations).
pub struct Emulator {
    app: Arc<AppState>,
    addresses: Addresses,
    org_id: String,
    credentials: Credentials,
    authority: Option<Authority>,
    server: Server,
    /// Ends the thread of the emulator, if it has one of its own.
    thread: Option<oneshot::Sender<()>>,
}

impl Emulator {
    /// Starts an emulator with the organization `12345@AdobeOrg`, over HTTP on free ports of this machine.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// Starts the same emulator on a thread of its own, for tests that are not async.
    ///
    /// ```
    /// use umapi_emulator::Emulator;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = Emulator::start_blocking()?;
    /// println!("{}", emulator.um_url());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If there is no free port.
    pub fn start_blocking() -> Result<Self, StartError> {
        Self::builder().start_blocking()
    }

    /// A builder with more settings.
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
        Ok(Self { app, addresses, org_id, credentials, authority, server, thread: None })
    }

    /// The URL of the User Management API: HTTP if it is enabled, otherwise HTTPS.
    #[must_use]
    pub fn um_url(&self) -> String {
        self.addresses.um_http().or_else(|| self.addresses.um_https()).unwrap_or_default()
    }

    /// The URL of the login: HTTP if it is enabled, otherwise HTTPS.
    #[must_use]
    pub fn ims_url(&self) -> String {
        self.addresses.ims_http().or_else(|| self.addresses.ims_https()).unwrap_or_default()
    }

    /// The HTTPS URL of the User Management API, if HTTPS is enabled.
    #[must_use]
    pub fn um_https_url(&self) -> Option<String> {
        self.addresses.um_https()
    }

    /// The HTTPS URL of the login, if HTTPS is enabled.
    #[must_use]
    pub fn ims_https_url(&self) -> Option<String> {
        self.addresses.ims_https()
    }

    /// The URL of the management API, if it is enabled.
    #[must_use]
    pub fn management_url(&self) -> Option<String> {
        self.addresses.management()
    }

    /// The addresses that it listens on.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The first organization.
    #[must_use]
    pub fn org_id(&self) -> &str {
        &self.org_id
    }

    /// Credentials for the first organization, for both kinds of login.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Issues an access token for the ready-made credentials, without a login.
    ///
    /// # Errors
    /// If their integration was deleted, or the database fails.
    pub fn access_token(&self) -> Result<String, TokenError> {
        let client_id = &self.credentials.client_id;
        let integration = self.app.store.read(|reader| reader.integration(client_id));
        match integration.map_err(|error| TokenError(error.to_string()))? {
            Some(integration) => self.app.login.issue(&integration).map_err(TokenError),
            None => Err(TokenError(format!("the integration {client_id} does not exist any more"))),
        }
    }

    /// The certificate that clients must trust, in PEM, if HTTPS is enabled.
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

    /// The rate limits.
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

    /// Manages what the service has no calls for: organizations, directories, products, quotas, accounts, integrations.
    #[must_use]
    pub fn manage(&self) -> Manage {
        Manage::new(Arc::clone(&self.app))
    }

    /// The state itself, for access that bypasses the service.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.app.store
    }

    /// Adds the organizations of a seed to the state.
    ///
    /// # Errors
    /// If the seed breaks a rule, e.g. because one of its organizations exists already. Then nothing is added.
    pub fn load(&self, seed: &Seed) -> Result<(), SeedError> {
        seed::load(&self.app.store, seed)
    }

    /// Takes a snapshot of the state.
    ///
    /// # Errors
    /// If the database fails.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.app.store.snapshot()
    }

    /// Restores a snapshot, of this emulator or of another one. Issued access tokens stay valid.
    ///
    /// # Errors
    /// If the database fails. Then the state is unchanged.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.app.restore(snapshot)
    }

    /// Restores the seed, and clears the counted calls, the journal and the fault rules. The clock keeps running, and issued
    /// access tokens stay valid.
    ///
    /// # Errors
    /// If the database fails.
    pub fn reset(&self) -> Result<(), SeedError> {
        self.app.reset()
    }

    /// The responses that did not match the description, and the requests on which the emulator failed. There should be none.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.app.contract.violations.all()
    }

    /// Removes and returns the violations, so that the emulator does not panic because of them.
    pub fn take_violations(&self) -> Vec<Violation> {
        self.app.contract.violations.take()
    }

    fn on_thread(mut self, end: oneshot::Sender<()>) -> Self {
        self.thread = Some(end);
        self
    }

    /// Asserts that every response matched the description.
    ///
    /// # Panics
    /// If one did not match.
    #[track_caller]
    pub fn assert_clean(&self) {
        fail_on(&self.take_violations());
    }

    /// Stops it gracefully: it completes open requests and accepts no new ones.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // A test that fails already must show its own reason.
        if !std::thread::panicking() {
            fail_on(&self.take_violations());
        }
    }
}

#[track_caller]
#[expect(clippy::panic, reason = "a bug of the emulator must fail the test that finds it")]
fn fail_on(violations: &[Violation]) {
    if let Some(first) = violations.first() {
        panic!("{} responses of the emulator did not match the description; the first: {first}", violations.len());
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
