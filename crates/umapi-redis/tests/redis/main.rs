//! Shared rate limits and tokens with real servers, other processes, and servers that lie.
#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod deployment;
mod failures;
mod hostile;
mod many_processes;
#[path = "../../src/test_server.rs"]
mod server;
mod stage;
mod tokens;
mod worker;
