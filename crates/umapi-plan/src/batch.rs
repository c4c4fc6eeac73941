//! Batches: any number of commands, in the fewest requests, with an outcome for each.
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
//! * a list of more than ten names becomes several steps, and more than ten steps become several full **wire commands**;
//! * successive commands on one user or group are joined into one where they could have been written as one: creates come
//!   first, removals last, both are about the same account, and neither reverses what the other does, so that a repetition
//!   changes nothing twice. A command that fits into a wire command is never split. In the caller's order this is the
//!   least number of wire commands;
//! * ten wire commands on ten different roots are a request.
//!
//! # Order
//!
//! The service runs the commands of a request in no guaranteed order, so what depends on something else goes into a later
//! request, which is sent after the response to the earlier one. The result is as if the commands had run one by one in
//! the caller's order:
//!
//! * commands on one user, or on one group, wait for each other (letter case in names does not count);
//! * a command that names a user or a group waits for earlier commands that create or rename it, remove it, or remove all
//!   its memberships; and these wait for earlier commands that name it. The administrators of a group (`_admin_…`) count
//!   as uses of the group;
//! * a membership that is set from both sides is set in the order given.
//!
//! There is one exception: a command that creates something, and needs nothing of the batch itself, goes before uses that
//! were given earlier, because they could only fail.
//!
//! # The number of requests
//!
//! This is the scheduling of unit jobs with precedence on ten machines. The units with the longest chain after them go
//! first (*highest level first*). That is **optimal** (proven, for any number of machines) where each unit waits for at
//! most one other, or at most one waits for it: chains and trees. This covers one root after the other, and groups that
//! are created before their users join. For other shapes no polynomial algorithm is known (nor is it known that there is
//! none, for ten machines); highest level first then needs less than twice the least number of requests. Byte limits come
//! on top: a unit that does not fit is passed over for a smaller one that is ready.
//!
//! [`Estimate::lower_bound`] is the greatest of `d + ⌈n / 10⌉`, where `n` units have at least `d` others in a chain after
//! them (or before them). It is reached for chains and trees.
//!
//! Several requests may be in flight. A request with room left waits for those in flight if they may free something to
//! fill it, and a full one waits if its places are needed for the end of a long chain. So speed never costs a request.
//!
//! # Outcomes
//!
//! Each command has exactly one [`Outcome`], by the caller's numbers, however it was split and joined: see
//! [`CommandOutcome`].
//!
//! * **Completed needs proof**: the result, the counts and every error of the response must agree with what was sent.
//!   Otherwise the outcome is unknown, with the [`Disagreement`].
//! * The service tries every step of a wire command, whatever happened to earlier ones. If a command took more than one, a
//!   failed part **holds back** the later parts; other commands are not held back.
//! * A request that is rejected as a whole (400) is sent again in halves, and so on, until the command that is to blame is
//!   alone. The other commands are not affected.
//! * If a request was repeated because its response was lost, an error such as "exists already" may be the effect of the
//!   lost request, or not. The user or the group is read and compared with what was asked: the step is done, with a
//!   [`Notice`], or rejected, or the outcome is unknown.
//! * In test mode nothing is created, so a use of a user group that only the batch itself creates is rejected, unless both
//!   happen to be in one request; and no part of a command holds back another.
//! * After a fatal error, or if the caller stops, what was not sent is handed back: [`Report::into_unsent`].

mod about;
mod builder;
mod entities;
mod estimate;
mod form;
mod graph;
pub(crate) mod lost_request;
mod outcome;
mod record;
pub(crate) mod report;
pub(crate) mod response;
mod scheduler;
mod unit;
mod window;

pub use builder::CommandOutcomeBuilder;
pub use estimate::Estimate;
pub use form::InvalidOutcome;
pub(crate) use form::OutcomeForm;
pub use outcome::{
    CommandOutcome, NotSent, Notice, Outcome, StepError, StepOutcome, StepPart, StepState, StepWarning, UnknownReason,
};
pub use report::{BatchOutcome, Counts, Report};
pub use response::Disagreement;
pub use scheduler::{Scheduler, Settings};

#[cfg(test)]
mod tests;
