//! TLS: an authority of the emulator's own, and the certificates that it gives to its servers.
//!
//! Clients of the real service build `https://` addresses and cannot be told otherwise: they are made to trust this
//! authority instead.

mod authority;
mod error;
mod names;

pub use authority::Authority;
pub use error::TlsError;
pub(crate) use names::ServerNames;
