use std::time::SystemTime;

use crate::{Instant, Sleep, TimeSource};

/// The machine's own time. The one place of the project that asks for it.
#[derive(Debug)]
pub(crate) struct RealTime {
    origin: std::time::Instant,
}

impl RealTime {
    #[expect(clippy::disallowed_methods, reason = "this is where real time comes in")]
    pub(crate) fn new() -> Self {
        Self { origin: std::time::Instant::now() }
    }
}

impl TimeSource for RealTime {
    #[expect(clippy::disallowed_methods, reason = "this is where real time comes in")]
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn now(&self) -> Instant {
        Instant::from_origin(self.origin.elapsed())
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        let remaining = deadline - self.now();
        // Made when first polled, so that a sleep may be created outside a runtime.
        #[expect(clippy::disallowed_methods, reason = "this is where real time comes in")]
        Sleep::new(async move { tokio::time::sleep(remaining).await })
    }
}
