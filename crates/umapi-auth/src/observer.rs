//! Observers of logins, and the spans that describe them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tracing::{Instrument as _, Span, field::Empty};
use umapi_http::{RequestSpan, ResponseHead, log_panic};
use umapi_time::{Clock, Instant};

use crate::{Endpoint, Error};

/// Is told of logins and their requests, e.g. to count them. Every method has a default that does nothing.
///
/// It is told of each request once, however many tasks wait for the login. It gets no secret, no token, no client id and no text
/// of the server. Its methods are called by a task that waits for the login, so they must return quickly.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
///
/// use umapi_auth::{LoginFinished, LoginObserver, LoginRequestFinished, OAuthServerToServer, Session};
///
/// #[derive(Default)]
/// struct Failures(AtomicU32);
///
/// impl LoginObserver for Failures {
///     fn login_request_finished(&self, request: &LoginRequestFinished<'_>) {
///         if request.attempt > 1 {
///             let LoginRequestFinished { operation, status, took, .. } = request;
///             eprintln!("{operation} needed another attempt: {status:?} in {took:?}");
///         }
///     }
///
///     fn login_finished(&self, login: &LoginFinished<'_>) {
///         if login.error.is_some() {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// # fn main() -> Result<(), umapi_auth::Error> {
/// let failures = Arc::new(Failures::default());
/// let credentials = OAuthServerToServer::new("client id", "client secret")?;
/// let session = Session::builder(credentials).observer(failures.clone()).build()?;
/// # Ok(()) }
/// ```
pub trait LoginObserver: Send + Sync + 'static {
    /// A request of a login has ended: with a response, or without one. A request that was cancelled has no end.
    fn login_request_finished(&self, request: &LoginRequestFinished<'_>) {
        let _ = request;
    }

    /// A login has ended, with all its attempts.
    fn login_finished(&self, login: &LoginFinished<'_>) {
        let _ = login;
    }
}

#[deny(clippy::missing_trait_methods, reason = "an event that is not passed on is lost")]
impl<O: LoginObserver + ?Sized> LoginObserver for Arc<O> {
    fn login_request_finished(&self, request: &LoginRequestFinished<'_>) {
        (**self).login_request_finished(request);
    }

    fn login_finished(&self, login: &LoginFinished<'_>) {
        (**self).login_finished(login);
    }
}

/// A request of a login has ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LoginRequestFinished<'a> {
    /// The login: `requestToken` (client secret), `exchangeJwt` (JWT) or `oauth` (another server).
    pub operation: &'static str,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// The HTTP method.
    pub method: &'static str,
    /// The path below the URL of the login server. `None` if the URL is the whole address.
    pub path: Option<&'a str>,
    /// The status of the response, if there was one.
    pub status: Option<u16>,
    /// From sending the request to the end of the response.
    pub took: Duration,
    /// What failed: the status from 400 on, or the class of the error. See [`Error::error_type`].
    pub error_type: Option<&'a str>,
    /// The host of the login server.
    pub server_address: &'a str,
    /// Its port.
    pub server_port: u16,
    /// The version of HTTP, `1.1` or `2`, if there was a response.
    pub protocol_version: Option<&'static str>,
}

/// A login has ended, with all its attempts.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LoginFinished<'a> {
    /// The login: `requestToken` (client secret), `exchangeJwt` (JWT) or `oauth` (another server).
    pub operation: &'static str,
    /// The number of requests sent.
    pub requests: u32,
    /// From the begin to the end, with the waits between attempts.
    pub took: Duration,
    /// The error, if it failed.
    pub error: Option<&'a Error>,
    /// The host of the login server.
    pub server_address: &'a str,
    /// Its port.
    pub server_port: u16,
}

/// Describes one login, with all its attempts: in a span, and to an observer.
pub(crate) struct Watch<'a> {
    operation: &'static str,
    endpoint: &'a Endpoint,
    clock: &'a Clock,
    observer: Option<&'a dyn LoginObserver>,
    sent: AtomicU32,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(
        operation: &'static str,
        endpoint: &'a Endpoint,
        clock: &'a Clock,
        observer: Option<&'a Arc<dyn LoginObserver>>,
    ) -> Self {
        Self { operation, endpoint, clock, observer: observer.map(|observer| &**observer), sent: AtomicU32::new(0) }
    }

    /// Runs the login.
    pub(crate) async fn around<T>(&self, log_in: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let (span, started, server) = (self.span(), self.clock.now(), self.endpoint.url());
        let result = log_in.instrument(span.clone()).await;
        let error = result.as_ref().err();
        if let Some(error) = error {
            span.record("error.type", &*error.error_type());
            span.record("otel.status_code", "ERROR");
        }
        self.tell(|observer| {
            observer.login_finished(&LoginFinished {
                operation: self.operation,
                requests: self.sent.load(Ordering::Relaxed),
                took: self.clock.now() - started,
                error,
                server_address: server.host(),
                server_port: server.port(),
            });
        });
        result
    }

    fn span(&self) -> Span {
        let server = self.endpoint.url();
        tracing::info_span!(
            "umapi.login",
            otel.name = %format_args!("Login/{}", self.operation),
            otel.kind = "client",
            otel.status_code = Empty,
            rpc.system.name = "umapi",
            rpc.method = %format_args!("Login/{}", self.operation),
            server.address = server.host(),
            server.port = server.port(),
            error.type = Empty,
        )
    }

    /// Begins a request to a path of the login server.
    pub(crate) fn request<'w>(&'w self, path: &'w str) -> WatchedRequest<'w, 'a> {
        let resends = self.sent.fetch_add(1, Ordering::Relaxed);
        let span = RequestSpan::new(self.endpoint.url(), METHOD, path, resends, None);
        WatchedRequest { watch: self, path, attempt: resends.saturating_add(1), started: self.clock.now(), span }
    }

    fn tell(&self, event: impl FnOnce(&dyn LoginObserver)) {
        if let Some(observer) = self.observer {
            log_panic("observer", || event(observer));
        }
    }
}

const METHOD: &str = "POST";

/// One request of a login.
pub(crate) struct WatchedRequest<'w, 'a> {
    watch: &'w Watch<'a>,
    path: &'w str,
    attempt: u32,
    started: Instant,
    span: RequestSpan,
}

impl WatchedRequest<'_, '_> {
    pub(crate) fn span(&self) -> &RequestSpan {
        &self.span
    }

    /// Notes the end: the head of the response, or the class of the error.
    pub(crate) fn end(self, ended: Result<&ResponseHead, &str>) {
        let Self { watch, path, attempt, started, span } = self;
        let head = ended.ok();
        let status = head.map(|head| head.status);
        let bad_status = status.filter(|status| *status >= 400).map(|status| status.to_string());
        let error_type = bad_status.as_deref().or(ended.err());
        span.end(head, error_type);
        let server = watch.endpoint.url();
        watch.tell(|observer| {
            observer.login_request_finished(&LoginRequestFinished {
                operation: watch.operation,
                attempt,
                method: METHOD,
                path: (!path.is_empty()).then_some(path),
                status,
                took: watch.clock.now() - started,
                error_type,
                server_address: server.host(),
                server_port: server.port(),
                protocol_version: head.and_then(|head| head.protocol_version),
            });
        });
    }
}
