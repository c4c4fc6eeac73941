//! Directories, the domains they claim, and the organizations they trust.

use rusqlite::{OptionalExtension, Row, params};

use super::{DirectoryId, OrgId, Reader, StoreError, Tx, fold};

/// A directory: the accounts of some domains, and how they log in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Directory {
    /// Its id inside the store.
    pub id: DirectoryId,
    /// The organization that owns it.
    pub org: OrgId,
    /// Its name.
    pub name: String,
    /// Whether its accounts are Federated IDs; otherwise they are Enterprise IDs.
    pub federated: bool,
    /// Whether its accounts log in with a username instead of their email address.
    pub username_login: bool,
    /// Whether another sync owns its accounts, so that the service cannot create any.
    pub synced: bool,
}

/// A directory to create.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewDirectory<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether its accounts are Federated IDs.
    pub federated: bool,
    /// Whether its accounts log in with a username.
    pub username_login: bool,
    /// Whether another sync owns its accounts.
    pub synced: bool,
}

/// A domain claimed by a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Domain {
    /// Its name, in lower case.
    pub name: String,
    /// Whether Adobe IDs with addresses in this domain are rejected.
    pub enforced: bool,
}

/// A claimed domain, as one organization sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claim {
    /// The directory that claims the domain.
    pub directory: Directory,
    /// Whether Adobe IDs with addresses in this domain are rejected.
    pub enforced: bool,
    /// Whether the organization owns the directory.
    pub owned: bool,
    /// Whether the organization may use a directory that another one owns.
    pub trusted: bool,
}

const COLUMNS: &str = "d.id, d.org, d.name, d.federated, d.username_login, d.synced";

fn read(row: &Row<'_>) -> rusqlite::Result<Directory> {
    Ok(Directory {
        id: row.get(0)?,
        org: row.get(1)?,
        name: row.get(2)?,
        federated: row.get(3)?,
        username_login: row.get(4)?,
        synced: row.get(5)?,
    })
}

impl Reader<'_> {
    /// Returns the claim on a domain, as one organization sees it.
    ///
    /// # Errors
    /// If the database fails.
    pub fn claim(&self, org: OrgId, domain: &str) -> Result<Option<Claim>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, c.enforced, d.org = ?2,
                    EXISTS (SELECT 1 FROM trust t WHERE t.directory = d.id AND t.org = ?2)
             FROM claim c JOIN directory d ON d.id = c.directory WHERE c.domain = ?1"
        );
        let claim = |row: &Row<'_>| {
            Ok(Claim { directory: read(row)?, enforced: row.get(6)?, owned: row.get(7)?, trusted: row.get(8)? })
        };
        Ok(self.sql.prepare_cached(&sql)?.query_row(params![fold(domain), org], claim).optional()?)
    }

    /// Returns a directory.
    ///
    /// # Errors
    /// If the database fails.
    pub fn directory(&self, id: DirectoryId) -> Result<Option<Directory>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM directory d WHERE d.id = ?1");
        Ok(self.sql.prepare_cached(&sql)?.query_row([id], read).optional()?)
    }

    /// Returns the directories that an organization owns.
    ///
    /// # Errors
    /// If the database fails.
    pub fn directories(&self, org: OrgId) -> Result<Vec<Directory>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM directory d WHERE d.org = ?1 ORDER BY d.id");
        Ok(self.sql.prepare_cached(&sql)?.query_map([org], read)?.collect::<Result<_, _>>()?)
    }

    /// Returns the domains that a directory claims.
    ///
    /// # Errors
    /// If the database fails.
    pub fn domains(&self, directory: DirectoryId) -> Result<Vec<Domain>, StoreError> {
        let mut query =
            self.sql.prepare_cached("SELECT domain, enforced FROM claim WHERE directory = ?1 ORDER BY domain")?;
        let read = |row: &Row<'_>| Ok(Domain { name: row.get(0)?, enforced: row.get(1)? });
        Ok(query.query_map([directory], read)?.collect::<Result<_, _>>()?)
    }

    /// Returns the ids of the organizations that may use a directory of another one.
    ///
    /// # Errors
    /// If the database fails.
    pub fn trustees(&self, directory: DirectoryId) -> Result<Vec<String>, StoreError> {
        let mut query = self.sql.prepare_cached(
            "SELECT o.org_id FROM trust t JOIN organization o ON o.id = t.org WHERE t.directory = ?1 ORDER BY o.id",
        )?;
        Ok(query.query_map([directory], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }
}

impl Tx<'_> {
    /// Creates a directory.
    ///
    /// # Errors
    /// If the database fails.
    pub fn create_directory(&self, org: OrgId, new: &NewDirectory<'_>) -> Result<DirectoryId, StoreError> {
        self.sql
            .prepare_cached(
                "INSERT INTO directory (org, name, federated, username_login, synced) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![org, new.name, new.federated, new.username_login, new.synced])?;
        Ok(self.sql.last_insert_rowid())
    }

    /// Claims a domain for a directory.
    ///
    /// # Errors
    /// If the database fails, or the domain is already claimed.
    pub fn claim_domain(&self, directory: DirectoryId, domain: &str, enforced: bool) -> Result<(), StoreError> {
        self.sql
            .prepare_cached("INSERT INTO claim (domain, directory, enforced) VALUES (?1, ?2, ?3)")?
            .execute(params![fold(domain), directory, enforced])?;
        Ok(())
    }

    /// Allows another organization to use a directory.
    ///
    /// # Errors
    /// If the database fails.
    pub fn trust(&self, directory: DirectoryId, trustee: OrgId) -> Result<(), StoreError> {
        self.sql
            .prepare_cached("INSERT OR IGNORE INTO trust (directory, org) VALUES (?1, ?2)")?
            .execute(params![directory, trustee])?;
        Ok(())
    }

    /// Sets whether Adobe IDs with addresses in a claimed domain are rejected.
    ///
    /// # Errors
    /// If the database fails.
    pub fn set_enforced(&self, domain: &str, enforced: bool) -> Result<(), StoreError> {
        self.sql
            .prepare_cached("UPDATE claim SET enforced = ?2 WHERE domain = ?1")?
            .execute(params![fold(domain), enforced])?;
        Ok(())
    }

    /// Releases a domain that a directory claims; its accounts stay. Returns whether it was claimed.
    ///
    /// # Errors
    /// If the database fails.
    pub fn release_domain(&self, directory: DirectoryId, domain: &str) -> Result<bool, StoreError> {
        let gone = self
            .sql
            .prepare_cached("DELETE FROM claim WHERE domain = ?1 AND directory = ?2")?
            .execute(params![fold(domain), directory])?;
        Ok(gone == 1)
    }

    /// Ends another organization's use of a directory; accounts that it added stay. Returns whether it was trusted.
    ///
    /// # Errors
    /// If the database fails.
    pub fn distrust(&self, directory: DirectoryId, trustee: OrgId) -> Result<bool, StoreError> {
        let gone = self
            .sql
            .prepare_cached("DELETE FROM trust WHERE directory = ?1 AND org = ?2")?
            .execute(params![directory, trustee])?;
        Ok(gone == 1)
    }

    /// Sets whether another sync owns the accounts of a directory.
    ///
    /// # Errors
    /// If the database fails.
    pub fn set_synced(&self, directory: DirectoryId, synced: bool) -> Result<(), StoreError> {
        self.sql
            .prepare_cached("UPDATE directory SET synced = ?2 WHERE id = ?1")?
            .execute(params![directory, synced])?;
        Ok(())
    }
}
