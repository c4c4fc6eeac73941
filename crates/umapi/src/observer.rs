//! Observers: they are told what a client does while it does it.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use umapi_auth::{LoginFinished, LoginObserver, LoginRequestFinished};

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
///
/// A log of everything has all events:
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use umapi::{
///     CallFinished, Observer, OutcomeKnown, PageRead, RequestFinished, RequestStarted, Retry,
///     WaitEnded, WaitReason, auth::{LoginFinished, LoginRequestFinished},
/// };
///
/// #[derive(Default)]
/// struct Log(Mutex<Vec<String>>);
///
/// impl Log {
///     fn line(&self, text: String) {
///         if let Ok(mut lines) = self.0.lock() {
///             lines.push(text);
///         }
///     }
/// }
///
/// impl Observer for Log {
///     fn request_started(&self, request: &RequestStarted<'_>) {
///         self.line(format!("{} sends request {}", request.operation, request.request_id));
///     }
///     fn request_finished(&self, request: &RequestFinished<'_>) {
///         self.line(format!("{}: {:?} in {:?}", request.operation, request.status, request.took));
///     }
///     fn retry(&self, retry: &Retry<'_>) {
///         self.line(format!("{} again in {:?}: {}", retry.operation, retry.after, retry.error));
///     }
///     fn wait_ended(&self, wait: &WaitEnded<'_>) {
///         if wait.reason == WaitReason::FirstPage {
///             self.line(format!("{} waited {:?}: keep that list", wait.operation, wait.duration));
///         }
///     }
///     fn page(&self, page: &PageRead<'_>) {
///         self.line(format!("page {}: {} of {:?} items", page.index, page.items, page.total));
///     }
///     fn login_request_finished(&self, request: &LoginRequestFinished<'_>) {
///         self.line(format!("attempt {} of a login: {:?}", request.attempt, request.status));
///     }
///     fn login_finished(&self, login: &LoginFinished<'_>) {
///         self.line(format!("login: {} requests, {:?}", login.requests, login.error));
///     }
///     fn outcome(&self, known: &OutcomeKnown<'_>) {
///         self.line(format!("{} number {}: {:?}", known.items, known.number, known.outcome));
///     }
///     fn call_finished(&self, call: &CallFinished<'_>) {
///         self.line(format!("{}: {} requests, {:?}", call.operation, call.requests, call.error));
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let emulator = umapi_emulator::Emulator::start().await?;
/// let log = Arc::new(Log::default());
/// let client = emulator.client_builder()?.observer(log.clone()).build()?;
/// client.users().list().try_collect().await?;
/// let lines = log.0.lock().unwrap();
/// assert!(lines.contains(&"login: 1 requests, None".to_owned()));
/// assert!(lines.contains(&"listUsers: 1 requests, None".to_owned()));
/// # Ok(()) }
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

    /// A call has ended, with all its waits and attempts.
    fn call_finished(&self, call: &CallFinished<'_>) {
        let _ = call;
    }

    /// A wait of more than a second begins.
    fn wait_begins(&self, wait: &Wait<'_>) {
        let _ = wait;
    }

    /// A call has waited, however short.
    fn wait_ended(&self, wait: &WaitEnded<'_>) {
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

    /// The outcome of a command, or of a change of a membership, is known.
    fn outcome(&self, outcome: &OutcomeKnown<'_>) {
        let _ = outcome;
    }

    /// A run has made progress: called after each of its requests.
    fn progress(&self, progress: &Progress) {
        let _ = progress;
    }

    /// A request of a login has ended. A client tells it of the logins with its [credentials](crate::ClientBuilder::credentials). A
    /// token source of your own, or a [`Session`](crate::auth::Session) that is shared with other code, has an
    /// [observer of its own](crate::auth::LoginObserver).
    fn login_request_finished(&self, request: &LoginRequestFinished<'_>) {
        let _ = request;
    }

    /// A login has ended, with all its attempts; of which logins, see
    /// [`login_request_finished`](Self::login_request_finished).
    fn login_finished(&self, login: &LoginFinished<'_>) {
        let _ = login;
    }
}

/// Implements every method of an observer by the given macro, which gets `self`, the name of the method and the event.
macro_rules! forward_events {
    ($forward:ident) => {
        fn request_started(&self, event: &$crate::observer::RequestStarted<'_>) {
            $forward!(self, request_started, event);
        }

        fn request_finished(&self, event: &$crate::observer::RequestFinished<'_>) {
            $forward!(self, request_finished, event);
        }

        fn call_finished(&self, event: &$crate::observer::CallFinished<'_>) {
            $forward!(self, call_finished, event);
        }

        fn wait_begins(&self, event: &$crate::observer::Wait<'_>) {
            $forward!(self, wait_begins, event);
        }

        fn wait_ended(&self, event: &$crate::observer::WaitEnded<'_>) {
            $forward!(self, wait_ended, event);
        }

        fn retry(&self, event: &$crate::observer::Retry<'_>) {
            $forward!(self, retry, event);
        }

        fn page(&self, event: &$crate::observer::PageRead<'_>) {
            $forward!(self, page, event);
        }

        fn outcome(&self, event: &$crate::observer::OutcomeKnown<'_>) {
            $forward!(self, outcome, event);
        }

        fn progress(&self, event: &$crate::observer::Progress) {
            $forward!(self, progress, event);
        }

        fn login_request_finished(&self, event: &umapi_auth::LoginRequestFinished<'_>) {
            $forward!(self, login_request_finished, event);
        }

        fn login_finished(&self, event: &umapi_auth::LoginFinished<'_>) {
            $forward!(self, login_finished, event);
        }
    };
}

pub(crate) use forward_events;

macro_rules! to_shared {
    ($self:ident, $method:ident, $event:ident) => {
        (**$self).$method($event)
    };
}

/// A shared observer: the client has one handle, the caller keeps another.
#[deny(clippy::missing_trait_methods, reason = "an event that is not passed on is lost")]
impl<O: Observer + ?Sized> Observer for Arc<O> {
    forward_events!(to_shared);
}

/// The observer of a client without an observer.
pub(crate) struct Nobody;

impl Observer for Nobody {}

/// The observer of a client, as it is told of the client's logins.
pub(crate) struct OfLogins(pub(crate) Arc<dyn Observer>);

#[deny(clippy::missing_trait_methods, reason = "an event that is not passed on is lost")]
impl LoginObserver for OfLogins {
    fn login_request_finished(&self, request: &LoginRequestFinished<'_>) {
        self.0.login_request_finished(request);
    }

    fn login_finished(&self, login: &LoginFinished<'_>) {
        self.0.login_finished(login);
    }
}

/// Two observers, which are notified in this order.
pub(crate) struct Both<A, B>(pub(crate) A, pub(crate) B);

macro_rules! to_both {
    ($self:ident, $method:ident, $event:ident) => {{
        $self.0.$method($event);
        $self.1.$method($event);
    }};
}

#[deny(clippy::missing_trait_methods, reason = "an event that is not passed on is lost")]
impl<A: Observer, B: Observer> Observer for Both<A, B> {
    forward_events!(to_both);
}

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
    /// Why the request failed. `None` if it succeeded, or its future was dropped.
    pub error: Option<&'a crate::Error>,
    /// The host of the service.
    pub server_address: &'a str,
    /// The port of the service.
    pub server_port: u16,
    /// The version of HTTP, e.g. `1.1` or `2`. `None` if there was no response.
    pub protocol_version: Option<&'static str>,
}

/// A finished call.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallFinished<'a> {
    /// The `operationId` of the description.
    pub operation: &'a str,
    /// The number of requests sent for it.
    pub requests: u32,
    /// From its beginning to its end, with all waits.
    pub took: Duration,
    /// Why it failed. `None` if it succeeded, or found out that what it looked up does not exist.
    pub error: Option<&'a crate::Error>,
    /// The host of the service. `None` if there is none.
    pub server_address: Option<&'a str>,
    /// The port of the service. `None` if there is none.
    pub server_port: Option<u16>,
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

/// A wait that has ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WaitEnded<'a> {
    /// The `operationId` of the call that waited.
    pub operation: &'a str,
    /// The reason.
    pub reason: WaitReason,
    /// How long it has waited.
    pub duration: Duration,
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

/// The outcome of one item of a run.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct OutcomeKnown<'a> {
    /// What the items are, in the plural: commands, or changes of memberships.
    pub items: &'static str,
    /// The number of the item, counted from 0 in the caller's order.
    pub number: u64,
    /// The outcome.
    pub outcome: &'a umapi_plan::Outcome,
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
