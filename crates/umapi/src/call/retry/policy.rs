//! How often, and how far apart.

use std::time::Duration;

/// How often a request is sent that fails in a way that may pass, and how far apart.
///
/// Waits double from the first to the longest, and are scattered over their upper half, so that many programs do not come
/// back at once. `Retry-After` is not shortened by them. Being told to slow down (429) and a token that ran out are no
/// faults, and cost no attempt.
///
/// ```
/// use std::time::Duration;
/// use umapi::RetryPolicy;
///
/// let patient = RetryPolicy::default().attempts(8).longest_wait(Duration::from_secs(300));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    pub(super) attempts: u32,
    first_wait: Duration,
    longest_wait: Duration,
}

impl RetryPolicy {
    /// One attempt and no more.
    pub const NEVER: Self = Self { attempts: 1, first_wait: Duration::ZERO, longest_wait: Duration::ZERO };

    /// The most attempts, the first one among them. The default is six; zero counts as one.
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The wait before the second attempt, which doubles with each further one. The default is one second.
    #[must_use]
    pub const fn first_wait(mut self, wait: Duration) -> Self {
        self.first_wait = wait;
        self
    }

    /// What no wait grows beyond. The default is one minute.
    #[must_use]
    pub const fn longest_wait(mut self, wait: Duration) -> Self {
        self.longest_wait = wait;
        self
    }

    /// The wait after so many failures. `scatter` lies between 0 and 1.
    pub(super) fn backoff(&self, failures: u32, scatter: f64) -> Duration {
        let doublings = 2_u32.saturating_pow(failures.saturating_sub(1));
        let longest = self.first_wait.saturating_mul(doublings).min(self.longest_wait);
        longest / 2 + (longest / 2).mul_f64(scatter)
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 6, first_wait: Duration::from_secs(1), longest_wait: Duration::from_secs(60) }
    }
}
