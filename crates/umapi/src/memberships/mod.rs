//! Memberships.
mod bipartite;
mod bounds;
mod builder;
mod culprit;
mod edge;
mod load;
mod outcome;
mod plan;
mod pool;
mod sides;
mod work;

pub use builder::{InvalidMembership, Memberships};
pub use edge::{Edge, GroupKind, GroupRef, MembershipAction, UserRef};
pub use outcome::{EdgeOutcome, MembershipReport};
pub use plan::MembershipPlan;

pub(crate) use work::MembershipWork;

#[cfg(test)]
mod tests;
