//! Rate limits, and the store that remembers which calls were made.

use std::{collections::BTreeMap, error::Error, future::Future, num::NonZeroU32, pin::Pin, sync::Arc, time::Duration};

use umapi_model::{CountedCalls, Operation, Throttle, ThrottleClass};

/// At most so many calls in any period of this length.
///
/// ```
/// use std::{num::NonZeroU32, time::Duration};
///
/// use umapi::RateLimit;
///
/// let quota = NonZeroU32::MIN;
/// assert_eq!(RateLimit::per_minute(quota), RateLimit::new(quota, Duration::from_secs(60)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RateLimit {
    period: Duration,
    quota: NonZeroU32,
}

impl RateLimit {
    /// Allows `quota` calls in any `period`.
    #[must_use]
    pub const fn new(quota: NonZeroU32, period: Duration) -> Self {
        Self { period, quota }
    }

    /// Allows `quota` calls in any minute.
    #[must_use]
    pub const fn per_minute(quota: NonZeroU32) -> Self {
        Self::new(quota, Duration::from_secs(60))
    }

    /// The number of calls in a period.
    #[must_use]
    pub const fn quota(self) -> NonZeroU32 {
        self.quota
    }

    /// The period in which the calls are counted.
    #[must_use]
    pub const fn period(self) -> Duration {
        self.period
    }

    fn of(throttle: &Throttle) -> Option<Self> {
        Some(Self::new(NonZeroU32::new(throttle.client)?, throttle.period))
    }
}

/// The calls that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RateLimitScope {
    /// Every call of the operations of a class.
    Class(ThrottleClass),
    /// The calls for the first page of a list. A repetition of such a call is not counted.
    FirstPage(Operation),
}

impl From<ThrottleClass> for RateLimitScope {
    fn from(class: ThrottleClass) -> Self {
        Self::Class(class)
    }
}

/// The rate limits of each credential.
///
/// ```
/// use std::num::NonZeroU32;
/// use umapi::{RateLimit, RateLimitScope, RateLimits, model::{Operation, ThrottleClass}};
///
/// let documented = RateLimits::default();
/// assert_eq!(documented.per_minute(ThrottleClass::Action), NonZeroU32::new(10));
/// let first_pages = documented.of(RateLimitScope::FirstPage(Operation::ListUsers));
/// let [first_page] = first_pages else { unreachable!() };
/// assert_eq!((first_page.quota().get(), first_page.period().as_secs()), (1, 7200));
///
/// // Half of it, to leave room for another program with the same credentials.
/// let half = documented.with(ThrottleClass::Action, NonZeroU32::new(5).map(RateLimit::per_minute));
/// assert_eq!(half.per_minute(ThrottleClass::Action), NonZeroU32::new(5));
/// ```
///
/// A client of an emulator without limits needs none, and a program with a list of its own does not wait for first pages:
///
/// ```
/// # use umapi::{RateLimitScope, RateLimits, model::{Operation, ThrottleClass}};
/// assert_eq!(RateLimits::unlimited().per_minute(ThrottleClass::Users), None);
/// let by_minute = RateLimits::documented().without_first_pages();
/// assert!(by_minute.of(RateLimitScope::FirstPage(Operation::ListUsers)).is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimits(BTreeMap<RateLimitScope, Vec<RateLimit>>);

impl RateLimits {
    /// The limits of the service's description. This is the default.
    ///
    /// They include the limits of hours: the service refuses every call of a client for most of an hour if the client reads
    /// the first page of all users, or of all groups, twice in two hours. That is known from reports of users, not from the
    /// documentation; [`without_first_pages`](Self::without_first_pages) turns it off.
    #[must_use]
    pub fn documented() -> Self {
        let mut limits = Self::unlimited();
        for operation in Operation::ALL {
            for throttle in operation.throttles() {
                let scope = match throttle.counts {
                    CountedCalls::FirstPage => RateLimitScope::FirstPage(operation),
                    _ => RateLimitScope::Class(throttle.class),
                };
                let known = limits.0.entry(scope).or_default();
                known.extend(RateLimit::of(throttle).filter(|limit| !known.contains(limit)));
            }
        }
        limits
    }

    /// No limits, e.g. for an emulator without limits. Responses of 429 still pause the calls.
    #[must_use]
    pub fn unlimited() -> Self {
        Self(BTreeMap::new())
    }

    /// Sets the limits of a class of operations or of a first page: one, several, or `None` for no limit.
    #[must_use]
    pub fn with(mut self, scope: impl Into<RateLimitScope>, limits: impl IntoIterator<Item = RateLimit>) -> Self {
        self.0.insert(scope.into(), limits.into_iter().collect());
        self
    }

    /// Removes the limits of first pages, which count in hours.
    #[must_use]
    pub fn without_first_pages(mut self) -> Self {
        self.0.retain(|scope, _| !matches!(scope, RateLimitScope::FirstPage(_)));
        self
    }

    /// The limits of a class of operations or of a first page. Empty if there is none.
    pub fn of(&self, scope: impl Into<RateLimitScope>) -> &[RateLimit] {
        self.0.get(&scope.into()).map_or(&[], Vec::as_slice)
    }

    /// The calls per minute of one class; `None` for no such limit.
    #[must_use]
    pub fn per_minute(&self, class: ThrottleClass) -> Option<NonZeroU32> {
        let minutes = self.of(class).iter().filter(|limit| limit.period == Duration::from_secs(60));
        minutes.map(|limit| limit.quota).min()
    }
}

impl Default for RateLimits {
    fn default() -> Self {
        Self::documented()
    }
}

/// The rate limits of one credential for the calls that are counted together: what a [`RateLimitStore`] is asked about.
///
/// A store keeps the calls of each [`api_key`](Self::api_key) and [`scope`](Self::scope), and grants a permit if every one of
/// the [`limits`](Self::limits) allows it. Without limits it grants every permit, except during a pause.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RateLimitSet {
    pub(super) api_key: Arc<str>,
    scope: RateLimitScope,
    limits: Vec<RateLimit>,
}

impl RateLimitSet {
    /// Creates a set, for example in a test of a store.
    pub fn new(
        api_key: impl Into<Arc<str>>,
        scope: impl Into<RateLimitScope>,
        limits: impl IntoIterator<Item = RateLimit>,
    ) -> Self {
        Self { api_key: api_key.into(), scope: scope.into(), limits: limits.into_iter().collect() }
    }

    /// The API key of the credential, by which the service counts calls.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// The calls that are counted.
    #[must_use]
    pub fn scope(&self) -> RateLimitScope {
        self.scope
    }

    /// The limits. All of them apply.
    #[must_use]
    pub fn limits(&self) -> &[RateLimit] {
        &self.limits
    }
}

/// Identifies a permit in its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PermitId(pub u64);

/// The answer of a store to a request for a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// One call may be made now.
    Granted(PermitId),
    /// No permit before this much time has passed.
    After(Duration),
}

/// The error of a store, for example of its connection to a database.
pub type RateLimitError = Box<dyn Error + Send + Sync>;

/// The future that the methods of a [`RateLimitStore`] return.
pub type RateLimitFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, RateLimitError>> + Send + 'a>>;

/// Remembers which calls were made. Replace the default [`InMemoryRateLimits`](crate::InMemoryRateLimits) with a store on a
/// database, for example, to share the rate limits among processes.
///
/// All times are durations, never moments, so that a store can use whatever clock its processes share. The order of the
/// calls within this process is not its concern: it is asked for one permit at a time.
///
/// Every method can fail. A call that cannot get a permit fails with that error and sends nothing. A failure of
/// [`mark_sent`](Self::mark_sent), [`release`](Self::release) or [`pause`](Self::pause) is logged, and the call goes on: this
/// process honors a pause by itself. A method that does not answer within ten seconds has failed.
///
/// A store on a table, which could be one of a database:
///
/// ```
/// use std::{collections::HashMap, sync::{Arc, Mutex}, time::Duration};
///
/// use umapi::{
///     Permit, PermitId, RateLimitError, RateLimitFuture, RateLimitScope, RateLimitSet,
///     RateLimitStore, time::{Clock, Instant},
/// };
///
/// /// The rows of one API key and scope: when each call was sent, and the end of the pause.
/// #[derive(Default)]
/// struct Rows {
///     sent: HashMap<PermitId, Instant>,
///     pause: Option<Instant>,
///     last_id: u64,
/// }
///
/// impl Rows {
///     /// The time until every limit leaves a call.
///     fn wait(&self, limits: &RateLimitSet, now: Instant) -> Duration {
///         let pause = self.pause.map_or(Duration::ZERO, |end| end - now);
///         let waits = limits.limits().iter().map(|limit| {
///             let mut ages: Vec<Duration> = self.sent.values().map(|sent| now - *sent).collect();
///             ages.sort_unstable();
///             let oldest = ages.get(limit.quota().get() as usize - 1);
///             oldest.map_or(Duration::ZERO, |age| limit.period().saturating_sub(*age))
///         });
///         waits.fold(pause, Duration::max)
///     }
/// }
///
/// #[derive(Clone)]
/// struct Table(Clock, Arc<Mutex<HashMap<(String, RateLimitScope), Rows>>>);
///
/// impl Table {
///     /// Does something with the rows, as one transaction.
///     fn with<T: Send + 'static>(
///         &self,
///         limits: &RateLimitSet,
///         act: impl FnOnce(&mut Rows, Instant) -> T,
///     ) -> RateLimitFuture<'static, T> {
///         let key = (limits.api_key().to_owned(), limits.scope());
///         let result = match self.1.lock() {
///             Ok(mut table) => Ok(act(table.entry(key).or_default(), self.0.now())),
///             Err(error) => Err(RateLimitError::from(error.to_string())),
///         };
///         Box::pin(std::future::ready(result))
///     }
/// }
///
/// impl RateLimitStore for Table {
///     fn acquire<'a>(&'a self, limits: &'a RateLimitSet) -> RateLimitFuture<'a, Permit> {
///         self.with(limits, |rows, now| match rows.wait(limits, now) {
///             Duration::ZERO => {
///                 rows.last_id += 1;
///                 rows.sent.insert(PermitId(rows.last_id), now);
///                 Permit::Granted(PermitId(rows.last_id))
///             }
///             wait => Permit::After(wait),
///         })
///     }
///
///     fn mark_sent<'a>(
///         &'a self,
///         limits: &'a RateLimitSet,
///         permit: PermitId,
///     ) -> RateLimitFuture<'a, ()> {
///         self.with(limits, |rows, now| drop(rows.sent.insert(permit, now)))
///     }
///
///     fn release<'a>(
///         &'a self,
///         limits: &'a RateLimitSet,
///         permit: PermitId,
///     ) -> RateLimitFuture<'a, ()> {
///         self.with(limits, |rows, _| drop(rows.sent.remove(&permit)))
///     }
///
///     fn forecast<'a>(
///         &'a self,
///         limits: &'a RateLimitSet,
///         ahead: usize,
///     ) -> RateLimitFuture<'a, Duration> {
///         let periods = limits.limits().iter();
///         let periods = periods.map(|limit| limit.period() * (ahead as u32 / limit.quota()));
///         let more = periods.max().unwrap_or_default();
///         self.with(limits, |rows, now| rows.wait(limits, now) + more)
///     }
///
///     fn pause<'a>(&'a self, limits: &'a RateLimitSet, time: Duration) -> RateLimitFuture<'a, ()> {
///         self.with(limits, |rows, now| rows.pause = rows.pause.max(Some(now + time)))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let emulator = umapi_emulator::Emulator::start().await?;
/// let table = Table(Clock::real(), Arc::default());
/// let client = emulator.client_builder()?.rate_limit_store(table.clone()).build()?;
/// client.users().get("ann@example.com").await?;
/// let calls = table.1.lock().unwrap().values().map(|rows| rows.sent.len()).sum::<usize>();
/// assert_eq!(calls, 1);
/// # Ok(()) }
/// ```
///
/// A table grows with its rows; a store in use removes those whose periods are over.
pub trait RateLimitStore: Send + Sync + 'static {
    /// Takes a permit if there is one now.
    fn acquire<'a>(&'a self, limits: &'a RateLimitSet) -> RateLimitFuture<'a, Permit>;

    /// Reports that the call of a permit is sent only now, for example because a login came first. Its periods start here.
    fn mark_sent<'a>(&'a self, limits: &'a RateLimitSet, permit: PermitId) -> RateLimitFuture<'a, ()>;

    /// Takes back a permit without a call: its call was dropped, or its login failed. By default the permit stays taken until
    /// its periods are over.
    fn release<'a>(&'a self, limits: &'a RateLimitSet, permit: PermitId) -> RateLimitFuture<'a, ()> {
        let _ = (limits, permit);
        Box::pin(std::future::ready(Ok(())))
    }

    /// Estimates the time until there is a permit for a call with `ahead` other calls before it.
    fn forecast<'a>(&'a self, limits: &'a RateLimitSet, ahead: usize) -> RateLimitFuture<'a, Duration>;

    /// Grants no permit of this credential and scope before this much time has passed, because the service asked to wait. Of
    /// several pauses, the one that ends last applies. It is called for every scope that has to wait.
    fn pause<'a>(&'a self, limits: &'a RateLimitSet, time: Duration) -> RateLimitFuture<'a, ()>;
}

/// A store that several clients of one process share.
impl<S: RateLimitStore + ?Sized> RateLimitStore for Arc<S> {
    fn acquire<'a>(&'a self, limits: &'a RateLimitSet) -> RateLimitFuture<'a, Permit> {
        (**self).acquire(limits)
    }

    fn mark_sent<'a>(&'a self, limits: &'a RateLimitSet, permit: PermitId) -> RateLimitFuture<'a, ()> {
        (**self).mark_sent(limits, permit)
    }

    fn release<'a>(&'a self, limits: &'a RateLimitSet, permit: PermitId) -> RateLimitFuture<'a, ()> {
        (**self).release(limits, permit)
    }

    fn forecast<'a>(&'a self, limits: &'a RateLimitSet, ahead: usize) -> RateLimitFuture<'a, Duration> {
        (**self).forecast(limits, ahead)
    }

    fn pause<'a>(&'a self, limits: &'a RateLimitSet, time: Duration) -> RateLimitFuture<'a, ()> {
        (**self).pause(limits, time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_limits_come_from_the_description() {
        let limits = RateLimits::documented();
        let numbers = ThrottleClass::ALL.map(|class| limits.per_minute(class).map(NonZeroU32::get));
        assert_eq!(numbers, [Some(10), Some(25), Some(5), Some(5)]);
        assert!(ThrottleClass::ALL.iter().all(|class| limits.of(*class).len() == 1), "one limit for each class");
        for operation in Operation::ALL {
            let hours =
                limits.of(RateLimitScope::FirstPage(operation)).iter().map(|limit| limit.period.as_secs() / 3600);
            let expected: &[u64] =
                if matches!(operation, Operation::ListUsers | Operation::ListGroups) { &[2] } else { &[] };
            assert_eq!(hours.collect::<Vec<_>>(), expected, "{operation:?}");
        }
        assert_eq!(RateLimits::unlimited().per_minute(ThrottleClass::Users), None);
        assert!(limits.without_first_pages().of(RateLimitScope::FirstPage(Operation::ListUsers)).is_empty());
    }

    #[test]
    fn the_tightest_limit_of_a_minute_is_the_one_per_minute() {
        let limit = |quota: u32, seconds| RateLimit::new(quota.try_into().unwrap(), Duration::from_secs(seconds));
        let limits = [limit(9, 60), limit(7, 60), limit(3, 3600)];
        let limits = RateLimits::unlimited().with(ThrottleClass::Users, limits);
        assert_eq!(limits.per_minute(ThrottleClass::Users), NonZeroU32::new(7));
    }
}
