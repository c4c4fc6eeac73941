//! Ctrl-C and signals: a change ends gracefully, everything else ends at once, and the exit code is 130.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;
use umapi::{StopHandle, time::Instant};

use crate::{failure::Exit, output::Messages};

/// A second signal within this time is the first one again, as when a wrapper and the terminal both send it.
const SAME_SIGNAL: Duration = Duration::from_secs(1);

/// How long a call that changes nothing has to end. Then it is blocked, e.g. by a question or by its input.
const GRACE: Duration = Duration::from_millis(500);

/// The signals of a call.
#[derive(Clone)]
pub(crate) struct Interrupts(Arc<Inner>);

struct Inner {
    messages: Messages,
    state: Mutex<State>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The change in progress.
    change: Option<StopHandle>,
    /// The first signal, and when it came.
    first: Option<(Signal, Instant)>,
}

/// A signal that ends the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Interrupt,
    Terminate,
    /// The terminal is gone, e.g. because an ssh session was dropped.
    HangUp,
}

/// What a signal does.
#[derive(Debug)]
enum Reaction {
    /// Ends the change gracefully.
    Stop(StopHandle),
    /// Ends the call, which changes nothing.
    End,
    /// Ends the process, although a request may be in flight.
    EndNow,
    Ignore,
}

/// A change in progress. When it is dropped, signals end the call at once again.
pub(crate) struct ChangeInProgress(Interrupts);

impl Interrupts {
    pub(crate) fn new(messages: Messages) -> Self {
        Self(Arc::new(Inner { messages, state: Mutex::default(), ended: Notify::new() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes signals stop a change gracefully. If there was one already, the change is stopped before it begins.
    pub(crate) fn stop(&self, change: &StopHandle) -> ChangeInProgress {
        let mut state = self.state();
        if state.first.is_some() {
            change.stop();
        }
        state.change = Some(change.clone());
        ChangeInProgress(self.clone())
    }

    /// Waits until a signal ends a call that changes nothing.
    pub(crate) async fn ended(&self) -> Signal {
        self.0.ended.notified().await;
        self.state().first.map_or(Signal::Interrupt, |(signal, _)| signal)
    }

    /// Starts listening.
    pub(crate) fn listen(&self) {
        let interrupts = self.clone();
        tokio::spawn(async move {
            let Some(mut signals) = Signals::new() else { return };
            loop {
                let signal = signals.next().await;
                interrupts.take(signal);
            }
        });
    }

    fn take(&self, signal: Signal) {
        let messages = &self.0.messages;
        match self.react(signal, messages.clock().now()) {
            Reaction::Stop(change) => {
                change.stop();
                messages.note("stopping after the request in progress; press Ctrl-C again to end immediately");
            }
            Reaction::End => {
                self.0.ended.notify_one();
                let (messages, sleep) = (messages.clone(), messages.clock().sleep(GRACE));
                tokio::spawn(async move {
                    sleep.await;
                    end_now(&messages);
                });
            }
            Reaction::EndNow => {
                if self.state().change.is_some() {
                    messages.note("ended at once: whether the request in progress was applied is unknown");
                }
                end_now(messages)
            }
            Reaction::Ignore => {}
        }
    }

    fn react(&self, signal: Signal, now: Instant) -> Reaction {
        let mut state = self.state();
        match (state.first, &state.change) {
            (None, change) => {
                let reaction = change.clone().map_or(Reaction::End, Reaction::Stop);
                state.first = Some((signal, now));
                reaction
            }
            // A dropped session sends several, from the system and from the shell, and nobody presses keys any more.
            (Some(_), _) if signal == Signal::HangUp => Reaction::Ignore,
            (Some((_, first)), _) if now - first < SAME_SIGNAL => Reaction::Ignore,
            (Some(_), _) => Reaction::EndNow,
        }
    }
}

impl Drop for ChangeInProgress {
    fn drop(&mut self) {
        self.0.state().change = None;
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "Ctrl-C",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
        })
    }
}

fn end_now(messages: &Messages) -> ! {
    messages.clear_terminal();
    messages.summary(Exit::Interrupted);
    std::process::exit(Exit::Interrupted as i32)
}

/// The signals of the process. One that was ignored when the process started stays ignored, as `nohup` and shells expect.
#[cfg(unix)]
struct Signals {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
    hang_up: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Option<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let ignored = ignored_signals();
        let listen = |kind: SignalKind| {
            let is_ignored = ignored & (1 << (kind.as_raw_value() - 1)) != 0;
            if is_ignored { None } else { signal(kind).ok() }
        };
        Some(Self {
            interrupt: listen(SignalKind::interrupt()),
            terminate: listen(SignalKind::terminate()),
            hang_up: listen(SignalKind::hangup()),
        })
    }

    async fn next(&mut self) -> Signal {
        async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
            let received = match signal {
                Some(signal) => signal.recv().await,
                None => None,
            };
            if received.is_none() {
                std::future::pending().await
            }
        }
        tokio::select! {
            () = received(&mut self.interrupt) => Signal::Interrupt,
            () = received(&mut self.terminate) => Signal::Terminate,
            () = received(&mut self.hang_up) => Signal::HangUp,
        }
    }
}

/// Returns the signals that are ignored, as a set of bits.
#[cfg(target_os = "linux")]
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    parse_ignored(&status)
}

#[cfg(target_os = "linux")]
fn parse_ignored(status: &str) -> u64 {
    let bits = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    bits.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or_default()
}

/// Returns the signals that are ignored, as a set of bits: SIGHUP without a terminal, where `nohup` may have ignored it.
#[cfg(all(unix, not(target_os = "linux")))]
fn ignored_signals() -> u64 {
    use std::io::IsTerminal;
    u64::from(!std::io::stderr().is_terminal())
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Option<Self> {
        Some(Self)
    }

    async fn next(&mut self) -> Signal {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Signal::Interrupt,
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use umapi::time::ManualClock;

    use super::*;
    use crate::options::LogFormat;

    fn interrupts(manual: &ManualClock) -> Interrupts {
        Interrupts::new(Messages::of_test(LogFormat::Text, false, manual.clock()))
    }

    #[test]
    fn signal_stops_a_change_and_ends_a_read() {
        let manual = ManualClock::new();
        for signal in [Signal::Interrupt, Signal::Terminate, Signal::HangUp] {
            let interrupts = interrupts(&manual);
            let stop = StopHandle::new();
            let change = interrupts.stop(&stop);
            assert!(matches!(interrupts.react(signal, manual.clock().now()), Reaction::Stop(_)), "{signal}");
            drop(change);
            let interrupts = self::interrupts(&manual);
            drop(interrupts.stop(&stop));
            assert!(matches!(interrupts.react(signal, manual.clock().now()), Reaction::End), "{signal}");
        }
    }

    #[test]
    fn second_signal_ends_the_process() {
        let manual = ManualClock::new();
        let interrupts = interrupts(&manual);
        let _change = interrupts.stop(&StopHandle::new());
        let after = |seconds| manual.clock().now() + Duration::from_secs(seconds);
        assert!(matches!(interrupts.react(Signal::HangUp, after(0)), Reaction::Stop(_)));
        // The shell hangs up too, and a wrapper repeats the signal.
        assert!(matches!(interrupts.react(Signal::HangUp, after(5)), Reaction::Ignore));
        assert!(matches!(interrupts.react(Signal::Interrupt, after(0)), Reaction::Ignore));
        assert!(matches!(interrupts.react(Signal::Interrupt, after(5)), Reaction::EndNow));
    }

    #[test]
    fn change_after_a_signal_does_not_begin() {
        let manual = ManualClock::new();
        let interrupts = interrupts(&manual);
        let (first, second) = (StopHandle::new(), StopHandle::new());
        let change = interrupts.stop(&first);
        interrupts.take(Signal::Terminate);
        assert!(first.is_stopped());
        drop(change);
        let _change = interrupts.stop(&second);
        assert!(second.is_stopped());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn ignored_signals_are_read() {
        assert_eq!(parse_ignored("Name:\tumapi\nSigIgn:\t0000000000000003\nSigCgt:\t0\n"), 3);
        assert_eq!(parse_ignored("Name:\tumapi\n"), 0);
    }
}
