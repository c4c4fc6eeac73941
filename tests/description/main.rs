//! Tests of the descriptions against the types that are generated from them.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test says by it what it relies on")]

mod catalog;
mod examples;
mod forward;
mod types;
