use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::SystemTime;

use crate::{AdvanceGuard, Instant};

/// Where a [`Clock`](crate::Clock) gets its time from; implement it for a clock of your own.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use umapi_time::{Clock, Instant, Sleep, TimeSource};
///
/// /// A clock on which everything takes no time at all.
/// #[derive(Debug)]
/// struct Stopped;
///
/// impl TimeSource for Stopped {
///     fn wall(&self) -> SystemTime {
///         SystemTime::UNIX_EPOCH
///     }
///     fn now(&self) -> Instant {
///         Instant::ORIGIN
///     }
///     fn sleep_until(&self, _deadline: Instant) -> Sleep {
///         Sleep::new(async {})
///     }
/// }
///
/// let clock = Clock::new(Stopped);
/// assert_eq!(clock.wall(), SystemTime::UNIX_EPOCH);
/// ```
pub trait TimeSource: fmt::Debug + Send + Sync + 'static {
    /// What the clock on the wall shows. It may be wrong, and may jump either way.
    fn wall(&self) -> SystemTime;

    /// The monotonic time, which never goes back.
    fn now(&self) -> Instant;

    /// A future that is ready when [`now`](Self::now) has reached the deadline.
    fn sleep_until(&self, deadline: Instant) -> Sleep;

    /// Marks work as under way that the source cannot see; see [`Clock::advance_guard`](crate::Clock::advance_guard).
    ///
    /// A source that does not move by itself has nothing to do here, which is the default.
    fn advance_guard(&self) -> AdvanceGuard {
        AdvanceGuard::none()
    }
}

/// A wait for a moment to come, made by [`Clock::sleep`](crate::Clock::sleep).
///
/// Dropping it ends the wait.
#[must_use = "futures do nothing unless polled"]
pub struct Sleep(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Sleep {
    /// A sleep that lasts as long as the given future.
    pub fn new(wait: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Box::pin(wait))
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Sleep")
    }
}
