//! A fault rule: the calls it applies to, and its effect on them.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use umapi_model::{AnyOperation, Operation};

use super::{
    FaultEffect, FaultError,
    effect::{Drip, Outcome, milliseconds},
};
use crate::{engine::StepView, generated::action_step::ActionStep, store::fold};

/// A rule that makes calls fail: the operation, the effect, and which of the calls are affected.
///
/// ```
/// use std::time::Duration;
/// use umapi_emulator::{ActionStep, FaultEffect, FaultRule, LoginOperation, Operation, StepFault};
///
/// // The second action request is applied, and its response is lost.
/// let lost = FaultRule::on(Operation::ExecuteActions, FaultEffect::reset_after_applying()).nth(2);
/// // One login in ten is slow, the same ones in every run.
/// let slow = FaultEffect::delay(Duration::from_secs(5));
/// let slow = FaultRule::on(LoginOperation::RequestTokenV2, slow).with_probability(0.1, 42);
/// // Every creation of a federated user fails.
/// let step = StepFault::on(ActionStep::CreateFederatedId, "error.internal.create_failed");
/// let step = FaultRule::on_step(step);
/// # let _ = (lost, slow, step);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RuleDocument", into = "RuleDocument")]
pub struct FaultRule {
    pub(super) kind: RuleKind,
    pub(super) when: Selection,
    pub(super) enabled: bool,
}

/// The two kinds of rules.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum RuleKind {
    /// Whole calls.
    Call { target: FaultTarget, effect: FaultEffect },
    /// Steps of action requests.
    Step(StepFault),
}

/// The calls that a rule applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultTarget {
    /// Calls of every operation, including the login.
    Any,
    /// Calls of one operation.
    Operation(AnyOperation),
}

impl FaultTarget {
    pub(super) fn matches(self, operation: AnyOperation, effect: &FaultEffect) -> bool {
        match self {
            // A login has no token that could expire.
            Self::Any => !(effect.expires_token() && matches!(operation, AnyOperation::Login(_))),
            Self::Operation(target) => target == operation,
        }
    }
}

impl<O: Into<AnyOperation>> From<O> for FaultTarget {
    fn from(operation: O) -> Self {
        Self::Operation(operation.into())
    }
}

/// A failure of steps of action requests, which a request itself cannot cause.
///
/// ```
/// use umapi_emulator::{FaultRule, StepFault};
///
/// // From the third step on, everything about one user is rejected.
/// let fault = StepFault::on_every_step("error.internal.add").for_user("ann@example.com");
/// let rule = FaultRule::on_step(fault.message("Try again")).from_call(3);
/// # let _ = rule;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepFault {
    /// `None` for every step.
    step: Option<ActionStep>,
    user: Option<String>,
    code: String,
    message: Option<String>,
}

impl StepFault {
    /// Every execution of this step fails with this error code.
    #[must_use]
    pub fn on(step: ActionStep, code: impl Into<String>) -> Self {
        Self { step: Some(step), user: None, code: code.into(), message: None }
    }

    /// Every step fails with this error code.
    #[must_use]
    pub fn on_every_step(code: impl Into<String>) -> Self {
        Self { step: None, user: None, code: code.into(), message: None }
    }

    /// Sets the message of the error. The default is derived from the code.
    #[must_use]
    pub fn message(self, text: impl Into<String>) -> Self {
        Self { message: Some(text.into()), ..self }
    }

    /// Restricts the fault to commands for this user or user group.
    #[must_use]
    pub fn for_user(self, name: impl Into<String>) -> Self {
        Self { user: Some(name.into()), ..self }
    }

    pub(super) fn code(&self) -> &str {
        &self.code
    }

    pub(super) fn matches(&self, step: &StepView<'_>) -> bool {
        self.step.is_none_or(|wanted| wanted.name() == step.name)
            && self.user.as_ref().is_none_or(|user| step.user.is_some_and(|root| fold(root) == fold(user)))
    }

    /// The message of the error: the service's own, if it is known for the code.
    pub(super) fn message_for(&self, step: &StepView<'_>) -> String {
        match (&self.message, self.code.as_str()) {
            (Some(message), _) => message.clone(),
            (None, "error.internal.create_failed") => format!("Could not create person of type {}", step.name),
            (None, code) => format!("Step {} failed: {code}", step.name),
        }
    }
}

impl FaultRule {
    /// Creates a rule for the calls of an operation, or of all with [`FaultTarget::Any`]. It affects every call, unless another
    /// method restricts it.
    #[must_use]
    pub fn on(target: impl Into<FaultTarget>, effect: impl Into<FaultEffect>) -> Self {
        Self::new(RuleKind::Call { target: target.into(), effect: effect.into() })
    }

    /// Creates a rule for steps of action requests. For the methods that restrict it, each step counts as a call.
    #[must_use]
    pub fn on_step(fault: StepFault) -> Self {
        Self::new(RuleKind::Step(fault))
    }

    fn new(kind: RuleKind) -> Self {
        Self { kind, when: Selection::default(), enabled: true }
    }

    /// Affects only the nth call, counted from 1.
    #[must_use]
    pub fn nth(self, call: u64) -> Self {
        self.from_call(call).times(1)
    }

    /// Affects calls from this one on, counted from 1.
    #[must_use]
    pub fn from_call(mut self, call: u64) -> Self {
        self.when.from = call;
        self
    }

    /// Affects every nth call.
    #[must_use]
    pub fn every(mut self, nth: u64) -> Self {
        self.when.every = nth;
        self
    }

    /// Affects at most this number of calls.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.when.times = Some(times);
        self
    }

    /// Affects calls with a probability from 0 to 1. The same seed always selects the same calls.
    #[must_use]
    pub fn with_probability(mut self, probability: f64, seed: u64) -> Self {
        self.when.probability = Some(probability);
        self.when.seed = seed;
        self
    }

    /// Has no effect until the rule is enabled.
    #[must_use]
    pub fn disabled(self) -> Self {
        Self { enabled: false, ..self }
    }

    pub(super) fn check(&self) -> Result<(), FaultError> {
        self.when.check()?;
        match &self.kind {
            RuleKind::Call { target: FaultTarget::Operation(AnyOperation::Login(operation)), effect }
                if effect.expires_token() =>
            {
                let problem = format!("cannot expire on {operation}, which has no token: use an operation of the API");
                Err(FaultError::new("outcome", problem))
            }
            RuleKind::Call { effect, .. } => effect.check(),
            RuleKind::Step(fault) if fault.code.is_empty() => {
                Err(FaultError::new("outcome.code", "must be an error code"))
            }
            RuleKind::Step(_) => Ok(()),
        }
    }
}

/// A rule as JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RuleDocument {
    /// An `operationId`, or `*` for all.
    #[serde(default = "every")]
    operation: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    delay_milliseconds: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    drip: Option<Drip>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<OutcomeDocument>,
    #[serde(default)]
    when: Selection,
    #[serde(default = "yes")]
    enabled: bool,
}

/// The outcome of a call or of a step, told apart by `type`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum OutcomeDocument {
    Call(Outcome),
    Step(StepDocument),
}

impl<'de> Deserialize<'de> for OutcomeDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let document = if value["type"] == "step" {
            StepDocument::deserialize(value).map(Self::Step)
        } else {
            Outcome::deserialize(value).map(Self::Call)
        };
        document.map_err(serde::de::Error::custom)
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepDocument {
    r#type: StepTag,
    /// `*` for every step.
    #[serde(default = "every")]
    step: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum StepTag {
    Step,
}

fn every() -> String {
    "*".to_owned()
}

fn yes() -> bool {
    true
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl TryFrom<RuleDocument> for FaultRule {
    type Error = FaultError;

    fn try_from(document: RuleDocument) -> Result<Self, FaultError> {
        let RuleDocument { operation, delay_milliseconds, drip, outcome, when, enabled } = document;
        let outcome = match outcome {
            Some(OutcomeDocument::Step(step)) => {
                if delay_milliseconds > 0 || drip.is_some() {
                    return Err(FaultError::new("outcome", "is a step: a delay or a drip needs its own rule"));
                }
                if operation != Operation::ExecuteActions.id() {
                    return Err(FaultError::new("operation", "must be executeActions, because the outcome is a step"));
                }
                return Ok(Self { kind: RuleKind::Step(step.try_into()?), when, enabled });
            }
            Some(OutcomeDocument::Call(outcome)) => Some(outcome),
            None => None,
        };
        if drip.is_some() && outcome.as_ref().is_some_and(|outcome| !outcome.has_whole_body()) {
            let problem = "has no effect: the outcome does not send a whole response";
            return Err(FaultError::new("drip", problem));
        }
        let target = match operation.as_str() {
            "*" => FaultTarget::Any,
            id => match id.parse::<AnyOperation>() {
                Ok(operation) => FaultTarget::Operation(operation),
                Err(error) => return Err(FaultError::new("operation", format!("is not `*`: {error}"))),
            },
        };
        let effect = FaultEffect { delay: Duration::from_millis(delay_milliseconds), drip, outcome };
        Ok(Self { kind: RuleKind::Call { target, effect }, when, enabled })
    }
}

impl TryFrom<StepDocument> for StepFault {
    type Error = FaultError;

    fn try_from(document: StepDocument) -> Result<Self, FaultError> {
        let StepDocument { r#type: StepTag::Step, step, user, code, message } = document;
        let step = match step.as_str() {
            "*" => None,
            name => Some(
                serde_json::from_value(Value::from(name))
                    .map_err(|error| FaultError::new("outcome.step", format!("is unknown: {error}")))?,
            ),
        };
        Ok(Self { step, user, code, message })
    }
}

impl From<FaultRule> for RuleDocument {
    fn from(rule: FaultRule) -> Self {
        let FaultRule { kind, when, enabled } = rule;
        match kind {
            RuleKind::Call { target, effect } => Self {
                operation: match target {
                    FaultTarget::Any => every(),
                    FaultTarget::Operation(operation) => operation.id().to_owned(),
                },
                delay_milliseconds: milliseconds(effect.delay),
                drip: effect.drip,
                outcome: effect.outcome.map(OutcomeDocument::Call),
                when,
                enabled,
            },
            RuleKind::Step(StepFault { step, user, code, message }) => Self {
                operation: Operation::ExecuteActions.id().to_owned(),
                delay_milliseconds: 0,
                drip: None,
                outcome: Some(OutcomeDocument::Step(StepDocument {
                    r#type: StepTag::Step,
                    step: step.map_or_else(every, |step| step.name().to_owned()),
                    user,
                    code,
                    message,
                })),
                when,
                enabled,
            },
        }
    }
}

/// Which of the calls a rule affects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Selection {
    /// The first call, counted from 1.
    #[serde(default = "one")]
    from: u64,
    /// Every nth call from there on.
    #[serde(default = "one")]
    every: u64,
    /// The maximum number of affected calls. `None` for no maximum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    /// The probability for each of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    /// The seed of the random choices.
    #[serde(default)]
    seed: u64,
}

fn one() -> u64 {
    1
}

impl Default for Selection {
    fn default() -> Self {
        Self { from: 1, every: 1, times: None, probability: None, seed: 0 }
    }
}

impl Selection {
    fn check(&self) -> Result<(), FaultError> {
        if self.from == 0 {
            return Err(FaultError::new("when.from", "must be at least 1"));
        }
        if self.every == 0 {
            return Err(FaultError::new("when.every", "must be at least 1"));
        }
        if self.times == Some(0) {
            return Err(FaultError::new("when.times", "must be at least 1"));
        }
        match self.probability {
            Some(p) if !(0.0..=1.0).contains(&p) => {
                Err(FaultError::new("when.probability", format!("must be from 0 to 1: {p}")))
            }
            _ => Ok(()),
        }
    }
}

/// Counts the calls of a rule, and selects those that it affects.
#[derive(Debug)]
pub(super) struct Counter {
    selection: Selection,
    random: fastrand::Rng,
    /// The calls of the rule's operation.
    pub(super) matched: u64,
    /// The calls that it affected.
    pub(super) fired: u64,
}

impl Counter {
    pub(super) fn new(selection: &Selection) -> Self {
        let random = fastrand::Rng::with_seed(selection.seed);
        Self { selection: selection.clone(), random, matched: 0, fired: 0 }
    }

    /// Counts a call. Returns whether it is selected; [`fire`](Self::fire) then counts it as affected.
    pub(super) fn selects(&mut self) -> bool {
        self.matched += 1;
        let Self { selection, random, matched, fired } = self;
        let Some(offset) = matched.checked_sub(selection.from) else { return false };
        // The random number is drawn for every nth call, so that it does not depend on `times`.
        offset % selection.every == 0
            && selection.probability.is_none_or(|p| random.f64() < p)
            && selection.times.is_none_or(|times| *fired < times)
    }

    pub(super) fn fire(&mut self) {
        self.fired += 1;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use umapi_model::ims::LoginOperation;

    use super::*;
    use crate::faults::FaultResponse;

    #[test]
    fn json_and_methods_build_the_same_rule() {
        let response = FaultResponse::json(503, json!({"a": 1})).header("Retry-After", "7");
        let effect = FaultEffect::from(response).delayed(Duration::from_millis(250));
        let rule = FaultRule::on(Operation::ListUsers, effect).nth(3);
        let document = json!({
            "operation": "listUsers",
            "delayMilliseconds": 250,
            "outcome": {"type": "answer", "status": 503, "headers": {"Retry-After": "7"}, "body": {"a": 1}},
            "when": {"from": 3, "times": 1},
        });
        assert_eq!(serde_json::from_value::<FaultRule>(document).unwrap(), rule);
        let step = StepFault::on(ActionStep::AddAdobeId, "x").for_user("a@b.c").message("m");
        for rule in [
            rule,
            FaultRule::on_step(step),
            FaultRule::on(FaultTarget::Any, FaultResponse::html(502).header("Via", "x").after_applying()),
            FaultRule::on(LoginOperation::RequestToken, FaultResponse::text(200, "[").endless("1,")),
            FaultRule::on(Operation::GetUser, FaultResponse::status(200).slowly(1, Duration::from_secs(1))),
            FaultRule::on(Operation::ExecuteActions, FaultEffect::patched_response(json!({"completed": 0}))),
        ] {
            let document = serde_json::to_value(&rule).unwrap();
            assert_eq!(serde_json::from_value::<FaultRule>(document).unwrap(), rule);
        }
    }

    #[test]
    fn a_rule_without_effect_is_rejected_with_its_field() {
        let any = |effect: FaultEffect| FaultRule::on(FaultTarget::Any, effect);
        let status = |status| FaultRule::on(FaultTarget::Any, FaultResponse::status(status));
        let with_header = |name: &str| any(FaultResponse::status(500).header(name, "5").into());
        for (rule, field) in [
            (any(FaultEffect::delay(Duration::ZERO)), "outcome"),
            (status(101), "outcome.status"),
            (with_header("a b"), "outcome.headers"),
            (with_header("Content-Length"), "outcome.headers"),
            (any(FaultEffect::slow_response(0, Duration::ZERO)), "drip.bytes"),
            (any(FaultResponse::status(200).endless("")), "outcome.endless"),
            (any(FaultEffect::patched_response(json!([]))), "outcome.patch"),
            (status(500).nth(0), "when.from"),
            (status(500).every(0), "when.every"),
            (status(500).times(0), "when.times"),
            (status(500).with_probability(1.5, 0), "when.probability"),
            (FaultRule::on_step(StepFault::on(ActionStep::Add, "")), "outcome.code"),
            (FaultRule::on(LoginOperation::ExchangeJwt, FaultEffect::expired_token()), "outcome"),
        ] {
            let error = rule.check().unwrap_err().to_string();
            assert!(error.contains(&format!("`{field}`")), "{field}: {error}");
        }
        assert!(any(FaultEffect::expired_token()).check().is_ok());
    }

    #[test]
    fn json_without_effect_is_rejected_with_its_field() {
        let step = json!({"type": "step", "code": "x"});
        for (document, field) in [
            (json!({"operation": "listUser", "outcome": {"type": "html", "status": 500}}), "operation"),
            (json!({"operation": "listUsers", "outcome": step}), "operation"),
            (json!({"operation": "executeActions", "outcome": step, "delayMilliseconds": 5}), "outcome"),
            (
                json!({"operation": "executeActions", "outcome": {"type": "step", "step": "ad", "code": "x"}}),
                "outcome.step",
            ),
            (json!({"outcome": {"type": "cutOff", "bytes": 1}, "drip": {"bytes": 1, "everyMilliseconds": 1}}), "drip"),
        ] {
            let error = serde_json::from_value::<FaultRule>(document.clone()).unwrap_err().to_string();
            assert!(error.contains(&format!("`{field}`")), "{document}: {error}");
        }
    }

    #[test]
    fn every_step_is_written_as_its_name() {
        for step in [ActionStep::AddAdobeId, ActionStep::CreateFederatedId, ActionStep::RemoveFromOrg] {
            assert_eq!(serde_json::to_value(step).unwrap(), step.name());
        }
    }

    fn affected(selection: &Selection, calls: u64) -> Vec<u64> {
        let mut counter = Counter::new(selection);
        (1..=calls)
            .filter(|_| {
                let selected = counter.selects();
                if selected {
                    counter.fire();
                }
                selected
            })
            .collect()
    }

    #[test]
    fn calls_are_selected_by_number() {
        assert_eq!(affected(&Selection { from: 3, times: Some(1), ..Selection::default() }, 9), [3]);
        assert_eq!(affected(&Selection { every: 3, ..Selection::default() }, 9), [1, 4, 7]);
        assert_eq!(affected(&Selection { from: 2, every: 2, times: Some(3), ..Selection::default() }, 9), [2, 4, 6]);
    }

    #[test]
    fn the_same_seed_selects_the_same_calls() {
        let some = |seed| Selection { probability: Some(0.3), seed, ..Selection::default() };
        let first = affected(&some(1), 1000);
        assert_eq!(first, affected(&some(1), 1000));
        assert_ne!(first, affected(&some(2), 1000));
        assert!((200..400).contains(&first.len()), "{}", first.len());
        assert_eq!(affected(&Selection { probability: Some(0.0), ..some(1) }, 100), [0; 0]);
        assert_eq!(affected(&Selection { probability: Some(1.0), ..some(1) }, 100).len(), 100);
    }
}
