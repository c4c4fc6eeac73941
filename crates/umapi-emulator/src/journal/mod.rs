//! What was asked and what it did.

/// The last requests of one emulator.
pub(crate) struct Journal {}

/// A request and its answer.
pub(crate) struct Exchange {}

impl Journal {
    pub(crate) fn record(&self, exchange: Exchange) {
        let _ = exchange;
    }
}
