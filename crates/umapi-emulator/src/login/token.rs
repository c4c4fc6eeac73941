//! Access tokens: their claims, and the key that signs them.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::{
    random::{self, NoRandomness},
    store::{ClientState, Store, StoreError},
};

/// The setting of the store that holds the key, so that tokens outlive the process.
const SETTING: &str = "token-key";

/// The key that signs access tokens and verifies them.
pub(super) struct TokenKey {
    secret: Vec<u8>,
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    /// The claims of tokens that were verified before: a signature is verified once.
    verified: RwLock<HashMap<Box<str>, Arc<Claims>>>,
}

/// The number of verified tokens that are kept before the list is cleared.
const MAX_VERIFIED: usize = 1_000;

/// The claims of an access token. Their names and formats are those of IMS; clients must not rely on them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) id: String,
    #[serde(rename = "type")]
    kind: String,
    pub(super) client_id: String,
    user_id: String,
    #[serde(rename = "as")]
    region: String,
    scope: String,
    /// Milliseconds since 1970.
    created_at: String,
    /// Milliseconds.
    expires_in: String,
    /// How many times all tokens of the client had been revoked before.
    pub(super) generation: u64,
    /// The last second, since 1970, of the certificate that signed the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) certificate_end: Option<i64>,
}

impl Claims {
    /// # Errors
    /// If the operating system has no random bytes for the id.
    pub(super) fn new(
        client_id: &str,
        user_id: &str,
        scopes: &[String],
        generation: u64,
    ) -> Result<Self, NoRandomness> {
        Ok(Self {
            id: random::hex(16)?,
            kind: "access_token".to_owned(),
            client_id: client_id.to_owned(),
            user_id: user_id.to_owned(),
            region: "ims-na1".to_owned(),
            scope: scopes.join(","),
            created_at: String::new(),
            expires_in: String::new(),
            generation,
            certificate_end: None,
        })
    }

    pub(super) fn with_lifetime(self, now: i64, lifetime: Duration) -> Self {
        Self { created_at: now.to_string(), expires_in: lifetime.as_millis().to_string(), ..self }
    }

    pub(super) fn with_certificate_end(self, certificate_end: Option<i64>) -> Self {
        Self { certificate_end, ..self }
    }

    /// The expiry, in milliseconds since 1970.
    pub(super) fn end(&self) -> i64 {
        let number = |text: &str| text.parse::<i64>().unwrap_or_default();
        number(&self.created_at).saturating_add(number(&self.expires_in))
    }

    /// Whether neither the token nor all tokens of its client were revoked.
    pub(super) fn are_valid(&self, client: &ClientState) -> bool {
        self.generation == client.generation && !client.is_revoked
    }

    /// Whether the token was issued for the User Management API.
    pub(super) fn are_for_user_management(&self) -> bool {
        self.scope.split(',').any(|scope| matches!(scope, "user_management_sdk" | "ent_user_sdk"))
    }
}

impl TokenKey {
    /// Loads the key of a store, or generates one.
    pub(super) fn open(store: &Store) -> Result<Self, StoreError> {
        store.write(None, |tx| {
            if let Some(secret) = tx.rows().setting(SETTING)? {
                return Ok(Self::new(secret));
            }
            let mut secret = vec![0; 32];
            getrandom::fill(&mut secret).map_err(|_| StoreError::Randomness)?;
            tx.set_setting(SETTING, &secret)?;
            Ok(Self::new(secret))
        })
    }

    fn new(secret: Vec<u8>) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        Self {
            signing: EncodingKey::from_secret(&secret),
            verifying: DecodingKey::from_secret(&secret),
            validation,
            verified: RwLock::default(),
            secret,
        }
    }

    /// Stores the key.
    pub(super) fn keep(&self, store: &Store) -> Result<(), StoreError> {
        store.write(None, |tx| tx.set_setting(SETTING, &self.secret))
    }

    pub(super) fn sign(&self, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.signing)
    }

    /// The claims of a token. `None` if this key did not sign it.
    pub(super) fn read(&self, token: &str) -> Option<Arc<Claims>> {
        if let Some(claims) = self.verified.read().unwrap_or_else(PoisonError::into_inner).get(token) {
            return Some(Arc::clone(claims));
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.verifying, &self.validation).ok()?.claims;
        let claims = Arc::new(claims);
        let mut verified = self.verified.write().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= MAX_VERIFIED {
            verified.clear();
        }
        verified.insert(token.into(), Arc::clone(&claims));
        Some(claims)
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        Claims::new("key", "t@techacct.adobe.com", &["openid".into(), "user_management_sdk".into()], 0).unwrap()
    }

    #[test]
    fn only_the_store_that_issued_a_token_reads_it() {
        let store = Store::in_memory().unwrap();
        let claims = claims().with_lifetime(1000, Duration::from_secs(1));
        let token = TokenKey::open(&store).unwrap().sign(&claims).unwrap();
        assert_eq!(TokenKey::open(&store).unwrap().read(&token).unwrap(), claims.clone().into(), "after a restart");
        assert_eq!(claims.end(), 2000);
        let other = TokenKey::open(&Store::in_memory().unwrap()).unwrap();
        assert!(other.read(&token).is_none());
        assert!(other.read("a.b.c").is_none());
    }

    #[test]
    fn the_key_survives_a_reset() {
        let store = Store::in_memory().unwrap();
        let key = TokenKey::open(&store).unwrap();
        store.reset().unwrap();
        key.keep(&store).unwrap();
        let token = key.sign(&claims()).unwrap();
        assert!(TokenKey::open(&store).unwrap().read(&token).is_some());
    }

    #[test]
    fn scopes_tell_what_a_token_is_for() {
        assert!(claims().are_for_user_management());
        assert!(!Claims::new("key", "u", &["openid".into()], 0).unwrap().are_for_user_management());
        assert_ne!(claims().id, claims().id);
    }
}
