//! What the pace has to remember, behind a trait.

use std::{future::Future, num::NonZeroU32, pin::Pin, sync::Arc, time::Duration};

use umapi_model::limits::ThrottleClass;

/// What the methods of a [`PaceStore`] give back.
pub type PaceFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Calls a minute that one credential has for one class of operations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Allowance {
    pub(crate) api_key: Arc<str>,
    pub(crate) class: ThrottleClass,
    pub(crate) per_minute: Option<NonZeroU32>,
}

impl Allowance {
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
pub struct TurnId(pub u64);

/// The answer to the question for a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is taken: one call may be made.
    Taken(TurnId),
    /// There is none before so much time has passed.
    After(Duration),
}

/// Remembers which calls were made. Put one of your own in place of [`InMemoryPace`](crate::InMemoryPace), on a database
/// say, and several processes share one pace.
///
/// All times are spans and never moments, so that a store may go by whatever clock its processes share. Who of this
/// process comes first is not its business: it is asked for one turn at a time.
pub trait PaceStore: Send + Sync + 'static {
    /// Takes a turn, if there is one now.
    fn take<'a>(&'a self, allowance: &'a Allowance) -> PaceFuture<'a, Turn>;

    /// Says that the call of a turn goes out only now, a login having come between: its minute counts from here.
    fn sent<'a>(&'a self, allowance: &'a Allowance, turn: TurnId) -> PaceFuture<'a, ()>;

    /// How long until there is a turn for one who has `ahead` others before it. An estimate will do.
    fn forecast<'a>(&'a self, allowance: &'a Allowance, ahead: usize) -> PaceFuture<'a, Duration>;

    /// Gives out no turn before so much time has passed, because the service answered 429. The longer of two such
    /// times counts.
    fn hold_back<'a>(&'a self, allowance: &'a Allowance, time: Duration) -> PaceFuture<'a, ()>;
}

/// A store that is shared: by several clients of one process, say.
impl<S: PaceStore + ?Sized> PaceStore for Arc<S> {
    fn take<'a>(&'a self, allowance: &'a Allowance) -> PaceFuture<'a, Turn> {
        (**self).take(allowance)
    }

    fn sent<'a>(&'a self, allowance: &'a Allowance, turn: TurnId) -> PaceFuture<'a, ()> {
        (**self).sent(allowance, turn)
    }

    fn forecast<'a>(&'a self, allowance: &'a Allowance, ahead: usize) -> PaceFuture<'a, Duration> {
        (**self).forecast(allowance, ahead)
    }

    fn hold_back<'a>(&'a self, allowance: &'a Allowance, time: Duration) -> PaceFuture<'a, ()> {
        (**self).hold_back(allowance, time)
    }
}
