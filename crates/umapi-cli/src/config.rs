//! The configuration: which organizations there are, and how to log in to each.

mod access;
mod file;
mod keyring;
mod place;
mod profile;
mod secret_source;

pub(crate) use access::{Access, Origin};
pub(crate) use file::ConfigFile;
pub(crate) use keyring::Keyring;
pub(crate) use profile::Profile;
pub(crate) use secret_source::SecretSource;
