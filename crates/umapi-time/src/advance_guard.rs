use std::fmt;

/// Keeps a clock that advances by itself where it is, for as long as it lives; made by
/// [`Clock::advance_guard`](crate::Clock::advance_guard).
#[must_use = "the clock is released as soon as this is dropped"]
pub struct AdvanceGuard(Option<Box<dyn FnOnce() + Send + Sync>>);

impl AdvanceGuard {
    /// A hold of a clock that does not move by itself.
    pub fn none() -> Self {
        Self(None)
    }

    /// A hold that calls back once when it is dropped.
    pub fn new(release: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(release)))
    }
}

impl Drop for AdvanceGuard {
    fn drop(&mut self) {
        if let Some(release) = self.0.take() {
            release();
        }
    }
}

impl fmt::Debug for AdvanceGuard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("AdvanceGuard")
    }
}
