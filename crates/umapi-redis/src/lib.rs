#![doc = include_str!("../README.md")]

mod address;
mod connection;
mod error;
mod keys;
mod rate_limits;
mod seal;
#[cfg(test)]
mod test_server;
mod tokens;

pub use connection::{FailurePolicy, Redis, RedisBuilder};
pub use error::Error;
pub use rate_limits::SharedRateLimits;
pub use tokens::SharedTokens;
