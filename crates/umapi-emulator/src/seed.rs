//! Seeds: the initial state of an emulator, from a file or a generator.
//!
//! [`Seed`] is the format of the file, in YAML or JSON; [`json_schema`] describes it. [`load()`] writes a seed to a
//! store, with the same functions as the management API, so a value that breaks a rule of the service is rejected with
//! its path and the rule. [`Generate`] generates an organization of any size: the same numbers always generate the same
//! organization.
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

mod export;
mod format;
mod generator;
mod load;
pub(crate) mod mistake;

use std::fmt::{self, Write as _};

pub(crate) use export::{directory as directory_seed, export, integration as integration_seed, user as user_seed};
pub(crate) use format::options as yaml_options;
pub use format::{
    Directory, DirectoryType, Domain, DomainClaim, Generate, Integration, Login, Organization, Presence, Product,
    Profile, Seed, User, UserGroup, UserStatus, UserType, json_schema,
};
pub use load::load;
pub(crate) use load::{add_directory, add_integration, add_product, add_user, add_user_group};

use crate::{engine::EngineError, store::StoreError};

/// The error of a seed that was not loaded. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// The text is not a seed: a syntax error, or a field that the format does not have.
    #[error("invalid seed at {location}: {message}")]
    Format {
        /// The file, if it is one, with line and column.
        location: String,
        /// What is wrong.
        message: String,
    },
    /// A value in the seed breaks a rule.
    #[error("invalid seed at {pointer}: {message} ({code})")]
    Rule {
        /// The JSON pointer of the value.
        pointer: String,
        /// The code of the rule: the service's, or one that begins with `emulator.`.
        code: String,
        /// What is wrong.
        message: String,
    },
    /// The file could not be read.
    #[error("cannot read the seed file {path}: {error}")]
    File {
        /// The file.
        path: String,
        /// The reason.
        #[source]
        error: std::io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SeedError {
    fn of_mistake(mistake::Mistake { location, message }: mistake::Mistake) -> Self {
        Self::Format { location, message }
    }

    pub(super) fn new(path: &SeedPath<'_>, error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => Self::Store(error),
            EngineError::Rejected(rejection) => Self::rule(path, rejection.code, rejection.message),
        }
    }

    pub(super) fn rule(path: &SeedPath<'_>, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Rule { pointer: path.to_string(), code: code.into(), message: message.into() }
    }
}

/// A path of keys and indices in a seed, displayed as a JSON pointer. It is built on the stack, so that it costs nothing
/// for each of a million users until one of them is wrong.
#[derive(Debug, Clone, Copy)]
pub(super) enum SeedPath<'a> {
    Root,
    Key(&'a SeedPath<'a>, &'a str),
    Index(&'a SeedPath<'a>, usize),
}

impl<'a> SeedPath<'a> {
    pub(super) fn key(&'a self, key: &'a str) -> SeedPath<'a> {
        SeedPath::Key(self, key)
    }

    pub(super) fn index(&'a self, index: usize) -> SeedPath<'a> {
        SeedPath::Index(self, index)
    }
}

impl fmt::Display for SeedPath<'_> {
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
    fn a_path_is_displayed_as_a_json_pointer() {
        let organizations = SeedPath::Root.key("organizations");
        let first = organizations.index(0);
        assert_eq!(first.key("a/b~").to_string(), "/organizations/0/a~1b~0");
    }
}
