//! Who is next: one line per class, in the order of arrival, for all credentials together.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, oneshot};
use umapi_model::ThrottleClass;
use umapi_time::{Clock, Instant};

use super::{Permit, PermitId, RateLimit, RateLimitStore, RateLimits};
use crate::observer::{Observer, Wait, WaitReason};

/// A wait that is told of before it begins.
const TOLD: Duration = Duration::from_secs(1);

/// A turn that is not used within this time is let go, and another one waited for: its minute is no longer the right one.
const STALE: Duration = Duration::from_secs(1);

/// The turns of all credentials of a client. Cheap to clone.
///
/// A line moves on by a task of its own and not by those who wait in it, so that a future which nobody polls holds up
/// nobody else. The task lives as long as someone waits.
#[derive(Clone)]
pub(crate) struct RateLimiter(Arc<Shared>);

struct Shared {
    clock: Clock,
    store: Arc<dyn RateLimitStore>,
    observer: Arc<dyn Observer>,
    lines: Vec<(ThrottleClass, Line)>,
    /// Until when each credential is left out, because it was refused.
    suspended: Mutex<Vec<Instant>>,
}

struct Line {
    /// One for each credential.
    allowances: Vec<RateLimit>,
    /// The credential that is asked first next time.
    first: AtomicUsize,
    state: Mutex<State>,
    bell: Notify,
}

struct State {
    waiting: VecDeque<Waiting>,
    is_driven: bool,
    held_until: Instant,
}

struct Waiting {
    give: oneshot::Sender<Result<CallPermit, Refused>>,
    gives_up_at: Option<Instant>,
}

/// How long one is willing to wait.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Patience {
    pub(crate) longest: Option<Duration>,
}

/// One call may go out, with this credential.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallPermit {
    pub(crate) slot: usize,
    turn: PermitId,
    given_at: Instant,
}

/// There is no turn within the time one is willing to wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused {
    pub(crate) wait: Duration,
}

impl RateLimiter {
    pub(crate) fn new(
        clock: Clock,
        store: Arc<dyn RateLimitStore>,
        observer: Arc<dyn Observer>,
        limits: &RateLimits,
        api_keys: &[Arc<str>],
    ) -> Self {
        let lines = ThrottleClass::ALL.map(|class| {
            let allowance =
                |key: &Arc<str>| RateLimit { api_key: key.clone(), class, per_minute: limits.per_minute(class) };
            (class, Line::new(api_keys.iter().map(allowance).collect()))
        });
        let suspended = Mutex::new(vec![Instant::ORIGIN; api_keys.len()]);
        Self(Arc::new(Shared { clock, store, observer, lines: lines.into(), suspended }))
    }

    /// Waits for a turn, of whichever credential has one first.
    pub(crate) async fn acquire(
        &self,
        class: ThrottleClass,
        patience: Patience,
        operation: &'static str,
    ) -> Result<CallPermit, Refused> {
        let begun = self.0.clock.now();
        let Some(line) = self.0.line(class) else { return Ok(self.0.without_turn()) };
        let is_alone = line.lock().waiting.is_empty();
        if is_alone && let Next::Taken(permit) = self.0.take(line).await {
            return Ok(permit);
        }
        let mut is_first = false;
        loop {
            let spent = self.0.clock.now() - begun;
            let longest = patience.longest.map(|longest| longest.saturating_sub(spent));
            match self.in_line(class, longest, operation, is_first).await {
                Some(Ok(permit)) if self.0.clock.now() - permit.given_at > STALE => is_first = true,
                Some(outcome) => return outcome,
                // Whoever moved the line on is gone, with its runtime: stand in line again.
                None => {}
            }
        }
    }

    /// Stands in line once. Nothing if the line was dissolved.
    async fn in_line(
        &self,
        class: ThrottleClass,
        longest: Option<Duration>,
        operation: &'static str,
        is_first: bool,
    ) -> Option<Result<CallPermit, Refused>> {
        let line = self.0.line(class)?;
        let ahead = if is_first { 0 } else { line.lock().waiting.len() };
        let wait = self.0.forecast(line, ahead).await;
        if longest.is_some_and(|longest| wait > longest) {
            return Some(Err(Refused { wait }));
        }
        self.0.tell(line, Some(operation), wait);
        let (give, take) = oneshot::channel();
        let waiting = Waiting { give, gives_up_at: longest.map(|longest| self.0.clock.now() + longest) };
        let must_drive = {
            let mut state = line.lock();
            match is_first {
                true => state.waiting.push_front(waiting),
                false => state.waiting.push_back(waiting),
            }
            !std::mem::replace(&mut state.is_driven, true)
        };
        if must_drive {
            tokio::spawn(Driver { shared: self.0.clone(), class, is_over: false }.run());
        }
        let _leaving = Leaving(&line.bell);
        take.await.ok()
    }

    /// Says that the call of a turn goes out only now.
    pub(crate) async fn sent(&self, class: ThrottleClass, permit: &CallPermit) {
        let Some(line) = self.0.line(class) else { return };
        if self.0.clock.now() > permit.given_at {
            self.0.store.sent(&line.allowances[permit.slot], permit.turn).await;
        }
    }

    /// Holds back all calls of a class on one credential, and refuses those who will not wait as long.
    pub(crate) async fn hold_back(&self, class: ThrottleClass, slot: usize, time: Duration) {
        let Some(line) = self.0.line(class) else { return };
        self.0.store.hold_back(&line.allowances[slot], time).await;
        let in_line = {
            let mut state = line.lock();
            state.held_until = state.held_until.max(self.0.clock.now() + time);
            state.waiting.len()
        };
        if in_line == 0 {
            return;
        }
        let mut forecasts = Vec::with_capacity(in_line);
        for ahead in 0..in_line {
            forecasts.push(self.0.forecast(line, ahead).await);
        }
        self.0.tell(line, None, forecasts[0]);
        line.refuse_the_impatient(self.0.clock.now(), &forecasts);
        line.bell.notify_one();
    }

    /// Leaves a credential out for a time. Says whether there is another one.
    pub(crate) fn suspend(&self, slot: usize, time: Duration) -> bool {
        let now = self.0.clock.now();
        let mut suspended = self.0.suspended();
        suspended[slot] = suspended[slot].max(now + time);
        suspended.iter().any(|until| *until <= now)
    }

    /// The calls a minute of all credentials together, without those that are left out; nothing for any number.
    pub(crate) fn per_minute(&self, class: ThrottleClass) -> Option<u32> {
        let line = self.0.line(class)?;
        let slots = self.0.active_slots().len().max(1);
        Some(line.allowances.first()?.per_minute?.get().saturating_mul(u32::try_from(slots).unwrap_or(u32::MAX)))
    }

    /// How long until the last of so many calls has its turn, if they come after those who wait now.
    pub(crate) async fn time_for(&self, class: ThrottleClass, calls: usize) -> Duration {
        let Some(line) = self.0.line(class) else { return Duration::ZERO };
        let in_line = line.lock().waiting.len();
        match in_line.saturating_add(calls).checked_sub(1) {
            Some(ahead) => self.0.forecast(line, ahead).await,
            None => Duration::ZERO,
        }
    }
}

impl Shared {
    fn line(&self, class: ThrottleClass) -> Option<&Line> {
        self.lines.iter().find(|(of, _)| *of == class).map(|(_, line)| line)
    }

    fn suspended(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.suspended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The credentials that are not left out; all of them if every one is.
    fn active_slots(&self) -> Vec<usize> {
        let now = self.clock.now();
        let suspended = self.suspended();
        let open: Vec<usize> = (0..suspended.len()).filter(|slot| suspended[*slot] <= now).collect();
        if open.is_empty() { (0..suspended.len()).collect() } else { open }
    }

    fn without_turn(&self) -> CallPermit {
        let slot = self.active_slots().first().copied().unwrap_or_default();
        CallPermit { slot, turn: PermitId(0), given_at: self.clock.now() }
    }

    /// Asks the credentials one after the other, each time beginning with another one.
    async fn take(&self, line: &Line) -> Next {
        let slots = self.active_slots();
        let first = line.first.fetch_add(1, Ordering::Relaxed);
        let mut shortest = Duration::MAX;
        for step in 0..slots.len() {
            let slot = slots[(first + step) % slots.len()];
            match self.store.take(&line.allowances[slot]).await {
                Permit::Granted(turn) => return Next::Taken(CallPermit { slot, turn, given_at: self.clock.now() }),
                Permit::After(time) => shortest = shortest.min(time),
            }
        }
        Next::After(shortest)
    }

    async fn forecast(&self, line: &Line, ahead: usize) -> Duration {
        let slots = self.active_slots();
        let mut shortest = Duration::MAX;
        for slot in &slots {
            // Those ahead are spread over the credentials.
            let time = self.store.forecast(&line.allowances[*slot], ahead / slots.len()).await;
            shortest = shortest.min(time);
        }
        shortest
    }

    fn tell(&self, line: &Line, operation: Option<&'static str>, duration: Duration) {
        if duration <= TOLD {
            return;
        }
        let is_held = line.lock().held_until > self.clock.now();
        let reason = if is_held { WaitReason::Throttled } else { WaitReason::RateLimit };
        let until = self.clock.wall().checked_add(duration).unwrap_or_else(|| self.clock.wall());
        tracing::info!(operation, wait_ms = duration.as_millis(), reason = %reason, "waiting for a turn");
        self.observer.wait_begins(&Wait { operation, reason, duration, until });
    }
}

enum Next {
    Taken(CallPermit),
    After(Duration),
}

impl Line {
    fn new(allowances: Vec<RateLimit>) -> Self {
        let state = State { waiting: VecDeque::new(), is_driven: false, held_until: Instant::ORIGIN };
        Self { allowances, first: AtomicUsize::new(0), state: Mutex::new(state), bell: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a turn to the first who still waits for one.
    fn give(&self, permit: CallPermit) {
        let mut state = self.lock();
        while let Some(first) = state.waiting.pop_front() {
            if first.give.send(Ok(permit)).is_ok() {
                return;
            }
        }
    }

    fn refuse_the_impatient(&self, now: Instant, forecasts: &[Duration]) {
        let mut state = self.lock();
        let everyone = std::mem::take(&mut state.waiting);
        for (place, one) in everyone.into_iter().enumerate() {
            let wait = forecasts.get(place).or(forecasts.last()).copied().unwrap_or_default();
            match one.gives_up_at {
                Some(end) if now + wait > end => drop(one.give.send(Err(Refused { wait }))),
                _ => state.waiting.push_back(one),
            }
        }
    }
}

/// Rings when one who waits leaves, with a turn or without, so that nobody is waited for in vain.
struct Leaving<'a>(&'a Notify);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Moves one line on.
struct Driver {
    shared: Arc<Shared>,
    class: ThrottleClass,
    is_over: bool,
}

impl Driver {
    async fn run(mut self) {
        let shared = self.shared.clone();
        let Some(line) = shared.line(self.class) else { return };
        loop {
            {
                let mut state = line.lock();
                state.waiting.retain(|one| !one.give.is_closed());
                if state.waiting.is_empty() {
                    state.is_driven = false;
                    self.is_over = true;
                    return;
                }
            }
            match shared.take(line).await {
                Next::Taken(permit) => line.give(permit),
                Next::After(time) => {
                    line.refuse_the_impatient(shared.clock.now(), &[time]);
                    tokio::select! {
                        () = shared.clock.sleep(time) => {}
                        () = line.bell.notified() => {}
                    }
                }
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let Some(line) = self.shared.line(self.class).filter(|_| !self.is_over) else { return };
        // Dropped with its runtime, while others wait: those of another runtime stand in line again.
        let mut state = line.lock();
        state.is_driven = false;
        state.waiting.clear();
    }
}
