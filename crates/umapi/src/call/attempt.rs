//! One attempt: sends a request, and turns what comes back into a response or a failure.

use std::{
    future::Future,
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, PRAGMA, USER_AGENT};
use serde_json::error::Category;
use umapi_auth::{AccessToken, Secret};
use umapi_http::{HttpClient, NetworkError, ServerUrl, first_header, root_cause};
use umapi_model::{AnyOperation, Operation};
use umapi_raw::{Error as RawError, Hook, HookFuture};
use umapi_time::Clock;
use uuid::Uuid;

use super::{
    AttemptOutcome, LenientReader, Scope, UnreadableItem, UnreadableItems, error_response,
    send::{Exchange, SendFailure, SendState},
};
use crate::{
    error::{Cause, Error, Kind},
    raw,
    stub::{AnyRequest, DynStub},
};

/// The generated methods of the service.
pub(crate) type RawClient = umapi_raw::Client<umapi_raw::UserManagement>;

/// The result of the generated methods.
pub(crate) type RawResult<T> = Result<umapi_raw::ResponseValue<T>, RawError<()>>;

/// How long after its limit a request is given up if its task has not done so.
const STALLED: Duration = Duration::from_secs(10);

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Why a response was not read to its end.
const TOO_LARGE: &str = "it is larger than any response of the service should be";

/// A success response.
#[derive(Debug)]
pub(crate) struct Response<T> {
    pub(crate) value: T,
    pub(crate) head: ResponseHead,
    /// How many requests were sent for it.
    pub(crate) requests: u32,
    /// Whether an earlier one of them may have been applied already.
    pub(crate) is_repetition: bool,
}

impl<T> Response<T> {
    /// The answer of a stub.
    pub(crate) fn of_stub(value: T) -> Self {
        let mut head = ResponseHead::default();
        head.common.status = 200;
        Self { value, head, requests: 1, is_repetition: false }
    }
}

/// The status and the headers of a response.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResponseHead {
    pub(crate) common: umapi_http::ResponseHead,
    /// `WWW-Authenticate`.
    pub(crate) challenge: Option<String>,
    pub(crate) paging: Paging,
    /// The items of the body that cannot be read.
    pub(crate) unreadable: Vec<UnreadableItem>,
}

/// The headers of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Paging {
    pub(crate) total: Option<u64>,
    pub(crate) pages: Option<u32>,
    pub(crate) current: Option<u32>,
    pub(crate) size: Option<u32>,
}

impl ResponseHead {
    pub(super) fn of(response: &reqwest::Response, clock: &Clock) -> Self {
        let headers = response.headers();
        Self {
            common: umapi_http::ResponseHead::of(response, clock.wall()),
            challenge: first_header(headers, "www-authenticate").map(str::to_owned),
            paging: Paging {
                total: number(headers, "x-total-count"),
                pages: number(headers, "x-page-count"),
                current: number(headers, "x-current-page"),
                size: number(headers, "x-page-size"),
            },
            unreadable: Vec::new(),
        }
    }
}

fn number<T: std::str::FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
    first_header(headers, name)?.trim().parse().ok()
}

/// An attempt without a success response.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// `None` if the request cannot be sent at all.
    pub(crate) outcome: Option<AttemptOutcome>,
}

/// The hints that Adobe's own client sends with the first and the last request of a long job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pragma {
    SyncStart,
    SyncEnd,
}

/// What no error, no header and no log may show: the token of the request, and the password of the proxy.
#[derive(Clone)]
pub(super) struct Hidden {
    pub(super) token: AccessToken,
    pub(super) proxy_password: Option<Secret>,
}

impl Hidden {
    pub(super) fn texts(&self) -> Vec<&str> {
        std::iter::once(self.token.reveal()).chain(self.proxy_password.as_ref().map(Secret::reveal)).collect()
    }
}

/// One request, and the head of its response. The head is kept here because an incomplete body would lose it.
#[derive(Clone)]
pub(crate) struct HttpExchange {
    hidden: Hidden,
    server: ServerUrl,
    http: HttpClient,
    api_key: Arc<str>,
    request_id: String,
    /// The whole `User-Agent`, if it is not that of the HTTP client.
    user_agent: Option<String>,
    pragma: Option<Pragma>,
    clock: Clock,
    limit: Duration,
    /// Whether the limit is the deadline of the call, which comes before the limit of an attempt.
    pub(super) is_limited_by_deadline: bool,
    pub(super) unreadable_items: UnreadableItems,
    /// See [`ApiCall::is_in_own_task`](super::ApiCall::is_in_own_task).
    pub(super) is_in_own_task: bool,
    state: Arc<SendState>,
    /// The stub that answers in place of the service.
    stub: Option<Answering>,
}

/// A stub, and the error that it answered with.
#[derive(Clone)]
struct Answering {
    stub: Arc<dyn DynStub>,
    operation: Operation,
    error: Arc<OnceLock<Error>>,
}

impl HttpExchange {
    /// Creates a request whose whole attempt, including the body of the response, ends after `limit`.
    pub(crate) fn new(
        (server, http): (&ServerUrl, &HttpClient),
        token: AccessToken,
        api_key: Arc<str>,
        pragma: Option<Pragma>,
        limit: Duration,
        clock: Clock,
    ) -> Self {
        // The id identifies the request even if no response arrives.
        let request_id = Uuid::new_v4().simple().to_string();
        Self {
            hidden: Hidden { token, proxy_password: http.proxy_password().cloned() },
            server: server.clone(),
            http: http.clone(),
            api_key,
            request_id,
            user_agent: None,
            pragma,
            clock,
            limit,
            is_limited_by_deadline: false,
            unreadable_items: UnreadableItems::default(),
            is_in_own_task: false,
            state: Arc::default(),
            stub: None,
        }
    }

    /// Lets a stub answer in place of the service.
    pub(crate) fn answer_with(&mut self, stub: Arc<dyn DynStub>, operation: Operation, items: UnreadableItems) {
        self.stub = Some(Answering { stub, operation, error: Arc::default() });
        self.unreadable_items = items;
    }

    /// Takes the request id and the product of the call's options.
    pub(super) fn in_scope(&mut self, scope: &Scope, http: &HttpClient) {
        if let Some(id) = scope.next_request_id() {
            self.request_id = id;
        }
        self.user_agent = scope.options.own_product().map(|product| format!("{product} {}", http.user_agent()));
    }

    pub(super) fn request_id(&self) -> &str {
        &self.request_id
    }

    pub(super) fn head(&self) -> Option<&ResponseHead> {
        self.state.head.get()
    }

    /// Whether the service may have received the request.
    pub(super) fn may_have_arrived(&self) -> bool {
        self.state.may_have_arrived()
    }

    /// Sends the request once.
    pub(crate) async fn send<T, F, Fut>(
        &self,
        raw: RawClient,
        send: F,
        read: Option<LenientReader<T>>,
    ) -> Result<Response<T>, Failure>
    where
        F: FnOnce(RawClient) -> Fut,
        Fut: Future<Output = RawResult<T>>,
    {
        let request = send(raw.with_hook(self.clone()));
        // The task of the request has the time limit. This one is for a runtime that does not run it.
        let Ok(result) = self.clock.timeout(self.limit + STALLED, request).await else {
            return Err(self.timed_out());
        };
        if let Some(error) = self.stub.as_ref().and_then(|stub| stub.error.get()) {
            return Err(Failure { error: error.clone(), outcome: None });
        }
        if let Some(failure) = self.state.failure.get() {
            return Err(self.failed(failure));
        }
        let head = || self.head().cloned().unwrap_or_default();
        let (error, outcome) = match result {
            Ok(response) => {
                return Ok(Response { value: response.into_inner(), head: head(), requests: 1, is_repetition: false });
            }
            Err(RawError::UnexpectedResponse(response)) if !response.status().is_success() => {
                let head = head();
                let response = error_response::read(response, &head, &self.hidden.texts()).await;
                let status = head.common.status;
                let has_code = response.code.as_ref().is_some_and(|code| code.as_str().starts_with("error."));
                let retry_after = head.common.retry_after;
                let is_rejection = retry_after.is_some() || has_code;
                let outcome = AttemptOutcome::Rejected { status, retry_after, is_rejection };
                (Error::new(Kind::Rejected(response)), Some(outcome))
            }
            Err(RawError::InvalidResponsePayload(body, error)) => {
                if let Some((value, unreadable)) = read.and_then(|read| read(&body))
                    && (unreadable.is_empty() || self.unreadable_items == UnreadableItems::LeaveOut)
                {
                    let (line, column) = (error.line(), error.column());
                    tracing::warn!(
                        line,
                        column,
                        unreadable = unreadable.len(),
                        "the response is not valid, reading it leniently"
                    );
                    let head = ResponseHead { unreadable, ..head() };
                    return Ok(Response { value, head, requests: 1, is_repetition: false });
                }
                self.classify(RawError::InvalidResponsePayload(body, error))
            }
            Err(error) => self.classify(error),
        };
        Err(Failure { error, outcome })
    }

    /// The failure of a request whose response did not arrive.
    fn lost(&self, error: Error) -> Failure {
        let may_have_arrived = self.may_have_arrived();
        let not_sent = AttemptOutcome::NotSent { retry_after: None };
        Failure { error, outcome: Some(if may_have_arrived { AttemptOutcome::Lost } else { not_sent }) }
    }

    /// The failure of a request whose response did not arrive in time.
    fn timed_out(&self) -> Failure {
        let is_deadline = self.is_limited_by_deadline;
        self.lost(Error::new(if is_deadline { Kind::Deadline { has_passed: true } } else { Kind::Timeout(self.limit) }))
    }

    /// The failure of a request that the HTTP library does not know of.
    fn failed(&self, failure: &SendFailure) -> Failure {
        match failure {
            SendFailure::TimedOut => self.timed_out(),
            SendFailure::RuntimeGone => {
                self.lost(Error::new(Kind::Network(Cause::new("the runtime that sent the request was dropped"))))
            }
            SendFailure::BrokenBody(why) => self.lost(self.unreadable(why.clone(), &[])),
            SendFailure::TooLarge => {
                let error = self.unreadable(TOO_LARGE.to_owned(), &[]);
                Failure { error, outcome: Some(AttemptOutcome::Unusable) }
            }
        }
    }

    /// The error of a success response that cannot be used.
    fn unreadable(&self, why: String, body: &[u8]) -> Error {
        let head = self.head().cloned().unwrap_or_default();
        let response = error_response::interpret(body, &head, &self.hidden.texts());
        Error::new(Kind::Unreadable { response, why })
    }

    /// The meaning of an error of the HTTP library.
    fn classify(&self, error: RawError<()>) -> (Error, Option<AttemptOutcome>) {
        let unreadable = |why, body: &[u8]| self.unreadable(why, body);
        match error {
            RawError::InvalidRequest(why) | RawError::Custom(why) => (Error::invalid(why), None),
            RawError::CommunicationError(error) if error.is_builder() => (Error::invalid(root_cause(error)), None),
            RawError::CommunicationError(error) | RawError::InvalidUpgrade(error) => {
                let error = NetworkError::new(&error, &self.server, &self.http);
                match (error.is_untrusted_certificate(), error.is_connect()) {
                    (true, _) => (Error::new(Kind::Certificate(Cause::new(error))), None),
                    (_, true) => {
                        let not_sent = AttemptOutcome::NotSent { retry_after: None };
                        (Error::new(Kind::Connect(Cause::new(error))), Some(not_sent))
                    }
                    _ => (Error::new(Kind::Network(Cause::new(error))), Some(AttemptOutcome::Lost)),
                }
            }
            RawError::ResponseBodyError(error) => {
                let is_too_large = umapi_raw::is_too_large(&error);
                let outcome = if is_too_large { AttemptOutcome::Unusable } else { AttemptOutcome::Lost };
                (unreadable(if is_too_large { TOO_LARGE.to_owned() } else { root_cause(error) }, &[]), Some(outcome))
            }
            RawError::InvalidResponsePayload(body, error) => {
                // Valid JSON of another shape was received whole. Anything else may be truncated, or come from a proxy.
                let is_whole = error.classify() == Category::Data;
                let outcome = if is_whole { AttemptOutcome::Unusable } else { AttemptOutcome::Lost };
                let is_html = self.head().is_some_and(|head| head.common.is_html);
                (unreadable(why_unreadable(&error, is_html, body.is_empty()), &body), Some(outcome))
            }
            RawError::UnexpectedResponse(_) | RawError::ErrorResponse(_) => {
                (unreadable("it is not among the documented responses".to_owned(), &[]), Some(AttemptOutcome::Unusable))
            }
        }
    }

    /// Asks the stub about a request.
    async fn ask(
        &self,
        answering: &Answering,
        request: reqwest::Request,
    ) -> Result<reqwest::Result<reqwest::Response>, String> {
        match answering.stub.request(AnyRequest::of(answering.operation, &request)).await {
            Ok(response) => {
                let response = into_reqwest(response)?;
                let _ = self.state.head.set(ResponseHead::of(&response, &self.clock));
                Ok(Ok(response))
            }
            Err(error) => {
                let text = error.to_string();
                let _ = answering.error.set(error);
                Err(text)
            }
        }
    }

    fn complete(&self, request: &mut reqwest::Request) -> Result<(), String> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", self.hidden.token.reveal())).map_err(|_| {
            "the access token contains a character that a header cannot hold; check its source".to_owned()
        })?;
        bearer.set_sensitive(true);
        let api_key = HeaderValue::try_from(&*self.api_key).map_err(|_| {
            "the API key contains a character that a header cannot hold; use the client id of the Adobe Developer Console"
                .to_owned()
        })?;
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(API_KEY, api_key);
        if let Ok(id) = HeaderValue::try_from(&self.request_id) {
            headers.insert(REQUEST_ID, id);
        }
        if let Some(Ok(agent)) = self.user_agent.as_deref().map(HeaderValue::try_from) {
            headers.insert(USER_AGENT, agent);
        }
        if let Some(pragma) = self.pragma {
            let hint = match pragma {
                Pragma::SyncStart => "umapi-sync-start",
                Pragma::SyncEnd => "umapi-sync-end",
            };
            headers.insert(PRAGMA, HeaderValue::from_static(hint));
        }
        Ok(())
    }
}

impl Hook for HttpExchange {
    fn before<'a>(&'a self, _: AnyOperation, request: &'a mut reqwest::Request) -> HookFuture<'a, Result<(), String>> {
        Box::pin(std::future::ready(self.complete(request)))
    }

    fn send<'a>(
        &'a self,
        http: &'a reqwest::Client,
        request: reqwest::Request,
    ) -> HookFuture<'a, Result<reqwest::Result<reqwest::Response>, String>> {
        if let Some(answering) = &self.stub {
            return Box::pin(self.ask(answering, request));
        }
        let exchange = Exchange {
            http: http.clone(),
            owner: self.http.clone(),
            limit: self.limit,
            clock: self.clock.clone(),
            hidden: self.hidden.clone(),
            state: self.state.clone(),
        };
        Box::pin(exchange.run(request, self.is_in_own_task))
    }
}

/// The response of a stub in the form of the HTTP library.
fn into_reqwest(response: raw::Response) -> Result<reqwest::Response, String> {
    let whole =
        response.headers.iter().fold(http::Response::builder().status(response.status), |whole, (name, value)| {
            whole.header(name.as_str(), value.as_str())
        });
    let whole =
        whole.body(response.body).map_err(|error| format!("the response of the stub cannot be used: {error}"))?;
    Ok(whole.into())
}

/// Why a body is not the documented JSON, in the words of somebody who does not know the parser.
fn why_unreadable(error: &serde_json::Error, is_html: bool, is_empty: bool) -> String {
    match error.classify() {
        _ if is_empty => "it is empty".to_owned(),
        Category::Data => format!("it does not have the documented form: {error}"),
        _ if is_html => "it is a web page, not JSON".to_owned(),
        Category::Eof => format!("it is JSON without its end: {error}"),
        Category::Syntax | Category::Io => format!("it is not JSON: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::why_unreadable;

    #[test]
    fn unreadable_bodies_are_named_by_what_they_are() {
        let why = |body: &str, is_html| {
            let error = serde_json::from_str::<std::collections::BTreeMap<String, bool>>(body).unwrap_err();
            why_unreadable(&error, is_html, body.is_empty())
        };
        assert_eq!(why("", false), "it is empty");
        assert_eq!(why("<html>", true), "it is a web page, not JSON");
        assert!(why("\u{1f}\u{8b}", false).starts_with("it is not JSON: "));
        assert!(why("{\"a\":", false).starts_with("it is JSON without its end: "));
        // A server may call anything a web page.
        assert!(why("[]", true).starts_with("it does not have the documented form: "));
    }
}
