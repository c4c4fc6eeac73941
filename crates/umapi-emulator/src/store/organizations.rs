//! Organizations: their rows, and their settings.

use rusqlite::{OptionalExtension, Row, params};

use super::{GroupKind, NewGroup, OrgId, Reader, StoreError, Tx, UserKinds};

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Organization {
    /// Its id inside the store.
    pub id: OrgId,
    /// The service's id, `12AB@AdobeOrg`.
    pub org_id: String,
    /// Its name.
    pub name: String,
    /// Whether it is migrating: then it rejects logins and changes.
    pub migrating: bool,
    /// The kinds of users that it may create.
    pub user_kinds: UserKinds,
    /// Whether an Enterprise or Federated ID can be created with the address of an Adobe ID. If not, such a create step
    /// succeeds and creates nothing.
    pub shared_addresses: bool,
}

/// An organization to create.
#[derive(Debug, Clone, Copy)]
pub struct NewOrganization<'a> {
    /// The service's id, `12AB@AdobeOrg`.
    pub org_id: &'a str,
    /// Its name.
    pub name: &'a str,
}

const COLUMNS: &str = "SELECT id, org_id, name, migrating, user_kinds, shared_addresses FROM organization";

/// Reads an organization from the first six columns of a row, in the order of `COLUMNS`.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Organization> {
    Ok(Organization {
        id: row.get(0)?,
        org_id: row.get(1)?,
        name: row.get(2)?,
        migrating: row.get(3)?,
        user_kinds: UserKinds::from_bits(row.get(4)?),
        shared_addresses: row.get(5)?,
    })
}

impl Reader<'_> {
    /// Returns the organization with this id of the service, ignoring case.
    ///
    /// # Errors
    /// If the database fails.
    pub fn organization(&self, org_id: &str) -> Result<Option<Organization>, StoreError> {
        Ok(self.sql.prepare_cached(&format!("{COLUMNS} WHERE org_id = ?1"))?.query_row([org_id], read).optional()?)
    }

    /// Returns all organizations, in the order of their creation.
    ///
    /// # Errors
    /// If the database fails.
    pub fn organizations(&self) -> Result<Vec<Organization>, StoreError> {
        let mut query = self.sql.prepare_cached(&format!("{COLUMNS} ORDER BY id"))?;
        Ok(query.query_map([], read)?.collect::<Result<_, _>>()?)
    }

    /// Returns the service's id of an organization.
    pub(super) fn org_id(&self, org: OrgId) -> Result<String, StoreError> {
        Ok(self.sql.prepare_cached("SELECT org_id FROM organization WHERE id = ?1")?.query_row([org], |r| r.get(0))?)
    }
}

impl Tx<'_> {
    /// Creates an organization, and the three administrative groups that every organization has.
    ///
    /// # Errors
    /// If the database fails, or the id is taken.
    pub fn create_organization(&mut self, new: &NewOrganization<'_>) -> Result<OrgId, StoreError> {
        self.sql
            .prepare_cached("INSERT INTO organization (org_id, name) VALUES (?1, ?2)")?
            .execute(params![new.org_id, new.name])?;
        let org = self.sql.last_insert_rowid();
        for (kind, name) in [
            (GroupKind::SystemAdmin, "_org_admin"),
            (GroupKind::SupportAdmin, "_support_admin"),
            (GroupKind::DeploymentAdmin, "_deployment_admin"),
        ] {
            self.insert_group(org, kind, &NewGroup { name, ..NewGroup::default() }, None)?;
        }
        Ok(org)
    }

    /// Sets whether the organization is migrating.
    ///
    /// # Errors
    /// If the database fails.
    pub fn set_migrating(&self, org: OrgId, migrating: bool) -> Result<(), StoreError> {
        self.sql
            .prepare_cached("UPDATE organization SET migrating = ?2 WHERE id = ?1")?
            .execute(params![org, migrating])?;
        Ok(())
    }

    /// Sets whether an Enterprise or Federated ID can be created with the address of an Adobe ID.
    ///
    /// # Errors
    /// If the database fails.
    pub fn set_shared_addresses(&self, org: OrgId, shared: bool) -> Result<(), StoreError> {
        self.sql
            .prepare_cached("UPDATE organization SET shared_addresses = ?2 WHERE id = ?1")?
            .execute(params![org, shared])?;
        Ok(())
    }

    /// Sets the kinds of users that the organization may create.
    ///
    /// # Errors
    /// If the database fails.
    pub fn set_user_kinds(&self, org: OrgId, kinds: UserKinds) -> Result<(), StoreError> {
        self.sql
            .prepare_cached("UPDATE organization SET user_kinds = ?2 WHERE id = ?1")?
            .execute(params![org, kinds.bits()])?;
        Ok(())
    }
}
