//! The database behind the store: opening it, reading it, and changing it in transactions and savepoints.

use std::{
    collections::HashMap,
    path::Path,
    rc::Rc,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, config::DbConfig, params};

use super::{
    Cause, GroupId, GroupKind, OrgId, ProductId, UserId,
    lists::{List, Pending},
};

/// Why the store could not do its work: never a rule of the service, always the store itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// SQLite refused: a full disk, an unreadable file, a broken invariant.
    #[error("the store's database: {0}")]
    Database(#[from] rusqlite::Error),
    /// The file was written by a version of the emulator whose layout is another one.
    #[error(
        "the data file has layout {found}, this emulator reads and writes layout {expected}: start with a new file"
    )]
    Layout {
        /// The layout of the file.
        found: i64,
        /// The layout that this emulator knows.
        expected: i64,
    },
    /// A stored list (secrets, scopes) is no JSON.
    #[error("the store's database holds a list that is no JSON: {0}")]
    Stored(#[from] serde_json::Error),
    /// The machine has no random bytes to make a key from.
    #[error("the machine has no random bytes to make the key of the tokens from")]
    Randomness,
}

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

/// Changes the store. Everything done with it is kept together, or not at all.
///
/// Counts (of lists, members, licences) are collected in memory and written at the end of each
/// [savepoint](Self::attempt) and of the transaction, which makes loading a million users a matter of seconds. Rows are
/// written at once, so [`Tx::rows`] sees them; ask for counts only after [`Tx::settle`].
#[derive(Debug)]
pub struct Tx<'c> {
    pub(super) sql: &'c Connection,
    pub(super) cause: Option<Cause>,
    lists: Pending,
    groups: HashMap<GroupId, GroupState>,
    products: HashMap<ProductId, i64>,
    moment: Option<i64>,
    pub(super) memo: Memo,
}

/// What was looked up and is as it was: a million users that are loaded ask for the same few things.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// The rows of domains.
    pub(super) domains: HashMap<(OrgId, String), i64>,
    /// The row that the next user gets.
    pub(super) next_user: Option<UserId>,
    /// The profiles that user groups bring.
    pub(super) brought: HashMap<GroupId, Rc<[GroupId]>>,
}

/// What a group's memberships keep changing.
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
            lists: Pending::default(),
            groups: HashMap::new(),
            products: HashMap::new(),
            moment: None,
            memo: Memo::default(),
        }
    }

    /// The rows as they are now. Counts may lag behind until [`Tx::settle`].
    #[must_use]
    pub fn rows(&self) -> Reader<'c> {
        Reader { sql: self.sql }
    }

    /// Writes the counts that were collected.
    ///
    /// # Errors
    /// If the database fails.
    pub fn settle(&mut self) -> Result<(), StoreError> {
        self.lists.flush(self.sql)?;
        if !self.groups.is_empty() {
            let mut write = self
                .sql
                .prepare_cached("UPDATE grp SET members = ?2, licensed = ?3, visible = ?4 OR ?2 > 0 WHERE id = ?1")?;
            for (id, group) in &mut self.groups {
                if group.changed {
                    let always = !group.kind.is_derived();
                    write.execute(params![id, group.members, group.licensed, always])?;
                    group.changed = false;
                }
            }
        }
        for (product, change) in self.products.drain() {
            self.sql
                .prepare_cached("UPDATE product SET users = users + ?2 WHERE id = ?1")?
                .execute(params![product, change])?;
        }
        if let Some(moment) = self.moment {
            self.set_setting("moment", &moment.to_le_bytes())?;
        }
        Ok(())
    }

    /// Tries something that may be refused: if the closure returns an error, nothing of it stays.
    ///
    /// # Errors
    /// What the closure returns, or the store's own failure.
    pub fn attempt<T, E: From<StoreError>>(&mut self, change: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.settle()?;
        self.run("SAVEPOINT attempt")?;
        let outcome = change(self).and_then(|value| self.settle().map(|()| value).map_err(E::from));
        if outcome.is_err() {
            self.take_back()?;
        }
        self.run("RELEASE attempt")?;
        outcome
    }

    /// Does something only to see whether it would work: nothing of it stays, whatever the closure returns.
    ///
    /// # Errors
    /// What the closure returns, or the store's own failure.
    pub fn pretend<T, E: From<StoreError>>(&mut self, change: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.settle()?;
        self.run("SAVEPOINT attempt")?;
        let outcome = change(self);
        self.take_back()?;
        self.run("RELEASE attempt")?;
        outcome
    }

    /// From here on, changes are recorded in the ledger under this step of this command.
    pub fn at_step(&mut self, command: u32, step: u32) {
        if let Some(cause) = &mut self.cause {
            cause.command = Some(command);
            cause.step = Some(step);
        }
    }

    pub(super) fn finish(&mut self, ledger_entries: u64) -> Result<(), StoreError> {
        self.settle()?;
        if self.cause.is_some() {
            self.trim_ledger(ledger_entries)?;
        }
        Ok(())
    }

    pub(super) fn count(&mut self, list: List, user: UserId, change: i64) {
        self.lists.add(list, user, change);
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

    /// The group's row was written or deleted past the cache. Settle first.
    pub(super) fn forget_group_state(&mut self, group: GroupId) {
        self.groups.remove(&group);
    }

    /// A number that is larger than all before: the order in which members began to wait for a licence.
    pub(super) fn next_moment(&mut self) -> Result<i64, StoreError> {
        let last = match self.moment {
            Some(moment) => moment,
            None => {
                let stored = self.rows().setting("moment")?.and_then(|bytes| bytes.try_into().ok());
                stored.map_or(0, i64::from_le_bytes)
            }
        };
        self.moment = Some(last + 1);
        Ok(last + 1)
    }

    fn take_back(&mut self) -> Result<(), StoreError> {
        self.lists.clear();
        self.groups.clear();
        self.products.clear();
        self.memo = Memo::default();
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

    fn organizations(tx: &Tx<'_>) -> usize {
        tx.rows().organizations().unwrap().len()
    }

    #[test]
    fn a_refused_attempt_and_a_pretence_leave_nothing_and_the_rest_stays() {
        let store = Store::in_memory().unwrap();
        let new = |tx: &mut Tx<'_>, org_id| tx.create_organization(&NewOrganization { org_id, name: "" });
        store
            .write(None, |tx| {
                new(tx, "1@AdobeOrg")?;
                let refused: Result<(), StoreError> = tx.attempt(|tx| {
                    new(tx, "2@AdobeOrg")?;
                    Err(StoreError::Layout { found: 0, expected: 0 })
                });
                assert!(refused.is_err());
                tx.pretend(|tx| new(tx, "3@AdobeOrg"))?;
                tx.attempt(|tx| new(tx, "4@AdobeOrg"))?;
                assert_eq!(organizations(tx), 2);
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }

    #[test]
    fn what_a_refused_attempt_looked_up_is_forgotten() {
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
                let refused: Result<(), StoreError> = tx.attempt(|tx| {
                    tx.attach_profile(group, profile)?;
                    enter(tx, "a@x.com")?;
                    Err(StoreError::Layout { found: 0, expected: 0 })
                });
                assert!(refused.is_err());
                let user = enter(tx, "b@x.com")?;
                assert_eq!(user.account, user.id, "the number of the first row of the account");
                assert_eq!(user.domain, "x.com");
                assert!(tx.rows().membership(user.id, profile)?.is_none(), "the group brings no profile");
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }

    #[test]
    fn moments_only_grow_also_in_the_next_transaction() {
        let store = Store::in_memory().unwrap();
        let next = || store.write(None, |tx| tx.next_moment()).unwrap();
        assert!(next() < next());
    }
}
