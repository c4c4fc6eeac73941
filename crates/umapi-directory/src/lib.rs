#![doc = include_str!("../README.md")]

mod directory;
mod extent;
mod person;

pub use directory::{Directory, DirectoryError, GroupName, GroupReading, GroupSelector, Query, ReadFuture, Reading};
pub use extent::{Complete, Extent, Gap, GapCause, Partial};
pub use person::{Attributes, Person, PersonId};
