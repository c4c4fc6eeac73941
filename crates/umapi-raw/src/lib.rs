//! One method per operation of Adobe's User Management API and of its login, without rate limiting, retries or paging: a layer
//! above adds them through a [`Hook`].
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use umapi_raw::{Client, Credential, UserManagement};
//!
//! let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
//! let client = Client::<UserManagement>::new(UserManagement::PRODUCTION, http)
//!     .with_hook(Credential::new("access token", "client id"));
//! let page = client.list_users("12345@AdobeOrg", 0, None, Some("example.com"), None).await?;
//! println!("{:?} of {:?}", page.users.len(), page.headers().get("x-total-count"));
//! # Ok(())
//! # }
//! ```
//!
//! * A response other than a success is an [`Error::UnexpectedResponse`] with status, headers and unread body, because the service
//!   sends errors in several shapes, or without a body.
//! * Path parameters are encoded completely. One that is not possible in a path (empty, `.`, `..`) is an
//!   [`Error::InvalidRequest`] before anything is sent.
//! * The given [`reqwest::Client`] sends the requests. It should not follow redirects.
//! * The feature `mock` adds typed mocks for `httpmock`, in the module `mock`.

mod client;
#[allow(clippy::all, unused_mut)]
mod generated;
mod hook;
#[cfg(feature = "mock")]
pub mod mock;
mod path;

pub use client::{Client, Ims, UserManagement, is_too_large};
pub use hook::{Credential, Hook, HookFuture, Resend};
pub use progenitor_client::{Error, ResponseValue};
pub use umapi_model as model;

/// The examples of the README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
