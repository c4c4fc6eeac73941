use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::store::{ClientState, Store, StoreError};

/// Where the store keeps the key, so that tokens outlive the process.
const SETTING: &str = "token-key";

/// Makes access tokens, and reads them.
pub(super) struct Mint {
    secret: Vec<u8>,
    signing: EncodingKey,
    reading: DecodingKey,
    validation: Validation,
    /// What tokens say that were read before: their signatures are looked at once.
    read: RwLock<HashMap<Box<str>, Arc<Claims>>>,
}

/// Tokens whose claims a mint remembers; then it begins anew.
const REMEMBERED: usize = 1_000;

/// What an access token says. Names and forms of the claims are IMS's; clients must not rely on them.
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
    /// How often the tokens of the client had been revoked.
    pub(super) generation: u64,
    /// The last second, since 1970, of the certificate that the login was signed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) certificate_end: Option<i64>,
}

impl Claims {
    pub(super) fn new(client_id: &str, user_id: &str, scopes: &[String], generation: u64) -> Self {
        Self {
            id: format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..)),
            kind: "access_token".to_owned(),
            client_id: client_id.to_owned(),
            user_id: user_id.to_owned(),
            region: "ims-na1".to_owned(),
            scope: scopes.join(","),
            created_at: String::new(),
            expires_in: String::new(),
            generation,
            certificate_end: None,
        }
    }

    pub(super) fn lasting(self, now: i64, life: Duration) -> Self {
        Self { created_at: now.to_string(), expires_in: life.as_millis().to_string(), ..self }
    }

    pub(super) fn with_certificate_until(self, certificate_end: Option<i64>) -> Self {
        Self { certificate_end, ..self }
    }

    /// When it ends, in milliseconds since 1970.
    pub(super) fn end(&self) -> i64 {
        let number = |text: &str| text.parse::<i64>().unwrap_or_default();
        number(&self.created_at).saturating_add(number(&self.expires_in))
    }

    /// Whether the token has not been revoked: neither it alone nor all of its client's.
    pub(super) fn are_good(&self, standing: &ClientState) -> bool {
        self.generation == standing.generation && !standing.is_revoked
    }

    /// Whether it was given for the User Management API.
    pub(super) fn is_for_user_management(&self) -> bool {
        self.scope.split(',').any(|scope| matches!(scope, "user_management_sdk" | "ent_user_sdk"))
    }
}

impl Mint {
    /// Takes the key of a store, or gives it one.
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
            reading: DecodingKey::from_secret(&secret),
            validation,
            read: RwLock::default(),
            secret,
        }
    }

    /// Gives a store this key.
    pub(super) fn keep(&self, store: &Store) -> Result<(), StoreError> {
        store.write(None, |tx| tx.set_setting(SETTING, &self.secret))
    }

    pub(super) fn sign(&self, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.signing)
    }

    /// What a token says, if it was made here.
    pub(super) fn read(&self, token: &str) -> Option<Arc<Claims>> {
        if let Some(claims) = self.read.read().unwrap_or_else(PoisonError::into_inner).get(token) {
            return Some(Arc::clone(claims));
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.reading, &self.validation).ok()?.claims;
        let claims = Arc::new(claims);
        let mut read = self.read.write().unwrap_or_else(PoisonError::into_inner);
        if read.len() >= REMEMBERED {
            read.clear();
        }
        read.insert(token.into(), Arc::clone(&claims));
        Some(claims)
    }
}

impl fmt::Debug for Mint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mint").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        Claims::new("key", "t@techacct.adobe.com", &["openid".into(), "user_management_sdk".into()], 0)
    }

    #[test]
    fn a_token_is_read_by_the_store_that_made_it_alone() {
        let store = Store::in_memory().unwrap();
        let claims = claims().lasting(1000, Duration::from_secs(1));
        let token = Mint::open(&store).unwrap().sign(&claims).unwrap();
        assert_eq!(Mint::open(&store).unwrap().read(&token).unwrap(), claims.clone().into(), "after a restart");
        assert_eq!(claims.end(), 2000);
        let other = Mint::open(&Store::in_memory().unwrap()).unwrap();
        assert!(other.read(&token).is_none());
        assert!(other.read("a.b.c").is_none());
    }

    #[test]
    fn the_key_survives_a_reset() {
        let store = Store::in_memory().unwrap();
        let mint = Mint::open(&store).unwrap();
        store.reset().unwrap();
        mint.keep(&store).unwrap();
        let token = mint.sign(&claims()).unwrap();
        assert!(Mint::open(&store).unwrap().read(&token).is_some());
    }

    #[test]
    fn scopes_tell_what_a_token_is_for() {
        assert!(claims().is_for_user_management());
        assert!(!Claims::new("key", "u", &["openid".into()], 0).is_for_user_management());
        assert_ne!(claims().id, claims().id);
    }
}
