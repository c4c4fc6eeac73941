//! Where the answers of a client come from: a service, or a stub.

use std::sync::{Arc, OnceLock};

use umapi_auth::AccessToken;
use umapi_http::{HttpClient, HttpOptions, ServerUrl};
use umapi_model::Operation;
use umapi_time::Instant;

use super::{DynLegacyStub, DynStub, StubFuture};
use crate::{
    builder::SERVICE,
    call::{ApiCall, Effect, Engine, Failure, HttpExchange, LenientReader, RawClient, RawResult, Response},
    error::{Error, Kind},
};

/// Requests to a stub have a URL too, which leads nowhere.
const NOWHERE: &str = "https://stub.invalid";

/// Where the answers of a client come from.
pub(crate) enum Backend {
    /// A service.
    Service { http: HttpClient, url: ServerUrl },
    /// A stub. The HTTP client only builds requests, and only those that the stub answers as such.
    Stub { stub: Arc<dyn DynStub>, http: OnceLock<HttpClient> },
}

impl Backend {
    pub(crate) fn of_stub(stub: Arc<dyn DynStub>) -> Self {
        Self::Stub { stub, http: OnceLock::new() }
    }

    /// The URL of the service. A stub has none.
    pub(crate) fn server(&self) -> Option<&ServerUrl> {
        match self {
            Self::Service { url, .. } => Some(url),
            Self::Stub { .. } => None,
        }
    }

    /// The HTTP client, and the URL of the service.
    pub(crate) fn connection(&self) -> Result<(HttpClient, ServerUrl), Error> {
        match self {
            Self::Service { http, url } => Ok((http.clone(), url.clone())),
            Self::Stub { http, .. } => {
                let url = ServerUrl::parse(NOWHERE, SERVICE)?;
                if let Some(http) = http.get() {
                    return Ok((http.clone(), url));
                }
                let made = HttpOptions::new().without_proxy().build()?;
                Ok((http.get_or_init(|| made).clone(), url))
            }
        }
    }
}

impl Engine {
    /// The stub that answers for the service, if there is one.
    pub(crate) fn stub(&self) -> Option<&Arc<dyn DynStub>> {
        match &self.backend {
            Backend::Service { .. } => None,
            Backend::Stub { stub, .. } => Some(stub),
        }
    }

    /// Waits for the answer of a stub, up to the deadline of the call, and reports the call.
    pub(crate) async fn ask<T>(
        &self,
        call: ApiCall<'_>,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let started = self.clock.now();
        let answered = self.in_time(call, answer).await;
        self.report_answer(call, started, &answered);
        answered
    }

    /// Waits for the answer of a [`LegacyStub`](super::LegacyStub), and reports the call. `None` if the client has none, or it does
    /// not have the method: then the call is made as a request, and reported there.
    pub(crate) async fn ask_legacy<T>(
        &self,
        call: ApiCall<'_>,
        ask: impl FnOnce(&dyn DynLegacyStub) -> StubFuture<'_, T>,
    ) -> Option<Result<T, Error>> {
        let started = self.clock.now();
        let answered = self.in_time(call, ask(self.stub()?.legacy())).await;
        if matches!(&answered, Err(error) if matches!(error.kind(), Kind::Unanswered(one) if *one == call.operation)) {
            return None;
        }
        self.report_answer(call, started, &answered);
        Some(answered)
    }

    /// Waits for the answer of a stub, up to the deadline of the call.
    async fn in_time<T>(&self, call: ApiCall<'_>, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        // The deadline comes before the moment that it is compared with, so that a deadline of no time has passed.
        let of_call = call.scope.deadline(&self.clock);
        let now = self.clock.now();
        let answered = match of_call.or_else(|| Some(now + self.call_timeout?)) {
            // Nothing is asked for that has no time.
            Some(deadline) if deadline <= now => Err(Error::new(Kind::Deadline { has_passed: true })),
            Some(deadline) => {
                let in_time = self.clock.timeout(deadline - now, answer).await;
                in_time.unwrap_or_else(|_| {
                    Err(Error::new(Kind::Deadline { has_passed: true }).with(|details| details.requests = 1))
                })
            }
            None => answer.await,
        };
        answered.map_err(|error| of_operation(error, call.operation))
    }

    /// Tells the observer of a call that a stub answered. A stub counts as one request, unless its error says otherwise.
    pub(crate) fn report_answer<T>(&self, call: ApiCall<'_>, started: Instant, answer: &Result<T, Error>) {
        let requests = answer.as_ref().map_or_else(Error::requests, |_| 1);
        self.report_call(call, requests, started, answer.as_ref().err());
    }

    /// Makes a call that the stub answers as a request.
    pub(crate) async fn ask_for_response<T, F, Fut>(
        &self,
        stub: &Arc<dyn DynStub>,
        call: ApiCall<'_>,
        send: F,
        read: Option<LenientReader<T>>,
    ) -> Result<Response<T>, Error>
    where
        F: Fn(RawClient) -> Fut,
        Fut: Future<Output = RawResult<T>>,
    {
        let (http, url) = self.backend.connection()?;
        let raw = RawClient::new(url.as_str(), http.for_server(&url)?);
        let token = AccessToken::new("stub", None);
        let limit = self.attempt_timeout;
        let mut exchange =
            HttpExchange::new((&url, &http), token, Arc::from("stub"), call.pragma, limit, self.clock.clone());
        exchange.answer_with(stub.clone(), call.operation, self.unreadable_items);
        exchange.send(raw, send, read).await.map_err(|Failure { error, outcome }| {
            let may_have_been_applied =
                call.effect != Effect::Read && outcome.is_some_and(|outcome| outcome.is_unknown());
            let retry_after = outcome.and_then(|outcome| outcome.requested_wait());
            of_operation(error, call.operation).with(|details| {
                details.may_have_been_applied |= may_have_been_applied;
                details.requests = details.requests.max(u32::from(outcome.is_some()));
                details.retry_after = details.retry_after.or(retry_after);
                details.until = details.until.or_else(|| self.clock.wall().checked_add(details.retry_after?));
            })
        })
    }
}

/// The error with its operation, unless it has one.
fn of_operation(error: Error, operation: Operation) -> Error {
    error.with(|details| {
        details.operation.get_or_insert(operation.id());
    })
}
