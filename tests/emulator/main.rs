//! Tests of the emulator with requests of clients that do not depend on this project.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod collection;
mod requests;
