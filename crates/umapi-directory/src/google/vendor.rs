//! What the responses of Google mean.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use serde_json::Value;

use crate::cloud::{CloudResponse, Vendor, Verdict};

/// The scopes of the service account.
pub(super) const USERS: &str = "https://www.googleapis.com/auth/admin.directory.user.readonly";
pub(super) const GROUPS: &str = "https://www.googleapis.com/auth/admin.directory.group.readonly";
pub(super) const ORGANIZATIONAL_UNITS: &str = "https://www.googleapis.com/auth/admin.directory.orgunit.readonly";

/// Remedies that the reader of a list completes with the scope and the administrator.
pub(super) const SCOPE_MISSING: &str = "authorize the service account for the scope";
pub(super) const ROLE_MISSING: &str = "give the administrator a role that may read it";

/// A limit for a day is not waited for.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) struct Google;

impl Vendor for Google {
    fn name(&self) -> &'static str {
        "Google"
    }

    fn verdict(&self, response: &CloudResponse, _now: SystemTime) -> Verdict {
        let head = &response.head;
        if !matches!(head.status, 403 | 429) {
            return Verdict::of_status(head);
        }
        let said = Said::of(&response.body);
        match said.reason.as_deref().unwrap_or_default() {
            "rateLimitExceeded" | "userRateLimitExceeded" | "quotaExceeded" | "RATE_LIMIT_EXCEEDED" => {
                Verdict::Throttled(head.retry_after)
            }
            "dailyLimitExceeded" | "dailyLimitExceededUnreg" => Verdict::Throttled(Some(DAY)),
            _ if head.status == 429 => Verdict::Throttled(head.retry_after),
            "insufficientPermissions" | "ACCESS_TOKEN_SCOPE_INSUFFICIENT" => Verdict::Denied(SCOPE_MISSING.to_owned()),
            "accessNotConfigured" | "SERVICE_DISABLED" => Verdict::Denied(
                "turn on the Admin SDK API in the project of the service account: Google Cloud > APIs & Services"
                    .to_owned(),
            ),
            "domainPolicy" | "apiDisabled" => {
                Verdict::Denied("an administrator of the account must allow access to its APIs".to_owned())
            }
            _ => Verdict::Denied(ROLE_MISSING.to_owned()),
        }
    }

    fn told(&self, response: &CloudResponse) -> String {
        let said = Said::of(&response.body);
        match (said.message, said.reason) {
            (Some(message), Some(reason)) => format!("{message} ({reason})"),
            (one, other) => one.or(other).unwrap_or_default(),
        }
    }
}

/// What an error says.
#[derive(Default)]
struct Said {
    message: Option<String>,
    /// The reason of the details, else of the old list of errors.
    reason: Option<String>,
}

impl Said {
    fn of(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let error = &body["error"];
        let reasons = |list: &Value| {
            let reasons = list.as_array().into_iter().flatten().filter_map(|entry| entry["reason"].as_str());
            reasons.map(str::to_owned).next()
        };
        Self {
            message: error["message"].as_str().map(str::to_owned),
            reason: reasons(&error["details"]).or_else(|| reasons(&error["errors"])),
        }
    }
}

/// What to do about a login that Google refused.
pub(super) fn login_remedy(status: u16, code: &str, description: &str) -> Cow<'static, str> {
    let description = description.to_ascii_lowercase();
    match code {
        "unauthorized_client" | "access_denied" => format!(
            "authorize the client id of the service account for the scopes {USERS} and {GROUPS} (with `organizational_units`, \
             also {ORGANIZATIONAL_UNITS}): Admin console > Security > Access and data control > API controls > Manage Domain \
             Wide Delegation"
        )
        .into(),
        "invalid_scope" => {
            format!("authorize the service account for {USERS} and {GROUPS}, and nothing but scopes of Google").into()
        }
        "invalid_grant" if description.contains("signature") || description.contains("account not found") => {
            "create a new key of the service account: this one, or the account, was deleted".into()
        }
        "invalid_grant" if description.contains("email") || description.contains("user") => {
            "check `subject`: it must be the address of an administrator of the account".into()
        }
        "invalid_grant" => "check `subject`, the key of the service account, and the clock of this machine".into(),
        _ => match status {
            429 => "there were too many logins; wait, and log in less often".into(),
            500.. => "Google has an outage; try again later".into(),
            _ => "check `key` and `subject`".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;
    use serde_json::json;
    use umapi_http::ResponseHead;
    use url::Url;

    use super::*;

    fn verdict(status: u16, body: &Value) -> Verdict {
        let mut head = ResponseHead::default();
        head.status = status;
        let url = Url::parse("https://admin.googleapis.com").unwrap();
        let response = CloudResponse { url, head, headers: HeaderMap::new(), body: body.to_string().into_bytes() };
        Google.verdict(&response, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn a_403_is_a_limit_or_a_refusal() {
        let old = |reason: &str| json!({ "error": { "code": 403, "message": "No", "errors": [{ "reason": reason }] } });
        for reason in ["rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"] {
            assert_eq!(verdict(403, &old(reason)), Verdict::Throttled(None), "{reason}");
        }
        assert_eq!(verdict(403, &old("dailyLimitExceeded")), Verdict::Throttled(Some(DAY)));
        assert_eq!(verdict(429, &json!("busy")), Verdict::Throttled(None));
        let denied = |body: &Value| match verdict(403, body) {
            Verdict::Denied(remedy) => remedy,
            other => panic!("{other:?}"),
        };
        let new = json!({ "error": { "details": [{ "@type": "x", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT" }] } });
        assert_eq!(denied(&new), SCOPE_MISSING);
        assert_eq!(denied(&old("insufficientPermissions")), SCOPE_MISSING);
        assert_eq!(denied(&old("forbidden")), ROLE_MISSING);
        assert!(denied(&old("accessNotConfigured")).contains("Admin SDK API"));
        assert_eq!(denied(&json!(null)), ROLE_MISSING);
        assert_eq!(verdict(404, &json!(null)), Verdict::NotFound);
    }

    #[test]
    fn a_refused_login_says_where_to_look() {
        for (code, description, expected) in [
            ("unauthorized_client", "Client is unauthorized to retrieve access tokens using this method", "Domain"),
            ("invalid_grant", "Invalid JWT Signature.", "create a new key"),
            ("invalid_grant", "Invalid grant: account not found", "create a new key"),
            ("invalid_grant", "Invalid email or User ID", "check `subject`"),
            ("invalid_grant", "Invalid JWT: Token must be a short-lived token", "the clock"),
            ("internal_failure", "", "outage"),
        ] {
            let status = if code == "internal_failure" { 500 } else { 400 };
            let remedy = login_remedy(status, code, description);
            assert!(remedy.contains(expected), "{code} {description}: {remedy}");
        }
    }
}
