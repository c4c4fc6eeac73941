//! How the body of a response is sent: at once, slowly, in part, without end, or as a live page.

use std::{
    convert::Infallible,
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use umapi_time::{AdvanceGuard, Clock, Sleep};

use super::connection::OpenExchange;
use crate::console::LivePage;

/// The body of a response while it is sent.
pub(crate) struct Delivery {
    rest: Bytes,
    mode: Mode,
    /// Ends with the body.
    exchange: Option<OpenExchange>,
}

enum Mode {
    /// The whole body at once. The clock does not advance until hyper has taken it.
    AtOnce { _guard: AdvanceGuard },
    /// A few bytes, a pause on the emulator's clock, and so on.
    Slowly { bytes: usize, every: Duration, clock: Clock, pause: Option<Sleep> },
    /// This many bytes of the announced length, and then the end of the connection.
    CutOff { bytes: usize, sent: bool },
    /// The body and then this text, again and again.
    Endless { text: Bytes, _guard: AdvanceGuard },
    /// What changes on a page of the console, until the reader or the emulator ends.
    Live { page: LivePage, end: Option<Pin<Box<WaitForCancellationFutureOwned>>> },
}

/// The error that ends a body early, because of a fault rule.
#[derive(Debug)]
pub(crate) struct CutOff;

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body is cut off by a fault rule")
    }
}

impl Error for CutOff {}

impl From<Infallible> for CutOff {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Delivery {
    /// Sends the body at once, and releases `guard` then.
    pub(crate) fn at_once(body: Bytes, guard: AdvanceGuard) -> Self {
        Self { rest: body, mode: Mode::AtOnce { _guard: guard }, exchange: None }
    }

    /// Sends a few bytes at a time.
    pub(crate) fn slowly(body: Bytes, bytes: usize, every: Duration, clock: Clock) -> Self {
        Self { rest: body, mode: Mode::Slowly { bytes: bytes.max(1), every, clock, pause: None }, exchange: None }
    }

    /// Sends the first bytes, at most all but the last one, and closes the connection.
    pub(crate) fn cut_off(body: Bytes, bytes: usize) -> Self {
        let mode = Mode::CutOff { bytes: bytes.min(body.len().saturating_sub(1)), sent: false };
        Self { rest: body, mode, exchange: None }
    }

    /// Sends the body and then `text` again and again, until the client closes the connection. Releases `guard` then.
    pub(crate) fn endless(body: Bytes, text: Bytes, guard: AdvanceGuard) -> Self {
        // Large pieces, so that the body grows quickly.
        let repeated = text.repeat((ENDLESS_PIECE / text.len().max(1)).max(1));
        Self { rest: body, mode: Mode::Endless { text: repeated.into(), _guard: guard }, exchange: None }
    }

    /// Sends what changes on a page of the console.
    pub(crate) fn live(page: LivePage) -> Self {
        Self { rest: Bytes::new(), mode: Mode::Live { page, end: None }, exchange: None }
    }

    /// Keeps an exchange open until the body is sent. A live page ends when the emulator begins to stop.
    pub(super) fn during(mut self, exchange: OpenExchange, closing: &CancellationToken) -> Self {
        self.exchange = Some(exchange);
        if let Mode::Live { end, .. } = &mut self.mode {
            *end = Some(Box::pin(closing.clone().cancelled_owned()));
        }
        self
    }
}

/// The size of a piece of an endless body.
const ENDLESS_PIECE: usize = 16 << 10;

impl Body for Delivery {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        let this = self.get_mut();
        let piece = match &mut this.mode {
            mode @ Mode::AtOnce { .. } => {
                *mode = Mode::AtOnce { _guard: AdvanceGuard::none() };
                std::mem::take(&mut this.rest)
            }
            Mode::Slowly { bytes, every, clock, pause } => {
                if let Some(waiting) = pause {
                    std::task::ready!(Pin::new(waiting).poll(context));
                }
                let piece = this.rest.split_to((*bytes).min(this.rest.len()));
                *pause = (!this.rest.is_empty()).then(|| clock.sleep(*every));
                piece
            }
            Mode::CutOff { sent: true, .. } => return Poll::Ready(Some(Err(CutOff))),
            Mode::CutOff { bytes, sent } if *bytes == 0 => {
                *sent = true;
                // What was written so far (the head) must be sent first: hyper flushes when there is nothing to write.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Mode::CutOff { bytes, .. } => {
                let piece = this.rest.split_to(*bytes);
                *bytes = 0;
                piece
            }
            Mode::Endless { text, .. } if this.rest.is_empty() => text.clone(),
            Mode::Endless { .. } => std::mem::take(&mut this.rest),
            Mode::Live { page, end } => {
                if end.as_mut().is_some_and(|end| end.as_mut().poll(context).is_ready()) {
                    return Poll::Ready(None);
                }
                std::task::ready!(page.poll_piece(context))
            }
        };
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && !matches!(self.mode, Mode::Endless { .. } | Mode::Live { .. })
    }

    /// The exact length, so that a body that is cut off has the `Content-Length` of the whole.
    fn size_hint(&self) -> SizeHint {
        match self.mode {
            Mode::Endless { .. } | Mode::Live { .. } => SizeHint::default(),
            _ => SizeHint::with_exact(self.rest.len() as u64),
        }
    }
}
