//! How often a failed request is retried, and how long to wait in between.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use crate::{MAX_RETRY_AFTER, panics::describe_panic};

/// The most attempts of one call or login, whatever its policy says.
pub const MAX_ATTEMPTS: u32 = 100;

/// Decides whether a failed attempt is followed by another one, and when. [`StandardRetry`] is the default.
///
/// A policy is only asked about failures after which the same request may be sent again: it was certainly not applied, or
/// applying it twice changes nothing. It can stop sooner and wait longer, and cannot break a rule:
///
/// * A rejected token and a response of 429 are not failures of an attempt, and follow rules of their own. Only the distance
///   between repeated responses of 429 is [up to the policy](Self::throttled_wait).
/// * A `Retry-After` of the server, and the long waits after 504, are never shortened.
/// * A wait that would outlast the deadline, or that is longer than a day, is not started: the call ends with its error.
/// * A call ends after [`MAX_ATTEMPTS`] attempts, and sooner if the retry budget of its client is used up.
/// * A policy that panics counts as one that stops.
///
/// ```
/// use std::time::Duration;
///
/// use umapi_http::{AttemptFailure, FailedAttempt, RetryPolicy};
///
/// /// Retries what never reached the service five times, and nothing else.
/// struct OnlyConnections;
///
/// impl RetryPolicy for OnlyConnections {
///     fn wait(&self, failed: &FailedAttempt<'_>) -> Option<Duration> {
///         let is_connection = failed.failure == AttemptFailure::NotSent;
///         (is_connection && failed.attempt <= 5).then_some(Duration::from_secs(2))
///     }
/// }
///
/// let failed = FailedAttempt::new("getUser", 1, AttemptFailure::NotSent);
/// assert_eq!(OnlyConnections.wait(&failed), Some(Duration::from_secs(2)));
/// let failed = FailedAttempt::new("getUser", 1, AttemptFailure::Status(503));
/// assert_eq!(OnlyConnections.wait(&failed), None);
/// ```
pub trait RetryPolicy: Send + Sync + 'static {
    /// How long to wait before the next attempt; `None` if there is none. It must return quickly.
    fn wait(&self, failed: &FailedAttempt<'_>) -> Option<Duration>;

    /// The least time from a response of 429 to the next attempt, if the service asks for less. `count` is the number of such
    /// responses to the call, counted from 1. By default, the first one is retried exactly when the service says, and the
    /// distance of further ones doubles from two seconds to one minute.
    ///
    /// ```
    /// use std::time::Duration;
    /// use umapi_http::{FailedAttempt, RetryPolicy, StandardRetry};
    ///
    /// /// Waits ten seconds longer each time that the service is overloaded.
    /// struct Polite;
    ///
    /// impl RetryPolicy for Polite {
    ///     fn wait(&self, failed: &FailedAttempt<'_>) -> Option<Duration> {
    ///         StandardRetry::SERVICE.wait(failed)
    ///     }
    ///
    ///     fn throttled_wait(&self, count: u32, _jitter: f64) -> Duration {
    ///         Duration::from_secs(10 * u64::from(count))
    ///     }
    /// }
    ///
    /// assert_eq!(Polite.throttled_wait(3, 0.5), Duration::from_secs(30));
    /// ```
    fn throttled_wait(&self, count: u32, jitter: f64) -> Duration {
        StandardRetry::SERVICE.throttled_wait(count, jitter)
    }
}

impl<P: RetryPolicy + ?Sized> RetryPolicy for Arc<P> {
    fn wait(&self, failed: &FailedAttempt<'_>) -> Option<Duration> {
        (**self).wait(failed)
    }

    fn throttled_wait(&self, count: u32, jitter: f64) -> Duration {
        (**self).throttled_wait(count, jitter)
    }
}

/// A failed attempt of a call, as a [`RetryPolicy`] sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct FailedAttempt<'a> {
    /// The `operationId` of the description, or `login`.
    pub operation: &'a str,
    /// The number of failed attempts of the call, this one included. Rejected tokens and responses of 429 do not count.
    pub attempt: u32,
    /// What failed.
    pub failure: AttemptFailure,
    /// The time since the call began.
    pub elapsed: Duration,
    /// The wait that the server asks for (`Retry-After`).
    pub requested_wait: Option<Duration>,
    /// The time until the deadline of the call; `None` without a deadline.
    pub time_left: Option<Duration>,
    /// A random number between 0 and 1, for waits that are not all the same.
    pub jitter: f64,
}

/// What failed in an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttemptFailure {
    /// Nothing was sent: there was no connection, or no access token for now.
    NotSent,
    /// The server responded with this status.
    Status(u16),
    /// The request was sent, and no complete response arrived.
    Lost,
}

impl<'a> FailedAttempt<'a> {
    /// Creates the description of a failed attempt, e.g. to test a policy. The call has just begun, has no deadline, and the
    /// jitter is 0.5.
    ///
    /// A test of a policy asks it as a call does:
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use umapi_http::{AttemptFailure, FailedAttempt, StandardRetry};
    ///
    /// let policy = StandardRetry::SERVICE;
    /// let overloaded = FailedAttempt::new("listUsers", 2, AttemptFailure::Status(503)).with_jitter(1.0);
    /// assert_eq!(overloaded.ask(&policy), Some(Duration::from_secs(2)));
    ///
    /// // A retry that would outlast the deadline is not started.
    /// let late = overloaded.after(Duration::from_secs(58), Some(Duration::from_secs(1)));
    /// assert_eq!(late.ask(&policy), None);
    /// let told = late.with_requested_wait(Some(Duration::from_secs(90)));
    /// assert_eq!(told.ask(&policy), None);
    /// ```
    #[must_use]
    pub const fn new(operation: &'a str, attempt: u32, failure: AttemptFailure) -> Self {
        Self {
            operation,
            attempt,
            failure,
            elapsed: Duration::ZERO,
            requested_wait: None,
            time_left: None,
            jitter: 0.5,
        }
    }

    /// Sets the time since the call began, and the time until its deadline.
    #[must_use]
    pub const fn after(mut self, elapsed: Duration, time_left: Option<Duration>) -> Self {
        self.elapsed = elapsed;
        self.time_left = time_left;
        self
    }

    /// Sets the wait that the server asks for.
    #[must_use]
    pub const fn with_requested_wait(mut self, wait: Option<Duration>) -> Self {
        self.requested_wait = wait;
        self
    }

    /// Sets the random number.
    #[must_use]
    pub const fn with_jitter(mut self, jitter: f64) -> Self {
        self.jitter = jitter;
        self
    }

    /// Asks a policy. Returns its own wait before the next attempt, which also waits as long as the server asks for. `None`
    /// if there is none, if the policy panics, or if the longer of both waits is more than a day or outlasts the deadline.
    #[must_use]
    pub fn ask(&self, policy: &dyn RetryPolicy) -> Option<Duration> {
        if self.attempt >= MAX_ATTEMPTS {
            return None;
        }
        let own = guarded(|| policy.wait(self))??;
        let whole = own.max(self.requested_wait.unwrap_or_default());
        let is_possible = own <= MAX_RETRY_AFTER && self.time_left.is_none_or(|left| whole < left);
        is_possible.then_some(own)
    }
}

/// Asks a policy for the distance after this many responses of 429. `None` if it panics or asks for more than a day.
#[must_use]
pub fn ask_throttled_wait(policy: &dyn RetryPolicy, count: u32, jitter: f64) -> Option<Duration> {
    guarded(|| policy.throttled_wait(count, jitter)).filter(|wait| *wait <= MAX_RETRY_AFTER)
}

/// Runs a policy. A panic is logged.
fn guarded<T>(ask: impl FnOnce() -> T) -> Option<T> {
    match std::panic::catch_unwind(AssertUnwindSafe(ask)) {
        Ok(decision) => Some(decision),
        Err(panic) => {
            tracing::error!(error = describe_panic("retry policy", &*panic), "a callback panicked");
            None
        }
    }
}

/// The default [`RetryPolicy`]: a number of attempts, with delays that double.
///
/// Delays double from the first to the longest, with jitter over their upper half, so that many programs do not come back
/// at the same moment. A `Retry-After` of the server is never shortened by them.
///
/// ```
/// use std::time::Duration;
/// use umapi_http::StandardRetry;
///
/// let patient = StandardRetry::default().attempts(8).longest_wait(Duration::from_secs(300));
/// ```
///
/// A patient one, for a job of the night:
///
/// ```
/// use std::time::Duration;
/// use umapi_http::StandardRetry;
///
/// let patient = StandardRetry::SERVICE
///     .attempts(20)
///     .first_wait(Duration::from_secs(5))
///     .longest_wait(Duration::from_secs(300))
///     .total_time(Duration::from_secs(4 * 3600));
/// assert_eq!(patient.max_attempts(), 20);
/// assert_eq!(patient.backoff(3, 1.0), Duration::from_secs(20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandardRetry {
    attempts: u32,
    first_wait: Duration,
    longest_wait: Duration,
    total_time: Option<Duration>,
}

impl StandardRetry {
    /// A single attempt, no retries.
    pub const NEVER: Self =
        Self { attempts: 1, first_wait: Duration::ZERO, longest_wait: Duration::ZERO, total_time: None };

    /// The default of a call to the service: six attempts, delays from one second to one minute.
    pub const SERVICE: Self = Self {
        attempts: 6,
        first_wait: Duration::from_secs(1),
        longest_wait: Duration::from_secs(60),
        total_time: None,
    };

    /// The default of a login: four attempts within one minute, delays from half a second.
    pub const LOGIN: Self = Self {
        attempts: 4,
        first_wait: Duration::from_millis(500),
        longest_wait: Duration::from_secs(60),
        total_time: Some(Duration::from_secs(60)),
    };

    /// Sets the maximum number of attempts, the first one included. Zero counts as one.
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets the delay before the second attempt. It doubles with each further one.
    #[must_use]
    pub const fn first_wait(mut self, wait: Duration) -> Self {
        self.first_wait = wait;
        self
    }

    /// Sets the upper limit of the delays.
    #[must_use]
    pub const fn longest_wait(mut self, wait: Duration) -> Self {
        self.longest_wait = wait;
        self
    }

    /// Sets the time that all attempts and the waits between them may take together. A wait that would outlast it is not
    /// started.
    #[must_use]
    pub const fn total_time(mut self, time: Duration) -> Self {
        self.total_time = Some(time);
        self
    }

    /// The maximum number of attempts, at least one.
    #[must_use]
    pub const fn max_attempts(&self) -> u32 {
        if self.attempts == 0 { 1 } else { self.attempts }
    }

    /// The delay after this many failures. `jitter` is a random number between 0 and 1.
    #[must_use]
    pub fn backoff(&self, failures: u32, jitter: f64) -> Duration {
        let doublings = 2_u32.saturating_pow(failures.saturating_sub(1));
        let longest = self.first_wait.saturating_mul(doublings).min(self.longest_wait);
        longest / 2 + (longest / 2).mul_f64(jitter.clamp(0.0, 1.0))
    }
}

impl RetryPolicy for StandardRetry {
    fn wait(&self, failed: &FailedAttempt<'_>) -> Option<Duration> {
        if failed.attempt >= self.max_attempts() {
            return None;
        }
        let wait = self.backoff(failed.attempt, failed.jitter);
        let whole = failed.elapsed.saturating_add(wait.max(failed.requested_wait.unwrap_or_default()));
        self.total_time.is_none_or(|limit| whole <= limit).then_some(wait)
    }

    fn throttled_wait(&self, count: u32, jitter: f64) -> Duration {
        if count <= 1 { Duration::ZERO } else { self.backoff(count, jitter) }
    }
}

/// The policy of a call to the service.
impl Default for StandardRetry {
    fn default() -> Self {
        Self::SERVICE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const FAILED: FailedAttempt<'_> = FailedAttempt::new("getUser", 1, AttemptFailure::Lost);

    /// A policy that always says the same.
    struct Always(Option<Duration>);

    impl RetryPolicy for Always {
        fn wait(&self, _: &FailedAttempt<'_>) -> Option<Duration> {
            self.0
        }

        fn throttled_wait(&self, _: u32, _: f64) -> Duration {
            self.0.unwrap_or_default()
        }
    }

    struct Panicking;

    impl RetryPolicy for Panicking {
        fn wait(&self, _: &FailedAttempt<'_>) -> Option<Duration> {
            panic!("planted")
        }

        fn throttled_wait(&self, _: u32, _: f64) -> Duration {
            panic!("planted")
        }
    }

    #[test]
    fn delays_double_up_to_the_limit_with_jitter() {
        let policy = StandardRetry::default().longest_wait(SECOND * 5);
        let waits = [1, 2, 3, 4, 40].map(|failures| policy.backoff(failures, 1.0).as_secs());
        assert_eq!(waits, [1, 2, 4, 5, 5]);
        assert_eq!(policy.backoff(2, 0.0), SECOND);
        assert_eq!(StandardRetry::LOGIN.backoff(1, 0.0), Duration::from_millis(250));
        assert_eq!(StandardRetry::LOGIN.backoff(1, 1.0), Duration::from_millis(500));
        assert_eq!(StandardRetry::NEVER.backoff(9, 1.0), Duration::ZERO);
        let endless = StandardRetry::default().first_wait(Duration::MAX).longest_wait(Duration::MAX);
        assert!(endless.backoff(u32::MAX, 1.0) > SECOND);
    }

    #[test]
    fn the_standard_ends_with_its_attempts_and_its_time() {
        let nth = |attempt| FailedAttempt { attempt, jitter: 1.0, ..FAILED };
        assert_eq!(StandardRetry::SERVICE.wait(&nth(5)), Some(SECOND * 16));
        assert_eq!(StandardRetry::SERVICE.wait(&nth(6)), None);
        assert_eq!(StandardRetry::NEVER.wait(&nth(1)), None);
        let late = |elapsed, requested_wait| FailedAttempt { elapsed, requested_wait, jitter: 1.0, ..FAILED };
        let short = StandardRetry::SERVICE.total_time(SECOND * 60);
        assert_eq!(short.wait(&late(SECOND * 59, None)), Some(SECOND));
        assert_eq!(short.wait(&late(SECOND * 59, Some(SECOND * 2))), None);
    }

    #[test]
    fn the_wait_of_the_server_must_fit_the_deadline_too() {
        let asked = |left| FailedAttempt { requested_wait: Some(SECOND * 7), time_left: Some(left), ..FAILED };
        assert_eq!(asked(SECOND * 8).ask(&Always(Some(Duration::ZERO))), Some(Duration::ZERO));
        assert_eq!(asked(SECOND * 7).ask(&Always(Some(Duration::ZERO))), None);
        assert_eq!(asked(SECOND * 8).ask(&Always(None)), None);
    }

    #[test]
    fn no_policy_waits_beyond_the_deadline_or_for_ever() {
        let last_second = FailedAttempt { time_left: Some(SECOND), ..FAILED };
        assert_eq!(last_second.ask(&Always(Some(SECOND))), None);
        assert_eq!(last_second.ask(&Always(Some(SECOND / 2))), Some(SECOND / 2));
        for wait in [Duration::from_secs(u64::MAX), Duration::MAX, MAX_RETRY_AFTER + SECOND] {
            assert_eq!(FAILED.ask(&Always(Some(wait))), None, "{wait:?}");
            assert_eq!(ask_throttled_wait(&Always(Some(wait)), 1, 0.5), None, "{wait:?}");
        }
    }

    #[test]
    fn no_policy_retries_for_ever() {
        let nth = |attempt| FailedAttempt { attempt, ..FAILED };
        assert_eq!(nth(MAX_ATTEMPTS - 1).ask(&Always(Some(Duration::ZERO))), Some(Duration::ZERO));
        assert_eq!(nth(MAX_ATTEMPTS).ask(&Always(Some(Duration::ZERO))), None);
    }

    #[test]
    fn a_policy_that_panics_stops() {
        assert_eq!(FAILED.ask(&Panicking), None);
        assert_eq!(ask_throttled_wait(&Panicking, 2, 0.5), None);
    }

    #[test]
    fn a_policy_has_the_standard_distance_after_429() {
        struct Own;
        impl RetryPolicy for Own {
            fn wait(&self, _: &FailedAttempt<'_>) -> Option<Duration> {
                None
            }
        }
        let waits =
            [1, 2, 4, 40].map(|count| ask_throttled_wait(&Arc::new(Own), count, 1.0).map(|wait| wait.as_secs()));
        assert_eq!(waits, [Some(0), Some(2), Some(8), Some(60)]);
    }
}
