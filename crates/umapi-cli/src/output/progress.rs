//! Progress on stderr: requests, rate, waits, and the time left.

use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use umapi::{
    Observer, PageRead, Progress, RateLimits, RequestStarted, Wait, WaitReason,
    model::ThrottleClass,
    time::{Clock, Instant},
};

use super::{record::counted, time};

/// The progress line on stderr.
#[derive(Clone)]
pub(crate) struct ProgressLine {
    bar: ProgressBar,
    /// The number of items that an earlier call completed.
    earlier: Arc<AtomicU64>,
}

const KNOWN_LENGTH: &str = "{prefix} [{bar:24}] {human_pos} of {human_len}{msg}";
const UNKNOWN_LENGTH: &str = "{spinner} {prefix} {human_pos}{msg}";

impl ProgressLine {
    /// A hidden line accepts everything and shows nothing.
    pub(crate) fn new(what: impl Into<String>, is_shown: bool) -> Self {
        let target = if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar =
            ProgressBar::with_draw_target(None, target).with_prefix(what.into()).with_style(style(UNKNOWN_LENGTH));
        if is_shown {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self { bar, earlier: Arc::default() }
    }

    /// Sets the number of items, once it is known.
    pub(crate) fn set_length(&self, length: u64) {
        if self.bar.length() != Some(length) {
            self.bar.set_length(length);
            self.bar.set_style(style(KNOWN_LENGTH));
        }
    }

    pub(crate) fn length(&self) -> Option<u64> {
        self.bar.length()
    }

    pub(crate) fn position(&self) -> u64 {
        self.bar.position()
    }

    /// Starts with the number of items that an earlier call completed.
    pub(crate) fn begin_at(&self, earlier: u64) {
        self.earlier.store(earlier, Ordering::Relaxed);
        self.bar.set_position(earlier);
    }

    /// Sets the number of items that this call completed, and their total if it is known.
    pub(crate) fn set_done(&self, done: u64, total: Option<u64>) {
        let earlier = self.earlier.load(Ordering::Relaxed);
        if let Some(total) = total {
            self.set_length(earlier + total);
        }
        self.bar.set_position(earlier + done);
    }

    pub(crate) fn set_position(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// Sets the text after the numbers.
    pub(crate) fn set_message(&self, message: String) {
        self.bar.set_message(message);
    }

    /// Hides the line while `write` writes to a stream.
    pub(crate) fn around<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Shows the line again after [`Self::finish`].
    pub(crate) fn begin_again(&self) {
        self.bar.reset();
    }

    /// Removes the line.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// A writer that hides the progress line while it writes.
pub(crate) struct ProgressSafe<W> {
    pub(crate) progress: ProgressLine,
    pub(crate) out: W,
}

impl<W: Write> Write for ProgressSafe<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.progress.around(|| self.out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.progress.around(|| self.out.flush())
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// Updates the progress line with the events of the client.
pub(crate) struct ProgressObserver {
    line: ProgressLine,
    clock: Clock,
    /// The number of action requests allowed per minute; `None` without a rate limit.
    per_minute: Option<u32>,
    started: Instant,
    counts_items: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    requests: u64,
    items: u64,
    /// The times of the requests in the last minute.
    recent: VecDeque<Instant>,
    wait: Option<(WaitReason, SystemTime)>,
    remaining: Option<Duration>,
}

impl ProgressObserver {
    pub(crate) fn new(line: ProgressLine, clock: Clock, is_rate_limited: bool) -> Self {
        let documented = || RateLimits::documented().per_minute(ThrottleClass::Action).map(|calls| calls.get());
        let per_minute = if is_rate_limited { documented() } else { None };
        Self { line, started: clock.now(), clock, per_minute, counts_items: false, state: Mutex::default() }
    }

    /// Measures progress by the items of lists.
    pub(crate) fn counting_items(self) -> Self {
        Self { counts_items: true, ..self }
    }

    /// Estimates the time left from the rate so far, while the client does not know the number of commands.
    fn estimate(&self, progress: &Progress) -> Option<Duration> {
        let total = self.line.length()?;
        if progress.done == 0 {
            return None;
        }
        let share = total.saturating_sub(self.line.position()) as f64 / progress.done as f64;
        Some(match self.per_minute {
            Some(per_minute) => MINUTE.mul_f64(share * progress.requests as f64 / f64::from(per_minute)),
            None => (self.clock.now() - self.started).mul_f64(share),
        })
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        self.line.set_message(state.describe());
    }
}

impl State {
    /// `, 12 requests, 9 a minute, 3 min left; rate limit reached, continues at 14:32:10`.
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
                WaitReason::RateLimit => "rate limit reached",
                WaitReason::Throttled => "the service asks to wait",
                WaitReason::Backoff => "the last attempt failed",
                _ => "waiting",
            };
            text += &format!("; {reason}, continues at {}", time::local(until));
        }
        text
    }
}

impl Observer for ProgressObserver {
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
            self.line.set_length(total);
        }
        let items = self.state.lock().unwrap_or_else(PoisonError::into_inner).items;
        self.line.set_position(items);
    }

    fn progress(&self, progress: &Progress) {
        self.line.set_done(progress.done, progress.total);
        let remaining = progress.remaining.or_else(|| self.estimate(progress));
        self.change(|state| state.remaining = remaining);
    }
}

/// Formats a duration in words, rounded to its largest unit.
pub(crate) fn rough(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..=89 => format!("{seconds} s"),
        seconds @ 90..=5399 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded() {
        for (seconds, text) in [(5, "5 s"), (89, "89 s"), (100, "2 min"), (5399, "90 min"), (7260, "2 h 01 min")] {
            assert_eq!(rough(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn wait_is_shown_with_reason_and_end() {
        let wait = Some((WaitReason::RateLimit, SystemTime::UNIX_EPOCH));
        let state = State { requests: 12, remaining: Some(Duration::from_secs(180)), wait, ..State::default() };
        let text = state.describe();
        assert!(text.starts_with(", 12 requests, 3 min left; rate limit reached, continues at "), "{text}");
    }
}
