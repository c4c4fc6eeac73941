//! The HTTP API on the management port.

use std::sync::Arc;

use crate::http::{Answer, Request};
use crate::world::World;

pub(crate) fn answer(world: &Arc<World>, request: &Request) -> Answer {
    let _ = (world, request);
    Answer::fault("management is not there yet")
}
