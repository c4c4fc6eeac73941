//! Progress on stderr: requests, rate, waits, and the time left.
//!
//! On a terminal it is one line, which fits its width and counts down while the call waits. Elsewhere, e.g. in a log of cron,
//! it is a message for each long wait, and one a minute.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use dialoguer::console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};
use serde::Serialize;
use umapi::{
    Observer, PageRead, Progress, RateLimits, RequestFinished, RequestStarted, Retry, Wait, WaitReason,
    model::ThrottleClass,
    time::{Clock, Instant},
};

use super::{
    messages::{Event, Level, Messages},
    record::counted,
    time,
};

const MINUTE: Duration = Duration::from_secs(60);

/// Shorter waits are not told without a terminal.
const LONG_WAIT: Duration = Duration::from_secs(10);

/// The progress of a call: a line on a terminal, or messages.
#[derive(Clone)]
pub(crate) struct ProgressLine {
    shared: Arc<Shared>,
    bar: ProgressBar,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgressKind {
    /// As one line of a terminal.
    Line,
    /// As messages.
    Messages,
    /// Not at all.
    Hidden,
}

struct Shared {
    messages: Messages,
    kind: ProgressKind,
    state: Mutex<State>,
}

/// What is known about the progress.
#[derive(Debug)]
struct State {
    /// The plural of the items.
    what: String,
    /// What is done before there are items, e.g. `looking up 30 users`.
    phase: Option<String>,
    done: u64,
    /// The number of items that an earlier call completed. `done` does not include it.
    earlier: u64,
    total: Option<u64>,
    requests: u64,
    items: u64,
    /// The times of the requests in the last minute.
    recent: VecDeque<Instant>,
    wait: Option<CurrentWait>,
    remaining: Option<Duration>,
    /// When the progress was told last.
    told: Instant,
    /// The end of the last wait that was told.
    told_until: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct CurrentWait {
    reason: WaitReason,
    end: Instant,
    until: SystemTime,
}

impl ProgressLine {
    pub(crate) fn new(what: impl Into<String>, messages: &Messages, kind: ProgressKind) -> Self {
        let state = State::new(what.into(), messages.clock().now());
        let shared = Arc::new(Shared { messages: messages.clone(), kind, state: Mutex::new(state) });
        let bar = match kind {
            ProgressKind::Line => {
                let bar =
                    ProgressBar::with_draw_target(None, ProgressDrawTarget::term_like(Box::new(StatusTerminal::new())));
                bar.set_style(style(shared.clone()));
                bar.enable_steady_tick(Duration::from_millis(200));
                messages.set_line(bar.clone());
                bar
            }
            ProgressKind::Messages | ProgressKind::Hidden => ProgressBar::hidden(),
        };
        Self { shared, bar }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the number of items, once it is known.
    pub(crate) fn set_length(&self, length: u64) {
        self.state().total = Some(length);
    }

    /// Starts with the number of items that an earlier call completed.
    pub(crate) fn begin_at(&self, earlier: u64) {
        self.state().earlier = earlier;
    }

    /// Hides the line while `write` writes to a stream.
    pub(crate) fn around<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Says what is done before there are items.
    pub(crate) fn set_phase(&self, phase: impl Into<String>) {
        self.state().phase = Some(phase.into());
    }

    /// Shows the line again after [`Self::finish`], with the items.
    pub(crate) fn begin_again(&self) {
        self.state().phase = None;
        self.bar.reset();
    }

    /// Removes the line.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Changes the state, and tells it if a minute has passed.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let now = self.shared.messages.clock().now();
        if self.shared.kind == ProgressKind::Messages && now - state.told >= MINUTE {
            state.told = now;
            self.tell(&state, Event::Progress, None);
        }
    }

    /// Begins a wait, and tells it if it is long.
    fn wait(&self, wait: CurrentWait) {
        let mut state = self.state();
        state.wait = Some(wait);
        let now = self.shared.messages.clock().now();
        let is_told = state.told_until.is_some_and(|told| wait.end <= told + Duration::from_secs(1));
        if self.shared.kind == ProgressKind::Messages && wait.end - now > LONG_WAIT && !is_told {
            (state.told, state.told_until) = (now, Some(wait.end));
            self.tell(&state, Event::Wait, Some(wait));
        }
    }

    /// Begins a wait of the command itself, and says it in its own words.
    pub(crate) fn announce_wait(&self, reason: WaitReason, duration: Duration, text: &str) {
        let messages = &self.shared.messages;
        let (now, until) = (messages.clock().now(), messages.clock().wall().checked_add(duration));
        let wait = until.map(|until| CurrentWait { reason, end: now + duration, until });
        let mut state = self.state();
        (state.wait, state.told, state.told_until) = (wait, now, Some(now + duration));
        if self.shared.kind != ProgressKind::Hidden {
            let fields = serde_json::to_value(state.fields(now, wait)).unwrap_or_default();
            // A message redraws the line, which needs the state.
            drop(state);
            messages.say(Level::Info, Event::Wait, text, &fields);
        }
    }

    fn tell(&self, state: &State, event: Event, wait: Option<CurrentWait>) {
        let messages = &self.shared.messages;
        let (now, wall) = (messages.clock().now(), messages.clock().wall());
        let mut text = format!("{} {}", time::local(wall), state.counts());
        for part in state.details(now).into_iter().flatten() {
            text += &format!(", {part}");
        }
        if let Some(wait) = wait {
            let length = rough(wait.end - now);
            text += &format!("; waiting {length} until {}: {}", time::local(wait.until), reason_text(wait.reason));
        }
        messages.say(Level::Info, event, &text, &state.fields(now, wait));
    }
}

/// The fields of a message about progress.
#[derive(Serialize)]
struct ProgressFields<'a> {
    what: &'a str,
    done: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    requests: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_left: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wait_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wait_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wait_reason: Option<&'static str>,
}

impl State {
    fn new(what: String, now: Instant) -> Self {
        Self {
            what,
            phase: None,
            done: 0,
            earlier: 0,
            total: None,
            requests: 0,
            items: 0,
            recent: VecDeque::new(),
            wait: None,
            remaining: None,
            told: now,
            told_until: None,
        }
    }

    /// `commands: 12 of 60`.
    fn counts(&self) -> String {
        match &self.phase {
            Some(phase) => phase.clone(),
            None => format!("{}: {}", self.what, self.numbers()),
        }
    }

    fn numbers(&self) -> String {
        let done = self.done + self.earlier;
        match self.total {
            Some(total) => format!("{done} of {total}"),
            None => done.to_string(),
        }
    }

    /// The fields of a message.
    fn fields(&self, now: Instant, wait: Option<CurrentWait>) -> ProgressFields<'_> {
        ProgressFields {
            what: self.phase.as_ref().unwrap_or(&self.what),
            done: self.done + self.earlier,
            total: self.total,
            requests: self.requests,
            seconds_left: self.remaining.map(|left| left.as_secs()),
            wait_seconds: wait.map(|wait| (wait.end - now).as_secs()),
            wait_until: wait.map(|wait| time::utc(wait.until)),
            wait_reason: wait.map(|wait| reason_name(wait.reason)),
        }
    }

    /// The requests, their rate, and the time left.
    fn details(&self, now: Instant) -> [Option<String>; 3] {
        let recent = self.recent.iter().filter(|sent| now - **sent <= MINUTE).count();
        let remaining = self.remaining.filter(|remaining| *remaining >= Duration::from_secs(1));
        [
            Some(counted(self.requests, "request")),
            (recent > 1 && recent as u64 != self.requests).then(|| format!("{recent} in the last minute")),
            remaining.map(|remaining| format!("{} left", rough(remaining))),
        ]
    }

    /// Returns the line for a terminal of this width, which it never fills: what matters most comes first.
    fn render(&self, now: Instant, width: usize) -> String {
        let room = width.saturating_sub(1);
        let mut parts = match &self.phase {
            Some(phase) => vec![phase.clone()],
            None => vec![format!("{} {}", self.what, self.numbers())],
        };
        if let Some(wait) = self.wait.filter(|wait| wait.end > now) {
            let waiting = format!("waiting {}", countdown(wait.end - now));
            let room = room.saturating_sub(waiting.len() + 2);
            if parts.first().is_some_and(|first| first.len() > room) {
                parts = if self.phase.is_none() { vec![self.numbers()] } else { Vec::new() };
            }
            parts.push(waiting);
            parts.push(format!("until {}", time::local(wait.until)));
            parts.push(reason_text(wait.reason));
        }
        let [requests, recent, left] = self.details(now);
        parts.extend([left, requests, recent].into_iter().flatten());
        let mut line = String::new();
        for part in parts {
            let separator = if line.is_empty() { "" } else { ", " };
            if line.len() + separator.len() + part.len() > room {
                break;
            }
            line = line + separator + &part;
        }
        self.with_bar(line, room)
    }

    /// Inserts a bar behind the name of the items, if there is room for it.
    fn with_bar(&self, line: String, room: usize) -> String {
        const LONGEST: usize = 24;
        const SHORTEST: usize = 8;
        let cells = room.saturating_sub(line.len() + 3).min(LONGEST);
        let numbers = line.strip_prefix(&self.what);
        let (Some(total), Some(numbers)) = (self.total.filter(|total| *total > 0), numbers) else { return line };
        if cells < SHORTEST {
            return line;
        }
        let done = (self.done + self.earlier).min(total);
        let filled = (u128::from(done) * cells as u128 / u128::from(total)) as usize;
        let tip = if filled < cells { ">" } else { "" };
        format!("{} [{:<cells$}]{numbers}", self.what, "=".repeat(filled) + tip)
    }
}

/// Returns why the call waits.
fn reason_text(reason: WaitReason) -> String {
    match reason {
        WaitReason::RateLimit => "rate limit reached".to_owned(),
        WaitReason::FirstPage => "the service allows this list only every few hours".to_owned(),
        WaitReason::Throttled => "the service asks to wait".to_owned(),
        WaitReason::Backoff => "the last attempt failed".to_owned(),
        other => other.to_string(),
    }
}

/// Returns why the call waits, for programs.
fn reason_name(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::RateLimit => "rate-limit",
        WaitReason::FirstPage => "first-page",
        WaitReason::Throttled => "throttled",
        WaitReason::Backoff => "backoff",
        _ => "other",
    }
}

fn style(shared: Arc<Shared>) -> ProgressStyle {
    let key = move |_: &ProgressState, out: &mut dyn fmt::Write| {
        let now = shared.messages.clock().now();
        let line = shared.state.lock().unwrap_or_else(PoisonError::into_inner).render(now, terminal_width());
        // A line that cannot be formatted is left out.
        let _ = out.write_str(&line);
    };
    let style = ProgressStyle::with_template("{line}").unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("line", key)
}

/// The width of the terminal now: it can change at any time.
fn terminal_width() -> usize {
    terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0).max(1))
}

/// A terminal with one line, which is rewritten.
///
/// The cursor rests at the beginning of the line: if the terminal becomes narrower and wraps the line, the cursor stays on its
/// first row, and everything below can be erased. Nothing stays behind.
#[derive(Debug)]
struct StatusTerminal(Term);

impl StatusTerminal {
    fn new() -> Self {
        Self(Term::buffered_stderr())
    }
}

impl TermLike for StatusTerminal {
    fn width(&self) -> u16 {
        u16::try_from(terminal_width()).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        24
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)?;
        self.0.write_str("\n")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        // The library fills the line with blanks, which a narrower terminal would wrap.
        match text.trim_matches(' ') {
            "" => Ok(()),
            _ => self.0.write_str(text),
        }
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.write_str("\r")?;
        self.0.clear_to_end_of_screen()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.write_str("\r")?;
        self.0.flush()
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

/// Updates the progress with the events of the client.
pub(crate) struct ProgressObserver {
    line: ProgressLine,
    clock: Clock,
    /// The number of action requests allowed per minute; `None` without a rate limit.
    per_minute: Option<u32>,
    started: Instant,
    counts_items: bool,
    /// The number of requests of the whole call.
    requests: Arc<AtomicU64>,
}

impl ProgressObserver {
    pub(crate) fn new(line: ProgressLine, is_rate_limited: bool, requests: Arc<AtomicU64>) -> Self {
        let documented = || RateLimits::documented().per_minute(ThrottleClass::Action).map(|calls| calls.get());
        let per_minute = if is_rate_limited { documented() } else { None };
        let clock = line.shared.messages.clock().clone();
        Self { line, started: clock.now(), clock, per_minute, counts_items: false, requests }
    }

    /// Measures progress by the items of lists.
    pub(crate) fn counting_items(self) -> Self {
        Self { counts_items: true, ..self }
    }

    /// Estimates the time left from the rate so far, while the client does not know the number of commands.
    fn estimate(&self, state: &State, progress: &Progress) -> Option<Duration> {
        let total = state.total?;
        if progress.done == 0 {
            return None;
        }
        let share = total.saturating_sub(state.done + state.earlier) as f64 / progress.done as f64;
        Some(match self.per_minute {
            Some(per_minute) => MINUTE.mul_f64(share * progress.requests as f64 / f64::from(per_minute)),
            None => (self.clock.now() - self.started).mul_f64(share),
        })
    }
}

impl Observer for ProgressObserver {
    fn request_started(&self, _: &RequestStarted<'_>) {
        let now = self.clock.now();
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.line.change(|state| {
            state.requests += 1;
            state.wait = None;
            state.recent.push_back(now);
            while state.recent.front().is_some_and(|sent| now - *sent > MINUTE) {
                state.recent.pop_front();
            }
        });
    }

    fn request_finished(&self, _: &RequestFinished<'_>) {
        self.line.change(|_| {});
    }

    fn retry(&self, _: &Retry<'_>) {
        self.line.change(|_| {});
    }

    fn wait_begins(&self, wait: &Wait<'_>) {
        let end = self.clock.now() + wait.duration;
        self.line.wait(CurrentWait { reason: wait.reason, end, until: wait.until });
    }

    fn page(&self, page: &PageRead<'_>) {
        self.line.change(|state| {
            state.items += page.items as u64;
            if self.counts_items {
                state.done = state.items;
                state.total = page.total.or(state.total);
            }
        });
    }

    fn progress(&self, progress: &Progress) {
        self.line.change(|state| {
            state.done = progress.done;
            if let Some(total) = progress.total {
                state.total = Some(state.earlier + total);
            }
            state.remaining = progress.remaining.or_else(|| self.estimate(state, progress));
        });
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

/// Formats the time to the end of a wait, to the second: `42 s`, `53 min 20 s`.
fn countdown(duration: Duration) -> String {
    // The last second counts until it is over.
    let seconds = duration.as_millis().div_ceil(1000);
    match seconds {
        0..=89 => format!("{seconds} s"),
        90..=5399 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use umapi::time::ManualClock;

    use super::*;
    use crate::options::LogFormat;

    const SECOND: Duration = Duration::from_secs(1);

    struct Stage {
        manual: ManualClock,
        messages: Messages,
        line: ProgressLine,
    }

    impl Stage {
        fn new(format: LogFormat, kind: ProgressKind) -> Self {
            let manual = ManualClock::starting_at(SystemTime::UNIX_EPOCH);
            let messages = Messages::of_test(format, false, manual.clock());
            let line = ProgressLine::new("commands", &messages, kind);
            Self { manual, messages, line }
        }

        fn wait(&self, reason: WaitReason, seconds: u64) {
            let duration = SECOND * u32::try_from(seconds).unwrap();
            let end = self.manual.clock().now() + duration;
            self.line.wait(CurrentWait { reason, end, until: self.manual.clock().wall() + duration });
        }
    }

    fn state(wait: Option<CurrentWait>) -> State {
        State {
            done: 120,
            total: Some(3000),
            requests: 12,
            remaining: Some(Duration::from_secs(180)),
            wait,
            ..State::new("commands".to_owned(), ManualClock::new().clock().now())
        }
    }

    #[test]
    fn durations_are_rounded() {
        for (seconds, text) in [(5, "5 s"), (89, "89 s"), (100, "2 min"), (5399, "90 min"), (7260, "2 h 01 min")] {
            assert_eq!(rough(Duration::from_secs(seconds)), text);
        }
        for (millis, text) in [(5, "1 s"), (42_000, "42 s"), (3_200_500, "53 min 21 s"), (7_260_000, "2 h 01 min")] {
            assert_eq!(countdown(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn line_fits_every_width() {
        let manual = ManualClock::new();
        let now = manual.clock().now();
        let wait =
            CurrentWait { reason: WaitReason::Throttled, end: now + SECOND * 3200, until: SystemTime::UNIX_EPOCH };
        for wait in [None, Some(wait)] {
            for width in 0..200 {
                let line = state(wait).render(now, width);
                assert!(line.is_empty() || line.len() < width, "{width}: {line}");
            }
        }
        assert_eq!(
            state(None).render(now, 80),
            "commands [>                       ] 120 of 3000, 3 min left, 12 requests"
        );
        assert_eq!(state(Some(wait)).render(now, 40), "120 of 3000, waiting 53 min 20 s");
    }

    #[test]
    fn phase_is_shown_before_there_are_items() {
        let manual = ManualClock::new();
        let now = manual.clock().now();
        let wait = CurrentWait { reason: WaitReason::RateLimit, end: now + SECOND * 42, until: SystemTime::UNIX_EPOCH };
        let phase = Some("looking up 30 users".to_owned());
        let state = State { phase, wait: Some(wait), ..State::new("memberships".to_owned(), now) };
        assert!(state.render(now, 80).starts_with("looking up 30 users, waiting 42 s, until "));
        assert!(state.render(now, 32).starts_with("waiting 42 s"));
        assert_eq!(state.counts(), "looking up 30 users");
    }

    #[test]
    fn line_counts_down_while_it_waits() {
        let manual = ManualClock::new();
        let start = manual.clock().now();
        let wait =
            CurrentWait { reason: WaitReason::RateLimit, end: start + SECOND * 42, until: SystemTime::UNIX_EPOCH };
        let state = state(Some(wait));
        for (after, shown) in [(0, "waiting 42 s, until "), (12, "waiting 30 s, until "), (41, "waiting 1 s, until ")] {
            let line = state.render(start + SECOND * after, 120);
            assert!(line.contains(shown) && line.contains("rate limit reached"), "{line}");
        }
        assert!(!state.render(start + SECOND * 42, 120).contains("waiting"), "the wait is over");
    }

    #[test]
    fn long_waits_are_told_with_reason_and_end() {
        let stage = Stage::new(LogFormat::Text, ProgressKind::Messages);
        stage.line.set_length(60);
        stage.wait(WaitReason::RateLimit, 10);
        assert_eq!(stage.messages.written(), "", "ten seconds are not long");
        stage.wait(WaitReason::Throttled, 3240);
        // Other requests wait for the same reason.
        stage.wait(WaitReason::Throttled, 3240);
        let until = time::local(SystemTime::UNIX_EPOCH + SECOND * 3240);
        let written = stage.messages.written();
        assert_eq!(written.lines().count(), 1, "{written}");
        let expected =
            format!("commands: 0 of 60, 0 requests; waiting 54 min until {until}: the service asks to wait\n");
        assert!(written.ends_with(&expected), "{written}");
        // A wait that ends later is told again.
        stage.wait(WaitReason::Throttled, 3600);
        assert_eq!(stage.messages.written().lines().count(), 2);
    }

    #[test]
    fn wait_of_the_command_itself_is_told_in_its_own_words() {
        let stage = Stage::new(LogFormat::Text, ProgressKind::Messages);
        stage.line.announce_wait(WaitReason::FirstPage, SECOND * 600, "waiting until noon");
        // The client waits for the same moment.
        stage.wait(WaitReason::FirstPage, 600);
        assert_eq!(stage.messages.written(), "waiting until noon\n");
        assert!(stage.line.state().render(stage.manual.clock().now(), 80).contains("waiting 10 min 00 s"));
    }

    #[test]
    fn progress_is_told_once_a_minute() {
        let stage = Stage::new(LogFormat::Text, ProgressKind::Messages);
        for second in 0..150 {
            stage.line.change(|state| state.done = second);
            stage.manual.advance(SECOND);
        }
        let written = stage.messages.written();
        let shown: Vec<&str> = written.lines().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(shown, ["commands: 60, 0 requests", "commands: 120, 0 requests"]);
    }

    #[test]
    fn wait_is_told_to_programs() {
        let stage = Stage::new(LogFormat::Json, ProgressKind::Messages);
        stage.wait(WaitReason::Throttled, 60);
        let line: serde_json::Value = serde_json::from_str(&stage.messages.written()).unwrap();
        assert_eq!((&line["event"], &line["wait_seconds"]), (&"wait".into(), &60.into()));
        assert_eq!(line["wait_until"], "1970-01-01T00:01:00Z");
        assert_eq!((&line["level"], &line["wait_reason"]), (&"INFO".into(), &"throttled".into()));
    }

    #[test]
    fn hidden_progress_tells_nothing() {
        let stage = Stage::new(LogFormat::Text, ProgressKind::Hidden);
        stage.wait(WaitReason::Throttled, 600);
        stage.manual.advance(MINUTE * 2);
        stage.line.change(|_| {});
        assert_eq!(stage.messages.written(), "");
    }
}
