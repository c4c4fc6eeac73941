//! Batches: any number of commands, in as few requests as there can be, and an outcome for each.
//!
//! ```
//! use umapi_plan::{Command, Estimate, NewGroup, NewUser};
//!
//! let mut commands = vec![Command::from(NewGroup::new("Design"))];
//! for i in 0..300 {
//!     let user = NewUser::federated(format!("user{i}@example.com"), "A", "B", "US");
//!     commands.push(Command::create_user(user).add_to(["Design"]).into());
//! }
//! let estimate = Estimate::of(commands)?;
//! // The group, and then thirty times ten users.
//! assert_eq!((estimate.requests(), estimate.lower_bound()), (31, 31));
//! # Ok::<(), umapi_plan::InvalidCommand>(())
//! ```
//!
//! # From commands to requests
//!
//! A request holds ten commands, a command ten steps, a list ten names, and all of it a million bytes of JSON. So
//!
//! * a list of more than ten names becomes several steps, and more than ten steps several **wire commands**, filled to
//!   the brim;
//! * commands that follow each other on one user or group are joined into one, where it could have been written as one:
//!   creates come first, removals last, both are about the same account, and neither undoes what the other does, so that a
//!   repetition does nothing twice. A command that fits into a wire command is never split. In the order of the caller this
//!   is the smallest number of wire commands;
//! * ten wire commands on ten different roots are a request.
//!
//! # What waits for what
//!
//! The service runs the commands of a request in no promised order, so what depends on something else goes in a later
//! request, which is sent when the former is answered. The end is as if the commands had run one by one in the caller's
//! order:
//!
//! * commands on one user, or one group, wait for each other (letter case in names does not count);
//! * what uses a user or a group, by naming it, waits for what was given before and makes it, renames it, takes it away or
//!   takes all its memberships; and these wait for the uses that were given before. The administrators of a group
//!   (`_admin_…`) are uses of the group;
//! * a membership that is set from both sides is set in the order given.
//!
//! One liberty is taken: a command that makes something, and itself needs nothing of the batch, goes before uses that were
//! given earlier, since they could only fail.
//!
//! # How few requests that are
//!
//! This is the scheduling of unit jobs with precedence on ten places. The units with the longest chain after them go first
//! (*highest level first*). That is **optimal** (proven, for any number of places) where each unit waits for at most one
//! other, or at most one waits for it: chains, trees outwards and trees inwards. It covers one root after the other, and
//! groups that are made before their users join. For other shapes no polynomial algorithm is known (nor is it known that there
//! is none, for ten places); highest level first then needs less than twice the least number of requests. Byte limits are
//! beside this: what does not fit is passed over for something smaller that is ready.
//!
//! [`Estimate::lower_bound`] is the greatest of `d + ⌈n / 10⌉`, where `n` units have at least `d` others in a chain after them
//! (or before them). For chains and trees inwards (or outwards) it is reached.
//!
//! Several requests may be in flight. A request that is not full waits for what is in flight, if that may set something free
//! to fill it; and a full one waits if its places are wanted for the end of a long chain. So haste never costs a request.
//!
//! # What is said of each command
//!
//! Exactly one [`Outcome`], by the caller's numbers, however it was split and joined; see [`CommandOutcome`].
//!
//! * Within one wire command the service tries every step, whatever happened to those before. If a command took more than
//!   one, a part of it that fails **holds back** the parts after it; commands of other numbers are not held back.
//! * A request that is refused as a whole (400) is sent again in halves, and so on, until the one command that is to blame
//!   stands alone. The others are not harmed.
//! * Where a request was repeated because nobody knows what the first one did, a create that "exists already" counts as done by
//!   the first, and a [`Notice`] says so.
//! * In test mode nothing is made, so what uses a user group that only the batch itself makes is refused, unless both happen to
//!   be in one request; and no part of a command holds back another.
//! * After a fatal error, or if the caller stops, what was not sent is handed back: [`Report::into_unsent`].

pub(crate) mod access;
mod entities;
mod estimate;
mod graph;
mod levels;
mod outcome;
pub(crate) mod reading;
mod record;
mod report;
mod ring;
mod scheduler;
mod second_try;
mod settings;
mod settling;
mod undoing;
mod unit;

pub use estimate::Estimate;
pub use outcome::{
    CommandOutcome, Disagreement, NotSent, Notice, Outcome, StepError, StepOutcome, StepState, StepWarning,
    UnknownReason,
};
pub use report::{BatchOutcome, Counts, Report};

pub use scheduler::Scheduler;
pub use settings::Settings;

#[cfg(test)]
mod tests;
