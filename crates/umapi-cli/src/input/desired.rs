//! The memberships that a file asks for.

use std::collections::BTreeMap;

use umapi::plan::account::FoldedName;

use super::{Diagnostic, SourceLocation, check_name};
use crate::accounts::UserQuery;

/// The memberships that a file asks for: complete lists of the members of groups, and of the groups of users.
#[derive(Debug, Default)]
pub(crate) struct Desired {
    /// By folded name of the group.
    pub(crate) groups: BTreeMap<FoldedName, DesiredGroup>,
    /// By folded name, type and domain of the user.
    pub(crate) users: BTreeMap<UserQuery, DesiredUser>,
}

/// A group with all its members.
#[derive(Debug)]
pub(crate) struct DesiredGroup {
    pub(crate) group: Located<String>,
    /// By folded name, type and domain.
    pub(crate) members: BTreeMap<UserQuery, Located<UserQuery>>,
}

/// A user with all their groups.
#[derive(Debug)]
pub(crate) struct DesiredUser {
    pub(crate) user: Located<UserQuery>,
    /// By folded name.
    pub(crate) groups: BTreeMap<FoldedName, Located<String>>,
}

/// A name, and its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Located<T> {
    pub(crate) name: T,
    pub(crate) location: SourceLocation,
}

impl<T> Located<T> {
    /// A name that is not in an input file.
    pub(crate) fn unplaced(name: T) -> Self {
        Self { name, location: SourceLocation::default() }
    }
}

impl Desired {
    /// Begins the list of a group. A second list of the same group is a mistake, unless the format allows it to continue
    /// the first.
    pub(crate) fn begin_group(
        &mut self,
        group: Located<String>,
        may_continue: bool,
    ) -> Result<&mut DesiredGroup, Diagnostic> {
        group.check()?;
        let key = FoldedName::new(&group.name);
        if let Some(first) = self.groups.get(&key).filter(|_| !may_continue) {
            return Err(repeated(&group.name, group.location, &first.group.location));
        }
        Ok(self.groups.entry(key).or_insert_with(|| DesiredGroup { group, members: BTreeMap::new() }))
    }

    /// Begins the list of a user, in the same way.
    pub(crate) fn begin_user(
        &mut self,
        user: Located<UserQuery>,
        may_continue: bool,
    ) -> Result<&mut DesiredUser, Diagnostic> {
        user.check()?;
        let key = user.name.folded();
        if let Some(first) = self.users.get(&key).filter(|_| !may_continue) {
            return Err(repeated(&user.name.to_string(), user.location, &first.user.location));
        }
        Ok(self.users.entry(key).or_insert_with(|| DesiredUser { user, groups: BTreeMap::new() }))
    }
}

/// The mistake of a second list for the same group or user.
pub(crate) fn repeated(name: &str, location: SourceLocation, first: &SourceLocation) -> Diagnostic {
    Diagnostic::new(location, format!("`{name}` has a list already, on {first}"))
        .remedy("put everything into one list; letter case makes no difference")
}

impl DesiredGroup {
    /// Adds a member, if it is not in the list.
    pub(crate) fn push(&mut self, member: Located<UserQuery>) -> Result<(), Diagnostic> {
        member.check()?;
        self.members.entry(member.name.folded()).or_insert(member);
        Ok(())
    }
}

impl DesiredUser {
    /// Adds a group, if it is not in the list.
    pub(crate) fn push(&mut self, group: Located<String>) -> Result<(), Diagnostic> {
        group.check()?;
        self.groups.entry(FoldedName::new(&group.name)).or_insert(group);
        Ok(())
    }
}

impl<T> Located<T> {
    pub(crate) fn new(name: T, location: SourceLocation) -> Self {
        Self { name, location }
    }

    fn check_text(&self, text: &str) -> Result<(), Diagnostic> {
        check_name(text)
            .map_err(|rule| Diagnostic::new(self.location.clone(), rule).remedy("correct the name, or delete it"))
    }
}

impl Located<String> {
    fn check(&self) -> Result<(), Diagnostic> {
        self.check_text(&self.name)
    }
}

impl Located<UserQuery> {
    fn check(&self) -> Result<(), Diagnostic> {
        self.check_text(&self.name.name)?;
        self.name.domain.iter().try_for_each(|domain| self.check_text(domain))
    }
}
