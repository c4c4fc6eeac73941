//! From hyper's request to a [`Request`], and from a [`Response`] to hyper's response.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use serde_json::json;
use umapi_time::Clock;
use uuid::Uuid;

use super::{Delivery, Request, Response};
use crate::clock::http_date;

/// The longest time to read a body. It is real time: a client that is slow on purpose is not slow on the emulator's clock.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The header that names a request; every response repeats it.
const REQUEST_ID: header::HeaderName = header::HeaderName::from_static("x-request-id");

/// Reads a request with a body of at most `limit` bytes. The error is the response that says why not.
pub(super) async fn read(incoming: http::Request<Incoming>, limit: usize) -> Result<Request, Response> {
    let (head, body) = incoming.into_parts();
    let mut headers = head.headers;
    // If the header is repeated, the first value wins.
    let id = headers.get(REQUEST_ID).cloned().unwrap_or_else(generated_id);
    let body = match read_body(body, limit).await {
        Ok(body) => body,
        Err(response) => return Err(response.with_header(REQUEST_ID, id)),
    };
    // HTTP/2 has the host in the URI.
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

/// Adds the headers that every response has: the id of the request, in the bytes of the request, and the date.
///
/// The date is the emulator's: clients compare it with their own clock.
pub(crate) fn finish(request: &Request, mut response: Response, now: SystemTime) -> Response {
    if let Some(id) = request.headers.get(REQUEST_ID) {
        response.headers.insert(REQUEST_ID, id.clone());
    }
    if let Some(date) = http_date(now) {
        response.headers.entry(header::DATE).or_insert(date);
    }
    response
}

/// Hands a response to hyper.
pub(crate) fn respond(response: Response, body: impl FnOnce(Bytes) -> Delivery) -> http::Response<Delivery> {
    let mut written = http::Response::new(body(response.body));
    *written.status_mut() = response.status;
    *written.headers_mut() = response.headers;
    written
}

async fn read_body(body: Incoming, limit: usize) -> Result<Bytes, Response> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let read = Limited::new(body, limit).collect();
    match Clock::real().timeout(BODY_TIMEOUT, read).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(rejected(StatusCode::PAYLOAD_TOO_LARGE, &format!("The body has more than {limit} bytes")))
        }
        Ok(Err(error)) => Err(rejected(StatusCode::BAD_REQUEST, &format!("The body could not be read: {error}"))),
        Err(_) => Err(rejected(
            StatusCode::REQUEST_TIMEOUT,
            &format!("The body did not arrive within {} seconds", BODY_TIMEOUT.as_secs()),
        )),
    }
}

/// A rejection after which the connection is closed: the rest of the body is not read.
fn rejected(status: StatusCode, message: &str) -> Response {
    let code = format!("{}000", status.as_u16());
    Response::json(status, &json!({"error_code": code, "message": message}))
        .with_header(header::CONNECTION, HeaderValue::from_static("close"))
}

/// A new request id, in the form that the service uses.
fn generated_id() -> HeaderValue {
    let id = Uuid::new_v4().to_string();
    HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("0"))
}
