//! Ids that are good once: the `jti` of a login, and access tokens that were ended.

use rusqlite::params;

use super::{Reader, StoreError, Tx};

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
