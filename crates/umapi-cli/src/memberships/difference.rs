//! What is to be changed so that what is wanted is.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use umapi::{Command, GroupRef, MembershipAction, MembershipChange, UserRef};

use super::{ChangeRecord, Present, record::name_of};
use crate::wanted::{List, Wanted, fold};

/// What is to be changed so that what is wanted is.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    changes: Changes,
    /// Changes to administrative groups that were not to be made.
    left_alone: Changes,
    /// Users that the file names and the organization does not have.
    pub(crate) unknown_users: BTreeSet<String>,
    /// How many memberships there are now in the lists that were compared.
    pub(crate) present: usize,
}

/// By group, user and action, in the form in which names are compared: what two lists ask for is changed once.
type Changes = BTreeMap<(String, String, MembershipAction), MembershipChange>;

impl Difference {
    /// Compares. Administrative groups count only if they are to be touched.
    pub(crate) fn between(wanted: &Wanted, present: &Present, with_administrative: bool) -> Self {
        let mut difference = Self::default();
        for (key, list) in &wanted.groups {
            difference.compare_group(key, list, present, with_administrative);
        }
        for (key, list) in &wanted.users {
            difference.compare_user(key, list, present, with_administrative);
        }
        difference
    }

    fn compare_group(&mut self, key: &str, list: &List, present: &Present, with_administrative: bool) {
        let group = present.group(key).cloned().unwrap_or_else(|| GroupRef::from(&list.name.text));
        let is_ours = with_administrative || !present.is_administrative(key);
        let members = present.members_of(key);
        let there: HashSet<&str> = members.iter().flat_map(|member| member.person.keys()).collect();
        for (user_key, name) in &list.items {
            if !there.contains(user_key.as_str()) {
                self.change(is_ours, UserRef::email(&name.text), group.clone(), MembershipAction::Add);
            }
        }
        for member in members.iter().filter(|member| member.is_direct) {
            self.present += usize::from(is_ours);
            if !member.person.is_in(&list.items) {
                self.change(is_ours, member.person.reference.clone(), group.clone(), MembershipAction::Remove);
            }
        }
    }

    fn compare_user(&mut self, key: &str, list: &List, present: &Present, with_administrative: bool) {
        let Some(holder) = present.user(key) else {
            self.unknown_users.insert(list.name.text.clone());
            return;
        };
        let user = &holder.person.reference;
        let is_ours = |group: &str| with_administrative || !present.is_administrative(group);
        let group_of = |key: &str, name: &str| present.group(key).cloned().unwrap_or_else(|| GroupRef::from(name));
        for (key, name) in &list.items {
            if !holder.groups.contains_key(key) {
                self.change(is_ours(key), user.clone(), group_of(key, &name.text), MembershipAction::Add);
            }
        }
        for (key, name) in &holder.groups {
            self.present += usize::from(is_ours(key));
            if !list.items.contains_key(key) {
                self.change(is_ours(key), user.clone(), group_of(key, name), MembershipAction::Remove);
            }
        }
    }

    fn change(&mut self, is_ours: bool, user: UserRef, group: GroupRef, action: MembershipAction) {
        let changes = if is_ours { &mut self.changes } else { &mut self.left_alone };
        changes.entry((fold(group.name()), fold(user.name()), action)).or_insert(MembershipChange {
            user,
            group,
            action,
        });
    }

    /// Leaves out everything that would be removed.
    pub(crate) fn keep_additions(&mut self) {
        self.changes.retain(|_, edge| edge.action == MembershipAction::Add);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(crate) fn additions(&self) -> usize {
        self.changes.len() - self.removals()
    }

    pub(crate) fn removals(&self) -> usize {
        self.changes.values().filter(|edge| edge.action == MembershipAction::Remove).count()
    }

    /// How many changes to administrative groups were not to be made.
    pub(crate) fn left_alone(&self) -> usize {
        self.left_alone.len()
    }

    /// The changes, in the order of groups and users.
    pub(crate) fn edges(&self) -> impl Iterator<Item = &MembershipChange> {
        self.changes.values()
    }

    /// The changes as commands on users, as `umapi run` takes them.
    pub(crate) fn commands(&self) -> Vec<Command> {
        #[derive(Default)]
        struct Groups<'a> {
            remove: Vec<&'a str>,
            add: Vec<&'a str>,
        }
        let mut by_user: BTreeMap<(&str, Option<&str>), Groups<'_>> = BTreeMap::new();
        for edge in self.changes.values() {
            let groups = by_user.entry((edge.user.name(), edge.user.domain())).or_default();
            let list = if edge.action == MembershipAction::Add { &mut groups.add } else { &mut groups.remove };
            list.push(edge.group.name());
        }
        let command = |((user, domain), groups): ((&str, Option<&str>), Groups<'_>)| {
            let mut command = Command::user(user);
            if let Some(domain) = domain {
                command = command.domain(domain);
            }
            if !groups.remove.is_empty() {
                command = command.remove_from(groups.remove);
            }
            if !groups.add.is_empty() {
                command = command.add_to(groups.add);
            }
            command
        };
        by_user.into_iter().map(command).collect()
    }
}

impl From<&MembershipChange> for ChangeRecord {
    fn from(edge: &MembershipChange) -> Self {
        Self { action: name_of(edge.action), user: edge.user.name().to_owned(), group: edge.group.name().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use umapi::GroupKind::{Administrative, Profile, UserGroup};

    use super::*;

    fn wanted(yaml: &str) -> Wanted {
        let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
        std::fs::write(file.path(), yaml).unwrap();
        Wanted::read(file.path()).unwrap()
    }

    fn shown(difference: &Difference) -> Vec<String> {
        difference.edges().map(ToString::to_string).collect()
    }

    fn present() -> Present {
        Present::of_test(
            &[
                ("Design", UserGroup, &["Ann@example.com", "bob@example.com"]),
                ("Photoshop", Profile, &["+ann@example.com", "cleo@example.com"]),
                ("_admin_Design", Administrative, &["ann@example.com"]),
            ],
            &[("bob@example.com", &["Design", "_admin_Design"]), ("cleo@example.com", &["Photoshop"])],
        )
    }

    #[test]
    fn what_is_missing_is_added_and_what_is_too_much_is_removed() {
        let wanted = wanted("groups: {design: [ann@example.com, dan@example.com], Photoshop: []}");
        let difference = Difference::between(&wanted, &present(), false);
        assert_eq!(
            shown(&difference),
            ["bob@example.com out of Design", "dan@example.com into Design", "cleo@example.com out of Photoshop"]
        );
        // What comes through a user group is not the user's own, and cannot be taken from the user.
        assert_eq!((difference.additions(), difference.removals(), difference.present), (1, 2, 3));
    }

    #[test]
    fn administrative_groups_are_left_alone_unless_they_are_meant() {
        let wanted = wanted("users: {bob@example.com: [Design]}\ngroups: {_admin_Design: []}");
        let left = Difference::between(&wanted, &present(), false);
        assert!(left.is_empty() && left.left_alone() == 2, "{left:?}");
        let meant = Difference::between(&wanted, &present(), true);
        assert_eq!(shown(&meant), ["ann@example.com out of _admin_Design", "bob@example.com out of _admin_Design"]);
    }

    #[test]
    fn users_that_are_not_there_are_named_and_keep_nobody_waiting() {
        let wanted = wanted("users: {zoe@example.com: [Design], cleo@example.com: [Design]}");
        let difference = Difference::between(&wanted, &present(), false);
        assert_eq!(difference.unknown_users.iter().collect::<Vec<_>>(), ["zoe@example.com"]);
        assert_eq!(shown(&difference), ["cleo@example.com into Design", "cleo@example.com out of Photoshop"]);
    }

    #[test]
    fn the_same_changes_are_commands_on_users() {
        let wanted =
            wanted("users: {cleo@example.com: [Design]}\ngroups: {Design: [bob@example.com, cleo@example.com]}");
        let difference = Difference::between(&wanted, &present(), false);
        let commands: Vec<String> =
            difference.commands().iter().map(|command| serde_json::to_string(command).unwrap()).collect();
        assert_eq!(
            commands,
            [
                r#"{"user":"Ann@example.com","do":[{"remove":{"group":["Design"]}}]}"#,
                r#"{"user":"cleo@example.com","do":[{"remove":{"group":["Photoshop"]}},{"add":{"group":["Design"]}}]}"#,
            ]
        );
    }
}
