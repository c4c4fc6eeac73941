//! One request of a run, in a task of its own.

use std::{sync::Arc, time::Duration};

use umapi_http::milliseconds;
use umapi_model::{ActionResponse, ErrorCode, Operation, ThrottleClass};
use umapi_plan::job::{PackedRequest, RequestId, RequestResult, Response};
use umapi_time::Instant;

use super::{
    StopHandle,
    journal::{self, JournalFuture},
};
use crate::{
    call::{self, ApiCall, Begun, Deadline, Effect, Pragma, RawClient, Scope},
    client::Client,
    error::{Error, Kind},
};

/// The pauses after two access tokens in a row were rejected in the middle of a run.
const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];

/// A request in flight, with everything that it needs.
pub(super) struct InFlight {
    pub(super) client: Client,
    pub(super) request: PackedRequest,
    pub(super) test_only: bool,
    pub(super) pragma: Option<Pragma>,
    pub(super) deadline: Option<Instant>,
    pub(super) stop: StopHandle,
    /// Whether a request of the same run succeeded before, so that the credentials are known to be valid.
    pub(super) has_succeeded: bool,
    /// Notes when requests are sent.
    pub(super) begun: Arc<Begun>,
    pub(super) scope: Scope,
}

/// A finished request.
pub(super) struct Finished {
    pub(super) id: RequestId,
    pub(super) result: RequestResult<Error>,
    /// The number of requests sent for it.
    pub(super) requests: u32,
    /// From the first attempt to the end.
    pub(super) took: Duration,
    /// How long a new request would wait for a permit.
    pub(super) next_permit: Duration,
    /// Whether the time of the request ran out before that of the run.
    pub(super) is_out_of_own_time: bool,
}

impl Finished {
    /// A request that ended without a response, as nothing more is known.
    pub(super) fn without_response(id: RequestId, result: RequestResult<Error>, requests: u32) -> Self {
        let (took, next_permit) = (Duration::ZERO, Duration::ZERO);
        Self { id, result, requests, took, next_permit, is_out_of_own_time: false }
    }
}

impl InFlight {
    /// Sends the request, once the journal has recorded it.
    pub(super) async fn run(self, journal: Option<JournalFuture>) -> Finished {
        let id = self.request.id;
        let engine = &self.client.0;
        let begun = engine.clock.now();
        if let Some(journal) = journal
            && let Err(error) = journal::record(journal, &engine.clock, self.deadline, &self.stop).await
        {
            let result = RequestResult::NotSent(error);
            return Finished::without_response(id, result, 0);
        }
        let (requests, result) = self.send_with_pauses().await;
        let took = engine.clock.now() - begun;
        // Only an estimate: without a store, the next request fails by itself.
        let next_permit = engine.rate_limiter.time_for(ThrottleClass::Action.into(), 1).await.unwrap_or_default();
        let is_out_of_own_time = result.as_ref().is_err_and(|error| self.is_out_of_own_time(error));
        let result = match result {
            Ok(response) => RequestResult::Response(convert(response, requests)),
            Err(error) => classify(error),
        };
        Finished { id, result, requests, took, next_permit, is_out_of_own_time }
    }

    /// Whether a request failed because its own deadline has passed or is too close, and not that of the run.
    fn is_out_of_own_time(&self, error: &Error) -> bool {
        let left = self.deadline.map(|deadline| deadline - self.client.0.clock.now());
        let own = self.scope.options.own_deadline();
        matches!(error.kind(), Kind::Deadline { .. })
            && own.is_some_and(|own| left.is_none_or(|left| !left.is_zero() && own < left))
    }

    /// Sends the request. A run whose credentials are known to be valid does not end because a fresh token was rejected
    /// too: it tries again after a pause.
    async fn send_with_pauses(&self) -> (u32, Result<call::Response<ActionResponse>, Error>) {
        let (mut requests, mut is_repetition) = (0, false);
        for pause in PAUSES {
            match self.send(is_repetition).await {
                Err(error) if self.has_succeeded && error.is_unauthorized() => {
                    requests += error.requests();
                    is_repetition = error.may_have_been_applied();
                    tracing::warn!(wait_ms = milliseconds(pause), "a fresh access token was rejected too");
                    tokio::select! {
                        () = self.client.0.clock.sleep(pause) => {}
                        () = self.stop.stopped() => {}
                    }
                }
                Ok(response) => return (requests + response.requests, Ok(response)),
                Err(error) => return (requests + error.requests(), Err(error)),
            }
        }
        let last = self.send(is_repetition).await;
        let sent = last.as_ref().map_or_else(Error::requests, |response| response.requests);
        (requests + sent, last)
    }

    async fn send(&self, is_repetition: bool) -> Result<call::Response<ActionResponse>, Error> {
        let call = ApiCall {
            pragma: self.pragma,
            deadline: Deadline::OfRun(self.deadline),
            commands: &self.request.numbers,
            stop: Some(&self.stop),
            begun: Some(&self.begun),
            is_repetition,
            is_in_own_task: true,
            // The job can tell what a repetition did.
            ..self.scope.change(Operation::ExecuteActions, Effect::RepeatableChange)
        };
        let organization = self.client.organization();
        let test_only = self.test_only.then_some(true);
        let commands = &self.request.commands;
        let send = |raw: RawClient| async move { raw.execute_actions(organization, test_only, None, commands).await };
        self.client.0.call(call, send).await
    }
}

fn convert(response: call::Response<ActionResponse>, requests: u32) -> Response {
    Response {
        body: response.value,
        request_id: response.head.common.request_id,
        attempts: requests,
        repeated_after_unknown: response.is_repetition,
    }
}

fn classify(error: Error) -> RequestResult<Error> {
    if error.may_have_been_applied() {
        RequestResult::Unknown(error)
    } else if is_about_content(&error) {
        RequestResult::Refused(error)
    } else {
        RequestResult::NotSent(error)
    }
}

/// Whether another content might have been accepted: then sending less at a time finds the command that is to blame.
fn is_about_content(error: &Error) -> bool {
    let is_about_call = |code: &ErrorCode| {
        ["error.organization.", "error.apikey.", "error.api."].iter().any(|area| code.as_str().starts_with(area))
    };
    match error.status() {
        Some(413 | 422) => true,
        Some(400) => !error.code().is_some_and(is_about_call),
        _ => false,
    }
}

/// Whether all other requests would fail with the same error.
pub(super) fn is_fatal(error: &Error) -> bool {
    let is_kind = matches!(
        error.kind(),
        Kind::Invalid(_)
            | Kind::Command(_)
            | Kind::Membership(_)
            | Kind::Unanswered(_)
            | Kind::Login(_)
            | Kind::Certificate(_)
            | Kind::RateLimitStore(_)
            | Kind::Throttled
            | Kind::Deadline { .. }
            | Kind::Stopped
            | Kind::Journal(_)
    );
    is_kind || matches!(error.status(), Some(301..=399 | 400..=407 | 409..=412 | 429))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Cause, ErrorResponse};

    fn rejected(status: u16, code: &str) -> Error {
        let code = (!code.is_empty()).then(|| ErrorCode::from(code));
        Error::new(Kind::Rejected(ErrorResponse { status, code, ..ErrorResponse::default() }))
    }

    #[test]
    fn errors_of_content_differ_from_errors_of_the_call() {
        assert!(matches!(classify(rejected(400, "error.command.malformed")), RequestResult::Refused(_)));
        assert!(matches!(classify(rejected(413, "")), RequestResult::Refused(_)));
        assert!(matches!(classify(rejected(400, "error.organization.invalid_id")), RequestResult::NotSent(_)));
        assert!(matches!(classify(rejected(403, "error.apikey.invalid")), RequestResult::NotSent(_)));
        let lost = Error::new(Kind::Network(Cause::new("broken"))).with(|details| details.may_have_been_applied = true);
        assert!(matches!(classify(lost), RequestResult::Unknown(_)));
    }

    #[test]
    fn errors_that_meet_every_request_are_fatal() {
        for status in [301, 401, 403, 404, 429] {
            assert!(is_fatal(&rejected(status, "")), "{status}");
        }
        for status in [408, 500, 502, 503, 504] {
            assert!(!is_fatal(&rejected(status, "")), "{status}");
        }
        assert!(is_fatal(&Error::new(Kind::Deadline { has_passed: false })));
        assert!(!is_fatal(&Error::new(Kind::Connect(Cause::new("refused")))));
    }
}
