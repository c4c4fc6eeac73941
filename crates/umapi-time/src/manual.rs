//! The clock that tests drive.

mod autopilot;
mod dial;
mod sleeper;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, watch};

use crate::{AdvanceGuard, Clock, Instant, Sleep, TimeSource};
use dial::Dial;
use sleeper::Sleeper;

/// 2026-01-01T00:00:00Z, in seconds since 1970.
const DEFAULT_START: u64 = 1_767_225_600;

/// A clock that moves when it is told to; for tests. Clones drive the same clock.
///
/// It begins **frozen**: time stands still but for [`advance`](Self::advance) and [`advance_to`](Self::advance_to).
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
/// manual.until_sleepers(1).await; // the task has gone to sleep
/// manual.advance(Duration::from_secs(3600));
/// task.await.unwrap();
/// # }
/// ```
#[derive(Clone)]
pub struct ManualClock(Arc<Shared>);

struct Shared {
    dial: Mutex<Dial>,
    /// How many sleepers wait, for those who wait for sleepers.
    sleepers: watch::Sender<usize>,
    /// Rung when a hold is released or the mode changes.
    bell: Notify,
}

impl Shared {
    fn dial(&self) -> MutexGuard<'_, Dial> {
        // The dial is whole between any two of its statements, so a panic elsewhere leaves it usable.
        self.dial.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the dial, publishes the number of sleepers, and then wakes those whose time has come, in the order of
    /// their deadlines. Wakers run outside the lock: they may call back into the clock.
    fn turn<T>(&self, change: impl FnOnce(&mut Dial) -> T) -> T {
        let (outcome, woken) = {
            let mut dial = self.dial();
            let outcome = change(&mut dial);
            (outcome, dial.take_due())
        };
        // Counted anew while the channel is locked, so that of two changes the later is what is published.
        self.sleepers.send_if_modified(|published| {
            let waiting = self.dial().sleepers();
            std::mem::replace(published, waiting) != waiting
        });
        for waker in woken {
            waker.wake();
        }
        outcome
    }
}

impl ManualClock {
    /// A frozen clock that shows 2026-01-01T00:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self::starting_at(SystemTime::UNIX_EPOCH + Duration::from_secs(DEFAULT_START))
    }

    /// A frozen clock that shows this wall time.
    #[must_use]
    pub fn starting_at(wall: SystemTime) -> Self {
        Self(Arc::new(Shared {
            dial: Mutex::new(Dial::starting_at(wall)),
            sleepers: watch::Sender::new(0),
            bell: Notify::new(),
        }))
    }

    /// The clock to pass on, to as many as shall share it.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock::new(self.clone())
    }

    /// Moves time on, and wakes the sleepers whose time has come, in the order of their deadlines.
    ///
    /// It is one jump: a task that wakes sees the new time, not its deadline. To have every task see its own
    /// deadline, advance in steps, or use [`auto_advance`](Self::auto_advance).
    pub fn advance(&self, duration: Duration) {
        self.0.turn(|dial| dial.advance_to(dial.now() + duration));
    }

    /// Moves time on to a moment. One that has passed changes nothing.
    pub fn advance_to(&self, moment: Instant) {
        self.0.turn(|dial| dial.advance_to(moment));
    }

    /// Sets the wall clock, and it alone: monotonic time and sleepers do not notice.
    pub fn set_wall(&self, wall: SystemTime) {
        self.0.turn(|dial| dial.set_wall(wall));
    }

    /// Lets the clock jump to the earliest deadline whenever someone sleeps and nothing else has happened for a
    /// grace period of **real** time.
    ///
    /// It is for tests in which sockets are real and waiting is not. What happens is what the clock sees: being read,
    /// a sleep begun, a sleep given up, [`touch`](Self::touch); and it does not move while a [`hold`](Clock::advance_guard) is
    /// alive. Beyond that it counts on the grace period:
    ///
    /// * where all tasks share one current-thread runtime, every ready task and every arrived byte gets its turn
    ///   first, however busy the machine is: a few milliseconds will do, and zero if there are no sockets;
    /// * where several threads take part, it must be longer than the longest time that a thread which has work may be
    ///   kept from doing it: some tens of milliseconds, or a hold while such work is under way.
    ///
    /// Sleepers need a tokio runtime with time enabled.
    #[must_use = "it returns the same clock, for chaining"]
    pub fn auto_advance(self, grace: Duration) -> Self {
        self.set_auto_advance(Some(grace));
        self
    }

    /// Turns [`auto_advance`](Self::auto_advance) on with this grace, or off with `None`.
    pub fn set_auto_advance(&self, grace: Option<Duration>) {
        // Whoever sleeps already must be asked again: the autopilot starts from a sleeper's task.
        let asleep = self.0.turn(|dial| {
            dial.set_grace(grace);
            dial.wakers()
        });
        self.0.bell.notify_waiters();
        for waker in asleep {
            waker.wake();
        }
    }

    /// Stops advancing by itself: from here on time moves only when told.
    pub fn freeze(&self) {
        self.set_auto_advance(None);
    }

    /// Tells a clock that advances by itself that something happened: the grace period begins anew.
    pub fn touch(&self) {
        self.0.dial().touch();
    }

    /// How many sleepers are waiting.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.0.dial().sleepers()
    }

    /// When the next sleeper is due, if there is one.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.0.dial().next_deadline()
    }

    /// Waits, in real time, until at least this many sleepers are waiting.
    pub async fn until_sleepers(&self, count: usize) {
        let mut sleepers = self.0.sleepers.subscribe();
        // The sender lives in `self`, so the channel cannot close under us.
        let _ = sleepers.wait_for(|waiting| *waiting >= count).await;
    }
}

impl TimeSource for ManualClock {
    fn wall(&self) -> SystemTime {
        let mut dial = self.0.dial();
        dial.touch();
        dial.wall()
    }

    fn now(&self) -> Instant {
        let mut dial = self.0.dial();
        dial.touch();
        dial.now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep::new(Sleeper::new(self.0.clone(), deadline))
    }

    fn advance_guard(&self) -> AdvanceGuard {
        self.0.dial().hold();
        let shared = self.0.clone();
        AdvanceGuard::new(move || {
            shared.dial().release();
            shared.bell.notify_waiters();
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
        let dial = self.0.dial();
        out.debug_struct("ManualClock")
            .field("now", &dial.now())
            .field("sleepers", &dial.sleepers())
            .field("auto_advance", &dial.grace())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
