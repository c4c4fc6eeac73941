//! What to do when there is no turn now.

use std::time::Duration;

/// What a call does when the limits leave no turn for it now, or the service answers 429.
///
/// A wait that is not allowed is not begun: the call fails at once with an error that
/// [is throttled](crate::Error::is_throttled) and says [until when](crate::Error::until).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ThrottlePolicy {
    /// Fail at once.
    FailAtOnce,
    /// Wait if it is no longer than this.
    WaitUpTo(Duration),
    /// Wait, however long. Waits above 40 minutes have been seen; the [`Observer`](crate::Observer) is told before each.
    #[default]
    Wait,
}

impl ThrottlePolicy {
    /// The longest wait, if there is a longest.
    pub(crate) fn longest(self) -> Option<Duration> {
        match self {
            Self::FailAtOnce => Some(Duration::ZERO),
            Self::WaitUpTo(limit) => Some(limit),
            Self::Wait => None,
        }
    }
}
