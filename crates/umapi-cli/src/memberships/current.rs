//! The memberships that exist now.

use std::collections::HashMap;

use umapi::{Client, Error, GroupKind, GroupRef, plan::account::FoldedName};

use crate::{
    accounts::{Accounts, FoundAccount, did_you_mean, near_misses},
    failure::{Failure, Result},
    input::{Diagnostic, Diagnostics, desired::Desired},
};

/// The memberships that exist now, of the groups and users that a file names.
#[derive(Debug, Default)]
pub(crate) struct Current {
    /// By folded name.
    groups: HashMap<FoldedName, GroupRef>,
    /// By folded name of the group.
    members: HashMap<FoldedName, Vec<Member>>,
    /// The accounts that the file can mean: its users, and the members that are to be added.
    pub(crate) accounts: Accounts,
    /// The accounts and all members that were read, for suggestions.
    pub(crate) seen: Accounts,
    /// The groups and members that the lists contain and that cannot be read.
    pub(crate) unreadable_items: u64,
}

/// A member of a group.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) account: FoundAccount,
    /// Whether the user is a direct member. A product profile can also come through a user group; such a membership cannot
    /// be removed from the user.
    pub(crate) is_direct: bool,
}

impl Current {
    /// Reads the lists that a file names, and no others.
    pub(crate) async fn read(client: &Client, desired: &Desired, file: &str) -> Result<Self> {
        let mut current = Self::default();
        current.read_groups(client).await.map_err(|error| Failure::of_service("cannot list the groups", &error))?;
        current.refuse_unknown_groups(desired, file)?;
        for (key, list) in &desired.groups {
            let what_failed = || format!("cannot list the members of \"{}\"", list.group.name);
            let members = current.read_members(client, key).await;
            current.members.insert(key.clone(), members.map_err(|error| Failure::of_service(what_failed(), &error))?);
        }
        let additions = desired.groups.iter().flat_map(|(key, list)| {
            let members = current.members_of(key);
            let is_member = move |query: &&_| members.iter().any(|member| member.account.is_named_by(query));
            list.members.keys().filter(move |query| !is_member(query))
        });
        let mut queries: Vec<_> = desired.users.keys().chain(additions).collect();
        queries.sort_unstable();
        queries.dedup();
        current.accounts = Accounts::look_up(client, queries).await?;
        current.see_all();
        Ok(current)
    }

    async fn read_groups(&mut self, client: &Client) -> Result<(), Error> {
        let mut groups = client.groups().list();
        while let Some(group) = groups.try_next().await? {
            let reference = GroupRef::of_type(&group.group_name, group.type_.as_ref());
            self.groups.insert(FoldedName::new(&group.group_name), reference);
        }
        self.unreadable_items += groups.changes().unreadable_items;
        Ok(())
    }

    /// Fails if the file names a group that does not exist: half a plan would be worse than none.
    fn refuse_unknown_groups(&self, desired: &Desired, file: &str) -> Result<()> {
        let items = desired.users.values().flat_map(|list| list.groups.iter());
        let named = desired.groups.iter().map(|(key, list)| (key, &list.group)).chain(items);
        let mut unknown: Vec<_> = named.filter(|(key, _)| !self.groups.contains_key(*key)).collect();
        unknown.sort_by_key(|(_, group)| group.location.line);
        if unknown.is_empty() {
            return Ok(());
        }
        let mut mistakes = Diagnostics::of_file(file);
        for (key, group) in unknown {
            let similar = near_misses(key.as_str(), self.groups.values().map(GroupRef::name));
            let mistake = Diagnostic::new(group.location.clone(), format!("group \"{}\" does not exist", group.name));
            mistakes.push(match did_you_mean(&similar) {
                Some(hint) => mistake.remedy(hint),
                None => mistake,
            });
        }
        Err(mistakes.into_failure_with(
            "the file names groups that do not exist; nothing was changed",
            "list the groups with \"umapi groups list\", or create them with \"umapi groups create\"",
        ))
    }

    async fn read_members(&mut self, client: &Client, key: &FoldedName) -> Result<Vec<Member>, Error> {
        let group = self.groups.get(key);
        let is_profile = group.is_some_and(|group| group.kind() == GroupKind::Profile);
        let name = group.map_or(key.as_str(), GroupRef::name);
        let mut users = client.users().in_group(name).exclude_groups(!is_profile).list().dedup();
        let mut members = Vec::new();
        while let Some(user) = users.try_next().await? {
            if let Some(account) = FoundAccount::of(&user) {
                let is_direct = !is_profile || account.groups.contains_key(key);
                members.push(Member { account, is_direct });
            }
        }
        self.unreadable_items += users.changes().unreadable_items;
        Ok(members)
    }

    fn see_all(&mut self) {
        for member in self.members.values().flatten() {
            self.seen.insert_account(member.account.clone());
        }
        for account in self.accounts.iter() {
            self.seen.insert_account(account.clone());
        }
    }

    /// The group of this folded name, in the service's spelling.
    pub(crate) fn group(&self, key: &FoldedName) -> Option<&GroupRef> {
        self.groups.get(key)
    }

    pub(crate) fn is_administrative(&self, key: &FoldedName) -> bool {
        self.group(key).is_none_or(|group| group.kind() == GroupKind::Administrative)
    }

    pub(crate) fn members_of(&self, key: &FoldedName) -> &[Member] {
        self.members.get(key).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
impl Current {
    /// Memberships for tests: groups with their members (`+` for a member through a user group, `(A)` behind the address of
    /// an Adobe ID), and users.
    pub(super) fn of_test(groups: &[(&str, GroupKind, &[&str])], users: &[(&str, &[&str])]) -> Self {
        use umapi::model::{User, UserType};

        let mut current = Self::default();
        let user = |name: &str, groups: &[&str]| {
            let (email, kind) = match name.strip_suffix("(A)") {
                Some(email) => (email, UserType::AdobeId),
                None => (name, UserType::FederatedId),
            };
            let mut user = User::default().with_email(email).with_type(kind);
            user.groups = Some(groups.iter().map(|&name| name.to_owned()).collect());
            user
        };
        for (name, kind, members) in groups {
            let reference = match kind {
                GroupKind::UserGroup => GroupRef::user_group(name),
                GroupKind::Profile => GroupRef::profile(name),
                GroupKind::Administrative => GroupRef::administrative(name),
                _ => GroupRef::from(name),
            };
            current.groups.insert(FoldedName::new(name), reference);
            let member = |name: &&str| Member {
                account: FoundAccount::of(&user(name.trim_start_matches('+'), &[])).unwrap(),
                is_direct: !name.starts_with('+'),
            };
            current.members.insert(FoldedName::new(name), members.iter().map(member).collect());
        }
        for (name, groups) in users {
            current.accounts.insert(&user(name, groups));
        }
        current.see_all();
        current
    }
}
