//! Memberships: who belongs to which group, set from the side that needs the fewest requests.
//!
//! ```
//! use umapi_plan::{GroupRef, Memberships};
//!
//! // A hundred users into ten groups: a thousand memberships.
//! let mut memberships = Memberships::new();
//! for group in 0..10 {
//!     for user in 0..100 {
//!         let team = GroupRef::user_group(format!("Team {group}"));
//!         memberships = memberships.add(format!("user{user}@example.com"), team);
//!     }
//! }
//! let plan = memberships.plan()?;
//! assert_eq!((plan.commands(), plan.requests()), (10, 1));
//! assert!(plan.is_optimal());
//! # Ok::<(), umapi_plan::InvalidMembership>(())
//! ```
//!
//! A command on a user names groups, a command on a user group names users; both hold a hundred names in ten lists of ten.
//! Set from the users, those thousand memberships would be a hundred commands, ten requests.
//!
//! # The choice of sides
//!
//! The users and groups that become roots are a vertex cover of the bipartite graph of the memberships. A cover of least
//! weight is found exactly, by a maximum flow, where the weight of a root is the number of commands for all its names.
//! **Where no root has more names than one command carries, that is the least number of commands** (Kőnig's theorem). For
//! larger roots, further roots are opened where one relieves several others. The result is never worse than setting all
//! memberships from the groups, or all from the users. A [lower bound](MembershipPlan::lower_bound) is computed with it,
//! so [`MembershipPlan::is_optimal`] tells when nothing better exists. That is always so for one group of any size, and
//! for thousands of users spread over a few large groups.
//!
//! Memberships in product profiles and administrative groups, in groups of unknown kind, of users with a domain beside
//! their name, and of Adobe IDs are always set from the **user**; memberships of usernames without a domain from the
//! **group**.
//!
//! # Outcomes
//!
//! A list is applied or rejected as a whole. If the error names the wrong name, the rest is sent again without it; if it
//! names none, the halves of the list are sent, down to a single name. Memberships that are as requested already (a user
//! to be added is a member, a user to be removed is not) count as completed. Any two memberships may be set at the same
//! time: none waits for another.

mod blame;
mod bounds;
mod change;
mod choice;
mod cover;
mod job;
mod plan;

pub use change::{GroupKind, GroupRef, MembershipAction, MembershipChange, MembershipOutcome, MembershipReport};
pub use job::MembershipJob;
pub use plan::{InvalidMembership, MembershipPlan, Memberships};

#[cfg(test)]
mod tests;
