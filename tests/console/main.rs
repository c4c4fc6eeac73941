//! The console of the emulator in a real browser: every page, live updates, a fault added and met, time advanced, without a
//! script, at two widths, in dark and light, and without a violation that axe finds.
//!
//! With `UMAPI_WRITE_DOCS=1` it also writes the screenshots of the README. `UMAPI_SCREENSHOTS=FOLDER` writes one of each page.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says why it is skipped"
)]

mod axe;
mod browser;
mod journey;
mod pages;
