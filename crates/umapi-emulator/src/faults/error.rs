/// Why a fault rule was not taken: a field, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the fault rule's `{field}` {problem}")]
pub struct FaultError {
    field: &'static str,
    problem: String,
}

impl FaultError {
    pub(super) fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }
}
