//! The memberships that exist now.

use std::collections::{BTreeMap, HashMap, HashSet};

use umapi::{Client, Command, Error, GroupKind, GroupRef, NewGroup, plan::account::FoldedName};

use crate::{
    accounts::{Accounts, FoundAccount, did_you_mean, near_misses},
    connection::Connection,
    context::Context,
    failure::{Failure, Result},
    input::{
        Diagnostic, Diagnostics,
        desired::{Desired, Located},
    },
    large_groups::{self, GroupState},
};

/// The most groups that are looked up one by one, because the list does not have them.
const MAX_NEW_GROUPS: usize = 20;

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
    /// The groups that the file names and that do not exist, if they are to be created.
    pub(crate) new_groups: Vec<Located<String>>,
    /// The groups and members that the lists contain and that cannot be read.
    pub(crate) unreadable_items: u64,
    /// Whether a list changed while it was read, so that it may lack entries.
    pub(crate) has_moved: bool,
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
    /// Reads the lists that a file names, and no others. Groups that do not exist are a mistake, unless they are to be created.
    pub(crate) async fn read(
        context: &Context,
        connection: &Connection,
        desired: &Desired,
        file: &str,
        may_create: bool,
    ) -> Result<Self> {
        let mut current = Self::default();
        let client = &connection.client;
        if current.read_groups(context, connection).await? {
            current.find_new_groups(client, desired).await?;
        }
        match may_create {
            true => current.take_new_groups(desired, file)?,
            false => current.refuse_unknown_groups(desired, file)?,
        }
        let new_groups = current.new_keys();
        let mut too_large = Vec::new();
        for (key, list) in desired.groups.iter().filter(|(key, _)| !new_groups.contains(*key)) {
            let what_failed = || format!("cannot list the members of \"{}\"", list.group.name);
            match current.read_members(client, key).await {
                Ok(members) => drop(current.members.insert(key.clone(), members)),
                Err(error) if error.is_group_too_large() => too_large.push((key.clone(), list.group.name.as_str())),
                Err(error) => return Err(Failure::of_service(what_failed(), &error)),
            }
        }
        current.read_large_groups(context, connection, &too_large).await?;
        let additions = desired.groups.iter().flat_map(|(key, list)| {
            let members = current.members_of(key);
            let is_member = move |query: &&_| members.iter().any(|member| member.account.is_named_by(query));
            list.members.keys().filter(move |query| !is_member(query))
        });
        let mut queries: Vec<_> = desired.users.keys().chain(additions).collect();
        queries.sort_unstable();
        queries.dedup();
        current.accounts = Accounts::look_up(context, connection, queries).await?;
        current.see_all();
        Ok(current)
    }

    /// Reads the list of groups. Returns whether it may lack some.
    async fn read_groups(&mut self, context: &Context, connection: &Connection) -> Result<bool> {
        let mut groups = connection.groups(context, "cannot list the groups").await?;
        while let Some(group) = groups.try_next().await? {
            let reference = GroupRef::of_type(&group.group_name, group.type_.as_ref());
            self.groups.insert(FoldedName::new(&group.group_name), reference);
        }
        self.unreadable_items += groups.unreadable();
        self.has_moved |= groups.has_moved();
        Ok(groups.may_lack_entries())
    }

    /// Finds the groups that the list does not have: they may have been created since, or have moved while it was read.
    async fn find_new_groups(&mut self, client: &Client, desired: &Desired) -> Result<()> {
        let unknown: BTreeMap<FoldedName, String> =
            self.unknown_groups(desired).into_iter().map(|(key, group)| (key.clone(), group.name.clone())).collect();
        for (key, name) in unknown.into_iter().take(MAX_NEW_GROUPS) {
            match GroupState::of(client, &name).await {
                Ok(GroupState::Missing) => {}
                // Its kind is not known.
                Ok(_) => drop(self.groups.insert(key, GroupRef::from(&name))),
                Err(error) => return Err(Failure::of_service(format!("cannot look up the group \"{name}\""), &error)),
            }
        }
        Ok(())
    }

    /// The groups that the file names and that do not exist, in the order of the file.
    fn unknown_groups<'a>(&self, desired: &'a Desired) -> Vec<(&'a FoldedName, &'a Located<String>)> {
        let items = desired.users.values().flat_map(|list| list.groups.iter());
        let named = desired.groups.iter().map(|(key, list)| (key, &list.group)).chain(items);
        let mut unknown: Vec<_> = named.filter(|(key, _)| !self.groups.contains_key(*key)).collect();
        unknown.sort_by_key(|(_, group)| group.location.line);
        unknown
    }

    /// Takes the groups that do not exist for new user groups without members. All invalid names are told at once.
    fn take_new_groups(&mut self, desired: &Desired, file: &str) -> Result<()> {
        let mut mistakes = Diagnostics::of_file(file);
        for (key, group) in self.unknown_groups(desired) {
            if let Err(invalid) = Command::from(Command::create_group(NewGroup::new(&group.name))).check() {
                let rule = format!("group \"{}\" cannot be created: {}", group.name, invalid.rule());
                mistakes.push(Diagnostic::new(group.location.clone(), rule).remedy(invalid.remedy()));
            } else if self.groups.insert(key.clone(), GroupRef::user_group(&group.name)).is_none() {
                self.new_groups.push(group.clone());
            }
        }
        match mistakes.count() {
            0 => Ok(()),
            _ => Err(mistakes.into_failure("the file names groups that cannot exist; nothing was changed")),
        }
    }

    /// The folded names of the groups to create.
    pub(crate) fn new_keys(&self) -> HashSet<FoldedName> {
        self.new_groups.iter().map(|group| FoldedName::new(&group.name)).collect()
    }

    /// Fails if the file names a group that does not exist: half a plan would be worse than none.
    fn refuse_unknown_groups(&self, desired: &Desired, file: &str) -> Result<()> {
        let unknown = self.unknown_groups(desired);
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
            "list the groups with \"umapi groups list\", or let --create-groups create them as user groups",
        ))
    }

    async fn read_members(&mut self, client: &Client, key: &FoldedName) -> Result<Vec<Member>, Error> {
        let group = self.groups.get(key);
        let is_profile = group.is_some_and(|group| matches!(group.kind(), GroupKind::Profile | GroupKind::Unknown));
        let name = group.map_or(key.as_str(), GroupRef::name);
        let mut users = client.users().in_group(name).exclude_groups(!is_profile).list().dedup();
        let mut members = Vec::new();
        while let Some(user) = users.try_next().await? {
            if let Some(account) = FoundAccount::of(&user) {
                let is_direct = !is_profile || account.groups.contains_key(key);
                members.push(Member { account, is_direct });
            }
        }
        let changes = users.changes();
        self.unreadable_items += changes.unreadable_items;
        self.has_moved |= changes.has_moved();
        Ok(members)
    }

    /// Takes the members of groups that the service cannot list from the list of all users.
    async fn read_large_groups(
        &mut self,
        context: &Context,
        connection: &Connection,
        groups: &[(FoldedName, &str)],
    ) -> Result<()> {
        if groups.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = groups.iter().map(|(_, name)| *name).collect();
        let mut users = large_groups::users_of(context, connection, &names, true).await?;
        groups.iter().for_each(|(key, _)| drop(self.members.insert(key.clone(), Vec::new())));
        while let Some(user) = users.try_next().await? {
            let Some(account) = FoundAccount::of(&user) else { continue };
            for (key, _) in groups.iter().filter(|(key, _)| account.groups.contains_key(key)) {
                let member = Member { account: account.clone(), is_direct: true };
                self.members.entry(key.clone()).or_default().push(member);
            }
        }
        self.unreadable_items += users.unreadable();
        self.has_moved |= users.has_moved();
        Ok(())
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
