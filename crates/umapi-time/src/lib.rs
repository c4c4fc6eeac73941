#![doc = include_str!("../README.md")]
//!
//! # Where to start
//!
//! | you want to | see |
//! | --- | --- |
//! | tell the time, sleep, set a limit to a future | [`Clock`] |
//! | drive time in a test | [`ManualClock`] |
//! | bring a clock of your own | [`TimeSource`] |

mod advance_guard;
mod clock;
mod instant;
mod manual;
mod real;
mod source;

pub use advance_guard::AdvanceGuard;
pub use clock::{Clock, Elapsed};
pub use instant::Instant;
pub use manual::ManualClock;
pub use source::{Sleep, TimeSource};
