//! What is going on, on stderr: requests used, pace, waits, time left.

mod bar;
mod watch;

pub(crate) use bar::{Bar, Beside};
pub(crate) use watch::{Watch, rough};
