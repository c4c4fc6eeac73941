//! The database behind the store: opening it, reading it, and changing it in transactions and savepoints.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    rc::Rc,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior, config::DbConfig, params};

use super::{
    Cause, GroupId, GroupKind, OrgId, ProductId, UserId,
    data_file::{self, APPLICATION_ID, DataFileLock, FileState},
    groups::Visibility,
    lists::{Orders, Scope, Touched},
};

/// An error of the store itself, never a broken rule of the service.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// SQLite failed, e.g. because of a full disk, an unreadable file or a broken invariant.
    #[error("the data store failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// The file is not a data file of the emulator. It is unchanged.
    #[error("{path} is not a data file of the emulator: {reason}; use another file")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: &'static str,
    },
    /// Another process uses the file.
    #[error("the data file {path} is in use by {}; stop it or use another file", holder(*process))]
    InUse {
        /// The file.
        path: PathBuf,
        /// The id of the process, if it is known.
        process: Option<u32>,
    },
    /// The data file, or the lock file beside it, cannot be read or written.
    #[error("cannot use {path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        error: io::Error,
    },
    /// The file was written by a version of the emulator with another layout.
    #[error("the data file has layout {found}, but this version reads and writes layout {expected}; use a new file")]
    Layout {
        /// The layout of the file.
        found: i64,
        /// The layout that this version reads and writes.
        expected: i64,
    },
    /// A stored list (secrets, scopes) is not JSON.
    #[error("a list in the data store is not JSON: {0}")]
    Stored(#[from] serde_json::Error),
    /// The operating system has no random bytes to create a key from.
    #[error("cannot create the key that signs access tokens: the operating system has no random bytes")]
    Randomness,
}

fn holder(process: Option<u32>) -> String {
    process.map_or_else(|| "another process".to_owned(), |id| format!("process {id}"))
}

/// The layout in `schema.sql`. A file with another layout is rejected.
const LAYOUT: i64 = 2;
/// Statements kept prepared: enough for every statement of the store, so that none is compiled twice.
const STATEMENTS: usize = 256;
/// Longest write-ahead log to keep on disk, in bytes.
const LOG_BYTES: i64 = 16 << 20;
/// Ledger entries kept by default; see [`Store::keep_ledger`].
const LEDGER_ENTRIES: u64 = 100_000;

/// Page size of the database in bytes: the same in memory and in a file, so that a snapshot of one fits the other.
///
/// After a commit that balanced a B-tree, SQLite walks the hash table of its page cache. In memory that table has an
/// entry for every page, and with the default of 4,096 bytes the walk takes as long as everything else at a million
/// users.
const PAGE_BYTES: i64 = 16_384;

/// The database that holds all state.
///
/// There is one connection behind a lock: SQLite allows one writer at a time anyway, and a read holds the lock for
/// microseconds (milliseconds for a page of 2,000 users). So hundreds of stores need no threads and no pools.
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
    ledger_entries: AtomicU64,
    orders: Mutex<Orders>,
    /// Released after the connection is closed.
    _lock: Option<DataFileLock>,
}

impl Store {
    /// Creates a store in memory. Its state is dropped with the value.
    ///
    /// # Errors
    /// If SQLite cannot start.
    pub fn in_memory() -> Result<Self, StoreError> {
        let connection = Connection::open_in_memory()?;
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        Self::prepare(connection, None)
    }

    /// Opens a store in a file, and creates the file if it does not exist.
    ///
    /// A committed transaction is on disk even if the process or the machine dies immediately afterwards: a commit
    /// returns when the write-ahead log is flushed (`synchronous=FULL`; `NORMAL` would leave the flush to the operating
    /// system, which survives a kill but not a power cut). An uncommitted transaction is lost: the log is read up to
    /// its last complete commit. The file is locked, so that no second emulator writes to it; the lock also keeps the
    /// log's index in memory.
    ///
    /// # Errors
    /// If the file cannot be opened, is in use, has another layout, or is not a data file of the emulator. Such a file is not
    /// changed.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        // First: to read and close a file that a store of this process has open would release the locks of SQLite.
        let lock = DataFileLock::acquire(path)?;
        let state = data_file::inspect(path)?;
        Self::open_locked(path, state, lock).map_err(|error| match error {
            StoreError::Database(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                StoreError::InUse { path: path.to_owned(), process: None }
            }
            other => other,
        })
    }

    fn open_locked(path: &Path, state: FileState, lock: DataFileLock) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        // A process that holds the file keeps it until it ends: waiting does not help.
        connection.busy_timeout(Duration::ZERO)?;
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        if state == FileState::New {
            // Before there is a write-ahead log, so that the header of the file has it from the first moment.
            connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Seeding a million users writes a log as long as the file: truncate it after each checkpoint.
        connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
        connection.pragma_update(None, "cache_size", -65_536)?;
        Self::prepare(connection, Some(lock))
    }

    fn prepare(mut connection: Connection, lock: Option<DataFileLock>) -> Result<Self, StoreError> {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Query plans that do not depend on bound values. Otherwise SQLite recompiles a statement each time the
        // statement cache clears its bindings, which is every time, and everything takes twice as long.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match found {
            0 => {
                let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                tx.execute_batch(include_str!("schema.sql"))?;
                // Group ids look like the service's; the first is 40,000,001.
                tx.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('grp', 40000000)", [])?;
                tx.pragma_update(None, "application_id", APPLICATION_ID)?;
                tx.pragma_update(None, "user_version", LAYOUT)?;
                tx.commit()?;
            }
            LAYOUT => {}
            found => return Err(StoreError::Layout { found, expected: LAYOUT }),
        }
        Ok(Self {
            connection: Mutex::new(connection),
            ledger_entries: AtomicU64::new(LEDGER_ENTRIES),
            orders: Mutex::default(),
            _lock: lock,
        })
    }

    /// Sets how many entries the ledger keeps; older ones are deleted at the next change. 0 keeps none.
    pub fn keep_ledger(&self, entries: u64) {
        self.ledger_entries.store(entries, Ordering::Relaxed);
    }

    /// Runs a query. Everything read in one call sees the same state.
    ///
    /// # Errors
    /// The error of the closure.
    pub fn read<T, E>(&self, ask: impl FnOnce(&Reader<'_>) -> Result<T, E>) -> Result<T, E> {
        let connection = self.lock();
        ask(&Reader { sql: &connection, orders: Some(&self.orders) })
    }

    /// Runs a change in a transaction: committed if the closure returns `Ok`, otherwise rolled back.
    ///
    /// With a `cause` the ledger records the changes; without one (e.g. while seeding) it does not.
    ///
    /// # Errors
    /// The error of the closure, or the store's own error if it cannot commit.
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
        let touched = std::mem::take(&mut tx.touched);
        sql.commit().map_err(StoreError::from)?;
        self.orders().touch(&touched);
        Ok(value)
    }

    /// Runs a change like [`Store::write`], and always rolls it back.
    ///
    /// # Errors
    /// The error of the closure, or the store's own error if it cannot begin.
    pub fn dry_run<T, E: From<StoreError>>(&self, change: impl FnOnce(&mut Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut connection = self.lock();
        // Dropped without a commit.
        let sql = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreError::from)?;
        change(&mut Tx::begin(&sql, None))
    }

    /// The orders of lists. Lock the connection first.
    pub(super) fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A panic in a closure rolls its transaction back while unwinding, so the state behind a poisoned lock is good.
    pub(super) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Read access to the store.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'c> {
    pub(super) sql: &'c Connection,
    /// `None` in a transaction.
    pub(super) orders: Option<&'c Mutex<Orders>>,
}

/// A transaction that changes the store: everything done with it is committed together, or not at all.
///
/// Counts (of members and licenses) are collected in memory and written at the end of each
/// [savepoint](Self::attempt) and of the transaction, which makes loading a million users a matter of seconds. Rows are
/// written immediately, so [`Tx::rows`] sees them; read counts only after [`Tx::flush`].
#[derive(Debug)]
pub struct Tx<'c> {
    pub(super) sql: &'c Connection,
    pub(super) cause: Option<Cause>,
    touched: Touched,
    groups: HashMap<GroupId, GroupState>,
    products: HashMap<ProductId, i64>,
    sequence: Option<i64>,
    pub(super) cache: Cache,
}

/// Lookups that stay valid during the transaction: loading a million users asks for the same few rows.
#[derive(Debug, Default)]
pub(super) struct Cache {
    /// The row ids of domains.
    pub(super) domains: HashMap<(OrgId, String), i64>,
    /// The row id of the next user.
    pub(super) next_user: Option<UserId>,
    /// The profiles that are assigned to user groups.
    pub(super) assigned: HashMap<GroupId, Rc<[GroupId]>>,
}

/// The part of a group that changes with its memberships.
#[derive(Debug, Clone, Copy)]
pub(super) struct GroupState {
    pub(super) kind: GroupKind,
    /// The product of a profile.
    pub(super) subject: Option<i64>,
    pub(super) quota: Option<i64>,
    pub(super) members: i64,
    pub(super) licensed: i64,
    changed: bool,
}

impl<'c> Tx<'c> {
    pub(super) fn begin(sql: &'c Connection, cause: Option<Cause>) -> Self {
        Self {
            sql,
            cause,
            touched: Touched::default(),
            groups: HashMap::new(),
            products: HashMap::new(),
            sequence: None,
            cache: Cache::default(),
        }
    }

    /// The rows as they are now. Counts may lag behind until [`Tx::flush`].
    #[must_use]
    pub fn rows(&self) -> Reader<'c> {
        Reader { sql: self.sql, orders: None }
    }

    /// Writes the collected counts.
    ///
    /// # Errors
    /// If the database fails.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        if !self.groups.is_empty() {
            let mut write = self.sql.prepare_cached(
                "UPDATE grp SET members = ?2, licensed = ?3, visible = ?4 OR ?2 > 0 OR (?5 AND visible) WHERE id = ?1",
            )?;
            for (id, group) in &mut self.groups {
                if group.changed {
                    let always = group.kind.visibility() == Visibility::Always;
                    let once_used = group.kind.visibility() == Visibility::OnceUsed;
                    write.execute(params![id, group.members, group.licensed, always, once_used])?;
                    group.changed = false;
                }
            }
        }
        for (product, change) in self.products.drain() {
            self.sql
                .prepare_cached("UPDATE product SET users = users + ?2 WHERE id = ?1")?
                .execute(params![product, change])?;
        }
        if let Some(sequence) = self.sequence {
            self.set_setting("sequence", &sequence.to_le_bytes())?;
        }
        Ok(())
    }

    /// Runs a change in a savepoint: if the closure returns an error, the change is rolled back.
    ///
    /// # Errors
    /// The error of the closure, or the store's own error.
    pub fn attempt<T, E: From<StoreError>>(&mut self, change: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.flush()?;
        self.run("SAVEPOINT attempt")?;
        let outcome = change(self).and_then(|value| self.flush().map(|()| value).map_err(E::from));
        if outcome.is_err() {
            self.roll_back()?;
        }
        self.run("RELEASE attempt")?;
        outcome
    }

    /// Runs a change in a savepoint and always rolls it back, whatever the closure returns.
    ///
    /// # Errors
    /// The error of the closure, or the store's own error.
    pub fn dry_run<T, E: From<StoreError>>(&mut self, change: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.flush()?;
        self.run("SAVEPOINT attempt")?;
        let outcome = change(self);
        self.roll_back()?;
        self.run("RELEASE attempt")?;
        outcome
    }

    /// Sets the command and step that the ledger records for the changes that follow.
    pub fn at_step(&mut self, command: u32, step: u32) {
        if let Some(cause) = &mut self.cause {
            cause.command = Some(command);
            cause.step = Some(step);
        }
    }

    pub(super) fn finish(&mut self, ledger_entries: u64) -> Result<(), StoreError> {
        self.flush()?;
        if self.cause.is_some() {
            self.trim_ledger(ledger_entries)?;
        }
        Ok(())
    }

    /// Notes that a user may enter, leave or move in the lists of a scope.
    pub(super) fn touch(&mut self, scope: Scope, user: UserId) {
        self.touched.add(scope, user);
    }

    pub(super) fn count_product_user(&mut self, product: ProductId, change: i64) {
        *self.products.entry(product).or_default() += change;
    }

    pub(super) fn group_state(&mut self, group: GroupId) -> Result<GroupState, StoreError> {
        if let Some(state) = self.groups.get(&group) {
            return Ok(*state);
        }
        let state = self
            .sql
            .prepare_cached("SELECT kind, subject, quota, members, licensed FROM grp WHERE id = ?1")?
            .query_row([group], |row| {
            Ok(GroupState {
                kind: row.get(0)?,
                subject: row.get(1)?,
                quota: row.get(2)?,
                members: row.get(3)?,
                licensed: row.get(4)?,
                changed: false,
            })
        })?;
        self.groups.insert(group, state);
        Ok(state)
    }

    pub(super) fn set_group_state(&mut self, group: GroupId, state: GroupState) {
        self.groups.insert(group, GroupState { changed: true, ..state });
    }

    /// Drops a cached group whose row was written or deleted directly. Call [`Tx::flush`] first.
    pub(super) fn drop_group_state(&mut self, group: GroupId) {
        self.groups.remove(&group);
    }

    /// Returns a number larger than all before it. It orders the members that wait for a license.
    pub(super) fn next_sequence(&mut self) -> Result<i64, StoreError> {
        let last = match self.sequence {
            Some(sequence) => sequence,
            None => {
                let stored = self.rows().setting("sequence")?.and_then(|bytes| bytes.try_into().ok());
                stored.map_or(0, i64::from_le_bytes)
            }
        };
        self.sequence = Some(last + 1);
        Ok(last + 1)
    }

    fn roll_back(&mut self) -> Result<(), StoreError> {
        self.groups.clear();
        self.products.clear();
        self.cache = Cache::default();
        self.run("ROLLBACK TO attempt")
    }

    fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.sql.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    pub(super) fn exists(&self, sql: &str, params: impl rusqlite::Params) -> Result<bool, StoreError> {
        Ok(self.sql.prepare_cached(sql)?.query_row(params, |_| Ok(())).optional()?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        NewOrganization, NewProduct, NewUser, UserKind,
        testing::{named, organization},
    };

    const ORG: NewOrganization<'_> = NewOrganization { org_id: "1A@AdobeOrg", name: "One" };

    #[test]
    fn a_failed_write_and_a_dry_run_change_nothing() {
        let store = Store::in_memory().unwrap();
        let failed: Result<(), StoreError> = store.write(None, |tx| {
            tx.create_organization(&ORG)?;
            Err(StoreError::Layout { found: 0, expected: 0 })
        });
        assert!(failed.is_err());
        store.dry_run(|tx| tx.create_organization(&ORG)).unwrap();
        assert!(store.read(|r| r.organization("1A@AdobeOrg")).unwrap().is_none());
    }

    #[test]
    fn a_file_keeps_its_state_and_has_one_user() {
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
    fn a_file_with_another_layout_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        drop(Store::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Store::open(&path), Err(StoreError::Layout { found: 99, .. })));
    }

    fn organizations(tx: &Tx<'_>) -> usize {
        tx.rows().organizations().unwrap().len()
    }

    #[test]
    fn a_failed_attempt_and_a_dry_run_are_rolled_back() {
        let store = Store::in_memory().unwrap();
        let new = |tx: &mut Tx<'_>, org_id| tx.create_organization(&NewOrganization { org_id, name: "" });
        store
            .write(None, |tx| {
                new(tx, "1@AdobeOrg")?;
                let failed: Result<(), StoreError> = tx.attempt(|tx| {
                    new(tx, "2@AdobeOrg")?;
                    Err(StoreError::Layout { found: 0, expected: 0 })
                });
                assert!(failed.is_err());
                tx.dry_run(|tx| new(tx, "3@AdobeOrg"))?;
                tx.attempt(|tx| new(tx, "4@AdobeOrg"))?;
                assert_eq!(organizations(tx), 2);
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }

    #[test]
    fn lookups_of_a_failed_attempt_are_forgotten() {
        let store = Store::in_memory().unwrap();
        store
            .write(None, |tx| {
                let org = organization(tx);
                let product = tx.create_product(org, &NewProduct { name: "P", ..NewProduct::default() })?;
                let profile = tx.create_profile(product, &named("Profile"))?;
                let group = tx.create_user_group(org, &named("G"))?;
                let enter = |tx: &mut Tx<'_>, email| {
                    let id = tx.create_user(org, &NewUser::member(UserKind::FederatedId, email, "x.com"))?;
                    let user = tx.rows().user_row(id)?.unwrap();
                    tx.add_member(&user, group)?;
                    Ok::<_, StoreError>(user)
                };
                let failed: Result<(), StoreError> = tx.attempt(|tx| {
                    tx.attach_profile(group, profile)?;
                    enter(tx, "a@x.com")?;
                    Err(StoreError::Layout { found: 0, expected: 0 })
                });
                assert!(failed.is_err());
                let user = enter(tx, "b@x.com")?;
                assert_eq!(user.account, user.id, "the id of the account's first row");
                assert_eq!(user.domain, "x.com");
                assert!(tx.rows().membership(user.id, profile)?.is_none(), "the group has no profile");
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }

    #[test]
    fn sequence_numbers_grow_across_transactions() {
        let store = Store::in_memory().unwrap();
        let next = || store.write(None, |tx| tx.next_sequence()).unwrap();
        assert!(next() < next());
    }
}
