//! Driving work that comes in requests: sends them, several at a time, and tells how they ended.

mod execute;
mod in_flight;
mod memberships;
mod options;
mod outcomes;
mod runner;
mod stop;
mod unfinished;

pub use execute::Execute;
pub use memberships::{MembershipChanges, PlannedMemberships};
pub use outcomes::Outcomes;
pub use stop::StopHandle;
pub use unfinished::Unfinished;
