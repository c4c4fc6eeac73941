//! Memberships: who is in which group, set from whichever side needs the fewest requests.
//!
//! ```
//! use umapi_plan::{GroupRef, Memberships};
//!
//! // A hundred users into ten groups: a thousand memberships.
//! let mut memberships = Memberships::new();
//! for group in 0..10 {
//!     for user in 0..100 {
//!         memberships = memberships.add(format!("user{user}@example.com"), GroupRef::user_group(format!("Team {group}")));
//!     }
//! }
//! let plan = memberships.plan()?;
//! assert_eq!((plan.commands(), plan.requests()), (10, 1));
//! assert!(plan.is_optimal());
//! # Ok::<(), umapi_plan::InvalidMembership>(())
//! ```
//!
//! A command on a user names groups, one on a user group names users; both hold a hundred names in ten lists of ten. From the
//! users, those thousand memberships would be a hundred commands, ten requests.
//!
//! # The choice of sides
//!
//! The users and groups that become roots are a vertex cover of the bipartite graph of the memberships. A cover of least
//! weight is found exactly, by a greatest flow, where the weight of a root is the number of commands for all its names.
//! **Where no root has more names than one command carries, that is the least number of commands** (Kőnig's theorem). For
//! larger roots two improvements follow: names over a full command move to roots with room, and roots are opened that
//! relieve several others. The result is never worse than to set all from the groups, or all from the users. A
//! [lower bound](MembershipPlan::lower_bound) is computed with it, so that [`MembershipPlan::is_optimal`] says when nothing
//! better exists: so it is for one group of any size, and for thousands of users spread over a few large groups.
//!
//! Set from the **user** in any case are product profiles and administrative groups, groups of unknown kind, users with a
//! domain beside their name, and Adobe IDs by that name; from the **group**, usernames without a domain.
//!
//! # What is said of each membership
//!
//! A list is done or refused as a whole. If the error names the one that is wrong, the rest is sent again without it; if it
//! names nobody, the halves of the list are, down to the one. What the service says is so already (a user to be added is a
//! member, one to be removed is none) counts as completed. Any two memberships may be set at once: nothing waits.

mod bipartite;
mod bounds;
mod builder;
mod change;
mod culprit;
mod job;
mod load;
mod opening;
mod outcome;
mod plan;
mod pool;
mod sides;

pub use builder::{InvalidMembership, Memberships};
pub use change::{GroupKind, GroupRef, MembershipAction, MembershipChange};
pub use job::MembershipJob;
pub use outcome::{MembershipOutcome, MembershipReport};
pub use plan::MembershipPlan;

#[cfg(test)]
mod tests;
