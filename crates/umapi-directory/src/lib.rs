#![doc = include_str!("../README.md")]

mod changes;
#[cfg(feature = "_cloud")]
#[allow(dead_code, unused_imports, reason = "each kind uses a part")]
mod cloud;
mod directory;
#[cfg(feature = "entra")]
mod entra;
#[cfg(feature = "exec")]
mod exec;
mod extent;
#[cfg(feature = "file")]
mod file;
#[cfg(feature = "google")]
mod google;
#[cfg(any(feature = "_cloud", feature = "mirror"))]
mod group_names;
#[cfg(feature = "ldap")]
mod ldap;
#[cfg(feature = "mirror")]
mod mirror;
#[cfg(feature = "okta")]
mod okta;
mod person;
#[cfg(any(feature = "exec", feature = "file"))]
mod record;
mod settings;

pub use changes::{
    Change, ChangeFeed, Changed, Cursor, Entry, EntryKey, EntryKind, GroupEntry, Known, PersonEntry, Since,
    SinceFuture, Whole, WholeFuture,
};
pub use directory::{Directory, DirectoryError, GroupName, GroupReading, GroupSelector, Query, ReadFuture, Reading};
#[cfg(feature = "entra")]
pub use entra::{EntraCredential, EntraDirectory};
#[cfg(feature = "exec")]
pub use exec::ExecDirectory;
pub use extent::{Complete, Extent, Gap, GapCause, Partial};
#[cfg(feature = "file")]
pub use file::FileDirectory;
#[cfg(feature = "google")]
pub use google::GoogleDirectory;
#[cfg(feature = "ldap")]
pub use ldap::LdapDirectory;
#[cfg(feature = "mirror")]
pub use mirror::MirroredDirectory;
#[cfg(feature = "okta")]
pub use okta::{OktaDirectory, OktaLogin};
pub use person::{Attributes, Person, PersonId};
pub use settings::{
    AdobeSettings, DirectorySettings, EntraCloud, EntraSettings, ExecSettings, FileFormat, FileSettings,
    GoogleSettings, LdapLogin, LdapPreset, LdapSettings, MissingMembers, OktaSettings, OktaStatus, SecretSource,
};
