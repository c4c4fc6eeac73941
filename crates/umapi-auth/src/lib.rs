#![doc = include_str!("../README.md")]

mod assertion;
mod cached_source;
mod credentials;
mod endpoint;
mod error;
mod exchange;
mod origin;
mod private_key;
mod redaction;
mod refusal;
mod retry;
mod secret;
mod session;
mod skew;
mod token;
mod transport;

pub use cached_source::CachedSource;
pub use credentials::{
    Credentials, Login, OAuthServerToServer, ServiceAccount, ServiceAccountBuilder, USER_MANAGEMENT_METASCOPE,
    USER_MANAGEMENT_SCOPES,
};
pub use endpoint::Endpoint;
pub use error::Error;
pub use private_key::{KeyError, PrivateKey};
pub use retry::RetryPolicy;
pub use secret::Secret;
pub use session::{Session, SessionBuilder};
pub use skew::ClockSkew;
pub use token::{AccessToken, FixedToken, TokenFuture, TokenSource};
pub use transport::Proxy;
pub use umapi_time::{Clock, Instant};
