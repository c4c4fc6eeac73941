//! What a sync remembers between runs, in an SQLite file, with a lock.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    iter,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, Transaction, params};
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

/// The state of a sync, locked for this process. The links stay in the file: there is one for each person.
#[derive(Debug)]
pub(crate) struct StateFile {
    /// `None` for a rehearsal.
    place: Option<Place>,
    /// The number of links of each organization when it was opened.
    pub(crate) people: BTreeMap<String, u64>,
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
        let place = Some(Place { path: path.to_owned(), _lock: lock });
        let mut file = Self { place, ..Self::unsaved() };
        match path.try_exists() {
            Ok(false) => {}
            Ok(true) => file.read(path).map_err(|why| unusable(path, &why))?,
            Err(error) => return Err(unusable(path, &error)),
        }
        Ok(file)
    }

    /// A state that is not kept.
    pub(crate) fn unsaved() -> Self {
        Self { place: None, people: BTreeMap::new(), state: State::default(), last_run: None }
    }

    /// Hands the links to `take`, each with the name of its organization, in the order of the people.
    pub(crate) fn links(&self, mut take: impl FnMut(&str, &PersonKey, &Link)) -> Result<()> {
        match &self.place {
            Some(Place { path, .. }) if path.exists() => {
                read_links(path, &mut take).map_err(|error| unusable(path, &damaged(error)))
            }
            _ => Ok(()),
        }
    }

    /// Writes the state, as a whole or not at all. The links are added, or take the place of those of the same people; those
    /// that are to be forgotten are taken out before.
    pub(crate) fn save<'l>(
        &mut self,
        state: State,
        forgotten: impl IntoIterator<Item = (&'l str, &'l PersonKey)>,
        links: impl IntoIterator<Item = (&'l str, &'l PersonKey, Link)>,
    ) -> Result<()> {
        self.state = state;
        self.write(&mut forgotten.into_iter(), &mut links.into_iter())
    }

    /// Writes how the run ended.
    pub(crate) fn save_run(&mut self, run: LastRun) -> Result<()> {
        self.last_run = Some(run);
        self.write(&mut iter::empty(), &mut iter::empty())
    }

    fn write(
        &self,
        forgotten: &mut dyn Iterator<Item = (&str, &PersonKey)>,
        links: &mut dyn Iterator<Item = (&str, &PersonKey, Link)>,
    ) -> Result<()> {
        let Some(Place { path, .. }) = &self.place else { return Ok(()) };
        write(path, &self.state, self.last_run.as_ref(), forgotten, links).map_err(|why| {
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

impl StateFile {
    /// Reads everything but the links.
    fn read(&mut self, path: &Path) -> Result<(), String> {
        match sqlite_file::inspect(path).map_err(|error| error.to_string())? {
            FileKind::Sqlite(header) if header.application_id == APPLICATION_ID => {
                if header.format_version != FORMAT_VERSION {
                    return Err("another version of umapi wrote it".to_owned());
                }
            }
            _ => return Err("it is not a state of umapi sync".to_owned()),
        }
        let connection = open(path).map_err(damaged)?;
        let integrity: String =
            connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(damaged)?;
        if integrity != "ok" {
            return Err(format!("it is damaged: {integrity}"));
        }
        self.people = count_links(&connection).map_err(damaged)?;
        self.state = read_state(&connection).map_err(damaged)?;
        let last_run = connection
            .query_row("SELECT content FROM last_run", [], |row| row.get::<_, String>(0))
            .optional()
            .map_err(damaged)?;
        self.last_run = last_run.and_then(|text| serde_json::from_str(&text).ok());
        Ok(())
    }
}

fn damaged(error: rusqlite::Error) -> String {
    format!("it is damaged: {error}")
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn count_links(connection: &Connection) -> rusqlite::Result<BTreeMap<String, u64>> {
    let mut counts = connection.prepare("SELECT org, count(*) FROM link GROUP BY org")?;
    let count = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()));
    counts.query_map([], count)?.collect()
}

fn read_links(path: &Path, take: &mut dyn FnMut(&str, &PersonKey, &Link)) -> rusqlite::Result<()> {
    let connection = open(path)?;
    let mut links = connection
        .prepare("SELECT org, directory, person, user_id, account FROM link ORDER BY org, directory, person")?;
    let mut rows = links.query([])?;
    while let Some(row) = rows.next()? {
        let (org, directory, person): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let key = PersonKey { directory: directory.into(), id: PersonId::from(person) };
        take(&org, &key, &Link { user_id: row.get(3)?, account: from_json::<AccountRecord>(row.get(4)?)? });
    }
    Ok(())
}

fn read_state(connection: &Connection) -> rusqlite::Result<State> {
    let mut state = State::default();
    let mut orgs: BTreeMap<String, OrgState> = BTreeMap::new();
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

/// Writes a copy of the file with what has changed, and gives it the name of the file when it is complete.
fn write(
    path: &Path,
    state: &State,
    last_run: Option<&LastRun>,
    forgotten: &mut dyn Iterator<Item = (&str, &PersonKey)>,
    links: &mut dyn Iterator<Item = (&str, &PersonKey, Link)>,
) -> Result<(), String> {
    let folder = private_file::folder_of(path);
    let text = |error: &dyn fmt::Display| error.to_string();
    let mut file = tempfile::Builder::new().prefix(".umapi-sync-").tempfile_in(folder).map_err(|error| text(&error))?;
    let is_new = match File::open(path) {
        Ok(mut before) => io::copy(&mut before, file.as_file_mut()).map(|_| false).map_err(|error| text(&error))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(text(&error)),
    };
    let mut connection = Connection::open(file.path()).map_err(|error| text(&error))?;
    let mut fill = |connection: &mut Connection| -> rusqlite::Result<()> {
        // The file gets its name only when it is complete, so nothing need be kept for a crash.
        connection.pragma_update(None, "journal_mode", "OFF")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        let transaction = connection.transaction()?;
        if is_new {
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", FORMAT_VERSION)?;
            transaction.execute_batch(SCHEMA)?;
        }
        forget_links(&transaction, forgotten)?;
        write_links(&transaction, links)?;
        write_state(&transaction, state, last_run)?;
        transaction.commit()
    };
    fill(&mut connection).map_err(|error| text(&error))?;
    connection.close().map_err(|(_, error)| text(&error))?;
    file.as_file().sync_all().map_err(|error| text(&error))?;
    file.persist(path).map_err(|error| text(&error.error))?;
    private_file::sync_folder(folder).map_err(|error| text(&error))
}

fn forget_links(
    transaction: &Transaction<'_>,
    forgotten: &mut dyn Iterator<Item = (&str, &PersonKey)>,
) -> rusqlite::Result<()> {
    let mut forget = transaction.prepare("DELETE FROM link WHERE org = ?1 AND directory = ?2 AND person = ?3")?;
    for (org, person) in forgotten {
        forget.execute(params![org, person.directory.to_string(), person.id.as_str()])?;
    }
    Ok(())
}

fn write_links(
    transaction: &Transaction<'_>,
    links: &mut dyn Iterator<Item = (&str, &PersonKey, Link)>,
) -> rusqlite::Result<()> {
    let mut write = transaction.prepare(
        "INSERT INTO link (org, directory, person, user_id, account) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (org, directory, person) DO UPDATE SET user_id = excluded.user_id, account = excluded.account
         WHERE link.user_id IS NOT excluded.user_id OR link.account IS NOT excluded.account",
    )?;
    for (org, person, link) in links {
        let directory = person.directory.to_string();
        write.execute(params![org, directory, person.id.as_str(), link.user_id, json(&link.account)?])?;
    }
    Ok(())
}

/// Writes everything but the links.
fn write_state(transaction: &Transaction<'_>, state: &State, last_run: Option<&LastRun>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "DELETE FROM leaver; DELETE FROM adopted; DELETE FROM directory; DELETE FROM quarantine; DELETE FROM last_run;",
    )?;
    let mut leaver = transaction.prepare("INSERT INTO leaver (org, user, since) VALUES (?1, ?2, ?3)")?;
    let mut adopted = transaction.prepare("INSERT INTO adopted (org, user) VALUES (?1, ?2)")?;
    for (org, content) in &state.orgs {
        for (user, found) in &content.leavers {
            leaver.execute(params![org, user, found.since])?;
        }
        for user in &content.adopted {
            adopted.execute(params![org, user])?;
        }
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

    fn key(id: &str) -> PersonKey {
        PersonKey { directory: "hr".into(), id: PersonId::new(id) }
    }

    fn link(id: Option<&str>, name: &str) -> Link {
        let account = AccountRecord { name: name.to_owned(), domain: None, kind: None, email: None };
        Link { user_id: id.map(str::to_owned), account }
    }

    fn links(file: &StateFile) -> Vec<(String, PersonKey, Link)> {
        let mut links = Vec::new();
        file.links(|org, key, link| links.push((org.to_owned(), key.clone(), link.clone()))).unwrap();
        links
    }

    #[test]
    fn what_is_saved_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.state");
        let mut file = StateFile::open(&path).unwrap();
        assert_eq!((&file.state, links(&file)), (&State::default(), Vec::new()));
        let ann = key("1");
        file.save(state(), [], [("main", &ann, link(Some("A1"), "ann@b.c"))]).unwrap();
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
        assert_eq!(again.people, [("main".to_owned(), 1)].into());
        assert_eq!(links(&again), [("main".to_owned(), ann, link(Some("A1"), "ann@b.c"))]);
    }

    #[test]
    fn links_are_added_and_replaced_and_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.state");
        let mut file = StateFile::open(&path).unwrap();
        let (ann, bob, cat) = (key("1"), key("2"), key("3"));
        let first = [("main", &bob, link(None, "bob@b.c")), ("main", &ann, link(Some("A1"), "ann@b.c"))];
        file.save(state(), [], first).unwrap();
        let second = [("emea", &ann, link(None, "ann@b.c")), ("main", &bob, link(Some("B1"), "bob@b.c"))];
        file.save(State::default(), [], second.into_iter().chain([("main", &cat, link(None, "cat@b.c"))])).unwrap();
        let expected = [
            ("emea", ann.clone(), link(None, "ann@b.c")),
            ("main", ann, link(Some("A1"), "ann@b.c")),
            ("main", bob, link(Some("B1"), "bob@b.c")),
            ("main", cat, link(None, "cat@b.c")),
        ];
        assert_eq!(links(&file), expected.clone().map(|(org, key, link)| (org.to_owned(), key, link)));
        file.save(State::default(), [("main", &key("2")), ("emea", &key("2"))], []).unwrap();
        let rest = expected.into_iter().filter(|(_, person, _)| *person != key("2"));
        assert_eq!(links(&file), rest.map(|(org, key, link)| (org.to_owned(), key, link)).collect::<Vec<_>>());
        drop(file);
        assert_eq!(StateFile::open(&path).unwrap().state, State::default());
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
        StateFile::open(&path).unwrap().save(state(), [], []).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let length = bytes.len();
        bytes.truncate(length / 2);
        std::fs::write(&path, bytes).unwrap();
        assert!(StateFile::open(&path).unwrap_err().to_string().contains("damaged"));
    }
}
