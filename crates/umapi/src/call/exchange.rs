//! What every request carries, and where the head of its answer is kept: a broken body must not take it along.

use std::sync::{Arc, OnceLock};

use reqwest::{
    Request, Response,
    header::{AUTHORIZATION, HeaderName, HeaderValue, PRAGMA},
};
use umapi_auth::AccessToken;
use umapi_model::AnyOperation;
use umapi_raw::{Hook, HookFuture, Resend};
use umapi_time::Clock;

use super::ResponseHead;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The hints that Adobe's own client sends around a long piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pragma {
    SyncStart,
    SyncEnd,
}

/// One request on its way.
#[derive(Clone)]
pub(crate) struct HttpExchange {
    pub(crate) token: AccessToken,
    pub(crate) api_key: Arc<str>,
    pub(crate) request_id: String,
    pub(crate) pragma: Option<Pragma>,
    pub(crate) clock: Clock,
    pub(crate) head: Arc<OnceLock<ResponseHead>>,
}

impl HttpExchange {
    fn complete(&self, request: &mut Request) -> Result<(), String> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", self.token.reveal())).map_err(|_| {
            "the access token holds a character that no header can carry: see where it comes from".to_owned()
        })?;
        bearer.set_sensitive(true);
        let api_key = HeaderValue::try_from(&*self.api_key)
            .map_err(|_| "the API key holds a character that no header can carry: give the client id as it stands in the Adobe Developer Console".to_owned())?;
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

impl Hook for HttpExchange {
    fn before<'a>(&'a self, _: AnyOperation, request: &'a mut Request) -> HookFuture<'a, Result<(), String>> {
        Box::pin(std::future::ready(self.complete(request)))
    }

    fn after<'a>(&'a self, _: AnyOperation, _: u32, outcome: &'a reqwest::Result<Response>) -> HookFuture<'a, Resend> {
        if let Ok(response) = outcome {
            let _ = self.head.set(ResponseHead::of(response, self.clock.wall()));
        }
        Box::pin(std::future::ready(Resend::No))
    }
}
