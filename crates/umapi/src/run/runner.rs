//! Runs work: as many requests in flight as allowed, until all of it has ended or there is no point in going on.

use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::task::{Id, JoinSet};
use tracing::Instrument as _;
use umapi_model::ThrottleClass;
use umapi_time::Instant;

use super::{
    StopHandle, Unfinished,
    in_flight::{Finished, InFlight, is_fatal},
    options::Options,
};
use crate::{
    call::Pragma,
    error::{Error, Kind},
    observer::Progress,
};
use umapi_plan::{
    BatchOutcome, CallFailure, Report,
    job::{Job, RequestId, RequestResult},
};

/// So many requests in a row that fail for good, and the service counts as out of order.
const FAILURES_IN_A_ROW: u32 = 3;

/// Job that is being run. Requests are tasks of their own: they need nobody's polling, and stand in nobody's way.
pub(super) struct Runner<W> {
    pub(super) work: W,
    options: Options,
    deadline: Option<Instant>,
    in_flight: JoinSet<Finished>,
    /// The names of the in_flight, in case one ends without a word.
    names: HashMap<Id, RequestId>,
    stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
    error: Option<Error>,
    failures_in_a_row: u32,
    /// Whether a request was answered.
    was_welcome: bool,
    launched: u64,
    finished_count: u32,
    requests: u64,
    in_flight_time: Duration,
    /// Whether the caller will give no more.
    is_complete: bool,
    span: tracing::Span,
}

impl<W: Job> Runner<W> {
    pub(super) fn new(work: W, options: Options) -> Self {
        let clock = &options.client.0.clock;
        let deadline = options.deadline.map(|time| clock.now() + time);
        let stopped = Box::pin(options.stop.stopped());
        Self {
            work,
            options,
            deadline,
            in_flight: JoinSet::new(),
            names: HashMap::new(),
            stopped,
            error: None,
            failures_in_a_row: 0,
            was_welcome: false,
            launched: 0,
            finished_count: 0,
            requests: 0,
            in_flight_time: Duration::ZERO,
            is_complete: false,
            span: tracing::info_span!("umapi_work", requests = tracing::field::Empty),
        }
    }

    /// Says that the caller will give no more.
    pub(super) fn complete(&mut self) {
        self.is_complete = true;
    }

    /// Why it ended early, if it did.
    pub(super) fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// How many requests were sent.
    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    pub(super) fn stop_handle(&self) -> StopHandle {
        self.options.stop.clone()
    }

    /// Sends what can be sent now. `flush`: the caller has nothing more at the moment.
    pub(super) fn launch(&mut self, flush: bool) {
        while self.in_flight.len() < self.options.in_flight.max(1) {
            let Some(request) = self.work.next_request(flush) else { return };
            let id = request.id;
            let flight = InFlight {
                client: self.options.client.clone(),
                request,
                test_only: self.options.test_only,
                pragma: self.pragma(),
                deadline: self.deadline,
                stop: self.options.stop.clone(),
                was_welcome: self.was_welcome,
            };
            self.launched += 1;
            let handle = self.in_flight.spawn(flight.run().instrument(self.span.clone()));
            self.names.insert(handle.id(), id);
        }
    }

    /// The hint that goes with the request which is about to be sent.
    fn pragma(&self) -> Option<Pragma> {
        if !self.options.client.0.sync_hints {
            return None;
        }
        let has_more = !self.is_complete || self.work.progress().requests_left > 0;
        match (self.launched, has_more) {
            (0, true) => Some(Pragma::SyncStart),
            (0, false) | (_, true) => None,
            (_, false) => Some(Pragma::SyncEnd),
        }
    }

    /// Waits for a request to end, or for the caller to stop it all. Nothing if nothing is under way.
    pub(super) fn poll_finished(&mut self, context: &mut Context<'_>) -> Poll<Option<()>> {
        if self.error.is_none() && self.stopped.as_mut().poll(context).is_ready() {
            self.end(Error::new(Kind::Stopped));
            return Poll::Ready(Some(()));
        }
        let Some(joined) = ready!(self.in_flight.poll_join_next(context)) else { return Poll::Ready(None) };
        let finished = match joined {
            Ok(finished) => finished,
            Err(error) => {
                let id = self.names.get(&error.id()).copied();
                match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => match id {
                        Some(id) => lost(id),
                        None => return Poll::Ready(Some(())),
                    },
                }
            }
        };
        self.finish(finished);
        Poll::Ready(Some(()))
    }

    fn finish(&mut self, finished: Finished) {
        let Finished { id, exchange, requests, took, next_turn } = finished;
        self.names.retain(|_, name| *name != id);
        self.finished_count += 1;
        self.requests += u64::from(requests);
        self.in_flight_time += took;
        let (exchange, failure) = match exchange {
            RequestResult::NotSent(error) => {
                // What was under way when the work ended did not fail by itself.
                let why = self.error.clone().filter(|_| error.is_stopped()).unwrap_or(error);
                (RequestResult::NotSent(why.clone()), Some(why))
            }
            RequestResult::Unknown(error) => (RequestResult::Unknown(error.clone()), Some(error)),
            exchange => (exchange, None),
        };
        self.was_welcome |= matches!(exchange, RequestResult::Response(_));
        self.work.finish_request(id, exchange.map_err(CallFailure::from));
        match failure {
            None => self.failures_in_a_row = 0,
            Some(error) => {
                self.failures_in_a_row += 1;
                if is_fatal(&error) || self.failures_in_a_row >= FAILURES_IN_A_ROW {
                    self.end(error);
                }
            }
        }
        self.tell(next_turn);
    }

    /// Sends nothing further.
    fn end(&mut self, error: Error) {
        if self.error.is_some() {
            return;
        }
        if !error.is_stopped() {
            self.span.in_scope(|| tracing::error!(error = %error, "the work ends early"));
        }
        self.work.abort(error.clone().into());
        self.error = Some(error);
        // Ends the waits of what is under way.
        self.options.stop.stop();
    }

    fn tell(&self, next_turn: Duration) {
        let progress = self.work.progress();
        let engine = &self.options.client.0;
        self.span.record("requests", self.requests);
        self.span.in_scope(|| {
            tracing::debug!(
                given = progress.given,
                ended = progress.ended,
                requests = self.requests,
                "the work goes on"
            );
        });
        let total = self.is_complete.then_some(progress.given as u64);
        engine.observer.progress(&Progress {
            done: progress.ended as u64,
            total,
            requests: self.requests,
            remaining: total.map(|_| self.remaining(next_turn, progress.requests_left + self.in_flight.len())),
        });
    }

    /// About how long so many more requests take: at the pace of the limits, or at that of the answers if they are slower.
    fn remaining(&self, next_turn: Duration, requests: usize) -> Duration {
        let Some(after_the_next) = requests.checked_sub(1) else { return Duration::ZERO };
        let requests = u32::try_from(requests).unwrap_or(u32::MAX);
        let each = self.in_flight_time / self.finished_count.max(1);
        let by_answers = each.saturating_mul(requests) / u32::try_from(self.options.in_flight).unwrap_or(1).max(1);
        let by_limits = match self.options.client.0.rate_limiter.per_minute(ThrottleClass::Action) {
            Some(number) => {
                let minutes = u32::try_from(after_the_next).unwrap_or(u32::MAX) / number.max(1);
                next_turn + Duration::from_secs(60).saturating_mul(minutes)
            }
            None => next_turn,
        };
        by_limits.max(by_answers)
    }
}

impl<W: Job<Outcome: BatchOutcome>> Runner<W> {
    /// Runs work that is known as a whole to its end, and reports on all of it.
    pub(super) async fn run(mut self) -> Result<Report<W::Outcome>, Unfinished<Report<W::Outcome>>> {
        let mut report = Report::new(self.options.test_only);
        self.complete();
        loop {
            self.launch(true);
            self.work.take_outcomes().into_iter().for_each(|outcome| report.add(outcome));
            if self.work.is_finished() {
                break;
            }
            let finished_count = poll_fn(|context| self.poll_finished(context)).await;
            debug_assert!(
                finished_count.is_some(),
                "work that is not finished, with nothing to send and nothing under way"
            );
            if finished_count.is_none() {
                break;
            }
        }
        let report =
            report.finish(u32::try_from(self.requests).unwrap_or(u32::MAX), self.error.clone().map(Into::into));
        match self.error {
            None => Ok(report),
            Some(error) => Err(Unfinished::new(report, error)),
        }
    }
}

/// A request whose task was dropped with its runtime: nobody knows what became of it.
fn lost(id: RequestId) -> Finished {
    let error = Error::new(Kind::Network("the runtime that carried the request has ended".to_owned()));
    let error = error.with(|details| details.may_have_been_applied = true);
    Finished {
        id,
        exchange: RequestResult::Unknown(error),
        requests: 1,
        took: Duration::ZERO,
        next_turn: Duration::ZERO,
    }
}
