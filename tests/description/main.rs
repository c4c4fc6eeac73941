//! The description against the types that are generated from it.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test says by it what it relies on")]

mod catalogue;
mod examples;
mod forward;
mod types;
