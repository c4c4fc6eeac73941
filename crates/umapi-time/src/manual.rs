//! The clock that tests control.

mod autopilot;
mod timeline;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::sync::{Notify, watch};

use crate::{AdvanceGuard, Clock, Instant, Sleep, TimeSource};
use timeline::{Sleeper, Timeline};

/// 2026-01-01T00:00:00Z, in seconds since 1970.
const DEFAULT_START: u64 = 1_767_225_600;

/// A clock for tests that advances on command. Clones control the same clock.
///
/// It starts **frozen**: time only moves with [`advance`](Self::advance) and [`advance_to`](Self::advance_to).
/// [`auto_advance`](Self::auto_advance) lets it jump from deadline to deadline by itself.
///
/// ```
/// use std::time::Duration;
/// use umapi_time::ManualClock;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let manual = ManualClock::new();
/// let clock = manual.clock();
/// let task = tokio::spawn(async move { clock.sleep(Duration::from_secs(3600)).await });
///
/// manual.until_sleepers(1).await; // the task sleeps now
/// manual.advance(Duration::from_secs(3600));
/// task.await.unwrap();
/// # }
/// ```
///
/// A test of what happens at one moment moves from deadline to deadline, and sets the wall clock by itself:
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use umapi_time::ManualClock;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let manual = ManualClock::starting_at(SystemTime::UNIX_EPOCH);
/// let clock = manual.clock();
/// let alarm = clock.now() + Duration::from_secs(60);
/// let task = tokio::spawn(async move { clock.sleep_until(alarm).await });
///
/// manual.until_sleepers(1).await;
/// assert_eq!((manual.sleepers(), manual.next_deadline()), (1, Some(alarm)));
/// manual.set_wall(SystemTime::UNIX_EPOCH + Duration::from_secs(3600)); // wakes nobody
/// assert_eq!(manual.sleepers(), 1);
/// manual.advance_to(alarm);
/// task.await.unwrap();
/// # }
/// ```
#[derive(Clone)]
pub struct ManualClock(Arc<Shared>);

struct Shared {
    timeline: Mutex<Timeline>,
    /// The number of sleepers, for `until_sleepers`.
    sleepers: watch::Sender<usize>,
    /// Notified when a guard is dropped or the mode changes.
    changed: Notify,
}

impl Shared {
    fn timeline(&self) -> MutexGuard<'_, Timeline> {
        // Every change of the timeline is complete when the lock is released, so a poisoned lock is safe to use.
        self.timeline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the timeline, publishes the number of sleepers, and then wakes the sleepers that are due, in the order of their
    /// deadlines. Wakers run outside the lock because they may call back into the clock.
    fn update<T>(&self, change: impl FnOnce(&mut Timeline) -> T) -> T {
        let (outcome, woken) = {
            let mut timeline = self.timeline();
            let outcome = change(&mut timeline);
            (outcome, timeline.take_due())
        };
        // Counted while the channel is locked, so that the later of two changes is published.
        self.sleepers.send_if_modified(|published| {
            let waiting = self.timeline().sleepers();
            std::mem::replace(published, waiting) != waiting
        });
        for waker in woken {
            waker.wake();
        }
        outcome
    }
}

impl ManualClock {
    /// Creates a frozen clock at 2026-01-01T00:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self::starting_at(SystemTime::UNIX_EPOCH + Duration::from_secs(DEFAULT_START))
    }

    /// Creates a frozen clock at this wall-clock time.
    #[must_use]
    pub fn starting_at(wall: SystemTime) -> Self {
        Self(Arc::new(Shared {
            timeline: Mutex::new(Timeline::starting_at(wall)),
            sleepers: watch::Sender::new(0),
            changed: Notify::new(),
        }))
    }

    /// Returns the clock to pass to the code under test.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock::new(self.clone())
    }

    /// Advances the time, and wakes the sleepers that are due, in the order of their deadlines.
    ///
    /// It is a single jump: a task that wakes sees the new time, not its deadline. To let every task see its own deadline,
    /// advance in steps, or use [`auto_advance`](Self::auto_advance).
    pub fn advance(&self, duration: Duration) {
        self.0.update(|timeline| timeline.advance_to(timeline.now() + duration));
    }

    /// Advances the time to a moment. A moment in the past has no effect.
    pub fn advance_to(&self, moment: Instant) {
        self.0.update(|timeline| timeline.advance_to(moment));
    }

    /// Sets only the wall clock. Monotonic time and sleepers are not affected.
    pub fn set_wall(&self, wall: SystemTime) {
        self.0.update(|timeline| timeline.set_wall(wall));
    }

    /// Lets the clock jump to the earliest deadline whenever a task sleeps and nothing else has happened for a grace period of
    /// **real** time.
    ///
    /// Use it in tests with real sockets and virtual waiting. The clock sees when it is read, when a sleep starts or is
    /// cancelled, and [`touch`](Self::touch); and it does not move while an [`AdvanceGuard`] exists. Otherwise it relies on
    /// the grace period:
    ///
    /// * If all tasks share one current-thread runtime, every ready task runs and every arrived byte is read first, however
    ///   busy the machine is. A few milliseconds are enough, or zero without sockets.
    /// * With several threads, it must be longer than the longest time that a thread with work may be delayed: some tens of
    ///   milliseconds, or a guard while such work is in progress.
    ///
    /// Sleepers need a tokio runtime with time enabled.
    #[must_use = "returns the same clock, for chaining"]
    pub fn auto_advance(self, grace: Duration) -> Self {
        self.set_auto_advance(Some(grace));
        self
    }

    /// Turns [`auto_advance`](Self::auto_advance) on with this grace period, or off with `None`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use umapi_time::ManualClock;
    ///
    /// let manual = ManualClock::new();
    /// manual.set_auto_advance(Some(Duration::from_millis(10))); // while the program starts
    /// manual.freeze(); // from here on, step by step
    /// ```
    pub fn set_auto_advance(&self, grace: Option<Duration>) {
        // Current sleepers are polled again, because the task that advances the clock starts from a sleeper.
        let asleep = self.0.update(|timeline| {
            timeline.set_grace(grace);
            timeline.wakers()
        });
        self.0.changed.notify_waiters();
        for waker in asleep {
            waker.wake();
        }
    }

    /// Stops the clock: from now on time only moves on command.
    pub fn freeze(&self) {
        self.set_auto_advance(None);
    }

    /// Reports activity to a clock that advances by itself. The grace period starts again.
    ///
    /// ```
    /// use std::{io::Read, time::Duration};
    /// use umapi_time::ManualClock;
    ///
    /// /// A connection whose bytes keep the clock from advancing.
    /// struct Watched<R>(R, ManualClock);
    ///
    /// impl<R: Read> Read for Watched<R> {
    ///     fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
    ///         self.1.touch();
    ///         self.0.read(buffer)
    ///     }
    /// }
    ///
    /// let clock = ManualClock::new().auto_advance(Duration::from_millis(20));
    /// let mut connection = Watched(&b"HTTP/1.1 200 OK"[..], clock);
    /// assert_eq!(connection.read(&mut [0; 8]).unwrap(), 8);
    /// ```
    pub fn touch(&self) {
        self.0.timeline().touch();
    }

    /// The number of sleepers.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.0.timeline().sleepers()
    }

    /// The deadline of the next sleeper, if there is one.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.0.timeline().next_deadline()
    }

    /// Waits in real time until there are at least this many sleepers.
    pub async fn until_sleepers(&self, count: usize) {
        let mut sleepers = self.0.sleepers.subscribe();
        // The sender lives in `self`, so the channel is not closed.
        let _ = sleepers.wait_for(|waiting| *waiting >= count).await;
    }
}

impl TimeSource for ManualClock {
    fn wall(&self) -> SystemTime {
        let mut timeline = self.0.timeline();
        timeline.touch();
        timeline.wall()
    }

    fn now(&self) -> Instant {
        let mut timeline = self.0.timeline();
        timeline.touch();
        timeline.now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep::new(Sleeper::new(self.0.clone(), deadline))
    }

    fn advance_guard(&self) -> AdvanceGuard {
        self.0.timeline().add_guard();
        let shared = self.0.clone();
        AdvanceGuard::new(move || {
            shared.timeline().remove_guard();
            shared.changed.notify_waiters();
        })
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl From<ManualClock> for Clock {
    fn from(manual: ManualClock) -> Self {
        Self::new(manual)
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timeline = self.0.timeline();
        out.debug_struct("ManualClock")
            .field("now", &timeline.now())
            .field("sleepers", &timeline.sleepers())
            .field("auto_advance", &timeline.grace())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
