//! Keeping within the documented limits: how many calls a minute, and who is next.

mod limits;
mod memory;
mod policy;
mod queue;
mod store;

pub use limits::Limits;
pub use memory::InMemoryPace;
pub use policy::ThrottlePolicy;
pub(crate) use queue::{Pace, Patience, Permit};
pub use store::{Allowance, PaceFuture, PaceStore, Turn, TurnId};

#[cfg(test)]
mod tests;
