//! An access token, and whatever gives one out.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use umapi_time::Instant;

use crate::{Error, Secret};

/// An access token: the header of a request, and until when. Cheap to clone.
#[derive(Clone)]
pub struct AccessToken(Arc<Inner>);

struct Inner {
    secret: Secret,
    expires: Option<Instant>,
}

impl AccessToken {
    /// A token that expires at a moment of the clock in use, or at one that is not known.
    pub fn new(secret: impl Into<Secret>, expires: Option<Instant>) -> Self {
        Self(Arc::new(Inner { secret: secret.into(), expires }))
    }

    /// The token itself, to be sent and nothing else.
    pub fn reveal(&self) -> &str {
        self.0.secret.reveal()
    }

    /// When it expires, if that is known.
    pub fn expires(&self) -> Option<Instant> {
        self.0.expires
    }

    /// Whether it is the same token: one object, or the same text, compared in constant time.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.secret == other.0.secret
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("expires", &self.0.expires).finish_non_exhaustive()
    }
}

/// What a token source gives back.
pub type TokenFuture<'a> = Pin<Box<dyn Future<Output = Result<AccessToken, Error>> + Send + 'a>>;

/// Whatever gives out access tokens: a [`Session`](crate::Session), a fixed token, a vault, a sidecar.
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
///     fn invalidate(&self, _refused: &AccessToken) {}
/// }
/// ```
pub trait TokenSource: Send + Sync + 'static {
    /// A token that is good now.
    fn token(&self) -> TokenFuture<'_>;

    /// Says that the service refused this token. A source that keeps tokens must not give out this one again, and must
    /// keep a fresher one.
    fn invalidate(&self, refused: &AccessToken);
}

/// A source that is shared.
impl<T: TokenSource + ?Sized> TokenSource for Arc<T> {
    fn token(&self) -> TokenFuture<'_> {
        (**self).token()
    }

    fn invalidate(&self, refused: &AccessToken) {
        (**self).invalidate(refused);
    }
}

/// One token, given from outside. When the service refuses it, there is no other.
#[derive(Clone, Debug)]
pub struct FixedToken(AccessToken);

impl FixedToken {
    /// Of the text of a token.
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
