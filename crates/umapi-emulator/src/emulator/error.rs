use std::io;
use std::net::SocketAddr;

use crate::limits::LimitError;
use crate::seed::SeedError;
use crate::store::StoreError;
use crate::tls::TlsError;

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The seed is none, or breaks a rule.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// There is no organization: the seed has none, or the data file.
    #[error("there is no organization: give the seed at least one under `organizations`")]
    NoOrganization,
    /// Neither HTTP nor HTTPS is to be spoken.
    #[error("neither HTTP nor HTTPS is on: give a port to at least one of them")]
    NoPort,
    /// The data file cannot be used, or the database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The limits name something that is not there.
    #[error(transparent)]
    Limits(#[from] LimitError),
    /// There is no TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A port could not be opened.
    #[error("{address} cannot be listened on: {error}; port 0 takes any that is free")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// The description that is compiled in cannot be used.
    #[error("the description cannot be compiled: {0}")]
    Description(String),
    /// The work of starting was given up, since the runtime ends.
    #[error("the runtime ended while the emulator started")]
    Interrupted,
}

/// Why there is no access token without a login.
#[derive(Debug, thiserror::Error)]
#[error("there is no access token: {0}")]
pub struct TokenError(pub(super) String);
