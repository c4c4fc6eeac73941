//! One request on its way, in a task of its own.

use std::time::Duration;

use umapi_model::{ActionResponse, ErrorCode, Operation, ThrottleClass};
use umapi_time::Instant;

use super::StopHandle;
use crate::{
    call::{self, ApiCall, Deadline, Effect, Pragma, RawClient},
    client::Client,
    error::{Error, Kind},
};
use umapi_plan::job::{PackedRequest, RequestId, RequestResult, Response};

/// How long work keeps away when two access tokens in a row were refused in the middle of it.
const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];

/// A request on its way, with all that it needs.
pub(super) struct InFlight {
    pub(super) client: Client,
    pub(super) request: PackedRequest,
    pub(super) test_only: bool,
    pub(super) pragma: Option<Pragma>,
    pub(super) deadline: Option<Instant>,
    pub(super) stop: StopHandle,
    /// Whether a request of the same work was answered before, so that the credentials are good.
    pub(super) was_welcome: bool,
}

/// A request that has come to an end.
pub(super) struct Finished {
    pub(super) id: RequestId,
    pub(super) exchange: RequestResult<Error>,
    /// How many requests were sent for it.
    pub(super) requests: u32,
    /// From the first try to the end, without the wait for a turn.
    pub(super) took: Duration,
    /// How long until there is a turn for one who comes now.
    pub(super) next_turn: Duration,
}

impl InFlight {
    pub(super) async fn run(self) -> Finished {
        let id = self.request.id;
        let engine = &self.client.0;
        let begun = engine.clock.now();
        let (requests, result) = self.with_patience().await;
        let took = engine.clock.now() - begun;
        let next_turn = engine.rate_limiter.time_for(ThrottleClass::Action, 1).await;
        let exchange = match result {
            Ok(answer) => RequestResult::Response(read(answer, requests)),
            Err(error) => judge(error),
        };
        Finished { id, exchange, requests, took, next_turn }
    }

    /// Long work does not end because a fresh token was refused as well, once it has been welcome: tries again a little
    /// later.
    async fn with_patience(&self) -> (u32, Result<call::Response<ActionResponse>, Error>) {
        let (mut requests, mut is_repetition) = (0, false);
        for pause in PAUSES {
            match self.send(is_repetition).await {
                Err(error) if self.was_welcome && error.is_unauthorized() => {
                    requests += error.requests();
                    is_repetition = error.may_have_been_applied();
                    tracing::warn!(error = %error, "a fresh access token was refused as well");
                    tokio::select! {
                        () = self.client.0.clock.sleep(pause) => {}
                        () = self.stop.stopped() => {}
                    }
                }
                Ok(answer) => return (requests + answer.requests, Ok(answer)),
                Err(error) => return (requests + error.requests(), Err(error)),
            }
        }
        let last = self.send(is_repetition).await;
        let sent = last.as_ref().map_or_else(Error::requests, |answer| answer.requests);
        (requests + sent, last)
    }

    async fn send(&self, is_repetition: bool) -> Result<call::Response<ActionResponse>, Error> {
        let call = ApiCall {
            pragma: self.pragma,
            deadline: Deadline::OfWork(self.deadline),
            commands: &self.request.numbers,
            stop: Some(&self.stop),
            is_repetition,
            // Whoever keeps account can tell what a repetition did.
            ..ApiCall::change(Operation::ExecuteActions, Effect::RepeatableChange)
        };
        let organization = self.client.organization();
        let test_only = self.test_only.then_some(true);
        let commands = &self.request.commands;
        let send = |raw: RawClient| async move { raw.execute_actions(organization, test_only, None, commands).await };
        self.client.0.call(call, send).await
    }
}

fn read(answer: call::Response<ActionResponse>, requests: u32) -> Response {
    Response {
        body: answer.value,
        request_id: answer.head.request_id,
        attempts: requests,
        repeated_after_unknown: answer.is_repetition,
    }
}

fn judge(error: Error) -> RequestResult<Error> {
    if error.may_have_been_applied() {
        RequestResult::Unknown(error)
    } else if is_about_the_content(&error) {
        RequestResult::Refused(error)
    } else {
        RequestResult::NotSent(error)
    }
}

/// Whether another content might have been taken: then the culprit can be found by sending less at a time.
fn is_about_the_content(error: &Error) -> bool {
    let is_about_the_rest = |code: &ErrorCode| {
        ["error.organization.", "error.apikey.", "error.api."].iter().any(|area| code.as_str().starts_with(area))
    };
    match error.status() {
        Some(413 | 422) => true,
        Some(400) => !error.code().is_some_and(is_about_the_rest),
        _ => false,
    }
}

/// Whether an error will meet all other requests as well.
pub(super) fn is_fatal(error: &Error) -> bool {
    let is_kind =
        matches!(error.kind(), Kind::Invalid(_) | Kind::Login(_) | Kind::Throttled | Kind::Deadline | Kind::Stopped);
    is_kind || matches!(error.status(), Some(301..=399 | 400..=407 | 409..=412 | 429))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorResponse;

    fn refused(status: u16, code: &str) -> Error {
        let code = (!code.is_empty()).then(|| ErrorCode::from(code));
        Error::new(Kind::Rejected(ErrorResponse { status, code, ..ErrorResponse::default() }))
    }

    #[test]
    fn what_is_refused_for_its_content_is_told_from_what_is_refused_for_the_rest() {
        assert!(matches!(judge(refused(400, "error.command.malformed")), RequestResult::Refused(_)));
        assert!(matches!(judge(refused(413, "")), RequestResult::Refused(_)));
        assert!(matches!(judge(refused(400, "error.organization.invalid_id")), RequestResult::NotSent(_)));
        assert!(matches!(judge(refused(403, "error.apikey.invalid")), RequestResult::NotSent(_)));
        let lost = Error::new(Kind::Network(String::new())).with(|details| details.may_have_been_applied = true);
        assert!(matches!(judge(lost), RequestResult::Unknown(_)));
    }

    #[test]
    fn what_meets_every_request_is_fatal_and_what_may_be_bad_luck_is_not() {
        for status in [301, 401, 403, 404, 429] {
            assert!(is_fatal(&refused(status, "")), "{status}");
        }
        for status in [408, 500, 502, 503, 504] {
            assert!(!is_fatal(&refused(status, "")), "{status}");
        }
        assert!(is_fatal(&Error::new(Kind::Deadline)) && !is_fatal(&Error::new(Kind::Connect(String::new()))));
    }
}
