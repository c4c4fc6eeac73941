use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Drip, FaultError, Outcome, Selection};

/// What goes wrong, where, and how often.
///
/// ```
/// use std::time::Duration;
/// use umapi_emulator::FaultRule;
///
/// // The second action request is applied, and its answer never arrives.
/// let lost = FaultRule::on("executeActions").reset_after().nth(2);
/// // One login in ten is slow, and the same ones in every run.
/// let slow = FaultRule::on("requestTokenV2").delay(Duration::from_secs(5)).with_probability(0.1, 42);
/// // Every creation of a federated user fails in the directory behind the service.
/// let step = FaultRule::on_step("createFederatedID", "error.internal.create_failed");
/// # let _ = (lost, slow, step);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultRule {
    /// The `operationId` that it is about; `*` is every one, those of the login included.
    #[serde(default = "every_operation")]
    pub(super) operation: String,
    /// How much later the request is taken up, in milliseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    delay_milliseconds: u64,
    /// How slowly the answer comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) drip: Option<Drip>,
    /// What becomes of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<Outcome>,
    /// Which of the calls it hits.
    #[serde(default)]
    pub(super) when: Selection,
    /// Whether it is at work.
    #[serde(default = "yes")]
    pub(super) enabled: bool,
}

fn every_operation() -> String {
    "*".to_owned()
}

fn yes() -> bool {
    true
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl FaultRule {
    /// A rule about an operation, by its `operationId`; `*` is every one. Without anything else it does nothing.
    #[must_use]
    pub fn on(operation: impl Into<String>) -> Self {
        Self {
            operation: operation.into(),
            delay_milliseconds: 0,
            drip: None,
            outcome: None,
            when: Selection::default(),
            enabled: true,
        }
    }

    /// A rule that lets a step of an action request (`add`, `createFederatedID`, …; `*` is every one) fail with an error
    /// code. Its calls are steps.
    #[must_use]
    pub fn on_step(step: impl Into<String>, code: impl Into<String>) -> Self {
        let step = Outcome::Step { step: step.into(), user: None, code: code.into(), message: None };
        Self { outcome: Some(step), ..Self::on("executeActions") }
    }

    /// Takes the request up this much later.
    #[must_use]
    pub fn delay(self, delay: Duration) -> Self {
        Self { delay_milliseconds: delay.as_millis().try_into().unwrap_or(u64::MAX), ..self }
    }

    /// Sends the answer a few bytes at a time.
    #[must_use]
    pub fn drip(self, bytes: usize, every: Duration) -> Self {
        Self { drip: Some(Drip::new(bytes, every)), ..self }
    }

    /// Answers with this status and an empty body. The request is not applied, unless
    /// [`after_applying`](Self::after_applying) says so.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        self.outcome(Outcome::Answer { status, headers: BTreeMap::new(), body: None, applied: false })
    }

    /// Answers with this status and JSON. A JSON string is sent as text that is no JSON.
    #[must_use]
    pub fn answer(self, status: u16, body: Value) -> Self {
        self.outcome(Outcome::Answer { status, headers: BTreeMap::new(), body: Some(body), applied: false })
    }

    /// Answers 429 with this `Retry-After`: seconds, or an HTTP date.
    #[must_use]
    pub fn throttled(self, retry_after: impl ToString) -> Self {
        self.answer(429, json!({"error_code": "429050", "message": "Too many requests"}))
            .header("Retry-After", retry_after.to_string())
    }

    /// Puts a header on the answer that [`status`](Self::status), [`answer`](Self::answer) or
    /// [`throttled`](Self::throttled) gave the rule before; a rule without one stays as it is.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Some(Outcome::Answer { headers, .. }) = &mut self.outcome {
            headers.insert(name.into(), value.into());
        }
        self
    }

    /// Answers with a page of HTML from a gateway.
    #[must_use]
    pub fn html(self, status: u16) -> Self {
        self.outcome(Outcome::Html { status, applied: false })
    }

    /// Applies the request before the rule's own answer is given: the one that [`status`](Self::status),
    /// [`answer`](Self::answer), [`throttled`](Self::throttled) or [`html`](Self::html) gave it before; a rule without one
    /// stays as it is.
    #[must_use]
    pub fn after_applying(mut self) -> Self {
        if let Some(Outcome::Answer { applied, .. } | Outcome::Html { applied, .. }) = &mut self.outcome {
            *applied = true;
        }
        self
    }

    /// Resets the connection before the request is applied.
    #[must_use]
    pub fn reset_before(self) -> Self {
        self.outcome(Outcome::Reset { applied: false })
    }

    /// Resets the connection after the request was applied and before the answer.
    #[must_use]
    pub fn reset_after(self) -> Self {
        self.outcome(Outcome::Reset { applied: true })
    }

    /// Closes the connection after so many bytes of the answer's body, and before its last one. They come at once, whatever
    /// a [`drip`](Self::drip) says.
    #[must_use]
    pub fn cut_off(self, bytes: usize) -> Self {
        self.outcome(Outcome::CutOff { bytes })
    }

    /// Answers, after applying the request, with JSON that cannot be read.
    #[must_use]
    pub fn invalid_json(self) -> Self {
        self.outcome(Outcome::InvalidJson)
    }

    /// Ends the life of the access token that the request comes with.
    #[must_use]
    pub fn expired_token(self) -> Self {
        self.outcome(Outcome::ExpiredToken)
    }

    /// The message of a step's error, for a rule [`on_step`](Self::on_step); without one it is made up from the code.
    #[must_use]
    pub fn message(mut self, text: impl Into<String>) -> Self {
        if let Some(Outcome::Step { message, .. }) = &mut self.outcome {
            *message = Some(text.into());
        }
        self
    }

    /// Only steps of commands with this root, for a rule [`on_step`](Self::on_step): a user or a user group.
    #[must_use]
    pub fn for_user(mut self, root: impl Into<String>) -> Self {
        if let Some(Outcome::Step { user, .. }) = &mut self.outcome {
            *user = Some(root.into());
        }
        self
    }

    /// Only the nth call, counted from 1.
    #[must_use]
    pub fn nth(mut self, call: u64) -> Self {
        self.when.from = call;
        self.times(1)
    }

    /// From this call on, counted from 1.
    #[must_use]
    pub fn from_call(mut self, call: u64) -> Self {
        self.when.from = call;
        self
    }

    /// Every nth call.
    #[must_use]
    pub fn every(mut self, nth: u64) -> Self {
        self.when.every = nth;
        self
    }

    /// So many times at most.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.when.times = Some(times);
        self
    }

    /// With a probability from 0 to 1. The same seed hits the same calls, always.
    #[must_use]
    pub fn with_probability(mut self, probability: f64, seed: u64) -> Self {
        self.when.probability = Some(probability);
        self.when.seed = seed;
        self
    }

    /// Not at work until it is enabled.
    #[must_use]
    pub fn disabled(self) -> Self {
        Self { enabled: false, ..self }
    }

    fn outcome(self, outcome: Outcome) -> Self {
        Self { outcome: Some(outcome), ..self }
    }

    pub(super) fn delay_time(&self) -> Duration {
        Duration::from_millis(self.delay_milliseconds)
    }

    /// Whether the rule makes steps fail, and so leaves the exchange as such alone.
    pub(super) fn is_about_steps(&self) -> bool {
        matches!(self.outcome, Some(Outcome::Step { .. }))
    }

    pub(super) fn check(&self) -> Result<(), FaultError> {
        self.check_operation()?;
        self.when.check()?;
        if self.drip.is_some_and(|drip| drip.bytes == 0) {
            return Err(FaultError::new("drip.bytes", "must be at least 1"));
        }
        match &self.outcome {
            None if self.drip.is_none() && self.delay_milliseconds == 0 => Err(FaultError::new(
                "outcome",
                "is missing, and there is no delay and no drip either: nothing would happen",
            )),
            Some(Outcome::Answer { status, headers, .. }) => {
                check_status(*status)?;
                headers.iter().try_for_each(|(name, value)| check_header(name, value))
            }
            Some(Outcome::Html { status, .. }) => check_status(*status),
            Some(Outcome::Step { code, .. }) if code.is_empty() => {
                Err(FaultError::new("outcome.code", "must name an error code"))
            }
            Some(Outcome::Step { .. }) if self.delay_milliseconds > 0 || self.drip.is_some() => {
                Err(FaultError::new("outcome", "is a step: a delay or a drip needs a rule of its own"))
            }
            Some(Outcome::Step { .. }) if self.operation != "executeActions" => {
                Err(FaultError::new("operation", "must be executeActions, since the outcome is a step"))
            }
            _ => Ok(()),
        }
    }

    fn check_operation(&self) -> Result<(), FaultError> {
        let known = || umapi_model::AnyOperation::all().map(umapi_model::AnyOperation::id);
        if self.operation == "*" || known().any(|id| id == self.operation) {
            return Ok(());
        }
        let known = known().collect::<Vec<_>>().join(", ");
        Err(FaultError::new("operation", format!("is unknown: {}; it is * or one of {known}", self.operation)))
    }
}

fn check_status(status: u16) -> Result<(), FaultError> {
    // An informational answer is followed by another one, which the rule does not have.
    match StatusCode::from_u16(status) {
        Ok(status) if status.as_u16() >= 200 => Ok(()),
        _ => Err(FaultError::new("outcome.status", format!("must be from 200 to 999: {status}"))),
    }
}

fn check_header(name: &str, value: &str) -> Result<(), FaultError> {
    if name.parse::<HeaderName>().is_err() || HeaderValue::from_str(value).is_err() {
        return Err(FaultError::new("outcome.headers", format!("cannot hold the header {name}: {value}")));
    }
    // The server counts what it sends.
    if name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding") {
        return Err(FaultError::new(
            "outcome.headers",
            format!("cannot hold {name}: to break the length, cut the answer off"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_says_what_the_builder_says() {
        let rule = FaultRule::on("listUsers")
            .answer(503, json!({"a": 1}))
            .header("Retry-After", "7")
            .delay(Duration::from_millis(250))
            .nth(3);
        let text = json!({
            "operation": "listUsers",
            "delayMilliseconds": 250,
            "outcome": {"type": "answer", "status": 503, "headers": {"Retry-After": "7"}, "body": {"a": 1}},
            "when": {"from": 3, "times": 1},
        });
        assert_eq!(serde_json::from_value::<FaultRule>(text).unwrap(), rule);
        let back = serde_json::to_value(&rule).unwrap();
        assert_eq!(serde_json::from_value::<FaultRule>(back).unwrap(), rule);
    }

    #[test]
    fn a_rule_that_cannot_work_is_refused_with_its_field() {
        for (rule, field) in [
            (FaultRule::on("listUser").status(500), "operation"),
            (FaultRule::on("*"), "outcome"),
            (FaultRule::on("*").status(101), "outcome.status"),
            (FaultRule::on("*").status(500).header("a b", "c"), "outcome.headers"),
            (FaultRule::on("*").status(500).header("Content-Length", "5"), "outcome.headers"),
            (FaultRule::on("*").drip(0, Duration::ZERO), "drip.bytes"),
            (FaultRule::on("*").status(500).nth(0), "when.from"),
            (FaultRule::on("*").status(500).every(0), "when.every"),
            (FaultRule::on("*").status(500).with_probability(1.5, 0), "when.probability"),
            (FaultRule::on_step("add", ""), "outcome.code"),
            (FaultRule::on_step("add", "x").delay(Duration::from_secs(1)), "outcome"),
        ] {
            let error = rule.check().unwrap_err().to_string();
            assert!(error.contains(&format!("`{field}`")), "{field}: {error}");
        }
        assert!(FaultRule::on("exchangeJwt").expired_token().check().is_ok());
    }
}
