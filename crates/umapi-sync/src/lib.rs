#![doc = include_str!("../README.md")]

mod condition;
pub mod config;
mod template;

pub use condition::{Condition, ConditionError};
pub use config::{Config, ConfigMistake};
pub use template::{NoValue, Template, TemplateError};
