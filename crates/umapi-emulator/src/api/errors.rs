//! The errors of the User Management API, in the shapes that the service writes them in.

use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use umapi_model::Operation;

use crate::{
    contract::NoRoute,
    engine::{Rejection, legacy::LegacyError},
    http::{Request, Response},
};

/// The JSON shape of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorShape {
    /// `{"result": …, "message": …}`.
    Result,
    /// `{"errorCode": …, "errorMessage": …}`, of user groups and products.
    Code,
}

impl ErrorShape {
    pub(super) fn of(operation: Operation) -> Self {
        if operation.path().contains("/user-groups") || operation.path().contains("/products") {
            Self::Code
        } else {
            Self::Result
        }
    }
}

/// A rejection with a status.
pub(super) fn reject(shape: ErrorShape, status: u16, rejection: &Rejection) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let Rejection { code, message } = rejection;
    match shape {
        ErrorShape::Result => Response::json(status, &ResultBody { last_page: None, result: code, message }),
        ErrorShape::Code => Response::json(status, &CodeBody { error_code: code, error_message: message }),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    last_page: Option<bool>,
    result: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CodeBody<'a> {
    error_code: &'a str,
    error_message: &'a str,
}

/// An error of the gateway in front of the service.
#[derive(Serialize)]
struct GatewayBody<'a> {
    error_code: &'a str,
    message: &'a str,
}

/// The error of a write of a deprecated endpoint.
pub(super) fn legacy_error(error: LegacyError) -> Response {
    match error {
        LegacyError::Rejected(rejected) => {
            let rejection = Rejection { code: rejected.code, message: rejected.message };
            reject(ErrorShape::Code, rejected.status, &rejection)
        }
        LegacyError::Store(error) => Response::failure(&error.to_string()),
    }
}

/// An entity of the deprecated endpoints that does not exist; the message is the code.
pub(super) fn not_found(code: &'static str) -> Response {
    reject(ErrorShape::Code, 404, &Rejection::new(code, code))
}

pub(super) fn user_not_found(user: &str) -> Response {
    reject(ErrorShape::Result, 404, &Rejection::new("error.user.not_found", format!("User not found {user}")))
}

pub(super) fn domain_not_found(domain: &str) -> Response {
    let message = format!("Domain not found: {domain}");
    reject(ErrorShape::Result, 404, &Rejection::new("error.domain.trust.nonexistent", message))
}

pub(super) fn group_not_found(group: &str) -> Response {
    let message = format!("Not found: Group {group}");
    let body = ResultBody { last_page: Some(false), result: "error.group.not_found", message: &message };
    Response::json(StatusCode::NOT_FOUND, &body)
}

/// The error of a request without an operation. The service's gateway does not document its own.
pub(crate) fn no_route(reason: &NoRoute, request: &Request) -> Response {
    match reason {
        NoRoute::BadOrganization => {
            let rejection = Rejection::new("error.organization.invalid_id", "Bad organization Id");
            reject(ErrorShape::Result, 400, &rejection)
        }
        NoRoute::UnknownPath => {
            let message = format!("Resource not found: {}", request.path);
            Response::json(StatusCode::NOT_FOUND, &GatewayBody { error_code: "404000", message: &message })
        }
        NoRoute::WrongMethod(methods) => {
            let allowed = methods.join(", ");
            let message = format!("Method not allowed: the methods of this path are {allowed}");
            let body = GatewayBody { error_code: "405000", message: &message };
            let response = Response::json(StatusCode::METHOD_NOT_ALLOWED, &body);
            match HeaderValue::from_str(&allowed) {
                Ok(allowed) => response.with_header(header::ALLOW, allowed),
                Err(_) => response,
            }
        }
    }
}
