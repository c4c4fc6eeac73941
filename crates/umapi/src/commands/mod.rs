//! Commands: what is to be done with one user or one user group.

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
pub(crate) use rules::order as place;
pub(crate) use rules::{group_step_name, user_step_name};

pub use command::Command;
pub use invalid::InvalidCommand;
