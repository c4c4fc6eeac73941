//! The interface of a directory: what is asked, and what was read.

use std::{
    collections::{BTreeMap, HashSet},
    pin::Pin,
};

use crate::{
    changes::ChangeFeed,
    extent::{Extent, Gap, GapCause},
    person::{Person, PersonId},
};

/// What a directory is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The groups whose members are wanted.
    pub groups: Vec<GroupSelector>,
    /// The attributes of people that are used. A directory may return more.
    pub attributes: Vec<String>,
    /// Whether everyone is wanted, or only the members of the groups.
    pub everyone: bool,
}

/// Which groups are meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GroupSelector {
    /// The group of this name, or with this distinguished name or id.
    Named(String),
    /// All groups. The caller picks those whose names match.
    All,
}

/// The name of a group in its directory, as the directory spells it.
pub type GroupName = String;

/// A group that was read.
#[derive(Clone, Debug)]
pub struct GroupReading {
    /// The members, those of nested groups included.
    pub members: Extent<Vec<PersonId>>,
    /// Where the directory shows the group: a distinguished name, a line of a file.
    pub place: String,
}

/// What was read of a directory.
#[derive(Clone, Debug)]
#[must_use]
pub struct Reading {
    /// The number of people that were handed on, and whether these are all that the query wants.
    pub people: Extent<usize>,
    /// The groups, by the name that the query gives them. A group that is not there is [`Extent::Missing`].
    pub groups: BTreeMap<GroupName, GroupReading>,
    /// Whether all groups were listed. It says nothing about a query that names its groups.
    pub group_list: Extent<()>,
    /// What the administrator should know: entries that are odd, but do no harm.
    pub notices: Vec<String>,
}

/// A directory that cannot be used as it is set up.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what}: {reason}")]
pub struct DirectoryError {
    /// What failed: `ldaps://dc1.example.com`, `people.csv, line 3`.
    pub what: String,
    /// Why.
    pub reason: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// Whether another try later may succeed. A wrong setting stays wrong.
    pub is_temporary: bool,
}

/// The future of [`Directory::read`].
pub type ReadFuture<'a> = Pin<Box<dyn Future<Output = Result<Reading, DirectoryError>> + Send + 'a>>;

/// A place where a company keeps its people and groups.
pub trait Directory: Send + Sync {
    /// Reads what a query asks for. Each person is handed to `take` once, in any order.
    ///
    /// A list that could not be read to its end is no error: its [`Extent`] says so.
    ///
    /// # Errors
    /// A directory that cannot be used as it is set up: a wrong address, a refused login, a file that is not there.
    fn read<'a>(&'a self, query: &'a Query, take: &'a mut (dyn FnMut(Person) + Send)) -> ReadFuture<'a>;

    /// The directory as one that can tell what changed, if it can.
    fn changes(&self) -> Option<&dyn ChangeFeed> {
        None
    }
}

impl Reading {
    /// What was read of a source in which each person names their groups: the people, and the members of each group that
    /// anybody names. A group of the query that nobody names is missing. With gaps, no list is whole.
    pub fn of_memberships(
        query: &Query,
        people: usize,
        members: BTreeMap<GroupName, Vec<PersonId>>,
        gaps: Vec<Gap>,
    ) -> Self {
        let spellings: HashSet<String> = members.keys().map(|name| name.to_lowercase()).collect();
        let mut groups = BTreeMap::new();
        for selector in &query.groups {
            let GroupSelector::Named(name) = selector else { continue };
            if !spellings.contains(&name.to_lowercase()) {
                let gap = Gap::new(format!("group {name}"), GapCause::NotFound).detail("nobody is in it");
                groups.insert(name.clone(), GroupReading { members: Extent::missing(gap), place: String::new() });
            }
        }
        groups.extend(members.into_iter().map(|(name, members)| {
            let members = Extent::with_gaps(members, gaps.clone());
            (name, GroupReading { members, place: String::new() })
        }));
        Self {
            people: Extent::with_gaps(people, gaps.clone()),
            groups,
            group_list: Extent::with_gaps((), gaps),
            notices: Vec::new(),
        }
    }

    /// What a directory that gave nothing at all is worth.
    pub fn missing(query: &Query, gap: &Gap) -> Self {
        let named = query.groups.iter().filter_map(|group| match group {
            GroupSelector::Named(name) => Some(name.clone()),
            GroupSelector::All => None,
        });
        let groups = named.map(|name| {
            let missing = Extent::missing(Gap { what: format!("group {name}"), ..gap.clone() });
            (name, GroupReading { members: missing, place: String::new() })
        });
        Self {
            people: Extent::missing(gap.clone()),
            groups: groups.collect(),
            group_list: Extent::missing(gap.clone()),
            notices: Vec::new(),
        }
    }
}

impl DirectoryError {
    /// An error of a setting, which stays until the setting is changed.
    pub fn setting(what: impl Into<String>, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), reason: reason.into(), remedy: Some(remedy.into()), is_temporary: false }
    }
}
