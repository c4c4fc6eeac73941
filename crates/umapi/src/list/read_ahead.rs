//! How many pages of a list are worth having in flight.

use std::time::Duration;

use umapi_time::Instant;

/// A page that takes no longer than this is soon there. One page at a time reaches any rate limit then.
const QUICK: Duration = Duration::from_millis(100);

/// The pages in flight at first.
const FIRST: usize = 2;

/// Adapts the number of pages in flight: so many that the next page arrives when its reader is done with the last one, and
/// fewer when the service is in trouble. How many of them are sent is up to the rate limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadAhead {
    most: usize,
    /// The number that the service seems to cope with.
    allowed: usize,
    /// How long a page takes, smoothed.
    latency: Duration,
    /// How long the reader takes for a page, smoothed.
    processing: Duration,
    /// When the reader got its last page.
    given_at: Option<Instant>,
}

impl ReadAhead {
    pub(super) fn new(most: usize) -> Self {
        let (latency, processing) = (Duration::ZERO, Duration::ZERO);
        Self { most: most.max(1), allowed: FIRST.min(most.max(1)), latency, processing, given_at: None }
    }

    /// The number of pages that should be in flight or waiting for their reader.
    pub(super) fn pages(&self) -> usize {
        let each = self.processing.max(QUICK).as_millis();
        usize::try_from(self.latency.as_millis().div_ceil(each)).unwrap_or(usize::MAX).clamp(1, self.allowed)
    }

    /// Notes that a page has arrived this long after its first request, with this many requests.
    pub(super) fn arrived(&mut self, took: Duration, requests: u32) {
        if requests > 1 {
            // The time of a page that was repeated says nothing.
            self.failed();
            return;
        }
        self.allowed = (self.allowed + 1).min(self.most);
        self.latency = if self.latency.is_zero() { took } else { (self.latency * 3 + took) / 4 };
    }

    /// Notes that a page failed or had to be repeated.
    pub(super) fn failed(&mut self) {
        self.allowed = (self.allowed / 2).max(1);
    }

    /// Notes that the reader gets a page.
    pub(super) fn given(&mut self, now: Instant) {
        self.given_at = Some(now);
    }

    /// Whether the reader is working on a page.
    pub(super) fn is_processing(&self) -> bool {
        self.given_at.is_some()
    }

    /// Notes that the reader is done with its page.
    pub(super) fn processed(&mut self, now: Instant) {
        if let Some(given_at) = self.given_at.take() {
            self.processing = (self.processing + (now - given_at)) / 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(most: usize, took: Duration, processing: Duration) -> ReadAhead {
        let mut read_ahead = ReadAhead::new(most);
        for page in 0..20 {
            read_ahead.arrived(took, 1);
            let now = Instant::from_origin(Duration::from_secs(1_000 * page));
            read_ahead.given(now);
            read_ahead.processed(now + processing);
        }
        read_ahead
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn slow_pages_are_read_several_at_a_time() {
        for (took, most, pages) in
            [(10, 10, 1), (100, 10, 1), (250, 10, 3), (4_000, 10, 10), (4_000, 1, 1), (4_000, 0, 1)]
        {
            let read_ahead = after(most, Duration::from_millis(took), Duration::ZERO);
            assert_eq!(read_ahead.pages(), pages, "{took} ms, at most {most}");
        }
    }

    #[test]
    fn a_slow_reader_needs_no_more_than_one_page_ahead() {
        assert_eq!(after(10, SECOND * 4, SECOND * 10).pages(), 1);
        assert_eq!(after(10, SECOND * 4, SECOND).pages(), 4 + 1);
    }

    #[test]
    fn failures_halve_the_pages_and_successes_add_one() {
        let mut read_ahead = after(10, SECOND * 4, Duration::ZERO);
        let mut counts = Vec::new();
        for requests in [1, 2, 3, 2, 2, 1, 1] {
            read_ahead.arrived(SECOND * 4, requests);
            counts.push(read_ahead.pages());
        }
        assert_eq!(counts, [10, 5, 2, 1, 1, 2, 3]);
        read_ahead.failed();
        assert_eq!(read_ahead.pages(), 1);
    }

    #[test]
    fn the_first_pages_come_one_at_a_time() {
        let mut read_ahead = ReadAhead::new(10);
        assert_eq!(read_ahead.pages(), 1);
        read_ahead.arrived(SECOND * 4, 1);
        assert_eq!(read_ahead.pages(), 3);
    }
}
