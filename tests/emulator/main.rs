//! The emulator as clients use it that know nothing of this project.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test says by it what it relies on")]

mod collection;
mod requests;
