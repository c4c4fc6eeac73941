//! The emulator's time: one clock for the expiry of tokens, the limits, `Retry-After`, delays, and the dates of the ledger.

mod dial;

use std::fmt;
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use umapi_time::{Clock, ManualClock};

use dial::Dial;

/// The clock of one emulator. Clones are the same clock.
///
/// ```
/// use std::time::Duration;
/// use umapi_emulator::EmulatorClock;
///
/// let clock = EmulatorClock::real();
/// clock.freeze()?;
/// let before = clock.clock().now();
/// clock.advance(Duration::from_secs(60))?;
/// assert_eq!(clock.clock().now() - before, Duration::from_secs(60));
/// clock.resume()?;
/// # Ok::<(), umapi_emulator::ClockError>(())
/// ```
///
/// It is its own clock, which runs with the machine's and can be stopped and moved; or the [`ManualClock`] that a test drives
/// its client with too; or any other [`Clock`], which only its owner can move.
#[derive(Clone)]
pub struct EmulatorClock {
    clock: Clock,
    hand: Hand,
}

/// What moves the clock.
#[derive(Clone)]
enum Hand {
    Own(Dial),
    Manual(ManualClock),
    None,
}

/// How a clock moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClockMode {
    /// With the machine's clock, though it may show another time.
    Real,
    /// Not at all, until it is advanced or resumed.
    Frozen,
    /// As the [`ManualClock`] moves that it was given.
    Manual,
    /// As the [`Clock`] moves that it was given.
    Given,
}

impl ClockMode {
    /// Its name: `real`, `frozen`, `manual`, `given`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Frozen => "frozen",
            Self::Manual => "manual",
            Self::Given => "given",
        }
    }
}

/// Why a clock was not moved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClockError {
    /// It is another's.
    #[error("the emulator cannot {0} a clock that it was given: move it where it was made, or give a ManualClock")]
    NotOurs(&'static str),
    /// A manual clock only moves when it is told to, or by its own rules.
    #[error("a ManualClock has no time of its own to go on with: advance it")]
    NotReal,
    /// HTTP dates have four digits for the year.
    #[error("the clock can show dates from 1970 to 9998")]
    OutOfRange,
}

/// 9999-01-01T00:00:00Z, in seconds since 1970.
const END: u64 = 253_370_764_800;
/// 10000-01-01T00:00:00Z: a year more, for waits that are written as dates.
const END_OF_HTTP: u64 = 253_402_300_800;

impl EmulatorClock {
    /// A clock of its own that goes with the machine's.
    #[must_use]
    pub fn real() -> Self {
        Self::own(Dial::real(Clock::real()))
    }

    /// A clock of its own that stands still and shows this time.
    #[must_use]
    pub fn frozen_at(wall: SystemTime) -> Self {
        let dial = Dial::real(Clock::real());
        dial.freeze();
        dial.set(wall);
        Self::own(dial)
    }

    /// A clock that a test drives: give it to the client too.
    #[must_use]
    pub fn manual(manual: ManualClock) -> Self {
        Self { clock: manual.clock(), hand: Hand::Manual(manual) }
    }

    /// Another's clock.
    #[must_use]
    pub fn given(clock: Clock) -> Self {
        Self { clock, hand: Hand::None }
    }

    fn own(dial: Dial) -> Self {
        Self { clock: Clock::new(dial.clone()), hand: Hand::Own(dial) }
    }

    /// The clock to pass on: to a client in this process, say.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// What the clock on the wall shows.
    #[must_use]
    pub fn wall(&self) -> SystemTime {
        self.clock.wall()
    }

    /// How it moves now.
    #[must_use]
    pub fn mode(&self) -> ClockMode {
        match &self.hand {
            Hand::Own(dial) if dial.is_frozen() => ClockMode::Frozen,
            Hand::Own(_) => ClockMode::Real,
            Hand::Manual(_) => ClockMode::Manual,
            Hand::None => ClockMode::Given,
        }
    }

    /// Stops it where it is.
    ///
    /// # Errors
    /// If it is another's.
    pub fn freeze(&self) -> Result<(), ClockError> {
        match &self.hand {
            Hand::Own(dial) => dial.freeze(),
            Hand::Manual(manual) => manual.freeze(),
            Hand::None => return Err(ClockError::NotOurs("freeze")),
        }
        Ok(())
    }

    /// Lets it go on from the time that it shows. Those who sleep on it wake when their time comes.
    ///
    /// # Errors
    /// If it is another's, or a [`ManualClock`].
    pub fn resume(&self) -> Result<(), ClockError> {
        match &self.hand {
            Hand::Own(dial) => dial.resume(),
            Hand::Manual(_) => return Err(ClockError::NotReal),
            Hand::None => return Err(ClockError::NotOurs("resume")),
        }
        Ok(())
    }

    /// Moves it on, whether it goes or stands, and wakes the sleepers whose time has come.
    ///
    /// # Errors
    /// If it is another's, or would show a date after 9998.
    pub fn advance(&self, duration: Duration) -> Result<(), ClockError> {
        check(self.wall().checked_add(duration))?;
        match &self.hand {
            Hand::Own(dial) => dial.advance(duration),
            Hand::Manual(manual) => manual.advance(duration),
            Hand::None => return Err(ClockError::NotOurs("advance")),
        }
        Ok(())
    }

    /// Sets what the clock on the wall shows, and that alone: it may go back, and no sleeper and no limit notices.
    /// Tokens do, since their end is a date.
    ///
    /// # Errors
    /// If it is another's, or the date is before 1970 or after 9998.
    pub fn set(&self, wall: SystemTime) -> Result<(), ClockError> {
        check(Some(wall))?;
        match &self.hand {
            Hand::Own(dial) => dial.set(wall),
            Hand::Manual(manual) => manual.set_wall(wall),
            Hand::None => return Err(ClockError::NotOurs("set")),
        }
        Ok(())
    }

    /// Milliseconds since 1970; 0 before.
    pub(crate) fn millis(&self) -> i64 {
        let since = self.wall().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

fn check(wall: Option<SystemTime>) -> Result<(), ClockError> {
    if wall.is_some_and(|wall| is_before(wall, END)) { Ok(()) } else { Err(ClockError::OutOfRange) }
}

/// Whether a date is in or after 1970, and before an end in seconds since then.
fn is_before(wall: SystemTime, end: u64) -> bool {
    wall.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since| since.as_secs() < end)
}

/// A date as HTTP writes it. Nothing for a date that it cannot write, which a clock may show that is another's.
pub(crate) fn http_date(wall: SystemTime) -> Option<HeaderValue> {
    if !is_before(wall, END_OF_HTTP) {
        return None;
    }
    HeaderValue::from_str(&httpdate::fmt_http_date(wall)).ok()
}

impl Default for EmulatorClock {
    fn default() -> Self {
        Self::real()
    }
}

impl From<ManualClock> for EmulatorClock {
    fn from(manual: ManualClock) -> Self {
        Self::manual(manual)
    }
}

impl From<Clock> for EmulatorClock {
    fn from(clock: Clock) -> Self {
        Self::given(clock)
    }
}

impl fmt::Debug for EmulatorClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmulatorClock({})", self.mode().as_str())
    }
}

#[cfg(test)]
mod tests;
