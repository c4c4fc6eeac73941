//! The clock that is passed to code that needs the time.

use std::{
    error::Error,
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::{Duration, SystemTime},
};

use crate::{AdvanceGuard, Instant, Sleep, TimeSource, real::RealTime};

/// A clock that is passed in. Clones are cheap and show the same time.
///
/// ```
/// use std::time::Duration;
/// use umapi_time::{Clock, ManualClock};
///
/// let real = Clock::real();
/// assert!(real.wall() > std::time::SystemTime::UNIX_EPOCH);
///
/// let manual = ManualClock::new();
/// let clock = manual.clock();
/// let start = clock.now();
/// manual.advance(Duration::from_secs(60));
/// assert_eq!(clock.now() - start, Duration::from_secs(60));
/// ```
#[derive(Clone)]
pub struct Clock(Arc<dyn TimeSource>);

impl Clock {
    /// Creates the machine's clock. Its sleeps need a tokio runtime with time enabled. The moments of all such clocks of a
    /// process can be compared.
    #[must_use]
    pub fn real() -> Self {
        Self::new(RealTime)
    }

    /// Creates a clock with a custom time source.
    #[must_use]
    pub fn new(source: impl TimeSource) -> Self {
        Self(Arc::new(source))
    }

    /// The wall-clock time, for dates. It may be wrong, and may jump in both directions.
    #[must_use]
    pub fn wall(&self) -> SystemTime {
        self.0.wall()
    }

    /// The monotonic time, for durations and deadlines.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.now()
    }

    /// Waits for a duration, counted from the call.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.now() + duration)
    }

    /// Waits until a moment. A moment in the past needs no wait.
    pub fn sleep_until(&self, deadline: Instant) -> Sleep {
        self.0.sleep_until(deadline)
    }

    /// Limits the time of a future, counted from the call.
    ///
    /// The future is polled once more when the time expires, so one that is ready at that moment still counts.
    ///
    /// ```
    /// use std::{future::pending, time::Duration};
    /// use umapi_time::{Elapsed, ManualClock};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let clock = ManualClock::new().auto_advance(Duration::ZERO).clock();
    /// let late: Result<(), Elapsed> = clock.timeout(Duration::from_secs(90), pending()).await;
    /// assert_eq!(late.unwrap_err().limit(), Duration::from_secs(90));
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Elapsed`] if the future has not finished by then. The future is dropped.
    pub fn timeout<F: Future>(
        &self,
        limit: Duration,
        future: F,
    ) -> impl Future<Output = Result<F::Output, Elapsed>> + use<F> {
        let (clock, end) = (self.clone(), self.now() + limit);
        async move {
            let mut future = pin!(future);
            // Most futures with a limit are ready at once, and need no sleep.
            let mut expiry = None;
            poll_fn(move |context| {
                if let Poll::Ready(output) = future.as_mut().poll(context) {
                    return Poll::Ready(Ok(output));
                }
                let expiry = expiry.get_or_insert_with(|| clock.sleep_until(end));
                pin!(expiry).poll(context).map(|()| Err(Elapsed { limit }))
            })
            .await
        }
    }

    /// Returns a guard that stops a clock which [advances by itself](crate::ManualClock::auto_advance) while work is in
    /// progress that the clock cannot see, e.g. a request on a socket. On any other clock it has no effect.
    ///
    /// Drop the guard before sleeping on the same clock, and do not hold it during a request to a server that sleeps on the
    /// clock: each would wait for the other. If a client and a server share a clock, the server takes the guard, while it
    /// works on a request and does not sleep.
    ///
    /// ```
    /// use std::time::Duration;
    /// use umapi_time::{Clock, ManualClock};
    ///
    /// /// Reads a disk, on which the time of the clock does not pass.
    /// async fn read(clock: &Clock) -> usize {
    ///     let _guard = clock.advance_guard();
    ///     tokio::task::spawn_blocking(|| 7).await.unwrap()
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let clock = ManualClock::new().auto_advance(Duration::ZERO).clock();
    /// let limit = Duration::from_secs(1);
    /// assert_eq!(clock.timeout(limit, read(&clock)).await, Ok(7));
    /// # }
    /// ```
    pub fn advance_guard(&self) -> AdvanceGuard {
        self.0.advance_guard()
    }
}

/// The machine's clock.
impl Default for Clock {
    fn default() -> Self {
        Self::real()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Clock").field(&self.0).finish()
    }
}

/// The error of a future that did not finish within its time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed {
    limit: Duration,
}

impl Elapsed {
    /// The time limit.
    #[must_use]
    pub const fn limit(self) -> Duration {
        self.limit
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "not finished within {:?}", self.limit)
    }
}

impl Error for Elapsed {}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::ManualClock;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn real_time_passes_while_sleeping() {
        let clock = Clock::real();
        let (start, wall) = (clock.now(), clock.wall());
        clock.sleep(Duration::from_millis(20)).await;
        assert!(clock.now() - start >= Duration::from_millis(20));
        assert!(clock.wall().duration_since(wall).unwrap() >= Duration::from_millis(15));
        clock.sleep_until(start).await;
    }

    #[tokio::test]
    async fn an_endless_sleep_in_real_time_does_not_overflow() {
        let clock = Clock::real();
        let endless = clock.sleep(Duration::MAX);
        assert_eq!(
            clock.timeout(Duration::from_millis(5), endless).await,
            Err(Elapsed { limit: Duration::from_millis(5) })
        );
    }

    #[tokio::test]
    async fn timeout_returns_what_finishes_first() {
        let manual = ManualClock::new().auto_advance(Duration::ZERO);
        let clock = manual.clock();
        assert_eq!(clock.timeout(SECOND, async { 7 }).await, Ok(7));
        let late = clock.timeout(SECOND, pending::<()>()).await.unwrap_err();
        assert_eq!(late.to_string(), "not finished within 1s");
        assert_eq!(clock.now().since_origin(), SECOND);
    }

    #[tokio::test]
    async fn a_future_ready_at_the_limit_still_counts() {
        let manual = ManualClock::new().auto_advance(Duration::ZERO);
        let clock = manual.clock();
        assert_eq!(clock.timeout(SECOND, clock.sleep(SECOND)).await, Ok(()));
    }

    #[test]
    fn clones_are_the_same_clock() {
        let manual = ManualClock::new();
        let (one, two) = (manual.clock(), manual.clock().clone());
        manual.advance(SECOND);
        assert_eq!(one.now(), two.now());
        assert_eq!(one.wall(), two.wall());
    }
}
