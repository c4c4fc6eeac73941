//! Users: their rows, and every change to an account.

use rusqlite::{OptionalExtension, Row, params};

use super::{
    ChangeKind, DirectoryId, OrgId, Reader, StoreError, Tx, UserId, fold,
    lists::Scope,
    names::{adobe_account, external_user_id, spelling},
    stored_enum,
};

/// The type of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum UserKind {
    /// `adobeID`: owned by the person.
    AdobeId,
    /// `enterpriseID`: owned by the organization, with Adobe's login.
    EnterpriseId,
    /// `federatedID`: owned by the organization, with its own login.
    FederatedId,
    /// `unknown`: the service cannot determine the type.
    Unknown,
}

stored_enum!(UserKind { AdobeId = 0, EnterpriseId = 1, FederatedId = 2, Unknown = 3 });

impl UserKind {
    /// Returns the service's name for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AdobeId => "adobeID",
            Self::EnterpriseId => "enterpriseID",
            Self::FederatedId => "federatedID",
            Self::Unknown => "unknown",
        }
    }
}

/// A set of user kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserKinds(i64);

impl UserKinds {
    /// Adobe IDs, Enterprise IDs and Federated IDs.
    pub const ALL: Self = Self(0b111);

    pub(super) const fn from_bits(bits: i64) -> Self {
        Self(bits)
    }

    pub(super) const fn bits(self) -> i64 {
        self.0
    }

    /// Whether a kind is in the set.
    #[must_use]
    pub const fn contains(self, kind: UserKind) -> bool {
        self.0 & (1 << kind.number()) != 0
    }
}

impl FromIterator<UserKind> for UserKinds {
    fn from_iter<I: IntoIterator<Item = UserKind>>(kinds: I) -> Self {
        Self(kinds.into_iter().fold(0, |bits, kind| bits | 1 << kind.number()))
    }
}

/// The state of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UserStatus {
    /// In good standing. Lists show only these.
    Active,
    /// Temporarily unable to log in.
    Disabled,
    /// Permanently unable to log in.
    Locked,
    /// Being removed.
    Removed,
}

stored_enum!(UserStatus { Active = 0, Disabled = 1, Locked = 2, Removed = 3 });

impl UserStatus {
    /// Returns the service's name for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Locked => "locked",
            Self::Removed => "removed",
        }
    }
}

/// The relation of an account to an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Presence {
    /// In a directory of the organization, but not a user of it (e.g. removed without deleting the account).
    DirectoryOnly,
    /// A user of the organization.
    Member,
    /// Invited, and has not accepted.
    Invited,
}

stored_enum!(Presence { DirectoryOnly = 0, Member = 1, Invited = 2 });

/// The row of a user: one account as one organization knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserRow {
    /// The id of the row.
    pub id: UserId,
    /// The organization of the row.
    pub org: OrgId,
    /// The account: the same number in every organization that has it.
    pub account: i64,
    /// The type of the account.
    pub kind: UserKind,
    /// The state of the account.
    pub status: UserStatus,
    /// The relation of the account to the organization.
    pub presence: Presence,
    /// Whether it is a technical account, which is counted but not listed.
    pub technical: bool,
    /// The directory of the account.
    pub directory: Option<DirectoryId>,
    /// The row id of the domain.
    pub(super) domain_id: i64,
    /// The domain as it was written.
    pub domain: String,
    /// The address as it was written.
    pub email: String,
    /// The username as it was written; the email address if there is no other.
    pub username: String,
    /// The first name.
    pub firstname: Option<String>,
    /// The last name.
    pub lastname: Option<String>,
    /// The two-letter country code.
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

    /// Returns the address in the form that is compared.
    #[must_use]
    pub fn key(&self) -> String {
        fold(&self.email).into_owned()
    }
}

pub(super) fn is_listed(presence: Presence, status: UserStatus, technical: bool) -> bool {
    presence == Presence::Member && status == UserStatus::Active && !technical
}

/// The columns that [`read`] expects, of a `user u`.
pub(super) const COLUMNS: &str =
    "u.id, u.org, u.account, u.kind, u.status, u.presence, u.technical, u.directory, u.domain,
    COALESCE(u.domain_spelled, (SELECT d.name FROM domain d WHERE d.id = u.domain)), COALESCE(u.email_spelled, u.email),
    COALESCE(u.username_spelled, u.username, u.email_spelled, u.email), u.firstname, u.lastname, u.country, u.phone";

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
    /// Returns the user row with an id.
    ///
    /// # Errors
    /// If the database fails.
    pub fn user_row(&self, id: UserId) -> Result<Option<UserRow>, StoreError> {
        Ok(self
            .sql
            .prepare_cached(&format!("SELECT {COLUMNS} FROM user u WHERE u.id = ?1"))?
            .query_row([id], read)
            .optional()?)
    }

    /// Returns the row with an address: of the Adobe ID, or of the organization's own account.
    ///
    /// # Errors
    /// If the database fails.
    pub fn user_by_email(&self, org: OrgId, email: &str, adobe: bool) -> Result<Option<UserRow>, StoreError> {
        Ok(self
            .sql
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM user u WHERE u.org = ?1 AND u.email = ?2 AND (kind = 0) = ?3"
            ))?
            .query_row(params![org, fold(email), adobe], read)
            .optional()?)
    }

    /// Returns the rows with a username other than the address, in one directory or in all.
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
                "SELECT {COLUMNS} FROM user u WHERE u.org = ?1 AND u.username = ?2 AND (?3 IS NULL OR u.directory = ?3) ORDER BY u.id"
            ))?
            .query_map(params![org, fold(username), directory], read)?
            .collect::<Result<_, _>>()?)
    }

    /// Passes every user of an organization to `take`, in an order in which a seed gives the same users the licenses of a
    /// profile: those who are in a profile whose licenses do not suffice come first, in the order in which they joined.
    pub(crate) fn each_user_to_seed(
        &self,
        org: OrgId,
        mut take: impl FnMut(UserRow) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut query = self.sql.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM user u LEFT JOIN (
                SELECT m.usr AS usr, MIN(m.since) AS since FROM membership m JOIN grp g ON g.id = m.grp
                WHERE g.org = ?1 AND g.kind = 1 AND g.quota IS NOT NULL AND g.members > g.licensed GROUP BY m.usr
             ) w ON w.usr = u.id
             WHERE u.org = ?1 ORDER BY w.since IS NULL, w.since, u.id"
        ))?;
        let mut rows = query.query([org])?;
        while let Some(row) = rows.next()? {
            take(read(row)?)?;
        }
        Ok(())
    }

    /// Returns the rows of one account, in every organization that has it.
    ///
    /// # Errors
    /// If the database fails.
    pub fn users_of_account(&self, account: i64) -> Result<Vec<UserRow>, StoreError> {
        let mut query =
            self.sql.prepare_cached(&format!("SELECT {COLUMNS} FROM user u WHERE u.account = ?1 ORDER BY u.id"))?;
        Ok(query.query_map([account], read)?.collect::<Result<_, _>>()?)
    }

    /// Returns the id that the service shows for a user.
    ///
    /// # Errors
    /// If the database fails.
    pub fn external_user_id(&self, user: &UserRow) -> Result<String, StoreError> {
        let owner = match user.directory {
            Some(directory) => self.directory_owner(directory)?,
            None => self.org_id(user.org)?,
        };
        Ok(external_user_id(user.account, user.kind, &owner))
    }

    /// Returns the service's id of the organization that owns a directory.
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

/// A user row to create.
#[derive(Debug, Clone, Copy)]
pub struct NewUser<'a> {
    /// The type of the account.
    pub kind: UserKind,
    /// The state of the account.
    pub status: UserStatus,
    /// The relation of the account to the organization.
    pub presence: Presence,
    /// Whether it is a technical account.
    pub technical: bool,
    /// The account, if another organization has it already.
    pub account: Option<i64>,
    /// The directory of the account.
    pub directory: Option<DirectoryId>,
    /// The domain.
    pub domain: &'a str,
    /// The address.
    pub email: &'a str,
    /// The username, if it is not the address.
    pub username: Option<&'a str>,
    /// The first name.
    pub firstname: Option<&'a str>,
    /// The last name.
    pub lastname: Option<&'a str>,
    /// The two-letter country code.
    pub country: Option<&'a str>,
    /// The phone number.
    pub phone: Option<&'a str>,
}

impl<'a> NewUser<'a> {
    /// An active user of the organization with this address.
    #[must_use]
    pub fn member(kind: UserKind, email: &'a str, domain: &'a str) -> Self {
        Self {
            kind,
            status: UserStatus::Active,
            presence: Presence::Member,
            technical: false,
            account: None,
            directory: None,
            domain,
            email,
            username: None,
            firstname: None,
            lastname: None,
            country: None,
            phone: None,
        }
    }
}

/// A change of an account; `None` keeps the present value.
#[derive(Debug, Clone, Copy, Default)]
pub struct UserChange<'a> {
    /// The new address.
    pub email: Option<&'a str>,
    /// The new username.
    pub username: Option<&'a str>,
    /// The new domain.
    pub domain: Option<&'a str>,
    /// The new first name.
    pub firstname: Option<&'a str>,
    /// The new last name.
    pub lastname: Option<&'a str>,
}

impl Tx<'_> {
    /// Creates a user row.
    ///
    /// # Errors
    /// If the database fails, or the address or username is taken.
    pub fn create_user(&mut self, org: OrgId, new: &NewUser<'_>) -> Result<UserId, StoreError> {
        let email = fold(new.email);
        let username = new.username.map(fold).filter(|username| *username != email);
        // A username that differs from the address in case only is a spelling of it.
        let username_spelled = new
            .username
            .filter(|spelled| username.as_deref() != Some(*spelled) && (username.is_some() || *spelled != new.email));
        let account = match (new.account, new.kind) {
            (Some(account), _) => account,
            (None, UserKind::AdobeId) => adobe_account(&email),
            (None, _) => 0,
        };
        let domain = self.intern_domain(org, new.domain)?;
        let listed = is_listed(new.presence, new.status, new.technical);
        self.sql
            .prepare_cached(
                "INSERT INTO user (org, account, kind, status, presence, technical, listed, directory, domain, email,
                    email_spelled, username, username_spelled, firstname, lastname, country, phone, domain_spelled)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
            )?
            .execute(params![
                org,
                // The account of a new directory user is the id of this row, which is not known yet.
                if account == 0 { self.next_user_id()? } else { account },
                new.kind,
                new.status,
                new.presence,
                new.technical,
                listed,
                new.directory,
                domain,
                email,
                spelling(new.email, &email),
                username,
                username_spelled,
                new.firstname,
                new.lastname,
                new.country,
                new.phone,
                spelling(new.domain, &fold(new.domain)),
            ])?;
        let id = self.sql.last_insert_rowid();
        self.cache.next_user = Some(id + 1);
        self.touch(Scope::Organization(org), id);
        self.touch(Scope::Domain(domain), id);
        self.record_user(ChangeKind::UserCreated, org, id, &email, Some(new.kind.as_str()))?;
        Ok(id)
    }

    fn next_user_id(&self) -> Result<UserId, StoreError> {
        if let Some(next) = self.cache.next_user {
            return Ok(next);
        }
        Ok(self
            .sql
            .prepare_cached("SELECT 1 + COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'user'), 0)")?
            .query_row([], |row| row.get(0))?)
    }

    fn intern_domain(&mut self, org: OrgId, domain: &str) -> Result<i64, StoreError> {
        let key = (org, fold(domain).into_owned());
        if let Some(id) = self.cache.domains.get(&key) {
            return Ok(*id);
        }
        let id = match self.rows().domain_id(org, domain)? {
            Some(id) => id,
            None => {
                self.sql
                    .prepare_cached("INSERT INTO domain (org, name) VALUES (?1, ?2)")?
                    .execute(params![org, key.1])?;
                self.sql.last_insert_rowid()
            }
        };
        self.cache.domains.insert(key, id);
        Ok(id)
    }

    /// Changes an account, in every organization that has it.
    ///
    /// # Errors
    /// If the database fails, or the new address or username is taken.
    pub fn change_account(&mut self, account: i64, change: &UserChange<'_>) -> Result<(), StoreError> {
        for user in self.rows().users_of_account(account)? {
            self.change_row(&user, change)?;
        }
        Ok(())
    }

    fn change_row(&mut self, user: &UserRow, change: &UserChange<'_>) -> Result<(), StoreError> {
        let spelled_email = change.email.unwrap_or(&user.email);
        let spelled_username = change.username.unwrap_or(&user.username);
        let (email, username) = (fold(spelled_email), fold(spelled_username));
        let same_name = username == email;
        let spelled_domain = change.domain.unwrap_or(&user.domain);
        let domain = self.intern_domain(user.org, spelled_domain)?;
        self.sql
            .prepare_cached(
                "UPDATE user SET email = ?2, email_spelled = ?3, username = ?4, username_spelled = ?5, domain = ?6,
                    domain_spelled = ?7, firstname = COALESCE(?8, firstname), lastname = COALESCE(?9, lastname)
                 WHERE id = ?1",
            )?
            .execute(params![
                user.id,
                email,
                spelling(spelled_email, &email),
                (!same_name).then_some(&username),
                if same_name {
                    spelling(spelled_username, spelled_email)
                } else {
                    spelling(spelled_username, &username)
                },
                domain,
                spelling(spelled_domain, &fold(spelled_domain)),
                change.firstname,
                change.lastname,
            ])?;
        if email != fold(&user.email) || domain != user.domain_id {
            for scope in [Scope::Organization(user.org), Scope::Domain(user.domain_id), Scope::Domain(domain)] {
                self.touch(scope, user.id);
            }
            for membership in self.rows().memberships(user.id)? {
                self.touch(Scope::Group(membership.group), user.id);
            }
        }
        let written = [
            ("email", change.email, Some(&*user.email)),
            ("username", change.username, Some(&*user.username)),
            ("firstname", change.firstname, user.firstname.as_deref()),
            ("lastname", change.lastname, user.lastname.as_deref()),
        ];
        let differs = |(field, new, old): &(&str, Option<&str>, Option<&str>)| {
            new.filter(|_| new != old).map(|new| format!("{field}={new}"))
        };
        let detail: Vec<_> = written.iter().filter_map(differs).collect();
        if detail.is_empty() {
            return Ok(());
        }
        self.record_user(ChangeKind::UserUpdated, user.org, user.id, &user.key(), Some(&detail.join(" ")))
    }

    /// Sets the state of an account, in every organization that has it.
    ///
    /// # Errors
    /// If the database fails.
    pub fn set_status(&mut self, account: i64, status: UserStatus) -> Result<(), StoreError> {
        for user in self.rows().users_of_account(account)?.into_iter().filter(|user| user.status != status) {
            self.set_state(&user, status, user.presence)?;
            self.record_user(ChangeKind::StatusChanged, user.org, user.id, &user.key(), Some(status.as_str()))?;
        }
        Ok(())
    }

    /// Creates a known account a user of the organization.
    ///
    /// # Errors
    /// If the database fails.
    pub fn join(&mut self, user: &UserRow) -> Result<(), StoreError> {
        self.set_state(user, user.status, Presence::Member)?;
        self.record_user(ChangeKind::UserJoined, user.org, user.id, &user.key(), None)
    }

    /// Removes a user from the organization and from all its groups. The account stays in its directory if the
    /// organization owns the directory; otherwise the organization's row is deleted.
    ///
    /// # Errors
    /// If the database fails.
    pub fn leave(&mut self, user: &UserRow) -> Result<(), StoreError> {
        self.remove_all_memberships(user)?;
        let owned = match user.directory {
            Some(directory) => self.rows().directory(directory)?.is_some_and(|d| d.org == user.org),
            None => false,
        };
        self.set_state(user, user.status, Presence::DirectoryOnly)?;
        if !owned {
            self.delete_row(user.id)?;
        }
        self.record_user(ChangeKind::UserLeft, user.org, user.id, &user.key(), None)
    }

    /// Creates a user one that was invited and has not accepted: not a user of the organization, and in none of its
    /// groups.
    ///
    /// # Errors
    /// If the database fails.
    pub fn invite(&mut self, user: &UserRow) -> Result<(), StoreError> {
        self.remove_all_memberships(user)?;
        self.set_state(user, user.status, Presence::Invited)?;
        self.record_user(ChangeKind::StatusChanged, user.org, user.id, &user.key(), Some("invited"))
    }

    /// Deletes an account, in every organization that has it.
    ///
    /// # Errors
    /// If the database fails.
    pub fn delete_account(&mut self, account: i64) -> Result<(), StoreError> {
        for user in self.rows().users_of_account(account)? {
            self.remove_all_memberships(&user)?;
            self.set_state(&user, user.status, Presence::DirectoryOnly)?;
            self.delete_row(user.id)?;
            self.record_user(ChangeKind::UserDeleted, user.org, user.id, &user.key(), None)?;
        }
        Ok(())
    }

    fn delete_row(&self, id: UserId) -> Result<(), StoreError> {
        self.sql.prepare_cached("DELETE FROM user WHERE id = ?1")?.execute([id])?;
        Ok(())
    }

    /// Sets status and presence, and updates the lists that the user is in.
    fn set_state(&mut self, user: &UserRow, status: UserStatus, presence: Presence) -> Result<(), StoreError> {
        let listed = is_listed(presence, status, user.technical);
        self.sql
            .prepare_cached("UPDATE user SET status = ?2, presence = ?3, listed = ?4 WHERE id = ?1")?
            .execute(params![user.id, status, presence, listed])?;
        self.touch(Scope::Organization(user.org), user.id);
        self.touch(Scope::Domain(user.domain_id), user.id);
        self.hide_memberships(user.id, status != UserStatus::Active)
    }
}
