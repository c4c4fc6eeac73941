//! The changes that turn the current memberships into the desired ones.

use std::collections::{BTreeMap, HashMap};

use umapi::{
    Account, Command, GroupRef, MembershipAction, MembershipChange,
    plan::account::{AccountKey, FoldedName},
};

use super::{Current, PlannedChange};
use crate::{
    accounts::{Found, FoundAccount, UserQuery, ambiguous, unknown},
    input::{
        Diagnostic, SourceLocation,
        desired::{Desired, DesiredGroup, DesiredUser, Located, repeated},
    },
};

/// The changes that turn the current memberships into the desired ones.
#[derive(Debug, Default)]
pub(crate) struct Diff {
    changes: Changes,
    /// Changes to administrative groups, which are not made without `--include-admin-groups`.
    skipped: Changes,
    /// Users that the file names and the organization does not have, in the order of the file.
    pub(crate) unknown_users: Vec<Diagnostic>,
    /// Groups whose lists name such users, and the number of their members that are not removed for that reason.
    pub(crate) held_removals: BTreeMap<String, usize>,
    /// The number of memberships that exist now in the lists that were compared.
    pub(crate) current: usize,
}

/// By folded group, account and action, so that a change that two lists ask for is made once.
type Changes = BTreeMap<(FoldedName, AccountKey, MembershipAction), PlannedChange>;

/// A list of a file, with the accounts it names.
#[derive(Default)]
struct Resolved<'a> {
    /// By folded group: the accounts that its list names.
    groups: HashMap<&'a FoldedName, HashMap<AccountKey, &'a SourceLocation>>,
    /// By account of a user's list.
    users: BTreeMap<AccountKey, &'a DesiredUser>,
}

/// A comparison in progress.
struct Comparison<'a> {
    desired: &'a Desired,
    current: &'a Current,
    with_administrative: bool,
    diff: Diff,
    resolved: Resolved<'a>,
    mistakes: Vec<Diagnostic>,
}

impl Diff {
    /// Compares the lists of a file with the organization. Administrative groups count only on request.
    ///
    /// # Errors
    ///
    /// The mistakes of the file that only the organization shows: names of several accounts, several lists for one account,
    /// and lists that contradict each other.
    pub(crate) fn between(
        desired: &Desired,
        current: &Current,
        with_administrative: bool,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut comparison = Comparison {
            desired,
            current,
            with_administrative,
            diff: Self::default(),
            resolved: Resolved::default(),
            mistakes: Vec::new(),
        };
        for (key, list) in &desired.groups {
            comparison.compare_group(key, list);
        }
        for (query, list) in &desired.users {
            comparison.compare_user(query, list);
        }
        comparison.check_contradictions();
        let Comparison { mut diff, mut mistakes, .. } = comparison;
        if mistakes.is_empty() {
            diff.unknown_users.sort_by_key(|user| user.location.line);
            return Ok(diff);
        }
        mistakes.sort_by_key(|mistake| mistake.location.line);
        Err(mistakes)
    }

    /// Drops all removals.
    pub(crate) fn keep_additions(&mut self) {
        self.changes.retain(|_, planned| planned.change.action == MembershipAction::Add);
        self.held_removals.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(crate) fn removals(&self) -> usize {
        self.changes.values().filter(|planned| planned.change.action == MembershipAction::Remove).count()
    }

    /// The number of changes to administrative groups that are skipped.
    pub(crate) fn skipped(&self) -> usize {
        self.skipped.len()
    }

    /// The changes, in the order of groups and users, and numbered in it.
    pub(crate) fn changes(&self) -> Vec<PlannedChange> {
        let numbered = (1..).zip(self.changes.values().cloned());
        numbered.map(|(number, planned)| PlannedChange { number, ..planned }).collect()
    }

    /// The changes as commands on users, as `umapi run` takes them.
    pub(crate) fn commands(&self) -> Vec<Command> {
        #[derive(Default)]
        struct Groups<'a> {
            remove: Vec<&'a str>,
            add: Vec<&'a str>,
        }
        let mut by_user: BTreeMap<&AccountKey, (&Account, Groups<'_>)> = BTreeMap::new();
        for ((_, account, _), PlannedChange { change, .. }) in &self.changes {
            let (_, groups) = by_user.entry(account).or_insert_with(|| (&change.user, Groups::default()));
            let list = if change.action == MembershipAction::Add { &mut groups.add } else { &mut groups.remove };
            list.push(change.group.name());
        }
        let command = |(user, groups): (&Account, Groups<'_>)| {
            let mut command = Command::user(user.clone());
            if !groups.remove.is_empty() {
                command = command.remove_from(groups.remove);
            }
            if !groups.add.is_empty() {
                command = command.add_to(groups.add);
            }
            command.into()
        };
        by_user.into_values().map(command).collect()
    }
}

impl<'a> Comparison<'a> {
    fn compare_group(&mut self, key: &'a FoldedName, list: &'a DesiredGroup) {
        let group = self.current.group(key).cloned().unwrap_or_else(|| GroupRef::from(&list.group.name));
        let is_included = self.with_administrative || !self.current.is_administrative(key);
        let members = self.current.members_of(key);
        let mut named = HashMap::new();
        let mut has_unknown = false;
        for (query, item) in &list.members {
            let matching: Vec<&FoundAccount> =
                members.iter().map(|member| &member.account).filter(|account| account.is_named_by(query)).collect();
            let account = match matching.as_slice() {
                [] => self.find(query, item),
                [account] => Some(*account),
                several => self.refuse_ambiguous(item, several),
            };
            let Some(account) = account else {
                has_unknown = true;
                continue;
            };
            named.insert(account.key().clone(), &item.location);
            if matching.is_empty() {
                self.insert(is_included, account, group.clone(), MembershipAction::Add, &item.location);
            }
        }
        for member in members.iter().filter(|member| member.is_direct) {
            self.diff.current += usize::from(is_included);
            if named.contains_key(member.account.key()) {
                continue;
            }
            if has_unknown {
                // The unknown name may have been meant for this member.
                *self.diff.held_removals.entry(group.name().to_owned()).or_default() += 1;
            } else {
                let location = &list.group.location;
                self.insert(is_included, &member.account, group.clone(), MembershipAction::Remove, location);
            }
        }
        self.resolved.groups.insert(key, named);
    }

    fn compare_user(&mut self, query: &'a UserQuery, list: &'a DesiredUser) {
        let Some(account) = self.find(query, &list.user) else { return };
        if let Some(first) = self.resolved.users.insert(account.key().clone(), list) {
            let mistake = repeated(&list.user.name.to_string(), list.user.location.clone(), &first.user.location);
            self.mistakes.push(mistake);
            return;
        }
        let current = self.current;
        let is_included = |group: &FoldedName| self.with_administrative || !current.is_administrative(group);
        let group_of =
            |key: &FoldedName, name: &str| current.group(key).cloned().unwrap_or_else(|| GroupRef::from(name));
        let (mut additions, mut removals) = (Vec::new(), Vec::new());
        for (key, item) in &list.groups {
            if !account.groups.contains_key(key) {
                additions.push((is_included(key), group_of(key, &item.name), &item.location));
            }
        }
        for (key, name) in &account.groups {
            self.diff.current += usize::from(is_included(key));
            if !list.groups.contains_key(key) {
                removals.push((is_included(key), group_of(key, name), &list.user.location));
            }
        }
        for (is_included, group, location) in additions {
            self.insert(is_included, account, group, MembershipAction::Add, location);
        }
        for (is_included, group, location) in removals {
            self.insert(is_included, account, group, MembershipAction::Remove, location);
        }
    }

    /// Finds the account that a name means. A name that means none or several is noted.
    fn find(&mut self, query: &UserQuery, item: &Located<UserQuery>) -> Option<&'a FoundAccount> {
        let current = self.current;
        match current.accounts.find(query) {
            Found::One(account) => Some(account),
            Found::Several(accounts) => self.refuse_ambiguous(item, &accounts),
            Found::Nobody => {
                let rule = unknown(&item.name, &current.seen.near_misses(&item.name));
                self.diff.unknown_users.push(Diagnostic::new(item.location.clone(), rule));
                None
            }
        }
    }

    fn refuse_ambiguous(&mut self, item: &Located<UserQuery>, accounts: &[&FoundAccount]) -> Option<&'a FoundAccount> {
        let mistake = Diagnostic::new(item.location.clone(), ambiguous(&item.name, accounts));
        self.mistakes.push(mistake.remedy("say which one with its type or its domain: umapi help membership-file"));
        None
    }

    /// Notes memberships that are in one list and missing from the other one that should have them.
    fn check_contradictions(&mut self) {
        for (account, list) in &self.resolved.users {
            for (key, members) in &self.resolved.groups {
                let (in_group, in_user) = (members.get(account), list.groups.get(*key));
                let Some(group) = self.desired.groups.get(*key) else { continue };
                let (user_name, group_name) = (&list.user.name, &group.group.name);
                let (location, rule) = match (in_group, in_user) {
                    (Some(location), None) => {
                        let other = &list.user.location;
                        let rule = format!(
                            "`{user_name}` is in the list of `{group_name}`, but the list of `{user_name}` on {other} does not have `{group_name}`"
                        );
                        ((*location).clone(), rule)
                    }
                    (None, Some(item)) => {
                        let other = &group.group.location;
                        let rule = format!(
                            "`{group_name}` is in the list of `{user_name}`, but the list of `{group_name}` on {other} does not have `{user_name}`"
                        );
                        (item.location.clone(), rule)
                    }
                    _ => continue,
                };
                self.mistakes.push(
                    Diagnostic::new(location, rule)
                        .remedy("both lists are complete: put the membership into both or into neither"),
                );
            }
        }
    }

    /// Adds a change that a place in the file asks for.
    fn insert(
        &mut self,
        is_included: bool,
        account: &FoundAccount,
        group: GroupRef,
        action: MembershipAction,
        location: &SourceLocation,
    ) {
        let changes = if is_included { &mut self.diff.changes } else { &mut self.diff.skipped };
        let key = (FoldedName::new(group.name()), account.key().clone(), action);
        let change = MembershipChange { user: account.account.clone(), group, action };
        changes.entry(key).or_insert(PlannedChange { number: 0, change, line: location.line });
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

    fn diff(yaml: &str, with_administrative: bool) -> Diff {
        Diff::between(&desired(yaml), &current(), with_administrative).unwrap()
    }

    fn mistakes(yaml: &str) -> Vec<String> {
        let mistakes = Diff::between(&desired(yaml), &current(), false).unwrap_err();
        mistakes.iter().map(ToString::to_string).collect()
    }

    fn shown(diff: &Diff) -> Vec<String> {
        diff.changes().iter().map(|planned| planned.change.to_string()).collect()
    }

    fn current() -> Current {
        Current::of_test(
            &[
                ("Design", UserGroup, &["Ann@example.com", "bob@example.com"]),
                ("Photoshop", Profile, &["+ann@example.com", "cleo@example.com"]),
                ("Twins", Profile, &["eve@example.com", "eve@example.com(A)"]),
                ("_admin_Design", Administrative, &["ann@example.com"]),
            ],
            &[
                ("bob@example.com", &["Design", "_admin_Design"]),
                ("cleo@example.com", &["Photoshop"]),
                ("dan@example.com", &[]),
                ("eve@example.com", &["Twins"]),
                ("eve@example.com(A)", &["Twins"]),
            ],
        )
    }

    #[test]
    fn missing_members_are_added_and_others_removed() {
        let diff = diff("groups:\n  design: [ann@example.com,\n    dan@example.com]\n  Photoshop: []\n", false);
        assert_eq!(
            shown(&diff),
            ["bob@example.com out of Design", "dan@example.com into Design", "cleo@example.com out of Photoshop"]
        );
        // A membership that comes through a user group cannot be removed from the user.
        assert_eq!((diff.changes().len() - diff.removals(), diff.removals(), diff.current), (1, 2, 3));
        let lines: Vec<_> = diff.changes().iter().map(|planned| planned.line).collect();
        assert_eq!(lines, [Some(2), Some(3), Some(4)], "a removal has the line of its list");
    }

    #[test]
    fn administrative_groups_are_skipped_unless_included() {
        let yaml = "users: {bob@example.com: [Design]}\ngroups: {_admin_Design: []}";
        let skipped = diff(yaml, false);
        assert!(skipped.is_empty() && skipped.skipped() == 2, "{skipped:?}");
        let included = diff(yaml, true);
        assert_eq!(shown(&included), ["ann@example.com out of _admin_Design", "bob@example.com out of _admin_Design"]);
    }

    #[test]
    fn unknown_users_are_named() {
        let diff = diff("users:\n  cloe@example.com: [Design]\n  cleo@example.com: [Design]\n", false);
        let unknown: Vec<String> = diff.unknown_users.iter().map(ToString::to_string).collect();
        assert_eq!(
            unknown,
            ["line 2, column 3: `cloe@example.com` is not in the organization; did you mean cleo@example.com?"]
        );
        assert_eq!(shown(&diff), ["cleo@example.com into Design", "cleo@example.com out of Photoshop"]);
    }

    #[test]
    fn list_with_an_unknown_user_removes_nobody() {
        let diff = diff("groups: {Design: [ann@example.com, bobb@example.com, dan@example.com]}", false);
        assert_eq!(shown(&diff), ["dan@example.com into Design"]);
        assert_eq!(diff.held_removals.iter().collect::<Vec<_>>(), [(&"Design".to_owned(), &1)]);
        assert!(diff.unknown_users[0].to_string().ends_with("did you mean bob@example.com?"));
    }

    #[test]
    fn accounts_of_one_address_are_two_people() {
        let diff = diff("groups: {Twins: [{user: EVE@example.com, type: federatedID}]}", false);
        assert_eq!(shown(&diff), ["eve@example.com (Adobe ID) out of Twins"]);
        assert_eq!(
            serde_json::to_string(&diff.commands()[0]).unwrap(),
            r#"{"user":"eve@example.com","useAdobeID":true,"do":[{"remove":{"group":["Twins"]}}]}"#
        );
        for yaml in [
            "groups: {Twins: [eve@example.com]}",
            "groups: {Design: [eve@example.com]}",
            "users: {eve@example.com: []}",
        ] {
            let mistakes = mistakes(yaml);
            assert!(mistakes[0].contains("`eve@example.com` is the name of 2 accounts"), "{mistakes:?}");
        }
    }

    #[test]
    fn contradicting_lists_are_refused() {
        for (yaml, expected) in [
            (
                "groups:\n  Design: [bob@example.com]\nusers:\n  BOB@example.com: [Photoshop]\n",
                "line 2, column 12: `BOB@example.com` is in the list of `Design`, but the list of `BOB@example.com` on line 4",
            ),
            (
                "groups:\n  Design: [ann@example.com]\nusers:\n  bob@example.com: [design]\n",
                "line 4, column 21: `Design` is in the list of `bob@example.com`, but the list of `Design` on line 2",
            ),
            (
                "users:\n  - {user: bob@example.com, groups: []}\n  - {user: bob@example.com, type: federatedID, groups: []}\n",
                "line 3, column 12: `bob@example.com (federatedID)` has a list already, on line 2",
            ),
        ] {
            let mistakes = mistakes(yaml);
            assert!(mistakes[0].starts_with(expected), "{mistakes:?}");
        }
    }

    #[test]
    fn changes_become_commands_on_users() {
        let diff =
            diff("users: {cleo@example.com: [Design]}\ngroups: {Design: [bob@example.com, cleo@example.com]}", false);
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
