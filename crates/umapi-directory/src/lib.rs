#![doc = include_str!("../README.md")]

mod directory;
mod extent;
mod person;
mod settings;

pub use directory::{Directory, DirectoryError, GroupName, GroupReading, GroupSelector, Query, ReadFuture, Reading};
pub use extent::{Complete, Extent, Gap, GapCause, Partial};
pub use person::{Attributes, Person, PersonId};
pub use settings::{
    AdobeSettings, DirectorySettings, ExecSettings, FileFormat, FileSettings, LdapLogin, LdapPreset, LdapSettings,
    SecretSource,
};
