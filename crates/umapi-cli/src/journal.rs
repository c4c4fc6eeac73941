//! The journal of a run: what was sent and what came of it, on disk before it matters.
//!
//! Before a request is sent, the numbers of its commands are written and synced to the disk; once their outcomes are known,
//! these are written. So after a kill or a power failure every command is in one of three states:
//!
//! | in the journal | what happened | what the same run does |
//! | --- | --- | --- |
//! | nothing | it was not sent | sends it |
//! | begun | it was about to be sent, and may have been | repeats it as one that may have been applied |
//! | ended | it was completed, rejected, or its outcome is unknown | shows the recorded outcome |
//!
//! A journal is one SQLite file. It is used only if it is whole and belongs to this run: the application id and the format
//! version of the file, the identity of the run, and counts and a checksum over all rows must agree. A file that is not a
//! journal is refused before SQLite opens it, so it is never altered. SQLite keeps a rollback file beside the journal during
//! a write (`NAME-journal`); a kill in the middle of a write leaves it behind, and without it the checksum does not agree.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};

use crate::{
    failure::{Failure, Result},
    output::{OutcomeRecord, OutcomeStatus},
    private_file,
    sqlite_file::{self, FileKind, beside},
};

/// The identity of a run. Another organization, input or mode needs another journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunIdentity {
    pub(crate) organization: String,
    pub(crate) server: String,
    /// The SHA-256 of the input.
    pub(crate) input: String,
    /// The number of valid commands in the input.
    pub(crate) commands: u64,
    pub(crate) is_dry_run: bool,
}

/// The journal of a run, in an SQLite file.
#[derive(Debug)]
pub(crate) struct Journal {
    database: Mutex<Database>,
}

/// What the journal says about a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It was not sent.
    Untouched,
    /// It was about to be sent, and may have been.
    Begun,
    /// Its outcome is known.
    Ended,
}

#[derive(Debug)]
struct Database {
    connection: Connection,
    tally: Tally,
}

/// The counts of the rows, and a checksum over their content and the identity of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    begun: i64,
    ended: i64,
    /// The sum of the checksums of all rows.
    checksum: i64,
}

/// `umjr`, in the header of the SQLite file.
const APPLICATION_ID: u32 = 0x756d_6a72;
const FORMAT_VERSION: u32 = 2;

const SCHEMA: &str = "
    CREATE TABLE run (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        organization TEXT NOT NULL,
        server TEXT NOT NULL,
        input TEXT NOT NULL,
        commands INTEGER NOT NULL,
        mode TEXT NOT NULL
    ) STRICT;
    -- `outcome` is JSON; without one the command was about to be sent.
    CREATE TABLE command (number INTEGER PRIMARY KEY CHECK (number > 0), outcome TEXT) STRICT;
    CREATE TABLE tally (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        begun INTEGER NOT NULL,
        ended INTEGER NOT NULL,
        checksum INTEGER NOT NULL
    ) STRICT;
";

/// Why a journal cannot be used.
#[derive(Debug)]
enum Unusable {
    /// It belongs to another run.
    OtherRun(String),
    InUse,
    NotAJournal(String),
    Damaged(String),
    /// A file beside it is left over from something else.
    Leftover(PathBuf),
    Disk(io::Error),
    Database(rusqlite::Error),
}

impl Journal {
    /// Opens the journal of a run, or creates it. Only one process can use it at a time.
    pub(crate) fn open(path: &Path, run: &RunIdentity) -> Result<Self> {
        let opened = match path.try_exists() {
            Ok(true) => Database::open(path, run),
            Ok(false) => Database::create(path, run).and_then(|()| Database::open(path, run)),
            Err(error) => Err(Unusable::Disk(error)),
        };
        match opened {
            Ok(database) => Ok(Self { database: Mutex::new(database) }),
            Err(why) => {
                let failure = Failure::usage(format!("cannot use the journal {}", path.display()));
                Err(failure.why(&why).remedy(why.remedy()))
            }
        }
    }

    /// Records that these commands are about to be sent. When this returns, it is on the disk.
    pub(crate) fn begin(&self, numbers: impl IntoIterator<Item = u64>) -> rusqlite::Result<()> {
        self.database().write(|transaction, tally| {
            let mut insert =
                transaction.prepare_cached("INSERT INTO command (number) VALUES (?1) ON CONFLICT DO NOTHING")?;
            for number in numbers {
                if insert.execute([key(number)])? == 1 {
                    tally.add(number, None, 1);
                }
            }
            Ok(())
        })
    }

    /// Records the outcomes of commands. Nothing is recorded for a command that was not sent; for those in `untouched`, of
    /// which no part was sent, the record that they were about to be sent is removed.
    pub(crate) fn end(
        &self,
        outcomes: &[OutcomeRecord],
        untouched: impl IntoIterator<Item = u64>,
    ) -> rusqlite::Result<()> {
        self.database().write(|transaction, tally| {
            let mut write =
                transaction.prepare_cached("INSERT OR REPLACE INTO command (number, outcome) VALUES (?1, ?2)")?;
            for outcome in outcomes.iter().filter(|outcome| outcome.outcome != OutcomeStatus::NotSent) {
                let json = serde_json::to_string(outcome)
                    .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
                if let Some(earlier) = recorded(transaction, outcome.number)? {
                    tally.add(outcome.number, earlier.as_deref(), -1);
                }
                write.execute(params![key(outcome.number), json])?;
                tally.add(outcome.number, Some(&json), 1);
            }
            let mut delete = transaction.prepare_cached("DELETE FROM command WHERE number = ?1 AND outcome IS NULL")?;
            for number in untouched {
                if delete.execute([key(number)])? == 1 {
                    tally.add(number, None, -1);
                }
            }
            Ok(())
        })
    }

    pub(crate) fn state(&self, number: u64) -> rusqlite::Result<State> {
        Ok(match recorded(&self.database().connection, number)? {
            None => State::Untouched,
            Some(None) => State::Begun,
            Some(Some(_)) => State::Ended,
        })
    }

    /// Passes each recorded outcome to `each`, in the order of the input.
    pub(crate) fn for_each_ended(&self, mut each: impl FnMut(OutcomeRecord) -> Result<()>) -> Result<()> {
        let unreadable = |why: &dyn fmt::Display| {
            Failure::failed("cannot read the journal").why(why).remedy("check the disk that it is on")
        };
        let mut last = 0;
        loop {
            // A part at a time, so that the journal is not locked while a result is written.
            let part = self.ended_after(last).map_err(|error| unreadable(&error))?;
            let Some((number, _)) = part.last() else { return Ok(()) };
            last = *number;
            for (_, json) in part {
                each(serde_json::from_str(&json).map_err(|error| unreadable(&error))?)?;
            }
        }
    }

    fn ended_after(&self, number: i64) -> rusqlite::Result<Vec<(i64, String)>> {
        let database = self.database();
        let mut query = database.connection.prepare_cached(
            "SELECT number, outcome FROM command WHERE number > ?1 AND outcome IS NOT NULL ORDER BY number LIMIT 500",
        )?;
        query.query_map([number], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    fn database(&self) -> MutexGuard<'_, Database> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Database {
    /// Creates the file as a whole under its name, or not at all: a journal that exists is complete.
    fn create(path: &Path, run: &RunIdentity) -> Result<(), Unusable> {
        let rollback_file = beside(path, "-journal");
        if rollback_file.metadata().is_ok_and(|file| file.len() > 0) {
            return Err(Unusable::Leftover(rollback_file));
        }
        let folder = private_file::folder_of(path);
        let file = tempfile::Builder::new().prefix(".umapi-journal-").tempfile_in(folder).map_err(Unusable::Disk)?;
        let mut connection = Connection::open(file.path()).map_err(Unusable::Database)?;
        let create = |connection: &mut Connection| -> rusqlite::Result<()> {
            connection.pragma_update(None, "journal_mode", "DELETE")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            let transaction = connection.transaction()?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", FORMAT_VERSION)?;
            transaction.execute_batch(SCHEMA)?;
            transaction.execute(
                "INSERT INTO run (id, organization, server, input, commands, mode) VALUES (1, ?1, ?2, ?3, ?4, ?5)",
                params![run.organization, run.server, run.input, key(run.commands), run.mode()],
            )?;
            let tally = Tally { checksum: run.checksum(), ..Tally::default() };
            transaction.execute(
                "INSERT INTO tally (id, begun, ended, checksum) VALUES (1, ?1, ?2, ?3)",
                params![tally.begun, tally.ended, tally.checksum],
            )?;
            transaction.commit()
        };
        create(&mut connection).map_err(Unusable::Database)?;
        connection.close().map_err(|(_, error)| Unusable::Database(error))?;
        file.as_file().sync_all().map_err(Unusable::Disk)?;
        file.persist_noclobber(path).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => Unusable::InUse,
            _ => Unusable::Disk(error.error),
        })?;
        private_file::sync_folder(folder).map_err(Unusable::Disk)
    }

    /// Opens the file if it is a journal, whole, and of this run.
    fn open(path: &Path, run: &RunIdentity) -> Result<Self, Unusable> {
        check_header(path)?;
        let log = beside(path, "-wal");
        if log.exists() {
            return Err(Unusable::Leftover(log));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(Unusable::of_database)?;
        let prepare = || -> rusqlite::Result<()> {
            // Another process that has it open keeps it until it ends.
            connection.busy_timeout(Duration::ZERO)?;
            connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            connection.pragma_update(None, "journal_mode", "TRUNCATE")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")
        };
        prepare().map_err(Unusable::of_database)?;
        let mut database = Self { connection, tally: Tally::default() };
        database.verify(run)?;
        Ok(database)
    }

    /// Checks that the file is whole and belongs to the run.
    fn verify(&mut self, run: &RunIdentity) -> Result<(), Unusable> {
        let connection = &self.connection;
        let damaged = |what: &str| Unusable::Damaged(what.to_owned());
        let integrity: String =
            connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(Unusable::of_database)?;
        if integrity != "ok" {
            return Err(Unusable::Damaged(integrity));
        }
        let found = connection
            .query_row("SELECT organization, server, input, commands, mode FROM run WHERE id = 1", [], |row| {
                let (commands, mode): (i64, String) = (row.get(3)?, row.get(4)?);
                Ok(RunIdentity {
                    organization: row.get(0)?,
                    server: row.get(1)?,
                    input: row.get(2)?,
                    commands: u64::try_from(commands).unwrap_or_default(),
                    is_dry_run: mode == DRY_RUN,
                })
            })
            .optional()
            .map_err(Unusable::of_database)?
            .ok_or_else(|| damaged("it does not say which run it belongs to"))?;
        self.tally = connection
            .query_row("SELECT begun, ended, checksum FROM tally WHERE id = 1", [], |row| {
                Ok(Tally { begun: row.get(0)?, ended: row.get(1)?, checksum: row.get(2)? })
            })
            .optional()
            .map_err(Unusable::of_database)?
            .ok_or_else(|| damaged("it does not say how many commands it has"))?;
        let counted = count_rows(connection, &found).map_err(Unusable::of_database)?;
        if counted != self.tally {
            return Err(damaged("it has other commands than it recorded"));
        }
        match run.difference_to(&found) {
            Some(difference) => Err(Unusable::OtherRun(difference)),
            None => Ok(()),
        }
    }

    /// Writes in one transaction, with the tally. When this returns, everything is on the disk.
    fn write(
        &mut self,
        change: impl FnOnce(&Transaction<'_>, &mut Tally) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let mut tally = self.tally;
        let transaction = self.connection.transaction()?;
        change(&transaction, &mut tally)?;
        if tally != self.tally {
            transaction
                .prepare_cached("UPDATE tally SET begun = ?1, ended = ?2, checksum = ?3 WHERE id = 1")?
                .execute(params![tally.begun, tally.ended, tally.checksum])?;
        }
        transaction.commit()?;
        self.tally = tally;
        Ok(())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Removes the empty rollback file. Nothing depends on it.
        let _ = self.connection.pragma_update(None, "locking_mode", "NORMAL");
        let _ = self.connection.query_row("SELECT 1 FROM run", [], |_| Ok(()));
        let _ = self.connection.pragma_update(None, "journal_mode", "DELETE");
    }
}

/// Checks whether a file is a journal that this version reads.
fn check_header(path: &Path) -> Result<(), Unusable> {
    let header = match sqlite_file::inspect(path).map_err(Unusable::Disk)? {
        FileKind::Special => return Err(Unusable::NotAJournal("it is not a regular file".to_owned())),
        FileKind::Empty => return Err(Unusable::Damaged("it is empty".to_owned())),
        FileKind::Sqlite(header) if header.is_whole && header.application_id == APPLICATION_ID => header,
        FileKind::Foreign | FileKind::Sqlite(_) => {
            return Err(Unusable::NotAJournal("it is not a umapi journal".to_owned()));
        }
    };
    match header.format_version {
        // Only a journal that was altered by something else has a write-ahead log.
        FORMAT_VERSION if header.has_log => Err(Unusable::Damaged("it was altered by another program".to_owned())),
        FORMAT_VERSION => Ok(()),
        version => {
            let why = format!("its format is version {version}, and this umapi reads version {FORMAT_VERSION}");
            Err(Unusable::NotAJournal(why))
        }
    }
}

/// The row of a command: `None` if there is none, `Some(None)` if it has no outcome.
fn recorded(connection: &Connection, number: u64) -> rusqlite::Result<Option<Option<String>>> {
    let mut query = connection.prepare_cached("SELECT outcome FROM command WHERE number = ?1")?;
    query.query_row([key(number)], |row| row.get(0)).optional()
}

/// Counts the rows and computes their checksum. A row that no run can have written makes it another one.
fn count_rows(connection: &Connection, run: &RunIdentity) -> rusqlite::Result<Tally> {
    let mut tally = Tally { checksum: run.checksum(), ..Tally::default() };
    let mut query = connection.prepare("SELECT number, outcome FROM command")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (number, outcome): (i64, Option<String>) = (row.get(0)?, row.get(1)?);
        match u64::try_from(number) {
            Ok(number) if number <= run.commands => tally.add(number, outcome.as_deref(), 1),
            _ => tally.begun += 1,
        }
    }
    Ok(tally)
}

/// SQLite has no unsigned numbers; no input has so many commands.
fn key(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

const DRY_RUN: &str = "dry run";

impl RunIdentity {
    fn mode(&self) -> &'static str {
        if self.is_dry_run { DRY_RUN } else { "run" }
    }

    fn checksum(&self) -> i64 {
        let commands = self.commands.to_string();
        checksum([&self.organization, &self.server, &self.input, commands.as_str(), self.mode()])
    }

    /// Says how the run of a journal differs from this one.
    fn difference_to(&self, journal: &Self) -> Option<String> {
        for (what, ours, theirs) in
            [("organization", &self.organization, &journal.organization), ("server", &self.server, &journal.server)]
        {
            if ours != theirs {
                return Some(format!("it belongs to a run with another {what}: {theirs}, not {ours}"));
            }
        }
        if (&self.input, self.commands) != (&journal.input, journal.commands) {
            return Some("it belongs to a run of a file with another content".to_owned());
        }
        if self.is_dry_run != journal.is_dry_run {
            return Some(format!("it belongs to a run in another mode: {}, not {}", journal.mode(), self.mode()));
        }
        None
    }
}

impl Tally {
    /// Adds a row (`sign` 1) or takes one away (-1).
    fn add(&mut self, number: u64, outcome: Option<&str>, sign: i64) {
        let count = if outcome.is_some() { &mut self.ended } else { &mut self.begun };
        *count += sign;
        let number = number.to_string();
        let parts = [number.as_str(), if outcome.is_some() { "ended" } else { "begun" }, outcome.unwrap_or_default()];
        self.checksum = self.checksum.wrapping_add(checksum(parts).wrapping_mul(sign));
    }
}

/// The first 8 bytes of the SHA-256 of some texts.
fn checksum<const N: usize>(parts: [&str; N]) -> i64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(8).fold(0, |sum, byte| (sum << 8) | i64::from(*byte))
}

impl Unusable {
    fn of_database(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => Self::InUse,
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            // A table or a column is missing, or has another type.
            None | Some(rusqlite::ErrorCode::Unknown) => Self::Damaged(error.to_string()),
            Some(_) => Self::Database(error),
        }
    }

    fn remedy(&self) -> &'static str {
        match self {
            Self::OtherRun(_) => {
                "to continue its run, use the same command and the same file; for another run, name another journal"
            }
            Self::InUse => "wait until the other umapi has ended, or name another journal",
            Self::NotAJournal(_) => "name another file",
            Self::Damaged(_) => {
                "nothing was sent. What its run has done is not certain: restore the journal from a backup made after that run, or compare with \"umapi export\" and start again with a new journal"
            }
            Self::Leftover(_) => "if no umapi uses it, delete that file and try again",
            Self::Disk(_) | Self::Database(_) => "name a file in a folder that you can write to",
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherRun(difference) => f.write_str(difference),
            Self::InUse => f.write_str("another umapi is using it"),
            Self::NotAJournal(why) => f.write_str(why),
            Self::Damaged(why) => write!(f, "it is damaged: {why}"),
            Self::Leftover(path) => write!(f, "{} is left over from something else", path.display()),
            Self::Disk(error) => error.fmt(f),
            Self::Database(error) => error.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn run() -> RunIdentity {
        RunIdentity {
            organization: "1F@AdobeOrg".into(),
            server: "https://um.example".into(),
            input: "abc".into(),
            commands: 2000,
            is_dry_run: false,
        }
    }

    fn outcome(number: u64, outcome: OutcomeStatus) -> OutcomeRecord {
        OutcomeRecord {
            number,
            line: Some(number + 1),
            subject: "ann@example.com".into(),
            outcome,
            codes: vec![],
            message: None,
            requests: vec!["r-1".into()],
            warnings: vec![],
        }
    }

    fn ended(journal: &Journal) -> Vec<OutcomeRecord> {
        let mut ended = Vec::new();
        journal
            .for_each_ended(|outcome| {
                ended.push(outcome);
                Ok(())
            })
            .unwrap();
        ended
    }

    /// A journal with commands in each state, and its path.
    fn journal_in(folder: &tempfile::TempDir) -> PathBuf {
        let path = folder.path().join("run.journal");
        let journal = Journal::open(&path, &run()).unwrap();
        journal.begin([1, 2, 3, 4]).unwrap();
        let outcomes = [
            outcome(1, OutcomeStatus::Completed),
            outcome(2, OutcomeStatus::Rejected),
            outcome(4, OutcomeStatus::NotSent),
        ];
        journal.end(&outcomes, [4, 1]).unwrap();
        path
    }

    fn refusal(path: &Path, run: &RunIdentity) -> String {
        Journal::open(path, run).unwrap_err().to_string()
    }

    #[test]
    fn records_survive_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = journal_in(&folder);
        let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(files, ["run.journal"], "one file, and nothing beside it");
        assert!(!private_file::is_open_to_others(&path));
        let journal = Journal::open(&path, &run()).unwrap();
        let states: Vec<State> = (1..=5).map(|number| journal.state(number).unwrap()).collect();
        assert_eq!(states, [State::Ended, State::Ended, State::Begun, State::Untouched, State::Untouched]);
        assert_eq!(ended(&journal), [outcome(1, OutcomeStatus::Completed), outcome(2, OutcomeStatus::Rejected)]);
    }

    #[test]
    fn journal_of_another_run_or_in_use_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.journal");
        let journal = Journal::open(&path, &run()).unwrap();
        assert!(refusal(&path, &run()).contains("another umapi is using it"));
        drop(journal);
        for (other, part) in [
            (RunIdentity { organization: "2E@AdobeOrg".into(), ..run() }, "another organization: 1F@AdobeOrg"),
            (RunIdentity { server: "https://other.example".into(), ..run() }, "another server: https://um.example"),
            (RunIdentity { input: "def".into(), ..run() }, "another content"),
            (RunIdentity { commands: 3, ..run() }, "another content"),
            (RunIdentity { is_dry_run: true, ..run() }, "another mode: run, not dry run"),
        ] {
            let refusal = refusal(&path, &other);
            assert!(refusal.contains(part), "{refusal}");
        }
    }

    #[test]
    fn foreign_files_are_refused_unaltered() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("text");
        fs::write(&text, "something else, longer than the header of a database, and not a database at all. ".repeat(3))
            .unwrap();
        let foreign = folder.path().join("foreign.db");
        Connection::open(&foreign)
            .unwrap()
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE about (name TEXT, value TEXT)")
            .unwrap();
        let version_1 = folder.path().join("old.journal");
        Connection::open(&version_1)
            .unwrap()
            .execute_batch(&format!(
                "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1; CREATE TABLE a (b)"
            ))
            .unwrap();
        for (path, part) in [(text, "not a umapi journal"), (foreign, "not a umapi journal"), (version_1, "version 1")]
        {
            let before = fs::read(&path).unwrap();
            let refusal = refusal(&path, &run());
            assert!(refusal.contains(part), "{refusal}");
            assert_eq!(fs::read(&path).unwrap(), before, "{}", path.display());
        }
        assert!(refusal(folder.path(), &run()).contains("not a regular file"));
        let empty = folder.path().join("empty");
        fs::write(&empty, "").unwrap();
        assert!(refusal(&empty, &run()).contains("it is empty"));
    }

    #[test]
    fn missing_or_altered_rows_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        for (number, statement) in [
            "DELETE FROM run",
            "DELETE FROM tally",
            "DELETE FROM command WHERE number = 2",
            "UPDATE command SET outcome = NULL WHERE number = 1",
            "UPDATE command SET outcome = replace(outcome, 'completed', 'rejected') WHERE number = 1",
            "UPDATE command SET number = 9 WHERE number = 3",
            "INSERT INTO command VALUES (5, NULL)",
            "UPDATE run SET input = 'def'",
            "UPDATE tally SET begun = begun + 1",
            "DROP TABLE command",
        ]
        .into_iter()
        .enumerate()
        {
            let path = folder.path().join(format!("{number}.journal"));
            fs::copy(journal_in(&folder), &path).unwrap();
            fs::remove_file(folder.path().join("run.journal")).unwrap();
            Connection::open(&path).unwrap().execute_batch(statement).unwrap();
            let refusal = refusal(&path, &run());
            assert!(refusal.contains("it is damaged"), "{statement}: {refusal}");
        }
    }

    #[test]
    fn damaged_file_is_refused_or_says_what_it_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = journal_in(&folder);
        let whole = fs::read(&path).unwrap();
        let expected = [outcome(1, OutcomeStatus::Completed), outcome(2, OutcomeStatus::Rejected)];
        let mut random = fastrand::Rng::with_seed(3);
        let mut refused = 0;
        for _ in 0..200 {
            let mut bytes = whole.clone();
            match random.u8(0..3) {
                0 => bytes.truncate(random.usize(0..bytes.len())),
                1 => bytes[random.usize(0..whole.len())] ^= 1 << random.u8(0..8),
                _ => {
                    let at = random.usize(0..whole.len() / 512) * 512;
                    bytes[at..at + 512].fill(0);
                }
            }
            fs::write(&path, bytes).unwrap();
            match Journal::open(&path, &run()) {
                Ok(journal) => assert_eq!(ended(&journal), expected),
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 50, "{refused} of 200");
    }

    #[test]
    fn leftover_files_beside_the_journal_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.journal");
        fs::write(folder.path().join("run.journal-journal"), "left over").unwrap();
        assert!(refusal(&path, &run()).contains("run.journal-journal is left over"));
        fs::remove_file(folder.path().join("run.journal-journal")).unwrap();
        drop(Journal::open(&path, &run()).unwrap());
        fs::write(folder.path().join("run.journal-wal"), "left over").unwrap();
        assert!(refusal(&path, &run()).contains("run.journal-wal is left over"));
    }

    #[test]
    fn long_journal_is_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("j"), &run()).unwrap();
        let outcomes: Vec<_> = (1..=1234).map(|number| outcome(number, OutcomeStatus::Completed)).collect();
        journal.end(&outcomes, []).unwrap();
        assert_eq!(ended(&journal), outcomes);
    }
}
