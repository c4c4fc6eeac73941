//! How one call runs: a permit, a token, an attempt, and a retry decision, until there is a result.

mod attempt;
mod error_response;
mod retry;
mod state;

use std::{future::Future, sync::Arc, time::Duration};

use tracing::Instrument as _;
use umapi_auth::{AccessToken, TokenSource};
use umapi_http::RetryPolicy;
use umapi_model::{Operation, ThrottleClass};
use umapi_time::{Clock, Instant};

use crate::{
    error::{Error, Kind},
    observer::{Observer, RequestFinished, RequestStarted, Retry, Wait, WaitReason},
    rate::{CallPermit, RateLimiter, ThrottlePolicy},
    run::StopHandle,
};
#[cfg(test)]
pub(crate) use attempt::Paging;
pub(crate) use attempt::{Failure, HttpExchange, Pragma, RawClient, RawResult, Response, ResponseHead};
pub(crate) use retry::{AttemptOutcome, Effect, RetryBudget};
use retry::{RetryDecision, decide};
use state::CallState;

/// How long a rejected credential is suspended if there is another one.
const SUSPENSION: Duration = Duration::from_secs(300);

/// Waits that are longer than this are reported to the observer.
const REPORTED_WAIT: Duration = Duration::from_secs(1);

/// The shortest wait after a failed login. A session returns the same error again for that long.
const LOGIN_WAIT: Duration = Duration::from_secs(1);

/// What all calls of a client share.
pub(crate) struct Engine {
    pub(crate) organization: String,
    pub(crate) raw: RawClient,
    pub(crate) clock: Clock,
    pub(crate) slots: Vec<CredentialSlot>,
    pub(crate) rate_limiter: RateLimiter,
    pub(crate) throttle_policy: ThrottlePolicy,
    pub(crate) retry: RetryPolicy,
    pub(crate) budget: RetryBudget,
    pub(crate) attempt_timeout: Duration,
    pub(crate) call_timeout: Option<Duration>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) sync_hints: bool,
}

/// One credential of the client.
pub(crate) struct CredentialSlot {
    pub(crate) api_key: Arc<str>,
    pub(crate) tokens: Box<dyn TokenSource>,
}

/// When a call must be finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// After the call timeout of the client.
    Client,
    /// At this moment, or never.
    At(Option<Instant>),
}

/// One call of an operation.
#[derive(Clone, Copy)]
pub(crate) struct ApiCall<'a> {
    pub(crate) operation: Operation,
    pub(crate) effect: Effect,
    pub(crate) pragma: Option<Pragma>,
    pub(crate) deadline: Deadline,
    /// The caller's numbers of the commands in the request, for the observer.
    pub(crate) commands: &'a [u64],
    /// Whether an earlier call may have applied it already.
    pub(crate) is_repetition: bool,
    /// Ends the waits of the call.
    pub(crate) stop: Option<&'a StopHandle>,
    /// Whether the result is not needed yet. Such a call fails if there is no permit for it now.
    pub(crate) is_ahead: bool,
}

impl ApiCall<'_> {
    /// A call that changes nothing.
    pub(crate) fn read(operation: Operation) -> Self {
        Self {
            operation,
            effect: Effect::Read,
            pragma: None,
            deadline: Deadline::Client,
            commands: &[],
            is_repetition: false,
            stop: None,
            is_ahead: false,
        }
    }

    /// A call that changes something.
    pub(crate) fn change(operation: Operation, effect: Effect) -> Self {
        Self { effect, ..Self::read(operation) }
    }

    fn class(&self) -> ThrottleClass {
        // An operation without a documented limit belongs to the class with the lowest limit.
        self.operation.throttle().map_or(ThrottleClass::Legacy, |throttle| throttle.class)
    }
}

impl Engine {
    /// Makes a call. `send` creates the request of each attempt.
    pub(crate) async fn call<T, F, Fut>(&self, call: ApiCall<'_>, send: F) -> Result<Response<T>, Error>
    where
        F: Fn(RawClient) -> Fut,
        Fut: Future<Output = RawResult<T>>,
    {
        let span = tracing::info_span!("umapi", operation = call.operation.id());
        let deadline = match call.deadline {
            Deadline::Client => self.call_timeout.map(|timeout| self.clock.now() + timeout),
            Deadline::At(deadline) => deadline,
        };
        let mut state = CallState::new(call, deadline, self.slots.len());
        let result = self.run(&mut state, send).instrument(span).await;
        result.map_err(|error| state.fail(error, &self.clock))
    }

    async fn run<T, F, Fut>(&self, state: &mut CallState<'_>, send: F) -> Result<Response<T>, Error>
    where
        F: Fn(RawClient) -> Fut,
        Fut: Future<Output = RawResult<T>>,
    {
        let class = state.call.class();
        loop {
            let permit = self.permit(state).await?;
            let slot = &self.slots[permit.slot];
            let Some(token) = self.token(state, &permit).await? else { continue };
            self.rate_limiter.mark_sent(class, &permit).await;
            match self.attempt(state, slot, &token, &send).await {
                Ok(response) => {
                    self.budget.refill();
                    return Ok(state.succeed(response));
                }
                Err(failure) => self.after_failure(state, &permit, &token, failure).await?,
            }
        }
    }

    /// The longest wait that the service or its limits may impose now.
    fn max_wait(&self, state: &CallState<'_>) -> Option<Duration> {
        let is_unneeded = state.call.is_ahead && state.requests == 0;
        if is_unneeded { Some(Duration::ZERO) } else { self.throttle_policy.max_wait() }
    }

    /// Waits for a permit, as long as the policy and the deadline allow.
    async fn permit(&self, state: &mut CallState<'_>) -> Result<CallPermit, Error> {
        let (max_wait, left) = (self.max_wait(state), state.time_left(&self.clock));
        let longest = max_wait.into_iter().chain(left).min();
        let (class, operation) = (state.call.class(), state.call.operation.id());
        let acquired = unless_stopped(state.call.stop, self.rate_limiter.acquire(class, longest, operation)).await?;
        let refused = match acquired {
            Ok(_) if state.time_left(&self.clock).is_some_and(|left| left.is_zero()) => {
                return Err(Error::new(Kind::Deadline));
            }
            Ok(permit) => return Ok(permit),
            Err(refused) => refused,
        };
        // The last error says more if the service itself asked to wait.
        let asked = state.last_error.take().filter(|error| error.is_throttled() || error.retry_after().is_some());
        let is_policy = max_wait.is_some_and(|max_wait| refused.wait > max_wait);
        let error = asked.unwrap_or_else(|| Error::new(if is_policy { Kind::Throttled } else { Kind::Deadline }));
        Err(error.with(|details| details.retry_after = Some(refused.wait)))
    }

    /// Gets an access token, with retries. Returns `None` if another credential takes over.
    async fn token(&self, state: &mut CallState<'_>, permit: &CallPermit) -> Result<Option<AccessToken>, Error> {
        let tokens = &self.slots[permit.slot].tokens;
        loop {
            let fetch = async {
                match state.time_left(&self.clock) {
                    Some(left) => self.clock.timeout(left, tokens.token()).await.ok(),
                    None => Some(tokens.token().await),
                }
            };
            let error = match unless_stopped(state.call.stop, fetch).await? {
                Some(Ok(token)) => return Ok(Some(token)),
                Some(Err(error)) => error,
                None => return Err(Error::new(Kind::Deadline)),
            };
            let retry_after = error.retry_after();
            let outcome = error.is_retryable().then_some(AttemptOutcome::NotSent { retry_after });
            let error = Error::from(error).with(|details| details.retry_after = retry_after);
            if self.hand_over(state, permit.slot, "there is no access token")? {
                state.last_error = Some(error);
                return Ok(None);
            }
            let Some(outcome) = outcome else { return Err(error) };
            let context =
                state.record_failure(outcome, permit.slot, self.budget.left(), self.max_wait(state), &self.clock);
            let RetryDecision::Retry { after, cost, .. } = decide(&self.retry, &context) else { return Err(error) };
            self.budget.take(cost);
            let (wait, reason) = match retry_after {
                Some(asked) if asked >= after => (asked, WaitReason::Throttled),
                _ => (after.max(LOGIN_WAIT), WaitReason::Backoff),
            };
            tracing::info!(wait_ms = wait.as_millis(), error = %error, "retrying the login");
            self.report_retry(state, &error, wait);
            self.wait(state, wait, reason).await?;
        }
    }

    /// Sends one request.
    async fn attempt<T, F, Fut>(
        &self,
        state: &mut CallState<'_>,
        slot: &CredentialSlot,
        token: &AccessToken,
        send: &F,
    ) -> Result<Response<T>, Failure>
    where
        F: Fn(RawClient) -> Fut,
        Fut: Future<Output = RawResult<T>>,
    {
        let call = state.call;
        state.requests += 1;
        let (operation, attempt) = (call.operation.id(), state.requests);
        let exchange = HttpExchange::new(token.clone(), slot.api_key.clone(), call.pragma, self.clock.clone());
        let (request_id, started) = (exchange.request_id(), self.clock.now());
        let limit = state.time_left(&self.clock).map_or(self.attempt_timeout, |left| left.min(self.attempt_timeout));
        self.observer.request_started(&RequestStarted {
            operation,
            attempt,
            request_id,
            api_key: &slot.api_key,
            commands: call.commands,
        });
        let span = tracing::debug_span!("attempt", number = attempt, request_id);
        let result = exchange.send(&self.raw, limit, send).instrument(span.clone()).await;
        let took = self.clock.now() - started;
        let head = exchange.head();
        let request_id = head.and_then(|head| head.common.request_id.as_deref()).unwrap_or(request_id);
        let status = head.map(|head| head.common.status);
        span.in_scope(|| {
            tracing::debug!(operation, status, request_id, took_ms = took.as_millis(), "request finished")
        });
        self.observer.request_finished(&RequestFinished { operation, attempt, request_id, status, took });
        state.request_id = Some(request_id.to_owned());
        result
    }

    /// Decides what follows a failed attempt. `Ok` means another attempt.
    async fn after_failure(
        &self,
        state: &mut CallState<'_>,
        permit: &CallPermit,
        token: &AccessToken,
        failure: Failure,
    ) -> Result<(), Error> {
        let retry_after = failure.outcome.and_then(AttemptOutcome::requested_wait);
        let error = failure.error.with(|details| {
            details.retry_after = retry_after;
            details.request_id.clone_from(&state.request_id);
            details.operation = Some(state.call.operation.id());
        });
        let Some(outcome) = failure.outcome else { return Err(error) };
        if outcome.status().is_some_and(|status| status < 500 && status != 429) {
            self.budget.refill();
        }
        // Noted whether or not this call waits, so that other calls respect it.
        if let Some(wait) = retry_after {
            tracing::warn!(wait_ms = wait.as_millis(), "the service asked to wait");
            self.rate_limiter.pause(state.call.class(), permit.slot, wait).await;
        }
        let context = state.record_failure(outcome, permit.slot, self.budget.left(), self.max_wait(state), &self.clock);
        match decide(&self.retry, &context) {
            RetryDecision::FreshToken => {
                tracing::info!("the access token was rejected, getting a new one");
                self.slots[permit.slot].tokens.invalidate(token);
                state.record_fresh_token(permit.slot);
                self.report_retry(state, &error, Duration::ZERO);
            }
            // The rate limiter makes the next attempt wait.
            RetryDecision::Throttled => self.report_retry(state, &error, retry_after.unwrap_or_default()),
            RetryDecision::Retry { after, cost, is_repetition } => {
                let wait = after.max(retry_after.unwrap_or_default());
                tracing::info!(wait_ms = wait.as_millis(), error = %error, "retrying");
                self.budget.take(cost);
                state.is_repetition |= is_repetition;
                self.report_retry(state, &error, wait);
                self.wait(state, after, WaitReason::Backoff).await?;
            }
            RetryDecision::Stop => {
                let is_credential = matches!(outcome.status(), Some(401 | 403));
                if !(is_credential && self.hand_over(state, permit.slot, "it was rejected")?) {
                    return Err(error);
                }
            }
        }
        state.last_error = Some(error);
        Ok(())
    }

    /// Suspends a credential for a while. Returns whether another one takes over.
    fn hand_over(&self, state: &mut CallState<'_>, slot: usize, why: &'static str) -> Result<bool, Error> {
        let has_another = self.rate_limiter.suspend(slot, SUSPENSION) && state.record_hand_over();
        if has_another {
            tracing::warn!(api_key = &*self.slots[slot].api_key, why, "suspending this credential for five minutes");
        }
        Ok(has_another)
    }

    fn report_retry(&self, state: &CallState<'_>, error: &Error, after: Duration) {
        let (operation, attempt) = (state.call.operation.id(), state.requests);
        self.observer.retry(&Retry { operation, attempt, error, after });
    }

    /// Waits, and reports the wait to the observer before it begins.
    async fn wait(&self, state: &CallState<'_>, duration: Duration, reason: WaitReason) -> Result<(), Error> {
        if duration > REPORTED_WAIT {
            let until = self.clock.wall().checked_add(duration).unwrap_or_else(|| self.clock.wall());
            let operation = Some(state.call.operation.id());
            self.observer.wait_begins(&Wait { operation, reason, duration, until });
        }
        unless_stopped(state.call.stop, self.clock.sleep(duration)).await
    }
}

/// Runs a wait until it ends or the caller stops the call.
async fn unless_stopped<T>(stop: Option<&StopHandle>, wait: impl Future<Output = T>) -> Result<T, Error> {
    let Some(stop) = stop else { return Ok(wait.await) };
    tokio::select! {
        biased;
        () = stop.stopped() => Err(Error::new(Kind::Stopped)),
        output = wait => Ok(output),
    }
}
