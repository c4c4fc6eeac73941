use std::time::Duration;

use umapi_time::Instant;

/// The minute that an allowance is for.
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// The calls that were counted in one minute. It begins with its first call.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window {
    end: Option<Instant>,
    used: u32,
}

impl Window {
    /// How long to wait, if no call is left.
    pub(super) fn wait(&mut self, now: Instant, allowance: u32) -> Option<Duration> {
        if self.end.is_some_and(|end| now >= end) {
            *self = Self::default();
        }
        // Without an allowance there is no minute in which calls are left: ask again in one.
        (self.used >= allowance).then(|| self.end.map_or(MINUTE, |end| end - now))
    }

    /// Counts a call.
    pub(super) fn count(&mut self, now: Instant) {
        self.end.get_or_insert(now + MINUTE);
        self.used = self.used.saturating_add(1);
    }

    /// Lets nothing through until a moment.
    pub(super) fn shut(&mut self, until: Instant) {
        self.end = Some(until);
        self.used = u32::MAX;
    }

    /// How many calls were counted.
    pub(super) fn used(&self, now: Instant) -> u32 {
        if self.end.is_some_and(|end| now < end) { self.used } else { 0 }
    }
}
