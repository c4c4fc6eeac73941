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

mod error;
mod format;
mod generator;
mod load;

pub use error::SeedError;
pub use format::{
    Directory, DirectoryType, Domain, DomainClaim, Generate, Integration, Login, Organization, Presence, Product,
    Profile, Seed, User, UserGroup, UserStatus, UserType, json_schema,
};
pub use load::load;
pub(crate) use load::{add_directory, add_integration, add_product, add_user, add_user_group};
