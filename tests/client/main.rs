//! The client against the emulator, on one clock.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod existing;
mod fault_matrix;
mod faults;
mod hostile;
mod tasks;
