//! What the changes that this command makes do to a cache.
//!
//! What is about to change is marked before it is sent, so that a process that is killed leaves no outdated list behind. What
//! is known to be done is then changed in the lists as well. A user who stays marked is looked up when the list is used again.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use umapi::{
    Account, Command, MembershipAction, MembershipChange,
    model::{
        self, ExhaustiveCommand, ExhaustiveUserGroupRemoval, ExhaustiveUserGroupStep as OnGroup, ExhaustiveUserRemoval,
        ExhaustiveUserStep as OnUser, Group, GroupType, NameKind, User, UserGroupCommand, UserGroupStep, UserStep,
    },
    plan::account::{AccountKey, FoldedName},
};

use super::{
    Cache, CachedList, Unusable, Why,
    database::{ALL_GROUPS, Database, MAX_CHANGED_USERS, StoredItem, UNCERTAIN},
    list::CachedItem,
};

const USER_LISTS: [CachedList; 2] = [CachedList::Users, CachedList::UsersWithAllMemberships];

/// The changes of one run of commands.
#[derive(Debug, Default)]
pub(crate) struct RunChanges {
    cache: Option<Cache>,
    /// Whether the users are so few that the lists of users are kept.
    keeps_users: bool,
    /// The commands on groups whose outcome is not known yet, by number.
    groups: Mutex<HashMap<u64, UserGroupCommand>>,
}

/// The names that a command changes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Changed {
    /// Names and domains.
    users: BTreeSet<(String, String)>,
    groups: BTreeSet<(String, &'static str)>,
}

impl RunChanges {
    /// Prepares for a run of this many commands. A dry run changes nothing.
    pub(crate) fn begin(cache: Option<&Cache>, commands: u64, is_dry_run: bool) -> Result<Self, Unusable> {
        let cache = cache.filter(|_| !is_dry_run).cloned();
        let keeps_users = commands <= MAX_CHANGED_USERS as u64;
        if let Some(cache) = &cache
            && !keeps_users
        {
            cache.drop_users()?;
        }
        Ok(Self { cache, keeps_users, groups: Mutex::default() })
    }

    /// Notes a command that is about to be sent.
    pub(crate) fn before(&self, number: u64, command: &Command) -> Result<(), Unusable> {
        let Some(cache) = &self.cache else { return Ok(()) };
        let raw = command.to_raw();
        cache.mark(&Changed::by(&raw), self.keeps_users)?;
        if let model::Command::Group(command) = raw {
            self.groups.lock().unwrap_or_else(PoisonError::into_inner).insert(number, command);
        }
        Ok(())
    }

    /// Notes the outcome of a command.
    pub(crate) fn after(&self, number: u64, is_completed: bool) -> Result<(), Unusable> {
        let Some(cache) = &self.cache else { return Ok(()) };
        let command = self.groups.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        match command {
            Some(command) if is_completed => cache.complete_group(&command),
            _ => Ok(()),
        }
    }

    /// Notes the end of the run: lists that another process began meanwhile lack its changes.
    pub(crate) fn end(&self) -> Result<(), Unusable> {
        match &self.cache {
            Some(cache) if !self.keeps_users => cache.drop_users(),
            _ => Ok(()),
        }
    }
}

impl Changed {
    fn by(command: &model::Command) -> Self {
        let mut changed = Self::default();
        match command.exhaustive() {
            ExhaustiveCommand::User(command) => {
                let domain = command.domain.clone().unwrap_or_default();
                changed.users.insert((command.user.clone(), domain.clone()));
                for step in &command.do_ {
                    changed.note_user_step(step, &domain);
                }
            }
            ExhaustiveCommand::Group(command) => {
                for step in &command.do_ {
                    changed.note_group_step(step, &command.usergroup);
                }
            }
        }
        changed
    }

    fn note_user_step(&mut self, step: &UserStep, domain: &str) {
        match step.exhaustive() {
            OnUser::Add(lists) => self.note_names(lists.name_lists()),
            OnUser::Remove(removal) => match removal.exhaustive() {
                ExhaustiveUserRemoval::All(_) => self.note_all_groups(),
                ExhaustiveUserRemoval::These(lists) => self.note_names(lists.name_lists()),
            },
            OnUser::Update(update) => {
                let names = [&update.email, &update.username].into_iter().flatten();
                self.users.extend(names.map(|name| (name.clone(), domain.to_owned())));
            }
            // The name of an account that is created with a username is that of the command.
            OnUser::AddAdobeId(_) | OnUser::CreateEnterpriseId(_) | OnUser::CreateFederatedId(_) => {}
            // Roles are memberships of groups whose names are not in the command.
            OnUser::AddRoles(_) | OnUser::RemoveRoles(_) => self.note_all_groups(),
            OnUser::RemoveFromOrg(_) | OnUser::RemoveFromDomain(_) => self.note_all_groups(),
            OnUser::ResetPassword(_) => {}
        }
    }

    fn note_group_step(&mut self, step: &UserGroupStep, group: &str) {
        self.groups.insert((folded(group), ""));
        match step.exhaustive() {
            OnGroup::Add(members) => self.note_names(members.name_lists()),
            OnGroup::Remove(removal) => match removal.exhaustive() {
                ExhaustiveUserGroupRemoval::All(_) => self.note_uncertain(group),
                ExhaustiveUserGroupRemoval::These(members) => self.note_names(members.name_lists()),
            },
            OnGroup::UpdateUserGroup(update) => {
                update.name.iter().for_each(|name| self.note_uncertain(name));
                self.note_uncertain(group);
            }
            OnGroup::CreateUserGroup(_) | OnGroup::DeleteUserGroup(_) => self.note_uncertain(group),
        }
    }

    /// Notes what the lists of a step name.
    fn note_names<const COUNT: usize>(&mut self, lists: [(&'static str, NameKind, &Vec<String>); COUNT]) {
        for (_, kind, names) in lists {
            match kind {
                NameKind::Group | NameKind::Profile => self.groups.extend(names.iter().map(|name| (folded(name), ""))),
                NameKind::User => self.users.extend(names.iter().map(|name| (name.clone(), String::new()))),
                NameKind::Product => {}
            }
        }
    }

    fn note_all_groups(&mut self) {
        self.groups.insert((ALL_GROUPS.to_owned(), ""));
    }

    fn note_uncertain(&mut self, group: &str) {
        self.groups.insert((folded(group), UNCERTAIN));
    }
}

impl Cache {
    /// Drops all lists, after changes that are not known in detail.
    pub(crate) fn drop_all(&self) -> Result<(), Unusable> {
        self.change(|database| CachedList::ALL.into_iter().try_for_each(|list| database.drop_list(list)))
    }

    fn drop_users(&self) -> Result<(), Unusable> {
        self.change(|database| USER_LISTS.into_iter().try_for_each(|list| database.drop_list(list)))
    }

    fn mark(&self, changed: &Changed, with_users: bool) -> Result<(), Unusable> {
        self.change(|database| {
            if with_users {
                for list in USER_LISTS {
                    let users = changed.users.iter().map(|(name, domain)| (name.as_str(), domain.as_str()));
                    database.mark_changed(list, users)?;
                }
            }
            let groups = changed.groups.iter().map(|(name, detail)| (name.as_str(), *detail));
            database.mark_changed(CachedList::Groups, groups).map(drop)
        })
    }

    /// Notes memberships that are about to be changed. Returns the users who were not marked before.
    pub(crate) fn begin_memberships<'a>(
        &self,
        changes: impl IntoIterator<Item = &'a MembershipChange>,
    ) -> Result<BTreeSet<AccountKey>, Unusable> {
        let (mut users, mut groups) = (BTreeMap::new(), BTreeSet::new());
        for change in changes {
            users.insert(change.user.key().clone(), marks_of(&change.user));
            groups.insert(folded(change.group.name()));
        }
        let mut fresh = BTreeSet::new();
        self.change(|database| {
            database.mark_changed(CachedList::Groups, groups.iter().map(|name| (name.as_str(), "")))?;
            for list in USER_LISTS {
                let marks = users.values().map(|(name, domain)| (name.as_str(), domain.as_str()));
                let added = database.mark_changed(list, marks)?;
                if list == CachedList::Users {
                    let is_added = |(_, mark): &(&AccountKey, &(String, String))| added.contains(mark);
                    fresh.extend(users.iter().filter(is_added).map(|(key, _)| key.clone()));
                }
            }
            Ok(())
        })?;
        Ok(fresh)
    }

    /// Changes the memberships of users in the list of all users. `changes` are all changes of these users, and each is known
    /// to be done.
    pub(crate) fn complete_memberships<'a>(
        &self,
        changes: impl IntoIterator<Item = &'a MembershipChange>,
    ) -> Result<(), Unusable> {
        let mut by_user: BTreeMap<&AccountKey, Vec<&MembershipChange>> = BTreeMap::new();
        for change in changes {
            by_user.entry(change.user.key()).or_default().push(change);
        }
        self.change(|database| {
            let (Some(users), Some(groups)) = (database.list(CachedList::Users)?, database.list(CachedList::Groups)?)
            else {
                return Ok(());
            };
            let (mut rewritten, mut known, mut spellings) = (Vec::new(), Vec::new(), HashMap::new());
            for (key, changes) in by_user {
                let rows = database.items_named(users.id, key.name().as_str())?;
                let is_same = |(place, json): (i64, String)| {
                    let user: User = serde_json::from_str(&json).ok()?;
                    (Account::of(&user)?.key() == key).then_some((place, user))
                };
                // A user who is not in the list stays marked, and is looked up.
                let Some((place, mut user)) = rows.into_iter().find_map(is_same) else { continue };
                let mut is_exact = true;
                for change in &changes {
                    let name = folded(change.group.name());
                    let spelling = match spellings.get(&name) {
                        Some(spelling) => Option::clone(spelling),
                        None => {
                            let spelling = spelling_of(database, groups.id, &name)?;
                            spellings.insert(name.clone(), spelling.clone());
                            spelling
                        }
                    };
                    let Some(spelling) = spelling else {
                        is_exact = false;
                        break;
                    };
                    let names = user.groups.get_or_insert_default();
                    names.retain(|other| folded(other) != name);
                    if change.action == MembershipAction::Add {
                        names.push(spelling);
                    }
                    if names.is_empty() {
                        user.groups = None;
                    }
                }
                if is_exact && let Some(item) = user.stored() {
                    rewritten.push((place, item));
                    known.extend(changes.first().map(|change| marks_of(&change.user)));
                }
            }
            database.rewrite(users.id, &rewritten)?;
            database.revise(users.id, &[], &[], &known)
        })
    }

    /// Changes the lists as a completed command on a group does.
    fn complete_group(&self, command: &UserGroupCommand) -> Result<(), Unusable> {
        self.change(|database| {
            let Some(groups) = database.list(CachedList::Groups)? else { return Ok(()) };
            let mut name = command.usergroup.clone();
            let mut known = Vec::new();
            for step in &command.do_ {
                let key = folded(&name);
                let rows = database.items_named(groups.id, &key)?;
                match step.exhaustive() {
                    OnGroup::CreateUserGroup(_) if rows.is_empty() => {
                        let group = Group::new(name.as_str()).with_type(GroupType::UserGroup);
                        let added: Vec<StoredItem> = group.stored().into_iter().collect();
                        database.revise(groups.id, &[], &added, &[])?;
                    }
                    OnGroup::DeleteUserGroup(_) => {
                        let admins = database.items_named(groups.id, &folded(&format!("_admin_{name}")))?;
                        let removed: Vec<i64> = rows.iter().chain(&admins).map(|(place, _)| *place).collect();
                        database.revise(groups.id, &removed, &[], &[])?;
                        rename_in_users(database, &key, None)?;
                        rename_in_users(database, &folded(&format!("_admin_{name}")), None)?;
                    }
                    OnGroup::UpdateUserGroup(update) => {
                        let Some(new) = &update.name else {
                            known.push((key, UNCERTAIN.to_owned()));
                            continue;
                        };
                        for (place, json) in rows {
                            let Ok(mut group) = serde_json::from_str::<Group>(&json) else { continue };
                            group.group_name.clone_from(new);
                            let renamed = group.stored().map(|item| (place, item));
                            database.rewrite(groups.id, renamed.as_slice())?;
                        }
                        // Its administrative group may have another name now.
                        let admins = folded(&format!("_admin_{name}"));
                        database.mark_changed(CachedList::Groups, [(admins.as_str(), UNCERTAIN)])?;
                        rename_in_users(database, &key, Some(new))?;
                        known.push((key, UNCERTAIN.to_owned()));
                        name.clone_from(new);
                        known.push((folded(new), UNCERTAIN.to_owned()));
                        continue;
                    }
                    OnGroup::CreateUserGroup(_) | OnGroup::Add(_) | OnGroup::Remove(_) => {}
                }
                known.push((key, UNCERTAIN.to_owned()));
            }
            database.revise(groups.id, &[], &[], &known)
        })
    }

    /// Changes an existing file. If that fails, the file is removed: an outdated list is worse than none.
    fn change(&self, change: impl FnOnce(&mut Database) -> rusqlite::Result<()>) -> Result<(), Unusable> {
        let changed = match self.open_existing() {
            Ok(None) => return Ok(()),
            Ok(Some(mut database)) => change(&mut database).map_err(|error| self.of_database(error)),
            // Nothing in it is used.
            Err(Unusable { why: Why::NotACache, .. }) => return Ok(()),
            Err(unusable) => Err(unusable),
        };
        match changed {
            Err(Unusable { why: Why::Newer(_), .. }) | Ok(()) => changed,
            Err(unusable) => self.remove().map_err(|_| unusable),
        }
    }
}

/// Replaces or removes the name of a group in the lists of all users.
fn rename_in_users(database: &mut Database, group: &str, new: Option<&str>) -> rusqlite::Result<()> {
    for list in USER_LISTS {
        let Some(stored) = database.list(list)? else { continue };
        let mut place = 0;
        loop {
            let rows = database.items_after(stored.id, place, 1_000)?;
            let Some((last, _)) = rows.last() else { break };
            place = *last;
            let rename = |(place, json): (i64, String)| {
                let mut user: User = serde_json::from_str(&json).ok()?;
                let names = user.groups.as_mut()?;
                let position = names.iter().position(|name| folded(name) == group)?;
                match new {
                    Some(new) => new.clone_into(&mut names[position]),
                    None => drop(names.remove(position)),
                }
                if names.is_empty() {
                    user.groups = None;
                }
                Some((place, user.stored()?))
            };
            let renamed: Vec<(i64, StoredItem)> = rows.into_iter().filter_map(rename).collect();
            database.rewrite(stored.id, &renamed)?;
        }
    }
    Ok(())
}

/// The name of a group as the service spells it. `None` if the list does not have the group.
fn spelling_of(database: &Database, groups: i64, name: &str) -> rusqlite::Result<Option<String>> {
    let rows = database.items_named(groups, name)?;
    let name_of = |(_, json): &(i64, String)| serde_json::from_str::<Group>(json).ok().map(|group| group.group_name);
    Ok(rows.first().and_then(name_of))
}

/// How a changed user is marked: the name and the domain by which the user is looked up.
fn marks_of(account: &Account) -> (String, String) {
    (account.name().to_owned(), account.domain().unwrap_or_default().to_owned())
}

fn folded(name: &str) -> String {
    FoldedName::new(name).to_string()
}
