//! The cache: the lists of an organization on disk, so that they are not read again by every command.
//!
//! The service allows a client to read the first page of all users, and of all groups, about once in two hours. It answers an
//! earlier request with 429, and rejects every call of that client for most of an hour. So a list is read once, kept in one
//! SQLite file per organization, and used until it is too old.
//!
//! * Its age is shown whenever it is used, and what this command changes itself is updated or dropped.
//! * A list is saved page by page. A read that stops early is continued later, without the first page.
//! * One process at a time reads a list; others wait for it and use the result.
//! * A file that is damaged is replaced. A file of another program or of a newer version is neither used nor changed.

mod changes;
mod database;
mod list;

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use sha2::{Digest, Sha256};
use umapi::model::{CountedCalls, Operation};

pub(crate) use changes::RunChanges;
pub(crate) use list::{CachedItem, ListReader};

use self::database::{APPLICATION_ID, Database, FORMAT_VERSION};
use crate::{
    config::Access,
    private_file,
    sqlite_file::{self, FileKind, beside},
};

/// How far a clock may have been set back. A time that is further in the future is one of a clock that was wrong.
const CLOCK_STEP: Duration = Duration::from_secs(5 * 60);

/// The environment variable with the folder of the caches.
const FOLDER_VARIABLE: &str = "UMAPI_CACHE_DIR";

const EXTENSION: &str = "cache";

/// The lists that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CachedList {
    Groups,
    /// All users with their direct memberships.
    Users,
    /// All users, with memberships in profiles that come through user groups.
    UsersWithAllMemberships,
}

impl CachedList {
    const ALL: [Self; 3] = [Self::Groups, Self::Users, Self::UsersWithAllMemberships];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Groups => "groups",
            Self::Users => "users",
            Self::UsersWithAllMemberships => "users-all-memberships",
        }
    }

    /// The period in which the service allows a client to read the first page once.
    fn first_page_period(self) -> Duration {
        let operation = if self == Self::Groups { Operation::ListGroups } else { Operation::ListUsers };
        let first_page = operation.throttles().iter().find(|throttle| throttle.counts == CountedCalls::FirstPage);
        first_page.map_or(Duration::ZERO, |throttle| throttle.period)
    }

    /// The word for its items.
    pub(crate) fn items(self) -> &'static str {
        match self {
            Self::Groups => "groups",
            Self::Users | Self::UsersWithAllMemberships => "users",
        }
    }
}

/// The cache of an organization: the path of its file. The file is opened for each use.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    path: PathBuf,
    organization: String,
    server: String,
    client_id: String,
}

/// Why a cache cannot be used.
#[derive(Debug)]
pub(crate) struct Unusable {
    path: PathBuf,
    why: Why,
}

#[derive(Debug)]
enum Why {
    NotACache,
    Newer(u32),
    Damaged,
    Disk(io::Error),
    Database(rusqlite::Error),
}

impl Cache {
    /// The cache of the organization that a call uses. `None` if there is no folder for it.
    pub(crate) fn of(access: &Access) -> Option<Self> {
        let server = access.server.as_deref().unwrap_or("production");
        Some(Self::in_folder(&folder()?, &access.organization, server, access.credentials.client_id()))
    }

    fn in_folder(folder: &Path, organization: &str, server: &str, client_id: &str) -> Self {
        Self {
            path: folder.join(format!("{}.{EXTENSION}", stem(organization, server))),
            organization: organization.to_owned(),
            server: server.to_owned(),
            client_id: client_id.to_owned(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file, and creates it if it does not exist. A damaged one is replaced.
    fn open(&self) -> Result<Database, Unusable> {
        match self.open_existing() {
            Ok(Some(database)) => return Ok(database),
            Ok(None) => {}
            Err(Unusable { why: Why::Damaged, .. }) => {
                self.remove().map_err(|error| self.unusable(Why::Disk(error)))?
            }
            Err(unusable) => return Err(unusable),
        }
        self.create().map_err(|error| self.unusable(Why::Disk(error)))?;
        match self.open_existing()? {
            Some(database) => Ok(database),
            None => Err(self.unusable(Why::Disk(io::ErrorKind::NotFound.into()))),
        }
    }

    /// Opens the file. `None` if it does not exist.
    fn open_existing(&self) -> Result<Option<Database>, Unusable> {
        match check_header(&self.path) {
            Ok(()) => {}
            Err(Why::Disk(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(self.unusable(why)),
        }
        let database = Database::open(&self.path).map_err(|error| self.of_database(error))?;
        match database.is_of(&self.organization, &self.server) {
            Ok(true) => Ok(Some(database)),
            Ok(false) => Err(self.unusable(Why::Damaged)),
            Err(error) => Err(self.of_database(error)),
        }
    }

    /// Creates the file as a whole, readable only by its owner.
    fn create(&self) -> io::Result<()> {
        let folder = private_file::folder_of(&self.path);
        private_file::create_folder(folder)?;
        let file = tempfile::Builder::new().prefix(".umapi-cache-").tempfile_in(folder)?;
        Database::create(file.path(), &self.organization, &self.server).map_err(io::Error::other)?;
        match file.persist_noclobber(&self.path) {
            Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
            // Another process has created it.
            _ => Ok(()),
        }
    }

    /// Removes the lists, and the file with them. Returns whether there were any. A file of another program stays.
    ///
    /// As long as the service counts a first page that was read, the file without its lists stays, because the next command
    /// must know that.
    pub(crate) fn clear(&self, now: SystemTime) -> Result<bool, Unusable> {
        match check_header(&self.path) {
            Err(Why::Disk(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(Why::NotACache) => return Err(self.unusable(Why::NotACache)),
            _ => {}
        }
        match empty(&self.path, now) {
            Ok(Some(had_lists)) => Ok(had_lists),
            // It is damaged, or of another version.
            Ok(None) | Err(_) => self.remove().map(|()| true).map_err(|error| self.unusable(Why::Disk(error))),
        }
    }

    fn remove(&self) -> io::Result<()> {
        remove(&self.path)
    }

    /// Returns the path of the lock that the reader of a list holds.
    fn lock_path(&self, list: CachedList) -> PathBuf {
        beside(&self.path, &format!(".{}.lock", list.name()))
    }

    fn unusable(&self, why: Why) -> Unusable {
        Unusable { path: self.path.clone(), why }
    }

    fn of_database(&self, error: rusqlite::Error) -> Unusable {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        let is_damaged = matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
            || matches!(error, rusqlite::Error::QueryReturnedNoRows | rusqlite::Error::FromSqlConversionFailure(..));
        self.unusable(if is_damaged { Why::Damaged } else { Why::Database(error) })
    }

    /// Describes every list in the file, for `umapi cache show`.
    pub(crate) fn describe(&self) -> Result<Vec<ListState>, Unusable> {
        let Some(database) = self.open_existing()? else { return Ok(Vec::new()) };
        let mut states = Vec::new();
        for list in CachedList::ALL {
            if let Some(state) = database.describe(list).map_err(|error| self.of_database(error))? {
                states.push(state);
            }
        }
        Ok(states)
    }

    /// The time at which this client may read the first page of a list again. `None` if it may now.
    pub(crate) fn first_page_allowed_at(&self, list: CachedList, now: SystemTime) -> Option<SystemTime> {
        let database = self.open_existing().ok()??;
        let last = database.first_page(&self.client_id, list).ok()??;
        let allowed = last.checked_add(list.first_page_period())?;
        (!is_after(last, now) && now < allowed).then_some(allowed)
    }

    /// Records that this client has read the first page of a list.
    pub(crate) fn record_first_page(&self, list: CachedList, at: SystemTime) -> Result<(), Unusable> {
        let database = self.open()?;
        database.record_first_page(&self.client_id, list, at).map_err(|error| self.of_database(error))
    }
}

/// A list in a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListState {
    pub(crate) list: CachedList,
    pub(crate) items: u64,
    pub(crate) as_of: SystemTime,
    pub(crate) is_complete: bool,
    /// The number of users or groups that this command changed since.
    pub(crate) changed: u64,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.why {
            Why::NotACache => write!(f, "{path} is not a cache of umapi; remove or rename that file"),
            Why::Newer(version) => write!(
                f,
                "{path} has the format {version} of a newer umapi; use that version, or remove the file with \"umapi cache clear\""
            ),
            Why::Damaged => write!(f, "{path} is damaged; remove it with \"umapi cache clear\""),
            Why::Disk(error) => write!(f, "{path}: {error}"),
            Why::Database(error) => write!(f, "{path}: {error}"),
        }
    }
}

/// Whether a recorded time is so far in the future that it says nothing.
fn is_after(recorded: SystemTime, now: SystemTime) -> bool {
    recorded.duration_since(now).is_ok_and(|ahead| ahead > CLOCK_STEP)
}

/// Returns the folder of the caches: that of UMAPI_CACHE_DIR, or `umapi` in the platform's folder for caches.
pub(crate) fn folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty()) {
        return Some(folder.into());
    }
    strategy().map(|strategy| strategy.cache_dir())
}

fn strategy() -> Option<impl AppStrategy> {
    let arguments =
        AppStrategyArgs { top_level_domain: String::new(), author: String::new(), app_name: "umapi".into() };
    choose_app_strategy(arguments).ok()
}

/// Returns the platform's folder for what the command keeps for long.
pub(crate) fn data_folder() -> Option<PathBuf> {
    strategy().map(|strategy| strategy.data_dir())
}

/// Returns the name of an organization's files on a server, without its ending.
pub(crate) fn stem(organization: &str, server: &str) -> String {
    let print = Sha256::digest(format!("{organization}\n{server}"));
    let print: String = print.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let readable: String = organization.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    format!("{readable}-{print}")
}

/// Removes the lists of a cache. Returns whether there were any, or `None` if the file is not needed any more.
fn empty(path: &Path, now: SystemTime) -> rusqlite::Result<Option<bool>> {
    if check_header(path).is_err() {
        return Ok(None);
    }
    let longest = CachedList::ALL.into_iter().map(CachedList::first_page_period).max().unwrap_or_default();
    let mut database = Database::open(path)?;
    let counts = |at: SystemTime| !is_after(at, now) && at.checked_add(longest).is_some_and(|allowed| now < allowed);
    if !database.first_pages()?.into_iter().any(counts) {
        return Ok(None);
    }
    database.clear().map(Some)
}

/// Removes all caches in a folder, as [`Cache::clear`], and returns their number. Files of other programs stay.
pub(crate) fn clear(folder: &Path, now: SystemTime) -> io::Result<u64> {
    let mut removed = 0;
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) && is_cache(&path) {
            match empty(&path, now) {
                Ok(Some(had_lists)) => removed += u64::from(had_lists),
                Ok(None) | Err(_) => {
                    remove(&path)?;
                    removed += 1;
                }
            }
        }
    }
    Ok(removed)
}

/// Whether a file is a cache of any version, damaged or not.
fn is_cache(path: &Path) -> bool {
    matches!(check_header(path), Ok(()) | Err(Why::Newer(_) | Why::Damaged))
}

fn remove(path: &Path) -> io::Result<()> {
    let lists = CachedList::ALL.map(|list| format!(".{}.lock", list.name()));
    let beside = lists.iter().map(String::as_str).chain(["-journal"]).map(|ending| beside(path, ending));
    for path in beside.chain([path.to_owned()]) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Checks whether a file is a cache that this version reads.
fn check_header(path: &Path) -> Result<(), Why> {
    if private_file::is_special(path) {
        return Err(Why::NotACache);
    }
    match sqlite_file::inspect(path).map_err(Why::Disk)? {
        FileKind::Empty => Err(Why::Damaged),
        FileKind::Sqlite(header) if header.application_id == APPLICATION_ID => match header.format_version {
            FORMAT_VERSION if !header.has_log => Ok(()),
            version if version > FORMAT_VERSION => Err(Why::Newer(version)),
            _ => Err(Why::Damaged),
        },
        FileKind::Special | FileKind::Foreign | FileKind::Sqlite(_) => Err(Why::NotACache),
    }
}
