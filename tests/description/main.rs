//! Tests of the descriptions against the types that are generated from them.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod catalog;
mod examples;
mod forward;
mod steps;
