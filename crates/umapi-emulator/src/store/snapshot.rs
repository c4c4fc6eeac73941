//! Snapshots of all state, and restoring them.

use std::{fmt, sync::Arc, time::Duration};

use rusqlite::{Connection, MAIN_DB, backup::Backup};

use super::{Store, StoreError};

/// All state at one sequence. Clones share it.
#[derive(Clone)]
pub struct Snapshot(Arc<[u8]>);

impl Snapshot {
    /// Returns the bytes: an SQLite database.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot({} bytes)", self.0.len())
    }
}

/// The bytes of a database header that hold the journal mode; 1 is a rollback journal.
const JOURNAL_VERSIONS: std::ops::Range<usize> = 18..20;

impl Store {
    /// Takes a snapshot of all state.
    ///
    /// # Errors
    /// If the database fails.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let mut connection = self.lock();
        let data = connection.serialize(MAIN_DB)?;
        let mut bytes = data.to_vec();
        // A database in memory has no write-ahead log: if marked as having one, it could not be opened.
        if let Some(versions) = bytes.get_mut(JOURNAL_VERSIONS) {
            versions.fill(1);
        }
        Ok(Snapshot(bytes.into()))
    }

    /// Restores all state from a snapshot, of this store or of another one.
    ///
    /// # Errors
    /// If the database fails; then the state is unchanged.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let mut kept = Connection::open_in_memory()?;
        kept.deserialize_read_exact(MAIN_DB, snapshot.as_bytes(), snapshot.as_bytes().len(), true)?;
        self.copy_from(&kept)
    }

    /// Deletes all state.
    ///
    /// # Errors
    /// If the database fails; then the state is unchanged.
    pub fn reset(&self) -> Result<(), StoreError> {
        self.restore(&Self::in_memory()?.snapshot()?)
    }

    fn copy_from(&self, from: &Connection) -> Result<(), StoreError> {
        let mut connection = self.lock();
        // Copies all pages in one step, under the lock, so that no reader sees half of it.
        Backup::new(from, &mut connection)?.run_to_completion(i32::MAX, Duration::ZERO, None)?;
        self.orders().clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::NewOrganization;

    fn add(store: &Store, org_id: &str) {
        store.write(None, |tx| tx.create_organization(&NewOrganization { org_id, name: "" })).unwrap();
    }

    fn count(store: &Store) -> usize {
        store.read(|r| r.organizations()).unwrap().len()
    }

    fn snapshot_and_restore(store: &Store) {
        add(store, "1@AdobeOrg");
        let one = store.snapshot().unwrap();
        add(store, "2@AdobeOrg");
        assert_eq!(count(store), 2);
        store.restore(&one).unwrap();
        assert_eq!(count(store), 1);
        add(store, "3@AdobeOrg");
        assert_eq!(count(store), 2);
        store.reset().unwrap();
        assert_eq!(count(store), 0);
        store.restore(&one).unwrap();
        assert_eq!(count(store), 1, "a snapshot can be used again");
    }

    #[test]
    fn a_store_in_memory_is_restored() {
        snapshot_and_restore(&Store::in_memory().unwrap());
    }

    #[test]
    fn a_store_in_a_file_is_restored_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let store = Store::open(&path).unwrap();
        snapshot_and_restore(&store);
        drop(store);
        assert_eq!(count(&Store::open(&path).unwrap()), 1);
    }
}
