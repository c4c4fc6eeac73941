//! The base of all generated methods: the base URL, the HTTP client and the hook.

use std::{fmt, marker::PhantomData, sync::Arc};

use http_body_util::{LengthLimitError, Limited};
use progenitor_client::{Error, ResponseValue};
use reqwest::{
    Body, Method, Request, Response,
    header::{ACCEPT, CONTENT_TYPE},
};
use umapi_model::{AnyOperation, limits::RESPONSE_BYTES};

use crate::hook::{Hook, NoHook, Resend};

/// The User Management API, as the parameter of a [`Client`].
#[derive(Clone, Copy, Debug)]
pub struct UserManagement;

impl UserManagement {
    /// The address of the service.
    pub const PRODUCTION: &'static str = "https://usermanagement.adobe.io/v2/usermanagement";
}

/// The login, as the parameter of a [`Client`].
#[derive(Clone, Copy, Debug)]
pub struct Ims;

impl Ims {
    /// The address of the login.
    pub const PRODUCTION: &'static str = "https://ims-na1.adobelogin.com";
}

/// A client of one API. Cheap to clone.
pub struct Client<Api> {
    pub(crate) baseurl: Arc<str>,
    pub(crate) client: reqwest::Client,
    hook: Arc<dyn Hook>,
    api: PhantomData<fn() -> Api>,
}

impl<Api> Client<Api> {
    /// Creates a client for the service at `base_url`, which sends its requests with `http`.
    pub fn new(base_url: &str, http: reqwest::Client) -> Self {
        let baseurl = Arc::from(base_url.trim_end_matches('/'));
        Self { baseurl, client: http, hook: Arc::new(NoHook), api: PhantomData }
    }

    /// Sets the hook.
    #[must_use]
    pub fn with_hook(mut self, hook: impl Hook) -> Self {
        self.hook = Arc::new(hook);
        self
    }

    /// Sends a request that has no generated method, also through the hook. `path` is appended unchanged to the base URL, `body` is
    /// JSON. Returns the body of a successful response.
    ///
    /// # Errors
    ///
    /// Like the generated methods: a response other than a success gives `UnexpectedResponse` with its unread body.
    pub async fn send(
        &self,
        operation: impl Into<AnyOperation>,
        path: &str,
        query: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<ResponseValue<Vec<u8>>, Error<()>> {
        let operation = operation.into();
        let method = Method::from_bytes(operation.method().as_bytes())
            .map_err(|_| Error::InvalidRequest(format!("`{}` is not an HTTP method", operation.method())))?;
        let mut request = self.client.request(method, format!("{}{path}", self.baseurl)).query(query);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let mut request = request.header(ACCEPT, "application/json").build()?;
        self.pre(&mut request, operation).await?;
        let response = self.exec(request, operation).await?;
        if !response.status().is_success() {
            return Err(Error::UnexpectedResponse(response));
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(Error::ResponseBodyError)?;
        Ok(ResponseValue::new(body.into(), status, headers))
    }

    /// Lets the hook complete the request. Generated methods call this once, before the first attempt.
    pub(crate) async fn pre(&self, request: &mut Request, operation: AnyOperation) -> Result<(), Error<()>> {
        self.hook.before(operation, request).await.map_err(Error::Custom)
    }

    /// Sends the request, and again while the hook says so.
    pub(crate) async fn exec(&self, request: Request, operation: AnyOperation) -> Result<Response, Error<()>> {
        let mut next = request;
        let mut attempt = 1;
        loop {
            let spare = next.try_clone();
            let outcome = self.hook.send(&self.client, next).await.map_err(Error::Custom)?.map(limited);
            let Some(mut again) = spare else { return Ok(outcome?) };
            if self.hook.after(operation, attempt, &outcome).await == Resend::No {
                return Ok(outcome?);
            }
            // If the request cannot be completed again, the previous outcome is final.
            if self.hook.before(operation, &mut again).await.is_err() {
                return Ok(outcome?);
            }
            next = again;
            attempt += 1;
        }
    }

    /// Generated methods call this after the last attempt, which the hook has seen already.
    #[expect(clippy::unused_async, reason = "generated code awaits it")]
    pub(crate) async fn post(&self, _: &Result<Response, Error<()>>, _: AnyOperation) -> Result<(), Error<()>> {
        Ok(())
    }
}

/// The response with a limit on the size of its body.
fn limited(response: Response) -> Response {
    let (head, body) = http::Response::from(response).into_parts();
    let body = Body::wrap(Limited::new(body, RESPONSE_BYTES));
    Response::from(http::Response::from_parts(head, body))
}

/// Whether a body could not be read because it is larger than [`RESPONSE_BYTES`].
pub fn is_too_large(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

impl<Api> Clone for Client<Api> {
    fn clone(&self) -> Self {
        Self { baseurl: self.baseurl.clone(), client: self.client.clone(), hook: self.hook.clone(), api: PhantomData }
    }
}

impl<Api> fmt::Debug for Client<Api> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.baseurl).finish_non_exhaustive()
    }
}
