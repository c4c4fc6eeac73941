//! Tests of the generated endpoints over real connections.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod hooks;
mod paths;
mod recorder;
mod replay;
mod responses;
