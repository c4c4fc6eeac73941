//! Which memberships are wanted, as a file says.

mod document;
mod table;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::Path,
};

use crate::failure::{Failure, Result};

/// Which memberships are wanted: complete lists of the members of groups, and of the groups of users.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// By name in the form in which names are compared.
    pub(crate) groups: BTreeMap<String, List>,
    pub(crate) users: BTreeMap<String, List>,
}

/// A group with all its members, or a user with all their groups.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) name: Name,
    /// By name in the form in which names are compared.
    pub(crate) items: HashMap<String, Name>,
}

/// A name, and where in the file it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) text: String,
    place: Place,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    line: u64,
    /// 0 if it is not known.
    column: u64,
}

/// What is complete in an entry of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root {
    Group,
    User,
}

/// What is wrong in a file.
#[derive(Debug)]
pub(crate) struct Mistake {
    place: Place,
    rule: String,
    remedy: &'static str,
}

/// The form in which names and addresses are compared: without regard to case, as the service does.
pub(crate) fn fold(name: &str) -> String {
    name.to_lowercase()
}

impl Wanted {
    /// Reads the file: YAML, JSON or CSV, as its name says.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let unusable = || Failure::usage(format!("{}: the memberships cannot be read", path.display()));
        let text = match path {
            path if path == Path::new("-") => std::io::read_to_string(std::io::stdin()),
            path => std::fs::read_to_string(path),
        };
        let text =
            text.map_err(|error| unusable().why(error).remedy("check the path; `-` is stdin, in YAML or JSON"))?;
        let is_table = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        Self::of_text(is_table, &text).map_err(|mistake| unusable().why(&mistake).remedy(mistake.remedy))
    }

    /// Reads the text of such a file: CSV is a table.
    pub(crate) fn of_text(is_table: bool, text: &str) -> Result<Self, Mistake> {
        let text = text.trim_start_matches('\u{feff}');
        let wanted = if is_table { table::read(text) } else { document::read(text) }?;
        wanted.check().map(|()| wanted)
    }

    fn lists(&mut self, root: Root) -> &mut BTreeMap<String, List> {
        match root {
            Root::Group => &mut self.groups,
            Root::User => &mut self.users,
        }
    }

    /// Begins a list. One that is there already is a mistake, unless the form allows it to go on.
    fn begin(&mut self, root: Root, name: Name, may_go_on: bool) -> Result<&mut List, Mistake> {
        name.check()?;
        let key = fold(&name.text);
        let lists = self.lists(root);
        if let Some(first) = lists.get(&key).filter(|_| !may_go_on) {
            return Err(Mistake {
                place: name.place,
                rule: format!("`{}` is there already, on line {}", name.text, first.name.place.line),
                remedy: "put all of it into one list; letter case makes no difference",
            });
        }
        Ok(lists.entry(key).or_insert_with(|| List { name, items: HashMap::new() }))
    }

    /// A membership that one list has and another one leaves out cannot be wanted.
    fn check(&self) -> Result<(), Mistake> {
        for (group_key, group) in &self.groups {
            for (user_key, member) in &group.items {
                if let Some(user) = self.users.get(user_key)
                    && !user.items.contains_key(group_key)
                {
                    return Err(contradiction(member, &group.name, &user.name));
                }
            }
        }
        for (user_key, user) in &self.users {
            for (group_key, item) in &user.items {
                if let Some(group) = self.groups.get(group_key)
                    && !group.items.contains_key(user_key)
                {
                    return Err(contradiction(item, &user.name, &group.name));
                }
            }
        }
        Ok(())
    }
}

fn contradiction(item: &Name, listed: &Name, other: &Name) -> Mistake {
    Mistake {
        place: item.place,
        rule: format!(
            "`{}` is in the list of `{}`, but not the other way round in that of `{}` on line {}",
            item.text, listed.text, other.text, other.place.line
        ),
        remedy: "both lists are complete, so put the membership into both or into none",
    }
}

impl List {
    /// Adds an item; twice the same is once.
    fn push(&mut self, name: Name) -> Result<(), Mistake> {
        name.check()?;
        self.items.entry(fold(&name.text)).or_insert(name);
        Ok(())
    }
}

impl Name {
    fn check(&self) -> Result<(), Mistake> {
        match self.text.trim().is_empty() {
            true => Err(Mistake {
                place: self.place,
                rule: "a name is empty".to_owned(),
                remedy: "write it, or take it out",
            }),
            false => Ok(()),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place { line: 0, .. } => {}
            Place { line, column: 0 } => write!(f, "line {line}: ")?,
            Place { line, column } => write!(f, "line {line}, column {column}: ")?,
        }
        f.write_str(&self.rule)
    }
}

#[cfg(test)]
mod tests;
