#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "jwt")]
mod assertion;
mod cached_source;
mod clock_skew;
mod credentials;
mod endpoint;
mod error;
mod login;
mod login_error;
mod oauth_client;
mod observer;
mod origin;
#[cfg(feature = "jwt")]
mod private_key;
mod session;
mod token;

#[cfg(feature = "jwt")]
pub use assertion::Assertion;
pub use cached_source::CachedSource;
pub use clock_skew::ClockSkew;
pub use credentials::{Credentials, Login, OAuthServerToServer, USER_MANAGEMENT_SCOPES, check_organization};
#[cfg(feature = "jwt")]
pub use credentials::{ServiceAccount, ServiceAccountBuilder, USER_MANAGEMENT_METASCOPE};
pub use endpoint::Endpoint;
pub use error::Error;
pub use oauth_client::OAuthClient;
pub use observer::{LoginFinished, LoginObserver, LoginRequestFinished};
#[cfg(feature = "connector-files")]
pub use origin::{ConnectorFile, KeyringEntry};
#[cfg(feature = "jwt")]
pub use private_key::{KeyError, PrivateKey, certificate_thumbprint};
pub use session::{Session, SessionBuilder};
pub use token::{AccessToken, FixedToken, TokenFuture, TokenSource};
pub use umapi_http::{
    AttemptFailure, FailedAttempt, HttpClient, HttpOptions, InvalidSetting, Proxy, RetryPolicy, Secret, StandardRetry,
};
pub use umapi_time::{Clock, Instant};
