//! Rate limits, and the store that remembers which calls were made.

use std::{collections::BTreeMap, future::Future, num::NonZeroU32, pin::Pin, sync::Arc, time::Duration};

use umapi_model::{Operation, ThrottleClass};

/// The calls per minute that one credential may make, for each class of operations.
///
/// ```
/// use std::num::NonZeroU32;
/// use umapi::{RateLimits, model::ThrottleClass};
///
/// let documented = RateLimits::default();
/// assert_eq!(documented.per_minute(ThrottleClass::Action), NonZeroU32::new(10));
///
/// // Half of it, to leave room for another program with the same credentials.
/// let half = documented.with(ThrottleClass::Action, NonZeroU32::new(5));
/// assert_eq!(half.per_minute(ThrottleClass::Action), NonZeroU32::new(5));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimits(BTreeMap<ThrottleClass, NonZeroU32>);

impl RateLimits {
    /// The limits of the service's description. This is the default.
    #[must_use]
    pub fn documented() -> Self {
        let throttles = Operation::ALL.iter().filter_map(|operation| operation.throttle());
        Self(throttles.filter_map(|one| Some((one.class, NonZeroU32::new(one.client)?))).collect())
    }

    /// No limits, e.g. for an emulator without limits. Responses of 429 still pause the calls.
    #[must_use]
    pub fn unlimited() -> Self {
        Self(BTreeMap::new())
    }

    /// Sets the calls per minute of one class; `None` for no limit.
    #[must_use]
    pub fn with(mut self, class: ThrottleClass, per_minute: Option<NonZeroU32>) -> Self {
        match per_minute {
            Some(number) => drop(self.0.insert(class, number)),
            None => drop(self.0.remove(&class)),
        }
        self
    }

    /// The calls per minute of one class; `None` for no limit.
    #[must_use]
    pub fn per_minute(&self, class: ThrottleClass) -> Option<NonZeroU32> {
        self.0.get(&class).copied()
    }
}

impl Default for RateLimits {
    fn default() -> Self {
        Self::documented()
    }
}

/// The rate limit of one credential for one class of operations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RateLimit {
    pub(super) api_key: Arc<str>,
    pub(super) class: ThrottleClass,
    pub(super) per_minute: Option<NonZeroU32>,
}

impl RateLimit {
    /// The API key of the credential, by which the service counts calls.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// The class of operations.
    #[must_use]
    pub fn class(&self) -> ThrottleClass {
        self.class
    }

    /// The quota: calls per minute, or `None` for no limit.
    #[must_use]
    pub fn per_minute(&self) -> Option<NonZeroU32> {
        self.per_minute
    }

    /// The period of the quota.
    #[must_use]
    pub fn period(&self) -> Duration {
        Duration::from_secs(60)
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

/// The future that the methods of a [`RateLimitStore`] return.
pub type RateLimitFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Remembers which calls were made. Replace the default [`InMemoryRateLimits`](crate::InMemoryRateLimits) with a store on a
/// database, for example, to share the rate limits among processes.
///
/// All times are durations, never moments, so that a store can use whatever clock its processes share. The order of the
/// calls within this process is not its concern: it is asked for one permit at a time.
pub trait RateLimitStore: Send + Sync + 'static {
    /// Takes a permit if there is one now.
    fn acquire<'a>(&'a self, limit: &'a RateLimit) -> RateLimitFuture<'a, Permit>;

    /// Reports that the call of a permit is sent only now, for example because a login came first. Its minute starts here.
    fn mark_sent<'a>(&'a self, limit: &'a RateLimit, permit: PermitId) -> RateLimitFuture<'a, ()>;

    /// Takes back a permit without a call: its call was dropped, or its login failed. By default the permit stays taken until
    /// its minute is over.
    fn release<'a>(&'a self, limit: &'a RateLimit, permit: PermitId) -> RateLimitFuture<'a, ()> {
        let _ = (limit, permit);
        Box::pin(std::future::ready(()))
    }

    /// Estimates the time until there is a permit for a call with `ahead` other calls before it.
    fn forecast<'a>(&'a self, limit: &'a RateLimit, ahead: usize) -> RateLimitFuture<'a, Duration>;

    /// Grants no permit before this much time has passed, because the service asked to wait. Of several pauses, the one that
    /// ends last applies.
    fn pause<'a>(&'a self, limit: &'a RateLimit, time: Duration) -> RateLimitFuture<'a, ()>;
}

/// A store that several clients of one process share.
impl<S: RateLimitStore + ?Sized> RateLimitStore for Arc<S> {
    fn acquire<'a>(&'a self, limit: &'a RateLimit) -> RateLimitFuture<'a, Permit> {
        (**self).acquire(limit)
    }

    fn mark_sent<'a>(&'a self, limit: &'a RateLimit, permit: PermitId) -> RateLimitFuture<'a, ()> {
        (**self).mark_sent(limit, permit)
    }

    fn release<'a>(&'a self, limit: &'a RateLimit, permit: PermitId) -> RateLimitFuture<'a, ()> {
        (**self).release(limit, permit)
    }

    fn forecast<'a>(&'a self, limit: &'a RateLimit, ahead: usize) -> RateLimitFuture<'a, Duration> {
        (**self).forecast(limit, ahead)
    }

    fn pause<'a>(&'a self, limit: &'a RateLimit, time: Duration) -> RateLimitFuture<'a, ()> {
        (**self).pause(limit, time)
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
        assert_eq!(RateLimits::unlimited().per_minute(ThrottleClass::Users), None);
    }
}
