//! The description against the types that are generated from it.

mod catalogue;
mod examples;
mod forward;
mod types;
