//! The time source under a clock, and what it returns.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::SystemTime,
};

use crate::Instant;

/// The time source of a [`Clock`](crate::Clock). Implement it for a custom clock.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use umapi_time::{Clock, Instant, Sleep, TimeSource};
///
/// /// A clock on which nothing takes any time.
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
    /// The wall-clock time. It may be wrong, and may jump in both directions.
    fn wall(&self) -> SystemTime;

    /// The monotonic time, which never goes back.
    fn now(&self) -> Instant;

    /// Returns a future that is ready when [`now`](Self::now) has reached the deadline.
    fn sleep_until(&self, deadline: Instant) -> Sleep;

    /// Returns a guard that stops a source which advances by itself; see
    /// [`Clock::advance_guard`](crate::Clock::advance_guard). By default the guard has no effect.
    fn advance_guard(&self) -> AdvanceGuard {
        AdvanceGuard::none()
    }
}

/// A wait until a moment; created by [`Clock::sleep`](crate::Clock::sleep). Dropping it cancels the wait.
#[must_use = "futures do nothing unless polled"]
pub struct Sleep(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Sleep {
    /// Creates a sleep that lasts as long as the given future.
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

/// Stops a clock that advances by itself until it is dropped; created by
/// [`Clock::advance_guard`](crate::Clock::advance_guard).
#[must_use = "the clock advances again when the guard is dropped"]
pub struct AdvanceGuard(Option<Box<dyn FnOnce() + Send + Sync>>);

impl AdvanceGuard {
    /// Creates a guard without an effect, for a clock that does not advance by itself.
    pub fn none() -> Self {
        Self(None)
    }

    /// Creates a guard that calls back once when it is dropped.
    pub fn new(release: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(release)))
    }
}

impl Drop for AdvanceGuard {
    fn drop(&mut self) {
        if let Some(release) = self.0.take() {
            release();
        }
    }
}

impl fmt::Debug for AdvanceGuard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("AdvanceGuard")
    }
}
