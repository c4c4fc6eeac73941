use http::StatusCode;
use http::header::{HeaderValue, WWW_AUTHENTICATE};
use serde_json::json;

use crate::http::Answer;

/// Why a call of the User Management API is not let in.
///
/// The documentation shows several forms of the same answers and does not say which comes when. Here the gateway in front
/// looks at the key and then at the token, and the service behind it at the organization; what neither has words for has
/// an empty body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denial {
    /// No `X-Api-Key`.
    NoKey,
    /// No integration has this key.
    UnknownKey,
    /// No `Authorization: Bearer …`.
    NoToken,
    /// It was not made here, has been revoked, or has expired.
    BadToken,
    /// The token is another client's than the key.
    ForeignKey,
    /// The integration is disabled, or its token was not given for this API.
    NotPermitted,
    /// The token is of another organization than the path.
    WrongOrganization,
    /// The certificate that the login was signed with has ended since.
    CertificateEnded,
    /// The organization is being moved.
    Migrating,
}

impl Denial {
    pub(crate) fn answer(self) -> Answer {
        let gateway = |status, code, message| Answer::json(status, &json!({"error_code": code, "message": message}));
        match self {
            Self::NoKey => gateway(StatusCode::FORBIDDEN, "403000", "Api Key is required"),
            Self::UnknownKey | Self::ForeignKey => gateway(StatusCode::FORBIDDEN, "403003", "Api Key is invalid"),
            Self::NotPermitted => Answer::empty(StatusCode::FORBIDDEN),
            Self::NoToken => challenge(Answer::empty(StatusCode::UNAUTHORIZED)),
            Self::BadToken => challenge(gateway(StatusCode::UNAUTHORIZED, "401013", "Oauth token is not valid")),
            Self::WrongOrganization => challenge(Answer::json(
                StatusCode::UNAUTHORIZED,
                &json!({
                    "lastPage": false,
                    "result": "error.unauthorized",
                    "message": "Failed to authenticate provided token",
                }),
            )),
            Self::CertificateEnded => Answer::json(
                StatusCode::BAD_REQUEST,
                &json!({
                    "lastPage": false,
                    "result": "error.unauthorized",
                    "message": "The certificate of the integration has expired",
                }),
            ),
            Self::Migrating => Answer::json(
                StatusCode::FORBIDDEN,
                &json!({
                    "result": "error.organization.migrating",
                    "message": "Changes cannot be made while the organization is migrating",
                }),
            ),
        }
    }
}

fn challenge(answer: Answer) -> Answer {
    const CHALLENGE: &str =
        r#"Bearer realm="JIL", error="invalid_token", error_description="The access token is invalid""#;
    answer.with_header(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE))
}
