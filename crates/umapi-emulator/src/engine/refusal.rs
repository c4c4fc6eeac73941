use std::borrow::Cow;
use std::fmt;

use crate::store::StoreError;

/// A rule of the service was broken: its code, and what was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The service's code, such as `error.user.nonexistent`.
    pub code: Cow<'static, str>,
    /// What was wrong, with the field and the rule.
    pub message: String,
}

impl Refusal {
    /// A refusal with a code of the service's.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code: Cow::Borrowed(code), message: message.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Refusal {}

/// Why something was not done: a rule, or the store's own failure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// A rule of the service was broken.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store could not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Ends a function with a refusal.
pub(super) fn refuse<T>(code: &'static str, message: impl Into<String>) -> Result<T, Rejected> {
    Err(Rejected::Refused(Refusal::new(code, message)))
}
