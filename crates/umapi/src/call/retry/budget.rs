//! How many retries a client affords in all.

use std::sync::atomic::{AtomicU32, Ordering};

/// A bucket of tokens, shared by all calls of a client. Retries take from it and answers fill it again, so that in an
/// outage a client falls silent, however many calls it has to make.
///
/// The numbers let a fifth of all requests fail for good, in any mixture, without running dry.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Budget {
    /// What the bucket holds.
    const FULL: u32 = 100;
    /// What a retry costs.
    pub(crate) const QUICK: u32 = 4;
    /// What a retry costs after an attempt that kept the service busy.
    pub(crate) const SLOW: u32 = 8;
    /// What an answer brings.
    const ANSWER: u32 = 2;

    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(Self::FULL))
    }

    pub(crate) fn left(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn take(&self, cost: u32) {
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(cost)));
    }

    pub(crate) fn answered(&self) {
        let fill = |left: u32| Some((left + Self::ANSWER).min(Self::FULL));
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fill);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_empties_the_bucket_and_answers_fill_it() {
        let budget = Budget::new();
        for _ in 0..Budget::FULL / Budget::QUICK {
            assert!(budget.left() >= Budget::QUICK);
            budget.take(Budget::QUICK);
        }
        assert_eq!(budget.left(), 0);
        for _ in 0..1000 {
            budget.answered();
        }
        assert_eq!(budget.left(), Budget::FULL);
    }

    #[test]
    fn a_fifth_of_failures_does_not_run_dry() {
        let budget = Budget::new();
        for exchange in 0..10_000 {
            match exchange % 5 {
                0 if exchange % 10 == 0 => budget.take(Budget::SLOW),
                0 => budget.take(Budget::QUICK),
                _ => budget.answered(),
            }
            assert!(budget.left() >= Budget::SLOW);
        }
    }
}
