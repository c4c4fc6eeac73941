#![doc = include_str!("../README.md")]

mod condition;
mod template;

pub use condition::{Condition, ConditionError};
pub use template::{NoValue, Template, TemplateError};
