//! Small values stored under a name, e.g. the key that signs access tokens.

use rusqlite::{OptionalExtension, params};

use super::{Reader, StoreError, Tx};

impl Reader<'_> {
    /// Returns the value stored under a name.
    ///
    /// # Errors
    /// If the database fails.
    pub fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self
            .sql
            .prepare_cached("SELECT value FROM setting WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?)
    }
}

impl Tx<'_> {
    /// Stores a value under a name, replacing an earlier one.
    ///
    /// # Errors
    /// If the database fails.
    pub fn set_setting(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        self.sql
            .prepare_cached("INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)")?
            .execute(params![name, value])?;
        Ok(())
    }
}
