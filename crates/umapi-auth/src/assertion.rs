//! The signed JWT of a technical account.

use std::time::{Duration, SystemTime};

use jsonwebtoken::{Algorithm, Header, encode};
use serde_json::{Map, Value, json};

use crate::{Endpoint, Error, Secret, ServiceAccount};

/// How long a JWT is valid. It is used immediately; the rest allows for clocks that differ.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// The largest integer that every JSON parser reads exactly, plus one.
const JTI_LIMIT: u64 = 1 << 53;

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
        claims.insert("exp".to_owned(), json!(now.saturating_add(LIFETIME).as_secs()));
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
