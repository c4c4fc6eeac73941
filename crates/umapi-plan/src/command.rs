//! Commands: what is to be done with one user or one user group.
//!
//! [`Command`] is built step by step, or read from the service's own JSON. It may be longer than a request takes: it is
//! split when it is [sent](crate::batch). [`Command::check`] finds what the service would refuse for its form:
//!
//! | rule | the service's code |
//! | --- | --- |
//! | a create is the first step, and there is one at most | `error.command.create.not_first`, `….more_than_one` |
//! | `removeFromOrg` and `removeFromDomain` are last, and there is one at most | `error.command.removefromorg.not_last` |
//! | nothing comes after `deleteUserGroup`; steps fit their root | `error.command.illegal_entry` |
//! | a command has a root and a step | `error.command.user.missing`, `….user_usergroup.missing`, `….steps.malformed` |
//! | a username has a domain, an email address has none (unless the service ignores it) | `error.command.domain.missing`, `….must_be_used_with_nonemail_username` |
//! | addresses, usernames, countries and lengths | `error.user.email.invalid`, `error.user.name.invalid`, `error.country.invalid`, `error.command.string.too_long` |
//! | new users have the names and the address that their type needs | `error.user.firstname_missing`, `….lastname_missing`, `….id_missing`, `….must_match_email` |
//! | lists hold names, and none twice where that is an error | `error.command.add_remove.…`, `error.group.invalid_list`, `error.user.user_list.invalid` |
//! | new names of groups do not begin with `_`, and a path can hold them | `error.group.invalid_name` |
//! | one step fits into a request | `error.command.malformed` (when it is sent) |

mod command;
mod group_steps;
mod invalid;
mod json;
mod modifiers;
pub(crate) mod names;
pub(crate) mod rules;
mod user_steps;

pub(crate) use command::root_of;
pub(crate) use invalid::BrokenRule;
pub(crate) use rules::order::{Place, place_of};
pub(crate) use rules::{group_step_name, user_step_name};

pub use command::Command;
pub use invalid::InvalidCommand;
pub use names::{fold, is_email_type, is_same};
