//! One attempt: sends a request, and turns what comes back into a response or a failure.

use std::{
    future::Future,
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, PRAGMA};
use serde_json::error::Category;
use umapi_auth::AccessToken;
use umapi_http::{first_header, root_cause};
use umapi_model::AnyOperation;
use umapi_raw::{Error as RawError, Hook, HookFuture, Resend};
use umapi_time::Clock;
use uuid::Uuid;

use super::{AttemptOutcome, error_response};
use crate::error::{Error, ErrorResponse, Kind};

/// The generated methods of the service.
pub(crate) type RawClient = umapi_raw::Client<umapi_raw::UserManagement>;

/// The result of the generated methods.
pub(crate) type RawResult<T> = Result<umapi_raw::ResponseValue<T>, RawError<()>>;

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

/// The status and the headers of a response.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResponseHead {
    pub(crate) common: umapi_http::ResponseHead,
    /// `WWW-Authenticate`.
    pub(crate) challenge: Option<String>,
    pub(crate) paging: Paging,
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
    fn of(response: &reqwest::Response, clock: &Clock) -> Self {
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

/// One request, and the head of its response. The head is kept here because an incomplete body would lose it.
#[derive(Clone)]
pub(crate) struct HttpExchange {
    token: AccessToken,
    api_key: Arc<str>,
    request_id: String,
    pragma: Option<Pragma>,
    clock: Clock,
    head: Arc<OnceLock<ResponseHead>>,
}

impl HttpExchange {
    pub(super) fn new(token: AccessToken, api_key: Arc<str>, pragma: Option<Pragma>, clock: Clock) -> Self {
        // The id identifies the request even if no response arrives.
        let request_id = Uuid::new_v4().simple().to_string();
        Self { token, api_key, request_id, pragma, clock, head: Arc::default() }
    }

    pub(super) fn request_id(&self) -> &str {
        &self.request_id
    }

    pub(super) fn head(&self) -> Option<&ResponseHead> {
        self.head.get()
    }

    /// Sends the request once. The whole attempt, including the body of an error response, ends after `limit`.
    pub(super) async fn send<T, F, Fut>(
        &self,
        raw: &RawClient,
        limit: Duration,
        send: F,
    ) -> Result<Response<T>, Failure>
    where
        F: FnOnce(RawClient) -> Fut,
        Fut: Future<Output = RawResult<T>>,
    {
        let mut expiry = self.clock.sleep(limit);
        let request = send(raw.clone().with_hook(self.clone()));
        let Some(result) = before(&mut expiry, request).await else {
            return Err(Failure { error: Error::new(Kind::Timeout(limit)), outcome: Some(AttemptOutcome::Lost) });
        };
        let head = || self.head.get().cloned().unwrap_or_default();
        let (error, outcome) = match result {
            Ok(response) => {
                return Ok(Response { value: response.into_inner(), head: head(), requests: 1, is_repetition: false });
            }
            Err(RawError::UnexpectedResponse(response)) if !response.status().is_success() => {
                let head = head();
                let read = before(&mut expiry, error_response::read(response, &head, &self.token)).await;
                // The status is known even if the body takes too long.
                let status = head.common.status;
                let response = read.unwrap_or_else(|| ErrorResponse { status, ..ErrorResponse::default() });
                let has_code = response.code.as_ref().is_some_and(|code| code.as_str().starts_with("error."));
                let retry_after = head.common.retry_after;
                let is_rejection = retry_after.is_some() || has_code;
                let outcome = AttemptOutcome::Rejected { status, retry_after, is_rejection };
                (Error::new(Kind::Rejected(response)), Some(outcome))
            }
            Err(error) => self.classify(error),
        };
        Err(Failure { error, outcome })
    }

    /// The meaning of an error of the HTTP library.
    fn classify(&self, error: RawError<()>) -> (Error, Option<AttemptOutcome>) {
        let head = self.head.get().cloned().unwrap_or_default();
        let unreadable = |why: String, body: &[u8]| {
            let response = error_response::interpret(body, &head, &[self.token.reveal()]);
            Error::new(Kind::Unreadable { response, why })
        };
        match error {
            RawError::InvalidRequest(why) | RawError::Custom(why) => (Error::invalid(why), None),
            RawError::CommunicationError(error) if error.is_builder() => (Error::invalid(root_cause(error)), None),
            RawError::CommunicationError(error) if error.is_connect() => {
                (Error::new(Kind::Connect(root_cause(error))), Some(AttemptOutcome::NotSent { retry_after: None }))
            }
            RawError::ResponseBodyError(error) => {
                let is_too_large = umapi_raw::is_too_large(&error);
                let outcome = if is_too_large { AttemptOutcome::Unusable } else { AttemptOutcome::Lost };
                (unreadable(if is_too_large { TOO_LARGE.to_owned() } else { root_cause(error) }, &[]), Some(outcome))
            }
            RawError::InvalidResponsePayload(body, error) => {
                // Valid JSON of another shape was received whole. Anything else may have been truncated on its way.
                let is_whole = error.classify() == Category::Data;
                let outcome = if is_whole { AttemptOutcome::Unusable } else { AttemptOutcome::Lost };
                (unreadable(error.to_string(), &body), Some(outcome))
            }
            RawError::UnexpectedResponse(_) | RawError::ErrorResponse(_) => {
                (unreadable("it is not among the documented responses".to_owned(), &[]), Some(AttemptOutcome::Unusable))
            }
            RawError::CommunicationError(error) | RawError::InvalidUpgrade(error) => {
                (Error::new(Kind::Network(root_cause(error))), Some(AttemptOutcome::Lost))
            }
        }
    }

    fn complete(&self, request: &mut reqwest::Request) -> Result<(), String> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", self.token.reveal())).map_err(|_| {
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

/// The output of a future, or `None` if the time expires first.
async fn before<T>(expiry: &mut umapi_time::Sleep, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = expiry => None,
    }
}

impl Hook for HttpExchange {
    fn before<'a>(&'a self, _: AnyOperation, request: &'a mut reqwest::Request) -> HookFuture<'a, Result<(), String>> {
        Box::pin(std::future::ready(self.complete(request)))
    }

    fn after<'a>(
        &'a self,
        _: AnyOperation,
        _: u32,
        outcome: &'a reqwest::Result<reqwest::Response>,
    ) -> HookFuture<'a, Resend> {
        if let Ok(response) = outcome {
            let _ = self.head.set(ResponseHead::of(response, &self.clock));
        }
        Box::pin(std::future::ready(Resend::No))
    }
}
