use std::io;
use std::path::PathBuf;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A name is none that a certificate can hold.
    #[error("{name:?} cannot be in a certificate: give a host name or an IP address")]
    Name {
        /// The name.
        name: String,
    },
    /// The authority's folder cannot be used.
    #[error("the certificate authority in {path}: {error}")]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// The authority's folder holds something else.
    #[error("the certificate authority in {path} cannot be read: {reason}; remove the folder to have a new one made")]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A key or certificate could not be made.
    #[error("no certificate could be made: {reason}")]
    Make {
        /// Why not.
        reason: String,
    },
    /// The TLS library did not take what was made.
    #[error("TLS cannot start: {reason}")]
    Start {
        /// Why not.
        reason: String,
    },
}
