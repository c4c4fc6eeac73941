//! Tests of the generated endpoints over real connections.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test says by it what it relies on")]

mod hooks;
mod paths;
mod recorder;
mod responses;
