use std::time::SystemTime;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use pem::Pem;
use serde_json::{Map, Value};
use x509_parser::prelude::{FromDer, X509Certificate};

/// The algorithms that a JWT may be signed with.
pub(super) const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512];

/// What a JWT was signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signature {
    /// The last second of the certificate, since 1970; none if it is a bare key.
    pub(super) certificate_end: Option<i64>,
}

/// Which of the registered keys and certificates signed a JWT, if one did. A certificate counts while it is valid.
pub(super) fn signature(jwt: &str, algorithm: Algorithm, keys: &[String], now: SystemTime) -> Option<Signature> {
    let mut validation = Validation::new(algorithm);
    // What the claims say is judged by the emulator's clock and rules; here it is the signature alone.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let keys = keys.iter().flat_map(|text| pem::parse_many(text).unwrap_or_default());
    keys.filter_map(|key| public_key(&key, now))
        .find(|(key, _)| jsonwebtoken::decode::<Map<String, Value>>(jwt, key, &validation).is_ok())
        .map(|(_, signature)| signature)
}

fn public_key(key: &Pem, now: SystemTime) -> Option<(DecodingKey, Signature)> {
    if key.tag() != "CERTIFICATE" {
        let key = DecodingKey::from_rsa_pem(pem::encode(key).as_bytes()).ok()?;
        return Some((key, Signature { certificate_end: None }));
    }
    let (_, certificate) = X509Certificate::from_der(key.contents()).ok()?;
    let now = i64::try_from(now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()).ok()?;
    let validity = certificate.validity();
    let (begin, end) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    // The key of an RSA certificate is a PKCS#1 structure.
    let key = || DecodingKey::from_rsa_der(&certificate.public_key().subject_public_key.data);
    (begin..=end).contains(&now).then(|| (key(), Signature { certificate_end: Some(end) }))
}

/// What is wrong with a text that is to be registered as a key: nothing, if it holds certificates and public keys of RSA.
pub(crate) fn problem(text: &str) -> Option<String> {
    let keys = match pem::parse_many(text) {
        Ok(keys) if keys.is_empty() => return Some("it holds no PEM block".to_owned()),
        Ok(keys) => keys,
        Err(error) => return Some(format!("it is no PEM: {error}")),
    };
    keys.iter().find_map(|key| match key.tag() {
        "CERTIFICATE" => match X509Certificate::from_der(key.contents()) {
            Err(error) => Some(format!("it is no certificate: {error}")),
            Ok((_, certificate)) => {
                let rsa = matches!(certificate.public_key().parsed(), Ok(x509_parser::public_key::PublicKey::RSA(_)));
                (!rsa).then(|| "the key of the certificate is not RSA".to_owned())
            }
        },
        "PUBLIC KEY" | "RSA PUBLIC KEY" => DecodingKey::from_rsa_pem(pem::encode(key).as_bytes())
            .err()
            .map(|_| "it is no public key of RSA".to_owned()),
        other => Some(format!("it is a {other}, where a CERTIFICATE or a PUBLIC KEY is needed")),
    })
}
