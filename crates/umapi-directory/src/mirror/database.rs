//! The file of a mirror: SQLite, readable only by its owner.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use crate::{
    changes::{Change, Cursor, Entry, EntryKey, EntryKind, GroupEntry, Known, PersonEntry},
    extent::Gap,
    person::{Attributes, Person, PersonId},
};

/// `ummi`, in the header of the SQLite file.
const APPLICATION_ID: u32 = 0x756d_6d69;
const FORMAT_VERSION: u32 = 1;

const SCHEMA: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE entry (
        row INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        kind INTEGER NOT NULL,
        place TEXT NOT NULL DEFAULT '',
        content TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE INDEX entry_by_place ON entry (place);
    CREATE TABLE member (grp INTEGER NOT NULL, member INTEGER NOT NULL, PRIMARY KEY (grp, member)) STRICT, WITHOUT ROWID;
    CREATE INDEX member_by_member ON member (member);
    CREATE TABLE label (label TEXT NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (label, row)) STRICT, WITHOUT ROWID;
    CREATE INDEX label_by_row ON label (row);
";

/// Kinds of entries in the file.
pub(super) const UNKNOWN: i64 = 0;
pub(super) const PERSON: i64 = 1;
pub(super) const GROUP: i64 = 2;
const OTHER: i64 = 3;

/// Puts places and names into the form in which they are compared.
pub(super) type Fold<'f> = &'f (dyn Fn(&str) -> String + Send + Sync);

/// The file of a mirror.
pub(super) struct Database {
    connection: Mutex<Connection>,
    has_trouble: AtomicBool,
    path: PathBuf,
}

/// What a mirror was made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Origin {
    /// What decides what a read returns.
    pub(super) basis: String,
    pub(super) cursor: Cursor,
    /// When everything was read, in seconds since 1970.
    pub(super) read_at: u64,
}

/// Why a file cannot be used.
#[derive(Debug)]
pub(super) enum Unusable {
    /// It is not there, damaged, or of another version: it may be replaced.
    Absent(Option<String>),
    /// It is something else, and stays.
    Foreign(String),
}

/// Why a list of changes was not kept.
#[derive(Debug)]
pub(super) enum NotKept {
    /// It does not fit what the mirror knows.
    Misfit(String),
    /// The file cannot be written.
    File(String),
}

#[derive(Deserialize, Serialize)]
struct PersonContent {
    id: PersonId,
    place: String,
    #[serde(rename = "enabled")]
    is_enabled: bool,
    #[serde(rename = "listed")]
    is_listed: bool,
    attributes: Vec<(String, Vec<String>)>,
}

/// A group without its members.
#[derive(Deserialize, Serialize)]
pub(super) struct GroupContent {
    pub(super) name: String,
    pub(super) place: String,
    #[serde(rename = "listed")]
    pub(super) is_listed: bool,
    pub(super) labels: Vec<String>,
    pub(super) gaps: Vec<Gap>,
}

impl From<rusqlite::Error> for NotKept {
    fn from(error: rusqlite::Error) -> Self {
        Self::File(error.to_string())
    }
}

impl Database {
    /// Opens a mirror that was kept.
    pub(super) fn open(path: &Path) -> Result<(Self, Origin), Unusable> {
        let absent = |why: String| Unusable::Absent(Some(why));
        match inspect(path) {
            Ok(Some((APPLICATION_ID, FORMAT_VERSION))) => {}
            Ok(Some((APPLICATION_ID, _))) => return Err(absent("another version of umapi wrote it".to_owned())),
            Ok(_) => return Err(Unusable::Foreign("it is not a mirror of umapi".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Unusable::Absent(None)),
            Err(error) => return Err(Unusable::Foreign(error.to_string())),
        }
        close_to_others(path);
        let damaged = |error: rusqlite::Error| absent(format!("it is damaged: {error}"));
        let connection = Connection::open(path).map_err(damaged)?;
        let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(damaged)?;
        if check != "ok" {
            return Err(absent(format!("it is damaged: {check}")));
        }
        let database = Self::new(connection, path);
        let origin = database.origin().map_err(damaged)?;
        let origin = origin.ok_or_else(|| absent("it was not read to its end".to_owned()))?;
        Ok((database, origin))
    }

    /// Begins a mirror in a new file, which takes its place when it is whole.
    pub(super) fn create(path: &Path) -> Result<Self, String> {
        let text = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(text(&error)),
            _ => {}
        }
        options().create_new(true).open(path).map_err(|error| text(&error))?;
        let connection = Connection::open(path).map_err(|error| text(&error))?;
        let begin = |connection: &Connection| -> rusqlite::Result<()> {
            // The file gets its name only when it is complete, so nothing need be kept for a crash.
            connection.pragma_update(None, "journal_mode", "OFF")?;
            connection.pragma_update(None, "synchronous", "OFF")?;
            connection.execute_batch("BEGIN")?;
            connection.pragma_update(None, "application_id", APPLICATION_ID)?;
            connection.pragma_update(None, "user_version", FORMAT_VERSION)?;
            connection.execute_batch(SCHEMA)
        };
        begin(&connection).map_err(|error| text(&error))?;
        Ok(Self::new(connection, path))
    }

    fn new(connection: Connection, path: &Path) -> Self {
        Self { connection: Mutex::new(connection), has_trouble: AtomicBool::new(false), path: path.to_owned() }
    }

    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the file could not be read when the directory asked what is known.
    pub(super) fn has_trouble(&self) -> bool {
        self.has_trouble.load(Ordering::Relaxed)
    }

    /// Keeps an entry of a file that is being filled.
    pub(super) fn put(&self, key: &EntryKey, entry: &Entry, fold: Fold<'_>) -> Result<(), String> {
        put(&self.connection(), key, entry, fold).map_err(|error| format!("{}: {error}", self.path.display()))
    }

    /// Gives a filled file the name of the mirror, for good.
    pub(super) fn keep_as(self, path: &Path, origin: &Origin) -> Result<(), String> {
        let text = |error: &dyn std::fmt::Display| format!("{}: {error}", self.path.display());
        let connection = self.connection.into_inner().unwrap_or_else(PoisonError::into_inner);
        write_origin(&connection, origin).map_err(|error| text(&error))?;
        connection.execute_batch("COMMIT").map_err(|error| text(&error))?;
        connection.close().map_err(|(_, error)| text(&error))?;
        let file = OpenOptions::new().write(true).open(&self.path).map_err(|error| text(&error))?;
        file.sync_all().map_err(|error| text(&error))?;
        // A journal of the old file would be rolled back into the new one.
        remove_journal(path).map_err(|error| text(&error))?;
        fs::rename(&self.path, path).map_err(|error| text(&error))?;
        sync_folder(path).map_err(|error| text(&error))
    }

    /// Takes a file away that is not to be kept.
    pub(super) fn discard(self) {
        let path = self.path.clone();
        drop(self);
        let _ = fs::remove_file(path);
    }

    /// Applies changes that were read from one cursor to another: all of them, or none.
    pub(super) fn apply(&self, since: &Cursor, to: &Cursor, changes: &[Change], fold: Fold<'_>) -> Result<(), NotKept> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let origin = read_origin(&transaction)?;
        let Some(mut origin) = origin.filter(|origin| origin.cursor == *since) else {
            return Err(NotKept::Misfit("another process changed the mirror".to_owned()));
        };
        for change in changes {
            match change {
                Change::Put(key, entry) => put(&transaction, key, entry, fold)?,
                Change::Renamed { group, name, place } => rename(&transaction, group, name, place, fold)?,
                Change::Members { group, added, removed } => change_members(&transaction, group, added, removed)?,
                Change::Gone(key) => gone(&transaction, key)?,
            }
        }
        let stranger = "SELECT key FROM entry WHERE kind = 0 AND row IN (SELECT member FROM member) LIMIT 1";
        if let Some(key) = transaction.query_row(stranger, [], |row| row.get::<_, String>(0)).optional()? {
            return Err(NotKept::Misfit(format!("a group has a member that is not known: {key}")));
        }
        origin.cursor = to.clone();
        write_origin(&transaction, &origin)?;
        Ok(transaction.commit()?)
    }

    fn origin(&self) -> rusqlite::Result<Option<Origin>> {
        read_origin(&self.connection())
    }
}

fn read_origin(connection: &Connection) -> rusqlite::Result<Option<Origin>> {
    let mut statement = connection.prepare("SELECT value FROM meta WHERE name = ?1")?;
    let mut value = |name: &str| statement.query_row([name], |row| row.get::<_, String>(0)).optional();
    let (basis, cursor, read_at) = (value("basis")?, value("cursor")?, value("read_at")?);
    Ok(match (basis, cursor, read_at.and_then(|text| text.parse().ok())) {
        (Some(basis), Some(cursor), Some(read_at)) => Some(Origin { basis, cursor: Cursor::new(cursor), read_at }),
        _ => None,
    })
}

fn write_origin(connection: &Connection, origin: &Origin) -> rusqlite::Result<()> {
    let read_at = origin.read_at.to_string();
    for (name, value) in [("basis", &*origin.basis), ("cursor", origin.cursor.reveal()), ("read_at", &*read_at)] {
        connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)", [name, value])?;
    }
    Ok(())
}

/// The row of a key, which is made for a key that is not known yet.
fn row_of(connection: &Connection, key: &EntryKey) -> rusqlite::Result<i64> {
    let sql = "INSERT INTO entry (key, kind) VALUES (?1, 0) ON CONFLICT (key) DO UPDATE SET key = key RETURNING row";
    connection.prepare_cached(sql)?.query_row([key.as_str()], |row| row.get(0))
}

fn known_row(connection: &Connection, key: &EntryKey) -> rusqlite::Result<Option<(i64, i64)>> {
    let mut statement = connection.prepare_cached("SELECT row, kind FROM entry WHERE key = ?1 AND kind <> 0")?;
    statement.query_row([key.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

fn put(connection: &Connection, key: &EntryKey, entry: &Entry, fold: Fold<'_>) -> rusqlite::Result<()> {
    let row = row_of(connection, key)?;
    connection.prepare_cached("DELETE FROM label WHERE row = ?1")?.execute([row])?;
    connection.prepare_cached("DELETE FROM member WHERE grp = ?1")?.execute([row])?;
    let (kind, place, content) = match entry {
        Entry::Person(PersonEntry { person, is_listed, labels }) => {
            let mut label = connection.prepare_cached("INSERT OR IGNORE INTO label (label, row) VALUES (?1, ?2)")?;
            for text in labels {
                label.execute(params![text, row])?;
            }
            let attributes = person.attributes.iter().map(|(name, values)| (name.to_owned(), values.to_vec()));
            let content = PersonContent {
                id: person.id.clone(),
                place: person.place.clone(),
                is_enabled: person.is_enabled,
                is_listed: *is_listed,
                attributes: attributes.collect(),
            };
            (PERSON, fold(&person.place), json(&content)?)
        }
        Entry::Group(group) => {
            add_members(connection, row, &group.members)?;
            (GROUP, fold(&group.place), json(&GroupContent::from(group))?)
        }
        Entry::Other => (OTHER, String::new(), String::new()),
    };
    let mut update =
        connection.prepare_cached("UPDATE entry SET kind = ?2, place = ?3, content = ?4 WHERE row = ?1")?;
    update.execute(params![row, kind, place, content])?;
    Ok(())
}

impl From<&GroupEntry> for GroupContent {
    fn from(group: &GroupEntry) -> Self {
        Self {
            name: group.name.clone(),
            place: group.place.clone(),
            is_listed: group.is_listed,
            labels: group.labels.clone(),
            gaps: group.gaps.clone(),
        }
    }
}

fn add_members(connection: &Connection, group: i64, members: &[EntryKey]) -> rusqlite::Result<()> {
    let mut add = connection.prepare_cached("INSERT OR IGNORE INTO member (grp, member) VALUES (?1, ?2)")?;
    for member in members {
        add.execute([group, row_of(connection, member)?])?;
    }
    Ok(())
}

/// The row of a group that the mirror must know.
fn group_row(connection: &Connection, group: &EntryKey) -> Result<i64, NotKept> {
    match known_row(connection, group)? {
        Some((row, GROUP)) => Ok(row),
        _ => Err(NotKept::Misfit(format!("a group changed that is not known: {group}"))),
    }
}

fn rename(connection: &Connection, group: &EntryKey, name: &str, place: &str, fold: Fold<'_>) -> Result<(), NotKept> {
    let row = group_row(connection, group)?;
    let content: String =
        connection.query_row("SELECT content FROM entry WHERE row = ?1", [row], |found| found.get(0))?;
    let mut content: GroupContent = from_json(&content)?;
    (content.name, content.place) = (name.to_owned(), place.to_owned());
    let update = "UPDATE entry SET place = ?2, content = ?3 WHERE row = ?1";
    connection.execute(update, params![row, fold(place), json(&content)?])?;
    Ok(())
}

fn change_members(
    connection: &Connection,
    group: &EntryKey,
    added: &[EntryKey],
    removed: &[EntryKey],
) -> Result<(), NotKept> {
    let row = group_row(connection, group)?;
    let mut remove = connection.prepare_cached("DELETE FROM member WHERE grp = ?1 AND member = ?2")?;
    for member in removed {
        if let Some((member, _)) = known_row(connection, member)? {
            remove.execute([row, member])?;
        }
    }
    Ok(add_members(connection, row, added)?)
}

fn gone(connection: &Connection, key: &EntryKey) -> rusqlite::Result<()> {
    let Some((row, _)) = known_row(connection, key)? else { return Ok(()) };
    for sql in [
        "DELETE FROM member WHERE grp = ?1",
        "DELETE FROM member WHERE member = ?1",
        "DELETE FROM label WHERE row = ?1",
        "DELETE FROM entry WHERE row = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([row])?;
    }
    Ok(())
}

/// A person from what the file holds, and whether the list of all people holds the person.
pub(super) fn person_of(content: &str) -> rusqlite::Result<(Person, bool)> {
    let content: PersonContent = from_json(content)?;
    let values = content.attributes.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    let attributes: Attributes = values.collect();
    let PersonContent { id, place, is_enabled, is_listed, .. } = content;
    Ok((Person { id, place, is_enabled, attributes }, is_listed))
}

fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

pub(super) fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into()))
}

impl Database {
    fn known<T: Default>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> T {
        ask(&self.connection()).unwrap_or_else(|_| {
            self.has_trouble.store(true, Ordering::Relaxed);
            T::default()
        })
    }
}

impl Known for Database {
    fn kind(&self, key: &EntryKey) -> Option<EntryKind> {
        let (_, kind) = self.known(|connection| known_row(connection, key))?;
        Some(match kind {
            PERSON => EntryKind::Person,
            GROUP => EntryKind::Group,
            _ => EntryKind::Other,
        })
    }

    fn at(&self, place: &str) -> Vec<EntryKey> {
        self.known(|connection| {
            let sql = "SELECT key FROM entry WHERE place = ?1 AND kind IN (1, 2)";
            let mut statement = connection.prepare_cached(sql)?;
            let keys = statement.query_map([place], |row| row.get::<_, String>(0))?;
            keys.map(|key| key.map(EntryKey::new)).collect()
        })
    }
}

/// Application and version of an SQLite file, by its first bytes: SQLite would alter a file of another program.
fn inspect(path: &Path) -> io::Result<Option<(u32, u32)>> {
    let mut header = Vec::new();
    File::open(path)?.take(100).read_to_end(&mut header)?;
    let number = |at: usize| header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    let is_whole = header.len() == 100 && header.starts_with(b"SQLite format 3\0");
    Ok(number(68).zip(number(60)).filter(|_| is_whole))
}

fn remove_journal(path: &Path) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push("-journal");
    match fs::remove_file(PathBuf::from(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Takes the rights of other users from a file, as far as possible.
fn close_to_others(path: &Path) {
    #[cfg(unix)]
    let _ = fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600));
    #[cfg(not(unix))]
    let _ = path;
}

fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Holds a mirror for one process at a time. `None`: another one has it.
pub(super) fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = options().create(true).truncate(false).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}
