//! Reads a whole tenant: the groups of a query with those below them, and everyone.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    EntraDirectory,
    graph::{Group, GroupChange, Member, MemberKind, READ_HIDDEN, grant, is_hidden, is_of_login, is_of_setup},
};
use crate::{
    changes::{Cursor, Entry, EntryKey, GroupEntry, PersonEntry, Whole},
    cloud::{CONCURRENT, Failure, FailureKind},
    directory::{DirectoryError, GroupSelector, Query},
    extent::{Gap, GapCause},
};

/// What a delta of groups tells.
pub(super) const GROUP_DELTA_SELECT: &str = "displayName,visibility,members";

/// With more groups than this in a query, all groups are read at once: that takes fewer requests.
const MAX_NAMED: usize = 50;

/// The number of members that are looked up one by one because they are not among the people.
const MAX_LOOKUPS: usize = 200;

/// Where the changes of a tenant begin.
#[derive(Deserialize, Serialize)]
pub(super) struct Cursors {
    pub(super) users: String,
    pub(super) groups: String,
}

/// Groups, as far as they were read.
#[derive(Default)]
pub(super) struct Groups {
    pub(super) found: HashMap<String, GroupEntry>,
    /// The members of these groups that should be among the people.
    pub(super) people: HashSet<String>,
    pub(super) others: HashSet<String>,
    /// Why some of these groups are not whole, besides hidden members.
    pub(super) failure: Option<Failure>,
}

impl Groups {
    fn begin(&mut self, id: &str, name: Option<&str>, is_hidden: bool) -> &mut GroupEntry {
        let group = self.found.entry(id.to_owned()).or_default();
        if let Some(name) = name {
            name.trim().clone_into(&mut group.name);
        }
        group.place = id.to_owned();
        group.is_listed = true;
        if is_hidden && group.gaps.is_empty() {
            let detail = format!("its members are hidden; {}", grant(READ_HIDDEN));
            group.gaps.push(Gap::new(what(id), GapCause::Refused).detail(detail));
        }
        group
    }

    /// Keeps members, and returns the groups among them.
    fn members(&mut self, id: &str, members: &[Member]) -> Vec<String> {
        let mut nested = Vec::new();
        let mut keys = Vec::with_capacity(members.len());
        for member in members {
            keys.push(EntryKey::new(&member.id));
            match member.kind() {
                MemberKind::Group => nested.push(member.id.clone()),
                MemberKind::Other => drop(self.others.insert(member.id.clone())),
                MemberKind::User | MemberKind::Unknown => drop(self.people.insert(member.id.clone())),
            }
        }
        if let Some(group) = self.found.get_mut(id) {
            group.members.extend(keys);
        }
        nested
    }
}

pub(super) fn what(id: &str) -> String {
    format!("group {id}")
}

impl EntraDirectory {
    /// Reads what a query asks for.
    pub(super) async fn read_entries(
        &self,
        query: &Query,
        with_cursor: bool,
        take: &mut (dyn FnMut(EntryKey, Entry) + Send),
    ) -> Result<Whole, DirectoryError> {
        let selection = Self::selection(query);
        let select = selection.select();
        let mut whole = Whole::default();
        whole.notices.extend(selection.unknown.iter().map(|name| format!("Entra ID has no attribute `{name}`")));
        let named: Vec<&str> = query
            .groups
            .iter()
            .filter_map(|group| match group {
                GroupSelector::Named(name) => Some(name.as_str()),
                GroupSelector::All => None,
            })
            .collect();
        let all = query.groups.contains(&GroupSelector::All);
        let reads_all = all || named.len() > MAX_NAMED;
        let mut cursors = [None, None];
        if with_cursor {
            // Before anything is read: what changes meanwhile is told later once more.
            cursors = self.latest(&select, !reads_all, &mut whole).await?;
        }
        let mut groups = Groups::default();
        if reads_all {
            match self.all_groups(&mut groups).await {
                Ok(cursor) => cursors[1] = with_cursor.then_some(cursor),
                Err(failure) if self.client.has_answered() && !is_of_setup(&failure) => {
                    let gap = failure.gap("all groups");
                    whole.unread.extend(named.iter().map(|&name| (name.to_owned(), gap.clone())));
                    // A member may be on a page that was not read.
                    groups.found.values_mut().for_each(|group| group.gaps.push(gap.clone()));
                    whole.group_list.push(gap);
                }
                Err(failure) => return Err(self.error(failure).await),
            }
            if !all {
                groups.keep_below(&named);
            }
        } else {
            self.named_groups(&named, &mut groups, &mut whole).await?;
        }
        self.people(&select, &selection, &mut groups, &mut whole, take).await?;
        if groups.failure.is_some() {
            // A delta would not show what is missing.
            cursors = [None, None];
        }
        for id in groups.others {
            take(EntryKey::new(id), Entry::Other);
        }
        for (id, group) in groups.found {
            take(EntryKey::new(id), Entry::Group(group));
        }
        if let [Some(users), Some(groups)] = cursors {
            whole.cursor = serde_json::to_string(&Cursors { users, groups }).ok().map(Cursor::new);
        }
        Ok(whole)
    }

    /// The cursors of users, and of groups if `with_groups`.
    async fn latest(
        &self,
        select: &str,
        with_groups: bool,
        whole: &mut Whole,
    ) -> Result<[Option<String>; 2], DirectoryError> {
        let mut cursors = [None, None];
        for (cursor, list, select) in [(0, "users", select), (1, "groups", GROUP_DELTA_SELECT)] {
            if cursor == 1 && !with_groups {
                continue;
            }
            match self.client.graph_latest(list, select).await {
                Ok(link) => cursors[cursor] = Some(link),
                // Tenants for customers have no deltas.
                Err(failure) if matches!(failure.kind, FailureKind::NotFound | FailureKind::Rejected) => {
                    whole.notices.push(format!("Microsoft Graph does not tell changes of {list}: {}", failure.detail));
                }
                Err(failure) => return Err(self.error(failure).await),
            }
        }
        Ok(cursors)
    }

    /// Reads all groups with their members. Returns the cursor of their changes.
    async fn all_groups(&self, groups: &mut Groups) -> Result<String, Failure> {
        let first = self.client.graph_delta_address("groups", GROUP_DELTA_SELECT);
        let sees_hidden = self.client.has_right(READ_HIDDEN).await;
        // A group that changes meanwhile comes again. The order of what is told decides.
        let mut members: HashMap<String, BTreeMap<String, Member>> = HashMap::new();
        let mut on_change = |change: GroupChange| {
            if change.removed.is_some() {
                groups.found.remove(&change.id);
                members.remove(&change.id);
                return;
            }
            let is_hidden = is_hidden(change.visibility.as_deref()) && !sees_hidden;
            groups.begin(&change.id, change.name.as_deref(), is_hidden);
            let of_group = members.entry(change.id).or_default();
            for member in change.members {
                match member.removed {
                    None => drop(of_group.insert(member.id.clone(), member)),
                    Some(_) => drop(of_group.remove(&member.id)),
                }
            }
        };
        let end = self.client.graph_delta(&first, &mut on_change).await;
        for (id, members) in members {
            let members: Vec<Member> = members.into_values().collect();
            for nested in groups.members(&id, &members) {
                if !groups.found.contains_key(&nested) && end.is_ok() {
                    // All groups were told; one that was not does not exist any more.
                    groups.others.insert(nested);
                }
            }
        }
        end
    }

    /// Reads the groups with these names or ids, and those below them.
    async fn named_groups(&self, names: &[&str], groups: &mut Groups, whole: &mut Whole) -> Result<(), DirectoryError> {
        let mut found = Vec::new();
        for name in names {
            let answer = if is_id(name) {
                match self.client.graph_group(name).await {
                    Err(failure) if failure.kind == FailureKind::NotFound => Ok(Vec::new()),
                    group => group.map(|group| vec![group]),
                }
            } else {
                self.client.graph_groups_named(name).await
            };
            match answer {
                Ok(named) => found.extend(named),
                // A name that Microsoft Graph does not accept says nothing about the others.
                Err(failure) if self.client.has_answered() && !is_of_login(&failure) => {
                    whole.unread.insert((*name).to_owned(), failure.gap(format!("group {name}")));
                }
                Err(failure) => return Err(self.error(failure).await),
            }
        }
        self.groups_below(found, Vec::new(), &|_| false, groups).await;
        Ok(())
    }

    /// Reads the members of groups, and those of the groups among them, except those that `is_known` already.
    pub(super) async fn groups_below(
        &self,
        found: Vec<Group>,
        ids: Vec<String>,
        is_known: &(dyn Fn(&str) -> bool + Sync),
        groups: &mut Groups,
    ) {
        let sees_hidden = self.client.has_right(READ_HIDDEN).await;
        let mut seen: HashSet<String> = HashSet::new();
        let mut open: Vec<(String, Option<Group>)> = Vec::new();
        let given = found.into_iter().map(|group| (group.id.clone(), Some(group)));
        open.extend(given.chain(ids.into_iter().map(|id| (id, None))).filter(|(id, _)| seen.insert(id.clone())));
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < CONCURRENT {
                let Some((id, group)) = open.pop() else { break };
                running.push(self.group_with_members(id, group));
            }
            let Some((id, group, members, failure)) = running.next().await else { break };
            let (name, is_hidden) = match &group {
                Some(group) => (group.name.as_deref(), group.is_hidden() && !sees_hidden),
                None => (Some(id.as_str()), false),
            };
            let entry = groups.begin(&id, name, is_hidden);
            entry.gaps.extend(failure.as_ref().map(|failure| gap_of_group(&id, failure)));
            groups.failure = groups.failure.take().or(failure);
            for nested in groups.members(&id, &members) {
                if !is_known(&nested) && seen.insert(nested.clone()) {
                    open.push((nested, None));
                }
            }
        }
    }

    async fn group_with_members(
        &self,
        id: String,
        group: Option<Group>,
    ) -> (String, Option<Group>, Vec<Member>, Option<Failure>) {
        let group = match group {
            Some(group) => group,
            None => match self.client.graph_group(&id).await {
                Ok(group) => group,
                Err(failure) => return (id, None, Vec::new(), Some(failure)),
            },
        };
        let (members, failure) = self.client.graph_members(&id).await;
        (id, Some(group), members, failure)
    }

    /// Reads everyone, and looks up the members of groups who are not among them.
    async fn people(
        &self,
        select: &str,
        selection: &super::Selection,
        groups: &mut Groups,
        whole: &mut Whole,
        take: &mut (dyn FnMut(EntryKey, Entry) + Send),
    ) -> Result<(), DirectoryError> {
        let mut unreadable = Vec::new();
        let mut count = 0_usize;
        let mut on_user = |user: super::graph::User| match selection.person(&user) {
            Ok(person) => {
                count += 1;
                groups.people.remove(person.id.as_str());
                take(EntryKey::new(person.id.as_str()), listed(person));
            }
            Err(reason) => unreadable.push(reason),
        };
        let end = self.client.graph_users(select, &mut on_user).await;
        let reasons = std::mem::take(&mut unreadable);
        whole.people.extend(unreadable_people(&reasons));
        if let Err(failure) = end {
            let is_unusable = is_of_setup(&failure) && count == 0 || !self.client.has_answered();
            if is_unusable {
                return Err(self.error(failure).await);
            }
            whole.people.push(failure.gap("all people"));
        }
        if !whole.people.is_empty() || groups.people.len() > MAX_LOOKUPS {
            // Those who are not known make the lists of their groups gappy.
            return Ok(());
        }
        let missing: Vec<String> = groups.people.drain().collect();
        for id in missing {
            match self.client.graph_user(&id, select).await.map(|user| selection.person(&user)) {
                Ok(Ok(person)) => take(EntryKey::new(&id), listed(person)),
                // Deleted after the group was read, or something that is not a person.
                Err(failure) if failure.kind == FailureKind::NotFound => {
                    groups.others.insert(id);
                }
                // The list of the group gets a gap, because its member is not known.
                Ok(Err(_)) | Err(_) => {}
            }
        }
        Ok(())
    }
}

impl Groups {
    /// Drops the groups that are neither named nor below a named one.
    fn keep_below(&mut self, names: &[&str]) {
        let names: HashSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
        let is_named = |id: &str, group: &GroupEntry| {
            names.contains(&group.name.to_lowercase()) || names.contains(&id.to_lowercase())
        };
        let mut open: Vec<String> =
            self.found.iter().filter(|(id, group)| is_named(id, group)).map(|(id, _)| id.clone()).collect();
        let mut kept: HashSet<String> = open.iter().cloned().collect();
        let mut members: HashSet<String> = HashSet::new();
        while let Some(group) = open.pop().and_then(|id| self.found.get(&id)) {
            for member in &group.members {
                members.insert(member.as_str().to_owned());
                if self.found.contains_key(member.as_str()) && kept.insert(member.as_str().to_owned()) {
                    open.push(member.as_str().to_owned());
                }
            }
        }
        self.found.retain(|id, _| kept.contains(id));
        self.people.retain(|id| members.contains(id));
        self.others.retain(|id| members.contains(id));
    }
}

/// The gap that a failure leaves in a group. Even a group that does not exist is one: its parent named it a moment ago, and the
/// next read tells which of both is right.
fn gap_of_group(id: &str, failure: &Failure) -> Gap {
    let gap = failure.gap(what(id));
    match gap.cause {
        GapCause::NotFound | GapCause::Unreadable => Gap { cause: GapCause::Interrupted, ..gap },
        _ => gap,
    }
}

pub(super) fn listed(person: crate::person::Person) -> Entry {
    Entry::Person(PersonEntry { person, is_listed: true, labels: Vec::new() })
}

/// The gap that unreadable people leave in the list of all people.
pub(super) fn unreadable_people(reasons: &[String]) -> Option<Gap> {
    let first = reasons.first()?;
    let more = reasons.len() - 1;
    let detail = if more == 0 { first.clone() } else { format!("{first}; and {more} more") };
    let detail = format!("{detail}; {}", grant(super::graph::READ_USERS));
    Some(Gap::new("all people", GapCause::Unreadable).detail(detail))
}

/// Whether a text is the id of an object: 8-4-4-4-12 hexadecimal digits.
pub(super) fn is_id(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() == 5
        && parts.iter().zip([8, 4, 4, 4, 12]).all(|(part, length)| part.len() == length)
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The cursors of a mirror.
pub(super) fn cursors(text: &str) -> Option<Cursors> {
    serde_json::from_str::<Value>(text).ok().and_then(|value| serde_json::from_value(value).ok())
}
