//! Access tokens and their sources.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use umapi_time::Instant;

use crate::{Error, Secret};

/// An access token and its expiry. Cheap to clone.
#[derive(Clone)]
pub struct AccessToken(Arc<Inner>);

struct Inner {
    secret: Secret,
    expires: Option<Instant>,
}

impl AccessToken {
    /// Creates a token that expires at a moment of the clock in use. `None` means that the expiry is not known.
    pub fn new(secret: impl Into<Secret>, expires: Option<Instant>) -> Self {
        Self(Arc::new(Inner { secret: secret.into(), expires }))
    }

    /// Returns the text of the token. Use it to send the token, for nothing else.
    pub fn reveal(&self) -> &str {
        self.0.secret.reveal()
    }

    /// When the token expires, if that is known.
    pub fn expires(&self) -> Option<Instant> {
        self.0.expires
    }

    /// Whether both are the same token. Texts are compared in constant time.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.secret == other.0.secret
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("expires", &self.0.expires).finish_non_exhaustive()
    }
}

/// The future that a token source returns.
pub type TokenFuture<'a> = Pin<Box<dyn Future<Output = Result<AccessToken, Error>> + Send + 'a>>;

/// A source of access tokens: a [`Session`](crate::Session), a fixed token, a vault, a sidecar.
///
/// ```
/// use umapi_auth::{AccessToken, TokenFuture, TokenSource};
///
/// struct Sidecar;
///
/// impl TokenSource for Sidecar {
///     fn token(&self) -> TokenFuture<'_> {
///         Box::pin(async { Ok(AccessToken::new("token of the sidecar", None)) })
///     }
///     fn invalidate(&self, _rejected: &AccessToken) {}
/// }
/// ```
pub trait TokenSource: Send + Sync + 'static {
    /// Returns a token that is valid now.
    fn token(&self) -> TokenFuture<'_>;

    /// Reports that the service rejected this token. A source that caches tokens must not return this one again, and must
    /// keep a newer one.
    fn invalidate(&self, rejected: &AccessToken);
}

/// A shared source.
impl<T: TokenSource + ?Sized> TokenSource for Arc<T> {
    fn token(&self) -> TokenFuture<'_> {
        (**self).token()
    }

    fn invalidate(&self, rejected: &AccessToken) {
        (**self).invalidate(rejected);
    }
}

/// A source that always returns the same token. If the service rejects it, there is no other one.
#[derive(Clone, Debug)]
pub struct FixedToken(AccessToken);

impl FixedToken {
    /// Creates the source from the text of a token.
    pub fn new(secret: impl Into<Secret>) -> Self {
        Self(AccessToken::new(secret, None))
    }
}

impl TokenSource for FixedToken {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }

    fn invalidate(&self, _: &AccessToken) {}
}
