//! The configuration: profiles of organizations, and how to log in to each of them.

mod access;
mod field;
mod file;
mod keyring;
mod profile;
mod secret;
mod shared;
mod value;

pub(crate) use access::{Access, Origin, permission_warnings, roots_of_environment};
pub(crate) use field::ProfileField;
pub(crate) use file::{ConfigFile, quote};
pub(crate) use keyring::Keyring;
pub(crate) use profile::{ConnectorFailure, LoginKind, Profile, ProfileInUse, connector_credentials};
pub(crate) use secret::{SecretPlace, SecretSource, TextSource};
pub(crate) use shared::{Shared, SharedSection};
pub(crate) use value::{PRODUCTION, check_variable, read_root_certificates, without_login};
