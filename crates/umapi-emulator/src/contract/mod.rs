//! The description, compiled: which requests and answers it allows.

/// The compiled description, and where answers broke it.
pub(crate) struct Contract {}
