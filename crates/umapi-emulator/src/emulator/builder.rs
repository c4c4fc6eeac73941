use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::ServerConfig;

use super::{Addresses, Emulator, StartError};
use crate::app::AppState;
use crate::app::InitialState;
use crate::app::{PageSizes, Settings};
use crate::clock::EmulatorClock;
use crate::contract::{Api, Contract};
use crate::engine;
use crate::faults::Faults;
use crate::http::Port;
use crate::journal::Journal;
use crate::limits::{LimitSettings, RateLimits};
use crate::login::{Login, LoginSettings};
use crate::manage::Snapshots;
use crate::seed::Seed;
use crate::store::Store;
use crate::tls::{Authority, ServerNames};

/// What an emulator is to be like; made by [`Emulator::builder`].
///
/// ```
/// use umapi_emulator::{Emulator, LimitSettings, seed::Seed};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let seed = Seed::from_yaml("organizations: [{id: AB12@AdobeOrg, userGroups: [{name: Design}]}]")?;
/// let emulator = Emulator::builder().seed(seed).limits(LimitSettings::off()).https().start().await?;
/// assert_eq!(emulator.org_id(), "AB12@AdobeOrg");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "an emulator is there after `start`"]
pub struct Builder {
    seed: SeedSource,
    data: Option<PathBuf>,
    settings: Settings,
    login: LoginSettings,
    limits: LimitSettings,
    clock: EmulatorClock,
    journal_entries: Option<usize>,
    ledger_entries: Option<u64>,
    ports: Ports,
    authority: Option<AuthoritySource>,
    server_names: Vec<String>,
}

#[derive(Debug, Clone)]
enum SeedSource {
    Default,
    Given(Box<Seed>),
    File(PathBuf),
}

#[derive(Debug, Clone)]
enum AuthoritySource {
    Given(Authority),
    Folder(PathBuf),
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    ip: IpAddr,
    http: Option<u16>,
    https: Option<u16>,
    /// The login's own, for HTTP and HTTPS.
    login: Option<(u16, u16)>,
    management: Option<u16>,
}

impl Default for Builder {
    /// Over HTTP and on a free port of this machine, strict, with the limits that are documented.
    fn default() -> Self {
        let ports =
            Ports { ip: Ipv4Addr::LOCALHOST.into(), http: Some(0), https: None, login: None, management: Some(0) };
        Self {
            seed: SeedSource::Default,
            data: None,
            settings: Settings::default(),
            login: LoginSettings::default(),
            limits: LimitSettings::default(),
            clock: EmulatorClock::default(),
            journal_entries: None,
            ledger_entries: None,
            ports,
            authority: None,
            server_names: Vec::new(),
        }
    }
}

impl Builder {
    /// Begins with this state. Its first organization gets the integration that [`Emulator::credentials`] belong to.
    pub fn seed(mut self, seed: Seed) -> Self {
        self.seed = SeedSource::Given(Box::new(seed));
        self
    }

    /// Begins with the state of a file, in YAML or JSON.
    pub fn seed_file(mut self, path: impl AsRef<Path>) -> Self {
        self.seed = SeedSource::File(path.as_ref().to_owned());
        self
    }

    /// Keeps the state in a file. One that has state already goes on with it, and takes the seed only when it is reset.
    pub fn data_file(mut self, path: impl AsRef<Path>) -> Self {
        self.data = Some(path.as_ref().to_owned());
        self
    }

    /// Allows so many calls: as documented (without this), none at all, or your own.
    pub fn limits(mut self, limits: LimitSettings) -> Self {
        self.limits = limits;
        self
    }

    /// Takes requests that the description does not allow, if they can be understood.
    pub fn loose(mut self) -> Self {
        self.settings.strict = false;
        self
    }

    /// Whether answers are held against the description, which they are without this. See [`Emulator::violations`].
    pub fn check_responses(mut self, check: bool) -> Self {
        self.settings.check_responses = check;
        self
    }

    /// Cuts lists into pages of other sizes: small ones make tests of paging small.
    pub fn page_sizes(mut self, pages: PageSizes) -> Self {
        self.settings.pages = pages;
        self
    }

    /// Allows an action request to hold so much.
    pub fn action_limits(mut self, limits: engine::RequestSizes) -> Self {
        self.settings.request_sizes = limits;
        self
    }

    /// Lets access tokens live so long: 24 hours without this.
    pub fn token_life(mut self, life: Duration) -> Self {
        self.login.token_lifetime = life;
        self
    }

    /// Runs on this clock: a [`ManualClock`](umapi_time::ManualClock) that a test drives its client with too, say.
    pub fn clock(mut self, clock: impl Into<EmulatorClock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Keeps so many exchanges in the journal: 10,000 without this. 0 keeps none, which is faster.
    pub fn journal_entries(mut self, entries: usize) -> Self {
        self.journal_entries = Some(entries);
        self
    }

    /// Keeps so many changes in the ledger: 100,000 without this. 0 keeps none.
    pub fn ledger_entries(mut self, entries: u64) -> Self {
        self.ledger_entries = Some(entries);
        self
    }

    /// Listens on this address instead of `127.0.0.1`. The credentials of an emulator are public: on an address that others
    /// can reach, anyone can log in.
    pub fn listen_on(mut self, ip: IpAddr) -> Self {
        self.ports.ip = ip;
        self
    }

    /// Speaks HTTP on this port; 0 is any that is free.
    pub fn http_port(mut self, port: u16) -> Self {
        self.ports.http = Some(port);
        self
    }

    /// Does not speak HTTP.
    pub fn without_http(mut self) -> Self {
        self.ports.http = None;
        self
    }

    /// Speaks HTTPS, on any port that is free.
    pub fn https(self) -> Self {
        self.https_port(0)
    }

    /// Speaks HTTPS on this port; 0 is any that is free.
    pub fn https_port(mut self, port: u16) -> Self {
        self.ports.https = Some(port);
        self
    }

    /// Gives the login ports of its own, for HTTP and for HTTPS as far as they are on; 0 is any that is free.
    pub fn separate_login(mut self, http: u16, https: u16) -> Self {
        self.ports.login = Some((http, https));
        self
    }

    /// Has the management API on this port; 0 (as without this) is any that is free.
    pub fn management_port(mut self, port: u16) -> Self {
        self.ports.management = Some(port);
        self
    }

    /// Has no management API.
    pub fn without_management(mut self) -> Self {
        self.ports.management = None;
        self
    }

    /// Has its certificate from this authority. Without it, all emulators of a process share one that ends with the process.
    pub fn authority(mut self, authority: Authority) -> Self {
        self.authority = Some(AuthoritySource::Given(authority));
        self
    }

    /// Has its certificate from the authority that is kept in a folder, made if there is none.
    pub fn authority_folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.authority = Some(AuthoritySource::Folder(folder.as_ref().to_owned()));
        self
    }

    /// Has this name in its certificate too: `usermanagement.adobe.io`, say, for a client that cannot be told another host.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_names.push(name.into());
        self
    }

    /// Takes this host for its own in the `aud` and the metascopes of a JWT, beside the one that a client calls and
    /// `ims-na1.adobelogin.com`.
    pub fn ims_host(mut self, host: impl Into<String>) -> Self {
        self.login.ims_hosts.push(host.into());
        self
    }

    /// Starts it, on the runtime that this is called on.
    ///
    /// # Errors
    /// If the seed breaks a rule, a file cannot be used, or a port is taken.
    pub async fn start(self) -> Result<Emulator, StartError> {
        let (ports, names) = (self.ports, self.server_names.clone());
        if ports.http.is_none() && ports.https.is_none() {
            return Err(StartError::NoPort);
        }
        // A large seed takes a while, and the runtime has others to run.
        let made = tokio::task::spawn_blocking(move || self.make()).await.map_err(|_| StartError::Interrupted)?;
        let (app, authority) = made?;
        let tls = authority.as_ref().map(|authority| authority.server(ServerNames::with(&names)?)).transpose()?;
        let (addresses, open) = ports.open(tls.as_ref()).await?;
        if !ports.ip.is_loopback() {
            tracing::warn!(ip = %ports.ip, "others can reach this emulator, and its credentials are public");
        }
        Emulator::run(Arc::new(app), addresses, open, authority)
    }

    fn make(self) -> Result<(AppState, Option<Authority>), StartError> {
        let contract = Contract::new().map_err(StartError::Description)?;
        let limits = RateLimits::new(self.limits)?;
        let initial_state = match self.seed {
            SeedSource::Default => InitialState::default_seed()?,
            SeedSource::Given(seed) => InitialState::of(*seed),
            SeedSource::File(path) => InitialState::of(Seed::from_file(&path)?),
        };
        let store = match &self.data {
            Some(path) => Store::open(path)?,
            None => Store::in_memory()?,
        };
        let store = Arc::new(store);
        if let Some(entries) = self.ledger_entries {
            store.keep_ledger(entries);
        }
        if store.read(|reader| reader.organizations())?.is_empty() {
            initial_state.load(&store)?;
        }
        let authority = match (self.ports.https, self.authority) {
            (None, _) => None,
            (Some(_), None) => Some(Authority::of_process()?),
            (Some(_), Some(AuthoritySource::Given(authority))) => Some(authority),
            (Some(_), Some(AuthoritySource::Folder(folder))) => Some(Authority::kept_in(&folder)?),
        };
        let app = AppState {
            login: Login::open(Arc::clone(&store), self.clock.clone(), self.login)?,
            store,
            initial_state,
            clock: self.clock,
            contract,
            limits,
            faults: Faults::default(),
            journal: self.journal_entries.map_or_else(Journal::default, Journal::new),
            settings: self.settings,
            snapshots: Snapshots::default(),
        };
        Ok((app, authority))
    }
}

impl Ports {
    /// Opens all ports, or none.
    async fn open(self, tls: Option<&Arc<ServerConfig>>) -> Result<(Addresses, Vec<Port>), StartError> {
        const BOTH: &[Api] = &[Api::UserManagement, Api::Login];
        const USER_MANAGEMENT: &[Api] = &[Api::UserManagement];
        const LOGIN: &[Api] = &[Api::Login];
        const MANAGEMENT: &[Api] = &[Api::Management];
        let main = if self.login.is_some() { USER_MANAGEMENT } else { BOTH };
        let login_http = self.login.filter(|_| self.http.is_some()).map(|(http, _)| http);
        let login_https = self.login.filter(|_| self.https.is_some()).map(|(_, https)| https);
        let tls = tls.cloned();
        let mut open = Vec::new();
        let mut add = async |port: Option<u16>, apis, tls| -> Result<Option<SocketAddr>, StartError> {
            let Some(port) = port else { return Ok(None) };
            let address = SocketAddr::new(self.ip, port);
            let listen = |error| StartError::Listen { address, error };
            let port = Port::open(address, apis, tls).await.map_err(listen)?;
            let address = port.address().map_err(listen)?;
            open.push(port);
            Ok(Some(address))
        };
        let addresses = Addresses {
            http: add(self.http, main, None).await?,
            https: add(self.https, main, tls.clone()).await?,
            login_http: add(login_http, LOGIN, None).await?,
            login_https: add(login_https, LOGIN, tls).await?,
            management: add(self.management, MANAGEMENT, None).await?,
        };
        Ok((addresses, open))
    }
}
