use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use umapi_time::{AdvanceGuard, Clock, Sleep};

/// An answer's body on its way: at once, slowly, or not to its end.
pub(super) struct Delivery {
    left: Bytes,
    manner: Manner,
}

enum Manner {
    /// In one piece. The clock is held until it is handed over.
    AtOnce { _hold: AdvanceGuard },
    /// Some bytes, a pause on the emulator's clock, and so on.
    Slowly { bytes: usize, every: Duration, clock: Clock, pause: Option<Sleep> },
    /// So many bytes of all that were promised, and then the connection ends.
    CutOff { bytes: usize, sent: bool },
}

/// The body ends here, though more was promised.
#[derive(Debug)]
pub(super) struct CutOff;

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
    pub(super) fn at_once(body: Bytes, hold: AdvanceGuard) -> Self {
        Self { left: body, manner: Manner::AtOnce { _hold: hold } }
    }

    pub(super) fn slowly(body: Bytes, bytes: usize, every: Duration, clock: Clock) -> Self {
        Self { left: body, manner: Manner::Slowly { bytes: bytes.max(1), every, clock, pause: None } }
    }

    /// An end that lies behind the body's is none.
    pub(super) fn cut_off(body: Bytes, bytes: usize) -> Self {
        Self { manner: Manner::CutOff { bytes: bytes.min(body.len().saturating_sub(1)), sent: false }, left: body }
    }
}

impl Body for Delivery {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        let this = self.get_mut();
        let piece = match &mut this.manner {
            manner @ Manner::AtOnce { .. } => {
                *manner = Manner::AtOnce { _hold: AdvanceGuard::none() };
                std::mem::take(&mut this.left)
            }
            Manner::Slowly { bytes, every, clock, pause } => {
                if let Some(waiting) = pause {
                    std::task::ready!(Pin::new(waiting).poll(context));
                }
                let piece = this.left.split_to((*bytes).min(this.left.len()));
                *pause = (!this.left.is_empty()).then(|| clock.sleep(*every));
                piece
            }
            Manner::CutOff { sent: true, .. } => return Poll::Ready(Some(Err(CutOff))),
            Manner::CutOff { bytes, sent } if *bytes == 0 => {
                *sent = true;
                // What was written so far (the head) is to go out first: the server flushes when there is nothing to write.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Manner::CutOff { bytes, .. } => {
                let piece = this.left.split_to(*bytes);
                *bytes = 0;
                piece
            }
        };
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    /// Exact, so that the right `Content-Length` goes out before a body that is cut off.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}
