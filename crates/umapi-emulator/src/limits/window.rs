use std::time::Duration;

use umapi_time::Instant;

/// The minute that an allowance is for.
const MINUTE: Duration = Duration::from_secs(60);

/// The calls that were counted in one minute. It begins with its first call.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window {
    end: Option<Instant>,
    used: u32,
    /// Whether nothing is let through until the end, whatever was used.
    is_shut: bool,
}

impl Window {
    /// How long to wait, if no call is left.
    pub(super) fn wait(&mut self, now: Instant, allowance: u32) -> Option<Duration> {
        if self.end.is_some_and(|end| now >= end) {
            *self = Self::default();
        }
        // Without an allowance there is no minute in which calls are left: ask again in one.
        (self.is_shut || self.used >= allowance).then(|| self.end.map_or(MINUTE, |end| end - now))
    }

    /// Counts a call.
    pub(super) fn count(&mut self, now: Instant) {
        self.end.get_or_insert(now + MINUTE);
        self.used = self.used.saturating_add(1);
    }

    /// Lets nothing through until a moment.
    pub(super) fn shut(&mut self, until: Instant) {
        self.end = Some(until);
        self.is_shut = true;
    }

    /// Whether it was shut, and its end has not come.
    pub(super) fn is_shut(&self, now: Instant) -> bool {
        self.is_shut && self.end.is_some_and(|end| now < end)
    }
}
