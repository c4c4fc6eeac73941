//! The login (IMS): access tokens for credentials, and the authentication of calls with them.

mod access;
mod form;
mod jwt;
mod token;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{
    StatusCode,
    header::{CACHE_CONTROL, HeaderValue},
};
use serde_json::json;
use subtle::{Choice, ConstantTimeEq};

use self::{
    form::FormFields,
    jwt::JwtRules,
    token::{Claims, TokenKey},
};
pub(crate) use self::{form::body_fields, jwt::key_problem};
use crate::{
    clock::EmulatorClock,
    generated::login::LoginCall,
    http::{Request, Response},
    store::{Integration, Organization, Reader, Store, StoreError, UsedId},
};

/// The login service of one emulator.
pub(crate) struct Login {
    store: Arc<Store>,
    clock: EmulatorClock,
    settings: LoginSettings,
    key: TokenKey,
}

/// The settings of the login.
#[derive(Debug, Clone)]
pub(crate) struct LoginSettings {
    /// The lifetime of an access token.
    pub(crate) token_lifetime: Duration,
    /// The hosts that count as this IMS in the `aud` and the metascopes of a JWT, besides this machine. Without a port, any
    /// port counts.
    pub(crate) ims_hosts: Vec<String>,
    /// Whether claims of a JWT in an undocumented form are rejected.
    pub(crate) strict: bool,
}

impl Default for LoginSettings {
    fn default() -> Self {
        let ims_hosts = vec!["ims-na1.adobelogin.com".to_owned()];
        Self { token_lifetime: Duration::from_secs(24 * 60 * 60), ims_hosts, strict: true }
    }
}

/// The client of an authenticated call, and the organization of its path, which is the client's own.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) client_id: String,
    pub(crate) org: Organization,
}

/// An issued token and its lifetime.
struct IssuedToken {
    token: String,
    lifetime: Duration,
}

impl Login {
    /// Opens the login of a store, which keeps the key that signs its tokens.
    pub(crate) fn open(store: Arc<Store>, clock: EmulatorClock, settings: LoginSettings) -> Result<Self, StoreError> {
        Ok(Self { key: TokenKey::open(&store)?, store, clock, settings })
    }

    /// Puts the key into the store again after its state was restored or reset, so that issued tokens stay valid.
    pub(crate) fn keep_key(&self) -> Result<(), StoreError> {
        self.key.keep(&self.store)
    }

    /// The lifetime of an access token.
    pub(crate) fn token_lifetime(&self) -> Duration {
        self.settings.token_lifetime
    }

    /// Handles a call of one of the token endpoints.
    pub(crate) fn handle(&self, call: &LoginCall, request: &Request) -> Response {
        let fields = FormFields::read(request);
        let (issued, unit): (_, fn(Duration) -> u128) = match call {
            // The lifetime is in milliseconds for this login, and in seconds for the other.
            LoginCall::ExchangeJwt | LoginCall::ExchangeJwtV1 => {
                (fields.and_then(|fields| self.exchange_jwt(&fields)), |time| time.as_millis())
            }
            LoginCall::RequestToken | LoginCall::RequestTokenV2 => {
                (fields.and_then(|fields| self.client_credentials(&fields)), |time| u128::from(time.as_secs()))
            }
        };
        match issued {
            Ok(IssuedToken { token, lifetime }) => {
                let expires_in = u64::try_from(unit(lifetime)).unwrap_or(u64::MAX);
                let body = json!({"token_type": "bearer", "access_token": token, "expires_in": expires_in});
                Response::json(StatusCode::OK, &body).with_header(CACHE_CONTROL, HeaderValue::from_static("no-store"))
            }
            Err(error) => error.response(),
        }
    }

    fn exchange_jwt(&self, fields: &FormFields) -> Result<IssuedToken, LoginError> {
        let integration = self.client(fields)?;
        if !integration.scopes.iter().any(|scope| scope == "exchange_jwt") {
            return Err(LoginError::Client("client lacks the exchange_jwt scope"));
        }
        let Some(jwt) = fields.get("jwt_token")? else {
            return Err(LoginError::bad("invalid_token", "JWT is missing"));
        };
        let Some(organization) = self.store.read(|r| organization_of(r, &integration))? else {
            return Err(LoginError::Failure(format!(
                "the organization of {} does not exist any more",
                integration.client_id
            )));
        };
        let now = self.clock.wall();
        let strict = self.settings.strict;
        let rules = JwtRules {
            integration: &integration,
            organization: &organization,
            hosts: &self.settings.ims_hosts,
            strict,
            now,
        };
        let assertion = rules.check(jwt)?;
        if let Some(jti) = &assertion.jti {
            let now = seconds(now);
            let is_new = self.store.write(None, |tx| {
                tx.use_id(UsedId::Jti, &integration.client_id, jti, assertion.exp, now).map_err(LoginError::from)
            })?;
            if !is_new {
                return Err(LoginError::bad("invalid_jti", "jti was used before"));
            }
        }
        self.grant(&integration, &assertion.metascopes, assertion.signature.certificate_end)
    }

    fn client_credentials(&self, fields: &FormFields) -> Result<IssuedToken, LoginError> {
        match fields.get("grant_type")? {
            Some("client_credentials") => {}
            Some(other) => {
                return Err(LoginError::bad("unsupported_grant_type", format!("Unsupported grant_type: {other}")));
            }
            None => return Err(LoginError::bad("invalid_request", "grant_type is missing")),
        }
        for name in ["client_id", "client_secret"] {
            if fields.get(name)?.is_none() {
                return Err(LoginError::bad("invalid_request", format!("{name} is missing")));
            }
        }
        let integration = self.client(fields)?;
        let scopes: Vec<String> = fields
            .get("scope")?
            .unwrap_or_default()
            .split([',', ' '])
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect();
        if scopes.is_empty() {
            return Err(LoginError::bad("invalid_scope", "No scope: request openid,AdobeID,user_management_sdk"));
        }
        if let Some(unknown) = scopes.iter().find(|scope| !integration.scopes.contains(scope)) {
            return Err(LoginError::bad("invalid_scope", format!("Invalid scope: {unknown}")));
        }
        self.grant(&integration, &scopes, None)
    }

    fn grant(
        &self,
        integration: &Integration,
        scopes: &[String],
        certificate_end: Option<i64>,
    ) -> Result<IssuedToken, LoginError> {
        let generation = self.store.read(|r| r.token_generation(&integration.client_id))?;
        let lifetime = self.settings.token_lifetime;
        let claims = Claims::new(&integration.client_id, &integration.technical_account, scopes, generation)
            .map_err(|error| LoginError::Failure(error.to_string()))?
            .with_lifetime(self.clock.millis(), lifetime)
            .with_certificate_end(certificate_end);
        let token = self.key.sign(&claims).map_err(|error| LoginError::Failure(error.to_string()))?;
        Ok(IssuedToken { token, lifetime })
    }

    /// Issues a token without a login, for everything that the integration may do.
    pub(crate) fn issue(&self, integration: &Integration) -> Result<String, String> {
        let scopes: Vec<String> = integration.scopes.iter().chain(&integration.metascopes).cloned().collect();
        match self.grant(integration, &scopes, None) {
            Ok(issued) => Ok(issued.token),
            Err(LoginError::Failure(reason) | LoginError::Bad(_, reason)) => Err(reason),
            Err(LoginError::Client(reason)) => Err(reason.to_owned()),
        }
    }

    /// The client of a login, which must be known and enabled, with the right secret.
    fn client(&self, fields: &FormFields) -> Result<Integration, LoginError> {
        let client_id = fields.get("client_id")?.unwrap_or_default();
        let Some(integration) = self.store.read(|r| r.integration(client_id))? else {
            return Err(LoginError::bad("invalid_client", "invalid client_id parameter"));
        };
        let secret = fields.get("client_secret")?.unwrap_or_default();
        // All secrets are compared, and each one completely, so that the time reveals nothing.
        let matching = integration.secrets.iter().map(|known| known.as_bytes().ct_eq(secret.as_bytes()));
        if !bool::from(matching.fold(Choice::from(0), |any, this| any | this)) {
            return Err(LoginError::Client("invalid client_secret parameter"));
        }
        if !integration.enabled {
            return Err(LoginError::Client("client is disabled"));
        }
        Ok(integration)
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The error of a login.
#[derive(Debug, PartialEq, Eq)]
enum LoginError {
    /// 400: an error of the catalog, and what is wrong.
    Bad(&'static str, String),
    /// 401: the client is known, but may not log in this way.
    Client(&'static str),
    /// The emulator itself failed.
    Failure(String),
}

impl LoginError {
    fn bad(error: &'static str, description: impl Into<String>) -> Self {
        Self::Bad(error, description.into())
    }

    fn response(&self) -> Response {
        let (status, error, description) = match self {
            Self::Bad(error, description) => (StatusCode::BAD_REQUEST, *error, description.as_str()),
            Self::Client(description) => (StatusCode::UNAUTHORIZED, "invalid_client", *description),
            Self::Failure(reason) => return Response::failure(reason),
        };
        Response::json(status, &json!({"error": error, "error_description": description}))
            .with_header(CACHE_CONTROL, HeaderValue::from_static("no-store"))
    }
}

impl From<StoreError> for LoginError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.to_string())
    }
}

fn organization_of(r: &Reader<'_>, integration: &Integration) -> Result<Option<Organization>, StoreError> {
    Ok(r.organizations()?.into_iter().find(|org| org.id == integration.org))
}

fn seconds(wall: SystemTime) -> i64 {
    i64::try_from(wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
