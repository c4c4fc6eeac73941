//! The observer that keeps the line on stderr up to date.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use umapi::{
    Observer, PageRead, Progress, RateLimits, RequestStarted, Wait, WaitReason,
    model::limits::ThrottleClass,
    time::{Clock, Instant},
};

use super::Bar;
use crate::{context::Context, local_time, output::counted};

const MINUTE: Duration = Duration::from_secs(60);

/// Keeps the line on stderr up to date with what the client says.
pub(crate) struct Watch {
    bar: Bar,
    clock: Clock,
    /// How many action requests a minute may have; nothing without pace.
    pace: Option<u32>,
    begun: Instant,
    counts_items: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    requests: u64,
    items: u64,
    /// When requests went out, of the last minute.
    recent: VecDeque<Instant>,
    wait: Option<(WaitReason, SystemTime)>,
    remaining: Option<Duration>,
}

impl Watch {
    pub(crate) fn new(bar: Bar, context: &Context) -> Self {
        let documented = || RateLimits::documented().per_minute(ThrottleClass::Action).map(|calls| calls.get());
        let pace = if context.global.no_pace { None } else { documented() };
        let clock = context.clock.clone();
        Self { bar, begun: clock.now(), clock, pace, counts_items: false, state: Mutex::default() }
    }

    /// The work is a list: its items say how far it is.
    pub(crate) fn counting_items(self) -> Self {
        Self { counts_items: true, ..self }
    }

    /// How long the rest takes, while the client cannot say because more may come: if it goes on as it has gone so far.
    fn guess(&self, progress: &Progress) -> Option<Duration> {
        let total = self.bar.length()?;
        if progress.done == 0 {
            return None;
        }
        let share = total.saturating_sub(self.bar.position()) as f64 / progress.done as f64;
        Some(match self.pace {
            Some(pace) => MINUTE.mul_f64(share * progress.requests as f64 / f64::from(pace)),
            None => (self.clock.now() - self.begun).mul_f64(share),
        })
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
        let mut text = format!(", {}", counted(self.requests, "request"));
        if self.recent.len() > 1 {
            text += &format!(", {} in the last minute", self.recent.len());
        }
        if let Some(remaining) = self.remaining.filter(|remaining| *remaining >= Duration::from_secs(1)) {
            text += &format!(", {} left", rough(remaining));
        }
        if let Some((reason, until)) = self.wait {
            let reason = match reason {
                WaitReason::RateLimit => "limit reached",
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
            while state.recent.front().is_some_and(|sent| now - *sent > MINUTE) {
                state.recent.pop_front();
            }
        });
    }

    fn wait_begins(&self, wait: &Wait<'_>) {
        self.change(|state| state.wait = Some((wait.reason, wait.until)));
    }

    fn page(&self, page: &PageRead<'_>) {
        if !self.counts_items {
            return;
        }
        self.change(|state| state.items += page.items as u64);
        if let Some(total) = page.total {
            self.bar.set_length(total);
        }
        let items = self.state.lock().unwrap_or_else(PoisonError::into_inner).items;
        self.bar.set_position(items);
    }

    fn progress(&self, progress: &Progress) {
        self.bar.set_done(progress.done, progress.total);
        let remaining = progress.remaining.or_else(|| self.guess(progress));
        self.change(|state| state.remaining = remaining);
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
        let wait = Some((WaitReason::RateLimit, SystemTime::UNIX_EPOCH));
        let state = State { requests: 12, remaining: Some(Duration::from_secs(180)), wait, ..State::default() };
        let text = state.describe();
        assert!(text.starts_with(", 12 requests, 3 min left; limit reached, going on at "), "{text}");
    }
}
