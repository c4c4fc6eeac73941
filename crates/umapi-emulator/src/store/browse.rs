//! Pages for people: users, groups, members and changes in an order that an index has, from any position. A page costs the
//! same at a million users as at ten, and whether it was requested before or not.

use rusqlite::params;

use super::{
    GroupId, GroupKind, GroupRow, LedgerEntry, MemberClass, OrgId, Reader, StoreError, UserId, UserRow, fold, groups,
    ledger, users,
};

/// The first entry of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BrowseFrom<P> {
    Start,
    /// The entries after this position.
    After(P),
    /// The entries before this position, nearest last.
    Before(P),
}

/// The position of a user: the folded address, and whether it is an Adobe ID, which can share its address.
pub(crate) type UserPosition<'a> = (&'a str, bool);

/// A member of a group, and its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) user: UserRow,
    pub(crate) class: MemberClass,
    /// Orders those who wait for a license.
    pub(crate) since: i64,
}

/// A number of rows for SQLite.
fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// No text is greater: UTF-8 has no greater character.
const LAST: char = '\u{10FFFF}';

impl Reader<'_> {
    /// Returns users of an organization in any state whose address begins with a text, ordered by address.
    pub(crate) fn browse_users(
        &self,
        org: OrgId,
        prefix: &str,
        from: BrowseFrom<UserPosition<'_>>,
        most: usize,
    ) -> Result<Vec<UserRow>, StoreError> {
        let prefix = fold(prefix);
        let end = format!("{prefix}{LAST}");
        let columns = users::COLUMNS;
        let (sql, low, high, adobe) = match from {
            BrowseFrom::Start | BrowseFrom::After(_) => {
                let (email, adobe) = match from {
                    BrowseFrom::After((email, adobe)) => (email, i64::from(adobe)),
                    _ => ("", -1),
                };
                let low = if email > &*prefix { email } else { &*prefix };
                let sql = format!(
                    "SELECT {columns} FROM user u WHERE u.org = ?1 AND u.email >= ?2 AND u.email < ?3
                     AND NOT (u.email = ?2 AND (kind = 0) <= ?4) ORDER BY u.email, (kind = 0) LIMIT ?5"
                );
                (sql, low.to_owned(), end, adobe)
            }
            BrowseFrom::Before((email, adobe)) => {
                let sql = format!(
                    "SELECT {columns} FROM user u WHERE u.org = ?1 AND u.email >= ?2 AND u.email <= ?3
                     AND NOT (u.email = ?3 AND (kind = 0) >= ?4) ORDER BY u.email DESC, (kind = 0) DESC LIMIT ?5"
                );
                (sql, prefix.into_owned(), email.to_owned(), i64::from(adobe))
            }
        };
        let mut query = self.sql.prepare_cached(&sql)?;
        let found = query.query_map(params![org, low, high, adobe, limit(most)], users::read)?;
        let mut found = found.collect::<Result<Vec<_>, _>>()?;
        if matches!(from, BrowseFrom::Before(_)) {
            found.reverse();
        }
        Ok(found)
    }

    /// Returns users of an organization whose username, which is not their address, begins with a text.
    pub(crate) fn browse_usernames(&self, org: OrgId, prefix: &str, most: usize) -> Result<Vec<UserRow>, StoreError> {
        let prefix = fold(prefix);
        let mut query = self.sql.prepare_cached(&format!(
            "SELECT {} FROM user u WHERE u.org = ?1 AND u.username >= ?2 AND u.username < ?3
             ORDER BY u.username, u.directory LIMIT ?4",
            users::COLUMNS
        ))?;
        let found = query.query_map(params![org, prefix, format!("{prefix}{LAST}"), limit(most)], users::read)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Counts the users of an organization in any state, up to a number.
    pub(crate) fn count_users(&self, org: OrgId, most: usize) -> Result<usize, StoreError> {
        let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM user WHERE org = ?1 LIMIT ?2)";
        let counted: u32 = self.sql.prepare_cached(sql)?.query_row(params![org, limit(most)], |row| row.get(0))?;
        Ok(counted as usize)
    }

    /// Returns groups of some kinds whose name begins with a text, ordered by name. The position is the folded name.
    pub(crate) fn browse_groups(
        &self,
        org: OrgId,
        kinds: &[GroupKind],
        prefix: &str,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<GroupRow>, StoreError> {
        let prefix = fold(prefix);
        let kinds = kinds.iter().fold(0, |bits, kind| bits | 1 << kind.number());
        let mut query = self.sql.prepare_cached(&format!(
            "{} WHERE g.org = ?1 AND g.key >= ?2 AND g.key < ?3 AND g.key > ?4 AND (1 << g.kind) & ?5
             ORDER BY g.key LIMIT ?6",
            groups::COLUMNS
        ))?;
        let end = format!("{prefix}{LAST}");
        let found =
            query.query_map(params![org, prefix, end, after.unwrap_or(""), kinds, limit(most)], groups::read)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Returns members of a group, listed or not, in the order of the index: by class, and then by id.
    pub(crate) fn browse_members(
        &self,
        group: GroupId,
        after: Option<(i64, UserId)>,
        most: usize,
    ) -> Result<Vec<Member>, StoreError> {
        let sql = format!(
            "SELECT {}, m.class, m.since FROM membership m CROSS JOIN user u ON u.id = m.usr
             WHERE m.grp = ?1 AND (m.class, m.usr) > (?2, ?3) ORDER BY m.class, m.usr LIMIT ?4",
            users::COLUMNS
        );
        let (class, user) = after.unwrap_or((-1, -1));
        self.members_by(&sql, params![group, class, user, limit(most)])
    }

    /// Returns those who wait for a license of a profile, longest first.
    pub(crate) fn browse_waiting(
        &self,
        profile: GroupId,
        after: Option<i64>,
        most: usize,
    ) -> Result<Vec<Member>, StoreError> {
        let sql = format!(
            "SELECT {}, m.class, m.since FROM membership m CROSS JOIN user u ON u.id = m.usr
             WHERE m.grp = ?1 AND m.class & 2 AND m.since > ?2 ORDER BY m.since LIMIT ?3",
            users::COLUMNS
        );
        self.members_by(&sql, params![profile, after.unwrap_or(-1), limit(most)])
    }

    fn members_by(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<Member>, StoreError> {
        let mut query = self.sql.prepare_cached(sql)?;
        let read =
            |row: &rusqlite::Row<'_>| Ok(Member { user: users::read(row)?, class: row.get(16)?, since: row.get(17)? });
        Ok(query.query_map(params, read)?.collect::<Result<_, _>>()?)
    }

    /// Returns the newest changes of one user, newest first.
    pub(crate) fn newest_changes_of_user(&self, user: UserId, most: usize) -> Result<Vec<LedgerEntry>, StoreError> {
        let sql = format!("{} WHERE l.usr = ?1 ORDER BY l.seq DESC LIMIT ?2", ledger::COLUMNS);
        Ok(self
            .sql
            .prepare_cached(&sql)?
            .query_map(params![user, limit(most)], ledger::read)?
            .collect::<Result<_, _>>()?)
    }

    /// Returns the newest changes of the group that has a name, and of its members, newest first.
    pub(crate) fn newest_changes_of_group(
        &self,
        org: OrgId,
        name: &str,
        most: usize,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        let sql = format!("{} WHERE l.org = ?1 AND l.group_key = ?2 ORDER BY l.seq DESC LIMIT ?3", ledger::COLUMNS);
        let mut query = self.sql.prepare_cached(&sql)?;
        Ok(query.query_map(params![org, fold(name), limit(most)], ledger::read)?.collect::<Result<_, _>>()?)
    }

    /// Returns the changes of a request in a range of the ledger, which ends with the second number; oldest first.
    pub(crate) fn changes_in(
        &self,
        (after, up_to): (i64, i64),
        request: &str,
        most: usize,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        let sql =
            format!("{} WHERE l.seq > ?1 AND l.seq <= ?2 AND +l.request = ?3 ORDER BY l.seq LIMIT ?4", ledger::COLUMNS);
        let mut query = self.sql.prepare_cached(&sql)?;
        Ok(query.query_map(params![after, up_to, request, limit(most)], ledger::read)?.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        NewGroup, NewProduct, NewUser, Store, UserKind,
        testing::{named, organization, user},
    };

    fn emails(users: &[UserRow]) -> Vec<&str> {
        users.iter().map(|user| user.email.as_str()).collect()
    }

    #[test]
    fn users_are_paged_in_both_directions() {
        let store = Store::in_memory().unwrap();
        let org = store
            .write(None, |tx| {
                let org = organization(tx);
                for email in ["Bob@x.com", "ann@x.com", "eve@y.com", "a%@x.com"] {
                    user(tx, org, email);
                }
                tx.create_user(org, &NewUser::member(UserKind::FederatedId, "ann@x.com", "x.com"))?;
                tx.create_user(
                    org,
                    &NewUser { username: Some("kid"), ..NewUser::member(UserKind::FederatedId, "zoe@x.com", "x.com") },
                )?;
                Ok::<_, StoreError>(org)
            })
            .unwrap();
        let browse = |prefix: &str, from| store.read(|r| r.browse_users(org, prefix, from, 2)).unwrap();
        let first = browse("", BrowseFrom::Start);
        assert_eq!(emails(&first), ["a%@x.com", "ann@x.com"]);
        assert_eq!(first[1].kind, UserKind::FederatedId);
        let second = browse("", BrowseFrom::After(("ann@x.com", false)));
        assert_eq!(emails(&second), ["ann@x.com", "Bob@x.com"]);
        assert_eq!(second[0].kind, UserKind::AdobeId, "the shared address is on two pages");
        assert_eq!(browse("", BrowseFrom::Before(("ann@x.com", true))), first);
        assert_eq!(emails(&browse("AN", BrowseFrom::Start)), ["ann@x.com", "ann@x.com"]);
        assert_eq!(emails(&browse("an", BrowseFrom::After(("ann@x.com", true)))), [""; 0]);
        assert_eq!(emails(&browse("%", BrowseFrom::Start)), [""; 0], "no pattern");
        let found = store.read(|r| r.browse_usernames(org, "K", 9)).unwrap();
        assert_eq!(emails(&found), ["zoe@x.com"]);
        assert_eq!(store.read(|r| r.count_users(org, 3)).unwrap(), 3);
    }

    #[test]
    fn groups_members_and_those_who_wait_are_paged() {
        let store = Store::in_memory().unwrap();
        store
            .write(None, |tx| {
                let org = organization(tx);
                let product = tx.create_product(org, &NewProduct { name: "P", ..NewProduct::default() })?;
                let profile = tx.create_profile(product, &NewGroup { quota: Some(1), ..named("Profile") })?;
                for name in ["Beta", "alpha", "Gamma"] {
                    tx.create_user_group(org, &named(name))?;
                }
                for email in ["c@x.com", "a@x.com", "b@x.com"] {
                    let user = user(tx, org, email);
                    tx.add_member(&user, profile)?;
                }
                let r = tx.rows();
                let names = |after, prefix| {
                    let found = r.browse_groups(org, &[GroupKind::UserGroup], prefix, after, 2).unwrap();
                    found.into_iter().map(|group| group.name).collect::<Vec<_>>()
                };
                assert_eq!(names(None, ""), ["alpha", "Beta"]);
                assert_eq!(names(Some("beta"), ""), ["Gamma"]);
                assert_eq!(names(None, "GA"), ["Gamma"]);
                let all = r.browse_members(profile, None, 2)?;
                let last = all[1].user.id;
                let rest = r.browse_members(profile, Some((all[1].class.number(), last)), 9)?;
                assert_eq!((all.len(), rest.len(), all[0].user.email.as_str()), (2, 1, "c@x.com"));
                let waiting = r.browse_waiting(profile, None, 1)?;
                assert_eq!(waiting[0].user.email, "a@x.com");
                let rest = r.browse_waiting(profile, Some(waiting[0].since), 9)?;
                assert_eq!(rest.iter().map(|member| member.user.email.as_str()).collect::<Vec<_>>(), ["b@x.com"]);
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }

    /// The query plans: a scan of all users would be slow at a million.
    #[test]
    fn every_page_uses_an_index_and_sorts_nothing() {
        let store = Store::in_memory().unwrap();
        let store = store.lock();
        for sql in [
            "SELECT * FROM user u WHERE u.org = 1 AND u.email >= 'a' AND u.email < 'b'
             AND NOT (u.email = 'a' AND (kind = 0) <= 0) ORDER BY u.email, (kind = 0) LIMIT 9",
            "SELECT * FROM user u WHERE u.org = 1 AND u.email >= 'a' AND u.email <= 'b'
             AND NOT (u.email = 'a' AND (kind = 0) >= 0) ORDER BY u.email DESC, (kind = 0) DESC LIMIT 9",
            "SELECT * FROM user u WHERE u.org = 1 AND u.username >= 'a' AND u.username < 'b'
             ORDER BY u.username, u.directory LIMIT 9",
            "SELECT * FROM membership m CROSS JOIN user u ON u.id = m.usr
             WHERE m.grp = 1 AND (m.class, m.usr) > (1, 1) ORDER BY m.class, m.usr LIMIT 9",
            "SELECT * FROM membership m CROSS JOIN user u ON u.id = m.usr
             WHERE m.grp = 1 AND m.class & 2 AND m.since > 1 ORDER BY m.since LIMIT 9",
            "SELECT * FROM ledger l WHERE l.usr = 1 ORDER BY l.seq DESC LIMIT 9",
            "SELECT * FROM ledger l WHERE l.org = 1 AND l.group_key = 'x' ORDER BY l.seq DESC LIMIT 9",
            "SELECT * FROM ledger l WHERE l.seq > 1 AND l.seq <= 9 AND +l.request = 'x' ORDER BY l.seq LIMIT 9",
        ] {
            let mut plan = store.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps = plan.query_map([], |row| row.get::<_, String>(3)).unwrap();
            for step in steps.map(Result::unwrap) {
                assert!(step.starts_with("SEARCH"), "{sql}: {step}");
            }
        }
    }
}
