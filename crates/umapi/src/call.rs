//! How one call runs: a turn, a token, an attempt, a verdict, and so on until there is an outcome.

mod attempt;
mod error_response;
mod exchange;
mod head;
mod response;
mod retry;
mod state;

pub(crate) use attempt::{Failure, attempt};
pub(crate) use exchange::{HttpExchange, Pragma};
#[cfg(test)]
pub(crate) use head::Paging;
pub(crate) use head::ResponseHead;
pub(crate) use response::Response;
pub(crate) use retry::{AttemptOutcome, Budget, Effect, RetryContext, RetryDecision, RetryPolicy, decide};

/// The generated methods of the service.
pub(crate) type RawClient = umapi_raw::Client<umapi_raw::UserManagement>;

/// What the generated methods give back.
pub(crate) type RawResult<T> = Result<umapi_raw::ResponseValue<T>, umapi_raw::Error<()>>;

use std::{
    future::Future,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tracing::Instrument as _;
use umapi_auth::{AccessToken, TokenSource};
use umapi_model::{Operation, ThrottleClass};
use umapi_time::{Clock, Instant};

use crate::{
    error::{Error, Kind},
    observer::{Observer, RequestFinished, RequestStarted, Retry, Wait, WaitReason},
    rate::{CallPermit, Patience, RateLimiter, ThrottlePolicy},
    run::StopHandle,
};
use state::CallState;

/// How long a credential is left out that was refused, where there is another one.
const SUSPENSION: Duration = Duration::from_secs(300);

/// What all calls of a client share.
pub(crate) struct Engine {
    pub(crate) organization: String,
    pub(crate) raw: RawClient,
    pub(crate) clock: Clock,
    pub(crate) slots: Vec<CredentialSlot>,
    pub(crate) rate_limiter: RateLimiter,
    pub(crate) throttle_policy: ThrottlePolicy,
    pub(crate) retry: RetryPolicy,
    pub(crate) budget: Budget,
    pub(crate) attempt_timeout: Duration,
    pub(crate) call_timeout: Option<Duration>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) sync_hints: bool,
}

/// One credential.
pub(crate) struct CredentialSlot {
    pub(crate) api_key: Arc<str>,
    pub(crate) tokens: Box<dyn TokenSource>,
}

/// When a call must be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// As the client's settings say, counted from its beginning.
    OfClient,
    /// As the work says that it is a part of.
    OfWork(Option<Instant>),
}

/// One thing to ask or to do.
#[derive(Clone, Copy)]
pub(crate) struct ApiCall<'a> {
    pub(crate) operation: Operation,
    pub(crate) effect: Effect,
    pub(crate) pragma: Option<Pragma>,
    pub(crate) deadline: Deadline,
    /// The caller's numbers of what is in it, for the observer.
    pub(crate) commands: &'a [u64],
    /// Whether it may have been applied already, by an earlier call.
    pub(crate) is_repetition: bool,
    /// What ends its waits.
    pub(crate) stop: Option<&'a StopHandle>,
    /// Whether it is ahead of need: where there is no turn for it now, it is left.
    pub(crate) is_ahead: bool,
}

impl ApiCall<'_> {
    /// A question, which changes nothing.
    pub(crate) fn question(operation: Operation) -> Self {
        Self {
            operation,
            effect: Effect::Read,
            pragma: None,
            deadline: Deadline::OfClient,
            commands: &[],
            is_repetition: false,
            stop: None,
            is_ahead: false,
        }
    }

    /// A change.
    pub(crate) fn change(operation: Operation, effect: Effect) -> Self {
        Self { effect, ..Self::question(operation) }
    }

    /// Waits, unless it is stopped first.
    async fn unless_stopped<T>(&self, wait: impl Future<Output = T>) -> Result<T, Error> {
        let Some(stop) = self.stop else { return Ok(wait.await) };
        tokio::select! {
            biased;
            () = stop.stopped() => Err(Error::new(Kind::Stopped)),
            outcome = wait => Ok(outcome),
        }
    }

    fn class(&self) -> ThrottleClass {
        // What has no documented limit goes with those that have the lowest.
        self.operation.throttle().map_or(ThrottleClass::Legacy, |throttle| throttle.class)
    }
}

impl Engine {
    /// Makes a call: `send` is asked for the request, once per attempt.
    pub(crate) async fn call<T, F, Fut>(&self, call: ApiCall<'_>, send: F) -> Result<Response<T>, Error>
    where
        F: Fn(RawClient) -> Fut,
        Fut: Future<Output = RawResult<T>>,
    {
        let span = tracing::info_span!("umapi", operation = call.operation.id());
        self.run(call, send).instrument(span).await
    }

    async fn run<T, F, Fut>(&self, call: ApiCall<'_>, send: F) -> Result<Response<T>, Error>
    where
        F: Fn(RawClient) -> Fut,
        Fut: Future<Output = RawResult<T>>,
    {
        let deadline = match call.deadline {
            Deadline::OfClient => self.call_timeout.map(|timeout| self.clock.now() + timeout),
            Deadline::OfWork(deadline) => deadline,
        };
        let mut course = CallState::new(call, deadline, self.slots.len());
        loop {
            let permit = self.turn(&mut course).await?;
            let slot = &self.slots[permit.slot];
            let token = match slot.tokens.token().await {
                Ok(token) => token,
                Err(error) if self.passes_on(permit.slot, "there is no access token") => {
                    course.last = Some(Error::from(error));
                    continue;
                }
                Err(error) => return Err(course.fail(error.into(), &self.clock)),
            };
            self.rate_limiter.sent(call.class(), &permit).await;
            let failure = match self.attempt(&mut course, slot, &token, &send).await {
                Ok(answer) => {
                    self.budget.answered();
                    return Ok(course.succeed(answer));
                }
                Err(failure) => failure,
            };
            self.after(&mut course, permit, &token, failure).await?;
        }
    }

    /// Waits for a turn, as long as the policy and the deadline allow.
    async fn turn(&self, course: &mut CallState<'_>) -> Result<CallPermit, Error> {
        let left = course.left(&self.clock);
        let is_unneeded = course.call.is_ahead && course.requests == 0;
        let allowed = if is_unneeded { Some(Duration::ZERO) } else { self.throttle_policy.longest() };
        let longest = match (allowed, left) {
            (Some(allowed), Some(left)) => Some(allowed.min(left)),
            (allowed, left) => allowed.or(left),
        };
        let call = course.call;
        let turn = self.rate_limiter.acquire(call.class(), Patience { longest }, call.operation.id());
        let refused = match call.unless_stopped(turn).await.map_err(|stopped| course.fail(stopped, &self.clock))? {
            Ok(_) if course.left(&self.clock).is_some_and(|left| left.is_zero()) => {
                return Err(course.fail(Error::new(Kind::Deadline), &self.clock));
            }
            Ok(permit) => return Ok(permit),
            Err(refused) => refused,
        };
        // Of an answer of 429 its own words tell more.
        let said = course.last.take().filter(Error::is_throttled);
        let is_policy = allowed.is_some_and(|allowed| refused.wait > allowed);
        let error = said.unwrap_or_else(|| Error::new(if is_policy { Kind::Throttled } else { Kind::Deadline }));
        let error = error.with(|details| details.retry_after = Some(refused.wait));
        Err(course.fail(error, &self.clock))
    }

    /// Sends once.
    async fn attempt<T, F, Fut>(
        &self,
        course: &mut CallState<'_>,
        slot: &CredentialSlot,
        token: &AccessToken,
        send: &F,
    ) -> Result<Response<T>, Failure>
    where
        F: Fn(RawClient) -> Fut,
        Fut: Future<Output = RawResult<T>>,
    {
        let call = course.call;
        course.requests += 1;
        let (operation, number) = (call.operation.id(), course.requests);
        let outgoing = HttpExchange {
            token: token.clone(),
            api_key: slot.api_key.clone(),
            request_id: request_id(),
            pragma: call.pragma,
            clock: self.clock.clone(),
            head: Arc::new(OnceLock::new()),
        };
        let (id, begun) = (outgoing.request_id.as_str(), self.clock.now());
        let limit = course.left(&self.clock).map_or(self.attempt_timeout, |left| left.min(self.attempt_timeout));
        self.observer.request_started(&RequestStarted {
            operation,
            attempt: number,
            request_id: id,
            api_key: &slot.api_key,
            commands: call.commands,
        });
        let span = tracing::debug_span!("attempt", number, request_id = id);
        let result = attempt(&self.raw, &outgoing, limit, send).instrument(span.clone()).await;
        let took = self.clock.now() - begun;
        let head = outgoing.head.get();
        let id = head.and_then(|head| head.request_id.as_deref()).unwrap_or(id);
        let status = head.map(|head| head.status);
        span.in_scope(|| tracing::debug!(operation, status, answered_id = id, took_ms = took.as_millis(), "answered"));
        self.observer.request_finished(&RequestFinished { operation, attempt: number, request_id: id, status, took });
        course.request_id = Some(id.to_owned());
        result
    }

    /// What follows on a failed attempt: nothing, if there shall be another one.
    async fn after(
        &self,
        course: &mut CallState<'_>,
        permit: CallPermit,
        token: &AccessToken,
        failure: Failure,
    ) -> Result<(), Error> {
        let error = failure.error.with(|details| {
            details.retry_after = failure.head.as_ref().and_then(|head| head.retry_after);
            details.request_id.clone_from(&course.request_id);
            details.operation = Some(course.call.operation.id());
        });
        let Some(fate) = failure.fate else { return Err(course.fail(error, &self.clock)) };
        if matches!(fate, AttemptOutcome::Answered { status, .. } if status < 500 && status != 429) {
            self.budget.answered();
        }
        let situation = course.situation(fate, permit.slot, self.budget.left(), &self.clock);
        match decide(&self.retry, &situation) {
            RetryDecision::FreshToken => {
                tracing::info!("the access token was refused, asking for a fresh one");
                self.slots[permit.slot].tokens.invalidate(token);
                course.had_fresh_token[permit.slot] = true;
                self.tell_retry(course, &error, Duration::ZERO);
            }
            RetryDecision::HoldBack(time) => {
                tracing::warn!(wait_ms = time.as_millis(), "the service asks for a pause");
                self.rate_limiter.hold_back(course.call.class(), permit.slot, time).await;
                self.tell_retry(course, &error, time);
            }
            RetryDecision::Again { after, cost, is_repetition } => {
                tracing::info!(wait_ms = after.as_millis(), error = %error, "trying again");
                self.budget.take(cost);
                course.is_repetition |= is_repetition;
                self.tell_retry(course, &error, after);
                let wait = self.back_off(course, after);
                course.call.unless_stopped(wait).await.map_err(|stopped| course.fail(stopped, &self.clock))?;
            }
            RetryDecision::Stop => {
                let is_of_the_credential = matches!(fate, AttemptOutcome::Answered { status: 401 | 403, .. });
                if !(is_of_the_credential && self.passes_on(permit.slot, "it was refused")) {
                    return Err(course.fail(error, &self.clock));
                }
            }
        }
        course.last = Some(error);
        Ok(())
    }

    /// Leaves a credential out for a while, and says whether another one takes over.
    fn passes_on(&self, slot: usize, why: &'static str) -> bool {
        let has_another = self.rate_limiter.suspend(slot, SUSPENSION);
        if has_another {
            tracing::warn!(api_key = &*self.slots[slot].api_key, why, "leaving this credential out for five minutes");
        }
        has_another
    }

    fn tell_retry(&self, course: &CallState<'_>, error: &Error, after: Duration) {
        let (operation, attempt) = (course.call.operation.id(), course.requests);
        self.observer.retry(&Retry { operation, attempt, error, after });
    }

    async fn back_off(&self, course: &CallState<'_>, duration: Duration) {
        if duration > Duration::from_secs(1) {
            let until = self.clock.wall().checked_add(duration).unwrap_or_else(|| self.clock.wall());
            let operation = Some(course.call.operation.id());
            self.observer.wait_begins(&Wait { operation, reason: WaitReason::Backoff, duration, until });
        }
        self.clock.sleep(duration).await;
    }
}

/// A name for a request, so that even one without an answer can be asked about.
fn request_id() -> String {
    format!("{:032x}", fastrand::u128(..))
}
