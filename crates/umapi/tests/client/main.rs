//! The client over real connections, with a service that answers as it is told.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test says by it what it relies on")]

mod observing;
mod pager;
mod run;
mod service;
mod transport;
