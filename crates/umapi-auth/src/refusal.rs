//! What a login answered instead of a token, and the way out.

use std::{
    error::Error as _,
    time::{Duration, SystemTime},
};

use reqwest::Response;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{
    ClockSkew, Endpoint, Error,
    error::{Kind, Refusal},
    redaction::without_secrets,
};

/// An answer, read. Its body may be a token, so it is wiped.
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) request_id: Option<String>,
    pub(crate) date: Option<SystemTime>,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Answered {
    /// What stands before the body.
    pub(crate) fn head(response: &Response) -> Self {
        // Of a header that is sent twice the first counts.
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self {
            status: response.status().as_u16(),
            request_id: header("x-request-id").or_else(|| header("x-debug-id")),
            date: header("date").and_then(|date| httpdate::parse_http_date(&date).ok()),
            retry_after: header("retry-after"),
            body: Zeroizing::new(Vec::new()),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Failure {
    error: String,
    error_description: String,
}

/// The error of an answer that is no success.
pub(crate) fn read(answer: Answered, secrets: &[&str], now: SystemTime, skew: Option<ClockSkew>) -> Error {
    let status = answer.status;
    let body = without_secrets(&String::from_utf8_lossy(&answer.body), secrets);
    let failure: Failure = serde_json::from_str(&body).unwrap_or_default();
    let said = match (failure.error.as_str(), failure.error_description.as_str()) {
        ("", _) => String::new(),
        (code, "") => format!(" {code}"),
        (code, description) => format!(" {code} ({description})"),
    };
    let message = format!("the login was refused with {status}{said}: {}", way_out(status, &failure.error));
    let retry_after = answer.retry_after.and_then(|value| read_retry_after(&value, answer.date.unwrap_or(now)));
    let request_id = answer.request_id.map(|id| without_secrets(&id, secrets));
    let (code, description) = (failure.error, failure.error_description);
    Error::with_skew(Kind::Refused(Refusal { status, code, description, body, request_id, retry_after }), message, skew)
}

/// The way out of each refusal.
fn way_out(status: u16, code: &str) -> &'static str {
    match (status, code) {
        (401, "invalid_client") => {
            "compare the client secret with that of the integration in the Adobe Developer Console, and the kind of its \
             credential (JWT or OAuth Server-to-Server) with the kind of login"
        }
        (_, "invalid_client") => {
            "compare the client id with that of the integration in the Adobe Developer Console, and the address of the \
             login with the environment that the integration belongs to"
        }
        (_, "invalid_token") => "set this machine's clock right, and check the organization and the technical account",
        (_, "invalid_signature") => {
            "upload the certificate of this private key to the integration in the Adobe Developer Console, and see that \
             it has not expired"
        }
        (_, "invalid_jti") => {
            "the integration wants every JWT to have a number of its own: turn that on with `ServiceAccount::with_jti`"
        }
        (_, "invalid_scope") => {
            "add the User Management API to the integration in the Adobe Developer Console (its metascope is \
             `ent_user_sdk` for JWT, its scopes are `openid,AdobeID,user_management_sdk` for OAuth), and ask for no \
             others"
        }
        (_, "bad_request") => {
            "check the form of the organization (12345@AdobeOrg) and of the technical account \
             (…@techacct.adobe.com), as the integration in the Adobe Developer Console shows them"
        }
        (429, _) => "there were too many logins: wait, and share one session among all tasks",
        (500.., _) => "the login has an outage: try again later",
        (300..=399, _) => "it points elsewhere, where the credentials are not sent: give the login its final address",
        _ => "check the address of the login and the credentials",
    }
}

/// Seconds, or a date: that one by the server's own clock, where the answer tells it.
fn read_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// The error of a request that got no answer, or half of one.
pub(crate) fn of_network(error: &reqwest::Error, endpoint: &Endpoint, secrets: &[&str]) -> Error {
    let what = if error.is_timeout() {
        "did not answer in time"
    } else if error.is_connect() {
        "cannot be reached"
    } else {
        "broke the connection"
    };
    // The innermost cause is what helps: a refused connection, an unknown certificate.
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    let cause = cause.map_or_else(String::new, |cause| format!(" ({})", without_secrets(&cause.to_string(), secrets)));
    let message = format!("the login at {endpoint} {what}{cause}: check the network, the proxy and the certificates");
    Error::new(Kind::Network { is_timeout: error.is_timeout(), is_connect: error.is_connect() }, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_retry_after_are_read() {
        let now = httpdate::parse_http_date("Tue, 24 Nov 2026 12:00:00 GMT").unwrap();
        assert_eq!(read_retry_after("38", now), Some(Duration::from_secs(38)));
        assert_eq!(read_retry_after("Tue, 24 Nov 2026 13:00:00 GMT", now), Some(Duration::from_secs(3600)));
        assert_eq!(read_retry_after("Tue, 24 Nov 2026 11:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(read_retry_after("soon", now), None);
    }
}
