#![doc = include_str!("../README.md")]

mod assertion;
mod cached_source;
mod clock_skew;
mod credentials;
mod endpoint;
mod error;
mod login;
mod login_error;
mod oauth_client;
mod origin;
mod private_key;
mod session;
mod token;

pub use cached_source::CachedSource;
pub use clock_skew::ClockSkew;
pub use credentials::{
    Credentials, Login, OAuthServerToServer, ServiceAccount, ServiceAccountBuilder, USER_MANAGEMENT_METASCOPE,
    USER_MANAGEMENT_SCOPES, check_organization,
};
pub use endpoint::Endpoint;
pub use error::Error;
pub use oauth_client::{Assertion, OAuthClient};
pub use origin::{ConnectorFile, KeyringEntry};
pub use private_key::{KeyError, PrivateKey, certificate_thumbprint};
pub use session::{Session, SessionBuilder};
pub use token::{AccessToken, FixedToken, TokenFuture, TokenSource};
pub use umapi_http::{
    AttemptFailure, FailedAttempt, HttpClient, HttpOptions, InvalidSetting, Proxy, RetryPolicy, Secret, StandardRetry,
};
pub use umapi_time::{Clock, Instant};
