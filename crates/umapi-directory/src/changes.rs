//! Directories that can tell what changed since they were read.
//!
//! A mirror (`mirror.rs`) keeps what such a directory said: entries under keys that stay, and a [`Cursor`] up to which the
//! changes are in it. Removals need proof here as everywhere: the mirror begins with a read of everything that was whole,
//! and each later list of changes was read to its end. Whatever does not fit makes the directory [say](Since::Anew) that
//! everything must be read again; a mirror is never a mixture of both.

use std::{collections::BTreeMap, fmt, pin::Pin, sync::Arc};

use crate::{
    directory::{DirectoryError, GroupName, Query},
    extent::{Gap, GapCause},
    person::Person,
};

/// The key of an entry, which stays when the entry is renamed or moved: `objectGUID`, the id of a cloud directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryKey(Arc<str>);

/// Up to where the changes of a directory were read: a cookie, a link, a time. Only its directory understands it. It may
/// give access to the directory, so it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(String);

/// What a directory holds under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A person.
    Person(PersonEntry),
    /// A group.
    Group(GroupEntry),
    /// Something that can be a member of a group and counts for nothing: a contact, a device, a name that leads nowhere.
    Other,
}

/// A person, as a mirror keeps them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonEntry {
    /// The person.
    pub person: Person,
    /// Whether the list of all people holds the person. The others count only as members of groups.
    pub is_listed: bool,
    /// Groups that the person names, and that do not name the person, by a label of the directory's choice such as
    /// `primary group 513`. Only those who are listed have some.
    pub labels: Vec<String>,
}

/// A group, as a mirror keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupEntry {
    /// The name.
    pub name: GroupName,
    /// Where the directory shows it.
    pub place: String,
    /// Whether it can be found by its name. The others count only as members of groups.
    pub is_listed: bool,
    /// Its direct members: people, groups and others.
    pub members: Vec<EntryKey>,
    /// The people with one of these labels are members, too.
    pub labels: Vec<String>,
    /// Why these are not all members. A cause that [passes](GapCause::is_lasting) makes a read unfit for a mirror.
    pub gaps: Vec<Gap>,
}

/// A change of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The entry is new, or is now as told, members included.
    Put(EntryKey, Entry),
    /// The group has another name or place. Its members stay.
    Renamed {
        /// The group.
        group: EntryKey,
        /// The name.
        name: GroupName,
        /// Where the directory shows it.
        place: String,
    },
    /// Some direct members of a group were added or removed.
    Members {
        /// The group.
        group: EntryKey,
        /// Members from now on.
        added: Vec<EntryKey>,
        /// No members any more.
        removed: Vec<EntryKey>,
    },
    /// The entry does not exist any more, or does not count any more. It leaves all groups.
    Gone(EntryKey),
}

/// What a directory says after it was read as a whole.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Whole {
    /// Where changes begin that may be missing in what was read: it is taken before the first entry. `None`: the changes of
    /// this query cannot be told, and a notice says why.
    pub cursor: Option<Cursor>,
    /// Why these are not all people.
    pub people: Vec<Gap>,
    /// Why these are not all groups. No group is whole then: another one may have its name.
    pub group_list: Vec<Gap>,
    /// Groups of the query that could not be searched to the end.
    pub unread: BTreeMap<GroupName, Gap>,
    /// What the administrator should know.
    pub notices: Vec<String>,
}

/// What a directory says after it was asked for changes.
#[derive(Clone, Debug)]
#[must_use]
pub enum Since {
    /// The changes were handed on, all of them.
    Changed(Changed),
    /// The directory cannot tell the changes since then: everything must be read anew, because of this.
    Anew(String),
    /// The changes could not be read to their end; a later try may succeed.
    Failed(Gap),
}

/// All changes were read.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Up to here.
    pub cursor: Cursor,
    /// Why somebody may be missing in the list of people. Deletions that the directory does not tell do not count:
    /// those people stay in the list until everything is read again. That is worth a notice.
    pub people: Vec<Gap>,
    /// Why a group may be missing.
    pub group_list: Vec<Gap>,
    /// What the administrator should know.
    pub notices: Vec<String>,
}

/// What a mirror knows already.
pub trait Known: Send + Sync {
    /// What is kept under a key.
    fn kind(&self, key: &EntryKey) -> Option<EntryKind>;

    /// The keys of the people and groups at a place, in the form of [`ChangeFeed::folded`].
    fn at(&self, place: &str) -> Vec<EntryKey>;
}

/// A kind of entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A person.
    Person,
    /// A group.
    Group,
    /// Something else.
    Other,
}

/// The future of [`ChangeFeed::read_whole`].
pub type WholeFuture<'a> = Pin<Box<dyn Future<Output = Result<Whole, DirectoryError>> + Send + 'a>>;

/// The future of [`ChangeFeed::read_changes`].
pub type SinceFuture<'a> = Pin<Box<dyn Future<Output = Result<Since, DirectoryError>> + Send + 'a>>;

/// A directory that can tell what changed.
pub trait ChangeFeed: Send + Sync {
    /// Everything that decides what a read returns, besides the content of the directory: settings and query. A mirror that
    /// was made with another one is not used.
    fn basis(&self, query: &Query) -> String;

    /// The form in which places and names are compared.
    fn folded(&self, name: &str) -> String {
        name.to_lowercase()
    }

    /// Reads everything that the query asks for, and every group below its groups. Each entry is handed to `take`, in any
    /// order; the last one of a key counts.
    ///
    /// # Errors
    /// As [`crate::Directory::read`].
    fn read_whole<'a>(&'a self, query: &'a Query, take: &'a mut (dyn FnMut(EntryKey, Entry) + Send))
    -> WholeFuture<'a>;

    /// Reads what changed since the cursor, in the order in which it applies. A member of a group that neither the mirror
    /// knows nor a change tells makes the caller read everything.
    ///
    /// # Errors
    /// As [`crate::Directory::read`].
    fn read_changes<'a>(
        &'a self,
        query: &'a Query,
        since: &'a Cursor,
        known: &'a dyn Known,
        take: &'a mut (dyn FnMut(Change) + Send),
    ) -> SinceFuture<'a>;
}

impl EntryKey {
    /// A key from its text.
    pub fn new(key: impl AsRef<str>) -> Self {
        Self(key.as_ref().into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Cursor {
    /// A cursor from its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cursor(…)")
    }
}

impl GapCause {
    /// Whether the gap lasts until somebody changes something, such as rights. Others may be gone with the next read.
    pub fn is_lasting(self) -> bool {
        match self {
            Self::Refused
            | Self::Referral
            | Self::NotFound
            | Self::Ambiguous
            | Self::Unreadable
            | Self::Unidentified => true,
            Self::SizeLimit
            | Self::TimeLimit
            | Self::Interrupted
            | Self::Emptied
            | Self::Shrunk
            | Self::Moved
            | Self::Throttled
            | Self::Unreachable => false,
        }
    }
}
