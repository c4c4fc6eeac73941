//! The journal of a run: what was sent and what came of it, on disk before it matters.
//!
//! Before a request goes out, the numbers of its commands are written and the disk is waited for; when their outcomes are
//! known, these are written. So after a kill or a power cut every command is in one of three states:
//!
//! | in the journal | what happened | what the same call does |
//! | --- | --- | --- |
//! | nothing | it was surely not sent | sends it |
//! | begun | it was about to be sent, and perhaps was | repeats it as one that may have been done |
//! | ended | it was done, refused, or could not be known | shows what is written |

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    failure::{Failure, Result},
    output::{OutcomeRecord, OutcomeStatus},
    private_file,
};

/// What the journal is about. Another organization or another input needs another journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) organization: String,
    pub(crate) server: String,
    pub(crate) input: String,
    pub(crate) is_test: bool,
}

/// The journal of a run, in an SQLite file.
pub(crate) struct Journal {
    database: Mutex<Connection>,
}

/// What the journal says of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It was surely not sent.
    Untouched,
    /// It was about to be sent, and perhaps was.
    Begun,
    /// Its outcome is known.
    Ended,
}

const VERSION: &str = "1";

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    -- `outcome` is JSON; without one the command was about to be sent.
    CREATE TABLE IF NOT EXISTS command (number INTEGER PRIMARY KEY, outcome TEXT) STRICT;
";

impl Journal {
    /// Opens the journal of a run, or begins it. Only one process can have it open.
    pub(crate) fn open(path: &Path, subject: &Subject) -> Result<Self> {
        let unusable =
            |why: &dyn std::fmt::Display| Failure::usage(format!("cannot use the journal {}", path.display())).why(why);
        match private_file::create(path, b"") {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(unusable(&error).remedy("name a file in a folder that you may write to"));
            }
            _ => {}
        }
        let database = connect(path).map_err(|error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                unusable(&"another umapi is working with it").remedy("wait until it has ended, or take another journal")
            }
            Some(rusqlite::ErrorCode::NotADatabase) => unusable(&"it is no journal").remedy("name another file"),
            _ => unusable(&error).remedy("name another file"),
        })?;
        let journal = Self { database: Mutex::new(database) };
        match journal.check_subject(subject) {
            Ok(None) => Ok(journal),
            Ok(Some(difference)) => Err(unusable(&difference)
                .remedy("to go on with it, make the same call on the same file; for another run take another journal")),
            Err(error) => Err(unusable(&error).remedy("name another file")),
        }
    }

    /// Says what is different from what the journal is about; writes it down if the journal is new.
    fn check_subject(&self, subject: &Subject) -> rusqlite::Result<Option<String>> {
        let database = self.database();
        let mode = if subject.is_test { "a test" } else { "for real" };
        for (name, what, value) in [
            ("version", "form", VERSION),
            ("organization", "organization", &subject.organization),
            ("server", "server", &subject.server),
            ("input", "content of the file", &subject.input),
            ("mode", "mode", mode),
        ] {
            let query = "SELECT value FROM about WHERE name = ?1";
            let written: Option<String> = database.query_row(query, [name], |row| row.get(0)).optional()?;
            match written {
                Some(written) if written != value => {
                    let shown = if name == "input" { String::new() } else { format!(": {written}, and not {value}") };
                    return Ok(Some(format!("it belongs to a run with another {what}{shown}")));
                }
                Some(_) => {}
                None => {
                    database.execute("INSERT INTO about (name, value) VALUES (?1, ?2)", [name, value])?;
                }
            }
        }
        Ok(None)
    }

    /// Writes that these commands are about to be sent. When this returns, it is on the disk.
    pub(crate) fn begin(&self, numbers: impl IntoIterator<Item = u64>) -> rusqlite::Result<()> {
        let mut database = self.database();
        let transaction = database.transaction()?;
        {
            let mut insert =
                transaction.prepare_cached("INSERT INTO command (number) VALUES (?1) ON CONFLICT DO NOTHING")?;
            for number in numbers {
                insert.execute([key(number)])?;
            }
        }
        transaction.commit()
    }

    /// Writes what became of commands. Of one that was not sent nothing is written; [`forget`](Self::forget) takes back
    /// that it was about to be.
    pub(crate) fn end(&self, outcomes: &[OutcomeRecord]) -> rusqlite::Result<()> {
        let mut database = self.database();
        let transaction = database.transaction()?;
        {
            let mut write =
                transaction.prepare_cached("INSERT OR REPLACE INTO command (number, outcome) VALUES (?1, ?2)")?;
            for outcome in outcomes.iter().filter(|outcome| outcome.outcome != OutcomeStatus::NotSent) {
                let json = serde_json::to_string(outcome)
                    .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
                write.execute(params![key(outcome.number), json])?;
            }
        }
        transaction.commit()
    }

    /// Takes back that a command was about to be sent: it surely was not.
    pub(crate) fn forget(&self, numbers: impl IntoIterator<Item = u64>) -> rusqlite::Result<()> {
        let mut database = self.database();
        let transaction = database.transaction()?;
        for number in numbers {
            transaction
                .prepare_cached("DELETE FROM command WHERE number = ?1 AND outcome IS NULL")?
                .execute([key(number)])?;
        }
        transaction.commit()
    }

    pub(crate) fn state(&self, number: u64) -> rusqlite::Result<State> {
        let database = self.database();
        let mut query = database.prepare_cached("SELECT outcome IS NOT NULL FROM command WHERE number = ?1")?;
        let has_ended: Option<bool> = query.query_row([key(number)], |row| row.get(0)).optional()?;
        Ok(match has_ended {
            None => State::Untouched,
            Some(false) => State::Begun,
            Some(true) => State::Ended,
        })
    }

    /// Gives each outcome that was written, in the order of the file.
    pub(crate) fn for_each_ended(&self, mut each: impl FnMut(OutcomeRecord) -> Result<()>) -> Result<()> {
        let mut last = -1;
        loop {
            // A stretch at a time, so that the journal is not locked while a result is written.
            let stretch = self.ended_after(last).map_err(|error| unreadable(&error))?;
            let Some((number, _)) = stretch.last() else { return Ok(()) };
            last = *number;
            for (_, json) in stretch {
                each(serde_json::from_str(&json).map_err(|error| unreadable(&error))?)?;
            }
        }
    }

    fn ended_after(&self, number: i64) -> rusqlite::Result<Vec<(i64, String)>> {
        let database = self.database();
        let mut query = database.prepare_cached(
            "SELECT number, outcome FROM command WHERE number > ?1 AND outcome IS NOT NULL ORDER BY number LIMIT 500",
        )?;
        query.query_map([number], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let database = Connection::open(path)?;
    // Whoever has it open keeps it: there is nothing to wait for.
    database.busy_timeout(Duration::ZERO)?;
    // One process at a time; what is committed has reached the disk.
    database.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.execute_batch(SCHEMA)?;
    Ok(database)
}

/// SQLite has no unsigned numbers; no file has so many lines.
fn key(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unreadable(why: &dyn std::fmt::Display) -> Failure {
    Failure::failed("cannot read the journal").why(why).remedy("see that its disk is in order")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        Subject {
            organization: "1F@AdobeOrg".into(),
            server: "https://um.example".into(),
            input: "abc".into(),
            is_test: false,
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

    #[test]
    fn what_was_written_is_there_after_the_process_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.journal");
        let journal = Journal::open(&path, &subject()).unwrap();
        journal.begin([1, 2, 3, 4]).unwrap();
        journal
            .end(&[
                outcome(1, OutcomeStatus::Completed),
                outcome(2, OutcomeStatus::Rejected),
                outcome(4, OutcomeStatus::NotSent),
            ])
            .unwrap();
        journal.forget([4, 1]).unwrap();
        // Nothing is closed in good order.
        std::mem::forget(std::mem::replace(&mut *journal.database(), Connection::open_in_memory().unwrap()));
        let copy = folder.path().join("copy.journal");
        for end in ["", "-wal"] {
            std::fs::copy(format!("{}{end}", path.display()), format!("{}{end}", copy.display())).unwrap();
        }
        let journal = Journal::open(&copy, &subject()).unwrap();
        let states: Vec<State> = (1..=5).map(|number| journal.state(number).unwrap()).collect();
        assert_eq!(states, [State::Ended, State::Ended, State::Begun, State::Untouched, State::Untouched]);
        let mut ended = Vec::new();
        journal
            .for_each_ended(|outcome| {
                ended.push(outcome);
                Ok(())
            })
            .unwrap();
        assert_eq!(ended, [outcome(1, OutcomeStatus::Completed), outcome(2, OutcomeStatus::Rejected)]);
    }

    #[test]
    fn a_journal_of_something_else_is_refused_and_so_is_one_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.journal");
        let journal = Journal::open(&path, &subject()).unwrap();
        assert!(!private_file::is_open_to_others(&path));
        let error = Journal::open(&path, &subject()).map(drop).unwrap_err().to_string();
        assert!(error.contains("another umapi"), "{error}");
        drop(journal);
        for (other, part) in [
            (Subject { organization: "2E@AdobeOrg".into(), ..subject() }, "another organization: 1F@AdobeOrg"),
            (Subject { input: "def".into(), ..subject() }, "another content of the file"),
            (Subject { is_test: true, ..subject() }, "another mode"),
        ] {
            let error = Journal::open(&path, &other).map(drop).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let text = folder.path().join("text");
        std::fs::write(
            &text,
            "something else, longer than a header of a database would be, and that is no database at all...",
        )
        .unwrap();
        assert!(Journal::open(&text, &subject()).map(drop).unwrap_err().to_string().contains("no journal"));
    }

    #[test]
    fn long_journals_are_given_whole() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("j"), &subject()).unwrap();
        let outcomes: Vec<_> = (0..1234).map(|number| outcome(number, OutcomeStatus::Completed)).collect();
        journal.end(&outcomes).unwrap();
        let mut next = 0;
        journal
            .for_each_ended(|outcome| {
                assert_eq!(outcome.number, next);
                next += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(next, 1234);
    }
}
