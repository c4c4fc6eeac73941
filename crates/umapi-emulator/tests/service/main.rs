//! Every operation over real connections, including TLS, with a plain HTTP client.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a failed expectation must fail the test")]

mod actions;
mod conduct;
mod console;
mod groups;
mod hostile_clients;
mod legacy_users;
mod login;
mod products;
mod replay;
mod rig;
mod strictness;
mod user_groups;
mod users;
mod wire;
