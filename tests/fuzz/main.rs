//! Fuzz tests: arbitrary outside input must not cause a panic, and must satisfy the assertions of each target.
//!
//! `cargo test -p umapi-fuzz` runs every target with a fixed number of inputs, the same in every run.
//! `UMAPI_FUZZ_FACTOR=20` runs twenty times as many; the first ones are the same. `README.md` beside this file
//! describes how to run a target guided by coverage.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod actions;
mod command_line;
#[cfg_attr(fuzzing, allow(dead_code, reason = "another engine runs the targets"))]
mod fixed_seeds;
mod keys;
mod lists;
mod logins;
mod organization;
mod origins;
mod payload;
mod peer;
mod responses;
mod resume_tokens;
mod seeds;
