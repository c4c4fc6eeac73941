//! A running emulator: its handle and its builder.

mod builder;

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use tokio::sync::oneshot;

pub use builder::Builder;

use crate::{
    app::AppState,
    clock::EmulatorClock,
    contract::Violation,
    credentials::Credentials,
    faults::Faults,
    http::{Port, Server},
    journal::{Journal, Ledger},
    limits::{LimitError, RateLimits},
    manage::Manage,
    seed::{self, Seed, SeedError},
    store::{Snapshot, Store, StoreError},
    tls::{Authority, TlsError},
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
///
/// Several tests can share one, and go back to a state between them:
///
/// ```
/// use umapi_emulator::{Emulator, Violation, seed::UserStatus};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let emulator = Emulator::start().await?;
/// let org = emulator.org_id();
/// let fresh = emulator.snapshot()?;
/// emulator.manage().set_status(org, "jdoe@example.com", None, UserStatus::Disabled)?;
/// assert_eq!(emulator.ledger_of(org).changes_of_user("jdoe@example.com")?.len(), 1);
///
/// emulator.restore(&fresh)?; // or `reset`, for the seed, without counted calls, journal and faults
/// assert_eq!(emulator.manage().user(org, "jdoe@example.com", None)?.status, UserStatus::Active);
/// emulator.reset()?;
///
/// assert!(emulator.violations().is_empty());
/// for Violation { operation, reason, .. } in emulator.take_violations() {
///     eprintln!("report this bug of the emulator: {operation}: {reason}");
/// }
/// emulator.assert_clean();
/// # Ok(()) }
/// ```
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
        let _ = app.console.addresses.set(addresses);
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

    /// The URL of the console, which shows and changes the state in a browser, if the management API is enabled.
    #[must_use]
    pub fn console_url(&self) -> Option<String> {
        self.addresses.management().map(|url| format!("{url}/"))
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
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = umapi_emulator::Emulator::start().await?;
    /// // Without HTTP, login and limits: what the state is, however it came about.
    /// let organizations = emulator.store().read(|state| state.organizations())?;
    /// assert_eq!(organizations[0].org_id, emulator.org_id());
    /// # Ok(()) }
    /// ```
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

/// The addresses that an emulator listens on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Addresses {
    /// HTTP: the User Management API, and the login unless it has its own port.
    pub http: Option<SocketAddr>,
    /// HTTPS, for the same APIs.
    pub https: Option<SocketAddr>,
    /// HTTP: the login, if it has its own port.
    pub login_http: Option<SocketAddr>,
    /// HTTPS: the login, if it has its own port.
    pub login_https: Option<SocketAddr>,
    /// HTTP: the management API.
    pub management: Option<SocketAddr>,
}

/// The path of the User Management API, as in the description.
const USER_MANAGEMENT: &str = "/v2/usermanagement";

impl Addresses {
    fn um_http(&self) -> Option<String> {
        self.http.map(|address| format!("http://{}{USER_MANAGEMENT}", reachable(address)))
    }

    fn um_https(&self) -> Option<String> {
        self.https.map(|address| format!("https://{}{USER_MANAGEMENT}", reachable(address)))
    }

    fn ims_http(&self) -> Option<String> {
        self.login_http.or(self.http).map(|address| format!("http://{}", reachable(address)))
    }

    fn ims_https(&self) -> Option<String> {
        self.login_https.or(self.https).map(|address| format!("https://{}", reachable(address)))
    }

    fn management(&self) -> Option<String> {
        self.management.map(|address| format!("http://{}", reachable(address)))
    }
}

/// The address that reaches a listener: a listener on all addresses is reached on this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The error of starting an emulator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The seed is invalid.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// Neither the seed nor the data file has an organization.
    #[error("the seed has no organization: add at least one under `organizations`")]
    NoOrganization,
    /// Both HTTP and HTTPS are off.
    #[error("both HTTP and HTTPS are off: enable at least one of them")]
    NoPort,
    /// The data file is not usable, or the database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The limits are invalid.
    #[error(transparent)]
    Limits(#[from] LimitError),
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A port could not be opened.
    #[error("cannot listen on {address}: {error}; use port 0 for any free port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The reason.
        #[source]
        error: io::Error,
    },
    /// The built-in description cannot be compiled.
    #[error("cannot compile the description: {0}")]
    Description(String),
    /// The runtime stopped while the emulator started.
    #[error("the runtime stopped while the emulator started")]
    Interrupted,
}

/// The error of issuing an access token without a login.
#[derive(Debug, thiserror::Error)]
#[error("cannot issue an access token: {0}")]
pub struct TokenError(String);

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::{Value, json};

    use super::*;
    use crate::limits::LimitSettings;

    /// A client of the service with a plain HTTP library.
    struct Client {
        http: reqwest::Client,
        um: String,
        token: String,
        key: String,
    }

    impl Client {
        fn of(emulator: &Emulator, http: &reqwest::Client) -> Self {
            Self {
                http: http.clone(),
                um: emulator.um_url(),
                token: emulator.access_token().unwrap(),
                key: emulator.credentials().client_id.clone(),
            }
        }

        async fn get(&self, path: &str) -> (StatusCode, Value) {
            let request = self.http.get(format!("{}{path}", self.um));
            let response = request.bearer_auth(&self.token).header("x-api-key", &self.key).send().await.unwrap();
            (response.status(), response.json().await.unwrap_or_default())
        }
    }

    async fn emulator() -> Emulator {
        Emulator::builder().limits(LimitSettings::off()).start().await.unwrap()
    }

    #[tokio::test]
    async fn hundreds_run_side_by_side_without_shared_state() {
        let mut all = Vec::new();
        for _ in 0..200 {
            all.push(emulator().await);
        }
        let [first, rest @ ..] = all.as_slice() else { unreachable!() };
        let http = reqwest::Client::new();
        let client = Client::of(first, &http);
        let body = json!([{"user": "new@example.com", "do": [{"createFederatedID":
            {"email": "new@example.com", "firstname": "N", "lastname": "W", "country": "US"}}]}]);
        let action = client.http.post(format!("{}/action/12345@AdobeOrg", client.um)).json(&body);
        let response = action.bearer_auth(&client.token).header("x-api-key", &client.key).send().await.unwrap();
        assert_eq!(response.json::<Value>().await.unwrap()["completed"], 1);
        for other in rest {
            let (status, body) =
                Client::of(other, &http).get("/organizations/12345@AdobeOrg/users/new@example.com").await;
            assert_eq!((status, &body["result"]), (StatusCode::NOT_FOUND, &json!("error.user.not_found")));
        }
        assert_eq!(client.get("/organizations/12345@AdobeOrg/users/new@example.com").await.0, StatusCode::OK);
    }

    #[test]
    fn an_emulator_on_its_own_thread_answers_until_it_is_dropped() {
        use std::io::{Read as _, Write as _};
        let emulator = Emulator::start_blocking().unwrap();
        let address = emulator.addresses().http.unwrap();
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /nothing HTTP/1.1\r\nhost: emulator\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        drop(emulator);
        let is_over = (0..1_000_000).any(|_| {
            std::thread::yield_now();
            std::net::TcpStream::connect(address).is_err()
        });
        assert!(is_over, "nobody listens any more");
    }

    #[test]
    fn a_handle_is_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Emulator>();
    }

    #[test]
    fn the_login_shares_the_port_of_the_api_by_default() {
        let shared = Addresses { http: Some(([0, 0, 0, 0], 80).into()), ..Addresses::default() };
        assert_eq!(shared.um_http().unwrap(), "http://127.0.0.1:80/v2/usermanagement");
        assert_eq!(shared.ims_http().unwrap(), "http://127.0.0.1:80");
        assert_eq!(shared.um_https(), None);
        let apart = Addresses { login_http: Some((Ipv6Addr::LOCALHOST, 81).into()), ..shared };
        assert_eq!(apart.ims_http().unwrap(), "http://[::1]:81");
    }
}
