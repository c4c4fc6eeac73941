//! What was asked, and what it did.
//!
//! The [`Journal`] keeps the last requests and their answers, with secrets cut out. The [`Ledger`] says of each user and
//! each membership when it changed, and by which request.

mod exchange;
mod ledger;
mod redaction;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use exchange::Exchange;
pub(crate) use ledger::repetitions;
pub use ledger::{Ledger, Repetition};

/// How many exchanges a journal keeps if nobody says how many.
const ENTRIES: usize = 10_000;

/// How much memory they may take, about.
const BYTES: usize = 64 << 20;

/// The last requests of one emulator. Clones are the same journal.
///
/// ```
/// use umapi_emulator::Journal;
///
/// # fn asked_twice(journal: &Journal) {
/// assert_eq!(journal.count("listUsers"), 2);
/// assert_eq!(journal.last().and_then(|exchange| exchange.status), Some(200));
/// # }
/// ```
#[derive(Clone)]
pub struct Journal {
    ring: Arc<Mutex<Ring>>,
    entries: usize,
}

#[derive(Default)]
struct Ring {
    exchanges: VecDeque<Exchange>,
    last: u64,
    bytes: usize,
}

impl Ring {
    /// Whether there are more than so many, or they are too large together.
    fn is_over(&self, entries: usize) -> bool {
        self.exchanges.len() > entries || self.bytes > BYTES
    }

    fn drop_oldest(&mut self) -> Option<Exchange> {
        let dropped = self.exchanges.pop_front()?;
        self.bytes -= dropped.size();
        Some(dropped)
    }
}

impl Journal {
    /// A journal that keeps so many exchanges, and fewer if they are large; 0 keeps none.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        Self { ring: Arc::default(), entries }
    }

    /// Whether it keeps anything: if not, nothing needs to be put together for it.
    pub(crate) fn is_kept(&self) -> bool {
        self.entries > 0
    }

    pub(crate) fn record(&self, exchange: Exchange) {
        let size = exchange.size();
        let mut ring = self.lock();
        ring.last += 1;
        let exchange = Exchange { seq: ring.last, ..exchange };
        ring.bytes += size;
        ring.exchanges.push_back(exchange);
        // What goes is freed when others have the ring again.
        let mut dropped = Vec::new();
        while ring.is_over(self.entries)
            && let Some(oldest) = ring.drop_oldest()
        {
            dropped.push(oldest);
        }
        drop(ring);
        drop(dropped);
    }

    /// Everything that it keeps, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Exchange> {
        self.select(|_| true)
    }

    /// The calls of an operation, by its `operationId`, oldest first.
    #[must_use]
    pub fn of(&self, operation: &str) -> Vec<Exchange> {
        self.select(|exchange| exchange.operation == Some(operation))
    }

    /// How often an operation was called, by its `operationId`.
    #[must_use]
    pub fn count(&self, operation: &str) -> usize {
        self.lock().exchanges.iter().filter(|exchange| exchange.operation == Some(operation)).count()
    }

    /// The newest.
    #[must_use]
    pub fn last(&self) -> Option<Exchange> {
        self.lock().exchanges.back().cloned()
    }

    /// The newest call of an operation, by its `operationId`.
    #[must_use]
    pub fn last_of(&self, operation: &str) -> Option<Exchange> {
        self.lock().exchanges.iter().rev().find(|exchange| exchange.operation == Some(operation)).cloned()
    }

    /// The requests with an `X-Request-Id`, oldest first.
    #[must_use]
    pub fn with_request_id(&self, id: &str) -> Vec<Exchange> {
        self.select(|exchange| exchange.request_id == id)
    }

    /// Everything after a place, oldest first.
    #[must_use]
    pub fn since(&self, seq: u64) -> Vec<Exchange> {
        self.select(|exchange| exchange.seq > seq)
    }

    /// The place of the newest: how many were ever recorded.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.lock().last
    }

    /// Forgets what it keeps. Places go on counting.
    pub fn clear(&self) {
        let mut ring = self.lock();
        ring.exchanges.clear();
        ring.bytes = 0;
    }

    /// Everything that fits, oldest first.
    #[must_use]
    pub fn select(&self, fits: impl Fn(&Exchange) -> bool) -> Vec<Exchange> {
        self.lock().exchanges.iter().filter(|exchange| fits(exchange)).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        // A panic in a caller's closure changes nothing in the ring.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Journal {
    /// 10,000 exchanges.
    fn default() -> Self {
        Self::new(ENTRIES)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ring = self.lock();
        f.debug_struct("Journal").field("kept", &ring.exchanges.len()).field("recorded", &ring.last).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use http::{Method, StatusCode};
    use serde_json::json;

    use super::*;
    use crate::http::Answer;
    use crate::testing::request;

    fn exchange(operation: &'static str, body: &str) -> Exchange {
        let request = request(Method::POST, "/x?a=b", &[("X-Api-Key", "key")], body.to_owned());
        Exchange::of(&request, SystemTime::UNIX_EPOCH).operation(operation)
    }

    #[test]
    fn exchanges_are_found_by_what_they_were() {
        let journal = Journal::default();
        let answer = Answer::json(StatusCode::NOT_FOUND, &json!({"result": "error.user.not_found"}));
        journal.record(exchange("getUser", "").answered(&answer, Duration::from_millis(3)).effects(4, 6));
        journal.record(exchange("listUsers", "[]").organization("AA@AdobeOrg"));
        assert_eq!((journal.count("getUser"), journal.count("listGroups")), (1, 0));
        let first = journal.last_of("getUser").unwrap();
        assert_eq!((first.seq, first.status, first.effects), (1, Some(404), Some((4, 6))));
        assert!(first.answer.unwrap().contains("not_found"));
        let last = journal.last().unwrap();
        assert_eq!((last.status, last.body.as_deref(), last.client.as_deref()), (None, Some("[]"), Some("key")));
        assert_eq!(journal.since(1), [last]);
        assert_eq!(journal.with_request_id("request-1").len(), 2);
        journal.clear();
        assert_eq!((journal.all().len(), journal.position()), (0, 2));
    }

    #[test]
    fn it_is_bounded_in_entries_and_in_bytes() {
        let journal = Journal::new(2);
        for _ in 0..3 {
            journal.record(exchange("getUser", ""));
        }
        assert_eq!(journal.all().iter().map(|exchange| exchange.seq).collect::<Vec<_>>(), [2, 3]);
        let journal = Journal::default();
        let large = "x".repeat(BYTES / 4);
        for _ in 0..6 {
            journal.record(exchange("getUser", &large));
        }
        assert_eq!(journal.all().len(), 3);
        let none = Journal::new(0);
        none.record(exchange("getUser", ""));
        assert!(none.all().is_empty() && !none.is_kept());
    }
}
