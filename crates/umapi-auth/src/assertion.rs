//! Signed JWTs: the one of a technical account, and those of other applications.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use jsonwebtoken::{Algorithm, Header, encode};
use serde_json::{Map, Value, json};

use crate::{Endpoint, Error, PrivateKey, Secret, ServiceAccount};

/// How long the JWT of a technical account is valid. It is used immediately; the rest allows for clocks that differ.
const ACCOUNT_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// How long an assertion is valid. It is used immediately; servers accept an hour at most.
const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// Clocks differ. An assertion is valid from a little before it was made.
const LEEWAY: Duration = Duration::from_secs(60);

/// The largest integer that every JSON parser reads exactly, plus one.
const JTI_LIMIT: u64 = 1 << 53;

/// What an application signs to show who it is: a JWT (`private_key_jwt`).
///
/// Two servers that want different claims:
///
/// ```
/// use umapi_auth::{Assertion, Clock, PrivateKey, certificate_thumbprint};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let read = |name: &str| std::fs::read_to_string(format!("tests/keys/{name}.pem"));
/// # let (key, certificate) = (read("pkcs8")?, read("certificate")?);
/// let key = PrivateKey::from_pem(&key, None)?;
/// assert_eq!(key.bits(), 2048);
/// let to_entra = Assertion::ps256(key.clone())
///     .thumbprint(certificate_thumbprint(&certificate).ok_or("no certificate")?)
///     .claim("iss", "client id")
///     .claim("sub", "client id")
///     .claim("aud", "https://login.example/token");
/// let to_google = Assertion::rs256(key)
///     .key_id("key id")
///     .claim("iss", "reader@project.example")
///     .claim("scope", "directory.readonly");
///
/// let jwt = to_google.sign(Clock::real().wall())?;
/// assert_eq!(jwt.reveal().split('.').count(), 3);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Assertion {
    key: PrivateKey,
    header: Header,
    claims: Map<String, Value>,
}

impl ServiceAccount {
    /// Returns the signed JWT that a login at `endpoint` sends, valid for half an hour from `now`. Use it to inspect the
    /// claims, or to log in over your own transport.
    ///
    /// # Errors
    ///
    /// If the clock is before 1970 or the key cannot sign.
    pub fn assertion(&self, endpoint: &Endpoint, now: SystemTime) -> Result<Secret, Error> {
        let now = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_err(|_| Error::invalid("the clock of this machine is before 1970; correct it"))?;
        let mut claims = Map::new();
        claims.insert("exp".to_owned(), json!(now.saturating_add(ACCOUNT_LIFETIME).as_secs()));
        claims.insert("iss".to_owned(), json!(self.organization));
        claims.insert("sub".to_owned(), json!(self.technical_account));
        claims.insert("aud".to_owned(), json!(endpoint.claim(&format!("/c/{}", self.client_id))));
        for metascope in &self.metascopes {
            claims.insert(endpoint.claim(&format!("/s/{metascope}")), Value::Bool(true));
        }
        if self.with_jti {
            claims.insert("jti".to_owned(), json!(fastrand::u64(1..JTI_LIMIT)));
        }
        let token = encode(&Header::new(Algorithm::RS256), &claims, self.private_key.encoding_key())
            .map_err(|_| Error::invalid("the private key cannot sign; create a new one and upload its certificate"))?;
        Ok(Secret::from(token))
    }
}

impl Assertion {
    /// An assertion that is signed with RSASSA-PKCS1-v1_5 (`RS256`).
    pub fn rs256(key: PrivateKey) -> Self {
        Self { key, header: Header::new(Algorithm::RS256), claims: Map::new() }
    }

    /// An assertion that is signed with RSASSA-PSS (`PS256`).
    pub fn ps256(key: PrivateKey) -> Self {
        Self { key, header: Header::new(Algorithm::PS256), claims: Map::new() }
    }

    /// Sets the id of the key (`kid`).
    #[must_use]
    pub fn key_id(mut self, id: impl Into<String>) -> Self {
        self.header.kid = Some(id.into());
        self
    }

    /// Sets the SHA-256 of the key's certificate in Base64url (`x5t#S256`).
    #[must_use]
    pub fn thumbprint(mut self, thumbprint: impl Into<String>) -> Self {
        self.header.x5t_s256 = Some(thumbprint.into());
        self
    }

    /// Adds a claim. `iat`, `nbf`, `exp` and `jti` are set when it is signed.
    #[must_use]
    pub fn claim(mut self, name: &str, value: &str) -> Self {
        self.claims.insert(name.to_owned(), json!(value));
        self
    }

    /// Returns the signed JWT, valid for ten minutes from `now`.
    ///
    /// # Errors
    ///
    /// If the clock is before 1970 or the key cannot sign.
    pub fn sign(&self, now: SystemTime) -> Result<Secret, Error> {
        let now = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_err(|_| Error::invalid("the clock of this machine is before 1970; correct it"))?;
        let mut claims = self.claims.clone();
        claims.insert("iat".to_owned(), json!(now.as_secs()));
        claims.insert("nbf".to_owned(), json!(now.saturating_sub(LEEWAY).as_secs()));
        claims.insert("exp".to_owned(), json!(now.saturating_add(LIFETIME).as_secs()));
        claims.insert("jti".to_owned(), json!(format!("{:032x}", fastrand::u128(..))));
        let token = encode(&self.header, &claims, self.key.encoding_key())
            .map_err(|_| Error::invalid("the private key cannot sign; create a new one and upload its certificate"))?;
        Ok(Secret::from(token))
    }
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assertion").field("key", &self.key).field("claims", &self.claims).finish_non_exhaustive()
    }
}
