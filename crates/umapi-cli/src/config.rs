//! The configuration: profiles of organizations, and how to log in to each of them.

mod access;
mod file;
mod profile;
mod secret;

pub(crate) use access::{Access, Origin};
pub(crate) use file::ConfigFile;
pub(crate) use profile::Profile;
pub(crate) use secret::{Keyring, SecretSource};
