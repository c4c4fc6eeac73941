//! How a call ended, as other programs see it.

/// How a call ended. The numbers are promised: see `umapi help exit-codes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All was done.
    Done = 0,
    /// The service refused some of it, or something failed that no other number names.
    Refused = 1,
    /// The arguments, the configuration or an input file are wrong. Nothing was sent.
    Usage = 2,
    /// The login was refused.
    Login = 3,
    /// The service wanted a longer wait than was allowed.
    Throttled = 4,
    /// The service could not be reached, or did not answer.
    Network = 5,
    /// Stopped by Ctrl-C or a signal.
    Interrupted = 130,
}

impl Exit {
    /// The graver of two ends of one call: a stop before all, then what kept the rest from being sent.
    pub(crate) fn graver(self, other: Self) -> Self {
        if self.weight() >= other.weight() { self } else { other }
    }

    fn weight(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Network => 3,
            Self::Throttled => 4,
            Self::Login => 5,
            Self::Interrupted => 6,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
