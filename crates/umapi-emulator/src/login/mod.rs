//! IMS: credentials for access tokens.

use umapi_model::Operation;

use crate::http::{Answer, Request};
use crate::store::{Integration, Organization};
use crate::world::World;

/// The login service of one emulator.
pub(crate) struct Login {}

/// Who calls: an integration, and the organization of the path that it may act for.
pub(crate) struct Caller {
    pub(crate) client_id: String,
    pub(crate) integration: Integration,
    pub(crate) org: Organization,
}

impl Login {
    pub(crate) fn answer(&self, world: &World, operation: &'static Operation, request: &Request) -> Answer {
        let _ = (world, operation, request);
        Answer::fault("login is not there yet")
    }

    pub(crate) fn authenticate(&self, world: &World, request: &Request, org_id: &str) -> Result<Caller, Answer> {
        let _ = (world, request, org_id);
        Err(Answer::fault("login is not there yet"))
    }
}
