//! What a login answered instead of a token, and the way out.

use std::{
    borrow::Cow,
    error::Error as _,
    time::{Duration, SystemTime},
};

use reqwest::Response;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{
    ClockSkew, Endpoint, Error, Login, USER_MANAGEMENT_METASCOPE, USER_MANAGEMENT_SCOPES,
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

/// The codes of the service, none of which is a secret, whatever the secrets are.
const CODES: [&str; 6] =
    ["bad_request", "invalid_client", "invalid_jti", "invalid_scope", "invalid_signature", "invalid_token"];

/// The error of an answer that is no success. `secrets` are cut out of what it says.
pub(crate) fn read(
    answer: Answered,
    login: &Login,
    secrets: &[&str],
    now: SystemTime,
    skew: Option<ClockSkew>,
) -> Error {
    let status = answer.status;
    // Read before anything is cut: a short secret may be a word of it.
    let failure: Failure = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = match failure.error {
        code if CODES.contains(&code.as_str()) => code,
        other => without_secrets(&other, secrets),
    };
    let description = without_secrets(&failure.error_description, secrets);
    let said = match (code.as_str(), description.as_str()) {
        ("", _) => String::new(),
        (code, "") => format!(" {code}"),
        (code, description) => format!(" {code} ({description})"),
    };
    let message = format!("the login was refused with {status}{said}: {}", way_out(status, &code, login));
    let refusal = Refusal {
        status,
        code,
        description,
        body: without_secrets(&String::from_utf8_lossy(&answer.body), secrets),
        request_id: answer.request_id.map(|id| without_secrets(&id, secrets)),
        retry_after: answer.retry_after.and_then(|value| read_retry_after(&value, answer.date.unwrap_or(now))),
    };
    Error::with_skew(Kind::Refused(refusal), message, skew)
}

/// The way out of each refusal.
fn way_out(status: u16, code: &str, login: &Login) -> Cow<'static, str> {
    Cow::from(match (status, code, login) {
        (_, "invalid_client", Login::OAuthServerToServer(_)) => {
            "compare the client id and the client secret with those of the credential in the Adobe Developer Console, which \
             must be of the kind OAuth Server-to-Server"
        }
        (401, "invalid_client", _) => {
            "compare the client secret with that of the integration in the Adobe Developer Console, and the kind of its \
             credential (JWT or OAuth Server-to-Server) with the kind of login"
        }
        (_, "invalid_client", _) => {
            "compare the client id with that of the integration in the Adobe Developer Console, and the address of the \
             login with the environment that the integration belongs to"
        }
        (_, "invalid_token", _) => {
            "set this machine's clock right, and check the organization and the technical account"
        }
        (_, "invalid_signature", _) => {
            "upload the certificate of this private key to the integration in the Adobe Developer Console, and see that \
             it has not expired"
        }
        (_, "invalid_jti", Login::ServiceAccount(account)) if account.with_jti => {
            "the login has seen the number of this JWT before: log in again"
        }
        (_, "invalid_jti", _) => {
            "the integration wants every JWT to have a number of its own: turn that on with `ServiceAccount::with_jti`"
        }
        (_, "invalid_scope", login) => return Cow::from(way_out_of_scope(login)),
        (_, "bad_request", _) => {
            "check the form of the organization (12345@AdobeOrg) and of the technical account \
             (…@techacct.adobe.com), as the integration in the Adobe Developer Console shows them"
        }
        (429, ..) => "there were too many logins: wait, and share one session among all tasks",
        (500.., ..) => "the login has an outage: try again later",
        (300..=399, ..) => "it points elsewhere, where the credentials are not sent: give the login its final address",
        _ => "check the address of the login and the credentials",
    })
}

/// Which scopes were asked for, and where the missing one is added.
fn way_out_of_scope(login: &Login) -> String {
    let (kind, scopes, ours) = match login {
        Login::ServiceAccount(account) => ("metascopes", &account.metascopes, USER_MANAGEMENT_METASCOPE.to_owned()),
        Login::OAuthServerToServer(client) => ("scopes", &client.scopes, USER_MANAGEMENT_SCOPES.join(",")),
    };
    format!(
        "the {kind} `{}` were asked for: in the Adobe Developer Console, open the project, `Add to project`, `API`, and add \
         the one that they belong to (`{ours}`: the User Management API), and ask for no others",
        scopes.join(",")
    )
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

/// The error of a redirect that an HTTP client followed, without the credentials: where it came to is not the login.
pub(crate) fn of_redirect(endpoint: &Endpoint) -> Error {
    Error::new(
        Kind::Other,
        format!(
            "the login at {endpoint} points elsewhere, where the credentials are not sent: give it its final address"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OAuthServerToServer;

    fn refused(status: u16, body: &str, secret: &str) -> Error {
        let login = Login::OAuthServerToServer(OAuthServerToServer::new("client", secret).unwrap());
        let answer = Answered {
            status,
            request_id: None,
            date: None,
            retry_after: None,
            body: Zeroizing::new(body.as_bytes().to_vec()),
        };
        read(answer, &login, &[secret], SystemTime::UNIX_EPOCH, None)
    }

    #[test]
    fn a_secret_that_is_a_word_of_the_answer_leaves_it_readable() {
        let body = r#"{"error":"invalid_client","error_description":"the client secret error is wrong"}"#;
        for secret in ["error", "invalid_client", "e", "client"] {
            let error = refused(401, body, secret);
            assert!(error.is_wrong_secret(), "{secret}: {error:?}");
        }
        assert_eq!(refused(401, body, "error").description(), Some("the client secret [cut] is wrong"));
        assert_eq!(refused(401, r#"{"error":"planted"}"#, "planted").code(), Some("[cut]"));
    }

    #[test]
    fn the_way_out_of_a_scope_tells_what_was_asked_for_and_where_it_is_added() {
        let error = refused(400, r#"{"error":"invalid_scope"}"#, "planted").to_string();
        assert!(error.contains("scopes `openid,AdobeID,user_management_sdk` were asked for"), "{error}");
        assert!(error.contains("`Add to project`") && error.contains("User Management API"), "{error}");
    }

    #[test]
    fn what_is_no_json_is_kept_as_it_is() {
        let error = refused(502, "<h1>Bad Gateway</h1>", "planted");
        assert_eq!((error.code(), error.body()), (None, Some("<h1>Bad Gateway</h1>")));
        assert!(error.is_retryable() && error.to_string().contains("outage"), "{error}");
    }

    #[test]
    fn both_forms_of_retry_after_are_read() {
        let now = httpdate::parse_http_date("Tue, 24 Nov 2026 12:00:00 GMT").unwrap();
        assert_eq!(read_retry_after("38", now), Some(Duration::from_secs(38)));
        assert_eq!(read_retry_after("Tue, 24 Nov 2026 13:00:00 GMT", now), Some(Duration::from_secs(3600)));
        assert_eq!(read_retry_after("Tue, 24 Nov 2026 11:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(read_retry_after("soon", now), None);
    }
}
