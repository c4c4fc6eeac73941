//! The emulator's clock. It decides the expiry of tokens, rate limits, `Retry-After`, delays, and the dates of the
//! ledger.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::HeaderValue;
use tokio::sync::watch;
use umapi_time::{Clock, Instant, ManualClock, Sleep, TimeSource};

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
/// It is either a clock of its own, which runs with the system clock and can be frozen and moved; or the
/// [`ManualClock`] that a test also uses for its client; or any other [`Clock`], which only its owner can move.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use umapi_emulator::{ClockMode, EmulatorClock};
/// use umapi_time::{Clock, ManualClock};
///
/// // A date for a test of what happens at the end of a year.
/// let new_year = SystemTime::UNIX_EPOCH + Duration::from_secs(1_798_761_600);
/// let clock = EmulatorClock::frozen_at(new_year);
/// assert_eq!((clock.mode(), clock.wall()), (ClockMode::Frozen, new_year));
/// clock.set(new_year - Duration::from_secs(1))?;
///
/// // The clock of the test, which its client uses too.
/// let manual = ManualClock::new();
/// assert_eq!(EmulatorClock::manual(manual.clone()).mode(), ClockMode::Manual);
///
/// // The clock of another program, which alone can move it.
/// assert!(EmulatorClock::given(Clock::real()).freeze().is_err());
/// # Ok::<(), umapi_emulator::ClockError>(())
/// ```
#[derive(Clone)]
pub struct EmulatorClock {
    clock: Clock,
    driver: Driver,
}

/// What moves the clock.
#[derive(Clone)]
enum Driver {
    Own(AdjustableClock),
    Manual(ManualClock),
    None,
}

/// How a clock moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClockMode {
    /// Runs with the system clock, though it may show another time.
    Real,
    /// Frozen, until it is advanced or resumed.
    Frozen,
    /// Moves with the [`ManualClock`] that it was created from.
    Manual,
    /// Moves with the [`Clock`] that it was created from.
    Given,
}

impl ClockMode {
    /// Returns its name: `real`, `frozen`, `manual` or `given`.
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

/// The error of a clock that was not moved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClockError {
    /// The clock belongs to the caller.
    #[error(
        "cannot {0} this clock, because the emulator does not own it; move it where it was created, or use a ManualClock"
    )]
    NotAdjustable(&'static str),
    /// A manual clock moves only when it is told to, or by its own rules.
    #[error("cannot resume a ManualClock, because it never runs on its own; advance it")]
    NotRunning,
    /// HTTP dates have four-digit years.
    #[error("the date is out of range; the clock can show dates from 1970 to 9998")]
    OutOfRange,
}

/// 9999-01-01T00:00:00Z, in seconds since 1970.
const END: u64 = 253_370_764_800;
/// 10000-01-01T00:00:00Z: one year more, for waits that are written as dates.
const END_OF_HTTP: u64 = 253_402_300_800;

impl EmulatorClock {
    /// Creates a clock that runs with the system clock.
    #[must_use]
    pub fn real() -> Self {
        Self::own(AdjustableClock::real(Clock::real()))
    }

    /// Creates a frozen clock that shows this time.
    #[must_use]
    pub fn frozen_at(wall: SystemTime) -> Self {
        let adjustable = AdjustableClock::real(Clock::real());
        adjustable.freeze();
        adjustable.set(wall);
        Self::own(adjustable)
    }

    /// Creates a clock that a test moves; the client can use it too.
    #[must_use]
    pub fn manual(manual: ManualClock) -> Self {
        Self { clock: manual.clock(), driver: Driver::Manual(manual) }
    }

    /// Creates a clock that only its owner can move.
    #[must_use]
    pub fn given(clock: Clock) -> Self {
        Self { clock, driver: Driver::None }
    }

    fn own(adjustable: AdjustableClock) -> Self {
        Self { clock: Clock::new(adjustable.clone()), driver: Driver::Own(adjustable) }
    }

    /// Returns the clock to pass on, e.g. to a client in this process.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Returns the wall-clock time.
    #[must_use]
    pub fn wall(&self) -> SystemTime {
        self.clock.wall()
    }

    /// Returns how it moves now.
    #[must_use]
    pub fn mode(&self) -> ClockMode {
        match &self.driver {
            Driver::Own(adjustable) if adjustable.is_frozen() => ClockMode::Frozen,
            Driver::Own(_) => ClockMode::Real,
            Driver::Manual(_) => ClockMode::Manual,
            Driver::None => ClockMode::Given,
        }
    }

    /// Freezes it at its present time.
    ///
    /// # Errors
    /// If the emulator does not own the clock.
    pub fn freeze(&self) -> Result<(), ClockError> {
        match &self.driver {
            Driver::Own(adjustable) => adjustable.freeze(),
            Driver::Manual(manual) => manual.freeze(),
            Driver::None => return Err(ClockError::NotAdjustable("freeze")),
        }
        Ok(())
    }

    /// Lets it run from its present time. Sleepers wake when their deadline is reached.
    ///
    /// # Errors
    /// If the emulator does not own the clock, or it is a [`ManualClock`].
    pub fn resume(&self) -> Result<(), ClockError> {
        match &self.driver {
            Driver::Own(adjustable) => adjustable.resume(),
            Driver::Manual(_) => return Err(ClockError::NotRunning),
            Driver::None => return Err(ClockError::NotAdjustable("resume")),
        }
        Ok(())
    }

    /// Advances it, whether it runs or is frozen, and wakes the sleepers whose deadline is reached.
    ///
    /// # Errors
    /// If the emulator does not own the clock, or it would show a date after 9998.
    pub fn advance(&self, duration: Duration) -> Result<(), ClockError> {
        check(self.wall().checked_add(duration))?;
        match &self.driver {
            Driver::Own(adjustable) => adjustable.advance(duration),
            Driver::Manual(manual) => manual.advance(duration),
            Driver::None => return Err(ClockError::NotAdjustable("advance")),
        }
        Ok(())
    }

    /// Sets the wall-clock time only. It may go back; sleepers and rate limits are not affected. Tokens are, because
    /// their expiry is a date.
    ///
    /// # Errors
    /// If the emulator does not own the clock, or the date is before 1970 or after 9998.
    pub fn set(&self, wall: SystemTime) -> Result<(), ClockError> {
        check(Some(wall))?;
        match &self.driver {
            Driver::Own(adjustable) => adjustable.set(wall),
            Driver::Manual(manual) => manual.set_wall(wall),
            Driver::None => return Err(ClockError::NotAdjustable("set")),
        }
        Ok(())
    }

    /// Returns milliseconds since 1970; 0 before.
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

/// Formats a date for HTTP. Returns `None` for a date that HTTP cannot express, which a clock of the caller may show.
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

/// A clock that follows another one, and can be frozen, moved and set while others sleep on it. Clones are the same
/// clock.
#[derive(Clone)]
struct AdjustableClock(Arc<Shared>);

struct Shared {
    base: Clock,
    /// Sleepers watch it, so a change here changes when they wake.
    reading: watch::Sender<Reading>,
}

/// The time that the clock shows, relative to the time of its base.
#[derive(Clone, Copy)]
struct Reading {
    now: Instant,
    wall: SystemTime,
    /// The base's time when the clock showed that; `None` while frozen.
    since: Option<BaseReading>,
}

#[derive(Clone, Copy)]
struct BaseReading {
    now: Instant,
    wall: SystemTime,
}

impl BaseReading {
    fn of(base: &Clock) -> Self {
        Self { now: base.now(), wall: base.wall() }
    }
}

impl Reading {
    fn now(&self, base: &Clock) -> Instant {
        self.since.map_or(self.now, |since| self.now + (base.now() - since.now))
    }

    /// Follows the wall clock of the base, even if that jumps.
    fn wall(&self, base: &Clock) -> SystemTime {
        let Some(since) = self.since else { return self.wall };
        let moved = match base.wall().duration_since(since.wall) {
            Ok(on) => self.wall.checked_add(on),
            Err(back) => self.wall.checked_sub(back.duration()),
        };
        moved.unwrap_or(self.wall)
    }

    /// Returns the same reading, taken now.
    fn taken(&self, base: &Clock) -> Self {
        Self { now: self.now(base), wall: self.wall(base), since: self.since.map(|_| BaseReading::of(base)) }
    }
}

impl AdjustableClock {
    /// Creates a clock that follows another one and shows the same time.
    fn real(base: Clock) -> Self {
        let since = BaseReading::of(&base);
        let reading = Reading { now: since.now, wall: since.wall, since: Some(since) };
        Self(Arc::new(Shared { base, reading: watch::Sender::new(reading) }))
    }

    fn is_frozen(&self) -> bool {
        self.0.reading.borrow().since.is_none()
    }

    fn freeze(&self) {
        self.update(|reading, _| reading.since = None);
    }

    fn resume(&self) {
        self.update(|reading, base| reading.since = Some(BaseReading::of(base)));
    }

    fn advance(&self, duration: Duration) {
        self.update(|reading, _| {
            reading.now += duration;
            // A date beyond the range of the system's calendar stays unchanged.
            reading.wall = reading.wall.checked_add(duration).unwrap_or(reading.wall);
        });
    }

    fn set(&self, wall: SystemTime) {
        self.update(|reading, _| reading.wall = wall);
    }

    /// Changes the reading, taken now, and notifies all sleepers.
    fn update(&self, change: impl FnOnce(&mut Reading, &Clock)) {
        let base = &self.0.base;
        self.0.reading.send_modify(|reading| {
            *reading = reading.taken(base);
            change(reading, base);
        });
    }
}

impl TimeSource for AdjustableClock {
    // The reading is locked while it is read: a freeze in between would stop the clock before a time that was already
    // seen.

    fn wall(&self) -> SystemTime {
        self.0.reading.borrow().wall(&self.0.base)
    }

    fn now(&self) -> Instant {
        self.0.reading.borrow().now(&self.0.base)
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        // `shared` owns the sender, so the channel cannot close while the sleeper waits.
        let shared = self.0.clone();
        Sleep::new(async move {
            let mut readings = shared.reading.subscribe();
            loop {
                let reading = *readings.borrow_and_update();
                let now = reading.now(&shared.base);
                if now >= deadline {
                    return;
                }
                let time = async {
                    match reading.since {
                        Some(_) => shared.base.sleep(deadline - now).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = time => {}
                    _ = readings.changed() => {}
                }
            }
        })
    }
}

impl fmt::Debug for AdjustableClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdjustableClock").field("frozen", &self.is_frozen()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinHandle;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A clock that follows a manual one, so that the test controls "real" time.
    fn following_clock() -> (ManualClock, EmulatorClock) {
        let base = ManualClock::new();
        let clock = EmulatorClock::own(AdjustableClock::real(base.clock()));
        (base, clock)
    }

    async fn sleeper(clock: &EmulatorClock, duration: Duration) -> JoinHandle<()> {
        let sleep = clock.clock().sleep(duration);
        let task = tokio::spawn(sleep);
        // The only runtime thread runs the task for the first time.
        tokio::task::yield_now().await;
        task
    }

    async fn is_awake(task: &JoinHandle<()>) -> bool {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        task.is_finished()
    }

    #[test]
    fn it_follows_its_base_and_stops_when_frozen() {
        let (base, clock) = following_clock();
        let (start, wall) = (clock.clock().now(), clock.wall());
        base.advance(SECOND);
        assert_eq!((clock.clock().now() - start, clock.wall()), (SECOND, wall + SECOND));
        clock.freeze().unwrap();
        assert_eq!(clock.mode(), ClockMode::Frozen);
        base.advance(SECOND);
        assert_eq!((clock.clock().now() - start, clock.wall()), (SECOND, wall + SECOND));
        clock.advance(SECOND).unwrap();
        assert_eq!((clock.clock().now() - start, clock.wall()), (2 * SECOND, wall + 2 * SECOND));
        clock.resume().unwrap();
        assert_eq!(clock.mode(), ClockMode::Real);
        base.advance(SECOND);
        assert_eq!((clock.clock().now() - start, clock.wall()), (3 * SECOND, wall + 3 * SECOND));
    }

    #[test]
    fn the_wall_clock_is_set_alone_and_follows_its_base() {
        let (base, clock) = following_clock();
        let (start, wall) = (clock.clock().now(), clock.wall());
        clock.set(wall - 60 * SECOND).unwrap();
        assert_eq!((clock.clock().now(), clock.wall()), (start, wall - 60 * SECOND));
        base.set_wall(wall - 5 * SECOND);
        assert_eq!((clock.clock().now(), clock.wall()), (start, wall - 65 * SECOND));
        assert!(clock.millis() > 0);
    }

    #[tokio::test]
    async fn sleepers_wake_when_the_clock_is_advanced() {
        let (base, clock) = following_clock();
        clock.freeze().unwrap();
        let task = sleeper(&clock, 10 * SECOND).await;
        base.advance(60 * SECOND);
        assert!(!is_awake(&task).await, "the clock is frozen");
        clock.advance(9 * SECOND).unwrap();
        assert!(!is_awake(&task).await);
        clock.advance(SECOND).unwrap();
        assert!(is_awake(&task).await);
    }

    #[tokio::test]
    async fn sleepers_follow_freeze_and_resume() {
        let (base, clock) = following_clock();
        clock.freeze().unwrap();
        let task = sleeper(&clock, 10 * SECOND).await;
        clock.resume().unwrap();
        assert!(!is_awake(&task).await);
        base.advance(9 * SECOND);
        assert!(!is_awake(&task).await);
        clock.freeze().unwrap();
        assert!(!is_awake(&task).await);
        base.advance(10 * SECOND);
        assert!(!is_awake(&task).await, "one second is left");
        clock.resume().unwrap();
        assert!(!is_awake(&task).await);
        base.advance(SECOND);
        assert!(is_awake(&task).await);
    }

    #[tokio::test]
    async fn a_running_clock_can_be_advanced() {
        let (_base, clock) = following_clock();
        let task = sleeper(&clock, 3600 * SECOND).await;
        clock.advance(3600 * SECOND).unwrap();
        assert!(is_awake(&task).await);
    }

    #[tokio::test]
    async fn a_real_clock_follows_the_system_clock() {
        let clock = EmulatorClock::real();
        let start = clock.clock().now();
        clock.clock().sleep(Duration::from_millis(5)).await;
        assert!(clock.clock().now() - start >= Duration::from_millis(5));
    }

    #[test]
    fn only_a_manual_clock_of_the_caller_is_moved() {
        let manual = ManualClock::new();
        let clock = EmulatorClock::from(manual.clone());
        clock.advance(SECOND).unwrap();
        assert_eq!(manual.clock().now(), clock.clock().now());
        let date = SystemTime::UNIX_EPOCH + SECOND;
        clock.set(date).unwrap();
        assert_eq!(manual.clock().wall(), date);
        assert_eq!(clock.resume(), Err(ClockError::NotRunning));

        let clock = EmulatorClock::given(manual.clock());
        let rejected = [clock.freeze(), clock.resume(), clock.advance(SECOND), clock.set(date)];
        assert!(rejected.iter().all(|r| matches!(r, Err(ClockError::NotAdjustable(_)))), "{rejected:?}");
    }

    #[test]
    fn only_dates_that_http_can_express_are_shown() {
        let (_, clock) = following_clock();
        let wall = clock.wall();
        let last = SystemTime::UNIX_EPOCH + Duration::from_secs(END - 1);
        for rejected in [
            clock.advance(Duration::MAX),
            clock.advance(Duration::from_secs(END)),
            clock.set(last + SECOND),
            clock.set(SystemTime::UNIX_EPOCH - SECOND),
        ] {
            assert_eq!(rejected, Err(ClockError::OutOfRange));
        }
        assert_eq!(clock.wall(), wall);
        clock.set(last).unwrap();
    }

    #[test]
    fn a_date_that_http_cannot_express_is_none() {
        let at = |seconds| http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0).unwrap(), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(at(END_OF_HTTP - 1).unwrap(), "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(at(END_OF_HTTP), None);
        assert_eq!(http_date(SystemTime::UNIX_EPOCH - SECOND), None);
    }
}
