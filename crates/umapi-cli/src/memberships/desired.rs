//! The memberships that a file asks for.

use std::collections::{BTreeMap, HashMap};

use crate::input::{Diagnostic, SourceLocation, check_name};

/// The memberships that a file asks for: complete lists of the members of groups, and of the groups of users.
#[derive(Debug, Default)]
pub(crate) struct Desired {
    /// By folded name.
    pub(crate) groups: BTreeMap<String, DesiredList>,
    /// By folded name.
    pub(crate) users: BTreeMap<String, DesiredList>,
}

/// A group with all its members, or a user with all their groups.
#[derive(Debug)]
pub(crate) struct DesiredList {
    pub(crate) name: LocatedName,
    /// By folded name.
    pub(crate) items: HashMap<String, LocatedName>,
}

/// A name, and its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocatedName {
    pub(crate) text: String,
    pub(crate) location: SourceLocation,
}

/// Whether an entry of the file lists the members of a group or the groups of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListKind {
    Group,
    User,
}

/// The form in which names and addresses are compared: without regard to case, as the service does.
pub(crate) fn fold(name: &str) -> String {
    name.to_lowercase()
}

impl Desired {
    fn lists(&mut self, kind: ListKind) -> &mut BTreeMap<String, DesiredList> {
        match kind {
            ListKind::Group => &mut self.groups,
            ListKind::User => &mut self.users,
        }
    }

    /// Begins a list. A second list of the same name is a mistake, unless the format allows it to continue the first.
    pub(crate) fn begin(
        &mut self,
        kind: ListKind,
        name: LocatedName,
        may_continue: bool,
    ) -> Result<&mut DesiredList, Diagnostic> {
        name.check()?;
        let key = fold(&name.text);
        let lists = self.lists(kind);
        if let Some(first) = lists.get(&key).filter(|_| !may_continue) {
            let rule = format!("`{}` has a list already, on {}", name.text, first.name.location);
            return Err(Diagnostic::new(name.location, rule)
                .remedy("put everything into one list; letter case makes no difference"));
        }
        Ok(lists.entry(key).or_insert_with(|| DesiredList { name, items: HashMap::new() }))
    }

    /// The contradictions: memberships that are in one list and missing from the other one that should have them.
    pub(crate) fn contradictions(&self) -> Vec<Diagnostic> {
        let mut mistakes = one_sided(&self.groups, &self.users);
        mistakes.extend(one_sided(&self.users, &self.groups));
        mistakes.sort_by_key(|mistake| mistake.location.line);
        mistakes
    }
}

/// Items of lists whose own list does not name the list they are in.
fn one_sided(lists: &BTreeMap<String, DesiredList>, others: &BTreeMap<String, DesiredList>) -> Vec<Diagnostic> {
    let mut mistakes = Vec::new();
    for (key, list) in lists {
        for (item_key, item) in &list.items {
            let Some(other) = others.get(item_key).filter(|other| !other.items.contains_key(key)) else { continue };
            let rule = format!(
                "`{}` is in the list of `{}`, but the list of `{}` on {} does not have `{}`",
                item.text, list.name.text, other.name.text, other.name.location, list.name.text
            );
            let mistake = Diagnostic::new(item.location.clone(), rule);
            mistakes.push(mistake.remedy("both lists are complete: put the membership into both or into neither"));
        }
    }
    mistakes
}

impl DesiredList {
    /// Adds an item, if it is not in the list.
    pub(crate) fn push(&mut self, item: LocatedName) -> Result<(), Diagnostic> {
        item.check()?;
        self.items.entry(fold(&item.text)).or_insert(item);
        Ok(())
    }
}

impl LocatedName {
    pub(crate) fn new(text: impl Into<String>, location: SourceLocation) -> Self {
        Self { text: text.into(), location }
    }

    fn check(&self) -> Result<(), Diagnostic> {
        check_name(&self.text)
            .map_err(|rule| Diagnostic::new(self.location.clone(), rule).remedy("correct the name, or delete it"))
    }
}
