//! The rate limiter of a client: one queue per class of operations, in order of arrival, for all credentials.

use std::{
    collections::{HashMap, VecDeque},
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::sync::Notify;
use umapi_http::{catch_panic, milliseconds};
use umapi_model::{Operation, ThrottleClass};
use umapi_time::{Clock, Instant};

use super::{
    Permit, PermitId, RateLimit, RateLimitError, RateLimitFuture, RateLimitScope, RateLimitSet, RateLimitStore,
    RateLimits,
};
use crate::observer::{Observer, Wait, WaitReason};

/// Waits longer than this are reported to the observer.
const REPORTED_WAIT: Duration = Duration::from_secs(1);

/// A permit that its caller does not take within this time goes to another caller.
const STALE: Duration = Duration::from_secs(1);

/// After this time without progress, another caller asks the store. The first one may be on a runtime that does not run, or in
/// a future that is not polled.
const TAKE_OVER: Duration = Duration::from_secs(1);

/// A returned permit can be reused for this long. After that, the store may have granted another one in its place.
const REUSABLE: Duration = Duration::from_secs(55);

/// The shortest time step.
const INSTANT: Duration = Duration::from_millis(1);

/// A store that does not answer within this time has failed.
const STORE_TIMEOUT: Duration = Duration::from_secs(10);

/// What a call does when the rate limits grant no permit now, or the service asks to wait (429, or `Retry-After` with a
/// server error).
///
/// A wait that is not allowed is not started. The call fails immediately, and the error says
/// [until when](crate::Error::until) the call is not possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ThrottlePolicy {
    /// Fail immediately.
    FailAtOnce,
    /// Wait if the wait is not longer than this.
    WaitUpTo(Duration),
    /// Wait however long it takes. Waits above 40 minutes are known; the [`Observer`] is notified before each wait.
    #[default]
    Wait,
}

impl ThrottlePolicy {
    /// The longest wait that is allowed; `None` for no limit.
    pub(crate) fn max_wait(self) -> Option<Duration> {
        match self {
            Self::FailAtOnce => Some(Duration::ZERO),
            Self::WaitUpTo(limit) => Some(limit),
            Self::Wait => None,
        }
    }
}

/// Grants the permits of all credentials of a client. Cheap to clone.
///
/// It has no task of its own, which would depend on one runtime: the waiting callers ask the store. The first one in the queue
/// asks on behalf of all. If it does not, another one takes over.
#[derive(Clone)]
pub(crate) struct RateLimiter(Arc<Shared>);

struct Shared {
    clock: Clock,
    store: Arc<dyn RateLimitStore>,
    observer: Arc<dyn Observer>,
    /// For each class one line for every credential, and one for each single credential.
    lines: Vec<Line>,
    /// The limits of first pages, for each credential.
    first_pages: Vec<(Operation, Vec<RateLimitSet>)>,
    /// Until when each credential is suspended, because it was rejected.
    suspended: Mutex<Vec<Instant>>,
    /// Until when the service asked to wait, for each class and credential.
    paused: Mutex<HashMap<(ThrottleClass, usize), Instant>>,
}

/// A queue of calls of one class of operations.
struct Line {
    class: ThrottleClass,
    /// The only credential of its calls; `None` for any.
    only: Option<usize>,
    /// One for each credential.
    limits: Vec<RateLimitSet>,
    /// The credential that is asked first next time.
    first: AtomicUsize,
    queue: Mutex<Queue>,
}

struct Queue {
    /// The callers without a permit, in order of arrival.
    waiting: VecDeque<Arc<Waiter>>,
    /// The callers that have a permit and have not taken it yet.
    called: Vec<Arc<Waiter>>,
    /// Permits that were returned while other callers wait.
    spare: Vec<Grant>,
    /// The caller that asks the store now, and since when.
    asking: Option<(Arc<Waiter>, Instant)>,
    /// The expected time of the next permit.
    next_at: Instant,
    /// The end of the last wait that was reported to the observer.
    reported_until: Instant,
}

/// A permit of the store.
#[derive(Clone, Copy, Debug)]
struct Grant {
    slot: usize,
    permit: PermitId,
    /// When the store granted it.
    taken_at: Instant,
    /// When the caller got it.
    given_at: Instant,
}

/// One caller in the queue.
struct Waiter {
    state: Mutex<WaiterState>,
    changed: Notify,
    gives_up_at: Option<Instant>,
}

enum WaiterState {
    Waiting,
    Given(Grant),
    Refused(Duration),
    /// It did not take its permit in time.
    Missed,
    /// It took its permit, or left.
    Gone,
}

/// Allows one request with one credential. An unused permit goes back when it is dropped.
#[must_use = "dropping a permit returns it"]
pub(crate) struct CallPermit {
    pub(crate) slot: usize,
    limiter: RateLimiter,
    line: usize,
    grant: Option<Grant>,
}

/// Allows to read the first page of a list with one credential, however often the request is repeated. It goes back when it is
/// dropped before a request was sent.
#[must_use = "dropping a permit returns it"]
pub(crate) struct FirstPagePermit {
    pub(crate) slot: usize,
    limiter: RateLimiter,
    limits: RateLimitSet,
    permit: PermitId,
    is_spent: bool,
}

/// Why a caller got no permit.
#[derive(Clone, Debug)]
pub(crate) enum NoPermit {
    /// The wait would be longer than the caller is willing to wait.
    TooLong(Duration),
    /// The store failed.
    Store(Arc<dyn std::error::Error + Send + Sync>),
}

impl From<RateLimitError> for NoPermit {
    fn from(error: RateLimitError) -> Self {
        Self::Store(error.into())
    }
}

impl RateLimiter {
    pub(crate) fn new(
        clock: Clock,
        store: Arc<dyn RateLimitStore>,
        observer: Arc<dyn Observer>,
        limits: &RateLimits,
        api_keys: &[Arc<str>],
    ) -> Self {
        let sets = |scope: RateLimitScope| -> Vec<RateLimitSet> {
            api_keys.iter().map(|key| RateLimitSet::new(key.clone(), scope, limits.of(scope).iter().copied())).collect()
        };
        // With one credential, the line for every credential is that of the only one.
        let single = if api_keys.len() > 1 { api_keys.len() } else { 0 };
        let lines = ThrottleClass::ALL.iter().flat_map(|class| {
            let only = std::iter::once(None).chain((0..single).map(Some));
            only.map(|only| Line::new(*class, only, sets((*class).into())))
        });
        let first_pages = Operation::ALL.into_iter().filter_map(|operation| {
            let scope = RateLimitScope::FirstPage(operation);
            (!limits.of(scope).is_empty()).then(|| (operation, sets(scope)))
        });
        let (lines, first_pages) = (lines.collect(), first_pages.collect());
        let suspended = Mutex::new(vec![Instant::ORIGIN; api_keys.len()]);
        Self(Arc::new(Shared { clock, store, observer, lines, first_pages, suspended, paused: Mutex::default() }))
    }

    /// Waits for a permit to read the first page of a list, at most as long as `longest`. Returns `None` if there is no limit.
    pub(crate) async fn acquire_first_page(
        &self,
        operation: Operation,
        class: ThrottleClass,
        longest: Option<Duration>,
    ) -> Result<Option<FirstPagePermit>, NoPermit> {
        let shared = &self.0;
        let Some((_, sets)) = shared.first_pages.iter().find(|(of, _)| *of == operation) else { return Ok(None) };
        let started = shared.clock.now();
        loop {
            let (slots, first) = (shared.active_slots(), self.next_slot(class));
            let first = slots.iter().position(|slot| *slot == first).unwrap_or_default();
            let mut shortest = Duration::MAX;
            for step in 0..slots.len() {
                let slot = slots[(first + step) % slots.len()];
                let paused = shared.paused_for(class, slot);
                if !paused.is_zero() {
                    shortest = shortest.min(paused);
                    continue;
                }
                let limits = sets[slot].clone();
                match shared.ask_store("acquire", || shared.store.acquire(&limits)).await? {
                    Permit::Granted(permit) => {
                        let limiter = self.clone();
                        return Ok(Some(FirstPagePermit { slot, limiter, limits, permit, is_spent: false }));
                    }
                    Permit::After(time) => shortest = shortest.min(time),
                }
            }
            let now = shared.clock.now();
            if longest.is_some_and(|longest| (now - started).saturating_add(shortest) > longest) {
                return Err(NoPermit::TooLong(shortest));
            }
            if shortest > REPORTED_WAIT {
                shared.announce(Some(operation.id()), WaitReason::FirstPage, shortest);
            }
            shared.clock.sleep(shortest.max(INSTANT)).await;
        }
    }

    /// Waits for a permit of any credential, or of the given one, at most as long as `longest`.
    pub(crate) async fn acquire(
        &self,
        class: ThrottleClass,
        only: Option<usize>,
        longest: Option<Duration>,
        operation: &'static str,
    ) -> Result<CallPermit, NoPermit> {
        let started = self.0.clock.now();
        let index = self.0.index_of(class, only);
        let line = &self.0.lines[index];
        let (is_alone, spare, unneeded) = {
            let mut queue = line.lock();
            let is_alone = queue.waiting.is_empty();
            let spare = if is_alone { queue.take_spare(started) } else { None };
            (is_alone, spare, queue.take_unneeded())
        };
        unneeded.into_iter().for_each(|grant| self.0.release(line, grant));
        if let Some(grant) = spare {
            return Ok(self.permit(index, grant));
        }
        if is_alone && let Ok(grant) = self.0.take(line).await? {
            return Ok(self.permit(index, grant));
        }
        let mut comes_first = false;
        loop {
            let spent = self.0.clock.now() - started;
            let left = longest.map(|longest| longest.saturating_sub(spent));
            let place = self.enter(line, left, operation, comes_first).await?;
            match self.wait(line, &place).await? {
                Some(grant) => return Ok(self.permit(index, grant)),
                None => comes_first = true,
            }
        }
    }

    /// The credential that is likely to have the next permit.
    pub(crate) fn next_slot(&self, class: ThrottleClass) -> usize {
        let line = &self.0.lines[self.0.index_of(class, None)];
        let (slots, first) = (self.0.active_slots(), line.first.load(Ordering::Relaxed));
        let in_order = (0..slots.len()).map(|step| slots[(first + step) % slots.len()]);
        let mut open = in_order.clone().filter(|slot| self.0.paused_for(class, *slot).is_zero());
        open.next().or(in_order.clone().next()).unwrap_or_default()
    }

    /// Why a call of a class, with one credential or any, would have to wait now.
    pub(crate) fn wait_reason(&self, class: ThrottleClass, only: Option<usize>) -> WaitReason {
        self.0.wait_reason(&self.0.lines[self.0.index_of(class, only)])
    }

    /// Whether calls of a class with a credential can be made as far as is known: it is neither suspended nor paused.
    pub(crate) fn is_open(&self, class: ThrottleClass, slot: usize) -> bool {
        self.0.active_slots().contains(&slot) && self.0.paused_for(class, slot).is_zero()
    }

    /// Joins the queue.
    async fn enter<'a>(
        &'a self,
        line: &'a Line,
        longest: Option<Duration>,
        operation: &'static str,
        comes_first: bool,
    ) -> Result<Place<'a>, NoPermit> {
        let ahead = if comes_first { 0 } else { line.lock().waiting.len() };
        let wait = self.0.forecast(line, ahead).await?;
        if longest.is_some_and(|longest| wait > longest) {
            return Err(NoPermit::TooLong(wait));
        }
        self.0.report(line, Some(operation), wait);
        let now = self.0.clock.now();
        let waiter = Arc::new(Waiter {
            state: Mutex::new(WaiterState::Waiting),
            changed: Notify::new(),
            gives_up_at: longest.map(|longest| now + longest),
        });
        let mut queue = line.lock();
        match comes_first {
            true => queue.waiting.push_front(waiter.clone()),
            false => queue.waiting.push_back(waiter.clone()),
        }
        drop(queue);
        Ok(Place { limiter: self, line, waiter })
    }

    /// Waits in the queue, and asks the store if this caller is the one to ask. Returns `None` if the permit was not taken in
    /// time.
    async fn wait(&self, line: &Line, place: &Place<'_>) -> Result<Option<Grant>, NoPermit> {
        let waiter = &place.waiter;
        loop {
            let now = self.0.clock.now();
            match self.0.next_step(line, waiter, now) {
                Step::Done(outcome) => return outcome,
                Step::Ask => {
                    let _asking = Asking { line, waiter };
                    match self.0.take(line).await? {
                        Ok(grant) => self.give(line, grant),
                        Err(time) => {
                            let now = self.0.clock.now();
                            line.refuse_the_impatient(now, &[time]);
                            let (is_reported, is_left) = {
                                let mut queue = line.lock();
                                queue.next_at = now + time;
                                (now + time <= queue.reported_until + REPORTED_WAIT, !queue.waiting.is_empty())
                            };
                            // A shared store may impose a longer wait than it forecast.
                            if !is_reported && is_left {
                                self.0.report(line, None, time);
                            }
                        }
                    }
                }
                Step::Wait(until) => {
                    tokio::select! {
                        biased;
                        () = waiter.changed.notified() => {}
                        () = self.0.clock.sleep_until(until) => {}
                    }
                }
            }
        }
    }

    fn permit(&self, line: usize, grant: Grant) -> CallPermit {
        CallPermit { slot: grant.slot, limiter: self.clone(), line, grant: Some(grant) }
    }

    /// Gives a permit to the first waiting caller, or back to the store.
    fn give(&self, line: &Line, grant: Grant) {
        let now = self.0.clock.now();
        let is_reusable = now - grant.taken_at <= REUSABLE;
        let grant = Grant { given_at: now, ..grant };
        let is_given = is_reusable && {
            let mut queue = line.lock();
            let is_given = queue.give(grant);
            // The next caller asks the store from now on.
            queue.wake_first();
            is_given
        };
        if !is_given {
            self.0.release(line, grant);
        }
    }

    /// Pauses all calls of every class with one credential.
    pub(crate) async fn pause_all(&self, slot: usize, time: Duration) {
        for class in ThrottleClass::ALL {
            self.pause(class, slot, time).await;
        }
    }

    /// Pauses all calls of a class with one credential, and refuses the waiting calls that would have to wait too long.
    pub(crate) async fn pause(&self, class: ThrottleClass, slot: usize, time: Duration) {
        let shared = &self.0;
        shared.note_pause(class, slot, time);
        let lines = shared.lines.iter().filter(|line| line.class == class && line.only.is_none_or(|only| only == slot));
        if let Some(line) = lines.clone().next() {
            let limits = &line.limits[slot];
            // This process honors the pause, whether or not the store can tell others.
            let _ = shared.ask_store("pause", || shared.store.pause(limits, time)).await;
        }
        for line in lines {
            let waiting = line.lock().waiting.len();
            if waiting == 0 {
                continue;
            }
            let mut forecasts = Vec::with_capacity(waiting);
            for ahead in 0..waiting {
                forecasts.push(shared.forecast(line, ahead).await.unwrap_or_default());
            }
            shared.report(line, None, forecasts[0]);
            line.refuse_the_impatient(shared.clock.now(), &forecasts);
            line.lock().wake_first();
        }
    }

    /// Suspends a credential. Returns whether another one is active.
    pub(crate) fn suspend(&self, slot: usize, time: Duration) -> bool {
        let now = self.0.clock.now();
        let mut suspended = self.0.suspended();
        suspended[slot] = suspended[slot].max(now + time);
        suspended.iter().any(|until| *until <= now)
    }

    /// The time that the limits of a class need for this many further calls with all active credentials, once the calls so
    /// far no longer count.
    pub(crate) fn time_between(&self, class: ThrottleClass, calls: usize) -> Duration {
        let line = &self.0.lines[self.0.index_of(class, None)];
        let slots = u64::try_from(self.0.active_slots().len().max(1)).unwrap_or(u64::MAX);
        let rounds = |limit: &RateLimit| {
            let quota = u64::from(limit.quota().get()).saturating_mul(slots);
            u32::try_from(u64::try_from(calls).unwrap_or(u64::MAX) / quota).unwrap_or(u32::MAX)
        };
        let limits = line.limits.first().map_or(&[][..], RateLimitSet::limits);
        limits.iter().map(|limit| limit.period().saturating_mul(rounds(limit))).max().unwrap_or_default()
    }

    /// The time until the last of this many further calls has its permit.
    pub(crate) async fn time_for(&self, scope: RateLimitScope, calls: usize) -> Result<Duration, NoPermit> {
        let shared = &self.0;
        match scope {
            RateLimitScope::Class(class) => {
                let line = &shared.lines[shared.index_of(class, None)];
                let waiting = line.lock().waiting.len();
                match waiting.saturating_add(calls).checked_sub(1) {
                    Some(ahead) => shared.forecast(line, ahead).await,
                    None => Ok(Duration::ZERO),
                }
            }
            RateLimitScope::FirstPage(operation) => {
                let class = operation.throttle().map_or(ThrottleClass::Legacy, |throttle| throttle.class);
                let sets = shared.first_pages.iter().find(|(of, _)| *of == operation).map(|(_, sets)| sets);
                match (sets, calls.checked_sub(1)) {
                    (Some(sets), Some(ahead)) => shared.shortest(class, sets, &shared.active_slots(), ahead).await,
                    _ => Ok(Duration::ZERO),
                }
            }
        }
    }
}

impl Shared {
    fn index_of(&self, class: ThrottleClass, only: Option<usize>) -> usize {
        let of_class = || self.lines.iter().position(|line| line.class == class);
        self.lines
            .iter()
            .position(|line| line.class == class && line.only == only)
            .or_else(of_class)
            .unwrap_or_default()
    }

    fn paused(&self) -> MutexGuard<'_, HashMap<(ThrottleClass, usize), Instant>> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_pause(&self, class: ThrottleClass, slot: usize, time: Duration) {
        let until = self.clock.now() + time;
        let mut paused = self.paused();
        let known = paused.entry((class, slot)).or_insert(until);
        *known = until.max(*known);
    }

    /// How long the service still asks to wait.
    fn paused_for(&self, class: ThrottleClass, slot: usize) -> Duration {
        let until = self.paused().get(&(class, slot)).copied();
        until.map_or(Duration::ZERO, |until| until - self.clock.now())
    }

    /// The credentials that the calls of a line may use now.
    fn slots_of(&self, line: &Line) -> Vec<usize> {
        line.only.map_or_else(|| self.active_slots(), |only| vec![only])
    }

    fn suspended(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.suspended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The credentials that are not suspended, or all of them if every one is.
    fn active_slots(&self) -> Vec<usize> {
        let now = self.clock.now();
        let suspended = self.suspended();
        let open: Vec<usize> = (0..suspended.len()).filter(|slot| suspended[*slot] <= now).collect();
        if open.is_empty() { (0..suspended.len()).collect() } else { open }
    }

    /// What a caller in the queue does next.
    fn next_step(&self, line: &Line, waiter: &Arc<Waiter>, now: Instant) -> Step {
        let mut queue = line.lock();
        queue.recall_missed(now);
        let state = std::mem::replace(&mut *waiter.lock(), WaiterState::Gone);
        match state {
            WaiterState::Given(grant) => {
                queue.called.retain(|one| !Arc::ptr_eq(one, waiter));
                return Step::Done(Ok(Some(grant)));
            }
            WaiterState::Refused(wait) => return Step::Done(Err(NoPermit::TooLong(wait))),
            WaiterState::Missed | WaiterState::Gone => return Step::Done(Ok(None)),
            WaiterState::Waiting => *waiter.lock() = WaiterState::Waiting,
        }
        if let Some(grant) = queue.take_spare(now) {
            // The caller that sees it passes it on to the first one in the queue, which may be itself.
            queue.give(grant);
            return Step::Wait(now);
        }
        let is_first = queue.waiting.front().is_some_and(|first| Arc::ptr_eq(first, waiter));
        if let Some(end) = waiter.gives_up_at.filter(|end| now > *end) {
            let wait = queue.next_at - now;
            queue.waiting.retain(|one| !Arc::ptr_eq(one, waiter));
            tracing::debug!(late_ms = milliseconds(now - end), "the wait for a permit ends");
            return Step::Done(Err(NoPermit::TooLong(wait)));
        }
        let ask_at = if is_first { queue.next_at } else { queue.next_at + TAKE_OVER };
        let ask_at = match &queue.asking {
            Some((_, since)) => ask_at.max(*since + TAKE_OVER),
            None => ask_at,
        };
        if ask_at <= now {
            queue.asking = Some((waiter.clone(), now));
            return Step::Ask;
        }
        let gives_up_at = waiter.gives_up_at.map(|end| end + INSTANT);
        let recall_at = queue.called.iter().filter_map(|one| one.recall_at()).min();
        Step::Wait([gives_up_at, recall_at].into_iter().flatten().fold(ask_at, Instant::min))
    }

    /// Asks for a permit of each credential in turn, starting with another one each time. `Err` is the time until there is a
    /// permit.
    async fn take(&self, line: &Line) -> Result<Result<Grant, Duration>, NoPermit> {
        let slots = self.slots_of(line);
        let first = line.first.fetch_add(1, Ordering::Relaxed);
        let mut shortest = Duration::MAX;
        for step in 0..slots.len() {
            let slot = slots[(first + step) % slots.len()];
            let paused = self.paused_for(line.class, slot);
            if !paused.is_zero() {
                shortest = shortest.min(paused);
                continue;
            }
            // If the caller is dropped while the store answers, the store keeps the permit.
            match self.ask_store("acquire", || self.store.acquire(&line.limits[slot])).await? {
                Permit::Granted(permit) => {
                    let now = self.clock.now();
                    return Ok(Ok(Grant { slot, permit, taken_at: now, given_at: now }));
                }
                Permit::After(time) => shortest = shortest.min(time),
            }
        }
        Ok(Err(shortest))
    }

    /// The time until there is a permit for a call with this many others ahead.
    async fn forecast(&self, line: &Line, ahead: usize) -> Result<Duration, NoPermit> {
        self.shortest(line.class, &line.limits, &self.slots_of(line), ahead).await
    }

    /// The shortest of the times that the credentials need.
    async fn shortest(
        &self,
        class: ThrottleClass,
        sets: &[RateLimitSet],
        slots: &[usize],
        ahead: usize,
    ) -> Result<Duration, NoPermit> {
        let mut shortest = Duration::MAX;
        for slot in slots {
            let paused = self.paused_for(class, *slot);
            // The calls ahead are spread over the credentials.
            let ahead = ahead / slots.len();
            let time = self.ask_store("forecast", || self.store.forecast(&sets[*slot], ahead)).await?;
            shortest = shortest.min(time.max(paused));
        }
        Ok(shortest)
    }

    /// Returns a permit to the store. It is called from `drop`, so it neither waits nor panics.
    fn release(&self, line: &Line, grant: Grant) {
        self.give_back(line.limits[grant.slot].clone(), grant.permit);
    }

    fn give_back(&self, limits: RateLimitSet, permit: PermitId) {
        let store = self.store.clone();
        let release = async move {
            let release = AssertUnwindSafe(async { store.release(&limits, permit).await });
            match release.catch_unwind().await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(method = "release", %error, "the rate limit store failed"),
                Err(_) => tracing::error!("the rate limit store panicked in `release`"),
            }
        };
        let mut release = Box::pin(release);
        if release.as_mut().now_or_never().is_none()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(release);
        }
    }

    /// Calls a method of the store. A panic or a timeout is a failure of the store.
    async fn ask_store<'a, T>(
        &self,
        method: &'static str,
        call: impl FnOnce() -> RateLimitFuture<'a, T>,
    ) -> Result<T, RateLimitError> {
        let answer = catch_panic("rate limit store", async move { call().await });
        let answer = match self.clock.timeout(STORE_TIMEOUT, answer).await {
            Ok(answer) => answer.unwrap_or_else(|panic| Err(panic.into())),
            Err(_) => Err(format!("it did not answer within {STORE_TIMEOUT:?}").into()),
        };
        answer.inspect_err(|error| tracing::error!(method, %error, "the rate limit store failed"))
    }

    fn report(&self, line: &Line, operation: Option<&'static str>, duration: Duration) {
        if duration <= REPORTED_WAIT {
            return;
        }
        let until = self.clock.now() + duration;
        {
            let mut queue = line.lock();
            queue.reported_until = queue.reported_until.max(until);
        }
        self.announce(operation, self.wait_reason(line), duration);
    }

    fn wait_reason(&self, line: &Line) -> WaitReason {
        let is_paused = (0..line.limits.len()).any(|slot| !self.paused_for(line.class, slot).is_zero());
        if is_paused { WaitReason::Throttled } else { WaitReason::RateLimit }
    }

    /// Reports a wait to the observer.
    fn announce(&self, operation: Option<&'static str>, reason: WaitReason, duration: Duration) {
        let until = self.clock.wall().checked_add(duration).unwrap_or_else(|| self.clock.wall());
        tracing::info!(operation, wait_ms = milliseconds(duration), reason = %reason, "waiting for a permit");
        self.observer.wait_begins(&Wait { operation, reason, duration, until });
    }
}

/// What a caller in the queue does next.
enum Step {
    /// It has its outcome.
    Done(Result<Option<Grant>, NoPermit>),
    /// It asks the store.
    Ask,
    /// It waits for news, or until this moment.
    Wait(Instant),
}

impl Line {
    fn new(class: ThrottleClass, only: Option<usize>, limits: Vec<RateLimitSet>) -> Self {
        let queue = Queue {
            waiting: VecDeque::new(),
            called: Vec::new(),
            spare: Vec::new(),
            asking: None,
            next_at: Instant::ORIGIN,
            reported_until: Instant::ORIGIN,
        };
        Self { class, only, limits, first: AtomicUsize::new(0), queue: Mutex::new(queue) }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // No callback runs under the lock, and every change is complete when it is released.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse_the_impatient(&self, now: Instant, forecasts: &[Duration]) {
        let mut queue = self.lock();
        let everyone = std::mem::take(&mut queue.waiting);
        for (place, one) in everyone.into_iter().enumerate() {
            let wait = forecasts.get(place).or(forecasts.last()).copied().unwrap_or_default();
            match one.gives_up_at {
                Some(end) if now + wait > end => one.set(WaiterState::Refused(wait)),
                _ => queue.waiting.push_back(one),
            }
        }
    }
}

impl Queue {
    /// Gives a permit to the first. Returns whether there was one.
    fn give(&mut self, grant: Grant) -> bool {
        let Some(first) = self.waiting.pop_front() else { return false };
        first.set(WaiterState::Given(grant));
        self.called.push(first);
        true
    }

    /// Takes permits back from callers that did not take them in time, because their futures are not polled.
    fn recall_missed(&mut self, now: Instant) {
        let mut index = 0;
        while let Some(one) = self.called.get(index) {
            let mut state = one.lock();
            match *state {
                WaiterState::Given(grant) if now - grant.given_at > STALE => {
                    *state = WaiterState::Missed;
                    drop(state);
                    self.called.swap_remove(index);
                    self.spare.push(grant);
                }
                WaiterState::Given(_) => {
                    drop(state);
                    index += 1;
                }
                _ => {
                    drop(state);
                    self.called.swap_remove(index);
                }
            }
        }
    }

    /// A returned permit that can still be used.
    fn take_spare(&mut self, now: Instant) -> Option<Grant> {
        let index = self.spare.iter().rposition(|grant| now - grant.taken_at <= REUSABLE)?;
        Some(Grant { given_at: now, ..self.spare.swap_remove(index) })
    }

    /// The returned permits, if no caller waits.
    fn take_unneeded(&mut self) -> Vec<Grant> {
        if self.waiting.is_empty() { std::mem::take(&mut self.spare) } else { Vec::new() }
    }

    fn wake_first(&self) {
        if let Some(first) = self.waiting.front() {
            first.changed.notify_one();
        }
    }
}

impl Waiter {
    fn lock(&self) -> MutexGuard<'_, WaiterState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When its permit goes to another caller.
    fn recall_at(&self) -> Option<Instant> {
        match *self.lock() {
            WaiterState::Given(grant) => Some(grant.given_at + STALE + INSTANT),
            _ => None,
        }
    }

    fn set(&self, state: WaiterState) {
        *self.lock() = state;
        self.changed.notify_one();
    }
}

/// A place in the queue. Dropping it leaves the queue, and passes on a permit that was not taken.
struct Place<'a> {
    limiter: &'a RateLimiter,
    line: &'a Line,
    waiter: Arc<Waiter>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queue = self.line.lock();
        let state = std::mem::replace(&mut *self.waiter.lock(), WaiterState::Gone);
        queue.called.retain(|one| !Arc::ptr_eq(one, &self.waiter));
        queue.waiting.retain(|one| !Arc::ptr_eq(one, &self.waiter));
        queue.wake_first();
        let unneeded = queue.take_unneeded();
        drop(queue);
        unneeded.into_iter().for_each(|grant| self.limiter.0.release(self.line, grant));
        if let WaiterState::Given(grant) = state {
            self.limiter.give(self.line, grant);
        }
    }
}

/// Marks that a caller asks the store, until it is dropped.
struct Asking<'a> {
    line: &'a Line,
    waiter: &'a Arc<Waiter>,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut queue = self.line.lock();
        if queue.asking.as_ref().is_some_and(|(one, _)| Arc::ptr_eq(one, self.waiter)) {
            queue.asking = None;
        }
        queue.wake_first();
    }
}

impl CallPermit {
    /// Reports to the store that the request is sent now, if that is later than the permit was granted.
    pub(crate) async fn confirm(&self) {
        let Some(grant) = self.grant else { return };
        let shared = &self.limiter.0;
        if shared.clock.now() > grant.taken_at {
            let limit = &shared.lines[self.line].limits[grant.slot];
            let _ = shared.ask_store("mark_sent", || shared.store.mark_sent(limit, grant.permit)).await;
        }
    }

    /// Marks the permit as used.
    pub(crate) fn spend(mut self) {
        self.grant = None;
    }
}

impl Drop for CallPermit {
    fn drop(&mut self) {
        if let Some(grant) = self.grant.take() {
            let limiter = self.limiter.clone();
            limiter.give(&limiter.0.lines[self.line], grant);
        }
    }
}

impl FirstPagePermit {
    /// Reports to the store that a request is sent now. From here on, the permit is used.
    pub(crate) async fn spend(&mut self) {
        if !std::mem::replace(&mut self.is_spent, true) {
            let shared = &self.limiter.0;
            let _ = shared.ask_store("mark_sent", || shared.store.mark_sent(&self.limits, self.permit)).await;
        }
    }
}

impl Drop for FirstPagePermit {
    fn drop(&mut self) {
        if !self.is_spent {
            self.limiter.0.give_back(self.limits.clone(), self.permit);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use futures_util::FutureExt as _;
    use umapi_time::ManualClock;

    use super::*;
    use crate::rate::InMemoryRateLimits;

    const SECOND: Duration = Duration::from_secs(1);
    const CLASS: ThrottleClass = ThrottleClass::Action;

    /// Records the reported waits.
    #[derive(Default)]
    struct Waits(Mutex<Vec<(WaitReason, u64)>>);

    impl Observer for Waits {
        fn wait_begins(&self, wait: &Wait<'_>) {
            self.0.lock().unwrap().push((wait.reason, wait.duration.as_secs()));
        }
    }

    struct Setting {
        manual: ManualClock,
        clock: Clock,
        rate_limiter: RateLimiter,
        waits: Arc<Waits>,
    }

    fn setting(per_minute: u32, keys: usize) -> Setting {
        let manual = ManualClock::new().auto_advance(Duration::ZERO);
        let clock = manual.clock();
        let waits = Arc::new(Waits::default());
        let limits = RateLimits::unlimited().with(CLASS, NonZeroU32::new(per_minute).map(RateLimit::per_minute));
        let keys: Vec<Arc<str>> = (0..keys).map(|key| format!("key {key}").into()).collect();
        let store = Arc::new(InMemoryRateLimits::new(clock.clone()));
        let rate_limiter = RateLimiter::new(clock.clone(), store, waits.clone(), &limits, &keys);
        Setting { manual, clock, rate_limiter, waits }
    }

    /// Gets a permit and sends a request with it. Returns the credential.
    async fn send(rate_limiter: &RateLimiter, longest: Option<Duration>) -> Result<usize, Duration> {
        match rate_limiter.acquire(CLASS, None, longest, "test").await {
            Ok(permit) => {
                permit.confirm().await;
                let slot = permit.slot;
                permit.spend();
                Ok(slot)
            }
            Err(NoPermit::TooLong(wait)) => Err(wait),
            Err(NoPermit::Store(why)) => panic!("{why}"),
        }
    }

    impl Setting {
        fn seconds(&self) -> u64 {
            self.clock.now().since_origin().as_secs()
        }

        /// Gets a permit, and sends a request with it.
        async fn acquire(&self, longest: Option<Duration>) -> Result<usize, Duration> {
            send(&self.rate_limiter, longest).await
        }

        /// Starts calls one after the other. Returns the order and the seconds of their permits.
        async fn permits(&self, calls: usize) -> Vec<(usize, u64)> {
            let order = Arc::new(Mutex::new(Vec::new()));
            let tasks: Vec<_> = (0..calls)
                .map(|call| {
                    let (pace, clock, order) = (self.rate_limiter.clone(), self.clock.clone(), order.clone());
                    tokio::spawn(async move {
                        send(&pace, None).await.unwrap();
                        order.lock().unwrap().push((call, clock.now().since_origin().as_secs()));
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            order.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn permits_are_granted_in_order_within_the_limit() {
        let setting = setting(3, 1);
        let permits = setting.permits(8).await;
        assert_eq!(permits.iter().map(|(call, _)| *call).collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
        assert_eq!(permits.iter().map(|(_, at)| *at).collect::<Vec<_>>(), [0, 0, 0, 61, 61, 61, 122, 122]);
    }

    #[tokio::test]
    async fn two_credentials_double_the_limit() {
        let setting = setting(3, 2);
        let permits = setting.permits(13).await;
        assert_eq!(permits.iter().filter(|(_, at)| *at == 0).count(), 6);
        assert_eq!(permits.iter().filter(|(_, at)| *at == 61).count(), 6);
        let minutes = |setting: &Setting, calls| setting.rate_limiter.time_between(CLASS, calls).as_secs() / 60;
        assert_eq!((minutes(&setting, 5), minutes(&setting, 6), minutes(&setting, 13)), (0, 1, 2));
        assert_eq!(minutes(&self::setting(u32::MAX, 2), usize::MAX), 1 << 31);
    }

    #[tokio::test]
    async fn a_wait_of_more_than_a_second_is_reported() {
        let setting = setting(1, 1);
        setting.permits(2).await;
        assert_eq!(*setting.waits.0.lock().unwrap(), [(WaitReason::RateLimit, 61)]);
    }

    #[tokio::test]
    async fn a_too_long_wait_is_not_started() {
        let setting = setting(1, 1);
        setting.acquire(Some(Duration::ZERO)).await.unwrap();
        assert_eq!(setting.acquire(Some(Duration::ZERO)).await.unwrap_err(), SECOND * 61);
        assert_eq!(setting.acquire(Some(SECOND * 60)).await.unwrap_err(), SECOND * 61);
        assert_eq!(setting.seconds(), 0, "nothing waited");
        setting.acquire(Some(SECOND * 61)).await.unwrap();
        assert_eq!(setting.seconds(), 61);
    }

    #[tokio::test]
    async fn a_pause_applies_to_the_class_and_refuses_impatient_calls() {
        let setting = setting(1, 1);
        let first = setting.acquire(None).await.unwrap();
        let spawn = |longest| {
            let pace = setting.rate_limiter.clone();
            tokio::spawn(async move { send(&pace, longest).await })
        };
        setting.manual.freeze();
        let (patient, impatient) = (spawn(None), spawn(Some(SECOND * 200)));
        setting.manual.until_sleepers(1).await;
        setting.rate_limiter.pause(CLASS, first, SECOND * 3600).await;
        assert_eq!(impatient.await.unwrap().unwrap_err(), SECOND * 3661);
        assert_eq!(setting.waits.0.lock().unwrap().last(), Some(&(WaitReason::Throttled, 3600)));
        setting.manual.set_auto_advance(Some(Duration::ZERO));
        patient.await.unwrap().unwrap();
        assert_eq!(setting.seconds(), 3600);
    }

    #[tokio::test]
    async fn a_pause_applies_to_one_credential() {
        let setting = setting(10, 2);
        setting.rate_limiter.pause(CLASS, 0, SECOND * 3600).await;
        for _ in 0..10 {
            assert_eq!(setting.acquire(None).await.unwrap(), 1);
        }
        assert_eq!(setting.seconds(), 0);
    }

    #[tokio::test]
    async fn a_suspended_credential_gets_no_call_while_another_is_active() {
        let setting = setting(10, 2);
        assert!(setting.rate_limiter.suspend(1, SECOND * 300));
        for _ in 0..10 {
            assert_eq!(setting.acquire(None).await.unwrap(), 0);
        }
        assert!(!setting.rate_limiter.suspend(0, SECOND * 300), "no other credential is active");
    }

    #[tokio::test]
    async fn a_caller_that_leaves_the_queue_takes_no_permit() {
        let setting = setting(1, 1);
        setting.acquire(None).await.unwrap();
        setting.manual.freeze();
        let leaving = {
            let pace = setting.rate_limiter.clone();
            tokio::spawn(async move { send(&pace, None).await.is_ok() })
        };
        setting.manual.until_sleepers(1).await;
        leaving.abort();
        assert!(leaving.await.unwrap_err().is_cancelled());
        setting.manual.set_auto_advance(Some(Duration::ZERO));
        setting.acquire(None).await.unwrap();
        assert_eq!(setting.seconds(), 61);
    }

    #[tokio::test]
    async fn a_future_that_is_not_polled_delays_nobody_by_a_minute() {
        let setting = setting(1, 1);
        setting.acquire(None).await.unwrap();
        let mut idle = Box::pin(setting.acquire(None));
        // Polled once to join the queue, and then not any more.
        assert!(idle.as_mut().now_or_never().is_none());
        setting.acquire(None).await.unwrap();
        let seconds = setting.seconds();
        assert!((61..=64).contains(&seconds), "its permit was passed on: {seconds}");
        // Polled again, it comes first, and no minute contains two calls.
        idle.await.unwrap();
        assert!((seconds + 61..=seconds + 63).contains(&setting.seconds()), "{} after {seconds}", setting.seconds());
    }

    #[tokio::test]
    async fn a_class_without_a_limit_never_waits() {
        let setting = setting(1, 1);
        for _ in 0..100 {
            setting.rate_limiter.acquire(ThrottleClass::Users, None, None, "test").await.unwrap().spend();
        }
        assert_eq!(setting.seconds(), 0);
        assert_eq!(setting.rate_limiter.time_between(ThrottleClass::Users, 1_000_000), Duration::ZERO);
    }

    #[test]
    fn a_queue_survives_the_end_of_its_runtime() {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let setting = setting(1, 1);
        setting.manual.freeze();
        let first = runtime();
        first.block_on(async {
            setting.acquire(None).await.unwrap();
            let pace = setting.rate_limiter.clone();
            tokio::spawn(async move { send(&pace, None).await.is_ok() });
            setting.manual.until_sleepers(1).await;
        });
        drop(first);
        setting.manual.set_auto_advance(Some(Duration::ZERO));
        runtime().block_on(async { setting.acquire(None).await.unwrap() });
    }

    /// A store that forecasts no wait but imposes one, like one that another process uses up.
    struct Optimistic {
        waits: Mutex<Vec<Duration>>,
    }

    impl RateLimitStore for Optimistic {
        fn acquire<'a>(&'a self, _: &'a RateLimitSet) -> RateLimitFuture<'a, Permit> {
            let wait = self.waits.lock().unwrap().pop();
            Box::pin(std::future::ready(Ok(wait.map_or(Permit::Granted(PermitId(1)), Permit::After))))
        }

        fn mark_sent<'a>(&'a self, _: &'a RateLimitSet, _: PermitId) -> RateLimitFuture<'a, ()> {
            Box::pin(std::future::ready(Ok(())))
        }

        fn forecast<'a>(&'a self, _: &'a RateLimitSet, _: usize) -> RateLimitFuture<'a, Duration> {
            Box::pin(std::future::ready(Ok(Duration::ZERO)))
        }

        fn pause<'a>(&'a self, _: &'a RateLimitSet, _: Duration) -> RateLimitFuture<'a, ()> {
            Box::pin(std::future::ready(Ok(())))
        }
    }

    #[tokio::test]
    async fn a_wait_that_the_store_did_not_forecast_is_reported() {
        let manual = ManualClock::new().auto_advance(Duration::ZERO);
        let waits = Arc::new(Waits::default());
        let store = Arc::new(Optimistic { waits: Mutex::new(vec![SECOND * 30, SECOND * 7, SECOND * 7]) });
        let keys: [Arc<str>; 1] = ["key".into()];
        let limiter = RateLimiter::new(manual.clock(), store, waits.clone(), &RateLimits::documented(), &keys);
        limiter.acquire(CLASS, None, None, "test").await.unwrap().spend();
        assert_eq!(*waits.0.lock().unwrap(), [(WaitReason::RateLimit, 7), (WaitReason::RateLimit, 30)]);
    }

    /// A store that never answers.
    struct Silent;

    impl RateLimitStore for Silent {
        fn acquire<'a>(&'a self, _: &'a RateLimitSet) -> RateLimitFuture<'a, Permit> {
            Box::pin(std::future::pending())
        }

        fn mark_sent<'a>(&'a self, _: &'a RateLimitSet, _: PermitId) -> RateLimitFuture<'a, ()> {
            Box::pin(std::future::pending())
        }

        fn forecast<'a>(&'a self, _: &'a RateLimitSet, _: usize) -> RateLimitFuture<'a, Duration> {
            Box::pin(std::future::pending())
        }

        fn pause<'a>(&'a self, _: &'a RateLimitSet, _: Duration) -> RateLimitFuture<'a, ()> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test]
    async fn a_store_that_does_not_answer_has_failed_after_ten_seconds() {
        let manual = ManualClock::new().auto_advance(Duration::ZERO);
        let waits = Arc::new(Waits::default());
        let keys: [Arc<str>; 1] = ["key".into()];
        let limiter = RateLimiter::new(manual.clock(), Arc::new(Silent), waits, &RateLimits::documented(), &keys);
        for (longest, seconds) in [(Some(Duration::ZERO), 10), (None, 20)] {
            let failed = limiter.acquire(CLASS, None, longest, "test").await.err().unwrap();
            assert!(matches!(&failed, NoPermit::Store(why) if why.to_string().contains("10s")), "{failed:?}");
            assert_eq!(manual.clock().now().since_origin().as_secs(), seconds);
        }
    }

    /// A store that counts the permits that are out.
    #[derive(Default)]
    struct Counting {
        next: std::sync::atomic::AtomicU64,
        out: Mutex<Vec<PermitId>>,
    }

    impl RateLimitStore for Counting {
        fn acquire<'a>(&'a self, _: &'a RateLimitSet) -> RateLimitFuture<'a, Permit> {
            let id = PermitId(self.next.fetch_add(1, Ordering::SeqCst));
            self.out.lock().unwrap().push(id);
            Box::pin(std::future::ready(Ok(Permit::Granted(id))))
        }

        fn mark_sent<'a>(&'a self, _: &'a RateLimitSet, _: PermitId) -> RateLimitFuture<'a, ()> {
            Box::pin(std::future::ready(Ok(())))
        }

        fn release<'a>(&'a self, _: &'a RateLimitSet, permit: PermitId) -> RateLimitFuture<'a, ()> {
            Box::pin(async move {
                tokio::task::yield_now().await;
                self.out.lock().unwrap().retain(|id| *id != permit);
                Ok(())
            })
        }

        fn forecast<'a>(&'a self, _: &'a RateLimitSet, _: usize) -> RateLimitFuture<'a, Duration> {
            Box::pin(std::future::ready(Ok(Duration::ZERO)))
        }

        fn pause<'a>(&'a self, _: &'a RateLimitSet, _: Duration) -> RateLimitFuture<'a, ()> {
            Box::pin(std::future::ready(Ok(())))
        }
    }

    #[tokio::test]
    async fn an_unused_permit_goes_back_to_the_store() {
        let store = Arc::new(Counting::default());
        let keys: [Arc<str>; 1] = ["key".into()];
        let (clock, waits) = (ManualClock::new().clock(), Arc::new(Waits::default()));
        let limiter = RateLimiter::new(clock, store.clone(), waits, &RateLimits::documented(), &keys);
        let (used, unused) =
            (limiter.acquire(CLASS, None, None, "test").await, limiter.acquire(CLASS, None, None, "test").await);
        assert_eq!(store.out.lock().unwrap().len(), 2);
        drop(unused);
        // A task waits for a slow store.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        used.ok().unwrap().spend();
        assert_eq!(*store.out.lock().unwrap(), [PermitId(0)]);
    }
}
