use std::fmt;

/// Keeps a clock that advances by itself where it is, for as long as it lives; made by
/// [`Clock::hold`](crate::Clock::hold).
#[must_use = "the clock is released as soon as this is dropped"]
pub struct Hold(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Hold {
    /// A hold of a clock that does not move by itself.
    pub fn none() -> Self {
        Self(None)
    }

    /// A hold that calls back once when it is dropped.
    pub fn new(release: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(release)))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(release) = self.0.take() {
            release();
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Hold")
    }
}
