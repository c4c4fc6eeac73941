//! Access tokens and login ids: which were used or revoked, and the state of a client and its token.

use rusqlite::{OptionalExtension, params};

use super::{Organization, Reader, StoreError, Tx, organizations};

/// What an id is spent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spent {
    /// The `jti` of a login JWT; the owner is the client id.
    Jti,
    /// A revoked access token; the owner is the client id.
    Token,
}

impl Spent {
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Jti => 0,
            Self::Token => 1,
        }
    }
}

impl Reader<'_> {
    /// Whether an id was spent.
    ///
    /// # Errors
    /// If the database fails.
    pub fn is_spent(&self, kind: Spent, owner: &str, id: &str) -> Result<bool, StoreError> {
        Ok(self
            .sql
            .prepare_cached("SELECT 1 FROM spent WHERE kind = ?1 AND owner = ?2 AND id = ?3")?
            .exists(params![kind.number(), owner, id])?)
    }
}

impl Tx<'_> {
    /// Spends an id until a moment (seconds since 1970), and forgets those whose moment is before `now`.
    /// Answers whether it was new.
    ///
    /// # Errors
    /// If the database fails.
    pub fn spend(&self, kind: Spent, owner: &str, id: &str, until: i64, now: i64) -> Result<bool, StoreError> {
        self.sql.prepare_cached("DELETE FROM spent WHERE until < ?1")?.execute([now])?;
        let new = self
            .sql
            .prepare_cached("INSERT OR IGNORE INTO spent (kind, owner, id, until) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![kind.number(), owner, id, until])?;
        Ok(new == 1)
    }
}

/// What a call needs to know of the integration that makes it, and of its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The organization of the integration.
    pub(crate) org: Organization,
    /// Whether the integration may log in and call.
    pub(crate) enabled: bool,
    /// How often its tokens were ended, all at once.
    pub(crate) generation: u64,
    /// Whether this token was ended alone.
    pub(crate) is_ended: bool,
}

impl Reader<'_> {
    /// How a client and one of its tokens stand: in one question, since every call asks it.
    pub(crate) fn standing(&self, client_id: &str, token_id: &str) -> Result<Option<Standing>, StoreError> {
        const QUERY: &str = "SELECT o.id, o.org_id, o.name, o.migrating, o.user_kinds, i.enabled,
            (SELECT value FROM setting WHERE name = 'token-generation:' || ?1),
            EXISTS (SELECT 1 FROM spent WHERE kind = ?2 AND owner = ?1 AND id = ?3)
            FROM integration i JOIN organization o ON o.id = i.org WHERE i.client_id = ?1";
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Standing {
                org: organizations::read(row)?,
                enabled: row.get(5)?,
                generation: count(row.get(6)?),
                is_ended: row.get(7)?,
            })
        };
        let parameters = (client_id, Spent::Token.number(), token_id);
        Ok(self.sql.prepare_cached(QUERY)?.query_row(parameters, read).optional()?)
    }

    /// How often all tokens of a client were ended. A number instead of a moment: on a clock that stands, tokens from
    /// before and after would have the same.
    pub(crate) fn token_generation(&self, client_id: &str) -> Result<u64, StoreError> {
        Ok(count(self.setting(&generation_setting(client_id))?))
    }
}

impl Tx<'_> {
    /// Ends all tokens that a client has.
    pub(crate) fn end_tokens(&self, client_id: &str) -> Result<(), StoreError> {
        let next = self.rows().token_generation(client_id)? + 1;
        self.set_setting(&generation_setting(client_id), &next.to_le_bytes())
    }
}

fn generation_setting(client_id: &str) -> String {
    format!("token-generation:{client_id}")
}

fn count(stored: Option<Vec<u8>>) -> u64 {
    stored.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn an_id_is_spent_once_until_its_end() {
        let store = Store::in_memory().unwrap();
        let spend = |kind, id, until, now| store.write(None, |tx| tx.spend(kind, "c", id, until, now)).unwrap();
        assert!(spend(Spent::Jti, "a", 10, 0));
        assert!(!spend(Spent::Jti, "a", 10, 5));
        assert!(spend(Spent::Token, "a", 10, 5), "another kind");
        assert!(spend(Spent::Jti, "a", 30, 20), "its end has come");
        assert!(store.read(|r| r.is_spent(Spent::Jti, "c", "a")).unwrap());
    }
}
