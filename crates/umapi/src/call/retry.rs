//! Whether a failed attempt is retried: a pure function of what is known.
//!
//! | row | outcome of the attempt | read | repeatable change | one-time change |
//! |---|---|---|---|---|
//! | 1 | not sent: no connection, or a temporary failure of the login | retry after a backoff | same | same |
//! | 2 | 401, first time with this token | retry immediately with a new token | same | same |
//! | 3 | 401 with a new token | stop | stop | stop |
//! | 4 | 429 | retry when the service allows it | same | same |
//! | 5 | 503 that says nothing was done (`Retry-After`, or a code of the service) | retry after a backoff | same | same |
//! | 6 | any other 4xx | stop | stop | stop |
//! | 7 | 504, 408 | retry after a long backoff, at most twice | same, as a repetition | stop: unknown |
//! | 8 | any other 5xx | retry after a backoff | same, as a repetition | stop: unknown |
//! | 9 | lost: no response, or an incomplete one | retry after a backoff | same, as a repetition | stop: unknown |
//! | 10 | a redirect, which is not followed, or a complete success response that cannot be used | stop | stop: unknown | stop: unknown |
//!
//! Every retry also waits for the `Retry-After` of the response. A wait that is longer than the throttle policy allows, or
//! that would outlast the deadline, is not started: the call stops instead.
//!
//! Rows 1, 5, 7, 8 and 9 ask the [`RetryPolicy`], which can only stop or wait longer, and end with the [`RetryBudget`] of the
//! client. Rows 2 and 4 cost no attempt, because they are not failures of the service; they have limits of their own,
//! [`MAX_FRESH_TOKENS`] and [`MAX_THROTTLED`]. "As a repetition" means that the first attempt may have been applied, so that a response of "already
//! exists" may be about that attempt.
//!
//! The service responds with 504 when a group is too large to be read in time. Retrying more often would only use up the
//! calls of the minute.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use umapi_http::{AttemptFailure, FailedAttempt, RetryPolicy, ask_throttled_wait};
use umapi_model::ThrottleClass;
use umapi_time::Instant;

/// The shortest backoff after 504 or 408.
const LONG_BACKOFF: Duration = Duration::from_secs(30);

/// How often a request is retried after 504 or 408.
const SLOW_RETRIES: u32 = 2;

/// The wait after a 429 without `Retry-After`.
const DEFAULT_PAUSE: Duration = Duration::from_secs(60);

/// How many responses of 429 one call accepts.
pub(super) const MAX_THROTTLED: u32 = 60;

/// How many new access tokens one call requests.
pub(super) const MAX_FRESH_TOKENS: u32 = 4;

/// The effect of a request, as far as retries are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The request changes nothing.
    Read,
    /// The request may be repeated: the caller can tell what the repetition did.
    RepeatableChange,
    /// The request must not be applied twice.
    OneTimeChange,
}

/// The outcome of a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttemptOutcome {
    /// Nothing was sent.
    NotSent { retry_after: Option<Duration> },
    /// The response is an error. `is_rejection`: it says that nothing was done.
    Rejected { status: u16, retry_after: Option<Duration>, is_rejection: bool },
    /// The request was sent, and it is unknown what became of it.
    Lost,
    /// The response is a success and complete, but cannot be used.
    Unusable,
}

impl AttemptOutcome {
    /// The status of an error response.
    pub(super) fn status(self) -> Option<u16> {
        match self {
            Self::Rejected { status, .. } => Some(status),
            Self::NotSent { .. } | Self::Lost | Self::Unusable => None,
        }
    }

    /// Whether the request may have been applied.
    pub(crate) fn is_unknown(self) -> bool {
        match self {
            Self::Lost | Self::Unusable | Self::Rejected { status: 408, .. } => true,
            // A redirect may be the answer to a request that was applied, as 303 is.
            Self::Rejected { status: 300..=399, .. } => true,
            Self::Rejected { status, is_rejection, .. } => status >= 500 && !(status == 503 && is_rejection),
            Self::NotSent { .. } => false,
        }
    }

    /// How long the response asks to wait.
    pub(crate) fn requested_wait(self) -> Option<Duration> {
        match self {
            Self::Rejected { status: 429, retry_after, .. } => Some(retry_after.unwrap_or(DEFAULT_PAUSE)),
            Self::Rejected { status: 408 | 500.., retry_after, .. } | Self::NotSent { retry_after } => retry_after,
            Self::Rejected { .. } | Self::Lost | Self::Unusable => None,
        }
    }
}

/// What a retry decision depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct RetryContext {
    pub(super) operation: &'static str,
    pub(super) effect: Effect,
    pub(super) outcome: AttemptOutcome,
    /// Failed attempts including this one, without rows 2 and 4.
    pub(super) failures: u32,
    /// Attempts of row 7 including this one.
    pub(super) slow_failures: u32,
    /// Responses of 429 including this one.
    pub(super) throttled: u32,
    /// New tokens that the call has requested.
    pub(super) fresh_tokens: u32,
    /// Whether the rejected token was new.
    pub(super) has_fresh_token: bool,
    /// What is left of the retry budget.
    pub(super) budget: u32,
    /// The time since the call began.
    pub(super) elapsed: Duration,
    /// The time until the deadline.
    pub(super) time_left: Option<Duration>,
    /// The longest wait that the throttle policy allows.
    pub(super) max_wait: Option<Duration>,
    /// A random number between 0 and 1.
    pub(super) jitter: f64,
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RetryDecision {
    /// Drop the token, and retry immediately with a new one.
    FreshToken,
    /// Retry when the rate limiter, which knows the requested wait, gives a permit.
    Throttled,
    /// Retry after a backoff, at this cost.
    Retry { after: Duration, cost: u32, is_repetition: bool },
    /// The error is final.
    Stop,
}

/// Decides what follows a failed attempt, by the table of this module. The policy is asked last, about what may be retried.
pub(super) fn decide(policy: &dyn RetryPolicy, context: &RetryContext) -> RetryDecision {
    let (is_change, is_repeatable) = (context.effect != Effect::Read, context.effect != Effect::OneTimeChange);
    let requested = context.outcome.requested_wait().unwrap_or_default();
    let (least, cost, is_repetition) = match context.outcome {
        AttemptOutcome::Rejected { status: 401, .. }
            if !context.has_fresh_token && context.fresh_tokens < MAX_FRESH_TOKENS =>
        {
            return RetryDecision::FreshToken;
        }
        AttemptOutcome::Rejected { status: 429, .. } => {
            return if context.throttled <= MAX_THROTTLED && context.allows(requested, requested) {
                throttled(policy, context, requested)
            } else {
                RetryDecision::Stop
            };
        }
        AttemptOutcome::NotSent { .. } | AttemptOutcome::Rejected { status: 503, is_rejection: true, .. } => {
            (Duration::ZERO, RetryBudget::QUICK, false)
        }
        AttemptOutcome::Rejected { status: 504 | 408, .. }
            if is_repeatable && context.slow_failures <= SLOW_RETRIES =>
        {
            (LONG_BACKOFF * context.slow_failures.max(1), RetryBudget::SLOW, is_change)
        }
        AttemptOutcome::Rejected { status: 504 | 408, .. } => return RetryDecision::Stop,
        AttemptOutcome::Rejected { status, .. } if status >= 500 && is_repeatable => {
            (Duration::ZERO, RetryBudget::QUICK, is_change)
        }
        AttemptOutcome::Lost if is_repeatable => (Duration::ZERO, RetryBudget::QUICK, is_change),
        AttemptOutcome::Rejected { .. } | AttemptOutcome::Lost | AttemptOutcome::Unusable => {
            return RetryDecision::Stop;
        }
    };
    // Nothing that the policy says makes up for these.
    if context.budget < cost || !context.allows(least.max(requested), least.max(requested)) {
        return RetryDecision::Stop;
    }
    let Some(own) = context.failed_attempt().ask(policy) else { return RetryDecision::Stop };
    let after = own.max(least);
    // After 504 and 408, the client waits for the service's sake, so the throttle policy counts.
    let imposed = if least.is_zero() { requested } else { after.max(requested) };
    if context.allows(imposed, after.max(requested)) {
        RetryDecision::Retry { after, cost, is_repetition }
    } else {
        RetryDecision::Stop
    }
}

/// The first 429 is retried exactly when the service says. If it repeats "now", the retries keep a growing distance, which
/// costs nothing but time.
fn throttled(policy: &dyn RetryPolicy, context: &RetryContext, requested: Duration) -> RetryDecision {
    let Some(distance) = ask_throttled_wait(policy, context.throttled, context.jitter) else {
        return RetryDecision::Stop;
    };
    if requested >= distance {
        return RetryDecision::Throttled;
    }
    if !context.allows(distance, distance) {
        return RetryDecision::Stop;
    }
    RetryDecision::Retry { after: distance, cost: 0, is_repetition: false }
}

impl RetryContext {
    /// The attempt as a policy sees it.
    fn failed_attempt(&self) -> FailedAttempt<'_> {
        let failure = match self.outcome {
            AttemptOutcome::NotSent { .. } => AttemptFailure::NotSent,
            AttemptOutcome::Rejected { status, .. } => AttemptFailure::Status(status),
            AttemptOutcome::Lost | AttemptOutcome::Unusable => AttemptFailure::Lost,
        };
        FailedAttempt::new(self.operation, self.failures, failure)
            .after(self.elapsed, self.time_left)
            .with_requested_wait(self.outcome.requested_wait())
            .with_jitter(self.jitter)
    }

    /// Whether a wait fits the throttle policy, as far as the service imposes it, and the deadline as a whole.
    fn allows(&self, imposed: Duration, whole: Duration) -> bool {
        self.max_wait.is_none_or(|longest| imposed <= longest) && self.time_left.is_none_or(|left| whole < left)
    }
}

/// How many retries the calls of a client can afford, for each class of operations. Retries take from it; responses and time
/// refill it. So the client nearly stops retrying what fails all the time, however many calls it makes, and what fails in one
/// class takes nothing from another.
///
/// The numbers allow a fifth of all requests to fail permanently, in any mixture, without running out.
#[derive(Debug, Default)]
pub(crate) struct RetryBudget(Mutex<Vec<(ThrottleClass, Bucket)>>);

#[derive(Clone, Copy, Debug)]
struct Bucket {
    level: u32,
    /// Until when the refill by time is counted in.
    filled_at: Instant,
}

impl RetryBudget {
    /// The capacity of a class.
    const FULL: u32 = 100;
    /// What reads leave for changes, whose outcome is unknown without a retry.
    const RESERVE: u32 = 40;
    /// The cost of a retry.
    const QUICK: u32 = 4;
    /// The cost of a retry after an attempt that kept the service busy.
    const SLOW: u32 = 8;
    /// What a response refills.
    const REFILL: u32 = 2;
    /// The time that refills one.
    const REFILL_TIME: Duration = Duration::from_secs(3);

    /// What is left for a call.
    pub(super) fn left(&self, class: ThrottleClass, effect: Effect, now: Instant) -> u32 {
        let level = self.with(class, |bucket| {
            let (elapsed, time) = (now - bucket.filled_at, Self::REFILL_TIME.as_millis());
            let refilled = u32::try_from(elapsed.as_millis() / time).unwrap_or(u32::MAX);
            bucket.filled_at += Self::REFILL_TIME.saturating_mul(refilled);
            bucket.level = bucket.level.saturating_add(refilled).min(Self::FULL);
            bucket.level
        });
        if effect == Effect::Read { level.saturating_sub(Self::RESERVE) } else { level }
    }

    pub(super) fn take(&self, class: ThrottleClass, cost: u32, now: Instant) {
        self.with(class, |bucket| {
            // A full bucket starts to refill now.
            if bucket.level == Self::FULL {
                bucket.filled_at = now;
            }
            bucket.level = bucket.level.saturating_sub(cost);
        });
    }

    pub(super) fn refill(&self, class: ThrottleClass) {
        self.with(class, |bucket| bucket.level = (bucket.level + Self::REFILL).min(Self::FULL));
    }

    fn with<T>(&self, class: ThrottleClass, act: impl FnOnce(&mut Bucket) -> T) -> T {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = buckets.iter().position(|(of, _)| *of == class).unwrap_or_else(|| {
            buckets.push((class, Bucket { level: Self::FULL, filled_at: Instant::ORIGIN }));
            buckets.len() - 1
        });
        act(&mut buckets[index].1)
    }
}

#[cfg(test)]
mod tests {
    use umapi_http::StandardRetry;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const HOUR: Duration = Duration::from_secs(3600);
    const EFFECTS: [Effect; 3] = [Effect::Read, Effect::RepeatableChange, Effect::OneTimeChange];
    const NOT_SENT: AttemptOutcome = AttemptOutcome::NotSent { retry_after: None };

    fn context(effect: Effect, outcome: AttemptOutcome) -> RetryContext {
        RetryContext {
            operation: "getUser",
            effect,
            outcome,
            failures: 1,
            slow_failures: 0,
            throttled: 0,
            fresh_tokens: 0,
            has_fresh_token: false,
            budget: 100,
            elapsed: Duration::ZERO,
            time_left: None,
            max_wait: None,
            jitter: 1.0,
        }
    }

    fn rejected(status: u16) -> AttemptOutcome {
        AttemptOutcome::Rejected { status, retry_after: None, is_rejection: false }
    }

    fn asking(status: u16, wait: Duration) -> AttemptOutcome {
        AttemptOutcome::Rejected { status, retry_after: Some(wait), is_rejection: true }
    }

    fn decision(context: RetryContext) -> RetryDecision {
        decide(&StandardRetry::default(), &context)
    }

    fn after(effect: Effect, outcome: AttemptOutcome) -> RetryDecision {
        decision(context(effect, outcome))
    }

    fn retry(seconds: u64, cost: u32, is_repetition: bool) -> RetryDecision {
        RetryDecision::Retry { after: Duration::from_secs(seconds), cost, is_repetition }
    }

    #[test]
    fn row_1_a_request_that_was_not_sent_is_retried() {
        for effect in EFFECTS {
            assert_eq!(after(effect, NOT_SENT), retry(1, RetryBudget::QUICK, false));
        }
    }

    #[test]
    fn row_2_the_first_401_needs_a_fresh_token() {
        for effect in EFFECTS {
            assert_eq!(after(effect, rejected(401)), RetryDecision::FreshToken);
        }
    }

    #[test]
    fn row_3_a_401_with_a_fresh_token_is_final() {
        for effect in EFFECTS {
            let second = RetryContext { has_fresh_token: true, ..context(effect, rejected(401)) };
            assert_eq!(decision(second), RetryDecision::Stop);
            let tired = RetryContext { fresh_tokens: MAX_FRESH_TOKENS, ..context(effect, rejected(401)) };
            assert_eq!(decision(tired), RetryDecision::Stop);
        }
    }

    #[test]
    fn row_4_a_429_waits_exactly_as_long_as_the_service_asks() {
        assert_eq!(asking(429, HOUR).requested_wait(), Some(HOUR));
        assert_eq!(rejected(429).requested_wait(), Some(DEFAULT_PAUSE));
        for effect in EFFECTS {
            assert_eq!(after(effect, asking(429, HOUR)), RetryDecision::Throttled);
            // Neither the attempts nor the budget end it.
            let late = RetryContext { failures: 50, budget: 0, ..context(effect, asking(429, HOUR)) };
            assert_eq!(decision(late), RetryDecision::Throttled);
        }
    }

    #[test]
    fn row_4_repeated_429_answers_are_spaced_out_and_end() {
        let nth = |throttled| RetryContext { throttled, ..context(Effect::Read, asking(429, Duration::ZERO)) };
        assert_eq!(decision(nth(1)), RetryDecision::Throttled);
        assert_eq!(decision(nth(4)), retry(8, 0, false));
        assert_eq!(decision(nth(MAX_THROTTLED)), retry(60, 0, false));
        assert_eq!(decision(nth(MAX_THROTTLED + 1)), RetryDecision::Stop);
    }

    #[test]
    fn row_5_a_503_that_rejects_the_request_has_done_nothing() {
        let without = AttemptOutcome::Rejected { status: 503, retry_after: None, is_rejection: true };
        for effect in EFFECTS {
            assert_eq!(after(effect, asking(503, SECOND * 7)), retry(1, RetryBudget::QUICK, false));
            assert_eq!(after(effect, without), retry(1, RetryBudget::QUICK, false));
        }
        assert!(!without.is_unknown() && rejected(503).is_unknown());
    }

    #[test]
    fn row_6_a_permanent_error_is_final() {
        for status in [400, 403, 404, 409] {
            for effect in EFFECTS {
                assert_eq!(after(effect, rejected(status)), RetryDecision::Stop, "{status}");
            }
            assert!(!rejected(status).is_unknown(), "{status}");
        }
    }

    #[test]
    fn row_7_a_504_is_retried_twice_after_a_long_backoff() {
        let nth = |effect, count| {
            decision(RetryContext { failures: count, slow_failures: count, ..context(effect, rejected(504)) })
        };
        assert_eq!(nth(Effect::Read, 1), retry(30, RetryBudget::SLOW, false));
        assert_eq!(nth(Effect::RepeatableChange, 2), retry(60, RetryBudget::SLOW, true));
        assert_eq!(nth(Effect::Read, 3), RetryDecision::Stop);
        assert_eq!(nth(Effect::OneTimeChange, 1), RetryDecision::Stop);
        assert_eq!(after(Effect::OneTimeChange, rejected(408)), RetryDecision::Stop);
    }

    #[test]
    fn row_8_other_server_errors_are_retried_if_repeatable() {
        for status in [500, 502, 503] {
            assert_eq!(after(Effect::Read, rejected(status)), retry(1, RetryBudget::QUICK, false));
            assert_eq!(after(Effect::RepeatableChange, rejected(status)), retry(1, RetryBudget::QUICK, true));
            assert_eq!(after(Effect::OneTimeChange, rejected(status)), RetryDecision::Stop);
        }
    }

    #[test]
    fn row_9_a_lost_request_is_retried_if_repeatable() {
        assert_eq!(after(Effect::Read, AttemptOutcome::Lost), retry(1, RetryBudget::QUICK, false));
        assert_eq!(after(Effect::RepeatableChange, AttemptOutcome::Lost), retry(1, RetryBudget::QUICK, true));
        assert_eq!(after(Effect::OneTimeChange, AttemptOutcome::Lost), RetryDecision::Stop);
    }

    #[test]
    fn row_10_a_complete_response_is_never_requested_again() {
        for effect in EFFECTS {
            assert_eq!(after(effect, AttemptOutcome::Unusable), RetryDecision::Stop);
        }
        assert!(AttemptOutcome::Unusable.is_unknown());
        for status in 300..400 {
            assert!(rejected(status).is_unknown(), "a redirect may follow a change: {status}");
            for effect in EFFECTS {
                assert_eq!(after(effect, rejected(status)), RetryDecision::Stop, "{status}");
            }
        }
    }

    #[test]
    fn the_attempts_of_the_policy_end_the_call() {
        let policy = StandardRetry::default().attempts(3);
        let nth = |failures| decide(&policy, &RetryContext { failures, ..context(Effect::Read, AttemptOutcome::Lost) });
        assert_eq!(nth(2), retry(2, RetryBudget::QUICK, false));
        assert_eq!(nth(3), RetryDecision::Stop);
        assert_eq!(decide(&StandardRetry::NEVER, &context(Effect::Read, NOT_SENT)), RetryDecision::Stop);
    }

    #[test]
    fn an_empty_budget_ends_the_call() {
        let poor = RetryContext { budget: RetryBudget::QUICK - 1, ..context(Effect::Read, AttemptOutcome::Lost) };
        assert_eq!(decision(poor), RetryDecision::Stop);
    }

    #[test]
    fn no_wait_outlasts_the_deadline() {
        let left = |left, outcome| decision(RetryContext { time_left: Some(left), ..context(Effect::Read, outcome) });
        assert_eq!(left(SECOND, AttemptOutcome::Lost), RetryDecision::Stop);
        assert_eq!(left(SECOND * 2, AttemptOutcome::Lost), retry(1, RetryBudget::QUICK, false));
        assert_eq!(left(SECOND * 59, rejected(429)), RetryDecision::Stop);
        assert_eq!(left(SECOND, rejected(401)), RetryDecision::FreshToken);
        for status in [408, 429, 500, 502, 503, 504] {
            assert_eq!(left(HOUR, asking(status, HOUR)), RetryDecision::Stop, "{status}");
        }
    }

    #[test]
    fn no_requested_wait_is_longer_than_the_policy_allows() {
        for status in [408, 429, 500, 502, 503, 504] {
            for max_wait in [Duration::ZERO, HOUR - SECOND] {
                let asked = RetryContext { max_wait: Some(max_wait), ..context(Effect::Read, asking(status, HOUR)) };
                assert_eq!(decision(asked), RetryDecision::Stop, "{status} {max_wait:?}");
            }
            let patient = RetryContext { max_wait: Some(HOUR), ..context(Effect::Read, asking(status, HOUR)) };
            assert_ne!(decision(patient), RetryDecision::Stop, "{status}");
        }
        let login = AttemptOutcome::NotSent { retry_after: Some(HOUR) };
        let impatient = RetryContext { max_wait: Some(SECOND), ..context(Effect::Read, login) };
        assert_eq!(decision(impatient), RetryDecision::Stop);
        // A backoff of the client itself is bounded by the retry policy.
        let quick = RetryContext { max_wait: Some(Duration::ZERO), ..context(Effect::Read, AttemptOutcome::Lost) };
        assert_eq!(decision(quick), retry(1, RetryBudget::QUICK, false));
        let slow = RetryContext { max_wait: Some(SECOND * 5), ..context(Effect::Read, rejected(504)) };
        assert_eq!(decision(slow), RetryDecision::Stop);
    }

    /// A policy that wants something impossible.
    #[derive(Clone, Copy, Debug)]
    enum Hostile {
        Panics,
        Never,
        AlwaysAtOnce,
        Waits(Duration),
    }

    impl RetryPolicy for Hostile {
        fn wait(&self, _: &FailedAttempt<'_>) -> Option<Duration> {
            match self {
                Self::Panics => panic!("planted"),
                Self::Never => None,
                Self::AlwaysAtOnce => Some(Duration::ZERO),
                Self::Waits(wait) => Some(*wait),
            }
        }

        fn throttled_wait(&self, _: u32, _: f64) -> Duration {
            self.wait(&FailedAttempt::new("getUser", 1, AttemptFailure::Lost)).unwrap_or_default()
        }
    }

    const POLICIES: [Hostile; 5] =
        [Hostile::Panics, Hostile::Never, Hostile::AlwaysAtOnce, Hostile::Waits(SECOND), Hostile::Waits(Duration::MAX)];

    #[test]
    fn no_policy_repeats_what_must_not_be_repeated() {
        let final_outcomes = [400, 403, 404, 409, 303].map(rejected).into_iter().chain([AttemptOutcome::Unusable]);
        let unknown = [500, 502, 503, 504, 408].map(rejected).into_iter().chain([AttemptOutcome::Lost]);
        for policy in POLICIES {
            for outcome in final_outcomes.clone() {
                for effect in EFFECTS {
                    assert_eq!(
                        decide(&policy, &context(effect, outcome)),
                        RetryDecision::Stop,
                        "{policy:?} {outcome:?}"
                    );
                }
            }
            for outcome in unknown.clone() {
                let one_time = context(Effect::OneTimeChange, outcome);
                assert_eq!(decide(&policy, &one_time), RetryDecision::Stop, "{policy:?} {outcome:?}");
            }
        }
    }

    #[test]
    fn no_policy_overrides_budget_deadline_or_long_backoff() {
        let eager = |context| decide(&Hostile::AlwaysAtOnce, &context);
        let lost = context(Effect::Read, AttemptOutcome::Lost);
        assert_eq!(
            eager(lost),
            RetryDecision::Retry { after: Duration::ZERO, cost: RetryBudget::QUICK, is_repetition: false }
        );
        assert_eq!(eager(RetryContext { budget: RetryBudget::QUICK - 1, ..lost }), RetryDecision::Stop);
        assert_eq!(eager(RetryContext { time_left: Some(Duration::ZERO), ..lost }), RetryDecision::Stop);
        let slow = context(Effect::Read, rejected(504));
        assert_eq!(eager(RetryContext { slow_failures: 1, ..slow }), retry(30, RetryBudget::SLOW, false));
        assert_eq!(eager(RetryContext { slow_failures: 3, ..slow }), RetryDecision::Stop);
        let asked = RetryContext { time_left: Some(SECOND), ..context(Effect::Read, asking(503, SECOND * 7)) };
        assert_eq!(eager(asked), RetryDecision::Stop);
    }

    #[test]
    fn no_policy_changes_what_follows_401_and_429() {
        for policy in POLICIES {
            assert_eq!(decide(&policy, &context(Effect::Read, rejected(401))), RetryDecision::FreshToken, "{policy:?}");
        }
        let throttled = context(Effect::Read, asking(429, SECOND * 2));
        for policy in [Hostile::Never, Hostile::AlwaysAtOnce, Hostile::Waits(SECOND)] {
            assert_eq!(decide(&policy, &throttled), RetryDecision::Throttled, "{policy:?}");
        }
        assert_eq!(decide(&Hostile::Waits(SECOND * 9), &throttled), retry(9, 0, false));
        for policy in [Hostile::Panics, Hostile::Waits(Duration::MAX)] {
            assert_eq!(decide(&policy, &throttled), RetryDecision::Stop, "{policy:?}");
        }
    }

    #[test]
    fn a_policy_may_stop_and_wait_longer() {
        let lost = context(Effect::RepeatableChange, AttemptOutcome::Lost);
        assert_eq!(decide(&Hostile::Waits(HOUR), &lost), retry(3600, RetryBudget::QUICK, true));
        for policy in [Hostile::Never, Hostile::Panics, Hostile::Waits(Duration::MAX)] {
            assert_eq!(decide(&policy, &lost), RetryDecision::Stop, "{policy:?}");
        }
        // The total time of the standard policy counts from the begin of the call.
        let short = StandardRetry::default().total_time(SECOND * 10);
        assert_eq!(decide(&short, &RetryContext { elapsed: SECOND * 9, ..lost }), retry(1, RetryBudget::QUICK, true));
        assert_eq!(decide(&short, &RetryContext { elapsed: SECOND * 10, ..lost }), RetryDecision::Stop);
    }

    const CLASS: ThrottleClass = ThrottleClass::Action;

    #[test]
    fn an_outage_empties_the_budget_and_responses_refill_it() {
        let (budget, now) = (RetryBudget::default(), Instant::ORIGIN);
        let left = || budget.left(CLASS, Effect::RepeatableChange, now);
        for _ in 0..RetryBudget::FULL / RetryBudget::QUICK {
            assert!(left() >= RetryBudget::QUICK);
            budget.take(CLASS, RetryBudget::QUICK, now);
        }
        assert_eq!(left(), 0);
        assert_eq!(budget.left(ThrottleClass::Users, Effect::RepeatableChange, now), RetryBudget::FULL);
        for _ in 0..1000 {
            budget.refill(CLASS);
        }
        assert_eq!(left(), RetryBudget::FULL);
    }

    #[test]
    fn time_refills_the_budget() {
        let (budget, start) = (RetryBudget::default(), Instant::from_origin(HOUR));
        budget.take(CLASS, RetryBudget::FULL, start);
        for (seconds, expected) in [(0, 0), (4, 1), (5, 1), (6, 2), (12, 4), (3600, RetryBudget::FULL)] {
            assert_eq!(budget.left(CLASS, Effect::RepeatableChange, start + SECOND * seconds), expected, "{seconds} s");
        }
    }

    #[test]
    fn reads_leave_a_reserve_for_changes() {
        let (budget, now) = (RetryBudget::default(), Instant::ORIGIN);
        budget.take(CLASS, RetryBudget::FULL - RetryBudget::RESERVE, now);
        assert_eq!(budget.left(CLASS, Effect::Read, now), 0);
        assert_eq!(budget.left(CLASS, Effect::OneTimeChange, now), RetryBudget::RESERVE);
    }

    #[test]
    fn a_fifth_of_failures_does_not_empty_the_budget() {
        let (budget, now) = (RetryBudget::default(), Instant::ORIGIN);
        for request in 0..10_000 {
            match request % 5 {
                0 if request % 10 == 0 => budget.take(CLASS, RetryBudget::SLOW, now),
                0 => budget.take(CLASS, RetryBudget::QUICK, now),
                _ => budget.refill(CLASS),
            }
            assert!(budget.left(CLASS, Effect::Read, now) >= RetryBudget::SLOW);
        }
    }
}
