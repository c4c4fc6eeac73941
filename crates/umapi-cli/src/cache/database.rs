//! The SQLite file of a cache.

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, SystemTime},
};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{CachedList, ListState};
use crate::private_file;

/// `umca`, in the header of the SQLite file.
pub(super) const APPLICATION_ID: u32 = 0x756d_6361;
pub(super) const FORMAT_VERSION: u32 = 1;

/// The most users of a list that are looked up one by one because they were changed. A list with more is dropped.
pub(super) const MAX_CHANGED_USERS: usize = 100;

/// The detail of a changed group of which not even the existence is known.
pub(super) const UNCERTAIN: &str = "uncertain";

/// The name that stands for the member counts of all groups among the changed ones.
pub(super) const ALL_GROUPS: &str = "*";

const SCHEMA: &str = "
    CREATE TABLE organization (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        organization TEXT NOT NULL,
        server TEXT NOT NULL
    ) STRICT;
    -- `begun` is in milliseconds since 1970. `token` is where reading continues; it is empty before the first page.
    CREATE TABLE list (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        begun INTEGER NOT NULL,
        token TEXT NOT NULL DEFAULT '',
        is_complete INTEGER NOT NULL DEFAULT 0,
        has_moved INTEGER NOT NULL DEFAULT 0,
        unreadable INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    -- `name` and `other_name` are folded: the name of a group, or the address and the username of a user.
    CREATE TABLE item (
        list INTEGER NOT NULL REFERENCES list ON DELETE CASCADE,
        place INTEGER NOT NULL,
        key TEXT NOT NULL,
        name TEXT NOT NULL,
        other_name TEXT NOT NULL,
        json TEXT NOT NULL,
        PRIMARY KEY (list, place)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX item_key ON item (list, key);
    CREATE INDEX item_name ON item (list, name);
    CREATE INDEX item_other_name ON item (list, other_name);
    -- Users and groups that were changed after the list was read.
    CREATE TABLE changed (
        list INTEGER NOT NULL REFERENCES list ON DELETE CASCADE,
        name TEXT NOT NULL,
        detail TEXT NOT NULL,
        PRIMARY KEY (list, name, detail)
    ) STRICT, WITHOUT ROWID;
    -- When a client last read the first page of a list.
    CREATE TABLE first_page (
        client TEXT NOT NULL,
        items TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (client, items)
    ) STRICT, WITHOUT ROWID;
";

/// How long a process waits for the short transactions of another one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The SQLite file of a cache.
#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
}

/// A list in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoredList {
    pub(super) id: i64,
    pub(super) begun: SystemTime,
    /// Where reading continues. Empty before the first page.
    pub(super) token: String,
    pub(super) is_complete: bool,
    pub(super) has_moved: bool,
    pub(super) unreadable: u64,
}

/// An item as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredItem {
    /// Tells items apart.
    pub(super) key: String,
    pub(super) name: String,
    pub(super) other_name: String,
    pub(super) json: String,
}

impl Database {
    pub(super) fn create(path: &Path, organization: &str, server: &str) -> rusqlite::Result<()> {
        let mut connection = Connection::open(path)?;
        let transaction = connection.transaction()?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", FORMAT_VERSION)?;
        transaction.execute_batch(SCHEMA)?;
        transaction.execute(
            "INSERT INTO organization (id, organization, server) VALUES (1, ?1, ?2)",
            [organization, server],
        )?;
        transaction.commit()?;
        connection.close().map_err(|(_, error)| error)
    }

    /// Opens an existing file.
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        private_file::close_to_others(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        Ok(Self { connection })
    }

    /// Whether the file is whole and belongs to this organization.
    pub(super) fn is_of(&self, organization: &str, server: &str) -> rusqlite::Result<bool> {
        self.connection.query_row("SELECT organization, server FROM organization WHERE id = 1", [], |row| {
            Ok(row.get::<_, String>(0)? == organization && row.get::<_, String>(1)? == server)
        })
    }

    pub(super) fn list(&self, list: CachedList) -> rusqlite::Result<Option<StoredList>> {
        let mut query = self
            .connection
            .prepare_cached("SELECT id, begun, token, is_complete, has_moved, unreadable FROM list WHERE name = ?1")?;
        let read = |row: &rusqlite::Row<'_>| {
            Ok(StoredList {
                id: row.get(0)?,
                begun: time_of(row.get(1)?),
                token: row.get(2)?,
                is_complete: row.get(3)?,
                has_moved: row.get(4)?,
                unreadable: u64::try_from(row.get::<_, i64>(5)?).unwrap_or_default(),
            })
        };
        query.query_row([list.name()], read).optional()
    }

    pub(super) fn describe(&self, list: CachedList) -> rusqlite::Result<Option<ListState>> {
        let Some(stored) = self.list(list)? else { return Ok(None) };
        let count = |sql: &str| -> rusqlite::Result<u64> {
            let count: i64 = self.connection.query_row(sql, [stored.id], |row| row.get(0))?;
            Ok(u64::try_from(count).unwrap_or_default())
        };
        Ok(Some(ListState {
            list,
            items: count("SELECT count(*) FROM item WHERE list = ?1")?,
            as_of: stored.begun,
            is_complete: stored.is_complete,
            changed: count("SELECT count(DISTINCT name) FROM changed WHERE list = ?1")?,
        }))
    }

    /// Replaces a list with an empty one that begins now.
    pub(super) fn begin(&mut self, list: CachedList, now: SystemTime) -> rusqlite::Result<StoredList> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM list WHERE name = ?1", [list.name()])?;
            transaction
                .execute("INSERT INTO list (name, begun) VALUES (?1, ?2)", params![list.name(), milliseconds(now)])?;
            Ok(())
        })?;
        self.list(list)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
    }

    pub(super) fn drop_list(&mut self, list: CachedList) -> rusqlite::Result<()> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM list WHERE name = ?1", [list.name()])?;
            Ok(())
        })
    }

    /// Drops all lists, and leaves nothing of them in the file. Returns whether there were any.
    pub(super) fn clear(&mut self) -> rusqlite::Result<bool> {
        let dropped = self.write(|transaction| transaction.execute("DELETE FROM list", []))?;
        self.connection.execute_batch("VACUUM")?;
        Ok(dropped > 0)
    }

    /// Adds the items of a page, and where the next one begins. Returns `false` if the list was dropped meanwhile.
    pub(super) fn add_page(&mut self, list: &StoredList, items: &[StoredItem]) -> rusqlite::Result<bool> {
        self.write(|transaction| {
            let updated = transaction
                .prepare_cached(
                    "UPDATE list SET token = ?2, is_complete = ?3, has_moved = ?4, unreadable = ?5 WHERE id = ?1",
                )?
                .execute(params![
                    list.id,
                    list.token,
                    list.is_complete,
                    list.has_moved,
                    i64::try_from(list.unreadable).unwrap_or(i64::MAX)
                ])?;
            if updated == 0 {
                return Ok(false);
            }
            items.iter().try_for_each(|item| insert(transaction, list.id, item))?;
            Ok(true)
        })
    }

    /// The items after a place, with their places: at most `count`.
    pub(super) fn items_after(&self, list: i64, place: i64, count: u32) -> rusqlite::Result<Vec<(i64, String)>> {
        let mut query = self
            .connection
            .prepare_cached("SELECT place, json FROM item WHERE list = ?1 AND place > ?2 ORDER BY place LIMIT ?3")?;
        query.query_map(params![list, place, count], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    /// The items with a name, with their places.
    pub(super) fn items_named(&self, list: i64, name: &str) -> rusqlite::Result<Vec<(i64, String)>> {
        let mut query = self.connection.prepare_cached(
            "SELECT place, json FROM item WHERE list = ?1 AND name = ?2
             UNION SELECT place, json FROM item WHERE list = ?1 AND other_name = ?2",
        )?;
        query.query_map(params![list, name], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    /// Records changed names of a list, with a detail. Returns those that were not recorded before.
    pub(super) fn mark_changed<'a>(
        &mut self,
        list: CachedList,
        names: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> rusqlite::Result<BTreeSet<(String, String)>> {
        let Some(stored) = self.list(list)? else { return Ok(BTreeSet::new()) };
        self.write(|transaction| {
            let mut insert = transaction.prepare_cached("INSERT OR IGNORE INTO changed VALUES (?1, ?2, ?3)")?;
            let mut added = BTreeSet::new();
            for (name, detail) in names {
                if insert.execute(params![stored.id, name, detail])? == 1 {
                    added.insert((name.to_owned(), detail.to_owned()));
                }
            }
            Ok(added)
        })
    }

    /// The changed names of a list, with their details.
    pub(super) fn changed(&self, list: i64) -> rusqlite::Result<Vec<(String, String)>> {
        let mut query = self.connection.prepare_cached("SELECT name, detail FROM changed WHERE list = ?1")?;
        query.query_map([list], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    /// Replaces, in one transaction, items at places, adds items, and forgets changed names with their details.
    pub(super) fn revise(
        &mut self,
        list: i64,
        removed: &[i64],
        added: &[StoredItem],
        known: &[(String, String)],
    ) -> rusqlite::Result<()> {
        self.write(|transaction| {
            for place in removed {
                transaction
                    .prepare_cached("DELETE FROM item WHERE list = ?1 AND place = ?2")?
                    .execute(params![list, place])?;
            }
            added.iter().try_for_each(|item| insert(transaction, list, item))?;
            for (name, detail) in known {
                transaction
                    .prepare_cached("DELETE FROM changed WHERE list = ?1 AND name = ?2 AND detail = ?3")?
                    .execute(params![list, name, detail])?;
            }
            Ok(())
        })
    }

    /// Replaces the JSON of items.
    pub(super) fn rewrite(&mut self, list: i64, items: &[(i64, StoredItem)]) -> rusqlite::Result<()> {
        self.write(|transaction| {
            let mut update = transaction.prepare_cached(
                "UPDATE item SET key = ?3, name = ?4, other_name = ?5, json = ?6 WHERE list = ?1 AND place = ?2",
            )?;
            items.iter().try_for_each(|(place, item)| {
                update.execute(params![list, place, item.key, item.name, item.other_name, item.json]).map(drop)
            })
        })
    }

    pub(super) fn first_page(&self, client: &str, list: CachedList) -> rusqlite::Result<Option<SystemTime>> {
        let mut query = self.connection.prepare_cached("SELECT at FROM first_page WHERE client = ?1 AND items = ?2")?;
        query.query_row([client, list.items()], |row| row.get(0).map(time_of)).optional()
    }

    /// When the recorded first pages of all clients and lists were read.
    pub(super) fn first_pages(&self) -> rusqlite::Result<Vec<SystemTime>> {
        let mut query = self.connection.prepare_cached("SELECT at FROM first_page")?;
        query.query_map([], |row| row.get(0).map(time_of))?.collect()
    }

    pub(super) fn record_first_page(&self, client: &str, list: CachedList, at: SystemTime) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO first_page (client, items, at) VALUES (?1, ?2, ?3)")?
            .execute(params![client, list.items(), milliseconds(at)])?;
        Ok(())
    }

    fn write<T>(&mut self, change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = change(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }
}

/// Adds an item at the end, or replaces the one with its key.
fn insert(transaction: &Transaction<'_>, list: i64, item: &StoredItem) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO item (list, place, key, name, other_name, json)
             VALUES (?1, (SELECT coalesce(max(place), 0) + 1 FROM item WHERE list = ?1), ?2, ?3, ?4, ?5)
             ON CONFLICT (list, key) DO UPDATE
             SET name = excluded.name, other_name = excluded.other_name, json = excluded.json",
        )?
        .execute(params![list, item.key, item.name, item.other_name, item.json])?;
    Ok(())
}

/// The whole milliseconds since 1970.
fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn time_of(milliseconds: i64) -> SystemTime {
    let since = Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default());
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}
