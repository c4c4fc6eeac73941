//! The difference between this machine's clock and the server's.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// A smaller difference may come from the network.
const TOLERANCE: Duration = Duration::from_secs(60);

/// The difference between this machine's clock and the server's, as seen in the `Date` of a response. Only differences of
/// more than a minute are reported.
///
/// ```
/// use umapi_auth::{ClockSkew, Error};
///
/// /// A JWT that is dated by a wrong clock is rejected.
/// fn is_the_clock_to_blame(error: &Error) -> bool {
///     error.is_invalid_token() && error.clock_skew().is_some()
/// }
///
/// fn correct(skew: ClockSkew) -> String {
///     let direction = if skew.is_behind() { "forward" } else { "back" };
///     format!("set the clock {direction} by {} s", skew.difference().as_secs())
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSkew {
    difference: Duration,
    is_behind: bool,
}

impl ClockSkew {
    /// Compares the server's `Date` with the wall clock before the request and after the response.
    pub(crate) fn between(server: SystemTime, before: SystemTime, after: SystemTime) -> Option<Self> {
        let skew = match (server.duration_since(after), before.duration_since(server)) {
            (Ok(difference), _) => Self { difference, is_behind: true },
            (_, Ok(difference)) => Self { difference, is_behind: false },
            _ => return None,
        };
        (skew.difference > TOLERANCE).then_some(skew)
    }

    /// The absolute difference.
    #[must_use]
    pub fn difference(self) -> Duration {
        self.difference
    }

    /// Whether this machine's clock is behind the server's. Otherwise it is ahead.
    #[must_use]
    pub fn is_behind(self) -> bool {
        self.is_behind
    }
}

impl fmt::Display for ClockSkew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.is_behind { "behind" } else { "ahead of" };
        write!(f, "this machine's clock is {} s {direction} the server's", self.difference.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_of_more_than_a_minute_is_reported() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let text = |server| ClockSkew::between(at(server), at(10_000), at(10_020)).map(|skew| skew.to_string());
        assert_eq!([text(10_010), text(10_080), text(9_940)], [None, None, None]);
        assert_eq!(text(13_620).unwrap(), "this machine's clock is 3600 s behind the server's");
        assert_eq!(text(9_900).unwrap(), "this machine's clock is 100 s ahead of the server's");
    }
}
