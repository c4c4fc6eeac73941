//! The state of one call over its attempts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use umapi_time::{Clock, Instant};

use super::{
    ApiCall, HttpExchange, Response,
    retry::{AttemptOutcome, Effect, MAX_FRESH_TOKENS, MAX_THROTTLED, RetryContext},
};
use crate::{
    error::{Error, Kind},
    rate::FirstPagePermit,
    run::StopHandle,
};

/// With less time left than this, the response of a request would come too late.
const LEAST_LEFT: Duration = Duration::from_millis(100);

/// How often one call may hand over from one credential to another.
const MAX_HAND_OVERS: u32 = 100;

/// The state of one call over its attempts.
pub(super) struct CallState<'a> {
    pub(super) call: ApiCall<'a>,
    began: Instant,
    deadline: Option<Instant>,
    /// With less time left than this, no request is sent: its response would come too late.
    least_left: Duration,
    /// Whether a request is being sent now.
    pub(super) is_sending: Arc<AtomicBool>,
    /// The permit to read the first page of a list.
    pub(super) first_page: Option<FirstPagePermit>,
    /// The last request.
    pub(super) exchange: Option<HttpExchange>,
    /// Attempts to send a request.
    pub(super) attempts: u32,
    /// Requests that were sent: attempts that had a connection.
    pub(super) requests: u32,
    failures: u32,
    slow_failures: u32,
    throttled: u32,
    fresh_tokens: u32,
    hand_overs: u32,
    /// For each credential, whether its token is new since the last response that was not 401.
    has_fresh_token: Vec<bool>,
    /// Whether an attempt so far may have been applied.
    may_have_been_applied: bool,
    /// Whether the next attempt may repeat an applied one.
    pub(super) is_repetition: bool,
    pub(super) request_id: Option<String>,
    /// The error of the last attempt.
    pub(super) last_error: Option<Error>,
}

impl<'a> CallState<'a> {
    pub(super) fn new(call: ApiCall<'a>, deadline: Option<Instant>, slots: usize, clock: &Clock) -> Self {
        Self {
            call,
            began: clock.now(),
            deadline,
            least_left: deadline.map_or(Duration::ZERO, |deadline| ((deadline - clock.now()) / 10).min(LEAST_LEFT)),
            is_sending: Arc::default(),
            first_page: None,
            exchange: None,
            attempts: 0,
            requests: 0,
            failures: 0,
            slow_failures: 0,
            throttled: 0,
            fresh_tokens: 0,
            hand_overs: 0,
            has_fresh_token: vec![false; slots],
            may_have_been_applied: call.is_repetition,
            is_repetition: call.is_repetition,
            request_id: None,
            last_error: None,
        }
    }

    /// The time until the deadline; `None` without a deadline.
    pub(super) fn time_left(&self, clock: &Clock) -> Option<Duration> {
        self.deadline.map(|deadline| deadline - clock.now())
    }

    /// Whether a request may be sent now.
    pub(super) fn check(&self, clock: &Clock) -> Result<(), Error> {
        if self.call.stop.is_some_and(StopHandle::is_stopped) {
            return Err(Error::new(Kind::Stopped));
        }
        match self.time_left(clock) {
            Some(left) if left.is_zero() || left < self.least_left => {
                Err(Error::new(Kind::Deadline { has_passed: left.is_zero() }))
            }
            _ => Ok(()),
        }
    }

    /// Whether the call ended in the middle of a request that the service may have received.
    fn is_cut_off(&self) -> bool {
        self.is_sending.load(Ordering::SeqCst)
            && self.call.effect != Effect::Read
            && self.exchange.as_ref().is_none_or(HttpExchange::may_have_arrived)
    }

    pub(super) fn record_fresh_token(&mut self, slot: usize) {
        self.fresh_tokens += 1;
        self.has_fresh_token[slot] = true;
    }

    /// Counts a change to another credential. Returns whether it is still allowed.
    pub(super) fn record_hand_over(&mut self) -> bool {
        self.hand_overs += 1;
        self.hand_overs <= MAX_HAND_OVERS
    }

    /// Counts a failed attempt, and returns what the retry decision depends on.
    pub(super) fn record_failure(
        &mut self,
        outcome: AttemptOutcome,
        slot: usize,
        budget: u32,
        max_wait: Option<Duration>,
        clock: &Clock,
    ) -> RetryContext {
        let status = outcome.status();
        match status {
            Some(401) => {}
            Some(429) => self.throttled += 1,
            _ => self.failures += 1,
        }
        if matches!(status, Some(504 | 408)) {
            self.slow_failures += 1;
        }
        let has_fresh_token = self.has_fresh_token[slot];
        if status.is_some_and(|status| status != 401) {
            self.has_fresh_token[slot] = false;
        }
        self.may_have_been_applied |= outcome.is_unknown() && self.call.effect != Effect::Read;
        RetryContext {
            operation: self.call.operation.id(),
            effect: self.call.effect,
            outcome,
            failures: self.failures,
            slow_failures: self.slow_failures,
            throttled: self.throttled,
            fresh_tokens: self.fresh_tokens,
            has_fresh_token,
            budget,
            elapsed: clock.now() - self.began,
            time_left: self.time_left(clock),
            max_wait,
            jitter: fastrand::f64(),
        }
    }

    pub(super) fn succeed<T>(&self, response: Response<T>) -> Response<T> {
        Response { requests: self.requests, is_repetition: self.is_repetition, ..response }
    }

    /// Returns the error of the whole call.
    pub(super) fn fail(&self, error: Error, clock: &Clock) -> Error {
        error.with(|details| {
            details.operation = Some(self.call.operation.id());
            details.requests = self.requests;
            details.may_have_been_applied = self.may_have_been_applied || self.is_cut_off();
            if details.request_id.is_none() {
                details.request_id.clone_from(&self.request_id);
            }
            details.until = details.retry_after.and_then(|wait| clock.wall().checked_add(wait));
            details.repeated = self.repeated();
        })
    }

    /// What ended the call because it was repeated too often.
    fn repeated(&self) -> Option<String> {
        if self.throttled > MAX_THROTTLED {
            return Some(format!("the service responded with 429 {} times to this call", self.throttled));
        }
        if self.fresh_tokens >= MAX_FRESH_TOKENS {
            let throttled = self.throttled;
            return Some(format!(
                "the service rejected {} new access tokens in this call, with {throttled} responses of 429 in between",
                self.fresh_tokens
            ));
        }
        (self.hand_overs > MAX_HAND_OVERS).then(|| format!("{} credentials failed in this call", self.hand_overs))
    }
}
