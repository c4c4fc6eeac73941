#![doc = include_str!("../README.md")]
//!
//! # Where to start
//!
//! | to | see |
//! | --- | --- |
//! | read the time, sleep, limit the time of a future | [`Clock`] |
//! | control the time in a test | [`ManualClock`] |
//! | implement a custom clock | [`TimeSource`] |

mod clock;
mod instant;
mod manual;
mod real;
mod source;

pub use clock::{Clock, Elapsed};
pub use instant::Instant;
pub use manual::ManualClock;
pub use source::{AdvanceGuard, Sleep, TimeSource};
