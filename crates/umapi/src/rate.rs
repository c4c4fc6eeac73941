//! Keeping within the documented limits: how many calls a minute, and who is next.

mod limiter;
mod limits;
mod memory;
mod policy;
mod store;

pub(crate) use limiter::{CallPermit, Patience, RateLimiter};
pub use limits::RateLimits;
pub use memory::InMemoryRateLimits;
pub use policy::ThrottlePolicy;
pub use store::{Permit, PermitId, RateLimit, RateLimitFuture, RateLimitStore};

#[cfg(test)]
mod tests;
