//! The journal of requests and the ledger of changes.
//!
//! The [`Journal`] keeps the last requests and their responses, with secrets redacted. The [`Ledger`] says when each user and
//! each membership changed, and by which request.

mod exchange;
mod ledger;

use std::{
    collections::BTreeMap,
    fmt,
    ops::RangeBounds,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use umapi_model::AnyOperation;

pub use self::{
    exchange::HttpExchange,
    ledger::{Ledger, Repetition},
};
pub(crate) use self::{exchange::Stage, ledger::repetitions};

/// The default number of exchanges that a journal keeps.
const ENTRIES: usize = 10_000;

/// The approximate memory that they may take.
const BYTES: usize = 64 << 20;

/// The last requests of one emulator. Clones share it.
///
/// ```
/// use umapi_emulator::{Journal, Operation};
///
/// # fn called_twice(journal: &Journal) {
/// assert_eq!(journal.count(Operation::ListUsers), 2);
/// assert_eq!(journal.last().and_then(|exchange| exchange.status), Some(200));
/// # }
/// ```
///
/// A test looks at what its client sent since some moment:
///
/// ```
/// use umapi_emulator::{Emulator, HttpExchange, Operation};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let emulator = Emulator::start().await?;
/// let before = emulator.journal().position();
/// let url = format!("{}/users/{}/0", emulator.um_url(), emulator.org_id());
/// reqwest::Client::new().get(url).header("X-Request-Id", "r-1").send().await?;
///
/// let journal = emulator.journal();
/// assert_eq!(journal.since(before).len(), 1);
/// assert_eq!(journal.with_request_id("r-1"), journal.all());
/// let is_refused = |exchange: &HttpExchange| exchange.status.is_some_and(|status| status >= 400);
/// assert_eq!(journal.select(is_refused).len(), 1, "it had no token");
/// assert!(journal.last_of(Operation::ListUsers).is_some());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Journal {
    recorded: Arc<Mutex<Recorded>>,
    entries: usize,
}

#[derive(Default)]
struct Recorded {
    /// By position, so that the oldest comes first.
    exchanges: BTreeMap<u64, Arc<HttpExchange>>,
    /// The position of the newest exchange, kept or not.
    last: u64,
    bytes: usize,
}

impl Recorded {
    fn is_full(&self, entries: usize) -> bool {
        self.exchanges.len() > entries || self.bytes > BYTES
    }

    fn remove_oldest(&mut self) -> Option<Arc<HttpExchange>> {
        let (_, removed) = self.exchanges.pop_first()?;
        self.bytes -= removed.size();
        Some(removed)
    }
}

impl Journal {
    /// Creates a journal for this number of exchanges, or fewer if they are large; 0 records nothing.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        Self { recorded: Arc::default(), entries }
    }

    /// Whether anything is recorded.
    pub(crate) fn is_kept(&self) -> bool {
        self.entries > 0
    }

    pub(crate) fn record(&self, exchange: HttpExchange) {
        let size = exchange.size();
        let mut recorded = self.lock();
        recorded.last += 1;
        let seq = recorded.last;
        recorded.bytes += size;
        recorded.exchanges.insert(seq, Arc::new(HttpExchange { seq, ..exchange }));
        // Removed exchanges are freed after the lock is released.
        let mut removed = Vec::new();
        while recorded.is_full(self.entries)
            && let Some(oldest) = recorded.remove_oldest()
        {
            removed.push(oldest);
        }
        drop(recorded);
        drop(removed);
    }

    /// All recorded exchanges, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<HttpExchange> {
        self.select(|_| true)
    }

    /// The calls of an operation, oldest first.
    #[must_use]
    pub fn of(&self, operation: impl Into<AnyOperation>) -> Vec<HttpExchange> {
        let operation = Some(operation.into());
        self.select(|exchange| exchange.operation == operation)
    }

    /// The number of calls of an operation.
    #[must_use]
    pub fn count(&self, operation: impl Into<AnyOperation>) -> usize {
        let operation = Some(operation.into());
        self.lock().exchanges.values().filter(|exchange| exchange.operation == operation).count()
    }

    /// The newest exchange.
    #[must_use]
    pub fn last(&self) -> Option<HttpExchange> {
        self.newest(.., 1).pop().map(Arc::unwrap_or_clone)
    }

    /// The newest call of an operation.
    #[must_use]
    pub fn last_of(&self, operation: impl Into<AnyOperation>) -> Option<HttpExchange> {
        let operation = Some(operation.into());
        let last = self.lock().exchanges.values().rev().find(|exchange| exchange.operation == operation).cloned();
        last.map(Arc::unwrap_or_clone)
    }

    /// The requests with this `X-Request-Id`, oldest first.
    #[must_use]
    pub fn with_request_id(&self, id: &str) -> Vec<HttpExchange> {
        self.select(|exchange| exchange.request_id == id)
    }

    /// The exchanges after a position, oldest first.
    #[must_use]
    pub fn since(&self, seq: u64) -> Vec<HttpExchange> {
        self.select(|exchange| exchange.seq > seq)
    }

    /// The position of the newest exchange, which is the number of all that were recorded.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.lock().last
    }

    /// Removes all recorded exchanges. Positions keep counting.
    pub fn clear(&self) {
        let mut recorded = self.lock();
        let removed = std::mem::take(&mut recorded.exchanges);
        recorded.bytes = 0;
        drop(recorded);
        drop(removed);
    }

    /// The exchanges that match, oldest first.
    #[must_use]
    pub fn select(&self, matches: impl Fn(&HttpExchange) -> bool) -> Vec<HttpExchange> {
        // Outside of the lock: the closure of a caller may take long.
        let kept: Vec<_> = self.lock().exchanges.values().cloned().collect();
        kept.into_iter().filter(|exchange| matches(exchange)).map(Arc::unwrap_or_clone).collect()
    }

    /// The newest exchanges of a range of positions, at most this many, newest first.
    pub(crate) fn newest(&self, positions: impl RangeBounds<u64>, most: usize) -> Vec<Arc<HttpExchange>> {
        self.lock().exchanges.range(positions).rev().take(most).map(|(_, exchange)| Arc::clone(exchange)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Recorded> {
        // A panic in the closure of a caller changes nothing.
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
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
        let recorded = self.lock();
        f.debug_struct("Journal").field("kept", &recorded.exchanges.len()).field("recorded", &recorded.last).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use http::{Method, StatusCode};
    use serde_json::json;
    use umapi_model::Operation;

    use super::*;
    use crate::{http::Response, testing::request};

    fn exchange(operation: Operation, body: &str) -> HttpExchange {
        let request = request(Method::POST, "/x?a=b", &[("X-Api-Key", "key")], body.to_owned());
        HttpExchange { operation: Some(operation.into()), ..HttpExchange::of(&request, SystemTime::UNIX_EPOCH) }
    }

    #[test]
    fn exchanges_are_found_by_their_properties() {
        let journal = Journal::default();
        let response = Response::json(StatusCode::NOT_FOUND, &json!({"result": "error.user.not_found"}));
        let mut first = exchange(Operation::GetUser, "");
        first.respond(&response, Duration::from_millis(3));
        first.effects = Some((4, 6));
        journal.record(first);
        let organization = Some("AA@AdobeOrg".to_owned());
        journal.record(HttpExchange { organization, ..exchange(Operation::ListUsers, "[]") });
        assert_eq!((journal.count(Operation::GetUser), journal.count(Operation::ListGroups)), (1, 0));
        let first = journal.last_of(Operation::GetUser).unwrap();
        assert_eq!((first.seq, first.status, first.effects), (1, Some(404), Some((4, 6))));
        assert!(first.response.unwrap().contains("not_found"));
        let last = journal.last().unwrap();
        assert_eq!((last.status, last.body.as_deref(), last.client.as_deref()), (None, Some("[]"), Some("key")));
        assert_eq!(journal.since(1), [last]);
        assert_eq!(journal.with_request_id("request-1").len(), 2);
        journal.clear();
        assert_eq!((journal.all().len(), journal.position()), (0, 2));
    }

    #[test]
    fn the_journal_is_bounded_in_entries_and_bytes() {
        let journal = Journal::new(2);
        for _ in 0..3 {
            journal.record(exchange(Operation::GetUser, ""));
        }
        assert_eq!(journal.all().iter().map(|exchange| exchange.seq).collect::<Vec<_>>(), [2, 3]);
        let journal = Journal::default();
        let large = "x".repeat(BYTES / 4);
        for _ in 0..6 {
            journal.record(exchange(Operation::GetUser, &large));
        }
        assert_eq!(journal.all().len(), 3);
        let none = Journal::new(0);
        none.record(exchange(Operation::GetUser, ""));
        assert!(none.all().is_empty() && !none.is_kept());
    }
}
