#![doc = include_str!("../README.md")]
//!
//! # Where to start
//!
//! | to | see |
//! | --- | --- |
//! | connect a client | [`Emulator`], with the feature `client` |
//! | start an emulator | [`Emulator`], [`Builder`] |
//! | inject faults | [`FaultRule`], [`Faults`] |
//! | inspect requests and their effects | [`Journal`], [`Ledger`] |
//! | control time, or share it with a client | [`EmulatorClock`] |
//! | change the rate limits | [`LimitSettings`], [`RateLimits`] |
//! | set up organizations | [`seed`], [`Manage`] |
//! | replay a recording of the real service | [`Builder::replay`], [`recording`] |
//! | compare one with the emulator's rules | [`judge`] |
//! | embed the command | [`cli`] |
//!
//! [`engine`] and [`store`] are implementation details, public for tests and benchmarks. They can change with any release.

mod api;
mod app;
pub mod cli;
#[cfg(feature = "client")]
mod client;
mod clock;
mod console;
mod contract;
mod credentials;
mod emulator;
pub mod engine;
mod faults;
mod generated;
mod http;
mod journal;
pub mod judge;
mod limits;
mod login;
mod manage;
mod printable;
mod random;
pub mod seed;
pub mod store;
#[cfg(test)]
mod testing;
mod tls;

pub use app::PageSizes;
pub use clock::{ClockError, ClockMode, EmulatorClock};
pub use contract::Violation;
pub use credentials::Credentials;
pub use emulator::{Addresses, Builder, Emulator, StartError, TokenError};
pub use faults::{
    ActionStep, FaultEffect, FaultError, FaultHandle, FaultResponse, FaultRule, FaultState, FaultTarget, Faults,
    StepFault,
};
pub use journal::{HttpExchange, Journal, Ledger, Repetition};
pub use limits::{
    ExceededLimit, FirstPageLimit, LimitError, LimitScope, LimitSettings, RateLimit, RateLimits, RetryAfter,
};
pub use manage::{
    IntegrationChange, Manage, ManageError, OrganizationChange, OrganizationState, ProductState, ProfileState,
    SnapshotState, UserGroupState,
};
pub use printable::printable;
pub use tls::{Authority, TlsError};
pub use umapi_model::{AnyOperation, Operation, ThrottleClass, ims::LoginOperation};
pub use umapi_recording as recording;
