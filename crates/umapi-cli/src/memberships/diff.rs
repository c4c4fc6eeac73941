//! The changes that turn the current memberships into the desired ones.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use umapi::{Command, GroupRef, MembershipAction, MembershipChange, UserRef};

use super::{
    Current, Desired, DesiredList, PlannedChange,
    desired::{LocatedName, fold},
};

/// The changes that turn the current memberships into the desired ones.
#[derive(Debug, Default)]
pub(crate) struct Diff {
    changes: Changes,
    /// Changes to administrative groups, which are not made without `--include-admin-groups`.
    skipped: Changes,
    /// Users that the file names and the organization does not have.
    pub(crate) unknown_users: BTreeSet<String>,
    /// The number of memberships that exist now in the lists that were compared.
    pub(crate) current: usize,
}

/// By folded group, folded user and action, so that a change that two lists ask for is made once.
type Changes = BTreeMap<(String, String, MembershipAction), PlannedChange>;

impl Diff {
    /// Compares the lists of a file with the organization. Administrative groups count only on request.
    pub(crate) fn between(desired: &Desired, current: &Current, with_administrative: bool) -> Self {
        let mut diff = Self::default();
        for (key, list) in &desired.groups {
            diff.compare_group(key, list, current, with_administrative);
        }
        for (key, list) in &desired.users {
            diff.compare_user(key, list, current, with_administrative);
        }
        diff
    }

    fn compare_group(&mut self, key: &str, list: &DesiredList, current: &Current, with_administrative: bool) {
        let group = current.group(key).cloned().unwrap_or_else(|| GroupRef::from(&list.name.text));
        let is_included = with_administrative || !current.is_administrative(key);
        let members = current.members_of(key);
        let member_keys: HashSet<&str> = members.iter().flat_map(|member| member.person.keys()).collect();
        for (user_key, name) in &list.items {
            if !member_keys.contains(user_key.as_str()) {
                let user = UserRef::email(&name.text);
                self.insert(is_included, user, group.clone(), MembershipAction::Add, name);
            }
        }
        for member in members.iter().filter(|member| member.is_direct) {
            self.current += usize::from(is_included);
            if !member.person.is_in(&list.items) {
                let user = member.person.reference.clone();
                self.insert(is_included, user, group.clone(), MembershipAction::Remove, &list.name);
            }
        }
    }

    fn compare_user(&mut self, key: &str, list: &DesiredList, current: &Current, with_administrative: bool) {
        let Some(holder) = current.user(key) else {
            self.unknown_users.insert(list.name.text.clone());
            return;
        };
        let user = &holder.person.reference;
        let is_included = |group: &str| with_administrative || !current.is_administrative(group);
        let group_of = |key: &str, name: &str| current.group(key).cloned().unwrap_or_else(|| GroupRef::from(name));
        for (key, name) in &list.items {
            if !holder.groups.contains_key(key) {
                let group = group_of(key, &name.text);
                self.insert(is_included(key), user.clone(), group, MembershipAction::Add, name);
            }
        }
        for (key, name) in &holder.groups {
            self.current += usize::from(is_included(key));
            if !list.items.contains_key(key) {
                let group = group_of(key, name);
                self.insert(is_included(key), user.clone(), group, MembershipAction::Remove, &list.name);
            }
        }
    }

    /// Adds a change, for which the file gives a reason at the place of a name.
    fn insert(
        &mut self,
        is_included: bool,
        user: UserRef,
        group: GroupRef,
        action: MembershipAction,
        reason: &LocatedName,
    ) {
        let changes = if is_included { &mut self.changes } else { &mut self.skipped };
        let key = (fold(group.name()), fold(user.name()), action);
        let line = reason.location.line;
        changes.entry(key).or_insert(PlannedChange { change: MembershipChange { user, group, action }, line });
    }

    /// Drops all removals.
    pub(crate) fn keep_additions(&mut self) {
        self.changes.retain(|_, planned| planned.change.action == MembershipAction::Add);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(crate) fn additions(&self) -> usize {
        self.changes.len() - self.removals()
    }

    pub(crate) fn removals(&self) -> usize {
        self.changes.values().filter(|planned| planned.change.action == MembershipAction::Remove).count()
    }

    /// The number of changes to administrative groups that are skipped.
    pub(crate) fn skipped(&self) -> usize {
        self.skipped.len()
    }

    /// The changes, in the order of groups and users.
    pub(crate) fn changes(&self) -> Vec<PlannedChange> {
        self.changes.values().cloned().collect()
    }

    /// The changes as commands on users, as `umapi run` takes them.
    pub(crate) fn commands(&self) -> Vec<Command> {
        #[derive(Default)]
        struct Groups<'a> {
            remove: Vec<&'a str>,
            add: Vec<&'a str>,
        }
        let mut by_user: BTreeMap<(&str, Option<&str>), Groups<'_>> = BTreeMap::new();
        for PlannedChange { change, .. } in self.changes.values() {
            let groups = by_user.entry((change.user.name(), change.user.domain())).or_default();
            let list = if change.action == MembershipAction::Add { &mut groups.add } else { &mut groups.remove };
            list.push(change.group.name());
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

#[cfg(test)]
mod tests {
    use umapi::GroupKind::{Administrative, Profile, UserGroup};

    use super::*;
    use crate::input::memberships_of;

    fn desired(yaml: &str) -> Desired {
        memberships_of(false, yaml.as_bytes()).unwrap()
    }

    fn shown(diff: &Diff) -> Vec<String> {
        diff.changes().iter().map(|planned| planned.change.to_string()).collect()
    }

    fn current() -> Current {
        Current::of_test(
            &[
                ("Design", UserGroup, &["Ann@example.com", "bob@example.com"]),
                ("Photoshop", Profile, &["+ann@example.com", "cleo@example.com"]),
                ("_admin_Design", Administrative, &["ann@example.com"]),
            ],
            &[("bob@example.com", &["Design", "_admin_Design"]), ("cleo@example.com", &["Photoshop"])],
        )
    }

    #[test]
    fn missing_members_are_added_and_others_removed() {
        let desired = desired("groups:\n  design: [ann@example.com,\n    dan@example.com]\n  Photoshop: []\n");
        let diff = Diff::between(&desired, &current(), false);
        assert_eq!(
            shown(&diff),
            ["bob@example.com out of Design", "dan@example.com into Design", "cleo@example.com out of Photoshop"]
        );
        // A membership that comes through a user group cannot be removed from the user.
        assert_eq!((diff.additions(), diff.removals(), diff.current), (1, 2, 3));
        let lines: Vec<_> = diff.changes().iter().map(|planned| planned.line).collect();
        assert_eq!(lines, [Some(2), Some(3), Some(4)], "a removal has the line of its list");
    }

    #[test]
    fn administrative_groups_are_skipped_unless_included() {
        let desired = desired("users: {bob@example.com: [Design]}\ngroups: {_admin_Design: []}");
        let skipped = Diff::between(&desired, &current(), false);
        assert!(skipped.is_empty() && skipped.skipped() == 2, "{skipped:?}");
        let included = Diff::between(&desired, &current(), true);
        assert_eq!(shown(&included), ["ann@example.com out of _admin_Design", "bob@example.com out of _admin_Design"]);
    }

    #[test]
    fn unknown_users_are_named() {
        let desired = desired("users: {zoe@example.com: [Design], cleo@example.com: [Design]}");
        let diff = Diff::between(&desired, &current(), false);
        assert_eq!(diff.unknown_users.iter().collect::<Vec<_>>(), ["zoe@example.com"]);
        assert_eq!(shown(&diff), ["cleo@example.com into Design", "cleo@example.com out of Photoshop"]);
    }

    #[test]
    fn changes_become_commands_on_users() {
        let desired =
            desired("users: {cleo@example.com: [Design]}\ngroups: {Design: [bob@example.com, cleo@example.com]}");
        let diff = Diff::between(&desired, &current(), false);
        let commands: Vec<String> =
            diff.commands().iter().map(|command| serde_json::to_string(command).unwrap()).collect();
        assert_eq!(
            commands,
            [
                r#"{"user":"Ann@example.com","do":[{"remove":{"group":["Design"]}}]}"#,
                r#"{"user":"cleo@example.com","do":[{"remove":{"group":["Photoshop"]}},{"add":{"group":["Design"]}}]}"#,
            ]
        );
    }
}
