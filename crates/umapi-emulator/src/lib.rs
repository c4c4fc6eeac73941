//! Adobe's User Management API and its login, on this machine.

pub mod engine;
mod http;
pub mod seed;
pub mod store;
