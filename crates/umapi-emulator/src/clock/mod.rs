//! The emulator's time.

use umapi_time::Clock;

/// The clock of one emulator.
#[derive(Debug, Clone, Default)]
pub struct EmulatorClock {
    clock: Clock,
}

impl EmulatorClock {
    /// The clock to pass on.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }
}
