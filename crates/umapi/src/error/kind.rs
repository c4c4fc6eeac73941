//! What an error knows.

use std::time::{Duration, SystemTime};

use umapi_model::ErrorCode;

/// All that is known of a failure.
#[derive(Clone, Debug)]
pub(crate) struct Details {
    pub(crate) kind: Kind,
    pub(crate) operation: Option<&'static str>,
    pub(crate) request_id: Option<String>,
    pub(crate) requests: u32,
    pub(crate) may_have_been_applied: bool,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) until: Option<SystemTime>,
}

impl Details {
    pub(crate) fn of(kind: Kind) -> Self {
        Self {
            kind,
            operation: None,
            request_id: None,
            requests: 0,
            may_have_been_applied: false,
            retry_after: None,
            until: None,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Given by the caller, and of no use.
    Invalid(String),
    /// There is no access token.
    Login(umapi_auth::Error),
    /// There was no connection.
    Connect(String),
    /// The connection broke.
    Network(String),
    /// An attempt took longer than this.
    Timeout(Duration),
    /// The service said no.
    Rejected(ErrorResponse),
    /// The service said yes, and nothing that can be read.
    Unreadable { status: u16, why: String },
    /// The wait for a turn was longer than allowed.
    Throttled,
    /// The call as a whole had no time left.
    Deadline,
    /// The caller stopped it.
    Stopped,
    /// The journal could not record what was about to be sent.
    Journal(String),
}

/// An answer that is no success, as far as it could be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct ErrorResponse {
    pub(crate) status: u16,
    pub(crate) code: Option<ErrorCode>,
    pub(crate) message: Option<String>,
    pub(crate) body: String,
    pub(crate) is_html: bool,
}
