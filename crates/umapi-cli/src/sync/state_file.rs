//! What a sync remembers between runs, in an SQLite file, with a lock.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use umapi_directory::PersonId;
use umapi_sync::{AccountRecord, DirectorySizes, Leaver, Link, OrgState, PersonKey, State, report::Counts};

use crate::{
    failure::{Failure, Result},
    private_file,
    sqlite_file::{self, FileKind},
};

/// `umsy`, in the header of the SQLite file.
const APPLICATION_ID: u32 = 0x756d_7379;
const FORMAT_VERSION: u32 = 1;

const SCHEMA: &str = "
    CREATE TABLE link (
        org TEXT NOT NULL,
        directory TEXT NOT NULL,
        person TEXT NOT NULL,
        user_id TEXT,
        account TEXT NOT NULL,
        PRIMARY KEY (org, directory, person)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE leaver (org TEXT NOT NULL, user TEXT NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (org, user)) STRICT, WITHOUT ROWID;
    CREATE TABLE adopted (org TEXT NOT NULL, user TEXT NOT NULL, PRIMARY KEY (org, user)) STRICT, WITHOUT ROWID;
    CREATE TABLE directory (name TEXT PRIMARY KEY, sizes TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE quarantine (id INTEGER PRIMARY KEY CHECK (id = 1), content TEXT NOT NULL) STRICT;
    CREATE TABLE last_run (id INTEGER PRIMARY KEY CHECK (id = 1), content TEXT NOT NULL) STRICT;
";

/// The state of a sync, locked for this process.
#[derive(Debug)]
pub(crate) struct StateFile {
    /// `None` for a rehearsal.
    place: Option<Place>,
    pub(crate) state: State,
    pub(crate) last_run: Option<LastRun>,
}

/// Where the state is, and the lock on it.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// Unlocked when it is closed, however the process ends.
    _lock: File,
}

/// How the last run ended, for `umapi sync status`.
#[derive(Clone, Debug, serde::Deserialize, PartialEq, serde::Serialize)]
pub(crate) struct LastRun {
    /// RFC 3339.
    pub(crate) at: String,
    /// The summary line.
    pub(crate) summary: String,
    pub(crate) exit_code: u8,
    /// How much it did. Earlier versions did not write it.
    #[serde(default)]
    pub(crate) counts: Option<Counts>,
}

impl StateFile {
    /// Opens the state and locks it. Without a file, nothing is remembered.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let lock = lock(path)?;
        let (state, last_run) = match path.try_exists() {
            Ok(false) => (State::default(), None),
            Ok(true) => read(path).map_err(|why| unusable(path, &why))?,
            Err(error) => return Err(unusable(path, &error)),
        };
        Ok(Self { place: Some(Place { path: path.to_owned(), _lock: lock }), state, last_run })
    }

    /// A state that is not kept.
    pub(crate) fn unsaved() -> Self {
        Self { place: None, state: State::default(), last_run: None }
    }

    /// Writes the state, as a whole or not at all.
    pub(crate) fn save(&mut self, state: State) -> Result<()> {
        self.state = state;
        self.write()
    }

    /// Writes how the run ended.
    pub(crate) fn save_run(&mut self, run: LastRun) -> Result<()> {
        self.last_run = Some(run);
        self.write()
    }

    fn write(&self) -> Result<()> {
        let Some(Place { path, .. }) = &self.place else { return Ok(()) };
        write(path, &self.state, self.last_run.as_ref()).map_err(|why| {
            Failure::failed(format!("cannot write the state of the sync {}", path.display()))
                .why(why)
                .remedy("check that its disk has room and that you may write to its folder")
        })
    }
}

/// Locks the state. The lock file says who holds it.
fn lock(path: &Path) -> Result<File> {
    let lock_path = path.with_extension("state.lock");
    let cannot = |error: &dyn fmt::Display| {
        Failure::usage(format!("cannot lock the state of the sync {}", path.display()))
            .why(error)
            .remedy("name a file in a folder that you can write to with --state FILE")
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&lock_path)
        .map_err(|error| cannot(&format!("{}: {error}", lock_path.display())))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            let holder = holder.trim();
            let who = if holder.is_empty() { "another process".to_owned() } else { format!("the process {holder}") };
            return Err(Failure::usage("another sync is running")
                .why(format!("{who} holds {}", lock_path.display()))
                .remedy("wait until it has ended, or use another state with --state FILE"));
        }
        Err(TryLockError::Error(error)) => return Err(cannot(&error)),
    }
    let write = |file: &mut File| -> io::Result<()> {
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "{}", std::process::id())?;
        file.flush()
    };
    write(&mut file).map_err(|error| cannot(&error))?;
    Ok(file)
}

fn unusable(path: &Path, why: &dyn fmt::Display) -> Failure {
    Failure::usage(format!("cannot use the state of the sync {}", path.display())).why(why).remedy(
        "move the file away: the next run reads everything, and days of grace begin anew; or name another with --state FILE",
    )
}

fn read(path: &Path) -> Result<(State, Option<LastRun>), String> {
    match sqlite_file::inspect(path).map_err(|error| error.to_string())? {
        FileKind::Sqlite(header) if header.application_id == APPLICATION_ID => {
            if header.format_version != FORMAT_VERSION {
                return Err("another version of umapi wrote it".to_owned());
            }
        }
        _ => return Err("it is not a state of umapi sync".to_owned()),
    }
    let damaged = |error: rusqlite::Error| format!("it is damaged: {error}");
    let connection = Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(damaged)?;
    let integrity: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(damaged)?;
    if integrity != "ok" {
        return Err(format!("it is damaged: {integrity}"));
    }
    let state = read_state(&connection).map_err(damaged)?;
    let last_run = connection
        .query_row("SELECT content FROM last_run", [], |row| row.get::<_, String>(0))
        .optional()
        .map_err(damaged)?;
    Ok((state, last_run.and_then(|text| serde_json::from_str(&text).ok())))
}

fn read_state(connection: &Connection) -> rusqlite::Result<State> {
    let mut state = State::default();
    let mut orgs: BTreeMap<String, OrgState> = BTreeMap::new();
    let mut links = connection.prepare("SELECT org, directory, person, user_id, account FROM link")?;
    let mut rows = links.query([])?;
    while let Some(row) = rows.next()? {
        let (directory, person): (String, String) = (row.get(1)?, row.get(2)?);
        let key = PersonKey { directory: directory.into(), id: PersonId::from(person) };
        let link = Link { user_id: row.get(3)?, account: from_json::<AccountRecord>(row.get(4)?)? };
        orgs.entry(row.get(0)?).or_default().links.insert(key, link);
    }
    let mut leavers = connection.prepare("SELECT org, user, since FROM leaver")?;
    let mut rows = leavers.query([])?;
    while let Some(row) = rows.next()? {
        orgs.entry(row.get(0)?).or_default().leavers.insert(row.get(1)?, Leaver { since: row.get(2)? });
    }
    let mut adopted = connection.prepare("SELECT org, user FROM adopted")?;
    let mut rows = adopted.query([])?;
    while let Some(row) = rows.next()? {
        orgs.entry(row.get(0)?).or_default().adopted.insert(row.get(1)?);
    }
    let mut directories = connection.prepare("SELECT name, sizes FROM directory")?;
    let mut rows = directories.query([])?;
    while let Some(row) = rows.next()? {
        state.directories.insert(row.get(0)?, from_json::<DirectorySizes>(row.get(1)?)?);
    }
    let quarantine =
        connection.query_row("SELECT content FROM quarantine", [], |row| row.get::<_, String>(0)).optional()?;
    state.quarantine = quarantine.map(from_json).transpose()?;
    state.orgs = orgs;
    Ok(state)
}

fn write(path: &Path, state: &State, last_run: Option<&LastRun>) -> Result<(), String> {
    let folder = private_file::folder_of(path);
    let text = |error: &dyn fmt::Display| error.to_string();
    let file = tempfile::Builder::new().prefix(".umapi-sync-").tempfile_in(folder).map_err(|error| text(&error))?;
    let mut connection = Connection::open(file.path()).map_err(|error| text(&error))?;
    let fill = |connection: &mut Connection| -> rusqlite::Result<()> {
        // The file gets its name only when it is complete, so nothing need be kept for a crash.
        connection.pragma_update(None, "journal_mode", "MEMORY")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        let transaction = connection.transaction()?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", FORMAT_VERSION)?;
        transaction.execute_batch(SCHEMA)?;
        for (org, content) in &state.orgs {
            write_org(&transaction, org, content)?;
        }
        for (name, sizes) in &state.directories {
            transaction.execute("INSERT INTO directory (name, sizes) VALUES (?1, ?2)", params![name, json(sizes)?])?;
        }
        if let Some(quarantine) = &state.quarantine {
            transaction.execute("INSERT INTO quarantine (id, content) VALUES (1, ?1)", [json(quarantine)?])?;
        }
        if let Some(run) = last_run {
            transaction.execute("INSERT INTO last_run (id, content) VALUES (1, ?1)", [json(run)?])?;
        }
        transaction.commit()
    };
    fill(&mut connection).map_err(|error| text(&error))?;
    connection.close().map_err(|(_, error)| text(&error))?;
    file.as_file().sync_all().map_err(|error| text(&error))?;
    file.persist(path).map_err(|error| text(&error.error))?;
    private_file::sync_folder(folder).map_err(|error| text(&error))
}

fn write_org(transaction: &Transaction<'_>, org: &str, state: &OrgState) -> rusqlite::Result<()> {
    let mut link = transaction
        .prepare_cached("INSERT INTO link (org, directory, person, user_id, account) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (person, content) in &state.links {
        let directory = person.directory.to_string();
        link.execute(params![org, directory, person.id.as_str(), content.user_id, json(&content.account)?])?;
    }
    let mut leaver = transaction.prepare_cached("INSERT INTO leaver (org, user, since) VALUES (?1, ?2, ?3)")?;
    for (user, content) in &state.leavers {
        leaver.execute(params![org, user, content.since])?;
    }
    let mut adopted = transaction.prepare_cached("INSERT INTO adopted (org, user) VALUES (?1, ?2)")?;
    for user in &state.adopted {
        adopted.execute(params![org, user])?;
    }
    Ok(())
}

fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn from_json<T: serde::de::DeserializeOwned>(text: String) -> rusqlite::Result<T> {
    serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into()))
}

#[cfg(test)]
mod tests {
    use umapi_sync::{Guard, Quarantine, Trip};

    use super::*;

    fn state() -> State {
        let mut state = State::default();
        let org = state.orgs.entry("main".to_owned()).or_default();
        let account = AccountRecord { name: "ann@b.c".to_owned(), domain: None, kind: None, email: None };
        let key = PersonKey { directory: "hr".into(), id: PersonId::new("1") };
        org.links.insert(key, Link { user_id: Some("A1".to_owned()), account });
        org.leavers.insert("bob@b.c".to_owned(), Leaver { since: 20_000 });
        org.adopted.insert("guest@b.c".to_owned());
        let sizes = DirectorySizes { people: Some(7), groups: [("Artists".to_owned(), 3)].into() };
        state.directories.insert("hr".to_owned(), sizes);
        let trip = Trip {
            guard: Guard::Leavers,
            place: "main".to_owned(),
            group: None,
            found: 9,
            total: 10,
            limit: "5%".to_owned(),
        };
        state.quarantine = Some(Quarantine { trips: vec![trip], is_allowed: true });
        state
    }

    #[test]
    fn what_is_saved_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.state");
        let mut file = StateFile::open(&path).unwrap();
        assert_eq!(file.state, State::default());
        file.save(state()).unwrap();
        let run = LastRun {
            at: "2026-11-26T02:00:00Z".to_owned(),
            summary: "nothing to do".to_owned(),
            exit_code: 0,
            counts: Some(Counts { added: 2, ..Counts::default() }),
        };
        file.save_run(run.clone()).unwrap();
        drop(file);
        let again = StateFile::open(&path).unwrap();
        assert_eq!((&again.state, &again.last_run), (&state(), &Some(run)));
    }

    #[test]
    fn only_one_process_uses_a_state() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.state");
        let held = StateFile::open(&path).unwrap();
        let refused = StateFile::open(&path).unwrap_err().to_string();
        assert!(refused.contains(&format!("the process {} holds", std::process::id())), "{refused}");
        drop(held);
        StateFile::open(&path).unwrap();
    }

    #[test]
    fn a_file_of_something_else_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.state");
        for content in [&b""[..], b"SQLite format 3\0", b"hello"] {
            std::fs::write(&path, content).unwrap();
            let refused = StateFile::open(&path).unwrap_err().to_string();
            assert!(refused.contains("not a state of umapi sync"), "{refused}");
            assert_eq!(std::fs::read(&path).unwrap(), content);
        }
        std::fs::remove_file(&path).unwrap();
        StateFile::open(&path).unwrap().save(state()).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let length = bytes.len();
        bytes.truncate(length / 2);
        std::fs::write(&path, bytes).unwrap();
        assert!(StateFile::open(&path).unwrap_err().to_string().contains("damaged"));
    }
}
