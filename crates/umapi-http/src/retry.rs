//! How often a failed request is retried, and how long to wait in between.

use std::time::Duration;

/// How often a request that failed temporarily is retried, and how long to wait in between.
///
/// Delays double from the first to the longest, with jitter over their upper half, so that many programs do not come back
/// at the same moment. A `Retry-After` of the server is never shortened by them.
///
/// ```
/// use std::time::Duration;
/// use umapi_http::RetryPolicy;
///
/// let patient = RetryPolicy::default().attempts(8).longest_wait(Duration::from_secs(300));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    attempts: u32,
    first_wait: Duration,
    longest_wait: Duration,
    total_time: Option<Duration>,
}

impl RetryPolicy {
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

    /// The time that all attempts and the waits between them may take together; `None` without a limit.
    #[must_use]
    pub const fn max_total_time(&self) -> Option<Duration> {
        self.total_time
    }

    /// The delay after this many failures. `jitter` is a random number between 0 and 1.
    #[must_use]
    pub fn backoff(&self, failures: u32, jitter: f64) -> Duration {
        let doublings = 2_u32.saturating_pow(failures.saturating_sub(1));
        let longest = self.first_wait.saturating_mul(doublings).min(self.longest_wait);
        longest / 2 + (longest / 2).mul_f64(jitter.clamp(0.0, 1.0))
    }
}

/// The policy of a call to the service.
impl Default for RetryPolicy {
    fn default() -> Self {
        Self::SERVICE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn delays_double_up_to_the_limit_with_jitter() {
        let policy = RetryPolicy::default().longest_wait(SECOND * 5);
        let waits = [1, 2, 3, 4, 40].map(|failures| policy.backoff(failures, 1.0).as_secs());
        assert_eq!(waits, [1, 2, 4, 5, 5]);
        assert_eq!(policy.backoff(2, 0.0), SECOND);
        assert_eq!(RetryPolicy::LOGIN.backoff(1, 0.0), Duration::from_millis(250));
        assert_eq!(RetryPolicy::LOGIN.backoff(1, 1.0), Duration::from_millis(500));
        assert_eq!(RetryPolicy::NEVER.backoff(9, 1.0), Duration::ZERO);
        let endless = RetryPolicy::default().first_wait(Duration::MAX).longest_wait(Duration::MAX);
        assert!(endless.backoff(u32::MAX, 1.0) > SECOND);
    }
}
