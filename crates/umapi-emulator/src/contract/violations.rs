use std::fmt;
use std::sync::{Mutex, PoisonError};

/// How many violations are kept; one is enough to fail a test.
const KEPT: usize = 100;

/// An answer of the emulator that the description does not allow: a mistake of the emulator, not of its client.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The operation.
    pub operation: String,
    /// The request's id.
    pub request_id: String,
    /// What the description says and the answer did not keep to.
    pub reason: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (request {})", self.operation, self.reason, self.request_id)
    }
}

/// The violations of one emulator.
#[derive(Debug, Default)]
pub(crate) struct Violations(Mutex<Vec<Violation>>);

impl Violations {
    pub(crate) fn record(&self, violation: Violation) {
        tracing::error!(%violation, "an answer does not match the description");
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < KEPT {
            all.push(violation);
        }
    }

    pub(crate) fn all(&self) -> Vec<Violation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn take(&self) -> Vec<Violation> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
