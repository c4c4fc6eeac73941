//! Where a layer above joins in: headers before an attempt, the decision on another one after it.

use std::{fmt, future::Future, pin::Pin};

use reqwest::{
    Request, Response,
    header::{AUTHORIZATION, HeaderValue},
};
use umapi_model::{AnyOperation, Secret};

/// What the methods of a hook give back.
pub type HookFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whether a request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resend {
    /// The outcome is final.
    No,
    /// Once more, after [`Hook::before`] has completed the request anew.
    Yes,
}

/// Joins in on every attempt of every operation.
///
/// ```
/// use reqwest::{Request, header::{HeaderValue, USER_AGENT}};
/// use umapi_raw::{Hook, HookFuture, model::AnyOperation};
///
/// /// Names the program that calls.
/// struct Named;
///
/// impl Hook for Named {
///     fn before<'a>(&'a self, _: AnyOperation, request: &'a mut Request) -> HookFuture<'a, Result<(), String>> {
///         request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("staff-sync/2.1"));
///         Box::pin(std::future::ready(Ok(())))
///     }
/// }
/// ```
pub trait Hook: Send + Sync + 'static {
    /// Completes a request before it is sent: adds headers, waits for a turn. On a further attempt it gets the request
    /// as this method left it before.
    ///
    /// # Errors
    ///
    /// Why the request must not be sent; the caller gets it as [`Error::Custom`](crate::Error::Custom).
    fn before<'a>(&'a self, operation: AnyOperation, request: &'a mut Request) -> HookFuture<'a, Result<(), String>>;

    /// Sends a request that is complete. The default sends it with the HTTP client.
    ///
    /// # Errors
    ///
    /// Why there is no outcome; the caller gets it as [`Error::Custom`](crate::Error::Custom).
    fn send<'a>(
        &'a self,
        http: &'a reqwest::Client,
        request: Request,
    ) -> HookFuture<'a, Result<reqwest::Result<Response>, String>> {
        Box::pin(async move { Ok(http.execute(request).await) })
    }

    /// Sees how an attempt (counted from 1) ended, and says whether there is another one. The default is that there is
    /// none. Waiting before another attempt is done here.
    fn after<'a>(
        &'a self,
        operation: AnyOperation,
        attempt: u32,
        outcome: &'a reqwest::Result<Response>,
    ) -> HookFuture<'a, Resend> {
        let _ = (operation, attempt, outcome);
        Box::pin(std::future::ready(Resend::No))
    }
}

/// Adds nothing and resends nothing.
pub(crate) struct NoHook;

impl Hook for NoHook {
    fn before<'a>(&'a self, _: AnyOperation, _: &'a mut Request) -> HookFuture<'a, Result<(), String>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The simplest hook: one access token and one API key on every request.
pub struct Credential {
    access_token: Secret,
    api_key: String,
}

impl Credential {
    /// The access token of a login, and the client id that logged in.
    pub fn new(access_token: impl Into<Secret>, api_key: impl Into<String>) -> Self {
        Self { access_token: access_token.into(), api_key: api_key.into() }
    }

    fn apply(&self, request: &mut Request) -> Result<(), String> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", self.access_token.reveal()))
            .map_err(|_| "the access token holds a character that no header can carry".to_owned())?;
        bearer.set_sensitive(true);
        let api_key = HeaderValue::try_from(&self.api_key)
            .map_err(|_| "the API key holds a character that no header can carry".to_owned())?;
        request.headers_mut().insert(AUTHORIZATION, bearer);
        request.headers_mut().insert("x-api-key", api_key);
        Ok(())
    }
}

impl Hook for Credential {
    fn before<'a>(&'a self, _: AnyOperation, request: &'a mut Request) -> HookFuture<'a, Result<(), String>> {
        Box::pin(std::future::ready(self.apply(request)))
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("api_key", &self.api_key).finish_non_exhaustive()
    }
}
