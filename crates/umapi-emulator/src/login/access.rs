//! Authentication: which calls of the User Management API are admitted, and how the others are denied.

use http::{
    StatusCode,
    header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE},
};
use serde_json::json;

use super::{Caller, Login};
use crate::{
    http::{Request, Response},
    store::{StoreError, UsedId},
};

impl Login {
    /// Authenticates a call of the User Management API for the organization of its path.
    pub(crate) fn authenticate(&self, request: &Request, org_id: &str) -> Result<Caller, Box<Response>> {
        match self.admit(request, org_id) {
            Ok(Ok(caller)) => Ok(caller),
            Ok(Err(denial)) => Err(Box::new(denial.response())),
            Err(error) => Err(Box::new(Response::failure(&error.to_string()))),
        }
    }

    fn admit(&self, request: &Request, org_id: &str) -> Result<Result<Caller, Denial>, StoreError> {
        let Some(key) = request.header("x-api-key").filter(|key| !key.is_empty()) else {
            return Ok(Err(Denial::NoKey));
        };
        let now = self.clock.millis();
        let token = bearer_token(request);
        // Read the token before the store, which others wait for.
        let claims = token.and_then(|token| self.key.read(token)).filter(|claims| now < claims.end());
        self.store.read(|r| {
            let token_id = claims.as_ref().map_or("", |claims| &claims.id);
            let Some(client) = r.client_state(key, token_id)? else { return Ok(Err(Denial::UnknownKey)) };
            if token.is_none() {
                return Ok(Err(Denial::NoToken));
            }
            let Some(claims) = claims else { return Ok(Err(Denial::BadToken)) };
            if claims.client_id != key {
                let other = r.client_state(&claims.client_id, &claims.id)?;
                let is_valid = other.is_some_and(|other| claims.are_valid(&other));
                return Ok(Err(if is_valid { Denial::ForeignKey } else { Denial::BadToken }));
            }
            if !claims.are_valid(&client) {
                return Ok(Err(Denial::BadToken));
            }
            if !client.enabled || !claims.are_for_user_management() {
                return Ok(Err(Denial::NotPermitted));
            }
            if !client.org.org_id.eq_ignore_ascii_case(org_id) {
                return Ok(Err(Denial::WrongOrganization));
            }
            if claims.certificate_end.is_some_and(|end| end < now / 1000) {
                return Ok(Err(Denial::CertificateExpired));
            }
            if client.org.migrating {
                return Ok(Err(Denial::Migrating));
            }
            Ok(Ok(Caller { client_id: key.to_owned(), org: client.org }))
        })
    }

    /// Revokes the token of a request. Returns whether this emulator had issued it.
    pub(crate) fn revoke_presented(&self, request: &Request) -> Result<bool, StoreError> {
        bearer_token(request).map_or(Ok(false), |token| self.revoke(token))
    }

    /// Revokes a token. Returns whether this emulator had issued it.
    pub(crate) fn revoke(&self, token: &str) -> Result<bool, StoreError> {
        let Some(claims) = self.key.read(token) else { return Ok(false) };
        let (now, end) = (self.clock.millis() / 1000, claims.end() / 1000 + 1);
        self.store.write(None, |tx| tx.use_id(UsedId::RevokedToken, &claims.client_id, &claims.id, end, now))?;
        Ok(true)
    }

    /// Revokes all tokens of a client.
    pub(crate) fn revoke_all(&self, client_id: &str) -> Result<(), StoreError> {
        self.store.write(None, |tx| tx.revoke_tokens(client_id))
    }
}

fn bearer_token(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header(AUTHORIZATION.as_str())?.split_once(' ')?;
    Some(token.trim()).filter(|token| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
}

/// The reason why a call of the User Management API is not admitted.
///
/// The documentation shows several forms of the same responses and does not say which one applies when. Here, the gateway in
/// front checks the key and then the token, and the service behind it checks the organization. A response for which neither
/// documents a body has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Denial {
    /// There is no `X-Api-Key`.
    NoKey,
    /// No integration has this key.
    UnknownKey,
    /// There is no `Authorization: Bearer …`.
    NoToken,
    /// This emulator did not issue the token, or it was revoked, or it has expired.
    BadToken,
    /// The token belongs to another client than the key.
    ForeignKey,
    /// The integration is disabled, or the token was not issued for this API.
    NotPermitted,
    /// The token belongs to another organization than the one of the path.
    WrongOrganization,
    /// The certificate that signed the login has expired since.
    CertificateExpired,
    /// The organization is being migrated.
    Migrating,
}

impl Denial {
    fn response(self) -> Response {
        let gateway = |status, code, message| Response::json(status, &json!({"error_code": code, "message": message}));
        match self {
            Self::NoKey => gateway(StatusCode::FORBIDDEN, "403000", "Api Key is required"),
            Self::UnknownKey | Self::ForeignKey => gateway(StatusCode::FORBIDDEN, "403003", "Api Key is invalid"),
            Self::NotPermitted => Response::empty(StatusCode::FORBIDDEN),
            Self::NoToken => challenge(Response::empty(StatusCode::UNAUTHORIZED)),
            Self::BadToken => challenge(gateway(StatusCode::UNAUTHORIZED, "401013", "Oauth token is not valid")),
            Self::WrongOrganization => challenge(Response::json(
                StatusCode::UNAUTHORIZED,
                &json!({
                    "lastPage": false,
                    "result": "error.unauthorized",
                    "message": "Failed to authenticate provided token",
                }),
            )),
            Self::CertificateExpired => Response::json(
                StatusCode::BAD_REQUEST,
                &json!({
                    "lastPage": false,
                    "result": "error.unauthorized",
                    "message": "The certificate of the integration has expired",
                }),
            ),
            Self::Migrating => Response::json(
                StatusCode::FORBIDDEN,
                &json!({
                    "result": "error.organization.migrating",
                    "message": "Changes cannot be made while the organization is migrating",
                }),
            ),
        }
    }
}

fn challenge(response: Response) -> Response {
    const CHALLENGE: &str =
        r#"Bearer realm="JIL", error="invalid_token", error_description="The access token is invalid""#;
    response.with_header(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE))
}
