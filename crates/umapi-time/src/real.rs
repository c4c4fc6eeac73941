//! The machine's time.

use std::{sync::LazyLock, time::SystemTime};

use crate::{Instant, Sleep, TimeSource};

/// The machine's time. No other code of the project reads it.
#[derive(Debug)]
pub(crate) struct RealTime;

/// The origin of all real clocks of the process, so that a moment of one is the same moment of another.
#[expect(clippy::disallowed_methods, reason = "the one source of real time")]
static ORIGIN: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);

impl TimeSource for RealTime {
    #[expect(clippy::disallowed_methods, reason = "the one source of real time")]
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn now(&self) -> Instant {
        Instant::from_origin(ORIGIN.elapsed())
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        let remaining = deadline - self.now();
        // Created when first polled, so that a sleep can be created outside a runtime.
        #[expect(clippy::disallowed_methods, reason = "the one source of real time")]
        Sleep::new(async move { tokio::time::sleep(remaining).await })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::Clock;

    #[test]
    fn moments_of_real_clocks_can_be_compared() {
        let first = Clock::real();
        let before = first.now();
        while first.now() - before < Duration::from_millis(2) {
            std::thread::yield_now();
        }
        let second = Clock::real().now();
        assert!(second - before >= Duration::from_millis(2) && first.now() >= second);
    }
}
