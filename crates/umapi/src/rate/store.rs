//! What the pace has to remember, behind a trait.

use std::{future::Future, num::NonZeroU32, pin::Pin, sync::Arc, time::Duration};

use umapi_model::ThrottleClass;

/// What the methods of a [`RateLimitStore`] give back.
pub type RateLimitFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Calls a minute that one credential has for one class of operations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RateLimit {
    pub(crate) api_key: Arc<str>,
    pub(crate) class: ThrottleClass,
    pub(crate) per_minute: Option<NonZeroU32>,
}

impl RateLimit {
    /// The API key of the credential, which the service counts by.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// The class of operations.
    #[must_use]
    pub fn class(&self) -> ThrottleClass {
        self.class
    }

    /// How many calls a minute; nothing for any number of them.
    #[must_use]
    pub fn per_minute(&self) -> Option<NonZeroU32> {
        self.per_minute
    }
}

/// A turn that was taken, so that it can be spoken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PermitId(pub u64);

/// The answer to the question for a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// It is taken: one call may be made.
    Granted(PermitId),
    /// There is none before so much time has passed.
    After(Duration),
}

/// Remembers which calls were made. Put one of your own in place of [`InMemoryRateLimits`](crate::InMemoryRateLimits), on a database
/// say, and several processes share one pace.
///
/// All times are spans and never moments, so that a store may go by whatever clock its processes share. Who of this
/// process comes first is not its business: it is asked for one turn at a time.
pub trait RateLimitStore: Send + Sync + 'static {
    /// Takes a turn, if there is one now.
    fn take<'a>(&'a self, allowance: &'a RateLimit) -> RateLimitFuture<'a, Permit>;

    /// Says that the call of a turn goes out only now, a login having come between: its minute counts from here.
    fn sent<'a>(&'a self, allowance: &'a RateLimit, turn: PermitId) -> RateLimitFuture<'a, ()>;

    /// How long until there is a turn for one who has `ahead` others before it. An estimate will do.
    fn forecast<'a>(&'a self, allowance: &'a RateLimit, ahead: usize) -> RateLimitFuture<'a, Duration>;

    /// Gives out no turn before so much time has passed, because the service answered 429. The longer of two such
    /// times counts.
    fn hold_back<'a>(&'a self, allowance: &'a RateLimit, time: Duration) -> RateLimitFuture<'a, ()>;
}

/// A store that is shared: by several clients of one process, say.
impl<S: RateLimitStore + ?Sized> RateLimitStore for Arc<S> {
    fn take<'a>(&'a self, allowance: &'a RateLimit) -> RateLimitFuture<'a, Permit> {
        (**self).take(allowance)
    }

    fn sent<'a>(&'a self, allowance: &'a RateLimit, turn: PermitId) -> RateLimitFuture<'a, ()> {
        (**self).sent(allowance, turn)
    }

    fn forecast<'a>(&'a self, allowance: &'a RateLimit, ahead: usize) -> RateLimitFuture<'a, Duration> {
        (**self).forecast(allowance, ahead)
    }

    fn hold_back<'a>(&'a self, allowance: &'a RateLimit, time: Duration) -> RateLimitFuture<'a, ()> {
        (**self).hold_back(allowance, time)
    }
}
