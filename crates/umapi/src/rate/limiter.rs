//! The rate limiter: one queue per class of operations, in order of arrival, for all credentials together.

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

/// Waits that are longer than this are reported to the observer.
const REPORTED_WAIT: Duration = Duration::from_secs(1);

/// A permit that is not used within this time is dropped and replaced, because its minute is no longer the right one.
const STALE: Duration = Duration::from_secs(1);

/// How long a store may take to answer, even if the caller wants no wait.
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
/// A task per queue grants the permits, not the waiting callers, so that a future that nobody polls does not block the
/// others. The task lives while somebody waits.
#[derive(Clone)]
pub(crate) struct RateLimiter(Arc<Shared>);

struct Shared {
    clock: Clock,
    store: Arc<dyn RateLimitStore>,
    observer: Arc<dyn Observer>,
    queues: Vec<(ThrottleClass, Queue)>,
    /// Until when each credential is suspended, because it was rejected.
    suspended_until: Mutex<Vec<Instant>>,
}

struct Queue {
    /// One for each credential.
    limits: Vec<RateLimit>,
    /// The credential that is asked first next time.
    next_slot: AtomicUsize,
    state: Mutex<QueueState>,
    changed: Notify,
}

struct QueueState {
    waiting: VecDeque<Waiting>,
    has_task: bool,
    paused_until: Instant,
    /// The end of the last wait that was reported to the observer.
    reported_until: Instant,
}

struct Waiting {
    grant: oneshot::Sender<Result<CallPermit, Refused>>,
    gives_up_at: Option<Instant>,
}

/// Allows one call with one credential.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallPermit {
    pub(crate) slot: usize,
    id: PermitId,
    granted_at: Instant,
}

/// There is no permit within the time that the caller is willing to wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused {
    pub(crate) wait: Duration,
}

enum Next {
    Granted(CallPermit),
    After(Duration),
}

impl RateLimiter {
    pub(crate) fn new(
        clock: Clock,
        store: Arc<dyn RateLimitStore>,
        observer: Arc<dyn Observer>,
        limits: &RateLimits,
        api_keys: &[Arc<str>],
    ) -> Self {
        let queues = ThrottleClass::ALL.map(|class| {
            let limit =
                |key: &Arc<str>| RateLimit { api_key: key.clone(), class, per_minute: limits.per_minute(class) };
            (class, Queue::new(api_keys.iter().map(limit).collect()))
        });
        let suspended_until = Mutex::new(vec![Instant::ORIGIN; api_keys.len()]);
        Self(Arc::new(Shared { clock, store, observer, queues: queues.into(), suspended_until }))
    }

    /// Waits for a permit of any credential, at most as long as `longest`.
    pub(crate) async fn acquire(
        &self,
        class: ThrottleClass,
        longest: Option<Duration>,
        operation: &'static str,
    ) -> Result<CallPermit, Refused> {
        let acquire = self.acquire_unbounded(class, longest, operation);
        match longest {
            // The queue itself observes `longest`. This also bounds a store that does not answer.
            Some(longest) => {
                let limit = longest.max(STORE_TIMEOUT);
                self.0.clock.timeout(limit, acquire).await.unwrap_or(Err(Refused { wait: limit }))
            }
            None => acquire.await,
        }
    }

    async fn acquire_unbounded(
        &self,
        class: ThrottleClass,
        longest: Option<Duration>,
        operation: &'static str,
    ) -> Result<CallPermit, Refused> {
        let started = self.0.clock.now();
        let Some(queue) = self.0.queue(class) else { return Ok(self.0.free_permit()) };
        let is_alone = queue.lock().waiting.is_empty();
        if is_alone && let Next::Granted(permit) = self.0.take(queue).await {
            return Ok(permit);
        }
        let mut is_first = false;
        loop {
            let spent = self.0.clock.now() - started;
            let left = longest.map(|longest| longest.saturating_sub(spent));
            match self.wait_in_queue(class, left, operation, is_first).await {
                Some(Ok(permit)) if self.0.clock.now() - permit.granted_at > STALE => is_first = true,
                Some(result) => return result,
                // The task of the queue ended with its runtime. Join the queue again.
                None => {}
            }
        }
    }

    /// Waits in the queue once. Returns `None` if the task of the queue ended.
    async fn wait_in_queue(
        &self,
        class: ThrottleClass,
        longest: Option<Duration>,
        operation: &'static str,
        is_first: bool,
    ) -> Option<Result<CallPermit, Refused>> {
        let queue = self.0.queue(class)?;
        let ahead = if is_first { 0 } else { queue.lock().waiting.len() };
        let wait = self.0.forecast(queue, ahead).await;
        if longest.is_some_and(|longest| wait > longest) {
            return Some(Err(Refused { wait }));
        }
        self.0.report(queue, Some(operation), wait);
        let (grant, granted) = oneshot::channel();
        let waiting = Waiting { grant, gives_up_at: longest.map(|longest| self.0.clock.now() + longest) };
        let needs_task = {
            let mut state = queue.lock();
            match is_first {
                true => state.waiting.push_front(waiting),
                false => state.waiting.push_back(waiting),
            }
            !std::mem::replace(&mut state.has_task, true)
        };
        if needs_task {
            tokio::spawn(QueueTask { shared: self.0.clone(), class, is_finished: false }.run());
        }
        let _notify = NotifyOnDrop(&queue.changed);
        granted.await.ok()
    }

    /// Reports that the call of a permit is sent now.
    pub(crate) async fn mark_sent(&self, class: ThrottleClass, permit: &CallPermit) {
        let Some(queue) = self.0.queue(class) else { return };
        if self.0.clock.now() > permit.granted_at {
            let sent = self.0.store.mark_sent(&queue.limits[permit.slot], permit.id);
            let _ = self.0.clock.timeout(STORE_TIMEOUT, sent).await;
        }
    }

    /// Pauses all calls of a class with one credential, and refuses the waiting calls that would have to wait too long.
    pub(crate) async fn pause(&self, class: ThrottleClass, slot: usize, time: Duration) {
        let Some(queue) = self.0.queue(class) else { return };
        let _ = self.0.clock.timeout(STORE_TIMEOUT, self.0.store.pause(&queue.limits[slot], time)).await;
        let in_queue = {
            let mut state = queue.lock();
            state.paused_until = state.paused_until.max(self.0.clock.now() + time);
            state.waiting.len()
        };
        if in_queue == 0 {
            return;
        }
        let mut forecasts = Vec::with_capacity(in_queue);
        for ahead in 0..in_queue {
            forecasts.push(self.0.forecast(queue, ahead).await);
        }
        self.0.report(queue, None, forecasts[0]);
        queue.refuse_impatient(self.0.clock.now(), &forecasts);
        queue.changed.notify_one();
    }

    /// Suspends a credential. Returns whether another one is active.
    pub(crate) fn suspend(&self, slot: usize, time: Duration) -> bool {
        let now = self.0.clock.now();
        let mut suspended_until = self.0.suspended_until();
        suspended_until[slot] = suspended_until[slot].max(now + time);
        suspended_until.iter().any(|until| *until <= now)
    }

    /// The calls per minute of all active credentials together; `None` for no limit.
    pub(crate) fn per_minute(&self, class: ThrottleClass) -> Option<u32> {
        let queue = self.0.queue(class)?;
        let slots = u32::try_from(self.0.active_slots().len().max(1)).unwrap_or(u32::MAX);
        Some(queue.limits.first()?.per_minute?.get().saturating_mul(slots))
    }

    /// The time until the last of this many further calls has its permit.
    pub(crate) async fn time_for(&self, class: ThrottleClass, calls: usize) -> Duration {
        let Some(queue) = self.0.queue(class) else { return Duration::ZERO };
        let in_queue = queue.lock().waiting.len();
        match in_queue.saturating_add(calls).checked_sub(1) {
            Some(ahead) => self.0.forecast(queue, ahead).await,
            None => Duration::ZERO,
        }
    }
}

impl Shared {
    fn queue(&self, class: ThrottleClass) -> Option<&Queue> {
        self.queues.iter().find(|(of, _)| *of == class).map(|(_, queue)| queue)
    }

    fn suspended_until(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.suspended_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The credentials that are not suspended, or all of them if every one is.
    fn active_slots(&self) -> Vec<usize> {
        let now = self.clock.now();
        let suspended_until = self.suspended_until();
        let active: Vec<usize> = (0..suspended_until.len()).filter(|slot| suspended_until[*slot] <= now).collect();
        if active.is_empty() { (0..suspended_until.len()).collect() } else { active }
    }

    /// The permit of a class without a queue.
    fn free_permit(&self) -> CallPermit {
        let slot = self.active_slots().first().copied().unwrap_or_default();
        CallPermit { slot, id: PermitId(0), granted_at: self.clock.now() }
    }

    /// Asks for a permit of each credential in turn, starting with another one each time.
    async fn take(&self, queue: &Queue) -> Next {
        let slots = self.active_slots();
        let first = queue.next_slot.fetch_add(1, Ordering::Relaxed);
        let mut shortest = Duration::MAX;
        for step in 0..slots.len() {
            let slot = slots[(first + step) % slots.len()];
            match self.store.acquire(&queue.limits[slot]).await {
                Permit::Granted(id) => return Next::Granted(CallPermit { slot, id, granted_at: self.clock.now() }),
                Permit::After(time) => shortest = shortest.min(time),
            }
        }
        Next::After(shortest)
    }

    async fn forecast(&self, queue: &Queue, ahead: usize) -> Duration {
        let slots = self.active_slots();
        let mut shortest = Duration::MAX;
        for slot in &slots {
            // The calls ahead are spread over the credentials.
            let time = self.store.forecast(&queue.limits[*slot], ahead / slots.len()).await;
            shortest = shortest.min(time);
        }
        shortest
    }

    /// Reports a wait to the observer before it begins.
    fn report(&self, queue: &Queue, operation: Option<&'static str>, duration: Duration) {
        if duration <= REPORTED_WAIT {
            return;
        }
        let now = self.clock.now();
        let is_paused = {
            let mut state = queue.lock();
            state.reported_until = state.reported_until.max(now + duration);
            state.paused_until > now
        };
        let reason = if is_paused { WaitReason::Throttled } else { WaitReason::RateLimit };
        let until = self.clock.wall().checked_add(duration).unwrap_or_else(|| self.clock.wall());
        tracing::info!(operation, wait_ms = duration.as_millis(), reason = %reason, "waiting for a permit");
        self.observer.wait_begins(&Wait { operation, reason, duration, until });
    }
}

impl Queue {
    fn new(limits: Vec<RateLimit>) -> Self {
        let state = QueueState {
            waiting: VecDeque::new(),
            has_task: false,
            paused_until: Instant::ORIGIN,
            reported_until: Instant::ORIGIN,
        };
        Self { limits, next_slot: AtomicUsize::new(0), state: Mutex::new(state), changed: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a permit to the first caller that still waits.
    fn grant(&self, permit: CallPermit) {
        let mut state = self.lock();
        while let Some(first) = state.waiting.pop_front() {
            if first.grant.send(Ok(permit)).is_ok() {
                return;
            }
        }
    }

    /// Refuses the callers that would have to wait too long. The forecasts are in the order of the queue.
    fn refuse_impatient(&self, now: Instant, forecasts: &[Duration]) {
        let mut state = self.lock();
        let all = std::mem::take(&mut state.waiting);
        for (place, one) in all.into_iter().enumerate() {
            let wait = forecasts.get(place).or(forecasts.last()).copied().unwrap_or_default();
            match one.gives_up_at {
                Some(end) if now + wait > end => drop(one.grant.send(Err(Refused { wait }))),
                _ => state.waiting.push_back(one),
            }
        }
    }
}

/// Notifies the task of a queue when a caller leaves, with or without a permit.
struct NotifyOnDrop<'a>(&'a Notify);

impl Drop for NotifyOnDrop<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// The task that grants the permits of one queue.
struct QueueTask {
    shared: Arc<Shared>,
    class: ThrottleClass,
    is_finished: bool,
}

impl QueueTask {
    async fn run(mut self) {
        let shared = self.shared.clone();
        let Some(queue) = shared.queue(self.class) else { return };
        loop {
            {
                let mut state = queue.lock();
                state.waiting.retain(|one| !one.grant.is_closed());
                if state.waiting.is_empty() {
                    state.has_task = false;
                    self.is_finished = true;
                    return;
                }
            }
            match shared.take(queue).await {
                Next::Granted(permit) => queue.grant(permit),
                Next::After(time) => {
                    let now = shared.clock.now();
                    queue.refuse_impatient(now, &[time]);
                    // A shared store may impose a longer wait than it forecast.
                    let is_reported = now + time <= queue.lock().reported_until + REPORTED_WAIT;
                    if !is_reported && !queue.lock().waiting.is_empty() {
                        shared.report(queue, None, time);
                    }
                    tokio::select! {
                        () = shared.clock.sleep(time) => {}
                        () = queue.changed.notified() => {}
                    }
                }
            }
        }
    }
}

impl Drop for QueueTask {
    fn drop(&mut self) {
        let Some(queue) = self.shared.queue(self.class).filter(|_| !self.is_finished) else { return };
        // Dropped with its runtime while others wait. The callers of another runtime join the queue again.
        let mut state = queue.lock();
        state.has_task = false;
        state.waiting.clear();
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
        let limits = RateLimits::unlimited().with(CLASS, NonZeroU32::new(per_minute));
        let keys: Vec<Arc<str>> = (0..keys).map(|key| format!("key {key}").into()).collect();
        let store = Arc::new(InMemoryRateLimits::new(clock.clone()));
        let rate_limiter = RateLimiter::new(clock.clone(), store, waits.clone(), &limits, &keys);
        Setting { manual, clock, rate_limiter, waits }
    }

    impl Setting {
        fn seconds(&self) -> u64 {
            self.clock.now().since_origin().as_secs()
        }

        async fn acquire(&self, longest: Option<Duration>) -> Result<CallPermit, Duration> {
            self.rate_limiter.acquire(CLASS, longest, "test").await.map_err(|refused| refused.wait)
        }

        /// Starts calls one after the other. Returns the order and the seconds of their permits.
        async fn permits(&self, calls: usize) -> Vec<(usize, u64)> {
            let order = Arc::new(Mutex::new(Vec::new()));
            let tasks: Vec<_> = (0..calls)
                .map(|call| {
                    let (pace, clock, order) = (self.rate_limiter.clone(), self.clock.clone(), order.clone());
                    tokio::spawn(async move {
                        pace.acquire(CLASS, None, "test").await.unwrap();
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
        assert_eq!(setting.rate_limiter.per_minute(CLASS), Some(6));
        assert_eq!(self::setting(u32::MAX, 2).rate_limiter.per_minute(CLASS), Some(u32::MAX));
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
            tokio::spawn(async move { pace.acquire(CLASS, longest, "test").await.map_err(|refused| refused.wait) })
        };
        setting.manual.freeze();
        let (patient, impatient) = (spawn(None), spawn(Some(SECOND * 200)));
        setting.manual.until_sleepers(1).await;
        setting.rate_limiter.pause(CLASS, first.slot, SECOND * 3600).await;
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
            assert_eq!(setting.acquire(None).await.unwrap().slot, 1);
        }
        assert_eq!(setting.seconds(), 0);
    }

    #[tokio::test]
    async fn a_suspended_credential_gets_no_call_while_another_is_active() {
        let setting = setting(10, 2);
        assert!(setting.rate_limiter.suspend(1, SECOND * 300));
        for _ in 0..10 {
            assert_eq!(setting.acquire(None).await.unwrap().slot, 0);
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
            tokio::spawn(async move { pace.acquire(CLASS, None, "test").await.is_ok() })
        };
        setting.manual.until_sleepers(1).await;
        leaving.abort();
        assert!(leaving.await.unwrap_err().is_cancelled());
        setting.manual.set_auto_advance(Some(Duration::ZERO));
        setting.acquire(None).await.unwrap();
        assert_eq!(setting.seconds(), 61);
    }

    #[tokio::test]
    async fn a_future_that_is_not_polled_blocks_nobody() {
        let setting = setting(1, 1);
        setting.acquire(None).await.unwrap();
        let mut idle = Box::pin(setting.acquire(None));
        // Polled once to join the queue, and then not any more.
        assert!(idle.as_mut().now_or_never().is_none());
        setting.acquire(None).await.unwrap();
        assert_eq!(setting.seconds(), 122, "its permit expired unused");
        // Polled again, it gets another permit, and no minute contains two calls.
        idle.await.unwrap();
        assert_eq!(setting.seconds(), 183);
    }

    #[tokio::test]
    async fn a_class_without_a_limit_never_waits() {
        let setting = setting(1, 1);
        for _ in 0..100 {
            setting.rate_limiter.acquire(ThrottleClass::Users, None, "test").await.unwrap();
        }
        assert_eq!(setting.seconds(), 0);
        assert_eq!(setting.rate_limiter.per_minute(ThrottleClass::Users), None);
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
            tokio::spawn(async move { pace.acquire(CLASS, None, "test").await.is_ok() });
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
        fn acquire<'a>(&'a self, _: &'a RateLimit) -> crate::rate::RateLimitFuture<'a, Permit> {
            let wait = self.waits.lock().unwrap().pop();
            Box::pin(std::future::ready(wait.map_or(Permit::Granted(PermitId(1)), Permit::After)))
        }

        fn mark_sent<'a>(&'a self, _: &'a RateLimit, _: PermitId) -> crate::rate::RateLimitFuture<'a, ()> {
            Box::pin(std::future::ready(()))
        }

        fn forecast<'a>(&'a self, _: &'a RateLimit, _: usize) -> crate::rate::RateLimitFuture<'a, Duration> {
            Box::pin(std::future::ready(Duration::ZERO))
        }

        fn pause<'a>(&'a self, _: &'a RateLimit, _: Duration) -> crate::rate::RateLimitFuture<'a, ()> {
            Box::pin(std::future::ready(()))
        }
    }

    #[tokio::test]
    async fn a_wait_that_the_store_did_not_forecast_is_reported() {
        let manual = ManualClock::new().auto_advance(Duration::ZERO);
        let waits = Arc::new(Waits::default());
        let store = Arc::new(Optimistic { waits: Mutex::new(vec![SECOND * 30, SECOND * 7, SECOND * 7]) });
        let keys: [Arc<str>; 1] = ["key".into()];
        let limiter = RateLimiter::new(manual.clock(), store, waits.clone(), &RateLimits::documented(), &keys);
        limiter.acquire(CLASS, None, "test").await.unwrap();
        assert_eq!(*waits.0.lock().unwrap(), [(WaitReason::RateLimit, 7), (WaitReason::RateLimit, 30)]);
    }

    /// A store that never answers.
    struct Silent;

    impl RateLimitStore for Silent {
        fn acquire<'a>(&'a self, _: &'a RateLimit) -> crate::rate::RateLimitFuture<'a, Permit> {
            Box::pin(std::future::pending())
        }

        fn mark_sent<'a>(&'a self, _: &'a RateLimit, _: PermitId) -> crate::rate::RateLimitFuture<'a, ()> {
            Box::pin(std::future::pending())
        }

        fn forecast<'a>(&'a self, _: &'a RateLimit, _: usize) -> crate::rate::RateLimitFuture<'a, Duration> {
            Box::pin(std::future::pending())
        }

        fn pause<'a>(&'a self, _: &'a RateLimit, _: Duration) -> crate::rate::RateLimitFuture<'a, ()> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test]
    async fn a_store_that_does_not_answer_does_not_outlast_the_wait() {
        let manual = ManualClock::new().auto_advance(Duration::ZERO);
        let waits = Arc::new(Waits::default());
        let keys: [Arc<str>; 1] = ["key".into()];
        let limiter = RateLimiter::new(manual.clock(), Arc::new(Silent), waits, &RateLimits::documented(), &keys);
        for (longest, seconds) in [(Duration::ZERO, 10), (SECOND * 60, 70)] {
            limiter.acquire(CLASS, Some(longest), "test").await.unwrap_err();
            assert_eq!(manual.clock().now().since_origin().as_secs(), seconds);
        }
    }
}
