//! What the responses of Okta mean.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use reqwest::header::{HeaderMap, LINK, WWW_AUTHENTICATE};
use serde_json::Value;
use umapi_http::{MAX_RETRY_AFTER, first_header};

use super::SCOPES;
use crate::cloud::{CloudResponse, Failure, Next, Vendor, Verdict};

/// The shortest wait for a new allowance: the header has whole seconds.
const MARGIN: Duration = Duration::from_secs(1);

pub(super) struct Okta;

impl Vendor for Okta {
    fn name(&self) -> &'static str {
        "Okta"
    }

    fn verdict(&self, response: &CloudResponse, now: SystemTime) -> Verdict {
        match response.head.status {
            429 => Verdict::Throttled(
                response.head.retry_after.or_else(|| until_reset(&response.headers, response.head.date.unwrap_or(now))),
            ),
            403 => Verdict::Denied(match missing_scope(&response.headers) {
                Some(scope) => format!("grant {scope} to the application: Okta API Scopes, in the Admin Console"),
                None => {
                    "give the application or the owner of the token a role that may read users and groups, such as \
                         Read-only Administrator"
                        .to_owned()
                }
            }),
            _ => Verdict::of_status(&response.head),
        }
    }

    fn told(&self, response: &CloudResponse) -> String {
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        match (body["errorSummary"].as_str(), body["errorCode"].as_str()) {
            (Some(summary), Some(code)) => format!("{summary} ({code})"),
            (Some(text), None) | (None, Some(text)) => text.to_owned(),
            // Without a scope, some responses have no body.
            (None, None) => parameter(&response.headers, "error_description").unwrap_or_default().to_owned(),
        }
    }
}

/// The time until the service accepts requests again, by its own clock.
fn until_reset(headers: &HeaderMap, server_now: SystemTime) -> Option<Duration> {
    let resets = headers.get_all("x-rate-limit-reset").iter();
    let resets = resets.filter_map(|reset| reset.to_str().ok()?.trim().parse::<u64>().ok());
    let reset = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(resets.min()?))?;
    let wait = reset.duration_since(server_now).unwrap_or_default();
    Some(wait.saturating_add(MARGIN).min(MAX_RETRY_AFTER))
}

/// The scope that a token lacks: `Bearer …, scope="okta.users.read", error="insufficient_scope"`.
fn missing_scope(headers: &HeaderMap) -> Option<String> {
    let scope = parameter(headers, "scope")?;
    let is_scope = |c: char| c.is_ascii_alphanumeric() || ".-_ ".contains(c);
    (!scope.is_empty() && scope.len() < 200 && scope.chars().all(is_scope)).then(|| scope.to_owned())
}

/// A parameter of the challenge of a refusal.
fn parameter<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let challenge = first_header(headers, WWW_AUTHENTICATE.as_str())?;
    let (_, value) = challenge.match_indices(name).find_map(|(at, _)| {
        let is_whole = challenge[..at].chars().next_back().is_none_or(|before| before == ' ' || before == ',');
        challenge[at + name.len()..].strip_prefix("=\"").filter(|_| is_whole).map(|value| (at, value))
    })?;
    value.split_once('"').map(|(value, _)| value)
}

/// What follows a page. Okta links each page of a list at least to itself, so one without a link shows nothing.
///
/// # Errors
/// A page that does not show whether it is the last one.
pub(super) fn next_page(headers: &HeaderMap) -> Result<Next, Failure> {
    let mut next: Option<String> = None;
    let mut has_links = false;
    for value in headers.get_all(LINK) {
        let Ok(mut rest) = value.to_str() else {
            return Err(Failure::unreadable("the link to the next page is not readable"));
        };
        while let Some((_, after)) = rest.split_once('<') {
            let Some((url, after)) = after.split_once('>') else {
                return Err(Failure::unreadable("the link to the next page is not readable"));
            };
            let parameters = after.split('<').next().unwrap_or_default();
            rest = &after[parameters.len()..];
            has_links = true;
            if !is_next(parameters) {
                continue;
            }
            if next.as_ref().is_some_and(|known| known != url) {
                return Err(Failure::unreadable("Okta links to two next pages"));
            }
            next = Some(url.to_owned());
        }
    }
    match next {
        Some(url) => Ok(Next::Page(url)),
        None if !has_links => {
            let detail = "a page has no link, not even to itself: it is not from Okta, or something on the way removed the \
                          header `Link`";
            Err(Failure::unreadable(detail))
        }
        None => Ok(Next::End),
    }
}

/// Whether the parameters of a link say that it leads to the next page: `; rel="next"`.
fn is_next(parameters: &str) -> bool {
    parameters.split([';', ',']).any(|parameter| {
        let Some((name, value)) = parameter.split_once('=') else { return false };
        let mut relations = value.trim().trim_matches(['"', '\'']).split_ascii_whitespace();
        name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
    })
}

/// What to do about a login that Okta refused.
pub(super) fn login_remedy(status: u16, code: &str, description: &str) -> Cow<'static, str> {
    match code {
        "invalid_scope" | "access_denied" => {
            format!("grant {} to the application: Okta API Scopes, in the Admin Console", SCOPES.join(" and ")).into()
        }
        "invalid_dpop_proof" | "use_dpop_nonce" => {
            "turn off \"Require Demonstrating Proof of Possession (DPoP) header in token requests\" of the application"
                .into()
        }
        "unauthorized_client" | "unsupported_grant_type" => {
            "use an application of the type API Services, with the grant type Client Credentials".into()
        }
        _ if description.to_ascii_lowercase().contains("dpop") => login_remedy(status, "invalid_dpop_proof", ""),
        "invalid_client" => {
            "check `client_id`, and that the application has the public key of `private_key` (client authentication: \
             Public key / Private key)"
                .into()
        }
        _ => match status {
            429 => "there were too many logins; wait, and log in less often".into(),
            500.. => "Okta has an outage; try again later".into(),
            404 => "check `url`: use the address of the organization, such as https://example.okta.com".into(),
            _ => "check `url`, `client_id` and `private_key`".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn links(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (LINK, HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn the_next_page_is_found_in_all_forms_of_the_header() {
        let next = Next::Page("https://a.okta.com/users?after=1,2&limit=2".to_owned());
        for values in [
            &[
                "<https://a.okta.com/users?limit=2>; rel=\"self\"",
                "<https://a.okta.com/users?after=1,2&limit=2>; rel=\"next\"",
            ][..],
            &["<https://a.okta.com/users>; rel=\"self\", <https://a.okta.com/users?after=1,2&limit=2>; rel=\"next\""],
            &[
                "<https://a.okta.com/users?after=1,2&limit=2>;title=\"x\"; REL=Next,<https://a.okta.com/users>; rel=self",
            ],
            &["<https://a.okta.com/users?after=1,2&limit=2>; rel=\"last next\""],
        ] {
            assert_eq!(next_page(&links(values)).unwrap(), next, "{values:?}");
        }
        assert_eq!(next_page(&links(&["<https://a.okta.com/users>; rel=\"self\""])).unwrap(), Next::End);
        assert_eq!(next_page(&links(&["<https://a.okta.com/users>; rel=\"nextish\""])).unwrap(), Next::End);
    }

    #[test]
    fn a_page_without_a_clear_end_is_not_the_last() {
        for values in [
            &[][..],
            &["none"],
            &["<https://a.okta.com/users?after=1; rel=\"next\""],
            &["<https://a.okta.com/1>; rel=\"next\", <https://a.okta.com/2>; rel=\"next\""],
        ] {
            assert!(next_page(&links(values)).is_err(), "{values:?}");
        }
    }

    #[test]
    fn the_wait_goes_by_the_clock_of_the_server() {
        let server_now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let wait = |values: &[&str]| {
            let headers = values.iter().map(|value| ("x-rate-limit-reset".parse().unwrap(), value.parse().unwrap()));
            until_reset(&headers.collect(), server_now).map(|wait| wait.as_secs())
        };
        for (values, expected) in [
            (&["1030"][..], Some(31)),
            (&["1060", "1030"], Some(31)),
            (&["900"], Some(1)),
            (&["99999999999999"], Some(86_400)),
            (&["18446744073709551615"], None),
            (&["soon"], None),
            (&[], None),
        ] {
            assert_eq!(wait(values), expected, "{values:?}");
        }
    }

    #[test]
    fn the_missing_scope_is_named() {
        let challenge = "Bearer authorization_uri=\"http://a.okta.com/oauth2/v1/authorize\", realm=\"http://a.okta.com\", \
                         scope=\"okta.groups.read\", error=\"insufficient_scope\", error_description=\"The token.\"";
        let headers: HeaderMap = [(WWW_AUTHENTICATE, challenge.parse().unwrap())].into_iter().collect();
        assert_eq!(missing_scope(&headers).as_deref(), Some("okta.groups.read"));
        assert_eq!(parameter(&headers, "error_description"), Some("The token."));
        assert_eq!(parameter(&headers, "description"), None);
        for odd in ["Bearer", "Bearer scope=\"", "Bearer scope=\"<a>\"", "scope=okta", ""] {
            let headers: HeaderMap = [(WWW_AUTHENTICATE, odd.parse().unwrap())].into_iter().collect();
            assert_eq!(missing_scope(&headers), None, "{odd}");
        }
    }
}
