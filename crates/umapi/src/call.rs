//! How one call runs: a permit, a token, an attempt, and a retry decision, until there is a result.

mod attempt;
mod bounds;
mod error_response;
mod future;
mod lenient;
mod odd_values;
mod options;
mod retry;
mod send;
mod state;

use std::{
    future::Future,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::Waker,
    time::Duration,
};

use futures_util::task::AtomicWaker;
use serde::de::DeserializeOwned;
use tracing::Instrument as _;
use umapi_auth::{AccessToken, TokenSource};
use umapi_http::{RequestSpan, RetryPolicy, ServerUrl, catch_panic, log_panic, milliseconds};
use umapi_model::{Operation, ThrottleClass};
use umapi_time::{Clock, Instant};

use crate::{
    error::{Cause, Error, Kind},
    observer::{CallFinished, Observer, RequestFinished, RequestStarted, Retry, Wait, WaitEnded, WaitReason},
    rate::{CallPermit, NoPermit, RateLimiter, ThrottlePolicy},
    run::StopHandle,
    stub::Backend,
    telemetry::CallSpan,
};
pub(crate) use attempt::{Failure, HttpExchange, Paging, Pragma, RawClient, RawResult, Response, ResponseHead};
pub(crate) use bounds::within;
pub use future::Call;
pub use lenient::UnreadableItem;
pub use options::CallOptions;
pub(crate) use options::Scope;
pub(crate) use retry::{AttemptOutcome, Effect, RetryBudget};
use retry::{RetryContext, RetryDecision, decide};
use state::CallState;

/// How long a rejected credential is suspended if there is another one.
const SUSPENSION: Duration = Duration::from_secs(300);

/// Waits that are longer than this are reported to the observer.
const REPORTED_WAIT: Duration = Duration::from_secs(1);

/// What takes less time than this is not a wait.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// The shortest wait after a failed login. A session returns the same error again for that long.
const LOGIN_WAIT: Duration = Duration::from_secs(1);

/// The limits of a minute never ask for a longer wait than this. A longer one means that the client is blocked as a whole.
const LONGEST_WAIT_OF_A_MINUTE: Duration = Duration::from_secs(120);

const SILENT_SOURCE: &str = "the token source did not answer within the time of an attempt";

/// What all calls of a client share.
pub(crate) struct Engine {
    pub(crate) organization: String,
    pub(crate) backend: Backend,
    pub(crate) clock: Clock,
    pub(crate) slots: Vec<CredentialSlot>,
    pub(crate) rate_limiter: RateLimiter,
    pub(crate) throttle_policy: ThrottlePolicy,
    pub(crate) retry: Arc<dyn RetryPolicy>,
    pub(crate) budget: RetryBudget,
    pub(crate) attempt_timeout: Duration,
    pub(crate) call_timeout: Option<Duration>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) sync_hints: SyncHints,
    /// Whether the first request of a job has announced it.
    pub(crate) is_sync_announced: AtomicBool,
    pub(crate) pages_in_flight: usize,
    pub(crate) unreadable_items: UnreadableItems,
}

/// Reads a response that the strict reader rejects.
pub(crate) type LenientReader<T> = fn(&[u8]) -> Option<(T, Vec<UnreadableItem>)>;

/// What a list does with an item that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnreadableItems {
    /// Leave the item out, and report it: [`Page::unreadable`](crate::Page::unreadable) names it, and
    /// [`Changes::unreadable_items`](crate::Changes::unreadable_items) counts it.
    #[default]
    LeaveOut,
    /// Fail. The page is not requested again.
    Fail,
}

/// Which requests carry the hints `Pragma: umapi-sync-start` and `umapi-sync-end`, with which Adobe's own client announces a
/// long job. The service limits how often a client starts one, and does not count the retry of an announced request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyncHints {
    /// None.
    Never,
    /// The first and the last page of a list of all users or of all groups.
    #[default]
    Lists,
    /// Also the first request of the client, whatever it is, and the last one of a batch. Use it if everything that the client
    /// does is one job. What follows a batch is a new job.
    Jobs,
}

/// Notes that a call sends its requests, for somebody who waits for that.
#[derive(Debug, Default)]
pub(crate) struct Begun {
    at: OnceLock<Instant>,
    ended: OnceLock<Instant>,
    requests: AtomicU32,
    waker: AtomicWaker,
}

impl Begun {
    fn note(&self, now: Instant) {
        let _ = self.at.set(now);
        self.requests.fetch_add(1, Ordering::SeqCst);
        self.waker.wake();
    }

    /// When the first request was sent.
    pub(crate) fn at(&self) -> Option<Instant> {
        self.at.get().copied()
    }

    /// Notes that the call has ended.
    pub(crate) fn end(&self, now: Instant) {
        let _ = self.ended.set(now);
        self.waker.wake();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.get().is_some()
    }

    /// From the first request to the end.
    pub(crate) fn took(&self) -> Option<Duration> {
        Some(*self.ended.get()? - *self.at.get()?)
    }

    /// The number of requests sent.
    pub(crate) fn requests(&self) -> u32 {
        self.requests.load(Ordering::SeqCst)
    }

    /// Wakes a task when a request is sent, or the call ends.
    pub(crate) fn wake(&self, waker: &Waker) {
        self.waker.register(waker);
    }
}

/// One credential of the client.
pub(crate) struct CredentialSlot {
    pub(crate) api_key: Arc<str>,
    pub(crate) tokens: Box<dyn TokenSource>,
}

/// When a call must be finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// After the deadline of its options, or the call timeout of the client.
    OfCall,
    /// After the deadline of its options, and at this moment at the latest.
    OfRun(Option<Instant>),
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
    /// Notes when requests are sent.
    pub(crate) begun: Option<&'a Begun>,
    /// Whether it reads the first page of a list.
    pub(crate) is_first_page: bool,
    /// Whether the result is not needed yet. Such a call fails if there is no permit for it now.
    pub(crate) is_ahead: bool,
    /// Whether it runs in a task of its own, which goes on while its caller is not polled. Otherwise, each of its requests gets
    /// such a task.
    pub(crate) is_in_own_task: bool,
    /// The options of the call, and what it shares with other calls.
    pub(crate) scope: &'a Scope,
    /// Whether "not found" is a result and not an error, for telemetry.
    pub(crate) may_be_absent: bool,
}

impl<'a> ApiCall<'a> {
    pub(crate) fn new(operation: Operation, effect: Effect, scope: &'a Scope) -> Self {
        Self {
            operation,
            effect,
            pragma: None,
            deadline: Deadline::OfCall,
            commands: &[],
            is_repetition: false,
            stop: None,
            begun: None,
            is_first_page: false,
            is_ahead: false,
            is_in_own_task: false,
            scope,
            may_be_absent: false,
        }
    }

    /// A read of one thing, which may not exist.
    pub(crate) fn or_absent(self) -> Self {
        Self { may_be_absent: true, ..self }
    }

    /// Whether the error is one of the results that the call may have.
    fn expects(&self, error: &Error) -> bool {
        self.may_be_absent && error.is_not_found()
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
        T: DeserializeOwned,
        F: Fn(RawClient) -> Fut,
        Fut: Future<Output = RawResult<T>>,
    {
        self.call_and_read(call, send, Some(lenient::read::<T>)).await
    }

    /// Makes a call whose response is not interpreted.
    pub(crate) async fn call_raw<T, F, Fut>(&self, call: ApiCall<'_>, send: F) -> Result<Response<T>, Error>
    where
        F: Fn(RawClient) -> Fut,
        Fut: Future<Output = RawResult<T>>,
    {
        self.call_and_read(call, send, None).await
    }

    async fn call_and_read<T, F, Fut>(
        &self,
        call: ApiCall<'_>,
        send: F,
        read: Option<LenientReader<T>>,
    ) -> Result<Response<T>, Error>
    where
        F: Fn(RawClient) -> Fut,
        Fut: Future<Output = RawResult<T>>,
    {
        if let Some(stub) = self.stub() {
            let answer = Box::pin(self.ask_for_response(stub, call, send, read));
            return self.ask(call, answer).await;
        }
        let server = self.backend.server();
        let (span, started) = (CallSpan::new(server, call.operation), self.clock.now());
        let own = call.scope.deadline(&self.clock);
        let deadline = match call.deadline {
            Deadline::OfCall => own.or_else(|| Some(self.clock.now() + self.call_timeout?)),
            Deadline::OfRun(run) => own.into_iter().chain(run).min(),
        };
        let call = ApiCall { pragma: self.pragma(call.pragma), ..call };
        let mut state = CallState::new(call, deadline, self.slots.len(), &self.clock);
        let is_sending = state.is_sending.clone();
        // Boxed, because this future is a part of many others, which are moved before they are polled.
        let run = Box::pin(self.run(&mut state, send, read).instrument(span.span()));
        let result = within(&self.clock, deadline, call.stop, &is_sending, run).await;
        let result = result.map_err(|error| state.fail(error, &self.clock));
        let error = result.as_ref().err();
        span.end(state.requests, error.filter(|error| !call.expects(error)));
        self.report_call(call, state.requests, started, error);
        result
    }

    /// Tells the observer that a call has ended.
    pub(crate) fn report_call(&self, call: ApiCall<'_>, requests: u32, started: Instant, error: Option<&Error>) {
        let server = self.backend.server();
        self.observer.call_finished(&CallFinished {
            operation: call.operation.id(),
            requests,
            took: self.clock.now() - started,
            error: error.filter(|error| !call.expects(error)),
            server_address: server.map(ServerUrl::host),
            server_port: server.map(ServerUrl::port),
        });
    }

    async fn run<T, F, Fut>(
        &self,
        state: &mut CallState<'_>,
        send: F,
        read: Option<LenientReader<T>>,
    ) -> Result<Response<T>, Error>
    where
        F: Fn(RawClient) -> Fut,
        Fut: Future<Output = RawResult<T>>,
    {
        let call = state.call;
        loop {
            let only = if call.is_first_page { self.first_page(state).await? } else { None };
            // The token comes first, so that a login that fails or takes long uses up no permit.
            let mut slot = only.unwrap_or_else(|| self.rate_limiter.next_slot(call.class()));
            let Some(mut token) = self.token(state, slot).await? else { continue };
            let has_token_since = self.clock.now();
            let permit = self.permit(state, only).await?;
            if permit.slot != slot || self.clock.now() > has_token_since {
                slot = permit.slot;
                let Some(token_of_permit) = self.token(state, slot).await? else { continue };
                token = token_of_permit;
            }
            permit.confirm().await;
            // Time has passed since the last check.
            state.check(&self.clock)?;
            permit.spend();
            if let Some(first_page) = &mut state.first_page {
                first_page.spend().await;
            }
            if let Some(begun) = call.begun {
                begun.note(self.clock.now());
            }
            state.is_sending.store(true, Ordering::SeqCst);
            let result = self.attempt(state, &self.slots[slot], &token, &send, read).await;
            state.is_sending.store(false, Ordering::SeqCst);
            match result {
                Ok(response) => {
                    self.budget.refill(call.class());
                    return Ok(state.succeed(response));
                }
                Err(failure) => self.after_failure(state, slot, &token, failure).await?,
            }
        }
    }

    /// The longest wait that the service or its limits may impose now.
    fn max_wait(&self, state: &CallState<'_>) -> Option<Duration> {
        let is_unneeded = state.call.is_ahead && state.attempts == 0;
        if is_unneeded { Some(Duration::ZERO) } else { self.throttle_policy(state.call).max_wait() }
    }

    /// The policy of the call, or else of the client.
    fn throttle_policy(&self, call: ApiCall<'_>) -> ThrottlePolicy {
        call.scope.options.own_throttle_policy().unwrap_or(self.throttle_policy)
    }

    /// What follows a failed attempt, by the policy of the call or else of the client.
    fn decide(&self, call: ApiCall<'_>, context: &RetryContext) -> RetryDecision {
        decide(call.scope.options.own_retry().unwrap_or(&*self.retry), context)
    }

    /// The hint that a call carries.
    fn pragma(&self, wanted: Option<Pragma>) -> Option<Pragma> {
        match (self.sync_hints, wanted) {
            (SyncHints::Never, _) => None,
            (SyncHints::Lists, wanted) => wanted,
            (SyncHints::Jobs, Some(Pragma::SyncEnd)) => {
                self.is_sync_announced.store(false, Ordering::SeqCst);
                wanted
            }
            (SyncHints::Jobs, wanted) => {
                let is_announced = self.is_sync_announced.swap(true, Ordering::SeqCst);
                if is_announced { wanted } else { Some(Pragma::SyncStart) }
            }
        }
    }

    /// Waits until the limits of hours allow to read the first page of a list, and returns the credential that may. A retry
    /// keeps it, unless that credential is rejected or blocked and another one may read the page.
    async fn first_page(&self, state: &mut CallState<'_>) -> Result<Option<usize>, Error> {
        let (operation, class) = (state.call.operation, state.call.class());
        let mut longest = self.longest_wait(state);
        if let Some(permit) = &state.first_page {
            if self.rate_limiter.is_open(class, permit.slot) {
                return Ok(Some(permit.slot));
            }
            longest = Some(Duration::ZERO);
        }
        let acquired = self.rate_limiter.acquire_first_page(operation, class, longest);
        match self.waiting_for(state, WaitReason::FirstPage, acquired).await {
            Ok(permit) => state.first_page = permit,
            Err(NoPermit::TooLong(_)) if state.first_page.is_some() => {}
            Err(no_permit) => return Err(self.without_permit(state, no_permit)),
        }
        Ok(state.first_page.as_ref().map(|permit| permit.slot))
    }

    /// The longest wait for a permit that the policy and the deadline allow.
    fn longest_wait(&self, state: &CallState<'_>) -> Option<Duration> {
        self.max_wait(state).into_iter().chain(state.time_left(&self.clock)).min()
    }

    /// Waits for a permit, of one credential or of any, as long as the policy and the deadline allow.
    async fn permit(&self, state: &mut CallState<'_>, only: Option<usize>) -> Result<CallPermit, Error> {
        let (class, operation) = (state.call.class(), state.call.operation.id());
        let reason = self.rate_limiter.wait_reason(class, only);
        let acquired = self.rate_limiter.acquire(class, only, self.longest_wait(state), operation);
        let permit = self.waiting_for(state, reason, acquired).await;
        permit.map_err(|no_permit| self.without_permit(state, no_permit))
    }

    /// The error of a call without a permit.
    fn without_permit(&self, state: &mut CallState<'_>, no_permit: NoPermit) -> Error {
        let max_wait = self.max_wait(state);
        let wait = match no_permit {
            NoPermit::Store(error) => return Error::new(Kind::RateLimitStore(Cause::of_store(error))),
            NoPermit::TooLong(wait) => wait,
        };
        // The last error says more if the service itself asked to wait.
        let asked = state.last_error.take().filter(|error| error.is_throttled() || error.retry_after().is_some());
        let is_policy = max_wait.is_some_and(|max_wait| wait > max_wait);
        let error = asked.unwrap_or_else(|| {
            Error::new(if is_policy { Kind::Throttled } else { Kind::Deadline { has_passed: false } })
        });
        error.with(|details| details.retry_after = Some(wait))
    }

    /// Gets an access token, with retries. Returns `None` if another credential takes over.
    async fn token(&self, state: &mut CallState<'_>, slot: usize) -> Result<Option<AccessToken>, Error> {
        let tokens = &self.slots[slot].tokens;
        loop {
            let fetch = catch_panic("token source", async { tokens.token().await });
            let fetched = match self.throttle_policy(state.call) {
                // A source that hangs is a wait too.
                ThrottlePolicy::FailAtOnce => {
                    let silent = || Ok(Err(umapi_auth::Error::other(SILENT_SOURCE)));
                    self.clock.timeout(self.attempt_timeout, fetch).await.unwrap_or_else(|_| silent())
                }
                _ => fetch.await,
            };
            let error = match fetched.unwrap_or_else(|panic| Err(umapi_auth::Error::other(panic))) {
                Ok(token) => return Ok(Some(token)),
                Err(error) => error,
            };
            let retry_after = error.retry_after();
            let outcome = error.is_retryable().then_some(AttemptOutcome::NotSent { retry_after });
            let error = Error::from(error).with(|details| details.retry_after = retry_after);
            if self.hand_over(state, slot, "there is no access token")? {
                state.last_error = Some(error);
                return Ok(None);
            }
            let Some(outcome) = outcome else { return Err(error) };
            let context =
                state.record_failure(outcome, slot, self.budget_left(state), self.max_wait(state), &self.clock);
            let RetryDecision::Retry { after, cost, .. } = self.decide(state.call, &context) else { return Err(error) };
            self.budget.take(state.call.class(), cost, self.clock.now());
            let (wait, reason) = match retry_after {
                Some(asked) if asked >= after => (asked, WaitReason::Throttled),
                _ => (after.max(LOGIN_WAIT), WaitReason::Backoff),
            };
            tracing::info!(wait_ms = milliseconds(wait), "retrying the login");
            self.report_retry(state, &error, wait);
            self.wait(state, wait, reason).await;
        }
    }

    /// Sends one request.
    async fn attempt<T, F, Fut>(
        &self,
        state: &mut CallState<'_>,
        slot: &CredentialSlot,
        token: &AccessToken,
        send: &F,
        read: Option<LenientReader<T>>,
    ) -> Result<Response<T>, Failure>
    where
        F: Fn(RawClient) -> Fut,
        Fut: Future<Output = RawResult<T>>,
    {
        let call = state.call;
        state.attempts += 1;
        state.requests += 1;
        let (operation, attempt) = (call.operation.id(), state.attempts);
        let limit = state.time_left(&self.clock).map_or(self.attempt_timeout, |left| left.min(self.attempt_timeout));
        let (http, url) = self.backend.connection().map_err(|error| Failure { error, outcome: None })?;
        let mut exchange = HttpExchange::new(
            (&url, &http),
            token.clone(),
            slot.api_key.clone(),
            call.pragma,
            limit,
            self.clock.clone(),
        );
        exchange.in_scope(call.scope, &http);
        exchange.unreadable_items = self.unreadable_items;
        exchange.is_limited_by_deadline = limit < self.attempt_timeout;
        exchange.is_in_own_task = call.is_in_own_task;
        let (request_id, started) = (exchange.request_id(), self.clock.now());
        self.observer.request_started(&RequestStarted {
            operation,
            attempt,
            request_id,
            api_key: &slot.api_key,
            commands: call.commands,
        });
        state.request_id = Some(request_id.to_owned());
        state.exchange = Some(exchange.clone());
        let mut finished = ReportFinished {
            engine: self,
            operation,
            attempt,
            exchange: &exchange,
            started,
            server: &url,
            error: None,
        };
        let (method, path) = (call.operation.method(), call.operation.path());
        let span = RequestSpan::new(&url, method, path, attempt - 1, Some(request_id));
        let result = match http.for_server(&url) {
            Ok(http) => {
                let raw = RawClient::new(url.as_str(), http);
                span.around(Box::pin(exchange.send(raw, send, read))).await
            }
            Err(error) => Err(Failure { error: error.into(), outcome: None }),
        };
        let took = self.clock.now() - started;
        let head = exchange.head().map(|head| &head.common);
        let request_id = head.and_then(|head| head.request_id.as_deref()).unwrap_or(request_id);
        finished.error = result.as_ref().err().map(|failure| failure.error.clone());
        span.end(head, finished.error.as_ref().map(Error::error_type).as_deref());
        span.within(|| {
            let status = head.map(|head| head.status);
            tracing::debug!(status, took_ms = milliseconds(took), "request finished");
        });
        drop(finished);
        state.request_id = Some(request_id.to_owned());
        result
    }

    /// Decides what follows a failed attempt. `Ok` means another attempt.
    async fn after_failure(
        &self,
        state: &mut CallState<'_>,
        slot: usize,
        token: &AccessToken,
        failure: Failure,
    ) -> Result<(), Error> {
        let retry_after = failure.outcome.and_then(AttemptOutcome::requested_wait);
        if failure.outcome.is_none_or(|outcome| matches!(outcome, AttemptOutcome::NotSent { .. })) {
            state.requests -= 1;
        }
        let error = failure.error.with(|details| {
            details.retry_after = retry_after;
            details.request_id.clone_from(&state.request_id);
            details.operation = Some(state.call.operation.id());
        });
        let Some(outcome) = failure.outcome else { return Err(error) };
        if outcome.status().is_some_and(|status| status < 500 && status != 429) {
            self.budget.refill(state.call.class());
        }
        // Noted whether or not this call waits, so that other calls respect it.
        if let Some(wait) = retry_after {
            tracing::warn!(wait_ms = milliseconds(wait), "the service asked to wait");
            if outcome.status() == Some(429) && wait > LONGEST_WAIT_OF_A_MINUTE {
                self.rate_limiter.pause_all(slot, wait).await;
            } else {
                self.rate_limiter.pause(state.call.class(), slot, wait).await;
            }
        }
        let context = state.record_failure(outcome, slot, self.budget_left(state), self.max_wait(state), &self.clock);
        match self.decide(state.call, &context) {
            RetryDecision::FreshToken => {
                tracing::info!("the access token was rejected, getting a new one");
                log_panic("token source", || self.slots[slot].tokens.invalidate(token));
                state.record_fresh_token(slot);
                self.report_retry(state, &error, Duration::ZERO);
            }
            // Nobody waits for it yet, so it takes nothing from the retry budget. When it is needed, it is requested again.
            RetryDecision::Throttled | RetryDecision::Retry { .. } if state.call.is_ahead => return Err(error),
            // The rate limiter makes the next attempt wait.
            RetryDecision::Throttled => self.report_retry(state, &error, retry_after.unwrap_or_default()),
            RetryDecision::Retry { after, cost, is_repetition } => {
                let wait = after.max(retry_after.unwrap_or_default());
                tracing::info!(wait_ms = milliseconds(wait), error.type = &*error.error_type(), "retrying");
                self.budget.take(state.call.class(), cost, self.clock.now());
                state.is_repetition |= is_repetition;
                // The service is too busy, so other calls of the class wait too.
                if matches!(outcome.status(), Some(504 | 408)) {
                    self.rate_limiter.pause(state.call.class(), slot, after).await;
                }
                self.report_retry(state, &error, wait);
                self.wait(state, after, WaitReason::Backoff).await;
            }
            RetryDecision::Stop => {
                let is_credential = matches!(outcome.status(), Some(401 | 403));
                if !(is_credential && self.hand_over(state, slot, "it was rejected")?) {
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
            tracing::warn!(credential = slot + 1, why, "suspending this credential for five minutes");
        }
        Ok(has_another)
    }

    fn report_retry(&self, state: &CallState<'_>, error: &Error, after: Duration) {
        let (operation, attempt) = (state.call.operation.id(), state.attempts);
        self.observer.retry(&Retry { operation, attempt, error, after });
    }

    /// Waits, and reports the wait to the observer before it begins.
    async fn wait(&self, state: &CallState<'_>, duration: Duration, reason: WaitReason) {
        if duration > REPORTED_WAIT {
            let until = self.clock.wall().checked_add(duration).unwrap_or_else(|| self.clock.wall());
            let operation = Some(state.call.operation.id());
            self.observer.wait_begins(&Wait { operation, reason, duration, until });
        }
        self.waiting_for(state, reason, self.clock.sleep(duration)).await;
    }

    /// Runs a future that may wait, and reports the wait to the observer when it has ended.
    async fn waiting_for<F: Future>(&self, state: &CallState<'_>, reason: WaitReason, wait: F) -> F::Output {
        let started = self.clock.now();
        let output = wait.await;
        let duration = self.clock.now() - started;
        if duration >= SHORTEST_WAIT {
            self.observer.wait_ended(&WaitEnded { operation: state.call.operation.id(), reason, duration });
        }
        output
    }

    /// What is left of the retry budget for this call.
    fn budget_left(&self, state: &CallState<'_>) -> u32 {
        self.budget.left(state.call.class(), state.call.effect, self.clock.now())
    }
}

/// Reports the end of a request to the observer, also when its future is dropped.
struct ReportFinished<'a> {
    engine: &'a Engine,
    operation: &'static str,
    attempt: u32,
    exchange: &'a HttpExchange,
    started: Instant,
    server: &'a ServerUrl,
    error: Option<Error>,
}

impl Drop for ReportFinished<'_> {
    fn drop(&mut self) {
        let head = self.exchange.head();
        self.engine.observer.request_finished(&RequestFinished {
            operation: self.operation,
            attempt: self.attempt,
            request_id: head.and_then(|head| head.common.request_id.as_deref()).unwrap_or(self.exchange.request_id()),
            status: head.map(|head| head.common.status),
            took: self.engine.clock.now() - self.started,
            error: self.error.as_ref(),
            server_address: self.server.host(),
            server_port: self.server.port(),
            protocol_version: head.and_then(|head| head.common.protocol_version),
        });
    }
}
