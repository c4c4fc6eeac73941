//! Errors of a login: what the server responded instead of a token, and what to do.

use std::borrow::Cow;

use umapi_http::{NetworkError, error_texts, redact};

#[cfg(feature = "jwt")]
use crate::USER_MANAGEMENT_METASCOPE;
use crate::{
    ClockSkew, Endpoint, Error, Login, USER_MANAGEMENT_SCOPES,
    error::{ErrorResponse, Kind},
    login::LoginResponse,
};

/// The codes of the login server. They are never redacted, even if a secret has the same text.
const CODES: [&str; 6] =
    ["bad_request", "invalid_client", "invalid_jti", "invalid_scope", "invalid_signature", "invalid_token"];

/// Returns the error of a response that is not a success, with `secrets` redacted.
pub(crate) fn of_response(response: LoginResponse, login: &Login, secrets: &[&str], skew: Option<ClockSkew>) -> Error {
    of_any_response(response, secrets, skew, |status, code, _| remedy(status, code, login))
}

/// Returns the error of a response that is not a success, with `secrets` redacted. `remedy` says what to do about a status, a
/// code and a description.
pub(crate) fn of_any_response(
    response: LoginResponse,
    secrets: &[&str],
    skew: Option<ClockSkew>,
    remedy: impl FnOnce(u16, &str, &str) -> Cow<'static, str>,
) -> Error {
    let LoginResponse { head, body } = response;
    let status = head.status;
    // Parsed before anything is redacted, because a short secret may be a word of the JSON.
    let [code, description] = error_texts(&body, [&["error"], &["error_description"]]).map(Option::unwrap_or_default);
    let code = match code {
        code if CODES.contains(&code.as_str()) => code,
        other => redact(&other, secrets),
    };
    let description = redact(&description, secrets);
    let said = match (code.as_str(), description.as_str()) {
        ("", _) => String::new(),
        (code, "") => format!(" {code}"),
        (code, description) => format!(" {code} ({description})"),
    };
    let message = format!("the login was rejected with {status}{said}; {}", remedy(status, &code, &description));
    let response = ErrorResponse {
        status,
        code,
        description,
        body: redact(&*body, secrets),
        request_id: head.request_id,
        retry_after: head.retry_after,
    };
    Error::with_skew(Kind::Rejected(response), message, skew)
}

/// What to do about each error.
fn remedy(status: u16, code: &str, login: &Login) -> Cow<'static, str> {
    Cow::from(match (status, code, login) {
        (_, "invalid_client", Login::OAuthServerToServer(_)) => {
            "compare the client id and the client secret with the credential in the Adobe Developer Console, which must be \
             OAuth Server-to-Server"
        }
        #[cfg(feature = "jwt")]
        (401, "invalid_client", _) => {
            "compare the client secret and the type of the credential (JWT or OAuth Server-to-Server) with the integration \
             in the Adobe Developer Console"
        }
        #[cfg(feature = "jwt")]
        (_, "invalid_client", _) => {
            "compare the client id with the integration in the Adobe Developer Console, and the URL of the login server with \
             the environment of the integration"
        }
        (_, "invalid_token", _) => "check this machine's clock, the organization and the technical account",
        (_, "invalid_signature", _) => {
            "upload the certificate of this private key to the integration in the Adobe Developer Console, and check that \
             it has not expired"
        }
        #[cfg(feature = "jwt")]
        (_, "invalid_jti", Login::ServiceAccount(account)) if account.with_jti => {
            "the number of this JWT was used before; log in again"
        }
        (_, "invalid_jti", _) => {
            "the integration requires a unique number (`jti`) in every JWT; turn it on, or use an OAuth Server-to-Server credential"
        }
        (_, "invalid_scope", login) => return Cow::from(scope_remedy(login)),
        (_, "bad_request", _) => {
            "check the organization (12345@AdobeOrg) and the technical account (…@techacct.adobe.com) as the integration in \
             the Adobe Developer Console shows them"
        }
        (429, ..) => "there were too many logins; wait, and log in less often",
        (500.., ..) => "the login server has an outage; try again later",
        (300..=399, ..) => "credentials do not follow a redirect; use the final URL of the login server",
        _ => "check the URL of the login server and the credentials",
    })
}

/// Which scopes were requested, and where to add the missing one.
fn scope_remedy(login: &Login) -> String {
    let (kind, scopes, ours) = match login {
        #[cfg(feature = "jwt")]
        Login::ServiceAccount(account) => ("metascopes", &account.metascopes, USER_MANAGEMENT_METASCOPE.to_owned()),
        Login::OAuthServerToServer(client) => ("scopes", &client.scopes, USER_MANAGEMENT_SCOPES.join(",")),
    };
    format!(
        "the {kind} `{}` were requested; in the Adobe Developer Console, open the project, choose `Add to project`, `API`, \
         add the API that they belong to (`{ours}`: the User Management API), and request no others",
        scopes.join(",")
    )
}

/// Returns the error of a request without a response, or with an incomplete one.
pub(crate) fn of_network(error: &NetworkError, endpoint: &Endpoint, secrets: &[&str]) -> Error {
    let kind = match (error.is_untrusted_certificate(), error.is_unknown_issuer()) {
        (true, is_unknown_issuer) => Kind::Certificate { is_unknown_issuer },
        _ => Kind::Network { is_timeout: error.is_timeout(), is_connect: error.is_connect() },
    };
    let cause = redact(error.to_string(), secrets);
    Error::new(kind, format!("the login at {endpoint} failed: {cause}; {}", error.remedy()))
}

/// Returns the error of a redirect that the HTTP client followed, without the credentials.
pub(crate) fn of_redirect(endpoint: &Endpoint) -> Error {
    Error::new(
        Kind::Other,
        format!(
            "the login at {endpoint} was redirected; credentials do not follow a redirect, use the final URL of the login server"
        ),
    )
}

#[cfg(test)]
mod tests {
    use umapi_http::ResponseHead;
    use zeroize::Zeroizing;

    use super::*;
    use crate::OAuthServerToServer;

    fn rejected(status: u16, body: &str, secret: &str) -> Error {
        let login = Login::OAuthServerToServer(OAuthServerToServer::new("client", secret).unwrap());
        let mut head = ResponseHead::default();
        head.status = status;
        let response = LoginResponse { head, body: Zeroizing::new(body.as_bytes().to_vec()) };
        of_response(response, &login, &[secret], None)
    }

    #[test]
    fn a_secret_that_is_a_word_of_the_response_leaves_it_readable() {
        let body = r#"{"error":"invalid_client","error_description":"the client secret error is wrong"}"#;
        for secret in ["error", "invalid_client", "e", "client"] {
            let error = rejected(401, body, secret);
            assert!(error.is_wrong_secret(), "{secret}: {error:?}");
        }
        assert_eq!(rejected(401, body, "error").description(), Some("the client secret [redacted] is wrong"));
        assert_eq!(rejected(401, r#"{"error":"planted"}"#, "planted").code(), Some("[redacted]"));
    }

    #[test]
    fn a_scope_error_names_the_scopes_and_where_to_add_them() {
        let error = rejected(400, r#"{"error":"invalid_scope"}"#, "planted").to_string();
        assert!(error.contains("scopes `openid,AdobeID,user_management_sdk` were requested"), "{error}");
        assert!(error.contains("`Add to project`") && error.contains("User Management API"), "{error}");
    }

    #[test]
    fn an_odd_description_does_not_lose_the_code() {
        let error = rejected(400, r#"{"error":"invalid_scope","error_description":null}"#, "planted");
        assert_eq!(error.code(), Some("invalid_scope"));
        assert!(error.to_string().contains("scopes `openid"), "{error}");
    }

    #[test]
    fn a_body_that_is_not_json_is_kept() {
        let error = rejected(502, "<h1>Bad Gateway</h1>", "planted");
        assert_eq!((error.code(), error.body()), (None, Some("<h1>Bad Gateway</h1>")));
        assert!(error.is_retryable() && error.to_string().contains("outage"), "{error}");
    }
}
