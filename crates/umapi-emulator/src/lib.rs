//! Adobe's User Management API and its login, on this machine.

mod clock;
mod contract;
pub mod engine;
mod faults;
mod http;
mod journal;
mod limits;
mod login;
mod management;
pub mod seed;
mod server;
mod service;
mod settings;
pub mod store;
mod world;

pub use settings::PageSizes;
