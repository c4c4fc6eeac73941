use std::time::SystemTime;

use serde_json::{Map, Value};

use super::keys::{self, ALGORITHMS, Signature};
use super::refusal::LoginRefusal;
use crate::store::{Integration, Organization};

/// What a JWT is judged by.
pub(super) struct Judge<'a> {
    pub(super) integration: &'a Integration,
    pub(super) organization: &'a Organization,
    /// The names under which this IMS is known.
    pub(super) hosts: &'a [&'a str],
    pub(super) now: SystemTime,
}

/// What an accepted JWT asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assertion {
    pub(super) metascopes: Vec<String>,
    /// The `jti`, if the integration requires one.
    pub(super) jti: Option<String>,
    /// Its end, in seconds since 1970.
    pub(super) exp: i64,
    /// What it was signed with.
    pub(super) signature: Signature,
}

impl Judge<'_> {
    /// Checks a JWT in the order: can it be read, are its claims of the right form, is it for this IMS and this client, is
    /// it signed, is it in time, does it ask for what the client has. The documentation tells no order.
    pub(super) fn check(&self, jwt: &str) -> Result<Assertion, LoginRefusal> {
        let undecodable = |_| LoginRefusal::bad("invalid_token", "JWT cannot be decoded");
        let header = jsonwebtoken::decode_header(jwt).map_err(undecodable)?;
        let claims: Map<String, Value> = jsonwebtoken::dangerous::insecure_decode_claims(jwt).map_err(undecodable)?;
        let exp = expiry(&claims)?;
        let jti = jti(&claims)?;
        let iss = text(&claims, "iss", "@AdobeOrg")?;
        let sub = text(&claims, "sub", "@techacct.adobe.com")?;
        self.audience(&claims)?;
        if !ALGORITHMS.contains(&header.alg) {
            let message = format!("JWT is signed with {:?}, which is not accepted: use RS256", header.alg);
            return Err(LoginRefusal::bad("invalid_signature", message));
        }
        // Certificates are on record for an organization and a technical account together.
        let is_bound = iss.eq_ignore_ascii_case(&self.organization.org_id) && sub == self.integration.technical_account;
        let signature = || keys::signature(jwt, header.alg, &self.integration.keys, self.now);
        let Some(signature) = is_bound.then(signature).flatten() else {
            return Err(LoginRefusal::bad(
                "invalid_signature",
                "No certificate on record for iss and sub matches the signature",
            ));
        };
        let now = self.now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        if u64::try_from(exp).unwrap_or(0) <= now {
            return Err(LoginRefusal::bad("invalid_token", "JWT has expired"));
        }
        let metascopes = self.metascopes(&claims)?;
        let jti = match (self.integration.jti_required, jti) {
            (true, None) => return Err(LoginRefusal::bad("invalid_jti", "The binding requires a jti")),
            (required, jti) => jti.filter(|_| required),
        };
        Ok(Assertion { metascopes, jti, exp, signature })
    }

    fn audience(&self, claims: &Map<String, Value>) -> Result<(), LoginRefusal> {
        let wrong = |message: &str| LoginRefusal::bad("invalid_client", message.to_owned());
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

    /// The metascopes that are asked for: at least one, and none that the client does not have.
    fn metascopes(&self, claims: &Map<String, Value>) -> Result<Vec<String>, LoginRefusal> {
        let mut asked = Vec::new();
        for (claim, value) in claims {
            let Some((host, name)) = without_scheme(claim).and_then(|rest| rest.split_once("/s/")) else { continue };
            if value != &Value::Bool(true) {
                continue;
            }
            if !self.is_this_ims(host) || !self.integration.metascopes.iter().any(|metascope| metascope == name) {
                return Err(LoginRefusal::bad("invalid_scope", format!("Invalid metascope: {claim}")));
            }
            asked.push(name.to_owned());
        }
        if asked.is_empty() {
            return Err(LoginRefusal::bad("invalid_scope", "No metascope: claim https://{ims host}/s/ent_user_sdk"));
        }
        Ok(asked)
    }

    fn is_this_ims(&self, host: &str) -> bool {
        self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
    }
}

/// Clients that reach an emulator over plain HTTP write that into the claims, or not.
fn without_scheme(url: &str) -> Option<&str> {
    url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))
}

/// `exp` in seconds. One that is no whole number is a token that cannot be read; one that is missing, negative, or plainly
/// in milliseconds has a wrong format.
fn expiry(claims: &Map<String, Value>) -> Result<i64, LoginRefusal> {
    /// The year 10,000.
    const FAR: i64 = 253_402_300_800;
    match claims.get("exp") {
        None => Err(LoginRefusal::bad("bad_request", "exp is missing")),
        Some(exp) => match exp.as_i64() {
            None => Err(LoginRefusal::bad("invalid_token", "exp is not an integer")),
            Some(exp) if !(0..FAR).contains(&exp) => {
                Err(LoginRefusal::bad("bad_request", "exp must be in seconds since 1970"))
            }
            Some(exp) => Ok(exp),
        },
    }
}

fn jti(claims: &Map<String, Value>) -> Result<Option<String>, LoginRefusal> {
    match claims.get("jti") {
        None => Ok(None),
        Some(jti) if jti.is_u64() => Ok(Some(jti.to_string())),
        Some(jti) if jti.is_i64() => Err(LoginRefusal::bad("bad_request", "jti must not be negative")),
        Some(_) => Err(LoginRefusal::bad("invalid_token", "jti is not an integer")),
    }
}

fn text<'c>(claims: &'c Map<String, Value>, name: &str, end: &str) -> Result<&'c str, LoginRefusal> {
    let value = claims.get(name).and_then(Value::as_str).unwrap_or_default();
    if value.strip_suffix(end).is_none_or(str::is_empty) {
        return Err(LoginRefusal::bad("bad_request", format!("{name} must be a text that ends in {end}")));
    }
    Ok(value)
}
