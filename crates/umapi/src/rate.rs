//! Client-side rate limiting: how many calls in a period, and which call is next.

mod limiter;
mod memory;
mod store;

pub use limiter::ThrottlePolicy;
pub(crate) use limiter::{CallPermit, FirstPagePermit, NoPermit, RateLimiter};
pub use memory::InMemoryRateLimits;
pub use store::{
    Permit, PermitId, RateLimit, RateLimitError, RateLimitFuture, RateLimitScope, RateLimitSet, RateLimitStore,
    RateLimits,
};
