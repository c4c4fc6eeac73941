//! Seals the token with a key that is derived from the client secret, so that nobody who reads Redis can use it.

use std::time::Duration;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hkdf::{HKDF_SHA256, KeyType, Salt},
};
use serde::{Deserialize, Serialize};
use umapi_http::Secret;
use zeroize::Zeroizing;

use crate::{Error, keys::hex};

const VERSION: u8 = 1;
const SALT: &[u8] = b"umapi-redis access token 1";

/// The key of one client.
pub(crate) struct Seal {
    key: RandomizedNonceKey,
    id: String,
    /// Whose token it is. A token of another client cannot be passed off as this one's.
    owner: String,
}

/// A token and its whole lifetime.
#[derive(Clone, Debug)]
pub(crate) struct SealedToken {
    pub(crate) token: Secret,
    pub(crate) lifetime: Option<Duration>,
}

#[derive(Serialize)]
struct Written<'a> {
    token: &'a str,
    lifetime_ms: Option<u64>,
}

#[derive(Deserialize)]
struct Read {
    token: Secret,
    lifetime_ms: Option<u64>,
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Seal {
    pub(crate) fn new(secret: &Secret, organization: &str, client_id: &str) -> Result<Self, Error> {
        let failed = |_| Error::invalid("the key of the shared token cannot be derived from the client secret");
        let owner = format!("{}\n{client_id}", organization.to_ascii_lowercase());
        let derived = Salt::new(HKDF_SHA256, SALT).extract(secret.reveal().as_bytes());
        let mut key = Zeroizing::new([0; 32]);
        derived.expand(&[b"key", owner.as_bytes()], Length(32)).and_then(|it| it.fill(&mut *key)).map_err(failed)?;
        let mut id = [0; 8];
        derived.expand(&[b"id", owner.as_bytes()], Length(8)).and_then(|it| it.fill(&mut id)).map_err(failed)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &*key).map_err(failed)?;
        Ok(Self { key, id: hex(&id), owner })
    }

    /// Tells keys of different secrets apart, and says nothing about either.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn seal(&self, token: &str, lifetime: Option<Duration>) -> Result<Vec<u8>, Error> {
        let failed = || Error::invalid("the token cannot be sealed");
        let lifetime_ms = lifetime.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let mut text = serde_json::to_vec(&Written { token, lifetime_ms }).map_err(|_| failed())?;
        let nonce = self.key.seal_in_place_append_tag(Aad::from(self.owner.as_bytes()), &mut text);
        let nonce = nonce.map_err(|_| failed())?;
        let mut sealed = vec![VERSION];
        sealed.extend_from_slice(nonce.as_ref());
        sealed.extend_from_slice(&text);
        Ok(sealed)
    }

    /// Opens what [`seal`](Self::seal) made. Anything else is `None`.
    pub(crate) fn open(&self, sealed: &[u8]) -> Option<SealedToken> {
        let (&version, rest) = sealed.split_first()?;
        let (nonce, rest) = rest.split_at_checked(NONCE_LEN)?;
        let mut text = Zeroizing::new(rest.to_vec());
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok().filter(|_| version == VERSION)?;
        let opened = self.key.open_in_place(nonce, Aad::from(self.owner.as_bytes()), &mut text).ok()?;
        let read: Read = serde_json::from_slice(opened).ok()?;
        Some(SealedToken { token: read.token, lifetime: read.lifetime_ms.map(Duration::from_millis) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(secret: &str, organization: &str, client: &str) -> Seal {
        Seal::new(&secret.into(), organization, client).unwrap()
    }

    #[test]
    fn a_sealed_token_is_opened_with_the_same_secret_only() {
        let one = seal("s8e-planted", "1F@AdobeOrg", "client");
        let sealed = one.seal("ey.planted", Some(Duration::from_secs(3600))).unwrap();
        assert!(!sealed.windows(7).any(|part| part == b"planted"));
        let opened = seal("s8e-planted", "1f@adobeorg", "client").open(&sealed).unwrap();
        assert_eq!((opened.token.reveal(), opened.lifetime), ("ey.planted", Some(Duration::from_secs(3600))));
        for other in [
            seal("other", "1F@AdobeOrg", "client"),
            seal("s8e-planted", "2F@AdobeOrg", "client"),
            seal("s8e-planted", "1F@AdobeOrg", "other"),
        ] {
            assert!(other.open(&sealed).is_none());
            assert_ne!(other.id(), one.id());
        }
        assert_ne!(sealed, one.seal("ey.planted", Some(Duration::from_secs(3600))).unwrap(), "each nonce is new");
    }

    #[test]
    fn a_changed_token_is_not_opened() {
        let one = seal("secret", "1F@AdobeOrg", "client");
        let sealed = one.seal("token", None).unwrap();
        assert_eq!(one.open(&sealed).unwrap().lifetime, None);
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(one.open(&changed).is_none(), "byte {index}");
            assert!(one.open(&sealed[..index]).is_none(), "cut at {index}");
        }
        assert!(one.open(b"").is_none() && one.open(&[VERSION; 500]).is_none());
    }
}
