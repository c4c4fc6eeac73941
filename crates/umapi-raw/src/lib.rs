//! One method per operation of Adobe's User Management API and of its login. No pacing, no retries, no paging: that is
//! for the layer above, which joins in through a [`Hook`].
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
//! * An answer that is no success arrives as [`Error::UnexpectedResponse`] with status, headers and unread body, since
//!   the service answers with several shapes, and with none.
//! * Path parameters are encoded completely; one that cannot stand in a path (empty, `.`, `..`) is refused as
//!   [`Error::InvalidRequest`] before anything is sent.
//! * Requests are made with the [`reqwest::Client`] that is given. It should follow no redirects.
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

/// The examples of the README are tests too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
