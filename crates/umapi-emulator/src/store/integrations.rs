//! Integrations: the credentials that a client logs in with.

use std::fmt;

use rusqlite::{OptionalExtension, Row, params};

use super::{NewUser, OrgId, Reader, StoreError, Tx, UserKind, domain_of};

/// An integration: the credentials of a client of the service.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Integration {
    /// Its id inside the store.
    pub id: i64,
    /// The organization it belongs to.
    pub org: OrgId,
    /// The client id, which is also the API key.
    pub client_id: String,
    /// Its name.
    pub name: String,
    /// The id of its technical account, e.g. `…@techacct.adobe.com`.
    pub technical_account: String,
    /// The address of its technical account.
    pub technical_account_email: String,
    /// The client secrets that are valid now.
    pub secrets: Vec<String>,
    /// PEM certificates and public keys that verify its JWTs.
    pub keys: Vec<String>,
    /// The scopes that it may request.
    pub scopes: Vec<String>,
    /// The metascopes that its JWTs may contain.
    pub metascopes: Vec<String>,
    /// Whether each of its JWTs needs a new `jti`.
    pub jti_required: bool,
    /// Whether it may log in and send requests.
    pub enabled: bool,
}

/// Omits the secrets.
impl fmt::Debug for Integration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Integration")
            .field("client_id", &self.client_id)
            .field("technical_account", &self.technical_account)
            .field("secrets", &self.secrets.len())
            .field("keys", &self.keys.len())
            .field("scopes", &self.scopes)
            .field("metascopes", &self.metascopes)
            .field("jti_required", &self.jti_required)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

/// An integration to create.
#[derive(Clone, Copy)]
pub struct NewIntegration<'a> {
    /// The client id.
    pub client_id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The id of its technical account.
    pub technical_account: &'a str,
    /// The address of its technical account.
    pub technical_account_email: &'a str,
    /// The client secrets.
    pub secrets: &'a [String],
    /// PEM certificates and public keys.
    pub keys: &'a [String],
    /// The scopes that it may request.
    pub scopes: &'a [String],
    /// The metascopes that its JWTs may contain.
    pub metascopes: &'a [String],
    /// Whether each of its JWTs needs a new `jti`.
    pub jti_required: bool,
    /// Whether it may log in and send requests.
    pub enabled: bool,
}

const COLUMNS: &str =
    "SELECT id, org, client_id, name, technical_account, technical_account_email, secrets, keys, scopes,
    metascopes, jti_required, enabled FROM integration";

/// An integration whose lists are still JSON.
struct Stored {
    integration: Integration,
    lists: [String; 4],
}

fn read(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        integration: Integration {
            id: row.get(0)?,
            org: row.get(1)?,
            client_id: row.get(2)?,
            name: row.get(3)?,
            technical_account: row.get(4)?,
            technical_account_email: row.get(5)?,
            secrets: Vec::new(),
            keys: Vec::new(),
            scopes: Vec::new(),
            metascopes: Vec::new(),
            jti_required: row.get(10)?,
            enabled: row.get(11)?,
        },
        lists: [row.get(6)?, row.get(7)?, row.get(8)?, row.get(9)?],
    })
}

impl Stored {
    fn open(self) -> Result<Integration, StoreError> {
        let [secrets, keys, scopes, metascopes] = self.lists;
        Ok(Integration {
            secrets: serde_json::from_str(&secrets)?,
            keys: serde_json::from_str(&keys)?,
            scopes: serde_json::from_str(&scopes)?,
            metascopes: serde_json::from_str(&metascopes)?,
            ..self.integration
        })
    }
}

impl Reader<'_> {
    /// Returns the integration with a client id, in any organization.
    ///
    /// # Errors
    /// If the database fails.
    pub fn integration(&self, client_id: &str) -> Result<Option<Integration>, StoreError> {
        self.sql
            .prepare_cached(&format!("{COLUMNS} WHERE client_id = ?1"))?
            .query_row([client_id], read)
            .optional()?
            .map(Stored::open)
            .transpose()
    }

    /// Returns all integrations of an organization.
    ///
    /// # Errors
    /// If the database fails.
    pub fn integrations(&self, org: OrgId) -> Result<Vec<Integration>, StoreError> {
        let mut query = self.sql.prepare_cached(&format!("{COLUMNS} WHERE org = ?1 ORDER BY id"))?;
        let stored: Vec<Stored> = query.query_map([org], read)?.collect::<Result<_, _>>()?;
        stored.into_iter().map(Stored::open).collect()
    }
}

impl Tx<'_> {
    /// Creates an integration and its technical account, which is counted as a user but not listed.
    ///
    /// # Errors
    /// If the database fails, or the client id or the technical account is taken.
    pub fn create_integration(&mut self, org: OrgId, new: &NewIntegration<'_>) -> Result<i64, StoreError> {
        self.sql
            .prepare_cached(
                "INSERT INTO integration (org, client_id, name, technical_account, technical_account_email, secrets,
                    keys, scopes, metascopes, jti_required, enabled)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                org,
                new.client_id,
                new.name,
                new.technical_account,
                new.technical_account_email,
                serde_json::to_string(new.secrets)?,
                serde_json::to_string(new.keys)?,
                serde_json::to_string(new.scopes)?,
                serde_json::to_string(new.metascopes)?,
                new.jti_required,
                new.enabled,
            ])?;
        let integration = self.sql.last_insert_rowid();
        let email = new.technical_account_email;
        self.create_user(
            org,
            &NewUser { technical: true, ..NewUser::member(UserKind::AdobeId, email, domain_of(email)) },
        )?;
        Ok(integration)
    }

    /// Updates an integration: name, secrets, keys, scopes, metascopes, the `jti` rule, and whether it is enabled.
    ///
    /// # Errors
    /// If the database fails.
    pub fn change_integration(&self, changed: &Integration) -> Result<(), StoreError> {
        self.sql
            .prepare_cached(
                "UPDATE integration SET name = ?2, secrets = ?3, keys = ?4, scopes = ?5, metascopes = ?6,
                    jti_required = ?7, enabled = ?8 WHERE id = ?1",
            )?
            .execute(params![
                changed.id,
                changed.name,
                serde_json::to_string(&changed.secrets)?,
                serde_json::to_string(&changed.keys)?,
                serde_json::to_string(&changed.scopes)?,
                serde_json::to_string(&changed.metascopes)?,
                changed.jti_required,
                changed.enabled,
            ])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{NewOrganization, PageRequest, Store, UserQuery};

    #[test]
    fn an_integration_is_stored_and_its_account_counted_not_listed() {
        let store = Store::in_memory().unwrap();
        let new = NewIntegration {
            client_id: "key",
            name: "Sync",
            technical_account: "T@techacct.adobe.com",
            technical_account_email: "t@techacct.adobe.com",
            secrets: &["s1".into(), "s2".into()],
            keys: &["pem".into()],
            scopes: &["openid".into()],
            metascopes: &["ent_user_sdk".into()],
            jti_required: true,
            enabled: true,
        };
        let org = store
            .write(None, |tx| {
                let org = tx.create_organization(&NewOrganization { org_id: "1@AdobeOrg", name: "" })?;
                tx.create_integration(org, &new)?;
                Ok::<_, StoreError>(org)
            })
            .unwrap();
        let mut found = store.read(|r| r.integration("key")).unwrap().unwrap();
        assert_eq!((found.secrets.as_slice(), found.jti_required), (new.secrets, true));
        assert!(!format!("{found:?}").contains("s1"), "a secret in Debug");
        let page = store.read(|r| r.users(org, &UserQuery::default(), PageRequest { page: 0, size: 9 }));
        let page = page.unwrap().unwrap();
        assert_eq!((page.items.len(), page.total), (0, 1));
        found.enabled = false;
        store.write(None, |tx| tx.change_integration(&found)).unwrap();
        assert_eq!(store.read(|r| r.integrations(org)).unwrap(), [found]);
    }
}
