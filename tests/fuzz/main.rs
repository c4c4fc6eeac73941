//! What comes from outside, made up: whatever it is, nothing panics, and what each target says of its own holds.
//!
//! `cargo test -p umapi-fuzz` runs every target on a bounded number of inputs that are always the same;
//! `UMAPI_FUZZ_FACTOR=20` runs twenty times as many, all of them others but the first part. `README.md` beside this file
//! says how to run a target guided by coverage.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test says by it what it relies on")]

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
