//! Where state comes from: a file, or a generator.
//!
//! [`Seed`] is the file's format, in YAML or JSON; [`json_schema`] describes it. [`load`] puts a seed into a store, by the
//! functions that the management API uses too, so what breaks a rule of the service is refused with the place and the rule.
//! [`Generate`] makes an organization of any size: the same numbers make the same organization, always.
//!
//! ```
//! use umapi_emulator::{seed::{self, Seed}, store::Store};
//!
//! let seed = Seed::from_yaml(r#"
//! organizations:
//!   - id: 1234ABCD@AdobeOrg
//!     directories:
//!       - { name: Staff, type: federated, domains: [example.com] }
//!     userGroups:
//!       - name: Design
//!     users:
//!       - { type: federatedID, email: ann@example.com, country: US, groups: [Design] }
//! "#)?;
//! let store = Store::in_memory()?;
//! seed::load(&store, &seed)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod format;
mod generator;
mod load;

use std::fmt::{self, Write as _};

pub use format::{
    Directory, DirectoryType, Domain, DomainClaim, Generate, Integration, Login, Organization, Presence, Product,
    Profile, Seed, User, UserGroup, UserStatus, UserType, json_schema,
};
pub use load::load;
pub(crate) use load::{add_directory, add_integration, add_product, add_user, add_user_group};

use crate::{engine::Rejected, store::StoreError};

/// Why a seed was not loaded. Nothing of it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// The text is no seed: its syntax, or a field that the format does not have.
    #[error("the seed at {place}: {message}")]
    Format {
        /// Line and column.
        place: String,
        /// What is wrong.
        message: String,
    },
    /// What the seed says breaks a rule.
    #[error("the seed at {place}: {message} ({code})")]
    Rule {
        /// The JSON pointer of the thing.
        place: String,
        /// The rule's code: the service's, or one that begins with `emulator.`.
        code: String,
        /// What is wrong.
        message: String,
    },
    /// The file could not be read.
    #[error("the seed {path}: {error}")]
    File {
        /// The file.
        path: String,
        /// Why not.
        #[source]
        error: std::io::Error,
    },
    /// The store could not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SeedError {
    pub(super) fn rejected(place: &Place<'_>, rejected: Rejected) -> Self {
        match rejected {
            Rejected::Store(error) => Self::Store(error),
            Rejected::Refused(refusal) => Self::rule(place, refusal.code, refusal.message),
        }
    }

    pub(super) fn rule(place: &Place<'_>, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Rule { place: place.to_string(), code: code.into(), message: message.into() }
    }
}

/// A place in a seed, as a path of keys and indices; shown as a JSON pointer. It is built on the stack, so that naming the
/// place of each of a million users costs nothing until one of them is wrong.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    Root,
    Key(&'a Place<'a>, &'a str),
    Index(&'a Place<'a>, usize),
}

impl<'a> Place<'a> {
    pub(super) fn key(&'a self, key: &'a str) -> Place<'a> {
        Place::Key(self, key)
    }

    pub(super) fn index(&'a self, index: usize) -> Place<'a> {
        Place::Index(self, index)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(parent, key) => {
                parent.fmt(f)?;
                f.write_char('/')?;
                f.write_str(&key.replace('~', "~0").replace('/', "~1"))
            }
            Self::Index(parent, index) => write!(f, "{parent}/{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_json_pointer() {
        let organizations = Place::Root.key("organizations");
        let first = organizations.index(0);
        assert_eq!(first.key("a/b~").to_string(), "/organizations/0/a~1b~0");
    }
}
