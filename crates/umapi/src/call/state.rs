//! What a call has been through.

use std::time::Duration;

use umapi_time::{Clock, Instant};

use super::ApiCall;
use crate::{
    call::Response,
    call::{AttemptOutcome, Effect, RetryContext},
    error::Error,
};

/// The course of one call over its attempts.
pub(super) struct CallState<'a> {
    pub(super) call: ApiCall<'a>,
    deadline: Option<Instant>,
    /// Requests that were sent.
    pub(super) requests: u32,
    failures: u32,
    slow_failures: u32,
    throttled: u32,
    /// For each credential, whether a fresh token was fetched since it was last accepted.
    pub(super) had_fresh_token: Vec<bool>,
    /// Whether an attempt so far may have been applied.
    may_have_been_applied: bool,
    /// Whether the attempt to come may do what was done already.
    pub(super) is_repetition: bool,
    pub(super) request_id: Option<String>,
    /// Why the last attempt failed.
    pub(super) last: Option<Error>,
}

impl<'a> CallState<'a> {
    pub(super) fn new(call: ApiCall<'a>, deadline: Option<Instant>, slots: usize) -> Self {
        Self {
            call,
            deadline,
            requests: 0,
            failures: 0,
            slow_failures: 0,
            throttled: 0,
            had_fresh_token: vec![false; slots],
            may_have_been_applied: call.is_repetition,
            is_repetition: call.is_repetition,
            request_id: None,
            last: None,
        }
    }

    /// What is left of the time of the call.
    pub(super) fn left(&self, clock: &Clock) -> Option<Duration> {
        self.deadline.map(|deadline| deadline - clock.now())
    }

    /// Counts a failed attempt, and sums up what is known.
    pub(super) fn situation(&mut self, fate: AttemptOutcome, slot: usize, budget: u32, clock: &Clock) -> RetryContext {
        let status = match fate {
            AttemptOutcome::Answered { status, .. } => Some(status),
            AttemptOutcome::NotSent | AttemptOutcome::Lost => None,
        };
        match status {
            Some(401) => {}
            Some(429) => self.throttled += 1,
            _ => self.failures += 1,
        }
        if status != Some(429) {
            self.throttled = 0;
        }
        if matches!(status, Some(504 | 408)) {
            self.slow_failures += 1;
        }
        let had_fresh_token = self.had_fresh_token[slot];
        if status.is_some_and(|status| status != 401) {
            self.had_fresh_token[slot] = false;
        }
        let is_unknown = match fate {
            AttemptOutcome::Answered { status: 408, .. } | AttemptOutcome::Lost => true,
            AttemptOutcome::Answered { status, is_refusal, .. } => status >= 500 && !(status == 503 && is_refusal),
            AttemptOutcome::NotSent => false,
        };
        self.may_have_been_applied |= is_unknown && self.call.effect != Effect::Read;
        RetryContext {
            effect: self.call.effect,
            fate,
            failures: self.failures,
            slow_failures: self.slow_failures,
            throttled: self.throttled,
            had_fresh_token,
            budget,
            left: self.left(clock),
            scatter: fastrand::f64(),
        }
    }

    pub(super) fn succeed<T>(&self, answer: Response<T>) -> Response<T> {
        Response { requests: self.requests, is_repetition: self.is_repetition, ..answer }
    }

    /// The error of the call as a whole.
    pub(super) fn fail(&self, error: Error, clock: &Clock) -> Error {
        error.with(|details| {
            details.operation = Some(self.call.operation.id());
            details.requests = self.requests;
            details.may_have_been_applied = self.may_have_been_applied;
            if details.request_id.is_none() {
                details.request_id.clone_from(&self.request_id);
            }
            details.until = details.retry_after.and_then(|wait| clock.wall().checked_add(wait));
        })
    }
}
