//! Ids that are valid once, revoked access tokens, and the state of a client that sends a request.

use rusqlite::{OptionalExtension, params};

use super::{Organization, Reader, StoreError, Tx, organizations};

/// What a stored id was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsedId {
    /// The `jti` of a login JWT; the owner is the client id.
    Jti,
    /// A revoked access token; the owner is the client id.
    RevokedToken,
}

impl UsedId {
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Jti => 0,
            Self::RevokedToken => 1,
        }
    }
}

impl Reader<'_> {
    /// Whether an id was used.
    ///
    /// # Errors
    /// If the database fails.
    pub fn is_used(&self, kind: UsedId, owner: &str, id: &str) -> Result<bool, StoreError> {
        Ok(self
            .sql
            .prepare_cached("SELECT 1 FROM used_id WHERE kind = ?1 AND owner = ?2 AND id = ?3")?
            .exists(params![kind.number(), owner, id])?)
    }
}

impl Tx<'_> {
    /// Stores an id as used until a time (seconds since 1970), and deletes ids whose time is before `now`. Returns
    /// whether the id is new.
    ///
    /// # Errors
    /// If the database fails.
    pub fn use_id(&self, kind: UsedId, owner: &str, id: &str, until: i64, now: i64) -> Result<bool, StoreError> {
        self.sql.prepare_cached("DELETE FROM used_id WHERE until < ?1")?.execute([now])?;
        let new = self
            .sql
            .prepare_cached("INSERT OR IGNORE INTO used_id (kind, owner, id, until) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![kind.number(), owner, id, until])?;
        Ok(new == 1)
    }
}

/// What a request needs to know about its integration and its access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientState {
    /// The organization of the integration.
    pub(crate) org: Organization,
    /// Whether the integration may log in and send requests.
    pub(crate) enabled: bool,
    /// How often all its tokens were revoked at once.
    pub(crate) generation: u64,
    /// Whether this token was revoked on its own.
    pub(crate) is_revoked: bool,
}

impl Reader<'_> {
    /// Returns the state of a client and of one of its tokens, in one query, because every request needs it.
    pub(crate) fn client_state(&self, client_id: &str, token_id: &str) -> Result<Option<ClientState>, StoreError> {
        const QUERY: &str = "SELECT o.id, o.org_id, o.name, o.migrating, o.user_kinds, o.shared_addresses, i.enabled,
            (SELECT value FROM setting WHERE name = 'token-generation:' || ?1),
            EXISTS (SELECT 1 FROM used_id WHERE kind = ?2 AND owner = ?1 AND id = ?3)
            FROM integration i JOIN organization o ON o.id = i.org WHERE i.client_id = ?1";
        let read = |row: &rusqlite::Row<'_>| {
            Ok(ClientState {
                org: organizations::read(row)?,
                enabled: row.get(6)?,
                generation: count(row.get(7)?),
                is_revoked: row.get(8)?,
            })
        };
        let parameters = (client_id, UsedId::RevokedToken.number(), token_id);
        Ok(self.sql.prepare_cached(QUERY)?.query_row(parameters, read).optional()?)
    }

    /// Returns how often all tokens of a client were revoked. It is a number and not a time: on a frozen clock, tokens
    /// from before and after would have the same time.
    pub(crate) fn token_generation(&self, client_id: &str) -> Result<u64, StoreError> {
        Ok(count(self.setting(&generation_setting(client_id))?))
    }
}

impl Tx<'_> {
    /// Revokes all tokens of a client.
    pub(crate) fn revoke_tokens(&self, client_id: &str) -> Result<(), StoreError> {
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
    fn an_id_is_used_once_until_it_expires() {
        let store = Store::in_memory().unwrap();
        let use_id = |kind, id, until, now| store.write(None, |tx| tx.use_id(kind, "c", id, until, now)).unwrap();
        assert!(use_id(UsedId::Jti, "a", 10, 0));
        assert!(!use_id(UsedId::Jti, "a", 10, 5));
        assert!(use_id(UsedId::RevokedToken, "a", 10, 5), "another kind");
        assert!(use_id(UsedId::Jti, "a", 30, 20), "it has expired");
        assert!(store.read(|r| r.is_used(UsedId::Jti, "c", "a")).unwrap());
    }
}
