//! Compares a plan with what user-sync would do, by the log of `user_sync --test-mode`.

mod log;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

pub use self::log::{LogShape, PeerLog};
use self::log::{PeerAction, PeerChange};
use crate::plan::{Action, Plan};

/// A change that both tools would make, or one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// The organization, by its name in the configuration.
    pub org: String,
    /// The user. `None` for a new group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What is done: `create-user`, `update-user`, `add`, `remove`, `leave`, `delete-account`, `create-group`.
    pub action: &'static str,
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Who would do it.
    pub who: Who,
    /// Why, as this plan says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The line of the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// Who would make a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// Both.
    Both,
    /// Only `umapi sync`.
    OnlyUmapi,
    /// Only user-sync.
    OnlyUserSync,
    /// `umapi sync` would. The log does not tell whether user-sync would.
    Unknown,
}

impl Who {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::OnlyUmapi => "only umapi",
            Self::OnlyUserSync => "only user-sync",
            Self::Unknown => "not logged",
        }
    }
}

/// A change, as both sides are compared by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    org: String,
    user: Option<usize>,
    action: &'static str,
    group: Option<String>,
}

/// Users of both sides, by any of their names.
#[derive(Default)]
struct Users {
    by_name: HashMap<String, usize>,
    shown: Vec<String>,
}

impl Users {
    /// The number of a user with these names. The first name is shown.
    fn number(&mut self, names: &[&str]) -> usize {
        let names: Vec<String> = names.iter().filter(|name| !name.is_empty()).map(|name| fold(name)).collect();
        let known = names.iter().find_map(|name| self.by_name.get(name)).copied();
        let number = known.unwrap_or_else(|| {
            self.shown.push(names.first().cloned().unwrap_or_default());
            self.shown.len() - 1
        });
        for name in names {
            self.by_name.entry(name).or_insert(number);
        }
        number
    }
}

/// Compares a plan with a log. `primary` is the name of the primary organization in the configuration.
pub fn compare(plan: &Plan, log: &PeerLog, primary: &str) -> Vec<Compared> {
    let mut users = Users::default();
    let mut ours: BTreeMap<Key, String> = BTreeMap::new();
    for org in &plan.orgs {
        for change in &org.changes {
            let user = change.user.as_ref().map(|user| {
                let email = match &change.action {
                    Action::CreateUser { email, .. } => Some(email.as_str()),
                    _ => user.email.as_deref(),
                };
                users.number(&[&user.name, email.unwrap_or_default()])
            });
            let (action, group) = match &change.action {
                Action::CreateGroup { group } => ("create-group", Some(group.as_str())),
                Action::CreateUser { .. } => ("create-user", None),
                Action::UpdateUser { .. } => ("update-user", None),
                Action::Add { group, .. } => ("add", Some(group.as_str())),
                Action::Remove(removal) => ("remove", Some(removal.group())),
                Action::RemoveFromOrg(departure) if departure.deletes_account() => ("delete-account", None),
                Action::RemoveFromOrg(_) => ("leave", None),
            };
            let key = Key { org: org.org.clone(), user, action, group: group.map(fold) };
            ours.insert(key, change.reason.to_string());
        }
    }
    let mut theirs: BTreeMap<Key, u64> = BTreeMap::new();
    // Users from whom user-sync takes groups that the log does not name, and new users whose groups it does not name.
    let (mut any_removal, mut unknown_adds) = (BTreeMap::new(), BTreeSet::new());
    for PeerChange { line, org, names, action } in log.changes() {
        let org = org.as_deref().unwrap_or(primary).to_owned();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let user = (!names.is_empty()).then(|| users.number(&names));
        let key = |action, group: Option<&String>| Key {
            org: org.clone(),
            user,
            action,
            group: group.map(|group| fold(group)),
        };
        match action {
            PeerAction::CreateGroup(group) => {
                theirs.insert(key("create-group", Some(group)), *line);
            }
            PeerAction::Create { knows_groups } => {
                if !knows_groups {
                    unknown_adds.insert((org.clone(), user));
                }
                theirs.insert(key("create-user", None), *line);
            }
            PeerAction::Update => {
                theirs.insert(key("update-user", None), *line);
            }
            PeerAction::Groups { added, removed } => {
                theirs.extend(added.iter().map(|group| (key("add", Some(group)), *line)));
                theirs.extend(removed.iter().map(|group| (key("remove", Some(group)), *line)));
            }
            PeerAction::TakeGroups => {
                any_removal.insert((org.clone(), user), *line);
            }
            PeerAction::Leave => {
                theirs.insert(key("leave", None), *line);
            }
            PeerAction::Delete => {
                theirs.insert(key("delete-account", None), *line);
            }
        }
    }
    // Someone who leaves the organization leaves its groups, whether that is told or not.
    let leaves = |key: &&Key| matches!(key.action, "leave" | "delete-account");
    let leaving: BTreeMap<_, u64> =
        theirs.iter().filter(|(key, _)| leaves(key)).map(|(key, line)| ((key.org.clone(), key.user), *line)).collect();
    let mut compared = Vec::new();
    let mut matched = BTreeSet::new();
    let mut push = |key: &Key, who, reason: Option<String>, line| {
        let user = key.user.and_then(|user| users.shown.get(user).cloned());
        compared.push(Compared {
            org: key.org.clone(),
            user,
            action: key.action,
            group: key.group.clone(),
            who,
            reason,
            line,
        });
    };
    for (key, reason) in &ours {
        let place = (key.org.clone(), key.user);
        let (who, line) = match theirs.remove(key) {
            Some(line) => (Who::Both, Some(line)),
            None if key.action == "remove" && any_removal.contains_key(&place) => {
                let line = any_removal.get(&place).copied();
                matched.insert(place);
                (Who::Both, line)
            }
            None if key.action == "remove" && leaving.contains_key(&place) => (Who::Both, leaving.get(&place).copied()),
            None if key.action == "add" && unknown_adds.contains(&place) => (Who::Unknown, None),
            // Without the messages of this level, nobody knows what user-sync would do.
            None if log.shape() != LogShape::Whole => (Who::Unknown, None),
            None => (Who::OnlyUmapi, None),
        };
        push(key, who, Some(reason.clone()), line);
    }
    for (key, line) in &theirs {
        push(key, Who::OnlyUserSync, None, Some(*line));
    }
    for ((org, user), line) in any_removal.iter().filter(|(place, _)| !matched.contains(*place)) {
        let key = Key { org: org.clone(), user: *user, action: "remove", group: None };
        push(&key, Who::OnlyUserSync, None, Some(*line));
    }
    compared.sort_by(|a, b| (&a.org, &a.user, a.action, &a.group).cmp(&(&b.org, &b.user, b.action, &b.group)));
    compared
}

/// user-sync compares names in lower case, without blanks around them.
fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests;
