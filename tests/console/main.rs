//! The console of the emulator in a real browser.
fn main() {}
