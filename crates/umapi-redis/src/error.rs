//! The error of a failed exchange with Redis.

use std::{fmt, sync::Arc};

/// The error of a failed exchange with Redis. Cheap to clone. No secret is in it.
///
/// The text says what failed, why, and what to do.
///
/// A program that starts tells its operator what to look at:
///
/// ```no_run
/// use umapi_redis::{Error, Redis};
///
/// async fn start(redis: &Redis) -> Result<(), String> {
///     let advice = |error: &Error| match error {
///         _ if error.is_invalid_input() => "the configuration",
///         _ if error.is_unreachable() || error.is_timeout() => "the server and the network",
///         _ if error.is_denied() => "the password and the ACL",
///         _ if error.is_unreadable() => "whether another program uses this database",
///         _ => "the log of the server",
///     };
///     let checked = redis.check().await;
///     checked.map_err(|error| format!("look at {} of {}: {error}", advice(&error), redis.address()))
/// }
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: Kind,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A setting cannot be used.
    Invalid,
    /// There is no connection, or it broke.
    Unreachable,
    /// There was no answer in time.
    Timeout,
    /// The user or the password is wrong, or the user may not do what is needed.
    Denied,
    /// The server refuses to work for now.
    Unready,
    /// What is kept in Redis is not what this library writes.
    State,
    /// An answer that is not one.
    Answer,
}

impl Error {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { kind, message: message.into() }))
    }

    /// Creates the error of an exchange with this server.
    pub(crate) fn of_server(kind: Kind, server: &str, why: impl fmt::Display) -> Self {
        let remedy = match kind {
            Kind::Invalid => "correct the setting",
            Kind::Unreachable => "check that it runs, its address, and the network",
            Kind::Timeout => "check that it runs and is not overloaded",
            Kind::Denied => {
                "check the user, the password and the permissions, which the documentation of umapi-redis lists"
            }
            Kind::Unready => "try again later; if it stays so, look at the log of Redis",
            Kind::State => "remove the key with DEL when no process uses it",
            Kind::Answer => "check that the address is that of Redis or Valkey",
        };
        Self::new(kind, format!("cannot use the shared limits and token in Redis at {server}: {why}; {remedy}"))
    }

    /// Whether a setting cannot be used.
    #[must_use]
    pub fn is_invalid_input(&self) -> bool {
        self.0.kind == Kind::Invalid
    }

    /// Whether there is no connection to Redis, or it broke.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        self.0.kind == Kind::Unreachable
    }

    /// Whether Redis did not answer in time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.0.kind == Kind::Timeout
    }

    /// Whether the user or the password is wrong, or the user lacks a permission.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.0.kind == Kind::Denied
    }

    /// Whether what Redis keeps or answers is not what this library understands.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        matches!(self.0.kind, Kind::State | Kind::Answer)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error").field("kind", &self.0.kind).field("message", &self.0.message).finish()
    }
}

impl std::error::Error for Error {}
