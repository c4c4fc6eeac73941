//! The ready-made credentials of every emulator. They are public, and give access to nothing but an emulator.

use std::fmt;

use crate::seed::{Integration, Seed};

/// The key pair that the technical account signs its JWTs with: public by design, and committed.
const PRIVATE_KEY: &str = include_str!("credentials/public-test-key.pem");
const PUBLIC_KEY: &str = include_str!("credentials/public-test-key.pub.pem");

const CLIENT_ID: &str = "00000000000000000000000000e2e0ca";
const CLIENT_SECRET: &str = "p8e-PUBLIC-test-secret-of-the-emulator";
const TECHNICAL_ACCOUNT: &str = "0E201ABCA0E2E0CA0A495E2E@techacct.adobe.com";
const TECHNICAL_ACCOUNT_EMAIL: &str = "0e2e0ca0-e201-4bca-9e2e-0ca0a495e2e0@techacct.adobe.com";

/// The credentials of a client, for both kinds of login.
///
/// They are the same for every emulator and not secret: an emulator must not hold anything of value.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credentials {
    /// The organization they are for.
    pub org_id: String,
    /// The client id, which is also the API key.
    pub client_id: String,
    /// The client secret.
    pub client_secret: String,
    /// The technical account: the `sub` of a JWT.
    pub technical_account_id: String,
    /// The private key that signs JWTs, as PKCS #8 in PEM.
    pub private_key_pem: String,
    /// The scopes for the login with client credentials.
    pub scopes: String,
    /// The metascope for the login with a JWT.
    pub metascope: String,
}

impl Credentials {
    /// The ready-made credentials of an organization.
    pub(crate) fn ready_made(org_id: &str) -> Self {
        Self {
            org_id: org_id.to_owned(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            technical_account_id: TECHNICAL_ACCOUNT.to_owned(),
            private_key_pem: PRIVATE_KEY.to_owned(),
            scopes: "openid,AdobeID,user_management_sdk".to_owned(),
            metascope: "ent_user_sdk".to_owned(),
        }
    }
}

/// Omits the secret and the key: code that logs these credentials logs others too.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("org_id", &self.org_id)
            .field("client_id", &self.client_id)
            .field("technical_account_id", &self.technical_account_id)
            .finish_non_exhaustive()
    }
}

/// Adds the integration of the ready-made credentials to the first organization of a seed, unless the seed has it.
pub(crate) fn add_ready_made(seed: &mut Seed) {
    let known = seed.organizations.iter().flat_map(|org| &org.integrations).any(|one| one.client_id == CLIENT_ID);
    if known {
        return;
    }
    if let Some(first) = seed.organizations.first_mut() {
        first.integrations.push(Integration {
            client_id: CLIENT_ID.to_owned(),
            name: "Ready-made test credentials".to_owned(),
            technical_account: Some(TECHNICAL_ACCOUNT.to_owned()),
            technical_account_email: Some(TECHNICAL_ACCOUNT_EMAIL.to_owned()),
            secrets: vec![CLIENT_SECRET.to_owned()],
            keys: vec![PUBLIC_KEY.to_owned()],
            scopes: ["openid", "AdobeID", "user_management_sdk", "exchange_jwt"].map(str::to_owned).into(),
            metascopes: vec!["ent_user_sdk".to_owned()],
            jti_required: false,
            enabled: true,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_key_matches_the_private_key() {
        use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
        let claims = serde_json::json!({"sub": TECHNICAL_ACCOUNT});
        let key = EncodingKey::from_rsa_pem(PRIVATE_KEY.as_bytes()).unwrap();
        let token = encode(&Header::new(Algorithm::RS256), &claims, &key).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.required_spec_claims.clear();
        let key = DecodingKey::from_rsa_pem(PUBLIC_KEY.as_bytes()).unwrap();
        assert!(decode::<serde_json::Value>(&token, &key, &validation).is_ok());
    }

    #[test]
    fn the_first_organization_gets_them_once() {
        let mut seed = Seed::from_yaml("organizations: [{id: 1A@AdobeOrg}, {id: 2B@AdobeOrg}]").unwrap();
        add_ready_made(&mut seed);
        add_ready_made(&mut seed);
        assert_eq!(seed.organizations[0].integrations.len(), 1);
        assert!(seed.organizations[1].integrations.is_empty());
    }
}
