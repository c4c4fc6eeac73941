//! Observers: they are told what a client does while it does it.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// An observer of a client: progress bars, metrics, logs. Every method has a default that does nothing.
///
/// Its methods are called by the tasks of the client, so they must return quickly. To record commands before they are sent,
/// use a [`Journal`](crate::Journal). A progress bar needs only this:
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
///         println!("{} of {:?}, {:?} left", progress.done, progress.total, progress.remaining);
///     }
/// }
/// ```
pub trait Observer: Send + Sync + 'static {
    /// A request is about to be sent.
    fn request_started(&self, request: &RequestStarted<'_>) {
        let _ = request;
    }

    /// A response was received, or the request failed.
    fn request_finished(&self, request: &RequestFinished<'_>) {
        let _ = request;
    }

    /// A wait of more than a second begins.
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

    /// A run has made progress: called after each of its requests.
    fn progress(&self, progress: &Progress) {
        let _ = progress;
    }
}

/// A shared observer: the client has one handle, the caller keeps another.
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

/// The observer of a client without an observer.
pub(crate) struct Nobody;

impl Observer for Nobody {}

/// A request that is about to be sent.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestStarted<'a> {
    /// The `operationId` of the description.
    pub operation: &'a str,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// Its `X-Request-Id`.
    pub request_id: &'a str,
    /// The API key that it is sent with.
    pub api_key: &'a str,
    /// For an action request, the numbers of the commands (or changes of memberships) in it.
    pub commands: &'a [u64],
}

/// A finished request.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestFinished<'a> {
    /// The `operationId` of the description.
    pub operation: &'a str,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// The `X-Request-Id` of the response.
    pub request_id: &'a str,
    /// The status of the response. `None` if there was no response.
    pub status: Option<u16>,
    /// From sending to the end of the response.
    pub took: Duration,
}

/// A wait that begins.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Wait<'a> {
    /// The `operationId` of the waiting call. `None` if several calls wait.
    pub operation: Option<&'a str>,
    /// The reason.
    pub reason: WaitReason,
    /// The duration.
    pub duration: Duration,
    /// The end, by the wall clock.
    pub until: SystemTime,
}

/// Why a client waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitReason {
    /// The documented limit leaves no call for now.
    RateLimit,
    /// The first page of a list of all users or of all groups was read recently, and the service allows that only once in some
    /// hours.
    FirstPage,
    /// The service answered 429.
    Throttled,
    /// An attempt failed, and the next one keeps a distance.
    Backoff,
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RateLimit => "the calls of this minute are used up",
            Self::FirstPage => "this list was read recently, and the service allows that only every few hours",
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
    /// The delay before the next attempt.
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
    /// The number of items on it.
    pub items: usize,
    /// The total number of items, according to the service.
    pub total: Option<u64>,
}

/// The progress of a run.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// The number of commands (or changes of memberships) with an outcome.
    pub done: u64,
    /// The total number; `None` while more may come.
    pub total: Option<u64>,
    /// The number of requests sent.
    pub requests: u64,
    /// The estimated time for the rest under the rate limits; `None` while the total is unknown.
    pub remaining: Option<Duration>,
}
