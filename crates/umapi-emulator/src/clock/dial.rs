use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use umapi_time::{Clock, Instant, Sleep, TimeSource};

/// A clock that goes with another one, and can be stopped, moved and set while others sleep on it. Clones are the same.
#[derive(Clone)]
pub(super) struct Dial(Arc<Shared>);

struct Shared {
    base: Clock,
    /// Everyone who sleeps watches it: what changes here changes when they wake.
    reading: watch::Sender<Reading>,
}

/// What the clock shows, as it follows from what its base shows.
#[derive(Clone, Copy)]
struct Reading {
    now: Instant,
    wall: SystemTime,
    /// The base's time when the clock showed that; none while it stands.
    since: Option<Since>,
}

#[derive(Clone, Copy)]
struct Since {
    now: Instant,
    wall: SystemTime,
}

impl Since {
    fn of(base: &Clock) -> Self {
        Self { now: base.now(), wall: base.wall() }
    }
}

impl Reading {
    fn now(&self, base: &Clock) -> Instant {
        self.since.map_or(self.now, |since| self.now + (base.now() - since.now))
    }

    /// Follows the base's wall clock, also when that one jumps.
    fn wall(&self, base: &Clock) -> SystemTime {
        let Some(since) = self.since else { return self.wall };
        let moved = match base.wall().duration_since(since.wall) {
            Ok(on) => self.wall.checked_add(on),
            Err(back) => self.wall.checked_sub(back.duration()),
        };
        moved.unwrap_or(self.wall)
    }

    /// The same reading, taken at this moment.
    fn taken(&self, base: &Clock) -> Self {
        Self { now: self.now(base), wall: self.wall(base), since: self.since.map(|_| Since::of(base)) }
    }
}

impl Dial {
    /// A clock that goes with another one and shows what that shows.
    pub(super) fn real(base: Clock) -> Self {
        let since = Since::of(&base);
        let reading = Reading { now: since.now, wall: since.wall, since: Some(since) };
        Self(Arc::new(Shared { base, reading: watch::Sender::new(reading) }))
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.0.reading.borrow().since.is_none()
    }

    pub(super) fn freeze(&self) {
        self.turn(|reading, _| reading.since = None);
    }

    pub(super) fn resume(&self) {
        self.turn(|reading, base| reading.since = Some(Since::of(base)));
    }

    pub(super) fn advance(&self, duration: Duration) {
        self.turn(|reading, _| {
            reading.now += duration;
            // A date that no calendar of the system can hold stays at the last one.
            reading.wall = reading.wall.checked_add(duration).unwrap_or(reading.wall);
        });
    }

    pub(super) fn set(&self, wall: SystemTime) {
        self.turn(|reading, _| reading.wall = wall);
    }

    /// Changes the reading, taken at this moment, and tells all who sleep.
    fn turn(&self, change: impl FnOnce(&mut Reading, &Clock)) {
        let base = &self.0.base;
        self.0.reading.send_modify(|reading| {
            *reading = reading.taken(base);
            change(reading, base);
        });
    }
}

impl TimeSource for Dial {
    // The reading is held while it is read: a freeze in between would stop the clock before what was seen.

    fn wall(&self) -> SystemTime {
        self.0.reading.borrow().wall(&self.0.base)
    }

    fn now(&self) -> Instant {
        self.0.reading.borrow().now(&self.0.base)
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        // The sender lives in `shared`, so the channel cannot close under the sleeper.
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

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dial").field("frozen", &self.is_frozen()).finish_non_exhaustive()
    }
}
