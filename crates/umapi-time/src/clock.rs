use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use crate::real::RealTime;
use crate::{AdvanceGuard, Instant, Sleep, TimeSource};

/// A source of time that is passed in. Clones are cheap and show the same time.
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
    /// The machine's clock. Its sleeps need a tokio runtime with time enabled.
    #[must_use]
    pub fn real() -> Self {
        Self::new(RealTime::new())
    }

    /// A clock on a time source of your own.
    #[must_use]
    pub fn new(source: impl TimeSource) -> Self {
        Self(Arc::new(source))
    }

    /// What the clock on the wall shows: for dates. It may be wrong, and may jump either way.
    #[must_use]
    pub fn wall(&self) -> SystemTime {
        self.0.wall()
    }

    /// The monotonic time: for durations and deadlines.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.now()
    }

    /// Waits this long, counted from the call.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.now() + duration)
    }

    /// Waits for a moment to come; one that has passed is no wait.
    pub fn sleep_until(&self, deadline: Instant) -> Sleep {
        self.0.sleep_until(deadline)
    }

    /// Gives a future this long to finish, counted from the call.
    ///
    /// The future is asked once more when the time is up, so one that is ready then still counts.
    ///
    /// # Errors
    /// [`Elapsed`] if it has not finished by then; the future is dropped.
    pub fn timeout<F: Future>(
        &self,
        limit: Duration,
        future: F,
    ) -> impl Future<Output = Result<F::Output, Elapsed>> + use<F> {
        let mut expiry = self.sleep(limit);
        async move {
            let mut future = pin!(future);
            poll_fn(move |context| {
                if let Poll::Ready(output) = future.as_mut().poll(context) {
                    return Poll::Ready(Ok(output));
                }
                pin!(&mut expiry).poll(context).map(|()| Err(Elapsed { limit }))
            })
            .await
        }
    }

    /// Marks work as under way that a clock which [advances by itself](crate::ManualClock::auto_advance) cannot see,
    /// a request on a socket say: it stays where it is until the hold is dropped. On any other clock it does nothing.
    ///
    /// Drop it before sleeping on the same clock, and do not hold over a request to a server that sleeps on it: the sleep
    /// would otherwise wait for the hold, and the hold for the sleep. Of a client and a server that share a clock, the
    /// server is the one to hold, while it works on a request and does not sleep.
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

/// A future had not finished within its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed {
    limit: Duration,
}

impl Elapsed {
    /// The limit that was set.
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
    async fn an_endless_sleep_of_real_time_is_no_overflow() {
        let clock = Clock::real();
        let endless = clock.sleep(Duration::MAX);
        assert_eq!(
            clock.timeout(Duration::from_millis(5), endless).await,
            Err(Elapsed { limit: Duration::from_millis(5) })
        );
    }

    #[tokio::test]
    async fn timeout_takes_the_future_that_finishes_first() {
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
