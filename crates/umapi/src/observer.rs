//! Looking on: what a client does, as it does it.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// Is told what a client does. Every method has a default that does nothing.
///
/// It is called from within the work, in its course: [`request_started`](Self::request_started) has returned before the
/// first byte goes out, so that a journal can be written there. A progress bar needs no more than this:
///
/// ```
/// use umapi::{Observer, Progress, Wait};
///
/// struct Bar;
///
/// impl Observer for Bar {
///     fn wait_begins(&self, wait: &Wait<'_>) {
///         println!("waiting {:?}: {}", wait.duration, wait.reason);
///     }
///
///     fn progress(&self, progress: &Progress) {
///         println!("{} of {:?}, {:?} to go", progress.done, progress.total, progress.remaining);
///     }
/// }
/// ```
pub trait Observer: Send + Sync + 'static {
    /// A request goes out.
    fn request_started(&self, request: &RequestStarted<'_>) {
        let _ = request;
    }

    /// An answer came, or it is certain that none will.
    fn request_finished(&self, request: &RequestFinished<'_>) {
        let _ = request;
    }

    /// A wait begins that takes longer than a second.
    fn wait_begins(&self, wait: &Wait<'_>) {
        let _ = wait;
    }

    /// A request is about to be sent again.
    fn retry(&self, retry: &Retry<'_>) {
        let _ = retry;
    }

    /// A page of a list was read.
    fn page(&self, page: &PageRead<'_>) {
        let _ = page;
    }

    /// A batch has come further: after every request of it.
    fn progress(&self, progress: &Progress) {
        let _ = progress;
    }
}

/// An observer that is shared: the client has one handle, its owner keeps another.
impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn request_started(&self, request: &RequestStarted<'_>) {
        (**self).request_started(request);
    }

    fn request_finished(&self, request: &RequestFinished<'_>) {
        (**self).request_finished(request);
    }

    fn wait_begins(&self, wait: &Wait<'_>) {
        (**self).wait_begins(wait);
    }

    fn retry(&self, retry: &Retry<'_>) {
        (**self).retry(retry);
    }

    fn page(&self, page: &PageRead<'_>) {
        (**self).page(page);
    }

    fn progress(&self, progress: &Progress) {
        (**self).progress(progress);
    }
}

/// The observer of a client that was given none.
pub(crate) struct Nobody;

impl Observer for Nobody {}

/// A request that goes out.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestStarted<'a> {
    /// The `operationId` of the description.
    pub operation: &'a str,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// Its `X-Request-Id`.
    pub request_id: &'a str,
    /// The API key it goes out with.
    pub api_key: &'a str,
    /// Of an action request, the commands in it (or edges of memberships) by the caller's own numbers.
    pub commands: &'a [u64],
}

/// A request that is over.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestFinished<'a> {
    /// The `operationId` of the description.
    pub operation: &'a str,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// Its `X-Request-Id`, as it came back.
    pub request_id: &'a str,
    /// The status of the response. `None` if there was no response.
    pub status: Option<u16>,
    /// From sending to the end of the answer.
    pub took: Duration,
}

/// A wait that begins.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Wait<'a> {
    /// The `operationId` of the waiting call. `None` if several calls wait.
    pub operation: Option<&'a str>,
    /// Why.
    pub reason: WaitReason,
    /// How long.
    pub duration: Duration,
    /// Until when, by the wall clock.
    pub until: SystemTime,
}

/// Why a client waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitReason {
    /// The documented limit leaves no call for now.
    RateLimit,
    /// The service answered 429.
    Throttled,
    /// An attempt failed, and the next one keeps a distance.
    Backoff,
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RateLimit => "the calls of this minute are used up",
            Self::Throttled => "the service asked for it",
            Self::Backoff => "the last attempt failed",
        })
    }
}

/// A request that is about to be sent again.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Retry<'a> {
    /// The `operationId` of the description.
    pub operation: &'a str,
    /// The attempt that failed, counted from 1.
    pub attempt: u32,
    /// Why it failed.
    pub error: &'a crate::Error,
    /// How long the next attempt keeps away.
    pub after: Duration,
}

/// A page that was read.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PageRead<'a> {
    /// The `operationId` of the description.
    pub operation: &'a str,
    /// The page, counted from 0.
    pub index: u32,
    /// How many items are on it.
    pub items: usize,
    /// How many items there are in all, as the service says.
    pub total: Option<u64>,
}

/// How far a batch has come.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// Commands (or edges of memberships) that have an outcome.
    pub done: u64,
    /// How many there are; nothing while more may still come.
    pub total: Option<u64>,
    /// Requests that were sent.
    pub requests: u64,
    /// About how long the rest takes at the pace of the limits; nothing while that cannot be said.
    pub remaining: Option<Duration>,
}
