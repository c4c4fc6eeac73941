//! The rate limits of an API key that several processes share.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use redis::Value;
use umapi::{
    InMemoryRateLimits, Permit, PermitId, RateLimit, RateLimitError, RateLimitFuture, RateLimitScope, RateLimitSet,
    RateLimitStore,
    time::{Clock, Instant},
};

use crate::{
    Error, FailurePolicy, Redis,
    connection::{Invocation, Script},
    keys::{Keys, hex},
};

const SCRIPT: &str = include_str!("rate_limits.lua");

/// Added to each period. The service counts calls when they arrive, and one call may take longer to arrive than another.
const MARGIN: Duration = Duration::from_secs(1);

/// How long the turn of a waiting process is kept for it. If it does not come, the turn passes on.
const GRACE: Duration = Duration::from_secs(2);

/// How long the state is kept in Redis after its last period.
const TTL_SLACK: Duration = Duration::from_secs(600);

/// How far the server's clock may be ahead of what this process expects before it counts as a jump.
const CLOCK_SLACK: Duration = Duration::from_secs(1);

/// A process on its own asks Redis again after this time.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// A longer wait is not believed.
const MAX_WAIT: Duration = Duration::from_secs(400 * 24 * 3600);

/// A [`RateLimitStore`] that shares the limits of each API key among all processes that use the same Redis.
///
/// ```no_run
/// use umapi::{Client, auth::{Credentials, Session}};
/// use umapi_redis::{Redis, SharedRateLimits, SharedTokens};
///
/// # fn run() -> Result<Client, Box<dyn std::error::Error>> {
/// let organization = "12345@AdobeOrg";
/// let credentials = Credentials::from_env()?;
/// let redis = Redis::builder("rediss://umapi@redis.example:6380").password("…").build()?;
/// let login = Session::new(credentials.clone())?;
/// let tokens = SharedTokens::new(&redis, organization, &credentials, login)?;
/// let client = Client::builder(organization)
///     .token_source(credentials.client_id(), tokens)
///     .rate_limit_store(SharedRateLimits::new(&redis, organization))
///     .build()?;
/// # Ok(client)
/// # }
/// ```
///
/// * The calls are counted over a sliding window, on the server's clock, by one script for each exchange.
/// * The processes queue: each one that waits has a place, and gets its turn before those that came later. A place is kept for two
///   seconds after its turn.
/// * A pause that the service asks for applies to all processes.
/// * Each process also counts its own calls, so that no answer of a server, however wrong, makes one process exceed a limit.
pub struct SharedRateLimits {
    redis: Redis,
    organization: String,
    script: Arc<Script>,
    /// What the places and permits of this store are called in Redis.
    process: String,
    margin: Duration,
    started: Instant,
    /// The calls of this process, within the whole limits.
    own: InMemoryRateLimits,
    /// The calls of this process, within its share of the limits.
    share: InMemoryRateLimits,
    permits: AtomicU64,
    counting: Mutex<()>,
    scopes: Mutex<HashMap<(String, RateLimitScope), Known>>,
    /// The last failure, and until when Redis is not asked again by a process that can go on alone.
    failure: Mutex<Option<(Error, Instant)>>,
}

/// What this process knows of the state of a scope.
#[derive(Clone, Debug, Default)]
struct Known {
    last: Option<Contact>,
    /// Until when this process keeps to its share, because it, and maybe others, made calls that Redis does not know.
    alone_until: Option<Instant>,
}

#[derive(Clone, Debug)]
struct Contact {
    epoch: String,
    seq: u64,
    /// The time of the state, in milliseconds, not before `asked_at`.
    time: i64,
    asked_at: Instant,
    /// When all calls that were known are over.
    busy_until: Instant,
    answered_at: Instant,
}

/// The answer of the script.
#[derive(Debug, PartialEq)]
struct Answer {
    is_granted: bool,
    wait: Duration,
    busy: Duration,
    time: i64,
    epoch: String,
    seq: u64,
}

impl SharedRateLimits {
    /// Creates a store for the API keys of an organization.
    #[must_use]
    pub fn new(redis: &Redis, organization: &str) -> Self {
        Self::with_margin(redis, organization, MARGIN)
    }

    /// Like [`new`](Self::new), with another time that is added to each period. The default is a second. It is at least the
    /// difference between the times that two calls take to arrive.
    #[must_use]
    pub fn with_margin(redis: &Redis, organization: &str, margin: Duration) -> Self {
        let clock = redis.clock().clone();
        Self {
            redis: redis.clone(),
            organization: organization.to_owned(),
            script: Arc::new(Script::new(SCRIPT)),
            process: random_name(),
            margin,
            started: clock.now(),
            own: InMemoryRateLimits::with_margin(clock.clone(), margin),
            share: InMemoryRateLimits::with_margin(clock, margin),
            permits: AtomicU64::new(1),
            counting: Mutex::default(),
            scopes: Mutex::default(),
            failure: Mutex::default(),
        }
    }

    fn clock(&self) -> &Clock {
        self.redis.clock()
    }

    async fn acquire_permit(&self, limits: &RateLimitSet) -> Result<Permit, RateLimitError> {
        let permit = PermitId(self.permits.fetch_add(1, Ordering::Relaxed));
        match self.ask(limits, "acquire", &self.name_of(permit)).await {
            Ok(answer) if answer.is_granted => {}
            Ok(answer) => return Ok(Permit::After(answer.wait)),
            Err(error) => return self.go_on_alone(limits, permit, error),
        }
        let share = self.share_of(limits);
        let is_alone = self.known(limits).alone_until.is_some_and(|until| self.clock().now() < until);
        // Not more than its share until the calls that Redis does not know are over.
        let wait = self.count(limits, share.as_ref(), is_alone, Duration::ZERO, permit)?;
        if wait.is_zero() {
            return Ok(Permit::Granted(permit));
        }
        let _ = self.ask(limits, "release", &self.name_of(permit)).await;
        Ok(Permit::After(wait))
    }

    /// Grants a permit of this process's share, or fails if it has none.
    fn go_on_alone(&self, limits: &RateLimitSet, permit: PermitId, error: Error) -> Result<Permit, RateLimitError> {
        let Some(share) = self.share_of(limits) else { return Err(error.into()) };
        let wait = self.count(limits, Some(&share), true, self.wait_alone(limits), permit)?;
        if !wait.is_zero() {
            return Ok(Permit::After(wait.min(ASK_AGAIN)));
        }
        let until = self.clock().now() + self.shortest(limits);
        self.scopes().entry(scope_of(limits)).or_default().alone_until = Some(until);
        Ok(Permit::Granted(permit))
    }

    /// Counts a permit, if this process has room for it. Otherwise it returns how long to wait.
    fn count(
        &self,
        limits: &RateLimitSet,
        share: Option<&RateLimitSet>,
        is_alone: bool,
        wait: Duration,
        permit: PermitId,
    ) -> Result<Duration, RateLimitError> {
        // Between both steps, no other permit is counted.
        let _counting = self.counting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wait = wait.max(ready(self.own.forecast(limits, 0))?);
        if let (Some(share), true) = (share, is_alone) {
            wait = wait.max(ready(self.share.forecast(share, 0))?);
        }
        if wait.is_zero() {
            ready(self.own.mark_sent(limits, permit))?;
            if let Some(share) = share {
                ready(self.share.mark_sent(share, permit))?;
            }
        }
        Ok(wait)
    }

    /// How long this process waits without Redis, until all calls that others may have made are over.
    fn wait_alone(&self, limits: &RateLimitSet) -> Duration {
        let contact = self.known(limits).last.map_or(self.started, |last| last.answered_at);
        contact + self.shortest(limits) - self.clock().now()
    }

    /// Reports something to Redis. A process that can go on alone need not succeed.
    async fn report(
        &self,
        limits: &RateLimitSet,
        operation: &'static str,
        argument: &str,
    ) -> Result<(), RateLimitError> {
        match self.ask(limits, operation, argument).await {
            Err(error) if self.share_of(limits).is_none() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Asks the script.
    async fn ask(&self, limits: &RateLimitSet, operation: &'static str, argument: &str) -> Result<Answer, Error> {
        let asked_at = self.clock().now();
        let can_go_on = self.redis.policy() != FailurePolicy::Fail;
        if can_go_on
            && let Some((error, until)) = &*self.failure()
            && asked_at < *until
        {
            return Err(error.clone());
        }
        let known = self.known(limits).last;
        let answer = self.redis.invoke(self.invocation(limits, operation, argument, known.as_ref(), asked_at)).await;
        let answer = answer.and_then(|value| {
            Answer::of(&value).ok_or_else(|| self.redis.unreadable("the answer of the script is not one"))
        });
        let now = self.clock().now();
        let before = std::mem::replace(
            &mut *self.failure(),
            answer.as_ref().err().map(|error| (error.clone(), now + ASK_AGAIN)),
        );
        match (&answer, before) {
            (Err(error), None) if can_go_on => {
                tracing::warn!(%error, "redis fails, going on with a share of the rate limits");
            }
            (Ok(_), Some(_)) => tracing::info!("redis works again"),
            _ => {}
        }
        let answer = answer?;
        let mut scopes = self.scopes();
        let scope = scopes.entry(scope_of(limits)).or_default();
        let is_newer = scope.last.as_ref().is_none_or(|last| {
            // A state that is older than what was known before the question has lost something.
            let has_lost = known.as_ref().is_some_and(|known| known.epoch == answer.epoch && known.seq > answer.seq);
            last.epoch != answer.epoch || last.seq <= answer.seq || has_lost
        });
        if is_newer {
            scope.last = Some(Contact {
                epoch: answer.epoch.clone(),
                seq: answer.seq,
                time: answer.time,
                asked_at,
                busy_until: now + answer.busy,
                answered_at: now,
            });
        }
        drop(scopes);
        Ok(answer)
    }

    fn invocation(
        &self,
        limits: &RateLimitSet,
        operation: &str,
        argument: &str,
        known: Option<&Contact>,
        now: Instant,
    ) -> Invocation {
        let keys = Keys::new(&self.organization, limits.api_key());
        let (epoch, seq, hold, expected, slack) = match known {
            None => ("", 0, Duration::ZERO, -1, Duration::ZERO),
            Some(known) => {
                let elapsed = now - known.asked_at;
                let expected = known.time.saturating_add(millis(elapsed));
                // Clocks run at slightly different speeds.
                let slack = CLOCK_SLACK + elapsed / 500;
                (known.epoch.as_str(), known.seq, known.busy_until - now, expected, slack)
            }
        };
        let limits_text: Vec<String> =
            limits.limits().iter().map(|limit| format!("{}:{}", limit.quota(), millis(self.period(*limit)))).collect();
        let arguments = [
            operation.to_owned(),
            self.process.clone(),
            random_name(),
            epoch.to_owned(),
            seq.to_string(),
            millis(hold).to_string(),
            expected.to_string(),
            millis(slack).to_string(),
            millis(GRACE).to_string(),
            millis(TTL_SLACK).to_string(),
            argument.to_owned(),
            limits_text.join(","),
        ];
        Invocation {
            script: self.script.clone(),
            tag: keys.tag().to_owned(),
            keys: vec![keys.rate(limits.scope())],
            arguments: arguments.into_iter().map(String::into_bytes).collect(),
        }
    }

    /// The name of a permit in Redis.
    fn name_of(&self, permit: PermitId) -> String {
        format!("{}.{}", self.process, permit.0)
    }

    fn period(&self, limit: RateLimit) -> Duration {
        limit.period().saturating_add(self.margin)
    }

    fn shortest(&self, limits: &RateLimitSet) -> Duration {
        limits.limits().iter().map(|limit| self.period(*limit)).min().unwrap_or_default()
    }

    /// The share of this process, if it may go on alone.
    fn share_of(&self, limits: &RateLimitSet) -> Option<RateLimitSet> {
        let FailurePolicy::OwnShare { processes } = self.redis.policy() else { return None };
        let share = limits.limits().iter().map(|limit| share(*limit, processes.get()));
        Some(RateLimitSet::new(limits.api_key(), limits.scope(), share))
    }

    fn known(&self, limits: &RateLimitSet) -> Known {
        self.scopes().get(&scope_of(limits)).cloned().unwrap_or_default()
    }

    fn scopes(&self) -> MutexGuard<'_, HashMap<(String, RateLimitScope), Known>> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failure(&self) -> MutexGuard<'_, Option<(Error, Instant)>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RateLimitStore for SharedRateLimits {
    fn acquire<'a>(&'a self, limits: &'a RateLimitSet) -> RateLimitFuture<'a, Permit> {
        Box::pin(self.acquire_permit(limits))
    }

    fn mark_sent<'a>(&'a self, limits: &'a RateLimitSet, permit: PermitId) -> RateLimitFuture<'a, ()> {
        Box::pin(async move {
            ready(self.own.mark_sent(limits, permit))?;
            if let Some(share) = self.share_of(limits) {
                ready(self.share.mark_sent(&share, permit))?;
            }
            self.report(limits, "sent", &self.name_of(permit)).await
        })
    }

    fn release<'a>(&'a self, limits: &'a RateLimitSet, permit: PermitId) -> RateLimitFuture<'a, ()> {
        Box::pin(async move {
            ready(self.own.release(limits, permit))?;
            ready(self.share.release(limits, permit))?;
            self.report(limits, "release", &self.name_of(permit)).await
        })
    }

    fn forecast<'a>(&'a self, limits: &'a RateLimitSet, ahead: usize) -> RateLimitFuture<'a, Duration> {
        Box::pin(async move {
            let own = ready(self.own.forecast(limits, ahead))?;
            match (self.ask(limits, "forecast", &ahead.to_string()).await, self.share_of(limits)) {
                (Ok(answer), _) => Ok(answer.wait.max(own)),
                (Err(_), Some(share)) => {
                    Ok(self.wait_alone(limits).max(ready(self.share.forecast(&share, ahead))?).max(own))
                }
                (Err(error), None) => Err(error.into()),
            }
        })
    }

    fn pause<'a>(&'a self, limits: &'a RateLimitSet, time: Duration) -> RateLimitFuture<'a, ()> {
        Box::pin(async move {
            ready(self.own.pause(limits, time))?;
            ready(self.share.pause(limits, time))?;
            self.report(limits, "pause", &millis(time).to_string()).await
        })
    }
}

impl fmt::Debug for SharedRateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedRateLimits")
            .field("redis", &self.redis)
            .field("organization", &self.organization)
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// Reads an answer. `None` if it is not one, or cannot be true.
    fn of(value: &Value) -> Option<Self> {
        let Value::Array(parts) = value else { return None };
        let [granted, wait, busy, time, epoch, seq] = parts.as_slice() else { return None };
        let is_granted = match granted {
            Value::Int(0) => false,
            Value::Int(1) => true,
            _ => return None,
        };
        let text = |value: &Value| match value {
            Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
            Value::SimpleString(text) => Some(text.clone()),
            Value::Int(number) => Some(number.to_string()),
            _ => None,
        };
        let duration = |value: &Value| {
            let time = Duration::from_millis(text(value)?.parse().ok()?);
            (time <= MAX_WAIT).then_some(time)
        };
        let epoch = text(epoch).filter(|epoch| !epoch.is_empty() && epoch.len() <= 64)?;
        let time = text(time)?.parse().ok()?;
        Some(Self {
            is_granted,
            wait: duration(wait)?,
            busy: duration(busy)?,
            time,
            epoch,
            seq: text(seq)?.parse().ok()?,
        })
    }
}

/// The part of a limit that one of several processes has.
fn share(limit: RateLimit, processes: u32) -> RateLimit {
    let quota = limit.quota().get();
    match std::num::NonZeroU32::new(quota / processes) {
        Some(part) => RateLimit::new(part, limit.period()),
        None => RateLimit::new(std::num::NonZeroU32::MIN, limit.period().saturating_mul(processes.div_ceil(quota))),
    }
}

/// The result of a store in memory, which never waits.
fn ready<T>(future: RateLimitFuture<'_, T>) -> Result<T, RateLimitError> {
    future.now_or_never().unwrap_or_else(|| Err("the count in memory did not answer".into()))
}

fn scope_of(limits: &RateLimitSet) -> (String, RateLimitScope) {
    (limits.api_key().to_owned(), limits.scope())
}

/// Whole milliseconds, rounded up.
fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
}

/// A name that no other process has.
pub(crate) fn random_name() -> String {
    let mut bytes = [0; 8];
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        bytes = fastrand::u64(..).to_be_bytes();
    }
    hex(&bytes)
}

#[cfg(test)]
mod tests;
