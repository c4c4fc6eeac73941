//! The observer that keeps the line on stderr up to date.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use umapi::{Observer, PageRead, Progress, RequestStarted, Wait, WaitReason, time::Clock};

use super::Bar;
use crate::local_time;

/// Keeps the line on stderr up to date with what the client says.
pub(crate) struct Watch {
    bar: Bar,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    requests: u64,
    items: u64,
    /// When requests went out, of the last minute.
    recent: std::collections::VecDeque<umapi::time::Instant>,
    wait: Option<(WaitReason, SystemTime)>,
    remaining: Option<Duration>,
}

impl Watch {
    pub(crate) fn new(bar: Bar, clock: Clock) -> Self {
        Self { bar, clock, state: Mutex::default() }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        self.bar.set_message(state.describe());
    }
}

impl State {
    /// `, 12 requests, 9 a minute, 3 min left; limit reached, going on at 14:32:10`.
    fn describe(&self) -> String {
        let plural = if self.requests == 1 { "" } else { "s" };
        let mut text = format!(", {} request{plural}", self.requests);
        if self.recent.len() > 1 {
            text += &format!(", {} in the last minute", self.recent.len());
        }
        if let Some(remaining) = self.remaining.filter(|remaining| *remaining >= Duration::from_secs(1)) {
            text += &format!(", {} left", rough(remaining));
        }
        if let Some((reason, until)) = self.wait {
            let reason = match reason {
                WaitReason::Pace => "limit reached",
                WaitReason::Throttled => "the service asked to wait",
                WaitReason::Backoff => "the last attempt failed",
                _ => "waiting",
            };
            text += &format!("; {reason}, going on at {}", local_time::clock(until));
        }
        text
    }
}

impl Observer for Watch {
    fn request_started(&self, _: &RequestStarted<'_>) {
        let now = self.clock.now();
        self.change(|state| {
            state.requests += 1;
            state.wait = None;
            state.recent.push_back(now);
            while state.recent.front().is_some_and(|sent| now - *sent > Duration::from_secs(60)) {
                state.recent.pop_front();
            }
        });
    }

    fn wait_begins(&self, wait: &Wait<'_>) {
        self.change(|state| state.wait = Some((wait.reason, wait.until)));
    }

    fn page(&self, page: &PageRead<'_>) {
        self.change(|state| state.items += page.items as u64);
        if let Some(total) = page.total {
            self.bar.set_length(total);
        }
        let items = self.state.lock().unwrap_or_else(PoisonError::into_inner).items;
        self.bar.set_position(items);
    }

    fn progress(&self, progress: &Progress) {
        if let Some(total) = progress.total {
            self.bar.set_length(total);
        }
        self.bar.set_position(progress.done);
        self.change(|state| state.remaining = progress.remaining);
    }
}

/// A time in words, to the unit that matters.
pub(crate) fn rough(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=89 => format!("{seconds} s"),
        seconds @ 90..=5399 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rough() {
        for (seconds, text) in [(5, "5 s"), (89, "89 s"), (100, "2 min"), (5399, "90 min"), (7260, "2 h 01 min")] {
            assert_eq!(rough(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_wait_says_why_and_until_when() {
        let wait = Some((WaitReason::Pace, SystemTime::UNIX_EPOCH));
        let state = State { requests: 12, remaining: Some(Duration::from_secs(180)), wait, ..State::default() };
        let text = state.describe();
        assert!(text.starts_with(", 12 requests, 3 min left; limit reached, going on at "), "{text}");
    }
}
