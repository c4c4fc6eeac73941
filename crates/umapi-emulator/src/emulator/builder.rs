//! The builder of an emulator.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio_rustls::rustls::ServerConfig;
use umapi_recording::Replay;

use super::{Addresses, Emulator, StartError};
use crate::{
    app::{AppState, InitialState, PageSizes, Settings},
    clock::EmulatorClock,
    console::Console,
    contract::{Api, Contract},
    engine,
    faults::Faults,
    http::Port,
    journal::Journal,
    limits::{LimitSettings, RateLimits},
    login::{Login, LoginSettings},
    manage::Snapshots,
    seed::{Organization, Seed},
    store::{Store, StoreError},
    tls::{Authority, ServerNames},
};

/// The settings of a new emulator; see [`Emulator::builder`].
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
///
/// For a client whose hosts cannot be configured, over TLS, with a login of its own:
///
/// ```
/// use std::net::Ipv4Addr;
/// use umapi_emulator::{Addresses, Authority, Emulator};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let authority = Authority::of_process()?;
/// let emulator = Emulator::builder()
///     .listen_on(Ipv4Addr::LOCALHOST.into())
///     .without_http()
///     .https_port(0)
///     .separate_login(0, 0)
///     .management_port(0)
///     .authority(authority.clone())
///     .server_name("usermanagement.adobe.io")
///     .ims_host("ims-na1.adobelogin.com")
///     .start()
///     .await?;
/// assert_eq!(emulator.ca_pem(), Some(authority.pem())); // what the client must trust
/// let Addresses { https: Some(service), login_https: Some(login), .. } = emulator.addresses() else {
///     return Err("no address".into());
/// };
/// println!("usermanagement.adobe.io is {service}, ims-na1.adobelogin.com is {login}");
/// println!("{:?} {:?}", emulator.um_https_url(), emulator.ims_https_url());
/// println!("for people: {:?}", emulator.console_url());
/// println!("for programs: {:?}", emulator.management_url());
/// emulator.stop().await;
/// # Ok(()) }
/// ```
///
/// One that a team shares, with a state that outlives it:
///
/// ```no_run
/// use std::path::Path;
/// use umapi_emulator::{Authority, Emulator};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let emulator = Emulator::builder()
///     .seed_file("organization.yaml")
///     .data_file("organization.db")
///     .authority_folder("authority")
///     .http_port(8080)
///     .https_port(8443)
///     .start()
///     .await?;
/// println!("trust {}", Authority::certificate_in(Path::new("authority")).display());
/// # Ok(()) }
/// ```
///
/// One with pages and requests so small that a test of paging needs three users, and tokens that expire in a minute:
///
/// ```
/// use std::time::Duration;
/// use umapi_emulator::{Emulator, PageSizes, engine::RequestSizes};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut pages, mut requests) = (PageSizes::default(), RequestSizes::default());
/// (pages.users, requests.commands) = (2, 3);
/// let emulator = Emulator::builder()
///     .page_sizes(pages)
///     .action_limits(requests)
///     .token_lifetime(Duration::from_secs(60))
///     .start()
///     .await?;
/// # Ok(()) }
/// ```
///
/// A load test needs no journal, no ledger and no checks:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use umapi_emulator::{Emulator, LimitSettings};
///
/// let emulator = Emulator::builder()
///     .limits(LimitSettings::off())
///     .journal_entries(0)
///     .ledger_entries(0)
///     .check_responses(false)
///     .loose()
///     .without_management()
///     .start()
///     .await?;
/// assert_eq!(emulator.management_url(), None);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "`start` starts the emulator"]
pub struct Builder {
    seed: SeedSource,
    data: Option<PathBuf>,
    settings: Settings,
    login: LoginSettings,
    /// `None` for those of the seed.
    limits: Option<LimitSettings>,
    clock: EmulatorClock,
    journal_entries: Option<usize>,
    ledger_entries: Option<u64>,
    ports: Ports,
    authority: Option<AuthoritySource>,
    server_names: Vec<String>,
    replay: Option<Arc<Replay>>,
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
    /// The own ports of the login, for HTTP and HTTPS.
    login: Option<(u16, u16)>,
    management: Option<u16>,
}

impl Default for Builder {
    /// HTTP on a free port of this machine, strict, with the documented limits.
    fn default() -> Self {
        let ports =
            Ports { ip: Ipv4Addr::LOCALHOST.into(), http: Some(0), https: None, login: None, management: Some(0) };
        Self {
            seed: SeedSource::Default,
            data: None,
            settings: Settings::default(),
            login: LoginSettings::default(),
            limits: None,
            clock: EmulatorClock::default(),
            journal_entries: None,
            ledger_entries: None,
            ports,
            authority: None,
            server_names: Vec::new(),
            replay: None,
        }
    }
}

impl Builder {
    /// Starts with this state. Its first organization gets the integration of [`Emulator::credentials`].
    pub fn seed(mut self, seed: Seed) -> Self {
        self.seed = SeedSource::Given(Box::new(seed));
        self
    }

    /// Starts with the state of a file, in YAML or JSON.
    pub fn seed_file(mut self, path: impl AsRef<Path>) -> Self {
        self.seed = SeedSource::File(path.as_ref().to_owned());
        self
    }

    /// Keeps the state in a file. If the file has state already, the emulator continues with it, and uses the seed only when it is
    /// reset.
    pub fn data_file(mut self, path: impl AsRef<Path>) -> Self {
        self.data = Some(path.as_ref().to_owned());
        self
    }

    /// Sends the responses of a recording of the real service in place of its own: the first request of a kind gets the first
    /// recorded response to it, and so on. A request that was not recorded gets 400 `emulator.replay.no_match`, with the nearest
    /// recorded request. Logins are not replayed; the organization is that of the recording, unless there is a seed.
    ///
    /// ```no_run
    /// use umapi_emulator::{Emulator, recording::{Recording, Replay}};
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let replay = Replay::new(Recording::open("recording.jsonl")?)?;
    /// let emulator = Emulator::builder().replay(replay).start().await?;
    /// println!("{}", emulator.org_id());
    /// # Ok(()) }
    /// ```
    pub fn replay(mut self, replay: Replay) -> Self {
        self.replay = Some(Arc::new(replay));
        self
    }

    /// Sets the rate limits. The default is those of the seed, or the documented ones; see [`LimitSettings::reported`] for the
    /// two hours that must pass between two reads of page 0.
    pub fn limits(mut self, limits: LimitSettings) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Accepts requests that do not match the description, if they are understandable.
    pub fn loose(mut self) -> Self {
        self.settings.strict = false;
        self.login.strict = false;
        self
    }

    /// Sets whether responses are checked against the description. The default is `true`. See [`Emulator::violations`].
    pub fn check_responses(mut self, check: bool) -> Self {
        self.settings.check_responses = check;
        self
    }

    /// Sets the sizes of pages. Small pages make tests of paging small.
    pub fn page_sizes(mut self, pages: PageSizes) -> Self {
        self.settings.pages = pages;
        self
    }

    /// Sets the largest action request.
    pub fn action_limits(mut self, limits: engine::RequestSizes) -> Self {
        self.settings.request_sizes = limits;
        self
    }

    /// Sets the lifetime of access tokens. The default is 24 hours.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.login.token_lifetime = lifetime;
        self
    }

    /// Sets the clock, e.g. a [`ManualClock`](umapi_time::ManualClock) that the test shares with its client.
    pub fn clock(mut self, clock: impl Into<EmulatorClock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Sets the number of exchanges in the journal. The default is 10,000. 0 disables the journal, which is faster.
    pub fn journal_entries(mut self, entries: usize) -> Self {
        self.journal_entries = Some(entries);
        self
    }

    /// Sets the number of changes in the ledger. The default is 100,000. 0 disables the ledger.
    pub fn ledger_entries(mut self, entries: u64) -> Self {
        self.ledger_entries = Some(entries);
        self
    }

    /// Listens on this address instead of `127.0.0.1`. The credentials of an emulator are public: everyone who can reach the
    /// address can log in.
    pub fn listen_on(mut self, ip: IpAddr) -> Self {
        self.ports.ip = ip;
        self
    }

    /// Enables HTTP on this port; 0 for any free port.
    pub fn http_port(mut self, port: u16) -> Self {
        self.ports.http = Some(port);
        self
    }

    /// Disables HTTP.
    pub fn without_http(mut self) -> Self {
        self.ports.http = None;
        self
    }

    /// Enables HTTPS on any free port.
    pub fn https(self) -> Self {
        self.https_port(0)
    }

    /// Enables HTTPS on this port; 0 for any free port.
    pub fn https_port(mut self, port: u16) -> Self {
        self.ports.https = Some(port);
        self
    }

    /// Gives the login its own ports, for HTTP and HTTPS if they are enabled; 0 for any free port.
    pub fn separate_login(mut self, http: u16, https: u16) -> Self {
        self.ports.login = Some((http, https));
        self
    }

    /// Sets the port of the management API. The default is 0, for any free port.
    pub fn management_port(mut self, port: u16) -> Self {
        self.ports.management = Some(port);
        self
    }

    /// Disables the management API.
    pub fn without_management(mut self) -> Self {
        self.ports.management = None;
        self
    }

    /// Sets the certificate authority. By default, all emulators of a process share one that ends with the process.
    pub fn authority(mut self, authority: Authority) -> Self {
        self.authority = Some(AuthoritySource::Given(authority));
        self
    }

    /// Uses the certificate authority in a folder, which is created if it does not exist.
    pub fn authority_folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.authority = Some(AuthoritySource::Folder(folder.as_ref().to_owned()));
        self
    }

    /// Adds a name of this machine: to the certificate, e.g. `usermanagement.adobe.io` for a client whose host cannot be
    /// configured, and to the names for which the management API is served.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_names.push(name.into());
        self
    }

    /// Accepts this host in the `aud` and the metascopes of a JWT, besides this machine (`localhost` and its addresses) and
    /// `ims-na1.adobelogin.com`. Without a port, it is accepted with any.
    pub fn ims_host(mut self, host: impl Into<String>) -> Self {
        self.login.ims_hosts.push(host.into());
        self
    }

    /// Starts the emulator on the current runtime.
    ///
    /// # Errors
    /// If the seed breaks a rule, a file is not usable, or a port is taken.
    pub async fn start(self) -> Result<Emulator, StartError> {
        let (ports, names) = (self.ports, self.server_names.clone());
        if ports.http.is_none() && ports.https.is_none() {
            return Err(StartError::NoPort);
        }
        // A large seed takes long, and the runtime has other tasks.
        let made = tokio::task::spawn_blocking(move || self.make()).await.map_err(|_| StartError::Interrupted)?;
        let (app, authority) = made?;
        let tls = authority.as_ref().map(|authority| authority.server(ServerNames::with(&names)?)).transpose()?;
        let (addresses, open) = ports.open(tls.as_ref()).await?;
        if !ports.ip.is_loopback() {
            tracing::warn!(ip = %ports.ip, "other machines can reach this emulator, and its credentials are public");
        }
        Emulator::run(Arc::new(app), addresses, open, authority)
    }

    /// Starts it on a thread of its own, for tests that are not async. The thread ends when the emulator is dropped.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_blocking(self) -> Result<Emulator, StartError> {
        let (started, starting) = std::sync::mpsc::channel();
        let (end, ended) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
            runtime.block_on(async {
                if started.send(self.start().await).is_ok() {
                    let _: Result<(), _> = ended.await;
                }
            });
        });
        let emulator = starting.recv().map_err(|_| StartError::Interrupted)??;
        Ok(emulator.on_thread(end))
    }

    /// The state of an emulator without a server.
    pub(crate) fn app(self) -> Result<Arc<AppState>, StartError> {
        self.make().map(|(app, _)| Arc::new(app))
    }

    fn make(self) -> Result<(AppState, Option<Authority>), StartError> {
        let contract = Contract::new().map_err(StartError::Description)?;
        let replayed = self.replay.as_ref().and_then(|replay| replay.recording().organization());
        let initial_state = match self.seed {
            SeedSource::Default => match replayed {
                Some(id) => InitialState::of(Seed {
                    organizations: vec![Organization { id, name: "Recording".to_owned(), ..Organization::default() }],
                    limits: None,
                }),
                None => InitialState::default_seed()?,
            },
            SeedSource::Given(seed) => InitialState::of(*seed),
            SeedSource::File(path) => InitialState::of(Seed::from_file(&path)?),
        };
        let limits = self.limits.or_else(|| initial_state.limits().cloned()).unwrap_or_default();
        let limits = RateLimits::new(limits)?;
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
            (Some(_), Some(AuthoritySource::Folder(folder))) => Some(Authority::in_folder(&folder)?),
        };
        let mut login = self.login;
        login.ims_hosts.extend(self.server_names.iter().cloned());
        let app = AppState {
            login: Login::open(Arc::clone(&store), self.clock.clone(), login)?,
            store,
            initial_state,
            clock: self.clock,
            contract,
            limits,
            faults: Faults::default(),
            journal: self.journal_entries.map_or_else(Journal::default, Journal::new),
            settings: Settings { server_names: self.server_names, ..self.settings },
            snapshots: Snapshots::default(),
            console: Console::new().map_err(|_| StoreError::Randomness)?,
            replay: self.replay,
        };
        Ok((app, authority))
    }
}

impl Ports {
    /// Opens all ports.
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
