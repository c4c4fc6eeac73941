//! How much a scheduler holds at once.

/// How a [`Scheduler`](super::Scheduler) works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Everything is validated by the service and nothing done. Then a part of a command that fails holds nothing back:
    /// the others can be tried all the same.
    pub test_mode: bool,
    /// Commands from the oldest that has not ended to the newest.
    pub window: usize,
    /// Bytes of JSON of what is not sent or not answered.
    pub window_bytes: usize,
}

impl Settings {
    /// For a batch that the caller holds in memory anyhow.
    pub fn unbounded(test_mode: bool) -> Self {
        Self { test_mode, window: usize::MAX, window_bytes: usize::MAX }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { test_mode: false, window: 4096, window_bytes: 32 << 20 }
    }
}
