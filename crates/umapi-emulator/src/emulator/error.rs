//! The error of an emulator that cannot start.

use std::{io, net::SocketAddr};

use crate::{limits::LimitError, seed::SeedError, store::StoreError, tls::TlsError};

/// The error of starting an emulator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The seed is invalid.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// Neither the seed nor the data file has an organization.
    #[error("the seed has no organization: add at least one under `organizations`")]
    NoOrganization,
    /// Both HTTP and HTTPS are off.
    #[error("both HTTP and HTTPS are off: enable at least one of them")]
    NoPort,
    /// The data file is not usable, or the database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The limits are invalid.
    #[error(transparent)]
    Limits(#[from] LimitError),
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A port could not be opened.
    #[error("cannot listen on {address}: {error}; use port 0 for any free port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The reason.
        #[source]
        error: io::Error,
    },
    /// The built-in description cannot be compiled.
    #[error("cannot compile the description: {0}")]
    Description(String),
    /// The runtime stopped while the emulator started.
    #[error("the runtime stopped while the emulator started")]
    Interrupted,
}

/// The error of issuing an access token without a login.
#[derive(Debug, thiserror::Error)]
#[error("cannot issue an access token: {0}")]
pub struct TokenError(pub(super) String);
