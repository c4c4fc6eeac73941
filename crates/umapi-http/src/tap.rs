//! Taps: they are told of every exchange of an HTTP client, with its bodies.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use reqwest::{Request, Response, header::HeaderMap};

use crate::{HttpClient, log_panic};

/// Is told of every exchange of an [`HttpClient`] when it ends, e.g. to record it.
///
/// It gets what was sent and received, with names and addresses. It never gets the access token in `Authorization`, the secrets of
/// a login and the token that a login returns.
pub trait Tap: Send + Sync + 'static {
    /// An exchange ended. It is called by the task of the exchange, so it must not take long.
    fn exchange_ended(&self, exchange: TappedExchange);
}

/// One exchange.
#[derive(Clone)]
#[non_exhaustive]
pub struct TappedExchange {
    /// The method.
    pub method: String,
    /// The URL, encoded.
    pub url: String,
    /// The headers of the request, without secrets.
    pub request_headers: Vec<(String, String)>,
    /// The body of the request.
    pub request_body: Vec<u8>,
    /// When it was sent.
    pub started: SystemTime,
    /// From sending the request to the end.
    pub took: Duration,
    /// How it ended.
    pub outcome: TapOutcome,
    /// The status and the headers of the response, if they arrived.
    pub response_head: Option<(u16, Vec<(String, String)>)>,
    /// The body of the response, as far as it arrived.
    pub response_body: Vec<u8>,
}

impl fmt::Debug for TappedExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TappedExchange")
            .field("method", &self.method)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TapOutcome {
    /// A whole response arrived.
    Response,
    /// The connection broke in the body of the response.
    CutOff,
    /// The response is larger than its limit.
    TooLarge,
    /// It took longer than allowed.
    TimedOut,
    /// There was no connection.
    NotConnected,
    /// The certificate of the server is not trusted.
    UntrustedCertificate,
    /// The connection broke before a response.
    Broken,
    /// The caller stopped waiting.
    Abandoned,
}

impl TapOutcome {
    /// The outcome of a request without a response.
    pub fn of(error: &reqwest::Error) -> Self {
        match error {
            error if crate::is_untrusted_certificate(error) => Self::UntrustedCertificate,
            error if error.is_timeout() => Self::TimedOut,
            error if error.is_connect() => Self::NotConnected,
            _ => Self::Broken,
        }
    }
}

/// An exchange that a tap is told of when this is ended, or dropped before that. Without a tap, it does nothing.
pub struct TappedRequest(Option<Box<Open>>);

struct Open {
    tap: Arc<dyn Tap>,
    elapsed: Box<dyn Fn() -> Duration + Send>,
    exchange: TappedExchange,
}

impl TappedRequest {
    /// Begins an exchange of a client. `elapsed` returns the time since then. `body` is made only if there is a tap.
    pub fn begin(
        http: &HttpClient,
        request: &Request,
        body: impl FnOnce() -> Vec<u8>,
        started: SystemTime,
        elapsed: impl Fn() -> Duration + Send + 'static,
    ) -> Self {
        Self(http.tap().map(|tap| {
            let exchange = TappedExchange {
                method: request.method().to_string(),
                url: request.url().to_string(),
                request_headers: texts(request.headers()),
                request_body: body(),
                started,
                took: Duration::ZERO,
                outcome: TapOutcome::Abandoned,
                response_head: None,
                response_body: Vec::new(),
            };
            Box::new(Open { tap: Arc::clone(tap), elapsed: Box::new(elapsed), exchange })
        }))
    }

    /// Notes the status and the headers of the response.
    pub fn respond(&mut self, response: &Response) {
        if let Some(open) = &mut self.0 {
            open.exchange.response_head = Some((response.status().as_u16(), texts(response.headers())));
        }
    }

    /// Ends the exchange. `body` is the body of the response, as far as it arrived.
    pub fn end(&mut self, outcome: TapOutcome, body: &[u8]) {
        if let Some(mut open) = self.0.take() {
            open.exchange.outcome = outcome;
            open.exchange.response_body = body.to_vec();
            open.tell();
        }
    }
}

impl Open {
    fn tell(mut self: Box<Self>) {
        self.exchange.took = (self.elapsed)();
        let Self { tap, exchange, .. } = *self;
        log_panic("tap", || tap.exchange_ended(exchange));
    }
}

impl Drop for TappedRequest {
    fn drop(&mut self) {
        if let Some(open) = self.0.take() {
            open.tell();
        }
    }
}

/// The headers as text, without those that a client marked as secret.
fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = headers.iter().filter(|(_, value)| !value.is_sensitive());
    shown.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use reqwest::{Method, header::HeaderValue};

    use super::*;
    use crate::HttpOptions;

    #[derive(Default)]
    struct Kept(Mutex<Vec<TappedExchange>>);

    impl Tap for Arc<Kept> {
        fn exchange_ended(&self, exchange: TappedExchange) {
            self.0.lock().unwrap().push(exchange);
        }
    }

    fn request() -> Request {
        let mut request = Request::new(Method::GET, "https://um.example/users?x=1".parse().unwrap());
        let mut secret = HeaderValue::from_static("planted");
        secret.set_sensitive(true);
        request.headers_mut().insert("authorization", secret);
        request.headers_mut().insert("x-request-id", HeaderValue::from_static("7"));
        request
    }

    #[test]
    fn a_tap_is_told_of_ended_and_abandoned_exchanges() {
        let kept = Arc::new(Kept::default());
        let http = HttpOptions::new().without_proxy().build().unwrap().with_tap(kept.clone());
        let begin =
            || TappedRequest::begin(&http, &request(), Vec::new, SystemTime::UNIX_EPOCH, || Duration::from_secs(2));
        begin().end(TapOutcome::TimedOut, b"half");
        drop(begin());
        let told = kept.0.lock().unwrap();
        assert_eq!(
            told.iter().map(|one| one.outcome).collect::<Vec<_>>(),
            [TapOutcome::TimedOut, TapOutcome::Abandoned]
        );
        assert_eq!(told[0].request_headers, [("x-request-id".to_owned(), "7".to_owned())], "no secret");
        assert_eq!((told[0].response_body.as_slice(), told[0].took), (&b"half"[..], Duration::from_secs(2)));
    }

    #[test]
    fn without_a_tap_no_body_is_copied() {
        let http = HttpOptions::new().without_proxy().build().unwrap();
        let body = || -> Vec<u8> { unreachable!("there is no tap") };
        TappedRequest::begin(&http, &request(), body, SystemTime::UNIX_EPOCH, || Duration::ZERO)
            .end(TapOutcome::Response, b"");
    }
}
