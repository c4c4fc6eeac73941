//! Whether a request is sent again: a pure function of what is known.
//!
//! | row | what became of the attempt | a question | a change that may be repeated | a change that may not |
//! |---|---|---|---|---|
//! | 1 | no connection: nothing was sent | again, after a backoff | again, after a backoff | again, after a backoff |
//! | 2 | 401, the first of this call | again at once, with a fresh token | the same | the same |
//! | 3 | 401, once more | stop | stop | stop |
//! | 4 | 429 | again, when the service allows it; the whole class waits | the same | the same |
//! | 5 | 503 that says so itself (`Retry-After`, or a code of the service) | again, after the longer of that and a backoff | the same | the same |
//! | 6 | any other 4xx, or 3xx | stop | stop | stop |
//! | 7 | 504, 408 | again, after a long backoff, twice at most | the same, as a repetition | stop: unknown |
//! | 8 | any other 5xx | again, after a backoff | the same, as a repetition | stop: unknown |
//! | 9 | no answer, or one that cannot be read | again, after a backoff | the same, as a repetition | stop: unknown |
//!
//! Rows 1 and 5 to 9 end with the attempts of the [`RetryPolicy`], and when the [budget](Budget) of the client is used
//! up. No row waits into the deadline of the call: it stops instead. "As a repetition" means that whoever
//! keeps account is told that the first attempt may have been applied, so that an answer of "already exists" is that
//! one's success.
//!
//! Rows 2 and 4 cost no attempt: they are not faults. A 504 is what the service answers when a group is so large that
//! the answer is not ready in time; asking again and again would only use up the calls of the minute.

mod budget;

use std::time::Duration;

pub(crate) use budget::Budget;
pub(crate) use umapi_http::RetryPolicy;

/// What a 504 or 408 is given to recover, at least.
const LONG_BACKOFF: Duration = Duration::from_secs(30);

/// How often a request that was answered with 504 or 408 is sent again.
const SLOW_RETRIES: u32 = 2;

/// What is left alone after a 429 that does not say how long.
const UNSAID: Duration = Duration::from_secs(60);

/// What a request is, as far as sending it again goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It changes nothing.
    Read,
    /// It changes something, and whoever keeps account can tell what a repetition of it did.
    RepeatableChange,
    /// It changes something, and must not be done twice.
    OneTimeChange,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttemptOutcome {
    /// Nothing was sent.
    NotSent,
    /// It was answered, and not with success. `is_refusal`: the answer itself says that nothing was done.
    Answered { status: u16, retry_after: Option<Duration>, is_refusal: bool },
    /// It was sent, and what became of it is not known.
    Lost,
}

/// What is known when the question comes up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryContext {
    pub(crate) effect: Effect,
    pub(crate) fate: AttemptOutcome,
    /// Attempts that failed, this one among them, without those of rows 2 and 4.
    pub(crate) failures: u32,
    /// Attempts of row 7, this one among them.
    pub(crate) slow_failures: u32,
    /// Attempts of row 4 in a row, this one among them.
    pub(crate) throttled: u32,
    /// Whether a fresh token was tried.
    pub(crate) had_fresh_token: bool,
    /// What the budget holds.
    pub(crate) budget: u32,
    /// What is left of the time of the call.
    pub(crate) left: Option<Duration>,
    /// A random number between 0 and 1.
    pub(crate) scatter: f64,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryDecision {
    /// Drop the token, and send again at once.
    FreshToken,
    /// Hold back the whole class for so long, and stand in line again.
    HoldBack(Duration),
    /// Send again after so much time, at this cost.
    Again { after: Duration, cost: u32, is_repetition: bool },
    /// The outcome stands.
    Stop,
}

/// The table of this module.
pub(crate) fn decide(policy: &RetryPolicy, situation: &RetryContext) -> RetryDecision {
    let backoff = policy.backoff(situation.failures, situation.scatter);
    let is_change = situation.effect != Effect::Read;
    let decision = match situation.fate {
        AttemptOutcome::NotSent => RetryDecision::Again { after: backoff, cost: Budget::QUICK, is_repetition: false },
        AttemptOutcome::Answered { status: 401, .. } if !situation.had_fresh_token => RetryDecision::FreshToken,
        AttemptOutcome::Answered { status: 429, retry_after, .. } => {
            // Believed as it is; but who is told "now" again and again keeps a distance all the same.
            let distance = if situation.throttled > 1 {
                policy.backoff(situation.throttled, situation.scatter)
            } else {
                Duration::ZERO
            };
            return within(situation.left, RetryDecision::HoldBack(retry_after.unwrap_or(UNSAID).max(distance)));
        }
        AttemptOutcome::Answered { status: 503, retry_after, is_refusal: true } => {
            let after = backoff.max(retry_after.unwrap_or_default());
            RetryDecision::Again { after, cost: Budget::QUICK, is_repetition: false }
        }
        AttemptOutcome::Answered { status: 504 | 408, retry_after, .. } => {
            if situation.effect == Effect::OneTimeChange || situation.slow_failures > SLOW_RETRIES {
                return RetryDecision::Stop;
            }
            let after = backoff.max(LONG_BACKOFF * situation.slow_failures.max(1)).max(retry_after.unwrap_or_default());
            RetryDecision::Again { after, cost: Budget::SLOW, is_repetition: is_change }
        }
        AttemptOutcome::Answered { status, retry_after, .. }
            if status >= 500 && situation.effect != Effect::OneTimeChange =>
        {
            let after = backoff.max(retry_after.unwrap_or_default());
            RetryDecision::Again { after, cost: Budget::QUICK, is_repetition: is_change }
        }
        AttemptOutcome::Lost if situation.effect != Effect::OneTimeChange => {
            RetryDecision::Again { after: backoff, cost: Budget::QUICK, is_repetition: is_change }
        }
        AttemptOutcome::Answered { .. } | AttemptOutcome::Lost => RetryDecision::Stop,
    };
    match decision {
        RetryDecision::Again { .. } if situation.failures >= policy.max_attempts() => RetryDecision::Stop,
        RetryDecision::Again { cost, .. } if situation.budget < cost => RetryDecision::Stop,
        decision => within(situation.left, decision),
    }
}

/// A wait that would end after the call is over is not begun.
fn within(left: Option<Duration>, decision: RetryDecision) -> RetryDecision {
    match (decision, left) {
        (RetryDecision::Again { after: wait, .. } | RetryDecision::HoldBack(wait), Some(left)) if wait >= left => {
            RetryDecision::Stop
        }
        _ => decision,
    }
}

#[cfg(test)]
mod tests;
