//! How often a client may call.

use umapi_model::Operation;

use crate::http::Answer;
use crate::world::World;

/// The limits of one emulator, and what is left of them.
pub(crate) struct Limits {}

impl Limits {
    pub(crate) fn admit(&self, world: &World, client_id: &str, operation: &'static Operation) -> Result<(), Answer> {
        let _ = (world, client_id, operation);
        Ok(())
    }
}
