//! What a fault rule does to a call, and the combined decision for one call.

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::FaultError;
use crate::http::Response;

/// What a fault rule does to a call.
///
/// ```
/// use std::time::Duration;
/// use umapi_emulator::{FaultEffect, FaultResponse};
///
/// let lost = FaultEffect::reset_after_applying();
/// let gateway: FaultEffect = FaultResponse::html(502).into();
/// let throttled = FaultEffect::from(FaultResponse::throttled(30)).delayed(Duration::from_secs(2));
/// let endless = FaultResponse::text(200, r#"{"users":["#).endless(r#"{"email":"a@example.com"},"#);
/// # let _ = (lost, gateway, throttled, endless);
/// ```
///
/// What a network and a gateway can do to a response:
///
/// ```
/// use std::time::Duration;
/// use umapi_emulator::{FaultEffect, FaultResponse, FaultRule, Faults, Operation};
///
/// let faults = Faults::default();
/// for effect in [
///     FaultEffect::slow_response(100, Duration::from_millis(5)),
///     FaultEffect::cut_off(1000),
///     FaultEffect::invalid_json(),
///     FaultEffect::patched_response(serde_json::json!({ "lastPage": false })),
///     FaultEffect::expired_token(),
///     FaultResponse::json(200, serde_json::json!({ "result": "success" })).into(),
///     FaultResponse::html(504).after_applying().slowly(10, Duration::from_millis(5)),
/// ] {
///     faults.add(FaultRule::on(Operation::ListUsers, effect).times(1))?;
/// }
/// # Ok::<(), umapi_emulator::FaultError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FaultEffect {
    pub(super) delay: Duration,
    pub(super) drip: Option<Drip>,
    pub(super) outcome: Option<Outcome>,
}

impl FaultEffect {
    /// Delays the call. It succeeds otherwise.
    #[must_use]
    pub fn delay(delay: Duration) -> Self {
        Self { delay, drip: None, outcome: None }
    }

    /// Sends the response a few bytes at a time.
    #[must_use]
    pub fn slow_response(bytes: usize, every: Duration) -> Self {
        Self { delay: Duration::ZERO, drip: Some(Drip::new(bytes, every)), outcome: None }
    }

    /// Resets the connection before the request is applied.
    #[must_use]
    pub fn reset_before_applying() -> Self {
        Outcome::Reset { applied: false }.into()
    }

    /// Resets the connection after the request was applied and before the response.
    #[must_use]
    pub fn reset_after_applying() -> Self {
        Outcome::Reset { applied: true }.into()
    }

    /// Applies the request, and closes the connection after this many bytes of the response's body, at the latest before its
    /// last byte.
    #[must_use]
    pub fn cut_off(bytes: usize) -> Self {
        Outcome::CutOff { bytes }.into()
    }

    /// Applies the request, and makes the body of the response invalid JSON.
    #[must_use]
    pub fn invalid_json() -> Self {
        Outcome::InvalidJson.into()
    }

    /// Applies the request, and changes the JSON of the response by a JSON merge patch (RFC 7396), e.g.
    /// `{"completed": 0}` for counts that contradict the result.
    #[must_use]
    pub fn patched_response(patch: Value) -> Self {
        Outcome::Patch { patch }.into()
    }

    /// Revokes the access token of the request. A login has none: only calls of the User Management API match.
    #[must_use]
    pub fn expired_token() -> Self {
        Outcome::ExpiredToken.into()
    }

    /// Delays the call before everything else. Several delays add up.
    #[must_use]
    pub fn delayed(self, delay: Duration) -> Self {
        Self { delay: self.delay.saturating_add(delay), ..self }
    }

    pub(super) fn expires_token(&self) -> bool {
        matches!(self.outcome, Some(Outcome::ExpiredToken))
    }

    pub(super) fn check(&self) -> Result<(), FaultError> {
        if self.drip.is_some_and(|drip| drip.bytes == 0) {
            return Err(FaultError::new("drip.bytes", "must be at least 1"));
        }
        match &self.outcome {
            None if self.drip.is_none() && self.delay.is_zero() => Err(FaultError::new(
                "outcome",
                "is missing, and so are a delay and a drip: the rule would have no effect",
            )),
            Some(Outcome::Answer { status, headers, endless, .. }) => {
                check_status(*status)?;
                if endless.as_ref().is_some_and(String::is_empty) {
                    return Err(FaultError::new("outcome.endless", "must not be empty"));
                }
                headers.iter().try_for_each(|(name, value)| check_header(name, value))
            }
            Some(Outcome::Html { status, headers, .. }) => {
                check_status(*status)?;
                headers.iter().try_for_each(|(name, value)| check_header(name, value))
            }
            Some(Outcome::Patch { patch }) if !patch.is_object() => {
                Err(FaultError::new("outcome.patch", "must be a JSON object"))
            }
            _ => Ok(()),
        }
    }
}

impl From<Outcome> for FaultEffect {
    fn from(outcome: Outcome) -> Self {
        Self { delay: Duration::ZERO, drip: None, outcome: Some(outcome) }
    }
}

impl From<FaultResponse> for FaultEffect {
    fn from(response: FaultResponse) -> Self {
        response.outcome(None).into()
    }
}

/// A response that a fault rule gives instead of the service. The request is not applied, unless
/// [`after_applying`](Self::after_applying) says so.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultResponse {
    status: u16,
    headers: BTreeMap<String, String>,
    body: ResponseBody,
    applied: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum ResponseBody {
    Empty,
    /// A string is sent as plain text, everything else as JSON.
    Value(Value),
    GatewayPage,
}

impl FaultResponse {
    fn new(status: u16, body: ResponseBody) -> Self {
        Self { status, headers: BTreeMap::new(), body, applied: false }
    }

    /// A status without a body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::new(status, ResponseBody::Empty)
    }

    /// A status with JSON. A JSON string is sent as plain text.
    #[must_use]
    pub fn json(status: u16, body: Value) -> Self {
        Self::new(status, ResponseBody::Value(body))
    }

    /// A status with plain text, e.g. invalid JSON.
    #[must_use]
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self::new(status, ResponseBody::Value(Value::String(body.into())))
    }

    /// A status with the HTML page of a gateway.
    #[must_use]
    pub fn html(status: u16) -> Self {
        Self::new(status, ResponseBody::GatewayPage)
    }

    /// 429 with this `Retry-After`: seconds, or an HTTP date.
    #[must_use]
    pub fn throttled(retry_after: impl ToString) -> Self {
        Self::json(429, json!({"error_code": "429050", "message": "Too many requests"}))
            .header("Retry-After", retry_after.to_string())
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Applies the request before the response is sent.
    #[must_use]
    pub fn after_applying(self) -> Self {
        Self { applied: true, ..self }
    }

    /// Sends the response a few bytes at a time.
    #[must_use]
    pub fn slowly(self, bytes: usize, every: Duration) -> FaultEffect {
        FaultEffect { drip: Some(Drip::new(bytes, every)), ..self.into() }
    }

    /// Sends this text again and again after the body, until the client closes the connection.
    #[must_use]
    pub fn endless(self, text: impl Into<String>) -> FaultEffect {
        self.outcome(Some(text.into())).into()
    }

    fn outcome(self, endless: Option<String>) -> Outcome {
        let Self { status, headers, body, applied } = self;
        match (body, endless) {
            (ResponseBody::GatewayPage, None) => Outcome::Html { status, headers, applied },
            (ResponseBody::GatewayPage, endless) => {
                let page = StatusCode::from_u16(status).map(gateway_page).unwrap_or_default();
                Outcome::Answer { status, headers, body: Some(Value::String(page)), applied, endless }
            }
            (ResponseBody::Empty, endless) => Outcome::Answer { status, headers, body: None, applied, endless },
            (ResponseBody::Value(body), endless) => {
                Outcome::Answer { status, headers, body: Some(body), applied, endless }
            }
        }
    }
}

/// What becomes of a request, in JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum Outcome {
    /// The response of the rule.
    Answer {
        status: u16,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<String, String>,
        /// A string is sent as plain text, everything else as JSON.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
        #[serde(default)]
        applied: bool,
        /// A text that is sent without end after the body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endless: Option<String>,
    },
    /// The HTML page of a gateway.
    Html {
        status: u16,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<String, String>,
        #[serde(default)]
        applied: bool,
    },
    /// The token of the request is revoked.
    ExpiredToken,
    /// The connection is reset, before or after the request is applied.
    Reset { applied: bool },
    /// The connection is closed in the middle of the response's body.
    CutOff { bytes: usize },
    /// The body of the response is invalid JSON.
    InvalidJson,
    /// The JSON of the response is changed.
    Patch { patch: Value },
}

impl Outcome {
    /// Whether the body of the response is sent completely, so that it can be sent slowly.
    pub(super) fn has_whole_body(&self) -> bool {
        !matches!(self, Self::Reset { .. } | Self::CutOff { .. } | Self::Answer { endless: Some(_), .. })
    }
}

/// The pace of a slow response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Drip {
    /// Bytes at a time.
    pub(crate) bytes: usize,
    every_milliseconds: u64,
}

impl Drip {
    fn new(bytes: usize, every: Duration) -> Self {
        Self { bytes, every_milliseconds: milliseconds(every) }
    }

    /// The pause between two pieces.
    pub(crate) fn every(self) -> Duration {
        Duration::from_millis(self.every_milliseconds)
    }
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}

fn check_status(status: u16) -> Result<(), FaultError> {
    // After an informational response, the client waits for another one, which the rule does not have.
    match StatusCode::from_u16(status) {
        Ok(status) if status.as_u16() >= 200 => Ok(()),
        _ => Err(FaultError::new("outcome.status", format!("must be from 200 to 999: {status}"))),
    }
}

fn check_header(name: &str, value: &str) -> Result<(), FaultError> {
    if name.parse::<HeaderName>().is_err() || HeaderValue::from_str(value).is_err() {
        return Err(FaultError::new("outcome.headers", format!("cannot contain the header {name}: {value}")));
    }
    // The server sets the length itself.
    if name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding") {
        return Err(FaultError::new(
            "outcome.headers",
            format!("cannot contain {name}: use a cut-off response for a wrong length"),
        ));
    }
    Ok(())
}

/// What is done to one call, by all rules together. The server does it in this order:
///
/// 1. wait for [`delay`](Self::delay);
/// 2. [`resets_before`](Self::resets_before): reset the connection;
/// 3. [`expires_token`](Self::expires_token): revoke the token of the request, and continue;
/// 4. [`response_instead`](Self::response_instead): this is the response, and the request is not applied; otherwise apply it;
/// 5. [`resets_after`](Self::resets_after): reset the connection;
/// 6. [`alter`](Self::alter) the response and send it: only its first bytes if it is [`cut off`](Self::cut_off), slowly with a
///    [`drip`](Self::drip), or with an [`endless`](Self::endless) text after it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fault {
    /// The ids of the rules.
    pub(crate) rules: Vec<u64>,
    pub(crate) delay: Duration,
    pub(crate) drip: Option<Drip>,
    outcome: Option<Outcome>,
}

impl Fault {
    /// Adds the effect of a further rule. Returns `false` if an earlier rule leaves no room for it.
    pub(super) fn combine(&mut self, effect: &FaultEffect) -> bool {
        let sends_whole_body = self.outcome.as_ref().is_none_or(Outcome::has_whole_body);
        let is_too_late = effect.outcome.is_some() && self.outcome.is_some()
            || effect.drip.is_some() && (self.drip.is_some() || !sends_whole_body);
        if is_too_late {
            return false;
        }
        self.delay = self.delay.saturating_add(effect.delay);
        self.drip = self.drip.or(effect.drip);
        self.outcome = self.outcome.take().or_else(|| effect.outcome.clone());
        true
    }

    pub(crate) fn resets_before(&self) -> bool {
        matches!(self.outcome, Some(Outcome::Reset { applied: false }))
    }

    pub(crate) fn resets_after(&self) -> bool {
        matches!(self.outcome, Some(Outcome::Reset { applied: true }))
    }

    pub(crate) fn expires_token(&self) -> bool {
        matches!(self.outcome, Some(Outcome::ExpiredToken))
    }

    /// The response to a request that is not applied.
    pub(crate) fn response_instead(&self) -> Option<Response> {
        match &self.outcome {
            Some(Outcome::Answer { applied: false, .. } | Outcome::Html { applied: false, .. }) => self.own_response(),
            _ => None,
        }
    }

    /// Changes the response to a request that was applied.
    pub(crate) fn alter(&self, response: Response) -> Response {
        match &self.outcome {
            Some(Outcome::Answer { applied: true, .. } | Outcome::Html { applied: true, .. }) => {
                self.own_response().unwrap_or(response)
            }
            Some(Outcome::InvalidJson) => Response { body: invalid_json(&response.body).into(), ..response },
            Some(Outcome::Patch { patch }) => match serde_json::from_slice::<Value>(&response.body) {
                Ok(mut body) => {
                    json_patch::merge(&mut body, patch);
                    Response { body: body.to_string().into(), ..response }
                }
                Err(_) => response,
            },
            _ => response,
        }
    }

    /// The number of bytes of the body after which the connection is closed.
    pub(crate) fn cut_off(&self) -> Option<usize> {
        match &self.outcome {
            Some(Outcome::CutOff { bytes }) => Some(*bytes),
            _ => None,
        }
    }

    /// The text that is sent without end after the body.
    pub(crate) fn endless(&self) -> Option<&str> {
        match &self.outcome {
            Some(Outcome::Answer { endless, .. }) => endless.as_deref(),
            _ => None,
        }
    }

    fn own_response(&self) -> Option<Response> {
        let (status, headers, mut response) = match self.outcome.as_ref()? {
            Outcome::Answer { status, headers, body, endless, .. } => {
                let code = StatusCode::from_u16(*status).ok()?;
                let response = match body {
                    None if endless.is_some() => Response::of_type(code, "application/json", ""),
                    None => Response::empty(code),
                    Some(Value::String(text)) if endless.is_some() => {
                        Response::of_type(code, "application/json", text.clone())
                    }
                    Some(Value::String(text)) => Response::of_type(code, "text/plain; charset=utf-8", text.clone()),
                    Some(json) => Response::json(code, json),
                };
                (code, headers, response)
            }
            Outcome::Html { status, headers, .. } => {
                let code = StatusCode::from_u16(*status).ok()?;
                (code, headers, Response::of_type(code, "text/html", gateway_page(code)))
            }
            _ => return None,
        };
        response.status = status;
        for (name, value) in headers {
            response.headers.insert(name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?);
        }
        Some(response)
    }
}

/// The error page of a gateway.
fn gateway_page(status: StatusCode) -> String {
    let title = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or("Error"));
    format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
}

/// The first half of a body, followed by bytes that make it invalid JSON.
fn invalid_json(body: &[u8]) -> Vec<u8> {
    let mut invalid = body.get(..body.len() / 2).unwrap_or_default().to_vec();
    invalid.extend_from_slice(b"\x00}<");
    invalid
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;

    use super::*;

    fn fault(effect: impl Into<FaultEffect>) -> Fault {
        let mut fault = Fault::default();
        assert!(fault.combine(&effect.into()));
        fault
    }

    #[test]
    fn a_response_of_a_rule_replaces_the_service_or_follows_it() {
        let rule = FaultResponse::json(503, json!({"a": 1})).header("Retry-After", "9");
        let before = fault(rule.clone()).response_instead().unwrap();
        assert_eq!((before.status.as_u16(), &before.body[..]), (503, &b"{\"a\":1}"[..]));
        assert_eq!(before.headers["retry-after"], "9");
        let after = fault(rule.after_applying());
        assert!(after.response_instead().is_none());
        assert_eq!(after.alter(Response::empty(StatusCode::OK)).status.as_u16(), 503);
    }

    #[test]
    fn a_gateway_sends_html_and_text_is_sent_unchanged() {
        let html = fault(FaultResponse::html(502).header("Via", "x")).response_instead().unwrap();
        assert_eq!(
            (html.headers[CONTENT_TYPE].as_bytes(), html.headers["via"].as_bytes()),
            (&b"text/html"[..], &b"x"[..])
        );
        assert!(html.body.starts_with(b"<html>"));
        let text = fault(FaultResponse::text(200, "{not json")).response_instead().unwrap();
        assert_eq!(&text.body[..], b"{not json");
    }

    #[test]
    fn invalid_json_is_invalid_for_every_body() {
        let invalid = fault(FaultEffect::invalid_json());
        for body in ["", "{}", "[1,2,3]", "\"text\"", "12345678"] {
            let response = invalid.alter(Response::of_type(StatusCode::OK, "application/json", body));
            assert!(serde_json::from_slice::<Value>(&response.body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_patch_changes_the_json_of_the_service() {
        let patch = fault(FaultEffect::patched_response(json!({"completed": 0, "errors": null, "result": "success"})));
        let body = r#"{"completed":2,"notCompleted":0,"result":"partial","errors":[]}"#;
        let patched = patch.alter(Response::of_type(StatusCode::OK, "application/json", body));
        let patched: Value = serde_json::from_slice(&patched.body).unwrap();
        assert_eq!(patched, json!({"completed": 0, "notCompleted": 0, "result": "success"}));
    }

    #[test]
    fn an_effect_that_an_earlier_one_excludes_is_not_combined() {
        let mut reset = fault(FaultEffect::reset_before_applying());
        assert!(!reset.combine(&FaultEffect::slow_response(1, Duration::ZERO)));
        assert!(reset.combine(&FaultEffect::delay(Duration::from_secs(1))));
        let mut endless = fault(FaultResponse::status(200).endless("x"));
        assert_eq!(endless.endless(), Some("x"));
        assert!(!endless.combine(&FaultResponse::status(500).into()));
    }
}
