//! What the client says went wrong, as a failure of the call.

use umapi::{Error, auth};

use super::Failure;
use crate::{exit::Exit, local_time};

impl Failure {
    /// A call of the service that came to nothing.
    pub(crate) fn of_service(what: impl Into<String>, error: &Error) -> Self {
        let failure = Self::new(exit_of(error), what).why(error);
        match remedy(error) {
            Some(remedy) => failure.remedy(remedy),
            None => failure,
        }
    }

    /// A login that came to nothing.
    pub(crate) fn of_login(what: impl Into<String>, error: &auth::Error) -> Self {
        Self::of_service(what, &Error::from(error.clone()))
    }
}

/// How a call ends that met this error.
pub(crate) fn exit_of(error: &Error) -> Exit {
    if let Some(login) = error.login() {
        return match () {
            () if login.is_invalid_input() => Exit::Usage,
            () if login.is_throttled() => Exit::Throttled,
            () if login.is_retryable() => Exit::Network,
            () => Exit::Login,
        };
    }
    match error.status() {
        _ if error.is_stopped() => Exit::Interrupted,
        _ if error.is_invalid_input() => Exit::Usage,
        _ if error.is_throttled() => Exit::Throttled,
        Some(401) => Exit::Login,
        Some(403) if !error.is_migrating() => Exit::Login,
        _ if error.is_retryable() || error.is_unreadable() => Exit::Network,
        _ => Exit::Refused,
    }
}

fn remedy(error: &Error) -> Option<String> {
    match exit_of(error) {
        Exit::Login => Some("umapi auth check says what is missing".to_owned()),
        Exit::Throttled => Some(match error.until() {
            Some(until) => format!("try again at {}, or allow a longer wait: --max-wait", local_time::clock(until)),
            None => "try again later, or allow a longer wait: --max-wait".to_owned(),
        }),
        Exit::Network if error.is_timeout() => Some("try again; --timeout gives a request more time".to_owned()),
        Exit::Network => Some("try again; if it stays so, check the network, the proxy and the address".to_owned()),
        _ => None,
    }
}
