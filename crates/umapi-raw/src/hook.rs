//! Hooks: they add headers before an attempt, and decide on another attempt after it.

use std::{fmt, future::Future, pin::Pin};

use reqwest::{
    Request, Response,
    header::{AUTHORIZATION, HeaderValue},
};
use umapi_model::{AnyOperation, Secret};

/// The future that the methods of a hook return.
pub type HookFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whether a request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resend {
    /// The outcome is final.
    No,
    /// The request is sent again, after [`Hook::before`] has completed it again.
    Yes,
}

/// Called before and after every attempt of every operation.
///
/// ```
/// use reqwest::{Request, header::{HeaderValue, USER_AGENT}};
/// use umapi_raw::{Hook, HookFuture, model::AnyOperation};
///
/// /// Sets the user agent.
/// struct ProgramName;
///
/// impl Hook for ProgramName {
///     fn before<'a>(
///         &'a self,
///         _: AnyOperation,
///         request: &'a mut Request,
///     ) -> HookFuture<'a, Result<(), String>> {
///         request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("staff-sync/2.1"));
///         Box::pin(std::future::ready(Ok(())))
///     }
/// }
/// ```
pub trait Hook: Send + Sync + 'static {
    /// Completes a request before it is sent, e.g. adds headers or waits for a permit. On a further attempt, the request has the
    /// changes that this method made before.
    ///
    /// # Errors
    ///
    /// If the request must not be sent. The caller gets the reason as [`Error::Custom`](crate::Error::Custom).
    fn before<'a>(&'a self, operation: AnyOperation, request: &'a mut Request) -> HookFuture<'a, Result<(), String>>;

    /// Sends a request that is complete. The default sends it with the HTTP client.
    ///
    /// # Errors
    ///
    /// If there is no outcome. The caller gets the reason as [`Error::Custom`](crate::Error::Custom).
    fn send<'a>(
        &'a self,
        http: &'a reqwest::Client,
        request: Request,
    ) -> HookFuture<'a, Result<reqwest::Result<Response>, String>> {
        Box::pin(async move { Ok(http.execute(request).await) })
    }

    /// Gets the outcome of an attempt, counted from 1, and decides whether the request is sent again. The default is no. Waits
    /// before another attempt belong here.
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

/// A hook that does nothing.
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
    /// Creates the hook from the access token of a login, and the client id of the login.
    pub fn new(access_token: impl Into<Secret>, api_key: impl Into<String>) -> Self {
        Self { access_token: access_token.into(), api_key: api_key.into() }
    }

    fn apply(&self, request: &mut Request) -> Result<(), String> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", self.access_token.reveal()))
            .map_err(|_| "the access token contains a character that is not allowed in a header".to_owned())?;
        bearer.set_sensitive(true);
        let api_key = HeaderValue::try_from(&self.api_key)
            .map_err(|_| "the API key contains a character that is not allowed in a header".to_owned())?;
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
