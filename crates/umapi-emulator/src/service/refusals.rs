use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use umapi_model::Operation;

use crate::engine::Rejection;
use crate::engine::legacy::LegacyError;
use crate::http::Answer;

/// How a service writes its errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `{"result": …, "message": …}`.
    Result,
    /// `{"errorCode": …, "errorMessage": …}`, of user groups and products.
    Code,
}

impl Shape {
    pub(super) fn of(operation: &Operation) -> Self {
        if operation.path.contains("/user-groups") || operation.path.contains("/products") {
            Self::Code
        } else {
            Self::Result
        }
    }
}

/// A refusal with a status.
pub(super) fn refuse(shape: Shape, status: u16, refusal: &Rejection) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let Rejection { code, message } = refusal;
    match shape {
        Shape::Result => Answer::json(status, &ResultBody { last_page: None, result: code, message }),
        Shape::Code => Answer::json(status, &CodeBody { error_code: code, error_message: message }),
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

/// What the gateway in front of the service says.
#[derive(Serialize)]
struct GatewayBody<'a> {
    error_code: &'a str,
    message: &'a str,
}

/// What a write of a deprecated endpoint was refused for.
pub(super) fn legacy(failure: LegacyError) -> Answer {
    match failure {
        LegacyError::Rejected(refused) => {
            let refusal = Rejection { code: refused.code, message: refused.message };
            refuse(Shape::Code, refused.status, &refusal)
        }
        LegacyError::Store(error) => Answer::fault(&error.to_string()),
    }
}

/// A thing of the deprecated endpoints that is not there; its message is its code.
pub(super) fn not_found(code: &'static str) -> Answer {
    refuse(Shape::Code, 404, &Rejection::new(code, code))
}

pub(super) fn user_not_found(user: &str) -> Answer {
    refuse(Shape::Result, 404, &Rejection::new("error.user.not_found", format!("User not found {user}")))
}

pub(super) fn domain_not_found(domain: &str) -> Answer {
    let message = format!("Domain not found: {domain}");
    refuse(Shape::Result, 404, &Rejection::new("error.domain.trust.nonexistent", message))
}

pub(super) fn group_not_found(group: &str) -> Answer {
    let message = format!("Not found: Group {group}");
    let body = ResultBody { last_page: Some(false), result: "error.group.not_found", message: &message };
    Answer::json(StatusCode::NOT_FOUND, &body)
}

/// The organization of the path is none.
pub(crate) fn bad_organization() -> Answer {
    refuse(Shape::Result, 400, &Rejection::new("error.organization.invalid_id", "Bad organization Id"))
}

/// The path is none of the service's. What the gateway says to that is not documented.
pub(crate) fn unknown_path(path: &str) -> Answer {
    let message = format!("Resource not found: {path}");
    Answer::json(StatusCode::NOT_FOUND, &GatewayBody { error_code: "404000", message: &message })
}

/// The path has no such method.
pub(crate) fn wrong_method(allowed: &[&str]) -> Answer {
    let message = format!("Method not allowed: the methods of this path are {}", allowed.join(", "));
    let body = GatewayBody { error_code: "405000", message: &message };
    let answer = Answer::json(StatusCode::METHOD_NOT_ALLOWED, &body);
    match HeaderValue::from_str(&allowed.join(", ")) {
        Ok(methods) => answer.with_header(header::ALLOW, methods),
        Err(_) => answer,
    }
}
