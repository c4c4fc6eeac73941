//! The JWT of a JWT exchange: its claims, its signature, and the keys and certificates that are registered for it.

use std::time::SystemTime;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use pem::Pem;
use serde_json::{Map, Value};
use x509_parser::{
    prelude::{FromDer, X509Certificate},
    public_key::PublicKey,
};

use super::{LoginError, seconds};
use crate::{
    http::{host_name, is_this_machine},
    store::{Integration, Organization},
};

/// The algorithms that may sign a JWT.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512];

/// What a JWT is checked against.
pub(super) struct JwtRules<'a> {
    pub(super) integration: &'a Integration,
    pub(super) organization: &'a Organization,
    /// The hosts that count as this IMS, besides this machine.
    pub(super) hosts: &'a [String],
    /// Whether a fraction as `exp` is rejected.
    pub(super) strict: bool,
    pub(super) now: SystemTime,
}

/// The content of an accepted JWT.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assertion {
    pub(super) metascopes: Vec<String>,
    /// The `jti`, if the integration requires one.
    pub(super) jti: Option<String>,
    /// The expiry, in seconds since 1970.
    pub(super) exp: i64,
    pub(super) signature: Signature,
}

impl JwtRules<'_> {
    /// Checks a JWT in this order: readable, claims in the right form, meant for this IMS and this client, signed, not expired,
    /// metascopes that the client has. The documentation does not specify an order.
    pub(super) fn check(&self, jwt: &str) -> Result<Assertion, LoginError> {
        let undecodable = |_| LoginError::bad("invalid_token", "JWT cannot be decoded");
        let header = jsonwebtoken::decode_header(jwt).map_err(undecodable)?;
        let claims: Map<String, Value> = jsonwebtoken::dangerous::insecure_decode_claims(jwt).map_err(undecodable)?;
        let exp = expiry(&claims, self.strict)?;
        let jti = jti(&claims)?;
        let iss = text(&claims, "iss", "@AdobeOrg")?;
        let sub = text(&claims, "sub", "@techacct.adobe.com")?;
        self.check_audience(&claims)?;
        if !ALGORITHMS.contains(&header.alg) {
            let message = format!("JWT is signed with {:?}, which is not accepted: use RS256", header.alg);
            return Err(LoginError::bad("invalid_signature", message));
        }
        // Certificates are registered for an organization and a technical account together.
        let is_bound = iss.eq_ignore_ascii_case(&self.organization.org_id) && sub == self.integration.technical_account;
        let signature = || signature(jwt, header.alg, &self.integration.keys, self.now);
        let Some(signature) = is_bound.then(signature).flatten() else {
            return Err(LoginError::bad(
                "invalid_signature",
                "No certificate on record for iss and sub matches the signature",
            ));
        };
        if exp <= seconds(self.now) {
            return Err(LoginError::bad("invalid_token", "JWT has expired"));
        }
        let metascopes = self.metascopes(&claims)?;
        let jti = match (self.integration.jti_required, jti) {
            (true, None) => return Err(LoginError::bad("invalid_jti", "The binding requires a jti")),
            (required, jti) => jti.filter(|_| required),
        };
        Ok(Assertion { metascopes, jti, exp, signature })
    }

    fn check_audience(&self, claims: &Map<String, Value>) -> Result<(), LoginError> {
        let wrong = |message: &str| LoginError::bad("invalid_client", message.to_owned());
        let audience = match claims.get("aud") {
            Some(Value::String(one)) => one.as_str(),
            Some(Value::Array(several)) if several.len() == 1 => several[0].as_str().unwrap_or_default(),
            _ => return Err(wrong("aud is missing: it must be https://{ims host}/c/{client_id}")),
        };
        let (host, client_id) = without_scheme(audience)
            .and_then(|rest| rest.split_once("/c/"))
            .ok_or_else(|| wrong("aud must be https://{ims host}/c/{client_id}"))?;
        if !self.is_this_ims(host) {
            return Err(wrong("aud names another IMS"));
        }
        if client_id != self.integration.client_id {
            return Err(wrong("client_id and aud do not match"));
        }
        Ok(())
    }

    /// The requested metascopes: at least one, and only those that the client has.
    fn metascopes(&self, claims: &Map<String, Value>) -> Result<Vec<String>, LoginError> {
        let mut requested = Vec::new();
        for (claim, value) in claims {
            let Some((host, name)) = without_scheme(claim).and_then(|rest| rest.split_once("/s/")) else { continue };
            if value != &Value::Bool(true) {
                continue;
            }
            if !self.is_this_ims(host) || !self.integration.metascopes.iter().any(|metascope| metascope == name) {
                let message = "The metascopes in the JWT are not a subset of the metascopes in the binding.";
                return Err(LoginError::bad("invalid_scope", message));
            }
            requested.push(name.to_owned());
        }
        if requested.is_empty() {
            return Err(LoginError::bad("invalid_scope", "No metascope: claim https://{ims host}/s/ent_user_sdk"));
        }
        Ok(requested)
    }

    fn is_this_ims(&self, host: &str) -> bool {
        // What a client claims to have called does not count: its `Host` could be any.
        let name = host_name(host);
        is_this_machine(name)
            || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host) || known.eq_ignore_ascii_case(name))
    }
}

/// Clients that reach an emulator over plain HTTP may or may not write that into the claims.
fn without_scheme(url: &str) -> Option<&str> {
    url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))
}

/// `exp` in seconds. Clients also send milliseconds, which the service accepts: a number that is a time after the year 10,000 in
/// seconds is taken as such. A fraction is rounded down, or rejected in strict mode.
fn expiry(claims: &Map<String, Value>, strict: bool) -> Result<i64, LoginError> {
    /// The year 10,000.
    const FAR: i64 = 253_402_300_800;
    const FAR_MILLISECONDS: i64 = FAR * 1000;
    let Some(exp) = claims.get("exp") else { return Err(LoginError::bad("bad_request", "exp is missing")) };
    let whole = match (exp.as_i64(), exp.as_f64()) {
        (Some(whole), _) => whole,
        // Too large for the type.
        (None, _) if exp.is_u64() => i64::MAX,
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a number out of range becomes the nearest one, and is rejected"
        )]
        (None, Some(fraction)) if !strict => fraction.floor() as i64,
        _ => return Err(LoginError::bad("invalid_token", "exp is not an integer")),
    };
    match whole {
        0..FAR => Ok(whole),
        FAR..FAR_MILLISECONDS => Ok(whole / 1000),
        _ => Err(LoginError::bad("bad_request", "exp must be in seconds since 1970")),
    }
}

fn jti(claims: &Map<String, Value>) -> Result<Option<String>, LoginError> {
    match claims.get("jti") {
        None => Ok(None),
        Some(jti) if jti.is_u64() => Ok(Some(jti.to_string())),
        Some(jti) if jti.is_i64() => Err(LoginError::bad("bad_request", "jti must not be negative")),
        Some(_) => Err(LoginError::bad("invalid_token", "jti is not an integer")),
    }
}

fn text<'c>(claims: &'c Map<String, Value>, name: &str, end: &str) -> Result<&'c str, LoginError> {
    let value = claims.get(name).and_then(Value::as_str).unwrap_or_default();
    if value.strip_suffix(end).is_none_or(str::is_empty) {
        return Err(LoginError::bad("bad_request", format!("{name} must be a text that ends in {end}")));
    }
    Ok(value)
}

/// The key that signed a JWT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signature {
    /// The last second of the certificate, since 1970. `None` for a bare key.
    pub(super) certificate_end: Option<i64>,
}

/// Finds the registered key or certificate that signed a JWT. An expired certificate does not count.
pub(super) fn signature(jwt: &str, algorithm: Algorithm, keys: &[String], now: SystemTime) -> Option<Signature> {
    let mut validation = Validation::new(algorithm);
    // The claims are checked elsewhere, by the emulator's clock and rules; this checks only the signature.
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
    let validity = certificate.validity();
    let (begin, end) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    // The key of an RSA certificate is a PKCS#1 structure.
    let key = || DecodingKey::from_rsa_der(&certificate.public_key().subject_public_key.data);
    (begin..=end).contains(&seconds(now)).then(|| (key(), Signature { certificate_end: Some(end) }))
}

/// Checks a text that is to be registered as a key. `None` if it contains only RSA certificates and RSA public keys.
pub(crate) fn key_problem(text: &str) -> Option<String> {
    let keys = match pem::parse_many(text) {
        Ok(keys) if keys.is_empty() => return Some("it contains no PEM block".to_owned()),
        Ok(keys) => keys,
        Err(error) => return Some(format!("it is not PEM: {error}")),
    };
    keys.iter().find_map(|key| match key.tag() {
        "CERTIFICATE" => match X509Certificate::from_der(key.contents()) {
            Err(error) => Some(format!("it is not a certificate: {error}")),
            Ok((_, certificate)) => {
                let rsa = matches!(certificate.public_key().parsed(), Ok(PublicKey::RSA(_)));
                (!rsa).then(|| "the key of the certificate is not RSA".to_owned())
            }
        },
        "PUBLIC KEY" | "RSA PUBLIC KEY" => DecodingKey::from_rsa_pem(pem::encode(key).as_bytes())
            .err()
            .map(|_| "it is not an RSA public key".to_owned()),
        other => Some(format!("it is a {other}, not a CERTIFICATE or a PUBLIC KEY")),
    })
}
