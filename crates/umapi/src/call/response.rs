//! An answer of success.

use super::ResponseHead;

/// What the service answered, and what it took to get it.
#[derive(Debug)]
pub(crate) struct Response<T> {
    pub(crate) value: T,
    pub(crate) head: ResponseHead,
    /// How many requests were sent for it.
    pub(crate) requests: u32,
    /// Whether an earlier one of them may have been applied already.
    pub(crate) is_repetition: bool,
}
