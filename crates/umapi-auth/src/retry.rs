//! How often and how long one login is tried.

use std::time::Duration;

use crate::Error;

/// How often and how long one login is tried when the fault may pass: no connection, a timeout, 429, 5xx.
///
/// Between attempts it waits for as long as the server asks (`Retry-After`), or else for a time that doubles and is
/// scattered, so that many programs do not come back at once. A wait beyond the budget is not begun: the error tells how
/// long the server wants to be left alone, by [`Error::retry_after`].
///
/// ```
/// use std::time::Duration;
/// use umapi_auth::RetryPolicy;
///
/// let patient = RetryPolicy::default().attempts(10).budget(Duration::from_secs(600));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    attempts: u32,
    budget: Duration,
    first_wait: Duration,
}

impl RetryPolicy {
    /// One attempt and no more.
    pub const NEVER: Self = Self { attempts: 1, budget: Duration::ZERO, first_wait: Duration::ZERO };

    /// The most attempts, the first one among them. The default is four; zero counts as one.
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The time that all attempts and the waits between them may take together. The default is one minute.
    #[must_use]
    pub const fn budget(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }

    /// The wait before the second attempt, which doubles with each further one. The default is half a second.
    #[must_use]
    pub const fn first_wait(mut self, wait: Duration) -> Self {
        self.first_wait = wait;
        self
    }

    /// How long to wait before the next attempt, or nothing if this was the last. `attempt` counts from 1, `scatter`
    /// lies between 0 and 1.
    pub(crate) fn wait(&self, error: &Error, attempt: u32, spent: Duration, scatter: f64) -> Option<Duration> {
        if !error.is_retryable() || attempt >= self.attempts {
            return None;
        }
        let longest = self.first_wait.saturating_mul(2_u32.saturating_pow(attempt - 1));
        let backoff = longest / 2 + (longest / 2).mul_f64(scatter);
        let wait = error.retry_after().map_or(backoff, |asked| asked.max(backoff));
        (spent.saturating_add(wait) <= self.budget).then_some(wait)
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 4, budget: Duration::from_secs(60), first_wait: Duration::from_millis(500) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Kind, Refusal};

    const SECOND: Duration = Duration::from_secs(1);

    fn refused(status: u16, retry_after: Option<Duration>) -> Error {
        Error::new(Kind::Refused(Refusal { status, retry_after, ..Refusal::default() }), "refused")
    }

    #[test]
    fn waits_double_and_scatter_over_their_upper_half() {
        let policy = RetryPolicy::default();
        let outage = refused(503, None);
        let wait =
            |attempt, scatter| policy.wait(&outage, attempt, Duration::ZERO, scatter).map(|wait| wait.as_millis());
        assert_eq!([wait(1, 0.0), wait(1, 1.0)], [Some(250), Some(500)]);
        assert_eq!([wait(3, 0.0), wait(3, 1.0)], [Some(1000), Some(2000)]);
        assert_eq!(wait(4, 0.0), None);
    }

    #[test]
    fn a_wait_beyond_the_budget_is_not_begun() {
        let policy = RetryPolicy::default();
        let wait = |asked, spent| policy.wait(&refused(429, Some(asked)), 1, spent, 0.0);
        assert_eq!(wait(SECOND * 60, Duration::ZERO), Some(SECOND * 60));
        assert_eq!(wait(SECOND * 60, SECOND), None);
        assert_eq!(wait(Duration::MAX, SECOND), None);
    }

    #[test]
    fn what_will_not_pass_is_not_tried_again() {
        for status in [302, 400, 401, 403] {
            assert_eq!(RetryPolicy::default().wait(&refused(status, None), 1, Duration::ZERO, 0.5), None, "{status}");
        }
        assert_eq!(RetryPolicy::NEVER.wait(&refused(503, None), 1, Duration::ZERO, 0.5), None);
    }
}
