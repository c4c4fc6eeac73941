//! What all work has in common that can be set.

use std::time::Duration;

use super::StopHandle;
use crate::client::Client;

/// Requests in flight for each credential, if nothing else is said.
const IN_FLIGHT: usize = 4;

#[derive(Debug)]
pub(super) struct Options {
    pub(super) client: Client,
    pub(super) test_only: bool,
    pub(super) in_flight: usize,
    pub(super) deadline: Option<Duration>,
    pub(super) stop: StopHandle,
}

impl Options {
    pub(super) fn new(client: Client) -> Self {
        let in_flight = IN_FLIGHT * client.0.slots.len();
        Self { client, test_only: false, in_flight, deadline: None, stop: StopHandle::new() }
    }
}
