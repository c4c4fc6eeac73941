//! A moment of the monotonic time.

use std::{
    ops::{Add, AddAssign, Sub},
    time::Duration,
};

/// A moment of a clock's monotonic time, as the time since the clock's origin.
///
/// Moments of different clocks cannot be compared. Arithmetic saturates instead of panicking: the time since a later moment is
/// zero.
///
/// ```
/// use std::time::Duration;
/// use umapi_time::Instant;
///
/// let start = Instant::ORIGIN + Duration::from_secs(10);
/// let end = start + Duration::from_secs(5);
/// assert_eq!(end - start, Duration::from_secs(5));
/// assert_eq!(start - end, Duration::ZERO);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The origin of every clock.
    pub const ORIGIN: Self = Self(Duration::ZERO);

    /// Creates the moment at this time since the clock's origin.
    ///
    /// ```
    /// use std::time::Duration;
    /// use umapi_time::Instant;
    ///
    /// // Stored as a number, for example of milliseconds.
    /// let stored = Instant::from_origin(Duration::from_millis(1500)).since_origin().as_millis();
    /// assert_eq!(stored, 1500);
    /// ```
    #[must_use]
    pub const fn from_origin(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// The time since the clock's origin.
    #[must_use]
    pub const fn since_origin(self) -> Duration {
        self.0
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, later: Duration) {
        *self = *self + later;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(earlier))
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let last = Instant::from_origin(Duration::MAX);
        assert_eq!(last + Duration::from_secs(1), last);
        assert_eq!(Instant::ORIGIN - Duration::from_secs(1), Instant::ORIGIN);
        assert_eq!(Instant::ORIGIN - last, Duration::ZERO);
    }
}
