//! A connection to one of the servers: login, searches in pages, and what the end of a search proves.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, ResultEntry, Scope, SearchEntry,
    controls::{Control, ControlType, PagedResults, RawControl},
};
use rustls::ClientConfig;
use umapi_http::{HttpOptions, Secret};

use super::{GUID, dirsync};
use crate::{
    directory::DirectoryError,
    extent::{Gap, GapCause},
    settings::{LdapLogin, LdapSettings},
};

/// How long a server may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The number of entries in a page.
const PAGE_SIZE: u32 = 1000;

/// The number of bytes of changes in an answer.
const MAX_BYTES: u32 = 1 << 20;

/// The largest number of answers with changes.
const MAX_ANSWERS: usize = 10_000;

/// The control by which a search shows deleted entries.
const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";

/// The largest number of empty pages in a row. A server may filter pages; one that sends nothing else never ends.
const MAX_EMPTY_PAGES: usize = 1000;

/// The parts of Active Directory that hold neither people nor groups. A search of a whole domain always refers to them.
const EMPTY_PARTITIONS: [&str; 3] = ["CN=Configuration,", "DC=DomainDnsZones,", "DC=ForestDnsZones,"];

/// A connection to one of the servers.
pub(super) struct Connection {
    ldap: Ldap,
    /// The address of the server.
    pub(super) server: String,
    /// Where the server is in the settings.
    pub(super) index: usize,
    page_size: u32,
    timeout: Duration,
    /// Whether other domains hold nobody who matters.
    ignores_referrals: bool,
    /// Whether it did not answer in time. It is not asked again: a group may have thousands of members to wait for.
    is_silent: bool,
}

/// What is searched.
#[derive(Clone, Copy)]
pub(super) struct Search<'a> {
    /// What the search is called in a [`Gap`]: `all people`, `group Design`.
    pub(super) what: &'a str,
    pub(super) base: &'a str,
    pub(super) scope: Scope,
    pub(super) filter: &'a str,
    pub(super) attributes: &'a [String],
}

/// How a search ended.
pub(super) enum End {
    /// The server said that this was all.
    Whole,
    /// The base does not exist.
    NoSuchEntry,
    /// Something is missing. With a lost connection, another server may know it.
    Cut { gap: Gap, is_lost: bool },
}

/// How a search for changes ended.
pub(super) enum ChangesEnd {
    /// The server told all changes, up to this cookie.
    Whole { cookie: Vec<u8> },
    /// The server does not tell the changes since the cookie.
    Refused(String),
    /// The connection was lost, or the server is busy.
    Lost(Gap),
}

/// One page of a search.
struct Page {
    result: LdapResult,
    /// A server that the page refers to.
    referral: Option<String>,
    entries: usize,
}

/// A message that is not what the protocol prescribes.
struct Garbage;

/// Why a page could not be read.
enum Broken {
    Connection(LdapError),
    Message,
}

impl From<LdapError> for Broken {
    fn from(error: LdapError) -> Self {
        Self::Connection(error)
    }
}

impl From<Garbage> for Broken {
    fn from(Garbage: Garbage) -> Self {
        Self::Message
    }
}

const NOT_LDAP: &str = "the server sent something that is not LDAP";

/// Runs what reads messages of a server. The library panics at some that are malformed; here that is an error.
async fn understood<F: Future>(reading: F) -> Result<F::Output, Garbage> {
    let mut reading = pin!(reading);
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| reading.as_mut().poll(context))) {
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(Err(Garbage)),
    })
    .await
}

impl Connection {
    /// Connects to the first server that answers, after the first `skip` ones, and logs in.
    ///
    /// # Errors
    /// Wrong settings and a refused login at once; unreachable servers after all of them were tried.
    pub(super) async fn open(
        settings: &LdapSettings,
        password: Option<&Secret>,
        folder: &Path,
        skip: usize,
    ) -> Result<Self, DirectoryError> {
        let mut last = DirectoryError::setting("ldap", "no server is left to try", "check `url`");
        last.is_temporary = true;
        for (index, url) in settings.url.iter().enumerate().skip(skip) {
            match Self::open_one(settings, index, url, folder, password).await {
                Ok(connection) => return Ok(connection),
                Err(error) if error.is_temporary => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    async fn open_one(
        settings: &LdapSettings,
        index: usize,
        url: &str,
        folder: &Path,
        password: Option<&Secret>,
    ) -> Result<Self, DirectoryError> {
        let timeout = settings.timeout.map_or(TIMEOUT, |seconds| Duration::from_secs(seconds.max(1).into()));
        let is_plain = url.starts_with("ldap://");
        let starttls = is_plain && settings.start_tls.unwrap_or_else(|| !is_this_machine(url));
        let login = settings.login.unwrap_or(match settings.user {
            Some(_) => LdapLogin::Simple,
            None => LdapLogin::Anonymous,
        });
        if is_plain && !starttls && login == LdapLogin::Simple && !is_this_machine(url) {
            let reason = "a password would cross the network unencrypted";
            return Err(DirectoryError::setting(url, reason, "use ldaps://, or leave `start_tls` on"));
        }
        let mut connection = LdapConnSettings::new().set_conn_timeout(timeout).set_starttls(starttls);
        if starttls || url.starts_with("ldaps://") {
            connection = connection.set_config(Arc::new(tls_config(settings, folder)?));
        }
        let opened = understood(LdapConnAsync::with_settings(connection, url)).await;
        let (driver, ldap) = match opened {
            Ok(opened) => opened.map_err(|error| unreachable_server(url, starttls, &error))?,
            Err(Garbage) => return Err(unusable(url, NOT_LDAP)),
        };
        // A message that cannot be understood ends the driver, and with it the connection.
        tokio::spawn(understood(driver.drive()));
        let page_size = settings.page_size.unwrap_or(PAGE_SIZE).max(1);
        let ignores_referrals = settings.ignore_referrals.unwrap_or(false);
        let server = url.to_owned();
        let mut connection = Self { ldap, server, index, page_size, timeout, ignores_referrals, is_silent: false };
        match understood(connection.log_in(login, settings.user.as_deref(), password)).await {
            Ok(logged_in) => logged_in?,
            Err(Garbage) => return Err(unusable(url, NOT_LDAP)),
        }
        Ok(connection)
    }

    async fn log_in(
        &mut self,
        login: LdapLogin,
        user: Option<&str>,
        password: Option<&Secret>,
    ) -> Result<(), DirectoryError> {
        self.ldap.with_timeout(self.timeout);
        let result = match (login, user, password) {
            (LdapLogin::Anonymous, _, _) => return Ok(()),
            (LdapLogin::External, _, _) => self.ldap.sasl_external_bind().await,
            (LdapLogin::Simple, Some(user), Some(password)) if !password.reveal().is_empty() => {
                self.ldap.simple_bind(user, password.reveal()).await
            }
            // A login with an empty password succeeds as nobody.
            (LdapLogin::Simple, _, _) => {
                return Err(DirectoryError::setting(
                    &self.server,
                    "the password is empty",
                    "give `user` and `password`",
                ));
            }
        };
        match result {
            Ok(LdapResult { rc: 0, .. }) => Ok(()),
            Ok(LdapResult { rc: 51 | 52, .. }) => Err(unusable(&self.server, "the server is busy")),
            Ok(result) => {
                let reason = match result.rc {
                    49 => "the login was refused: user or password is wrong".to_owned(),
                    8 | 13 => "the server wants an encrypted connection for a login".to_owned(),
                    7 => "the server does not know this way to log in".to_owned(),
                    _ => format!("the login was refused: {}", told(&result)),
                };
                Err(DirectoryError::setting(&self.server, reason, "check `user`, `password` and `login`"))
            }
            Err(error) => Err(unreachable_server(&self.server, false, &error)),
        }
    }

    /// The server's root entry.
    ///
    /// # Errors
    /// A server that does not show it, or that was lost.
    pub(super) async fn root(&mut self) -> Result<SearchEntry, DirectoryError> {
        let attributes = ["*", "+"].map(str::to_owned);
        let search = Search {
            what: "the root entry",
            base: "",
            scope: Scope::Base,
            filter: "(objectClass=*)",
            attributes: &attributes,
        };
        let mut root = None;
        let end = self.search(search, &mut |entry| root = Some(entry)).await;
        match (root, end) {
            (Some(root), _) => Ok(root),
            (None, End::Cut { gap, is_lost }) => Err(DirectoryError {
                what: self.server.clone(),
                reason: gap.detail,
                remedy: None,
                is_temporary: is_lost,
            }),
            (None, End::Whole | End::NoSuchEntry) => {
                let remedy = "set preset = \"openldap\", \"ad\", \"389ds\" or \"freeipa\"";
                Err(DirectoryError::setting(&self.server, "the server does not show its root entry", remedy))
            }
        }
    }

    /// Searches, page by page, and hands each entry on.
    pub(super) async fn search(&mut self, search: Search<'_>, take: &mut (dyn FnMut(SearchEntry) + Send)) -> End {
        let mut cookie = Vec::new();
        let mut empty_pages = 0;
        loop {
            let mut controls: Vec<RawControl> = Vec::new();
            if search.scope != Scope::Base {
                let size = i32::try_from(self.page_size).unwrap_or(i32::MAX);
                controls.push(PagedResults { size, cookie }.into());
            }
            let Page { result, referral, entries } = match self.page(search, controls, take).await {
                Ok(page) => page,
                Err(end) => return end,
            };
            let Ok(next) = understood(async { next_page(&result) }).await else { return self.garbage(search.what) };
            if let Some(url) = referral {
                return End::Cut { gap: Gap::new(search.what, GapCause::Referral).detail(url), is_lost: false };
            }
            if let Some(end) = failure(search.what, &result) {
                return end;
            }
            if next.is_empty() {
                return End::Whole;
            }
            empty_pages = if entries == 0 { empty_pages + 1 } else { 0 };
            if empty_pages > MAX_EMPTY_PAGES {
                let detail = format!("{} sends empty pages again and again", self.server);
                return End::Cut { gap: Gap::new(search.what, GapCause::Interrupted).detail(detail), is_lost: true };
            }
            cookie = next;
        }
    }

    /// Asks for the entries that changed since a cookie, and hands what changed in each on. The base must be a whole
    /// partition.
    pub(super) async fn changes(
        &mut self,
        search: Search<'_>,
        mut cookie: Vec<u8>,
        take: &mut (dyn FnMut(SearchEntry) + Send),
    ) -> ChangesEnd {
        for _ in 0..MAX_ANSWERS {
            let control = dirsync::request(&cookie, MAX_BYTES.min(self.page_size.saturating_mul(1000)));
            let result = match self.page(search, vec![control], take).await {
                // Other partitions are of no interest here: a read of everything tells whether they matter.
                Ok(page) => page.result,
                Err(End::Cut { gap, .. }) => return ChangesEnd::Lost(gap),
                Err(End::Whole | End::NoSuchEntry) => return ChangesEnd::Refused("it is not there".to_owned()),
            };
            match failure(search.what, &result) {
                None => {}
                Some(End::Cut { gap, is_lost: true }) => return ChangesEnd::Lost(gap),
                Some(_) => return ChangesEnd::Refused(told(&result)),
            }
            let response = understood(async { dirsync::response(&result.ctrls) }).await.ok().flatten();
            let Some(dirsync::Response { has_more, cookie: next }) = response else {
                return ChangesEnd::Refused("the server sent no cookie".to_owned());
            };
            if !has_more {
                return ChangesEnd::Whole { cookie: next };
            }
            if next == cookie {
                return ChangesEnd::Refused("the server sends the same cookie again and again".to_owned());
            }
            cookie = next;
        }
        ChangesEnd::Refused("the changes do not end".to_owned())
    }

    /// Whether this user sees deleted entries below a place. `false` also if there are none.
    pub(super) async fn sees_deleted(&mut self, place: &str) -> bool {
        let attributes = [GUID.to_owned()];
        let filter = "(isDeleted=TRUE)";
        let search =
            Search { what: "deleted entries", base: place, scope: Scope::OneLevel, filter, attributes: &attributes };
        let control = RawControl { ctype: SHOW_DELETED.to_owned(), crit: true, val: None };
        let pages = PagedResults { size: 1, cookie: Vec::new() }.into();
        let mut seen = false;
        let _ = self.page(search, vec![control, pages], &mut |_| seen = true).await;
        seen
    }

    fn garbage(&self, what: &str) -> End {
        let gap = Gap::new(what, GapCause::Unreadable).detail(format!("{}: {NOT_LDAP}", self.server));
        End::Cut { gap, is_lost: true }
    }

    /// Reads one page of a search, or says how the search ended.
    async fn page(
        &mut self,
        search: Search<'_>,
        controls: Vec<RawControl>,
        take: &mut (dyn FnMut(SearchEntry) + Send),
    ) -> Result<Page, End> {
        if self.is_silent {
            return Err(silent(search.what, &self.server));
        }
        match self.try_page(search, controls, take).await {
            Ok(page) => Ok(page),
            Err(Broken::Connection(error)) => {
                self.is_silent = matches!(error, LdapError::Timeout { .. });
                Err(lost(search.what, &self.server, &error))
            }
            Err(Broken::Message) => Err(self.garbage(search.what)),
        }
    }

    async fn try_page(
        &mut self,
        search: Search<'_>,
        controls: Vec<RawControl>,
        take: &mut (dyn FnMut(SearchEntry) + Send),
    ) -> Result<Page, Broken> {
        let Search { base, scope, filter, attributes, .. } = search;
        self.ldap.with_timeout(self.timeout);
        if !controls.is_empty() {
            self.ldap.with_controls(controls);
        }
        let mut stream = understood(self.ldap.streaming_search(base, scope, filter, attributes)).await??;
        let mut referral = None;
        let mut entries = 0;
        while let Some(entry) = understood(stream.next()).await?? {
            match entry {
                entry if entry.is_ref() => {
                    let server = understood(async { foreign_server(entry) }).await?;
                    referral = referral.or(server);
                }
                entry if entry.is_intermediate() => {}
                entry => {
                    entries += 1;
                    take(understood(async { SearchEntry::construct(entry) }).await?);
                }
            }
        }
        let result = stream.finish().await;
        Ok(Page { result, referral: referral.filter(|_| !self.ignores_referrals), entries })
    }
}

/// The server that a reference names, unless it holds neither people nor groups.
fn foreign_server(entry: ResultEntry) -> Option<String> {
    let urls = ldap3::parse_refs(entry.0);
    let is_empty = |url: &String| {
        let name = url.rsplit_once('/').map_or("", |(_, name)| name);
        EMPTY_PARTITIONS
            .iter()
            .any(|partition| name.get(..partition.len()).is_some_and(|start| start.eq_ignore_ascii_case(partition)))
    };
    urls.into_iter().find(|url| !is_empty(url))
}

/// Where the next page begins; empty after the last one.
fn next_page(result: &LdapResult) -> Vec<u8> {
    let paged = result.ctrls.iter().find_map(|control| match control {
        Control(Some(ControlType::PagedResults), raw) => Some(raw.parse::<PagedResults>()),
        _ => None,
    });
    paged.map(|paged| paged.cookie).unwrap_or_default()
}

/// How a search ended that did not end well.
fn failure(what: &str, result: &LdapResult) -> Option<End> {
    let cause = match result.rc {
        0 => return None,
        32 => return Some(End::NoSuchEntry),
        3 => GapCause::TimeLimit,
        4 | 11 => GapCause::SizeLimit,
        9 | 10 => GapCause::Referral,
        1 | 8 | 48 | 49 | 50 | 53 => GapCause::Refused,
        51 | 52 | 80 => GapCause::Interrupted,
        _ => GapCause::Unreadable,
    };
    let is_lost = cause == GapCause::Interrupted;
    Some(End::Cut { gap: Gap::new(what, cause).detail(told(result)), is_lost })
}

fn lost(what: &str, server: &str, error: &LdapError) -> End {
    match error {
        LdapError::Timeout { .. } => silent(what, server),
        LdapError::FilterParsing => {
            let gap = Gap::new(what, GapCause::Unreadable).detail("the filter is not valid");
            End::Cut { gap, is_lost: false }
        }
        _ => {
            let detail = format!("the connection to {server} was lost");
            End::Cut { gap: Gap::new(what, GapCause::Interrupted).detail(detail), is_lost: true }
        }
    }
}

fn silent(what: &str, server: &str) -> End {
    let detail = format!("{server} did not answer in time");
    End::Cut { gap: Gap::new(what, GapCause::TimeLimit).detail(detail), is_lost: true }
}

/// What a server said about a result.
fn told(result: &LdapResult) -> String {
    if result.text.is_empty() {
        format!("result code {}", result.rc)
    } else {
        format!("{} (result code {})", result.text, result.rc)
    }
}

/// A server that may work later, or of which another one may do the work.
fn unusable(url: &str, reason: &str) -> DirectoryError {
    DirectoryError { what: url.to_owned(), reason: reason.to_owned(), remedy: None, is_temporary: true }
}

fn unreachable_server(url: &str, starttls: bool, error: &LdapError) -> DirectoryError {
    let text = error.to_string();
    let is_certificate =
        text.contains("certificate") || text.contains("UnknownIssuer") || text.contains("invalid peer");
    let (reason, remedy, is_temporary) = match error {
        LdapError::Timeout { .. } => ("it did not answer in time".to_owned(), None, true),
        LdapError::UnknownScheme(_)
        | LdapError::UrlParsing { .. }
        | LdapError::EmptyUnixPath
        | LdapError::PortInUnixPath => {
            let remedy = "write ldaps://HOST, ldap://HOST or ldapi://PATH with each `/` of the path as %2F";
            ("this is not an address".to_owned(), Some(remedy), false)
        }
        _ if is_certificate => {
            let remedy = "name the certificate of its authority: root_certificates = \"company-ca.pem\"";
            (format!("its certificate is not trusted: {text}"), Some(remedy), false)
        }
        LdapError::LdapResult { result } if starttls => {
            let remedy = "use ldaps://, or a server that offers StartTLS";
            (format!("it refuses StartTLS: {}", told(result)), Some(remedy), false)
        }
        _ => (format!("it cannot be reached: {text}"), None, true),
    };
    DirectoryError { what: url.to_owned(), reason, remedy: remedy.map(str::to_owned), is_temporary }
}

fn is_this_machine(url: &str) -> bool {
    let host = url.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Trusts what the system trusts, and the certificates of the settings. Nothing turns the check off.
fn tls_config(settings: &LdapSettings, folder: &Path) -> Result<ClientConfig, DirectoryError> {
    let mut options = HttpOptions::new();
    let mut what = "TLS".to_owned();
    if let Some(path) = &settings.root_certificates {
        what = path.display().to_string();
        let pem = std::fs::read(folder.join(path)).map_err(|_| {
            let reason = "this file of `root_certificates` cannot be read";
            DirectoryError::setting(&what, reason, "name a PEM file with certificates")
        })?;
        options = options.root_certificates(pem);
    }
    options.tls_config().map_err(|error| {
        DirectoryError::setting(
            what,
            error.to_string(),
            "check `root_certificates` and the certificates of this machine",
        )
    })
}
