//! Client-side rate limiting: how many calls per minute, and which call is next.

mod limiter;
mod memory;
mod store;

pub use limiter::ThrottlePolicy;
pub(crate) use limiter::{CallPermit, NoPermit, RateLimiter};
pub use memory::InMemoryRateLimits;
pub use store::{Permit, PermitId, RateLimit, RateLimitFuture, RateLimitStore, RateLimits};
