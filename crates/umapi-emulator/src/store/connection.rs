use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};

use super::{Cause, StoreError, Tx};

/// The layout in `schema.sql`. A file of another layout is refused, not guessed at.
const LAYOUT: i64 = 1;
/// Every statement of the store fits, so none is ever compiled twice.
const STATEMENTS: usize = 256;
/// What the write-ahead log may keep of the disk, in bytes.
const LOG_BYTES: i64 = 16 << 20;
/// Ledger entries kept unless [`Store::keep_ledger`] says otherwise.
const LEDGER_ENTRIES: u64 = 100_000;

/// Bytes of a page of the database, in memory and in a file alike, so that a snapshot of one fits the other.
///
/// After a commit in which a B-tree was balanced, SQLite walks over the hash table of its page cache. In memory that table
/// has a place for every page, and with the usual 4,096 bytes the walk at a million users takes as long as all else.
const PAGE_BYTES: i64 = 16_384;

/// The database that holds all state.
///
/// It has one connection behind a lock: SQLite has one writer at a time in any case, and a read holds the lock for
/// microseconds, a page of 2,000 users for milliseconds. So hundreds of stores cost no threads and no pools.
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
    ledger_entries: AtomicU64,
}

impl Store {
    /// A store in memory: it ends with the value.
    ///
    /// # Errors
    /// If SQLite cannot start.
    pub fn in_memory() -> Result<Self, StoreError> {
        let connection = Connection::open_in_memory()?;
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        Self::prepare(connection)
    }

    /// A store in a file, made if it is not there.
    ///
    /// What was committed is on the disk, even if the process or the machine ends at the next moment: a commit returns
    /// when the write-ahead log is flushed (`synchronous=FULL`; `NORMAL` would leave the flush to the operating system,
    /// which survives a kill and not a power cut). What was not committed is gone: the log is read up to the last whole
    /// commit. The file is locked, so that no second emulator writes to it; that also keeps the log's index in memory.
    ///
    /// # Errors
    /// If the file cannot be opened, is in use, or has another layout.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        // Whoever holds the file holds it for good: waiting would not help.
        connection.busy_timeout(Duration::ZERO)?;
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Seeding a million users makes a log as long as the file: it is cut when it has been copied there.
        connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
        connection.pragma_update(None, "cache_size", -65_536)?;
        Self::prepare(connection)
    }

    fn prepare(mut connection: Connection) -> Result<Self, StoreError> {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Plans do not depend on the values that are bound. Otherwise SQLite compiles a statement anew whenever the cache
        // clears its bindings, which is every time, and everything takes twice as long.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match found {
            0 => {
                let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                tx.execute_batch(include_str!("schema.sql"))?;
                // Groups get ids that look like the service's; the first one is 40,000,001.
                tx.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('grp', 40000000)", [])?;
                tx.pragma_update(None, "user_version", LAYOUT)?;
                tx.commit()?;
            }
            LAYOUT => {}
            found => return Err(StoreError::Layout { found, expected: LAYOUT }),
        }
        Ok(Self { connection: Mutex::new(connection), ledger_entries: AtomicU64::new(LEDGER_ENTRIES) })
    }

    /// How many entries the ledger keeps from now on; older ones are dropped at the next change. 0 keeps none.
    pub fn keep_ledger(&self, entries: u64) {
        self.ledger_entries.store(entries, Ordering::Relaxed);
    }

    /// Asks questions. Everything asked in one call sees the same state.
    ///
    /// # Errors
    /// What the closure returns.
    pub fn read<T, E>(&self, ask: impl FnOnce(&Reader<'_>) -> Result<T, E>) -> Result<T, E> {
        let connection = self.lock();
        ask(&Reader { sql: &connection })
    }

    /// Changes the state: all that the closure did is kept if it returns `Ok`, and nothing of it otherwise.
    ///
    /// With a `cause` the ledger records the changes; without one (seeding) it does not.
    ///
    /// # Errors
    /// What the closure returns, or the store's own failure to commit.
    pub fn write<T, E: From<StoreError>>(
        &self,
        cause: Option<Cause>,
        change: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.lock();
        let sql = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreError::from)?;
        let mut tx = Tx::begin(&sql, cause);
        let value = change(&mut tx)?;
        tx.finish(self.ledger_entries.load(Ordering::Relaxed))?;
        sql.commit().map_err(StoreError::from)?;
        Ok(value)
    }

    /// Does what [`Store::write`] does, and takes all of it back.
    ///
    /// # Errors
    /// What the closure returns, or the store's own failure to begin.
    pub fn rehearse<T, E: From<StoreError>>(&self, change: impl FnOnce(&mut Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut connection = self.lock();
        // Dropped without a commit.
        let sql = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreError::from)?;
        change(&mut Tx::begin(&sql, None))
    }

    /// A panic in a closure has rolled its transaction back on the way out, so the state behind a poisoned lock is good.
    pub(super) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the store.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'c> {
    pub(super) sql: &'c Connection,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::NewOrganization;

    const ORG: NewOrganization<'_> = NewOrganization { org_id: "1A@AdobeOrg", name: "One" };

    #[test]
    fn a_failed_write_and_a_rehearsal_leave_nothing() {
        let store = Store::in_memory().unwrap();
        let failed: Result<(), StoreError> = store.write(None, |tx| {
            tx.create_organization(&ORG)?;
            Err(StoreError::Layout { found: 0, expected: 0 })
        });
        assert!(failed.is_err());
        store.rehearse(|tx| tx.create_organization(&ORG)).unwrap();
        assert!(store.read(|r| r.organization("1A@AdobeOrg")).unwrap().is_none());
    }

    #[test]
    fn a_file_keeps_what_was_written_and_is_used_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let store = Store::open(&path).unwrap();
        store.write(None, |tx| tx.create_organization(&ORG)).unwrap();
        assert!(Store::open(&path).is_err(), "a second emulator on the same file");
        drop(store);
        let again = Store::open(&path).unwrap();
        assert!(again.read(|r| r.organization("1a@adobeorg")).unwrap().is_some());
    }

    #[test]
    fn a_file_of_another_layout_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Store::open(&path), Err(StoreError::Layout { found: 99, .. })));
    }
}
