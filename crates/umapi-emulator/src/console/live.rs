//! Live pages: what changes while a page is open, as server-sent events.
//!
//! Nothing is queued for a reader. When its connection can take more, the page looks at what has changed since the last look, and
//! sends at most one piece of it. So a reader that is slow, or takes nothing, holds no more memory than its position; the server
//! closes the connection of one that takes nothing for too long, and notices one that hung up with the next piece.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::StatusCode;
use maud::Markup;
use tokio::sync::OwnedSemaphorePermit;
use umapi_time::{Clock, Sleep};

use super::{Context, LIVE_PAGES, Outcome, PageError, faults, limits, requests::LiveRequests, time};
use crate::app::AppState;

/// The pause between two looks. Real time, because people look at the page.
const PAUSE: Duration = Duration::from_millis(500);

/// The looks without a change after which a sign of life is sent, so that a reader that hung up is noticed.
const SILENT_LOOKS: u32 = 30;

/// The body of a live page.
pub(crate) struct LivePage {
    app: Arc<AppState>,
    source: Source,
    clock: Clock,
    pause: Option<Sleep>,
    silent: u32,
    is_open: bool,
    /// One of the live pages that can be open at a time.
    _permit: OwnedSemaphorePermit,
}

/// What a live page shows.
enum Source {
    /// New requests.
    Requests(LiveRequests),
    /// Parts of a page, which are sent when they differ from what was sent last.
    Parts { render: fn(&AppState) -> Markup, sent: String },
}

/// Opens the live part of a page.
pub(super) fn open(context: &Context<'_>, page: &str) -> Result<Outcome, PageError> {
    let parts = |render| Source::Parts { render, sent: String::new() };
    let source = match page {
        "requests" => Source::Requests(LiveRequests::open(context)?),
        "limits" => parts(limits::live),
        "faults" => parts(faults::live),
        "time" => parts(time::live),
        _ => return Err(context.no_page()),
    };
    let permit = Arc::clone(&context.app.console.live_pages).try_acquire_owned().map_err(|_| PageError {
        status: StatusCode::SERVICE_UNAVAILABLE,
        message: format!("{LIVE_PAGES} live pages are open already: close one"),
    })?;
    Ok(Outcome::Live(Box::new(LivePage {
        app: Arc::clone(context.app),
        source,
        clock: Clock::real(),
        pause: None,
        silent: 0,
        is_open: false,
        _permit: permit,
    })))
}

impl LivePage {
    /// The next piece, which is never empty.
    pub(crate) fn poll_piece(&mut self, context: &mut TaskContext<'_>) -> Poll<Bytes> {
        if !self.is_open {
            // At once, so that the browser knows that it is connected.
            self.is_open = true;
            return Poll::Ready(Bytes::from_static(b"retry: 2000\n\n"));
        }
        loop {
            if let Some(pause) = &mut self.pause {
                std::task::ready!(Pin::new(pause).poll(context));
            }
            self.pause = Some(self.clock.sleep(PAUSE));
            if let Some(piece) = self.source.look(&self.app) {
                self.silent = 0;
                return Poll::Ready(piece.into());
            }
            self.silent += 1;
            if self.silent >= SILENT_LOOKS {
                self.silent = 0;
                return Poll::Ready(Bytes::from_static(b": nothing new\n\n"));
            }
        }
    }
}

impl Source {
    /// What has changed since the last look.
    fn look(&mut self, app: &AppState) -> Option<String> {
        match self {
            Self::Requests(requests) => requests.look(app),
            Self::Parts { render, sent } => {
                let parts = render(app).into_string();
                if parts == *sent {
                    return None;
                }
                let event = event("replace", None, &parts);
                *sent = parts;
                Some(event)
            }
        }
    }
}

/// An event. A line break in the data begins a new line of data.
pub(super) fn event(name: &str, id: Option<u64>, data: &str) -> String {
    let mut event = format!("event: {name}\n");
    if let Some(id) = id {
        event.push_str(&format!("id: {id}\n"));
    }
    for line in data.split(['\n', '\r']) {
        event.push_str("data: ");
        event.push_str(line);
        event.push('\n');
    }
    event.push('\n');
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_end_an_event_early() {
        assert_eq!(
            event("rows", Some(7), "a\r\nevent: evil\n\nb"),
            "event: rows\nid: 7\ndata: a\ndata: \ndata: event: evil\ndata: \ndata: b\n\n"
        );
    }
}
