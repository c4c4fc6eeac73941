//! Protects the client from panics of an observer.

use umapi_http::log_panic;

use crate::observer::{Observer, forward_events};

/// An observer whose panics are logged and ignored.
pub(crate) struct FencedObserver<O>(pub(crate) O);

macro_rules! fenced {
    ($self:ident, $method:ident, $event:ident) => {
        log_panic("observer", || $self.0.$method($event))
    };
}

#[deny(clippy::missing_trait_methods, reason = "an event that is not passed on is lost")]
impl<O: Observer> Observer for FencedObserver<O> {
    forward_events!(fenced);
}
