use rusqlite::{OptionalExtension, Row, params};

use super::names::outer_user_id;
use super::{DirectoryId, OrgId, Presence, Reader, StoreError, UserId, UserKind, UserStatus, fold};

/// A user's row: one account as one organization knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserRow {
    /// The row.
    pub id: UserId,
    /// The organization whose row it is.
    pub org: OrgId,
    /// The account: the same number in every organization that knows it.
    pub account: i64,
    /// The type of the account.
    pub kind: UserKind,
    /// The state of the account.
    pub status: UserStatus,
    /// How the account stands to the organization.
    pub presence: Presence,
    /// Whether it is a technical account: counted, and not listed.
    pub technical: bool,
    /// The directory that holds the account.
    pub directory: Option<DirectoryId>,
    /// The domain's row.
    pub(super) domain_id: i64,
    /// The domain, in small letters.
    pub domain: String,
    /// The address as it is spelled.
    pub email: String,
    /// The username as it is spelled; the email if there is no other.
    pub username: String,
    /// The first name.
    pub firstname: Option<String>,
    /// The last name.
    pub lastname: Option<String>,
    /// The country's two letters.
    pub country: Option<String>,
    /// The phone number.
    pub phone: Option<String>,
}

impl UserRow {
    /// Whether lists show the user.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        is_listed(self.presence, self.status, self.technical)
    }

    /// The address in the form that is compared.
    #[must_use]
    pub fn key(&self) -> String {
        fold(&self.email).into_owned()
    }
}

pub(super) fn is_listed(presence: Presence, status: UserStatus, technical: bool) -> bool {
    presence == Presence::Member && status == UserStatus::Active && !technical
}

pub(super) const COLUMNS: &str =
    "SELECT u.id, u.org, u.account, u.kind, u.status, u.presence, u.technical, u.directory, u.domain,
    (SELECT d.name FROM domain d WHERE d.id = u.domain), COALESCE(u.email_spelled, u.email),
    COALESCE(u.username_spelled, u.username, u.email_spelled, u.email),
    u.firstname, u.lastname, u.country, u.phone FROM user u";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<UserRow> {
    Ok(UserRow {
        id: row.get(0)?,
        org: row.get(1)?,
        account: row.get(2)?,
        kind: row.get(3)?,
        status: row.get(4)?,
        presence: row.get(5)?,
        technical: row.get(6)?,
        directory: row.get(7)?,
        domain_id: row.get(8)?,
        domain: row.get(9)?,
        email: row.get(10)?,
        username: row.get(11)?,
        firstname: row.get(12)?,
        lastname: row.get(13)?,
        country: row.get(14)?,
        phone: row.get(15)?,
    })
}

impl Reader<'_> {
    /// A user's row by its number.
    ///
    /// # Errors
    /// If the database fails.
    pub fn user_row(&self, id: UserId) -> Result<Option<UserRow>, StoreError> {
        Ok(self.sql.prepare_cached(&format!("{COLUMNS} WHERE u.id = ?1"))?.query_row([id], read).optional()?)
    }

    /// The row with an address: that of an Adobe ID, or that of another account.
    ///
    /// # Errors
    /// If the database fails.
    pub fn user_by_email(&self, org: OrgId, email: &str, adobe: bool) -> Result<Option<UserRow>, StoreError> {
        Ok(self
            .sql
            .prepare_cached(&format!("{COLUMNS} WHERE u.org = ?1 AND u.email = ?2 AND (kind = 0) = ?3"))?
            .query_row(params![org, fold(email), adobe], read)
            .optional()?)
    }

    /// The rows with a username that is not the address, in one directory or in all.
    ///
    /// # Errors
    /// If the database fails.
    pub fn users_by_username(
        &self,
        org: OrgId,
        username: &str,
        directory: Option<DirectoryId>,
    ) -> Result<Vec<UserRow>, StoreError> {
        Ok(self
            .sql
            .prepare_cached(&format!(
                "{COLUMNS} WHERE u.org = ?1 AND u.username = ?2 AND (?3 IS NULL OR u.directory = ?3) ORDER BY u.id"
            ))?
            .query_map(params![org, fold(username), directory], read)?
            .collect::<Result<_, _>>()?)
    }

    /// The rows of one account, in every organization that knows it.
    ///
    /// # Errors
    /// If the database fails.
    pub fn users_of_account(&self, account: i64) -> Result<Vec<UserRow>, StoreError> {
        let mut query = self.sql.prepare_cached(&format!("{COLUMNS} WHERE u.account = ?1 ORDER BY u.id"))?;
        Ok(query.query_map([account], read)?.collect::<Result<_, _>>()?)
    }

    /// The id that the service shows for a user.
    ///
    /// # Errors
    /// If the database fails.
    pub fn outer_user_id(&self, user: &UserRow) -> Result<String, StoreError> {
        let owner = match user.directory {
            Some(directory) => self.directory_owner(directory)?,
            None => self.org_id(user.org)?,
        };
        Ok(outer_user_id(user.account, user.kind, &owner))
    }

    /// The service's id of the organization that owns a directory.
    pub(super) fn directory_owner(&self, directory: DirectoryId) -> Result<String, StoreError> {
        Ok(self
            .sql
            .prepare_cached("SELECT o.org_id FROM directory d JOIN organization o ON o.id = d.org WHERE d.id = ?1")?
            .query_row([directory], |row| row.get(0))?)
    }

    pub(super) fn domain_id(&self, org: OrgId, domain: &str) -> Result<Option<i64>, StoreError> {
        Ok(self
            .sql
            .prepare_cached("SELECT id FROM domain WHERE org = ?1 AND name = ?2")?
            .query_row(params![org, fold(domain)], |row| row.get(0))
            .optional()?)
    }
}
