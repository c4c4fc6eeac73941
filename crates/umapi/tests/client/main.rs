//! The client over real connections to a scripted service.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests panic on the unexpected")]

mod calls;
mod errors;
mod lists;
mod moved;
mod observing;
mod options;
mod reading;
#[cfg(feature = "recorder")]
mod recording;
mod run;
mod service;
