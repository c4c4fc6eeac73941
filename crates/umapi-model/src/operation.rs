//! What the description says of an operation.

use crate::limits::ThrottleClass;

/// An operation of one of the APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// Its `operationId`.
    pub id: &'static str,
    /// The HTTP method, in capitals.
    pub method: &'static str,
    /// The path below the server's address, with parameters in braces.
    pub path: &'static str,
    /// The tag it is listed under.
    pub tag: &'static str,
    /// Whether the service advises against it.
    pub is_deprecated: bool,
    /// How often it may be called. Nothing where no limit is documented.
    pub throttle: Option<Throttle>,
}

impl Operation {
    /// An operation without a limit, of an API that is described elsewhere.
    #[must_use]
    pub const fn new(id: &'static str, method: &'static str, path: &'static str, tag: &'static str) -> Self {
        Self { id, method, path, tag, is_deprecated: false, throttle: None }
    }
}

/// The documented limit of an operation. The service may change it, and says so by answering 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Throttle {
    /// The allowance that the operation draws from, together with the others of its class.
    pub class: ThrottleClass,
    /// Calls per minute of one client.
    pub client_per_minute: u32,
    /// Calls per minute of all clients of the application together.
    pub application_per_minute: u32,
}
