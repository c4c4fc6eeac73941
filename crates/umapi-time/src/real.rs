//! The machine's time.

use std::time::SystemTime;

use crate::{Instant, Sleep, TimeSource};

/// The machine's time. No other code of the project reads it.
#[derive(Debug)]
pub(crate) struct RealTime {
    origin: std::time::Instant,
}

impl RealTime {
    #[expect(clippy::disallowed_methods, reason = "the one source of real time")]
    pub(crate) fn new() -> Self {
        Self { origin: std::time::Instant::now() }
    }
}

impl TimeSource for RealTime {
    #[expect(clippy::disallowed_methods, reason = "the one source of real time")]
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn now(&self) -> Instant {
        Instant::from_origin(self.origin.elapsed())
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        let remaining = deadline - self.now();
        // Created when first polled, so that a sleep can be created outside a runtime.
        #[expect(clippy::disallowed_methods, reason = "the one source of real time")]
        Sleep::new(async move { tokio::time::sleep(remaining).await })
    }
}
