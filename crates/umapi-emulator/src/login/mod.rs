//! IMS: credentials for access tokens, and access tokens for admission.

mod assertion;
mod fields;
mod gate;
pub(crate) mod keys;
mod refusal;
mod token;

use std::time::{Duration, SystemTime};

use http::StatusCode;
use http::header::{AUTHORIZATION, CACHE_CONTROL, HOST, HeaderValue};
use serde_json::json;
use subtle::{Choice, ConstantTimeEq};
use umapi_model::Operation;
use umapi_model::ims::operations::EXCHANGE_JWT;

use crate::http::{Answer, Request};
use crate::store::{Integration, Organization, Reader, Store, StoreError, UsedId};
use crate::world::World;
use assertion::Judge;
use fields::Fields;
pub(crate) use gate::Denial;
use refusal::LoginRefusal;
use token::{Claims, Mint};

/// The login service of one emulator.
#[derive(Debug)]
pub(crate) struct Login {
    mint: Mint,
}

/// Who calls: the client, and the organization of the path, which is its own.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) client_id: String,
    pub(crate) org: Organization,
}

/// A token that was given, and how long it lives.
struct Granted {
    token: String,
    life: Duration,
}

impl Login {
    /// The login of a store: the key that its tokens are signed with is kept there.
    pub(crate) fn open(store: &Store) -> Result<Self, StoreError> {
        Ok(Self { mint: Mint::open(store)? })
    }

    /// Keeps the key in a store that was restored or reset, so that the tokens which are out stay good.
    pub(crate) fn keep(&self, store: &Store) -> Result<(), StoreError> {
        self.mint.keep(store)
    }

    /// Answers a call of one of the token endpoints.
    pub(crate) fn answer(&self, world: &World, operation: &'static Operation, request: &Request) -> Answer {
        let is_exchange = operation.id == EXCHANGE_JWT.id;
        let granted = Fields::read(request).and_then(|fields| {
            if is_exchange { self.exchange(world, request, &fields) } else { self.client_credentials(world, &fields) }
        });
        match granted {
            Ok(granted) => {
                // The one counts in milliseconds, the other in seconds.
                let expires_in =
                    if is_exchange { granted.life.as_millis() } else { u128::from(granted.life.as_secs()) };
                let expires_in = u64::try_from(expires_in).unwrap_or(u64::MAX);
                let body = json!({
                    "token_type": "bearer",
                    "access_token": granted.token,
                    "expires_in": expires_in,
                });
                Answer::json(StatusCode::OK, &body).with_header(CACHE_CONTROL, HeaderValue::from_static("no-store"))
            }
            Err(refusal) => refusal.answer(),
        }
    }

    fn exchange(&self, world: &World, request: &Request, fields: &Fields) -> Result<Granted, LoginRefusal> {
        let integration = client(world, fields)?;
        if !integration.scopes.iter().any(|scope| scope == "exchange_jwt") {
            return Err(LoginRefusal::Client("client lacks the exchange_jwt scope"));
        }
        let Some(jwt) = fields.get("jwt_token")? else {
            return Err(LoginRefusal::bad("invalid_token", "JWT is missing"));
        };
        let mut hosts: Vec<&str> = world.settings.ims_hosts.iter().map(String::as_str).collect();
        hosts.extend(request.header(HOST.as_str()));
        let Some(organization) = world.store.read(|r| organization_of(r, &integration))? else {
            return Err(LoginRefusal::Fault(format!("the organization of {} is gone", integration.client_id)));
        };
        let now = world.clock.wall();
        let judge = Judge { integration: &integration, organization: &organization, hosts: &hosts, now };
        let asked = judge.check(jwt)?;
        if let Some(jti) = &asked.jti {
            let now = seconds(now);
            let spend = |tx: &mut crate::store::Tx<'_>| {
                tx.use_id(UsedId::Jti, &integration.client_id, jti, asked.exp, now).map_err(LoginRefusal::from)
            };
            if !world.store.write(None, spend)? {
                return Err(LoginRefusal::bad("invalid_jti", "jti was used before"));
            }
        }
        self.grant(world, &integration, &asked.metascopes, asked.signature.certificate_end)
    }

    fn client_credentials(&self, world: &World, fields: &Fields) -> Result<Granted, LoginRefusal> {
        match fields.get("grant_type")? {
            Some("client_credentials") => {}
            Some(other) => {
                return Err(LoginRefusal::bad("unsupported_grant_type", format!("Unsupported grant_type: {other}")));
            }
            None => return Err(LoginRefusal::bad("invalid_request", "grant_type is missing")),
        }
        for name in ["client_id", "client_secret"] {
            if fields.get(name)?.is_none() {
                return Err(LoginRefusal::bad("invalid_request", format!("{name} is missing")));
            }
        }
        let integration = client(world, fields)?;
        let scopes: Vec<String> = fields
            .get("scope")?
            .unwrap_or_default()
            .split([',', ' '])
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect();
        if scopes.is_empty() {
            return Err(LoginRefusal::bad("invalid_scope", "No scope: ask for openid,AdobeID,user_management_sdk"));
        }
        if let Some(unknown) = scopes.iter().find(|scope| !integration.scopes.contains(scope)) {
            return Err(LoginRefusal::bad("invalid_scope", format!("Invalid scope: {unknown}")));
        }
        self.grant(world, &integration, &scopes, None)
    }

    fn grant(
        &self,
        world: &World,
        integration: &Integration,
        scopes: &[String],
        certificate_end: Option<i64>,
    ) -> Result<Granted, LoginRefusal> {
        let generation = world.store.read(|r| r.token_generation(&integration.client_id))?;
        let life = world.settings.token_life;
        let claims = Claims::new(&integration.client_id, &integration.technical_account, scopes, generation)
            .lasting(world.clock.millis(), life)
            .with_certificate_until(certificate_end);
        let token = self.mint.sign(&claims).map_err(|error| LoginRefusal::Fault(error.to_string()))?;
        Ok(Granted { token, life })
    }

    /// Gives an integration a token without a login, for all that it may do.
    pub(crate) fn issue(&self, world: &World, integration: &Integration) -> Result<String, String> {
        let scopes: Vec<String> = integration.scopes.iter().chain(&integration.metascopes).cloned().collect();
        match self.grant(world, integration, &scopes, None) {
            Ok(granted) => Ok(granted.token),
            Err(LoginRefusal::Fault(reason) | LoginRefusal::Bad(_, reason)) => Err(reason),
            Err(LoginRefusal::Client(reason)) => Err(reason.to_owned()),
        }
    }

    /// Lets a call of the User Management API in, for the organization of its path.
    pub(crate) fn authenticate(&self, world: &World, request: &Request, org_id: &str) -> Result<Caller, Box<Answer>> {
        match self.admit(world, request, org_id) {
            Ok(Ok(caller)) => Ok(caller),
            Ok(Err(denial)) => Err(Box::new(denial.answer())),
            Err(error) => Err(Box::new(Answer::fault(&error.to_string()))),
        }
    }

    fn admit(&self, world: &World, request: &Request, org_id: &str) -> Result<Result<Caller, Denial>, StoreError> {
        let Some(key) = request.header("x-api-key").filter(|key| !key.is_empty()) else {
            return Ok(Err(Denial::NoKey));
        };
        let now = world.clock.millis();
        let token = bearer_token(request);
        // Others need the store meanwhile: what it is not needed for is done before.
        let claims = token.and_then(|token| self.mint.read(token)).filter(|claims| now < claims.end());
        world.store.read(|r| {
            let token_id = claims.as_ref().map_or("", |claims| &claims.id);
            let Some(standing) = r.client_state(key, token_id)? else { return Ok(Err(Denial::UnknownKey)) };
            if token.is_none() {
                return Ok(Err(Denial::NoToken));
            }
            let Some(claims) = claims else { return Ok(Err(Denial::BadToken)) };
            if claims.client_id != key {
                let of_other = r.client_state(&claims.client_id, &claims.id)?;
                let is_good = of_other.is_some_and(|of_other| claims.are_good(&of_other));
                return Ok(Err(if is_good { Denial::ForeignKey } else { Denial::BadToken }));
            }
            if !claims.are_good(&standing) {
                return Ok(Err(Denial::BadToken));
            }
            if !standing.enabled || !claims.is_for_user_management() {
                return Ok(Err(Denial::NotPermitted));
            }
            if !standing.org.org_id.eq_ignore_ascii_case(org_id) {
                return Ok(Err(Denial::WrongOrganization));
            }
            if claims.certificate_end.is_some_and(|end| end < now / 1000) {
                return Ok(Err(Denial::CertificateEnded));
            }
            if standing.org.migrating {
                return Ok(Err(Denial::Migrating));
            }
            Ok(Ok(Caller { client_id: key.to_owned(), org: standing.org }))
        })
    }

    /// Ends the life of the token that a request comes with, if it is one of ours.
    pub(crate) fn expire_presented(&self, world: &World, request: &Request) -> Result<bool, StoreError> {
        bearer_token(request).map_or(Ok(false), |token| self.revoke(world, token))
    }

    /// Ends the life of a token. Answers whether it was one of ours.
    pub(crate) fn revoke(&self, world: &World, token: &str) -> Result<bool, StoreError> {
        let Some(claims) = self.mint.read(token) else { return Ok(false) };
        let (now, end) = (world.clock.millis() / 1000, claims.end() / 1000 + 1);
        world.store.write(None, |tx| tx.use_id(UsedId::RevokedToken, &claims.client_id, &claims.id, end, now))?;
        Ok(true)
    }

    /// Ends the life of all tokens that a client has.
    pub(crate) fn revoke_all(store: &Store, client_id: &str) -> Result<(), StoreError> {
        store.write(None, |tx| tx.revoke_tokens(client_id))
    }
}

/// The fields of a request's body, if it is a form that can be read.
pub(crate) fn body_fields(request: &Request) -> Option<Vec<(String, String)>> {
    fields::body_fields(request).ok().flatten()
}

/// The client of a login: its id is known, its secret is right, and it is enabled.
fn client(world: &World, fields: &Fields) -> Result<Integration, LoginRefusal> {
    let client_id = fields.get("client_id")?.unwrap_or_default();
    let Some(integration) = world.store.read(|r| r.integration(client_id))? else {
        return Err(LoginRefusal::bad("invalid_client", "invalid client_id parameter"));
    };
    let secret = fields.get("client_secret")?.unwrap_or_default();
    // All are compared, and each to its end: how long it takes tells nothing.
    let matching = integration.secrets.iter().map(|known| known.as_bytes().ct_eq(secret.as_bytes()));
    if !bool::from(matching.fold(Choice::from(0), |any, this| any | this)) {
        return Err(LoginRefusal::Client("invalid client_secret parameter"));
    }
    if !integration.enabled {
        return Err(LoginRefusal::Client("client is disabled"));
    }
    Ok(integration)
}

fn organization_of(r: &Reader<'_>, integration: &Integration) -> Result<Option<Organization>, StoreError> {
    Ok(r.organizations()?.into_iter().find(|org| org.id == integration.org))
}

fn bearer_token(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header(AUTHORIZATION.as_str())?.split_once(' ')?;
    Some(token.trim()).filter(|token| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
}

fn seconds(wall: SystemTime) -> i64 {
    i64::try_from(wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
