//! Runs a job: keeps as many requests in flight as allowed, until all of it has ended or it makes no sense to go on.

use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    runtime::{self, Handle},
    task::{Id, JoinSet},
};
use tracing::Instrument as _;
use umapi_http::describe_panic;
use umapi_model::ThrottleClass;
use umapi_plan::{
    BatchOutcome, CallFailure, Report,
    job::{Finding, Job, RequestId, RequestResult, VerificationId},
};
use umapi_time::{Instant, Sleep};

use super::{
    RunOptions, Unfinished,
    in_flight::{Finished, InFlight, is_fatal},
    journal::OptionalJournal,
    verify::Verifier,
};
use crate::{
    call::{Begun, Pragma, Scope, SyncHints},
    client::Client,
    error::{Cause, Error, Kind},
    observer::{OutcomeKnown, Progress},
    telemetry::RunSpan,
};

/// After this time beyond an attempt, a request on another runtime is given up.
const GRACE: Duration = Duration::from_secs(10);

/// So many failed requests in a row mean that the service is out of order.
const FAILURES_IN_A_ROW: u32 = 3;

/// What a task does.
#[derive(Clone)]
enum TaskId {
    /// It sends a request, and notes whether anything was sent.
    Request(RequestId, Arc<Begun>),
    Verification(VerificationId),
}

impl TaskId {
    /// The result of a task that ended without one.
    fn failed(self, why: String) -> TaskResult {
        match self {
            Self::Request(id, begun) => TaskResult::Request(Box::new(lost(id, begun.at().is_some(), why))),
            Self::Verification(id) => TaskResult::Verification(id, Vec::new()),
        }
    }
}

/// The result of a task.
enum TaskResult {
    Request(Box<Finished>),
    Verification(VerificationId, Vec<Finding>),
}

/// A job in progress. Each request is a task of its own, which needs no polling by the caller.
pub(super) struct Runner<J: Job> {
    pub(super) job: J,
    client: Client,
    options: RunOptions,
    most_in_flight: usize,
    journal: OptionalJournal<J::Key>,
    deadline: Option<Instant>,
    scope: Scope,
    in_flight: JoinSet<TaskResult>,
    /// What the tasks in flight do, in case one ends without a result.
    ids: HashMap<Id, TaskId>,
    verifier: Verifier,
    /// The runtime of the tasks.
    runtime: Option<runtime::Id>,
    /// Ends the wait for tasks of another runtime, which may not run any more.
    other_runtime: Option<Sleep>,
    stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
    error: Option<Error>,
    failures_in_a_row: u32,
    /// Whether a request succeeded.
    has_succeeded: bool,
    launched: u64,
    finished: u32,
    requests: u64,
    time_in_flight: Duration,
    /// Whether the caller gives no more items.
    is_complete: bool,
    span: RunSpan,
}

impl<J: Job<Key: 'static, Outcome: BatchOutcome>> Runner<J> {
    pub(super) fn new(client: Client, job: J, options: RunOptions, journal: OptionalJournal<J::Key>) -> Self {
        let deadline = options.deadline.map(|time| client.0.clock.now() + time);
        let scope = Scope::of_each(options.calls.clone());
        let check = options.calls.check();
        let mut runner = Self {
            job,
            verifier: Verifier::new(client.clone(), deadline, options.stop.clone(), scope.clone()),
            most_in_flight: options.most_in_flight(&client),
            journal,
            deadline,
            scope,
            in_flight: JoinSet::new(),
            ids: HashMap::new(),
            runtime: None,
            other_runtime: None,
            stopped: Box::pin(options.stop.stopped()),
            error: None,
            failures_in_a_row: 0,
            has_succeeded: false,
            launched: 0,
            finished: 0,
            requests: 0,
            time_in_flight: Duration::ZERO,
            is_complete: false,
            span: RunSpan::new(),
            client,
            options,
        };
        if let Err(error) = check {
            runner.end(error);
        }
        runner
    }

    /// Notes that the caller gives no more items.
    pub(super) fn complete(&mut self) {
        self.is_complete = true;
    }

    /// Why the run ended early, if it did.
    pub(super) fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Whether it is a dry run.
    pub(super) fn is_test(&self) -> bool {
        self.options.test_only
    }

    /// The number of requests sent.
    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// Sends what can be sent now. `flush`: the caller has no more items for now.
    pub(super) fn launch(&mut self, flush: bool) {
        self.launch_verifications();
        while self.in_flight.len() < self.most_in_flight {
            let Some(request) = self.job.next_request(flush) else { return };
            let (id, begun) = (request.id, Arc::new(Begun::default()));
            let journal = self.journal.begin(&self.job, &request);
            let in_flight = InFlight {
                client: self.client.clone(),
                request,
                test_only: self.options.test_only,
                pragma: self.pragma(),
                deadline: self.deadline,
                stop: self.options.stop.clone(),
                has_succeeded: self.has_succeeded,
                begun: begun.clone(),
                scope: self.scope.clone(),
            };
            self.launched += 1;
            self.runtime = current_runtime();
            let task = async move { TaskResult::Request(Box::new(in_flight.run(journal).await)) };
            let handle = self.in_flight.spawn(task.instrument(self.span.span()));
            self.ids.insert(handle.id(), TaskId::Request(id, begun));
        }
    }

    fn launch_verifications(&mut self) {
        let now = self.client.0.clock.now();
        while self.in_flight.len() < self.most_in_flight
            && let Some(verification) = self.job.next_verification()
        {
            let id = verification.id;
            self.runtime = current_runtime();
            let run = self.verifier.clone().run(verification, now);
            let task = async move {
                let (id, findings) = run.await;
                TaskResult::Verification(id, findings)
            };
            let handle = self.in_flight.spawn(task.instrument(self.span.span()));
            self.ids.insert(handle.id(), TaskId::Verification(id));
        }
    }

    /// The hint for the request that is about to be sent.
    fn pragma(&self) -> Option<Pragma> {
        let engine = &self.client.0;
        let has_more = !self.is_complete || self.job.progress().requests_left > 0;
        // The first request of a job begins it, even if it is the last one too.
        let is_last = !has_more && engine.is_sync_announced.load(Ordering::SeqCst);
        (engine.sync_hints == SyncHints::Jobs && is_last).then_some(Pragma::SyncEnd)
    }

    /// Takes the outcomes that are known by now, and reports them to the observer.
    pub(super) fn take_outcomes(&mut self) -> Vec<J::Outcome> {
        let outcomes = self.job.take_outcomes();
        for outcome in &outcomes {
            self.client.0.observer.outcome(&OutcomeKnown {
                items: J::Outcome::PLURAL,
                number: outcome.number() as u64,
                outcome: outcome.outcome(),
            });
        }
        outcomes
    }

    /// Waits until a request finishes, or the caller stops the run. `None` if nothing is in flight.
    pub(super) fn poll_finished(&mut self, context: &mut Context<'_>) -> Poll<Option<()>> {
        if self.error.is_none() && self.stopped.as_mut().poll(context).is_ready() {
            self.end(Error::new(Kind::Stopped));
            return Poll::Ready(Some(()));
        }
        let joined = match self.in_flight.poll_join_next(context) {
            Poll::Ready(Some(joined)) => joined,
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => return self.poll_other_runtime(context),
        };
        let result = match joined {
            Ok(result) => result,
            Err(error) => {
                let Some(task) = self.ids.get(&error.id()).cloned() else { return Poll::Ready(Some(())) };
                let why = match error.try_into_panic() {
                    Ok(panic) => describe_panic("task of the request", &*panic),
                    Err(_) => "the runtime of the request was dropped".to_owned(),
                };
                task.failed(why)
            }
        };
        self.take_result(result);
        Poll::Ready(Some(()))
    }

    /// Gives up the tasks of another runtime that take longer than any attempt may: it does not run any more.
    fn poll_other_runtime(&mut self, context: &mut Context<'_>) -> Poll<Option<()>> {
        if self.runtime == current_runtime() {
            self.other_runtime = None;
            return Poll::Pending;
        }
        let engine = &self.client.0;
        let limit = self.other_runtime.get_or_insert_with(|| engine.clock.sleep(engine.attempt_timeout + GRACE));
        ready!(Pin::new(limit).poll(context));
        self.other_runtime = None;
        self.in_flight = JoinSet::new();
        for task in std::mem::take(&mut self.ids).into_values() {
            self.take_result(task.failed("the runtime of the request does not run".to_owned()));
        }
        Poll::Ready(Some(()))
    }

    fn take_result(&mut self, result: TaskResult) {
        match result {
            TaskResult::Request(finished) => self.finish(*finished),
            TaskResult::Verification(id, findings) => {
                self.ids.retain(|_, task| !matches!(task, TaskId::Verification(other) if *other == id));
                self.job.finish_verification(id, &findings);
                self.report_progress(Duration::ZERO);
            }
        }
    }

    fn finish(&mut self, finished: Finished) {
        let Finished { id, result, requests, took, next_permit, is_out_of_own_time } = finished;
        self.ids.retain(|_, task| !matches!(task, TaskId::Request(other, _) if *other == id));
        self.finished += 1;
        self.requests += u64::from(requests);
        self.time_in_flight += took;
        let (result, failure) = match result {
            RequestResult::NotSent(error) => {
                // What was in flight when the run ended did not fail by itself.
                let why = self.error.clone().filter(|_| error.is_stopped()).unwrap_or(error);
                (RequestResult::NotSent(why.clone()), Some(why))
            }
            RequestResult::Unknown(error) => (RequestResult::Unknown(error.clone()), Some(error)),
            result => (result, None),
        };
        self.has_succeeded |= matches!(result, RequestResult::Response(_));
        self.job.finish_request(id, result.map_err(CallFailure::from));
        match failure {
            None => self.failures_in_a_row = 0,
            Some(error) => {
                self.failures_in_a_row += 1;
                if (is_fatal(&error) && !is_out_of_own_time) || self.failures_in_a_row >= FAILURES_IN_A_ROW {
                    self.end(error);
                }
            }
        }
        self.report_progress(next_permit);
    }

    /// Sends nothing more.
    fn end(&mut self, error: Error) {
        if self.error.is_some() {
            return;
        }
        if !error.is_stopped() {
            self.span.fail(&error);
        }
        self.job.abort(error.clone().into());
        self.error = Some(error);
        // Ends the waits of the requests in flight.
        self.options.stop.stop();
    }

    fn report_progress(&mut self, next_permit: Duration) {
        let progress = self.job.progress();
        self.span.progress(progress.given, progress.ended, self.requests);
        let total = self.is_complete.then_some(progress.given as u64);
        self.client.0.observer.progress(&Progress {
            done: progress.ended as u64,
            total,
            requests: self.requests,
            remaining: total.map(|_| self.remaining(next_permit, progress.requests_left + self.in_flight.len())),
        });
    }

    /// Estimates how long so many more requests take: at the rate of the limits, or of the responses if that is lower.
    fn remaining(&self, next_permit: Duration, requests: usize) -> Duration {
        let Some(after_the_next) = requests.checked_sub(1) else { return Duration::ZERO };
        let requests = u32::try_from(requests).unwrap_or(u32::MAX);
        let each = self.time_in_flight / self.finished.max(1);
        let by_responses = each.saturating_mul(requests) / u32::try_from(self.most_in_flight).unwrap_or(1).max(1);
        let by_limits =
            next_permit.saturating_add(self.client.0.rate_limiter.time_between(ThrottleClass::Action, after_the_next));
        by_limits.max(by_responses)
    }
}

impl<J: Job<Key: 'static, Outcome: BatchOutcome>> Runner<J> {
    /// Runs a job that is known as a whole to its end, and reports on all of it.
    pub(super) async fn run(mut self) -> Result<Report<J::Outcome>, Unfinished<Report<J::Outcome>>> {
        let mut outcomes = Vec::new();
        self.complete();
        loop {
            self.launch(true);
            outcomes.extend(self.take_outcomes());
            if self.job.is_finished() {
                break;
            }
            let finished = poll_fn(|context| self.poll_finished(context)).await;
            debug_assert!(finished.is_some(), "the job is not finished, with nothing to send and nothing in flight");
            if finished.is_none() {
                break;
            }
        }
        let requests = u32::try_from(self.requests).unwrap_or(u32::MAX);
        outcomes.sort_by_key(BatchOutcome::number);
        debug_assert!(
            (0..).zip(&outcomes).all(|(number, outcome)| outcome.number() == number),
            "one outcome for each item"
        );
        let report = Report::new(outcomes).with_requests(requests).with_test_mode(self.options.test_only);
        match self.error {
            None => Ok(report),
            Some(error) => Err(Unfinished::new(report.with_aborted(error.clone().into()), error)),
        }
    }
}

fn current_runtime() -> Option<runtime::Id> {
    Handle::try_current().ok().map(|runtime| runtime.id())
}

/// The result of a request whose task ended without one. If nothing was sent for it, that is certain; otherwise nobody knows
/// what became of it.
fn lost(id: RequestId, has_begun: bool, why: String) -> Finished {
    let error = Error::new(Kind::Network(Cause::new(why))).with(|details| details.may_have_been_applied = has_begun);
    let result = if has_begun { RequestResult::Unknown(error) } else { RequestResult::NotSent(error) };
    Finished::without_response(id, result, u32::from(has_begun))
}
