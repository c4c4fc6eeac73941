//! Every operation over real connections, TLS included, by a plain HTTP client.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test says by it what it relies on")]

mod actions;
mod conduct;
mod groups;
mod legacy_users;
mod login;
mod products;
mod rig;
mod strictness;
mod user_groups;
mod users;
mod wire;
