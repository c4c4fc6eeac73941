use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use serde_json::json;
use umapi_time::Clock;

use crate::http::{Answer, Request};

/// How long a body may take. It is real time: a client that is slow on purpose is not slow on the emulator's clock.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Where a request's id comes from, and goes to.
const REQUEST_ID: header::HeaderName = header::HeaderName::from_static("x-request-id");

/// Reads a request to its end, of at most so many bytes; or says why not.
pub(super) async fn read(incoming: http::Request<Incoming>, limit: usize) -> Result<Request, Answer> {
    let (head, body) = incoming.into_parts();
    let mut headers = head.headers;
    // What every answer echoes, and of several the first.
    let id = headers.get(REQUEST_ID).cloned().unwrap_or_else(made_up);
    let body = match whole(body, limit).await {
        Ok(body) => body,
        Err(answer) => return Err(answer.with_header(REQUEST_ID, id)),
    };
    // HTTP/2 says the host in another place.
    if let Some(authority) = head.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        headers.entry(header::HOST).or_insert(host);
    }
    let text = String::from_utf8_lossy(id.as_bytes()).into_owned();
    headers.insert(REQUEST_ID, id);
    Ok(Request {
        id: text,
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        headers,
        body,
    })
}

/// Says in an answer which request it belongs to, in the very bytes of the request.
pub(super) fn name_after(request: &Request, answer: &mut Answer) {
    if let Some(id) = request.headers.get(REQUEST_ID) {
        answer.headers.insert(REQUEST_ID, id.clone());
    }
}

async fn whole(body: Incoming, limit: usize) -> Result<Bytes, Answer> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let read = Limited::new(body, limit).collect();
    match Clock::real().timeout(BODY_TIME, read).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(refused(StatusCode::PAYLOAD_TOO_LARGE, &format!("The body has more than {limit} bytes")))
        }
        Ok(Err(error)) => Err(refused(StatusCode::BAD_REQUEST, &format!("The body could not be read: {error}"))),
        Err(_) => Err(refused(
            StatusCode::REQUEST_TIMEOUT,
            &format!("The body did not come within {} seconds", BODY_TIME.as_secs()),
        )),
    }
}

/// The connection ends with this answer: what is left of the body is not read.
fn refused(status: StatusCode, message: &str) -> Answer {
    let code = format!("{}000", status.as_u16());
    Answer::json(status, &json!({"error_code": code, "message": message}))
        .with_header(header::CONNECTION, HeaderValue::from_static("close"))
}

/// An id as the service makes them up: one that no other request has.
fn made_up() -> HeaderValue {
    let [a, b] = [fastrand::u64(..), fastrand::u64(..)];
    let [time, middle, version] = [a >> 32, a >> 16 & 0xffff, a & 0xfff];
    let [variant, node] = [b >> 50 | 0x8000, b & 0xffff_ffff_ffff];
    HeaderValue::from_str(&format!("{time:08x}-{middle:04x}-4{version:03x}-{variant:04x}-{node:012x}"))
        .unwrap_or(HeaderValue::from_static("0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_made_up_look_like_uuids() {
        let id = made_up();
        let lengths: Vec<_> = id.to_str().unwrap().split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id:?}");
        assert_ne!(id, made_up());
    }
}
