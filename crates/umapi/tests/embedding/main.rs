//! The client inside other programs: slow readers, several runtimes, callbacks that panic or hang, dropped futures.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test states by it what it relies on")]
#![allow(clippy::disallowed_methods, reason = "real time passes in the threads beside the client")]

mod bounds;
mod budget;
mod callbacks;
mod certificate;
mod lists;
mod pairs;
mod permits;
mod random;
mod runtimes;
mod server;
mod unreadable;
