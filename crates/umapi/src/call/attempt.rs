//! One attempt, from sending to a verdict.

use std::{future::Future, time::Duration};

use umapi_http::root_cause;
use umapi_raw::Error as RawError;

use super::{HttpExchange, RawClient, RawResult, Response, ResponseHead, error_response};
use crate::{
    call::AttemptOutcome,
    error::{Error, Kind},
};

/// An attempt that brought no answer of success.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// What became of it. Nothing if there is no point in asking for another attempt.
    pub(crate) fate: Option<AttemptOutcome>,
    pub(crate) head: Option<ResponseHead>,
}

/// Sends once, and gives up after `limit`.
pub(crate) async fn attempt<T, F, Fut>(
    raw: &RawClient,
    outgoing: &HttpExchange,
    limit: Duration,
    send: F,
) -> Result<Response<T>, Failure>
where
    F: FnOnce(RawClient) -> Fut,
    Fut: Future<Output = RawResult<T>>,
{
    let request = send(raw.clone().with_hook(outgoing.clone()));
    let (error, fate) = match outgoing.clock.timeout(limit, request).await {
        Ok(Ok(answer)) => {
            let head = outgoing.head.get().cloned().unwrap_or_default();
            return Ok(Response { value: answer.into_inner(), head, requests: 1, is_repetition: false });
        }
        Ok(Err(RawError::UnexpectedResponse(response))) if !response.status().is_success() => {
            let head = outgoing.head.get().cloned().unwrap_or_default();
            // The rest of a refusal is short; a server that never ends it gets as much time as the answer itself had.
            let read = outgoing.clock.timeout(limit, error_response::read(response, &head, &outgoing.token)).await;
            let rejected =
                read.unwrap_or_else(|_| crate::error::ErrorResponse { status: head.status, ..Default::default() });
            let says_so = rejected.code.as_ref().is_some_and(|code| code.as_str().starts_with("error."));
            let is_refusal = head.retry_after.is_some() || says_so;
            let fate = AttemptOutcome::Answered { status: head.status, retry_after: head.retry_after, is_refusal };
            (Error::new(Kind::Rejected(rejected)), Some(fate))
        }
        Ok(Err(error)) => classify(error, outgoing.head.get()),
        Err(_) => (Error::new(Kind::Timeout(limit)), Some(AttemptOutcome::Lost)),
    };
    Err(Failure { error, fate, head: outgoing.head.get().cloned() })
}

/// What an error of the HTTP library means for what was asked.
fn classify(error: RawError<()>, head: Option<&ResponseHead>) -> (Error, Option<AttemptOutcome>) {
    let status = head.map(|head| head.status).unwrap_or_default();
    let unreadable = |why: String| (Error::new(Kind::Unreadable { status, why }), Some(AttemptOutcome::Lost));
    match error {
        RawError::InvalidRequest(why) | RawError::Custom(why) => (Error::invalid(why), None),
        RawError::CommunicationError(error) if error.is_builder() => (Error::invalid(root_cause(error)), None),
        RawError::CommunicationError(error) if error.is_connect() => {
            (Error::new(Kind::Connect(root_cause(error))), Some(AttemptOutcome::NotSent))
        }
        RawError::ResponseBodyError(error) => unreadable(root_cause(error)),
        RawError::InvalidResponsePayload(_, error) => unreadable(error.to_string()),
        // A success that the description does not know.
        RawError::UnexpectedResponse(_) => {
            unreadable("it is none of the answers that the service describes".to_owned())
        }
        RawError::ErrorResponse(_) => unreadable("it is a refusal of a kind unknown".to_owned()),
        RawError::CommunicationError(error) | RawError::InvalidUpgrade(error) => {
            (Error::new(Kind::Network(root_cause(error))), Some(AttemptOutcome::Lost))
        }
    }
}
