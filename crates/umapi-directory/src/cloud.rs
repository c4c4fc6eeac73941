//! What directories in the cloud share: an authorized client that waits when it is throttled, and lists that are read to their
//! proven end.
//!
//! How a kind uses it:
//!
//! 1. It describes its service by a [`Vendor`]: which response means "throttled", "denied", "begin anew", and which right is
//!    missing.
//! 2. It makes a [`CloudClient`] with a [`Login`]: a fixed token (`SSWS …`), or an [`OAuthClient`](umapi_auth::OAuthClient),
//!    whose token is cached, fetched once at a time, and fetched anew once when the service refuses it.
//! 3. It reads each list with [`CloudClient::each_page`]. `Ok(())` means that every page was fetched and every link to a next
//!    page was followed; anything else is a [`Failure`], which becomes a gap ([`Failure::gap`]) where something was read, and
//!    an error ([`Failure::into_error`]) where the directory cannot be used at all. A list can only be whole after
//!    `Ok(())`.
//!
//! What was read goes to a mirror, or to a [`Collector`], which makes a reading of the same entries.
//!
//! Links to next pages must lead to the same server, never twice to the same page, and end. Throttled requests wait as long as
//! the service asks, all requests of the client together at most [`MAX_WAIT`].

mod attributes;
mod client;
mod collect;
mod failure;
mod pages;

pub(crate) use attributes::Wanted;
pub(crate) use client::{CloudClient, CloudResponse, Login, MAX_WAIT, Vendor, Verdict};
pub(crate) use collect::Collector;
pub(crate) use failure::{Failure, FailureKind};
pub(crate) use pages::Next;

/// The number of requests that a directory may have in flight at once, for example for the members of several groups.
pub(crate) const CONCURRENT: usize = 8;
