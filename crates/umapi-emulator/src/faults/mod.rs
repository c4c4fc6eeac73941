//! Failures on demand.

use std::time::Duration;

use crate::http::Request;
use crate::world::World;

/// The fault rules of one emulator.
pub(crate) struct Faults {}

impl Faults {
    pub(crate) fn decide(&self, world: &World, operation_id: &str, request: &Request) -> Option<Fault> {
        let _ = (world, operation_id, request);
        None
    }
}

/// What goes wrong with one request.
pub enum Fault {
    /// The answer comes late.
    Delay(Duration),
}
