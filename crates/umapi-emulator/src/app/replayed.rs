//! Requests that get the responses of a recording.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use umapi_model::AnyOperation;
use umapi_recording::{Outcome, Replay};
use umapi_time::AdvanceGuard;

use super::{AppState, Record};
use crate::{
    http::{ConnectionHandle, ConnectionReset, Delivery, Request, Response, respond},
    journal::Stage,
};

/// Whether requests for an operation get recorded responses. Logins do not: a recording has no credentials.
pub(super) fn serves(operation: Option<AnyOperation>) -> bool {
    matches!(operation, Some(AnyOperation::UserManagement(_)))
}

impl AppState {
    /// Sends the recorded response. A request that was not recorded gets 400, which no client retries, with the nearest one.
    pub(super) fn replayed(
        &self,
        replay: &Arc<Replay>,
        request: &Request,
        record: &mut Record<'_>,
        connection: &ConnectionHandle,
        guard: AdvanceGuard,
    ) -> Result<http::Response<Delivery>, ConnectionReset> {
        record.decided_by(Stage::Recording);
        let target = match &request.query {
            Some(query) => format!("{}?{query}", request.path),
            None => request.path.clone(),
        };
        let recorded = match replay.respond(request.method.as_str(), &target, &request.body) {
            Ok(recorded) => recorded,
            Err(no_match) => {
                tracing::warn!(%no_match, "a request is not in the recording");
                let body = json!({"result": "emulator.replay.no_match", "message": no_match.to_string()});
                let response = self.finish(request, Response::json(StatusCode::BAD_REQUEST, &body));
                record.end(&response);
                return Ok(respond(response, |body| Delivery::at_once(body, guard)));
            }
        };
        let Ok(status) = StatusCode::from_u16(recorded.status) else {
            // There was no response, for whatever reason. Nobody waits for a recorded timeout.
            return Err(connection.reset());
        };
        let is_whole = recorded.outcome == Outcome::Response;
        // What was cut off is not in the recording.
        let body = if is_whole { recorded.body } else { b"{ }".to_vec() };
        let mut response = Response { body: body.into(), ..Response::empty(status) };
        for (name, value) in recorded.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response = response.with_header(name, value);
            }
        }
        let response = self.finish(request, response.decided_by(Stage::Recording));
        record.end(&response);
        Ok(respond(response, |body| if is_whole { Delivery::at_once(body, guard) } else { Delivery::cut_off(body, 1) }))
    }
}
