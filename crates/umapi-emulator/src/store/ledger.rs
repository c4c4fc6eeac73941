//! The ledger of changes: which request changed what, and when. With it a test can prove that nothing happened twice.

use rusqlite::{Row, params};

use super::{GroupId, OrgId, Reader, StoreError, Tx, UserId, UserRow, fold, stored_enum};

/// What a change is recorded under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// The id of the request (`X-Request-Id`), or another word for the source of the change.
    pub request: String,
    /// The command of an action request, counted from 0.
    pub command: Option<u32>,
    /// The step of the command, counted from 0.
    pub step: Option<u32>,
}

impl Cause {
    /// Creates the cause for a request at a time, in milliseconds since 1970.
    #[must_use]
    pub fn request(at: i64, request: impl Into<String>) -> Self {
        Self { at, request: request.into(), command: None, step: None }
    }
}

/// The kind of a change. Only changes of the state are recorded: adding a member that was in the group already is not
/// one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeKind {
    /// A user row was created.
    UserCreated,
    /// Names, address or username were changed.
    UserUpdated,
    /// A known account became a user again.
    UserJoined,
    /// A user left the organization.
    UserLeft,
    /// An account was deleted.
    UserDeleted,
    /// An account was disabled, locked, or activated.
    StatusChanged,
    /// A password reset was started.
    PasswordReset,
    /// A user was added to a group.
    MemberAdded,
    /// A user was removed from a group.
    MemberRemoved,
    /// A profile was assigned to a user group; the detail names the profile.
    ProfileAttached,
    /// A profile was unassigned from a user group; the detail names the profile.
    ProfileDetached,
    /// A group was created.
    GroupCreated,
    /// Name, description, quota or the read-only flag of a group was changed.
    GroupUpdated,
    /// A group was deleted.
    GroupDeleted,
}

stored_enum!(ChangeKind {
    UserCreated = 0,
    UserUpdated = 1,
    UserJoined = 2,
    UserLeft = 3,
    UserDeleted = 4,
    StatusChanged = 5,
    PasswordReset = 6,
    MemberAdded = 7,
    MemberRemoved = 8,
    ProfileAttached = 9,
    ProfileDetached = 10,
    GroupCreated = 11,
    GroupUpdated = 12,
    GroupDeleted = 13,
});

/// A recorded change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LedgerEntry {
    /// Its sequence number among all changes.
    pub seq: i64,
    /// The organization of the user or group.
    pub org: OrgId,
    /// What it is recorded under.
    pub cause: Cause,
    /// The kind of the change.
    pub kind: ChangeKind,
    /// The address of the user, folded, as it was before the change.
    pub user: Option<String>,
    /// The name of the group, folded, as it was before the change.
    pub group: Option<String>,
    /// Further detail.
    pub detail: Option<String>,
}

pub(super) const COLUMNS: &str =
    "SELECT l.seq, l.at, l.request, l.command, l.step, l.kind, l.user_key, l.group_key, l.detail, l.org FROM ledger l";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<LedgerEntry> {
    Ok(LedgerEntry {
        seq: row.get(0)?,
        cause: Cause { at: row.get(1)?, request: row.get(2)?, command: row.get(3)?, step: row.get(4)? },
        kind: row.get(5)?,
        user: row.get(6)?,
        group: row.get(7)?,
        detail: row.get(8)?,
        org: row.get(9)?,
    })
}

impl Reader<'_> {
    /// Returns the changes to users that have this address, or had it at the time of a change; oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub fn ledger_of_user(&self, org: OrgId, email: &str) -> Result<Vec<LedgerEntry>, StoreError> {
        // An address may change: the entries of every row that ever had it belong together.
        let sql = format!(
            "{COLUMNS} WHERE l.org = ?1 AND l.usr IN (
                SELECT usr FROM ledger WHERE org = ?1 AND user_key = ?2
                UNION SELECT id FROM user WHERE org = ?1 AND email = ?2) ORDER BY l.seq"
        );
        Ok(self.sql.prepare_cached(&sql)?.query_map(params![org, fold(email)], read)?.collect::<Result<_, _>>()?)
    }

    /// Returns the changes to one user's membership in one group; oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub fn ledger_of_membership(&self, org: OrgId, email: &str, group: &str) -> Result<Vec<LedgerEntry>, StoreError> {
        let group = fold(group);
        let mut entries = self.ledger_of_user(org, email)?;
        entries.retain(|entry| {
            matches!(entry.kind, ChangeKind::MemberAdded | ChangeKind::MemberRemoved)
                && entry.group.as_deref() == Some(&*group)
        });
        Ok(entries)
    }

    /// Returns the changes to the group that has this name, or had it at the time, including its members; oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub fn ledger_of_group(&self, org: OrgId, name: &str) -> Result<Vec<LedgerEntry>, StoreError> {
        let sql = format!("{COLUMNS} WHERE l.org = ?1 AND l.group_key = ?2 ORDER BY l.seq");
        Ok(self.sql.prepare_cached(&sql)?.query_map(params![org, fold(name)], read)?.collect::<Result<_, _>>()?)
    }

    /// Returns the changes of a request; oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub fn ledger_of_request(&self, request: &str) -> Result<Vec<LedgerEntry>, StoreError> {
        let sql = format!("{COLUMNS} WHERE l.request = ?1 ORDER BY l.seq");
        Ok(self.sql.prepare_cached(&sql)?.query_map([request], read)?.collect::<Result<_, _>>()?)
    }

    /// Returns the sequence number of the newest entry; 0 if there is none.
    ///
    /// # Errors
    /// If the database fails.
    pub fn ledger_end(&self) -> Result<i64, StoreError> {
        let end = self.sql.prepare_cached("SELECT MAX(seq) FROM ledger")?.query_row([], |row| row.get(0));
        Ok(end.map(Option::unwrap_or_default)?)
    }

    /// Returns the entries after a sequence number, oldest first; 0 is before the first.
    ///
    /// # Errors
    /// If the database fails.
    pub fn ledger_after(&self, seq: i64, limit: u32) -> Result<Vec<LedgerEntry>, StoreError> {
        let sql = format!("{COLUMNS} WHERE l.seq > ?1 ORDER BY l.seq LIMIT ?2");
        Ok(self.sql.prepare_cached(&sql)?.query_map(params![seq, limit], read)?.collect::<Result<_, _>>()?)
    }
}

/// The columns of an entry other than its cause.
#[derive(Default)]
struct Change<'a> {
    org: OrgId,
    user: Option<(UserId, &'a str)>,
    group: Option<(GroupId, &'a str)>,
    detail: Option<&'a str>,
}

impl Tx<'_> {
    pub(super) fn record_user(
        &self,
        kind: ChangeKind,
        org: OrgId,
        user: UserId,
        key: &str,
        detail: Option<&str>,
    ) -> Result<(), StoreError> {
        self.record(kind, &Change { org, user: Some((user, key)), detail, ..Change::default() })
    }

    /// Records that a password reset was started for a user.
    ///
    /// # Errors
    /// If the database fails.
    pub fn reset_password(&self, user: &UserRow) -> Result<(), StoreError> {
        self.record_user(ChangeKind::PasswordReset, user.org, user.id, &user.key(), None)
    }

    pub(super) fn record_membership(&self, kind: ChangeKind, user: &UserRow, group: GroupId) -> Result<(), StoreError> {
        if self.cause.is_none() {
            return Ok(());
        }
        let (_, name) = self.group_key(group)?;
        let change = Change {
            org: user.org,
            user: Some((user.id, &user.key())),
            group: Some((group, &name)),
            ..Change::default()
        };
        self.record(kind, &change)
    }

    pub(super) fn record_attachment(
        &self,
        kind: ChangeKind,
        group: GroupId,
        profile: GroupId,
    ) -> Result<(), StoreError> {
        if self.cause.is_none() {
            return Ok(());
        }
        let (_, profile) = self.group_key(profile)?;
        self.record_group(kind, group, Some(&profile))
    }

    pub(super) fn record_group(
        &self,
        kind: ChangeKind,
        group: GroupId,
        detail: Option<&str>,
    ) -> Result<(), StoreError> {
        if self.cause.is_none() {
            return Ok(());
        }
        let (org, name) = self.group_key(group)?;
        self.record(kind, &Change { org, group: Some((group, &name)), detail, ..Change::default() })
    }

    fn group_key(&self, group: GroupId) -> Result<(OrgId, String), StoreError> {
        Ok(self
            .sql
            .prepare_cached("SELECT org, key FROM grp WHERE id = ?1")?
            .query_row([group], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    fn record(&self, kind: ChangeKind, change: &Change<'_>) -> Result<(), StoreError> {
        let Some(cause) = &self.cause else { return Ok(()) };
        self.sql
            .prepare_cached(
                "INSERT INTO ledger (at, request, command, step, org, kind, usr, user_key, grp, group_key, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                cause.at,
                cause.request,
                cause.command,
                cause.step,
                change.org,
                kind,
                change.user.map(|(id, _)| id),
                change.user.map(|(_, key)| key),
                change.group.map(|(id, _)| id),
                change.group.map(|(_, key)| key),
                change.detail,
            ])?;
        Ok(())
    }

    /// Deletes the oldest entries beyond a number.
    pub(super) fn trim_ledger(&self, entries: u64) -> Result<(), StoreError> {
        self.sql
            .prepare_cached("DELETE FROM ledger WHERE seq <= (SELECT MAX(seq) FROM ledger) - ?1")?
            .execute([super::lists::as_i64(entries)])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        NewGroup, NewOrganization, NewProduct, Store, UserChange, UserStatus,
        testing::{named, organization, user},
    };

    #[test]
    fn a_change_is_recorded_once_with_its_step() {
        let store = Store::in_memory().unwrap();
        let (org, group, user) = store
            .write(None, |tx| {
                let org = organization(tx);
                let group = tx.create_user_group(org, &named("Design"))?;
                Ok::<_, StoreError>((org, group, user(tx, org, "a@x.com")))
            })
            .unwrap();
        let add = |request: &str| {
            store
                .write(Some(Cause::request(5, request)), |tx| {
                    tx.at_step(3, 1);
                    tx.add_member(&user, group)
                })
                .unwrap()
        };
        assert!(add("first"));
        assert!(!add("again"));
        let entries = store.read(|r| r.ledger_of_membership(org, "A@X.com", "DESIGN")).unwrap();
        assert_eq!(entries.len(), 1, "the seed and the repetition are not recorded");
        let expected = Cause { at: 5, request: "first".into(), command: Some(3), step: Some(1) };
        assert_eq!((entries[0].kind, &entries[0].cause), (ChangeKind::MemberAdded, &expected));

        let renamed = UserChange { email: Some("b@x.com"), username: Some("b@x.com"), ..UserChange::default() };
        store.write(Some(Cause::request(6, "rename")), |tx| tx.change_account(user.account, &renamed)).unwrap();
        let under = |email| store.read(|r| r.ledger_of_user(org, email)).unwrap().len();
        assert_eq!((under("a@x.com"), under("b@x.com")), (2, 2), "both addresses are the same user");
    }

    #[test]
    fn writing_the_present_value_is_not_recorded() {
        let store = Store::in_memory().unwrap();
        let (group, profile, user) = store
            .write(None, |tx| {
                let org = organization(tx);
                let product = tx.create_product(org, &NewProduct { name: "P", ..NewProduct::default() })?;
                let profile = tx.create_profile(product, &NewGroup { quota: Some(1), ..named("Profile") })?;
                let group =
                    tx.create_user_group(org, &NewGroup { description: Some("What for"), ..named("Design") })?;
                Ok::<_, StoreError>((group, profile, user(tx, org, "a@x.com")))
            })
            .unwrap();
        let change = |status, quota, read_only, description| {
            let changed = store.write(Some(Cause::request(5, "one")), |tx| {
                let before = tx.rows().ledger_end()?;
                tx.set_status(user.account, status)?;
                tx.set_quota(profile, Some(quota))?;
                tx.set_read_only(group, read_only)?;
                tx.change_group(group, None, Some(description))?;
                tx.rows().ledger_after(before, 10)
            });
            changed.unwrap().into_iter().map(|entry| (entry.kind, entry.detail.unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(change(UserStatus::Active, 1, false, "What for"), []);
        let expected = [
            (ChangeKind::StatusChanged, "locked"),
            (ChangeKind::GroupUpdated, "quota"),
            (ChangeKind::GroupUpdated, "readOnly"),
            (ChangeKind::GroupUpdated, "description"),
        ];
        let expected = expected.map(|(kind, detail)| (kind, detail.to_owned()));
        assert_eq!(change(UserStatus::Locked, 2, true, "Why not"), expected);
        assert_eq!(change(UserStatus::Locked, 2, true, "Why not"), []);
    }

    #[test]
    fn the_ledger_has_a_bound() {
        let store = Store::in_memory().unwrap();
        store.keep_ledger(2);
        for name in ["1@AdobeOrg", "2@AdobeOrg", "3@AdobeOrg"] {
            store
                .write(Some(Cause::request(0, name)), |tx| {
                    let org = tx.create_organization(&NewOrganization { org_id: name, name })?;
                    tx.create_user_group(org, &named("g"))
                })
                .unwrap();
        }
        let kept = store.read(|r| r.ledger_after(0, 10)).unwrap();
        assert_eq!(kept.iter().map(|e| e.cause.request.as_str()).collect::<Vec<_>>(), ["2@AdobeOrg", "3@AdobeOrg"]);
    }
}
