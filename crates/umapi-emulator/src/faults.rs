//! Failures on demand.
//!
//! A [`FaultRule`] selects the calls that fail, by operation and by number, and their [`FaultEffect`]. [`Faults`] holds
//! the rules and decides for each request; the server carries out the decision. If several rules apply to a call, their delays
//! add up, and for everything else the first rule wins; a rule that loses does not count as fired.

mod effect;
mod rule;

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use umapi_model::AnyOperation;

pub(crate) use self::effect::Fault;
use self::rule::{Counter, RuleKind};
pub use self::{
    effect::{FaultEffect, FaultResponse},
    rule::{FaultRule, FaultTarget, StepFault},
};
use crate::engine::{Rejection, StepView};
pub use crate::generated::action_step::ActionStep;

/// The fault rules of one emulator. Clones share them.
///
/// ```
/// use umapi_emulator::{FaultEffect, FaultRule, Faults, Operation};
///
/// let faults = Faults::default();
/// let reset = FaultEffect::reset_after_applying();
/// let lost = faults.add(FaultRule::on(Operation::ExecuteActions, reset).times(2))?;
/// assert_eq!(lost.fired(), 0);
/// lost.remove();
/// # Ok::<(), umapi_emulator::FaultError>(())
/// ```
///
/// A rule can be there from the start, and be enabled when the test has got so far:
///
/// ```
/// use umapi_emulator::{FaultEffect, FaultRule, FaultState, FaultTarget, Faults};
///
/// let faults = Faults::default();
/// let rule = FaultRule::on(FaultTarget::Any, FaultEffect::reset_before_applying());
/// let outage = faults.add(rule.every(3).disabled())?;
/// outage.enable();
/// assert_eq!((outage.matched(), outage.fired()), (0, 0));
/// outage.disable();
///
/// // From the number of a rule, e.g. in the journal.
/// assert!(faults.enable(outage.id(), true));
/// for FaultState { id, fired, .. } in faults.list() {
///     println!("rule {id} has fired {fired} times");
/// }
/// # Ok::<(), umapi_emulator::FaultError>(())
/// ```
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Rules>>);

#[derive(Default)]
struct Rules {
    last_id: u64,
    entries: Vec<Entry>,
}

struct Entry {
    id: u64,
    rule: FaultRule,
    counter: Counter,
}

/// A rule and its counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FaultState {
    /// The id of the rule. Ids are not reused.
    pub id: u64,
    /// The rule.
    pub rule: FaultRule,
    /// The number of calls of its operation, or of steps.
    pub matched: u64,
    /// The number of calls that it affected.
    pub fired: u64,
}

/// The error of an invalid fault rule: a field, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the fault rule's `{field}` {problem}")]
pub struct FaultError {
    field: &'static str,
    problem: String,
}

impl FaultError {
    fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }
}

impl Faults {
    /// Adds a rule.
    ///
    /// # Errors
    /// If a value is out of range, or a part of the rule would have no effect.
    pub fn add(&self, rule: FaultRule) -> Result<FaultHandle, FaultError> {
        rule.check()?;
        let mut rules = self.lock();
        rules.last_id += 1;
        let id = rules.last_id;
        rules.entries.push(Entry { id, counter: Counter::new(&rule.when), rule });
        Ok(FaultHandle { faults: self.clone(), id })
    }

    /// All rules, in the order in which they were added.
    #[must_use]
    pub fn list(&self) -> Vec<FaultState> {
        self.lock().entries.iter().map(Entry::state).collect()
    }

    /// A rule by its id.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<FaultState> {
        self.lock().entries.iter().find(|entry| entry.id == id).map(Entry::state)
    }

    /// Enables or disables a rule. Its counts stay. Returns whether the rule exists.
    pub fn enable(&self, id: u64, enabled: bool) -> bool {
        let mut rules = self.lock();
        let entry = rules.entries.iter_mut().find(|entry| entry.id == id);
        entry.map(|entry| entry.rule.enabled = enabled).is_some()
    }

    /// Removes a rule. Returns whether it existed.
    pub fn remove(&self, id: u64) -> bool {
        let mut rules = self.lock();
        let before = rules.entries.len();
        rules.entries.retain(|entry| entry.id != id);
        rules.entries.len() < before
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.lock().entries.clear();
    }

    /// Decides what happens to a call of an operation.
    pub(crate) fn decide(&self, operation: AnyOperation) -> Option<Fault> {
        let mut rules = self.lock();
        let mut fault = Fault::default();
        for Entry { id, rule, counter } in rules.entries.iter_mut().filter(|entry| entry.rule.enabled) {
            let RuleKind::Call { target, effect } = &rule.kind else { continue };
            if target.matches(operation, effect) && counter.selects() && fault.combine(effect) {
                fault.rules.push(*id);
                counter.fire();
            }
        }
        (!fault.rules.is_empty()).then_some(fault)
    }

    /// Decides whether a step fails, and with what error.
    pub(crate) fn fail_step(&self, step: &StepView<'_>) -> Option<Rejection> {
        let mut rules = self.lock();
        let mut rejection = None;
        for Entry { rule, counter, .. } in rules.entries.iter_mut().filter(|entry| entry.rule.enabled) {
            let RuleKind::Step(fault) = &rule.kind else { continue };
            if fault.matches(step) && counter.selects() && rejection.is_none() {
                rejection =
                    Some(Rejection { code: Cow::Owned(fault.code().to_owned()), message: fault.message_for(step) });
                counter.fire();
            }
        }
        rejection
    }

    fn lock(&self) -> MutexGuard<'_, Rules> {
        // Every change of the rules is one statement, so that they are consistent after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.list()).finish()
    }
}

impl Entry {
    fn state(&self) -> FaultState {
        FaultState { id: self.id, rule: self.rule.clone(), matched: self.counter.matched, fired: self.counter.fired }
    }
}

/// A rule that was added.
#[derive(Debug, Clone)]
pub struct FaultHandle {
    faults: Faults,
    id: u64,
}

impl FaultHandle {
    /// The id of the rule.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The number of calls that the rule affected.
    #[must_use]
    pub fn fired(&self) -> u64 {
        self.faults.get(self.id).map_or(0, |state| state.fired)
    }

    /// The number of calls of its operation, or of steps.
    #[must_use]
    pub fn matched(&self) -> u64 {
        self.faults.get(self.id).map_or(0, |state| state.matched)
    }

    /// Enables the rule.
    pub fn enable(&self) {
        self.faults.enable(self.id, true);
    }

    /// Disables the rule. Its counts stay.
    pub fn disable(&self) {
        self.faults.enable(self.id, false);
    }

    /// Removes the rule and its counts.
    pub fn remove(&self) {
        self.faults.remove(self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use umapi_model::Operation;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn step<'a>(name: &'a str, user: &'a str) -> StepView<'a> {
        StepView { index: 0, step: 0, name, user: Some(user) }
    }

    fn decide(faults: &Faults) -> Option<Fault> {
        faults.decide(Operation::ListUsers.into())
    }

    #[test]
    fn a_rule_affects_only_its_operation_and_counts() {
        let faults = Faults::default();
        let rule = faults.add(FaultRule::on(Operation::ListUsers, FaultResponse::status(500)).times(2)).unwrap();
        assert!(faults.decide(Operation::ListGroups.into()).is_none());
        for expected in [true, true, false] {
            assert_eq!(decide(&faults).is_some(), expected);
        }
        assert_eq!((rule.matched(), rule.fired()), (3, 2));
    }

    #[test]
    fn delays_add_up_and_the_first_outcome_wins() {
        let faults = Faults::default();
        faults.add(FaultRule::on(FaultTarget::Any, FaultEffect::delay(SECOND))).unwrap();
        let after = FaultEffect::reset_after_applying();
        let first = faults.add(FaultRule::on(FaultTarget::Any, after).nth(2)).unwrap();
        let before = FaultEffect::reset_before_applying().delayed(SECOND);
        let second = faults.add(FaultRule::on(FaultTarget::Any, before).times(2)).unwrap();
        let fault = decide(&faults).unwrap();
        assert_eq!((fault.delay, fault.resets_before()), (2 * SECOND, true));
        let fault = decide(&faults).unwrap();
        assert_eq!((fault.delay, fault.resets_after()), (SECOND, true));
        assert_eq!((first.fired(), second.fired()), (1, 1), "a rule that loses keeps its remaining calls");
        let fault = decide(&faults).unwrap();
        assert_eq!(fault.rules, [1, second.id()]);
    }

    #[test]
    fn rules_are_disabled_and_removed_at_run_time() {
        let faults = Faults::default();
        let html = || FaultRule::on(FaultTarget::Any, FaultResponse::html(502));
        let rule = faults.add(html().disabled()).unwrap();
        assert!(decide(&faults).is_none());
        rule.enable();
        assert!(decide(&faults).is_some());
        rule.disable();
        assert!(decide(&faults).is_none());
        assert_eq!(rule.matched(), 1, "a disabled rule does not count");
        rule.remove();
        assert!(faults.list().is_empty());
        assert_ne!(faults.add(html()).unwrap().id(), rule.id());
    }

    #[test]
    fn a_step_fails_with_its_code_for_its_user() {
        let faults = Faults::default();
        let fault = StepFault::on(ActionStep::CreateFederatedId, "error.internal.create_failed");
        let rule = faults.add(FaultRule::on_step(fault.for_user("Ann@Example.com")).times(1)).unwrap();
        assert!(faults.decide(Operation::ExecuteActions.into()).is_none(), "the request itself is not affected");
        assert!(faults.fail_step(&step("add", "ann@example.com")).is_none());
        assert!(faults.fail_step(&step("createFederatedID", "bob@example.com")).is_none());
        let rejection = faults.fail_step(&step("createFederatedID", "ann@example.com")).unwrap();
        assert_eq!(rejection.code, "error.internal.create_failed");
        assert_eq!(rejection.message, "Could not create person of type createFederatedID");
        assert!(faults.fail_step(&step("createFederatedID", "ann@example.com")).is_none());
        assert_eq!((rule.matched(), rule.fired()), (2, 1));
    }

    #[test]
    fn pages_alternate_with_two_rules() {
        let faults = Faults::default();
        let page = |name: &str| FaultResponse::json(200, serde_json::json!({ "users": [name] }));
        faults.add(FaultRule::on(Operation::ListUsers, page("a")).every(2)).unwrap();
        faults.add(FaultRule::on(Operation::ListUsers, page("b")).from_call(2).every(2)).unwrap();
        let rules: Vec<_> = (0..4).map(|_| decide(&faults).unwrap().rules).collect();
        assert_eq!(rules, [[1], [2], [1], [2]]);
    }
}
