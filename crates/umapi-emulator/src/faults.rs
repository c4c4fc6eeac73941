//! Failures on demand.
//!
//! A [`FaultRule`] says what goes wrong, on which operation, and which of its calls are hit. [`Faults`] holds the rules and
//! decides for each request what is to be done; it does nothing itself. Of several rules that hit a call, their delays add
//! up, and the first that was added decides the rest; one that came too late is not counted as fired.

mod error;
mod fault;
mod outcome;
mod rule;
mod selection;

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use umapi_model::AnyOperation;

use crate::engine::{Rejection, StepView};
use crate::store::fold;
pub use error::FaultError;
pub(crate) use fault::Fault;
pub(crate) use outcome::{Drip, Outcome};
pub use rule::FaultRule;
use selection::{Counter, Selection};

/// The fault rules of one emulator. Clones share them.
///
/// ```
/// use umapi_emulator::{FaultRule, Faults};
///
/// let faults = Faults::default();
/// let lost = faults.add(FaultRule::on("executeActions").reset_after().times(2))?;
/// assert_eq!(lost.fired(), 0);
/// lost.remove();
/// # Ok::<(), umapi_emulator::FaultError>(())
/// ```
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Rules>>);

#[derive(Default)]
struct Rules {
    last: u64,
    entries: Vec<Entry>,
}

struct Entry {
    number: u64,
    rule: FaultRule,
    counter: Counter,
}

/// A rule, and what it has done so far.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FaultState {
    /// Its number, never given to another.
    pub id: u64,
    /// The rule.
    pub rule: FaultRule,
    /// Calls that it was about.
    pub matched: u64,
    /// Calls that it hit.
    pub fired: u64,
}

impl Faults {
    /// Adds a rule.
    ///
    /// # Errors
    /// If it names something that is not there, or nothing would happen.
    pub fn add(&self, rule: FaultRule) -> Result<FaultHandle, FaultError> {
        rule.check()?;
        let mut rules = self.lock();
        rules.last += 1;
        let number = rules.last;
        rules.entries.push(Entry { number, counter: Counter::new(&rule.when), rule });
        Ok(FaultHandle { faults: self.clone(), id: number })
    }

    /// All rules, in the order they were added.
    #[must_use]
    pub fn list(&self) -> Vec<FaultState> {
        self.lock().entries.iter().map(Entry::state).collect()
    }

    /// A rule by its number.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<FaultState> {
        self.lock().entries.iter().find(|entry| entry.number == id).map(Entry::state)
    }

    /// Sets a rule to work, or stops it. Its counts stay. Answers whether there is such a rule.
    pub fn enable(&self, id: u64, enabled: bool) -> bool {
        let mut rules = self.lock();
        let entry = rules.entries.iter_mut().find(|entry| entry.number == id);
        entry.map(|entry| entry.rule.enabled = enabled).is_some()
    }

    /// Takes a rule away. Answers whether there was one.
    pub fn remove(&self, id: u64) -> bool {
        let mut rules = self.lock();
        let before = rules.entries.len();
        rules.entries.retain(|entry| entry.number != id);
        rules.entries.len() < before
    }

    /// Takes all rules away.
    pub fn clear(&self) {
        self.lock().entries.clear();
    }

    /// What is to be done to a call of an operation.
    pub(crate) fn decide(&self, operation: AnyOperation) -> Option<Fault> {
        let mut rules = self.lock();
        let mut fault = Fault::default();
        let about = |rule: &FaultRule| rule.operation == "*" || rule.operation == operation.id();
        for entry in rules.entries.iter_mut().filter(|entry| entry.rule.enabled && !entry.rule.is_about_steps()) {
            if !about(&entry.rule) || !entry.counter.selects() {
                continue;
            }
            let Entry { rule, .. } = entry;
            let too_late =
                rule.outcome.is_some() && fault.outcome.is_some() || rule.drip.is_some() && fault.drip.is_some();
            if too_late {
                continue;
            }
            fault.delay = fault.delay.saturating_add(rule.delay_time());
            fault.drip = fault.drip.or(rule.drip);
            fault.outcome = fault.outcome.or_else(|| rule.outcome.clone());
            fault.rules.push(entry.number);
            entry.counter.fire();
        }
        (!fault.rules.is_empty()).then_some(fault)
    }

    /// Whether a step fails, and with what.
    pub(crate) fn fail_step(&self, step: &StepView<'_>) -> Option<Rejection> {
        let mut rules = self.lock();
        let mut refusal = None;
        for entry in rules.entries.iter_mut().filter(|entry| entry.rule.enabled) {
            let Some(Outcome::Step { step: name, user, code, message }) = &entry.rule.outcome else { continue };
            let about = (name == "*" || name == step.name)
                && user.as_ref().is_none_or(|user| step.user.is_some_and(|root| fold(root) == fold(user)));
            if about && entry.counter.selects() && refusal.is_none() {
                let message = message.clone().unwrap_or_else(|| made_up_message(step, code));
                refusal = Some(Rejection { code: Cow::Owned(code.clone()), message });
                entry.counter.fire();
            }
        }
        refusal
    }

    fn lock(&self) -> MutexGuard<'_, Rules> {
        // Every change of the rules is one statement: behind a poisoned lock they are whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The service's own words where they were seen.
fn made_up_message(step: &StepView<'_>, code: &str) -> String {
    match code {
        "error.internal.create_failed" => format!("Could not create person of type {}", step.name),
        _ => format!("Step {} failed: {code}", step.name),
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.list()).finish()
    }
}

impl Entry {
    fn state(&self) -> FaultState {
        FaultState {
            id: self.number,
            rule: self.rule.clone(),
            matched: self.counter.matched,
            fired: self.counter.fired,
        }
    }
}

/// A rule that was added.
#[derive(Debug, Clone)]
pub struct FaultHandle {
    faults: Faults,
    id: u64,
}

impl FaultHandle {
    /// Its number.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// How many calls it has hit.
    #[must_use]
    pub fn fired(&self) -> u64 {
        self.faults.get(self.id).map_or(0, |state| state.fired)
    }

    /// How many calls it was about.
    #[must_use]
    pub fn matched(&self) -> u64 {
        self.faults.get(self.id).map_or(0, |state| state.matched)
    }

    /// Sets it to work.
    pub fn enable(&self) {
        self.faults.enable(self.id, true);
    }

    /// Stops it; its counts stay.
    pub fn disable(&self) {
        self.faults.enable(self.id, false);
    }

    /// Takes it away, and its counts with it.
    pub fn remove(&self) {
        self.faults.remove(self.id);
    }
}

#[cfg(test)]
mod tests;
