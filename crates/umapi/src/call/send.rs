//! Sending one request in a task, so that its timers run only while it makes progress.
//!
//! A future of the caller may not be polled for a long time: in a `select!`, in a buffered stream, behind a slow reader.
//! Everything that has a time limit is therefore in a task, from connecting to the last byte of the response.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::{Request, Response, ResponseBuilderExt as _};
use umapi_http::{
    HttpClient, ReadError, TapOutcome, TappedRequest, in_own_task, read_body, redact_headers, redact_success,
    root_cause,
};
use umapi_model::limits::RESPONSE_BYTES;
use umapi_time::Clock;

use super::attempt::{Hidden, ResponseHead};

/// A timer that fires later than this means that its thread was blocked.
const LATE: Duration = Duration::from_millis(100);

/// How often a request gets the time back in which its thread was blocked.
const EXTENSIONS: u32 = 3;

/// What is known about a request in flight. It outlives the future of the caller and the task.
#[derive(Debug, Default)]
pub(super) struct SendState {
    /// The head of the response.
    pub(super) head: OnceLock<ResponseHead>,
    /// Why there is no response, if the HTTP library does not know.
    pub(super) failure: OnceLock<SendFailure>,
    /// Whether the connection has requested the body. Before that, nothing can have been applied.
    body_was_sent: AtomicBool,
    has_body: AtomicBool,
}

/// Why a request has no response, other than an error of the HTTP library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SendFailure {
    /// It took longer than allowed.
    TimedOut,
    /// The runtime of its task was dropped.
    RuntimeGone,
    /// The body of the response broke off.
    BrokenBody(String),
    /// The body of the response was too large.
    TooLarge,
}

impl SendState {
    /// Whether the service may have received the request.
    pub(super) fn may_have_arrived(&self) -> bool {
        !self.has_body.load(Ordering::SeqCst) || self.body_was_sent.load(Ordering::SeqCst) || self.head.get().is_some()
    }
}

/// What one request is sent with.
pub(super) struct Exchange {
    pub(super) http: reqwest::Client,
    /// Whose tap is told of it.
    pub(super) owner: HttpClient,
    /// The time for all of it.
    pub(super) limit: Duration,
    pub(super) clock: Clock,
    pub(super) hidden: Hidden,
    pub(super) state: Arc<SendState>,
}

impl Exchange {
    /// Sends a request and reads the whole response, in a task of its own unless the caller is in one already. The state contains
    /// the cause of an error.
    pub(super) async fn run(
        self,
        mut request: Request,
        is_in_own_task: bool,
    ) -> Result<reqwest::Result<Response>, String> {
        let state = self.state.clone();
        let (clock, started) = (self.clock.clone(), self.clock.now());
        let body = || request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec();
        let tapped =
            TappedRequest::begin(&self.owner, &request, body, self.clock.wall(), move || clock.now() - started);
        track_body(&mut request, &state);
        let exchange = Box::pin(self.send_and_read(request, tapped));
        let result = if is_in_own_task { Ok(exchange.await) } else { in_own_task(exchange).await };
        result.unwrap_or(Err(SendFailure::RuntimeGone)).map_err(|failure| {
            let text = format!("{failure:?}");
            let _ = state.failure.set(failure);
            text
        })
    }

    /// This is the only way in for what the service sends: nothing hidden gets past it, other than in the body of an error
    /// response, which is redacted when it is read.
    async fn send_and_read(
        self,
        request: Request,
        mut tapped: TappedRequest,
    ) -> Result<reqwest::Result<Response>, SendFailure> {
        let Self { http, limit, clock, hidden, state, .. } = self;
        let started = clock.now();
        let mut response = match within(&clock, limit, http.execute(request)).await {
            Some(Ok(response)) => response,
            Some(Err(error)) => {
                tapped.end(TapOutcome::of(&error), &[]);
                return Ok(Err(error));
            }
            None => {
                tapped.end(TapOutcome::TimedOut, &[]);
                return Err(SendFailure::TimedOut);
            }
        };
        redact_headers(response.headers_mut(), &hidden.texts());
        tapped.respond(&response);
        let head = ResponseHead::of(&response, &clock);
        let is_success = response.status().is_success();
        let _ = state.head.set(head);
        let left = limit.saturating_sub(clock.now() - started);
        let mut body = Vec::new();
        let read = within(&clock, left, read_body(&mut response, RESPONSE_BYTES, &mut body)).await;
        tapped.end(
            match &read {
                Some(Ok(())) => TapOutcome::Response,
                Some(Err(ReadError::Connection(_))) => TapOutcome::CutOff,
                Some(Err(_)) => TapOutcome::TooLarge,
                None => TapOutcome::TimedOut,
            },
            &body,
        );
        match read {
            Some(Ok(())) => {}
            // The head of an error response says enough.
            _ if !is_success => {}
            Some(Err(ReadError::Connection(error))) => return Err(SendFailure::BrokenBody(root_cause(error))),
            Some(Err(_)) => return Err(SendFailure::TooLarge),
            None => return Err(SendFailure::TimedOut),
        }
        if is_success && let Some(redacted) = redact_success(&body, &hidden.texts()) {
            tracing::warn!("the response contains the access token, which is redacted");
            body = redacted;
        }
        let whole = http::Response::builder().url(response.url().clone()).status(response.status()).body(body);
        let mut whole = whole.map_err(|error| SendFailure::BrokenBody(error.to_string()))?;
        *whole.headers_mut() = std::mem::take(response.headers_mut());
        Ok(Ok(whole.into()))
    }
}

/// Waits for a future up to the limit. Time in which the thread was blocked does not count.
async fn within<F: Future>(clock: &Clock, limit: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut end = clock.now() + limit;
    for _ in 0..EXTENSIONS {
        let left = end - clock.now();
        if let Ok(output) = clock.timeout(left, future.as_mut()).await {
            return Some(output);
        }
        let now = clock.now();
        let late = now - end;
        if late < LATE {
            return None;
        }
        end = now + late.min(limit);
    }
    clock.timeout(end - clock.now(), future).await.ok()
}

/// Records when the body of a request is requested.
fn track_body(request: &mut Request, state: &Arc<SendState>) {
    let Some(bytes) = request.body().and_then(reqwest::Body::as_bytes).filter(|bytes| !bytes.is_empty()) else {
        return;
    };
    state.has_body.store(true, Ordering::SeqCst);
    let body = TrackedBody { rest: Some(Bytes::copy_from_slice(bytes)), state: state.clone() };
    *request.body_mut() = Some(reqwest::Body::wrap(body));
}

struct TrackedBody {
    rest: Option<Bytes>,
    state: Arc<SendState>,
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.state.body_was_sent.store(true, Ordering::SeqCst);
        Poll::Ready(self.rest.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.as_ref().map_or(0, |rest| rest.len() as u64))
    }
}
