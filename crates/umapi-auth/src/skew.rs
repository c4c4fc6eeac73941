//! How far this machine's clock is off the server's.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// A smaller difference between clocks is the network's.
const TOLERATED: Duration = Duration::from_secs(60);

/// How far this machine's clock is off the server's, where the `Date` of an answer showed more than a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSkew {
    difference: Duration,
    is_behind: bool,
}

impl ClockSkew {
    /// Compares the server's `Date` with the wall clock before the request and after the answer.
    pub(crate) fn between(server: SystemTime, before: SystemTime, after: SystemTime) -> Option<Self> {
        let skew = match (server.duration_since(after), before.duration_since(server)) {
            (Ok(difference), _) => Self { difference, is_behind: true },
            (_, Ok(difference)) => Self { difference, is_behind: false },
            _ => return None,
        };
        (skew.difference > TOLERATED).then_some(skew)
    }

    /// The size of the difference, either way.
    #[must_use]
    pub fn difference(self) -> Duration {
        self.difference
    }

    /// Whether this machine's clock is behind the server's; otherwise it is ahead.
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
    fn a_difference_shows_beyond_a_minute_either_way() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let text = |server| ClockSkew::between(at(server), at(10_000), at(10_020)).map(|skew| skew.to_string());
        assert_eq!([text(10_010), text(10_080), text(9_940)], [None, None, None]);
        assert_eq!(text(13_620).unwrap(), "this machine's clock is 3600 s behind the server's");
        assert_eq!(text(9_900).unwrap(), "this machine's clock is 100 s ahead of the server's");
    }
}
