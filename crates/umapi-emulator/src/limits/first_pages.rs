//! The limit of first pages: how often one client can read page 0 of all users, and of all groups.
//!
//! Known is that a client that reads page 0 again too soon is refused, with everything else that it calls, for most of an hour,
//! and that `Pragma: umapi-sync-start` lets a retry pass. The rest is guessed here, and listed in DIFFERENCES.md.

use std::time::Duration;

use umapi_model::{CountedCalls, Operation, Throttle};
use umapi_time::Instant;

use super::{CountedCall, ExceededLimit, FirstPageLimit, LimitScope, Refusal};

/// The value of `Pragma` that ends a job.
const SYNC_END: &str = "umapi-sync-end";

/// The first pages that one client has read.
#[derive(Debug, Default)]
pub(super) struct FirstPages {
    /// The current period of each limit.
    periods: Vec<Period>,
    /// The block of the client, and the limit that caused it.
    block: Option<(Instant, &'static str)>,
}

/// A period of one limit, which begins with its first read.
#[derive(Debug, Clone, Copy)]
struct Period {
    limit: &'static str,
    begin: Instant,
    used: u32,
    /// The last counted read, if it can have a retry.
    retried: Option<Instant>,
}

impl FirstPages {
    /// Refuses every call of a blocked client.
    pub(super) fn check_block(&mut self, settings: &FirstPageLimit, now: Instant) -> Result<(), Refusal> {
        let Some((until, name)) = self.block else { return Ok(()) };
        if now < until && settings.block().is_some() {
            let limit = ExceededLimit { name, scope: LimitScope::Client, blocked: true };
            return Err(Refusal { limit, wait: until - now });
        }
        // `Retry-After` promised that the next call succeeds.
        self.block = None;
        self.periods.retain(|period| period.limit != name);
        Ok(())
    }

    /// Counts a call that no other limit refuses.
    pub(super) fn count(
        &mut self,
        settings: &FirstPageLimit,
        call: &CountedCall<'_>,
        now: Instant,
    ) -> Result<(), Refusal> {
        if let Some(throttle) = first_page_limit(call.operation).filter(|_| call.is_first_page) {
            self.count_first_page(settings, throttle, call, now)?;
        }
        if has_token(call.pragma, SYNC_END) {
            self.periods.iter_mut().for_each(|period| period.retried = None);
        }
        Ok(())
    }

    fn count_first_page(
        &mut self,
        settings: &FirstPageLimit,
        throttle: &Throttle,
        call: &CountedCall<'_>,
        now: Instant,
    ) -> Result<(), Refusal> {
        self.periods.retain(|period| now < period.begin + settings.period());
        let hint = throttle.block.map_or("", |block| block.retry_hint);
        let has_hint = has_token(call.pragma, hint);
        let retried = has_hint.then_some(now);
        let position = self.periods.iter().position(|period| period.limit == throttle.name);
        let used = position.map_or(0, |position| self.periods[position].used);
        if let Some(position) = position
            && has_hint
            && self.periods[position].retried.is_some_and(|read| now < read + settings.retry())
        {
            return Ok(());
        }
        if used < settings.calls {
            match position {
                Some(position) => {
                    let period = &mut self.periods[position];
                    (period.used, period.retried) = (used + 1, retried);
                }
                None => self.periods.push(Period { limit: throttle.name, begin: now, used: 1, retried }),
            }
            return Ok(());
        }
        let limit = ExceededLimit { name: throttle.name, scope: LimitScope::Client, blocked: false };
        let end_of_period = position.map_or(now, |position| self.periods[position].begin) + settings.period();
        let until = match settings.block() {
            Some(block) => {
                self.block = Some((now + block, throttle.name));
                now + block
            }
            None => end_of_period,
        };
        Err(Refusal { limit, wait: until - now })
    }
}

/// What is left of the first pages.
impl FirstPages {
    /// The reads that count now, and when their period ends, of the limit with a name.
    pub(super) fn used(&self, settings: &FirstPageLimit, name: &str, now: Instant) -> (u32, Option<Duration>) {
        let period = self.periods.iter().find(|period| period.limit == name);
        match period.map(|period| (period.used, period.begin + settings.period())) {
            Some((used, end)) if now < end => (used, Some(end - now)),
            _ => (0, None),
        }
    }

    /// The limit that blocks the client, and for how long.
    pub(super) fn blocked(&self, settings: &FirstPageLimit, now: Instant) -> Option<(&'static str, Duration)> {
        let (until, name) = self.block?;
        (now < until && settings.block().is_some()).then(|| (name, until - now))
    }
}

/// The limit of the first pages of an operation.
fn first_page_limit(operation: Operation) -> Option<&'static Throttle> {
    operation.throttles().iter().find(|throttle| throttle.counts == CountedCalls::FirstPage)
}

/// Whether a list of values has this one.
fn has_token(list: &str, token: &str) -> bool {
    list.split(',').any(|value| value.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use umapi_time::ManualClock;

    use super::*;

    const START: &str = "umapi-sync-start";

    struct Client {
        pages: FirstPages,
        settings: FirstPageLimit,
        clock: ManualClock,
    }

    impl Client {
        fn new(settings: FirstPageLimit) -> Self {
            Self { pages: FirstPages::default(), settings, clock: ManualClock::new() }
        }

        fn after(&mut self, seconds: u64) -> &mut Self {
            self.clock.advance(Duration::from_secs(seconds));
            self
        }

        /// Makes a call. The error is the limit, how long to wait, and whether the client was blocked before.
        fn call(
            &mut self,
            operation: Operation,
            is_first_page: bool,
            pragma: &str,
        ) -> Result<(), (&'static str, u64, bool)> {
            let now = self.clock.clock().now();
            let call = CountedCall { client_id: "a", operation, is_first_page, pragma };
            let checked = self.pages.check_block(&self.settings, now);
            let counted = checked.and_then(|()| self.pages.count(&self.settings, &call, now));
            counted.map_err(|refusal| (refusal.limit.name, refusal.wait.as_secs(), refusal.limit.blocked))
        }

        fn users(&mut self, pragma: &str) -> Result<(), (&'static str, u64, bool)> {
            self.call(Operation::ListUsers, true, pragma)
        }

        fn groups(&mut self) -> Result<(), (&'static str, u64, bool)> {
            self.call(Operation::ListGroups, true, "")
        }
    }

    #[test]
    fn a_second_first_page_blocks_every_call() {
        let mut client = Client::new(FirstPageLimit::reported());
        assert_eq!(client.users(""), Ok(()));
        assert_eq!(client.groups(), Ok(()), "each list is counted separately");
        for _ in 0..50 {
            assert_eq!(client.call(Operation::ListUsers, false, ""), Ok(()), "later pages do not count");
            assert_eq!(client.call(Operation::ListUsersInGroup, true, ""), Ok(()), "nor do members of a group");
            assert_eq!(client.call(Operation::ExecuteActions, false, ""), Ok(()));
        }
        assert_eq!(client.after(600).groups(), Err(("groups-first-page", 2400, false)));
        for operation in [Operation::ExecuteActions, Operation::GetUser, Operation::ListGroups, Operation::ListUsers] {
            let refused = client.after(10).call(operation, true, START);
            assert_eq!(refused.map_err(|(name, _, blocked)| (name, blocked)), Err(("groups-first-page", true)));
        }
        assert_eq!(client.groups(), Err(("groups-first-page", 2360, true)), "the block does not start again");
    }

    #[test]
    fn after_a_block_the_call_succeeds() {
        let mut client = Client::new(FirstPageLimit::reported());
        assert_eq!(client.users(""), Ok(()));
        assert_eq!(client.users(""), Err(("users-first-page", 2400, false)));
        assert_eq!(client.after(2400).users(""), Ok(()), "as `Retry-After` said");
        assert_eq!(client.after(4799).users(""), Err(("users-first-page", 2400, false)), "a new period");
    }

    #[test]
    fn a_period_begins_with_its_first_read() {
        let mut client = Client::new(FirstPageLimit { calls: 2, ..FirstPageLimit::reported() });
        assert_eq!(client.users(""), Ok(()));
        assert_eq!(client.after(7000).users(""), Ok(()));
        assert_eq!(client.after(200).users(""), Ok(()));
        assert_eq!(client.after(7199).users(""), Ok(()));
        assert_eq!(client.users(""), Err(("users-first-page", 2400, false)));
    }

    #[test]
    fn the_hint_lets_a_retry_pass() {
        let mut client = Client::new(FirstPageLimit::reported());
        assert_eq!(client.users(START), Ok(()));
        assert_eq!(client.after(300).users("no-cache, UMAPI-SYNC-START"), Ok(()));
        assert_eq!(client.after(299).users(START), Ok(()));
        assert_eq!(client.after(1).users(START), Err(("users-first-page", 2400, false)), "too late for a retry");
    }

    #[test]
    fn a_retry_needs_the_hint_on_both_reads() {
        for (first, second) in [("", START), (START, ""), ("umapi-sync-end", START)] {
            let mut client = Client::new(FirstPageLimit::reported());
            assert_eq!(client.users(first), Ok(()));
            assert_eq!(client.users(second), Err(("users-first-page", 2400, false)), "{first:?} {second:?}");
        }
    }

    #[test]
    fn nothing_is_retried_after_the_end_of_a_job() {
        let mut client = Client::new(FirstPageLimit::reported());
        assert_eq!(client.users(START), Ok(()));
        assert_eq!(client.call(Operation::ExecuteActions, false, "umapi-sync-end"), Ok(()));
        assert_eq!(client.users(START), Err(("users-first-page", 2400, false)));
    }

    #[test]
    fn without_a_block_only_the_first_page_is_refused() {
        let mut client = Client::new(FirstPageLimit { block_seconds: 0, ..FirstPageLimit::reported() });
        assert_eq!(client.users(""), Ok(()));
        assert_eq!(client.after(200).users(""), Err(("users-first-page", 7000, false)));
        assert_eq!(client.call(Operation::ExecuteActions, false, ""), Ok(()));
        assert_eq!(client.groups(), Ok(()));
        assert_eq!(client.after(7000).users(""), Ok(()));
    }

    #[test]
    fn a_limit_of_zero_always_refuses() {
        let mut client = Client::new(FirstPageLimit { calls: 0, block_seconds: 0, ..FirstPageLimit::reported() });
        for _ in 0..2 {
            assert_eq!(client.users(""), Err(("users-first-page", 7200, false)));
        }
    }

    #[test]
    fn a_removed_block_ends() {
        let mut client = Client::new(FirstPageLimit::reported());
        assert_eq!(client.users(""), Ok(()));
        assert!(client.users("").is_err());
        client.settings.block_seconds = 0;
        assert_eq!(client.call(Operation::GetUser, false, ""), Ok(()));
    }
}
