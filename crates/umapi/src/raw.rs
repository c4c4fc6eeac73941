//! The generated methods of the layer below, and the HTTP library that they use.
//!
//! Nothing here has rate limits, retries or outcomes, except [`Client::request`](crate::Client::request), which sends any
//! request like this crate sends its own. Types of `reqwest` appear only in this module and in
//! [`HttpClient::from_reqwest`](crate::HttpClient::from_reqwest).
//!
//! With the feature `mock`, unit tests answer requests without a service, with typed mocks and the version of `httpmock` that
//! fits them:
//!
//! ```
//! # #[cfg(feature = "mock")]
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use umapi::{
//!     Client,
//!     auth::FixedToken,
//!     model::{User, UserResponse},
//!     raw::mock::{UserManagementMockExt, httpmock::MockServer},
//! };
//!
//! let server = MockServer::start_async().await;
//! let ann = server.get_user(|when, then| {
//!     when.org_id("12345@AdobeOrg").user_string("ann@example.com");
//!     then.ok(&UserResponse::new("success").with_user(User::default().with_country("DE")));
//! });
//! let client = Client::builder("12345@AdobeOrg")
//!     .token_source("client id", FixedToken::new("access token"))
//!     .base_url(server.base_url())
//!     .build()
//!     .unwrap();
//! let found = client.users().get("ann@example.com").await.unwrap().unwrap();
//! assert_eq!(found.country.as_deref(), Some("DE"));
//! ann.assert();
//! # });
//! ```
//!
//! An error has a body of one of several shapes; `into` makes it of each:
//!
//! ```
//! # #[cfg(feature = "mock")]
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # use umapi::{Client, auth::FixedToken, raw::mock::{UserManagementMockExt, httpmock::MockServer}};
//! use umapi::model::{ErrorCode, ServiceError};
//!
//! # let server = MockServer::start_async().await;
//! # let client = Client::builder("12345@AdobeOrg")
//! #     .token_source("client id", FixedToken::new("access token"))
//! #     .base_url(server.base_url())
//! #     .build()
//! #     .unwrap();
//! server.get_user(|when, then| {
//!     when.user_string("bob@example.com");
//!     then.not_found(&ServiceError::new(ErrorCode::UserNotFound).into());
//! });
//! assert_eq!(client.users().get("bob@example.com").await.unwrap(), None);
//! # });
//! ```

mod request;

pub use request::{Request, Response};
pub use reqwest;
pub use umapi_raw::*;
