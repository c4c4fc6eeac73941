//! Running a job: sends its requests, several at a time, and reports how each command or membership ended.

mod execute;
mod in_flight;
mod journal;
mod memberships;
mod options;
mod outcomes;
mod runner;
mod stubbed;
mod unfinished;
mod verify;

pub use execute::Execute;
pub use journal::{Journal, JournalEntry, JournalError, JournalFuture};
pub use memberships::{MembershipChanges, PlannedMemberships};
pub use options::{RunOptions, StopHandle};
pub use outcomes::{BoxedCommands, Outcomes};
pub use unfinished::Unfinished;
