//! Reads what changed in a tenant since a cursor.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use futures_util::{StreamExt as _, stream};

use super::{
    EntraDirectory, Selection,
    graph::{GroupChange, MemberKind, User},
    whole::{Cursors, Groups, cursors, is_id, listed},
};
use crate::{
    changes::{Change, Changed, Cursor, Entry, EntryKey, EntryKind, Known, Since},
    cloud::{CONCURRENT, Failure, FailureKind},
    directory::{DirectoryError, GroupSelector, Query},
    person::Person,
};

/// The number of people and groups that are looked up one by one. With more, reading everything takes fewer requests.
const MAX_LOOKUPS: usize = 1000;

/// What changed of a group.
#[derive(Default)]
struct OfGroup {
    name: Option<String>,
    is_gone: bool,
    members: BTreeMap<String, (MemberKind, bool)>,
}

/// What changed of a user: everything, or some properties, or it is gone.
enum OfUser {
    Whole(Person),
    Partial,
    Gone,
}

/// Why there are no changes.
enum Stop {
    Failed(Failure),
    Anew(String),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl EntraDirectory {
    pub(super) async fn changes_since(
        &self,
        query: &Query,
        since: &Cursor,
        known: &dyn Known,
        take: &mut (dyn FnMut(Change) + Send),
    ) -> Result<Since, DirectoryError> {
        let Some(cursors) = cursors(since.reveal()) else {
            return Ok(Since::Anew("the mirror does not say up to where it was read".to_owned()));
        };
        match self.try_changes(query, &cursors, known, take).await {
            Ok(changed) => Ok(Since::Changed(changed)),
            Err(Stop::Anew(why)) => Ok(Since::Anew(why)),
            Err(Stop::Failed(failure)) => match failure.kind {
                FailureKind::Login | FailureKind::Denied => Err(self.error(failure).await),
                FailureKind::Resync | FailureKind::Rejected | FailureKind::NotFound => {
                    Ok(Since::Anew(format!("Microsoft Graph no longer tells the changes: {}", failure.detail)))
                }
                _ => Ok(Since::Failed(failure.gap("what changed"))),
            },
        }
    }

    async fn try_changes(
        &self,
        query: &Query,
        cursors: &Cursors,
        known: &dyn Known,
        take: &mut (dyn FnMut(Change) + Send),
    ) -> Result<Changed, Stop> {
        let selection = Self::selection(query);
        // Groups first: a new member is then among the people that changed, or known already.
        let mut of_groups: BTreeMap<String, OfGroup> = BTreeMap::new();
        let mut on_group = |change: GroupChange| {
            let group = of_groups.entry(change.id).or_default();
            group.is_gone = change.removed.is_some();
            group.name = change.name.or(group.name.take());
            for member in change.members {
                let kind = member.kind();
                group.members.insert(member.id, (kind, member.removed.is_none()));
            }
        };
        let groups_cursor = self.client.graph_delta(&cursors.groups, &mut on_group).await?;
        let mut of_users: BTreeMap<String, OfUser> = BTreeMap::new();
        let mut without_id = false;
        let mut on_user = |user: User| match user.get("id").and_then(|id| id.as_str()) {
            None => without_id = true,
            Some(id) => {
                let change = change_of(&selection, &user);
                of_users.insert(id.to_owned(), change);
            }
        };
        let users_cursor = self.client.graph_delta(&cursors.users, &mut on_user).await?;
        let is_partial = |(id, user): (&String, &OfUser)| matches!(user, OfUser::Partial).then(|| id.clone());
        let partial: HashSet<String> = of_users.iter().filter_map(is_partial).collect();
        if without_id {
            return Err(Failure::unreadable("a user of a delta has no id").into());
        }
        let mut people = self.complete(of_users, &selection).await?;
        // It was told that it changed. Which of both is right is shown by a read of everything.
        let is_told_otherwise = |id: &&String| partial.contains(*id) && people[*id].is_none();
        if let Some(id) = people.keys().find(is_told_otherwise) {
            return Err(
                Failure::new(FailureKind::Interrupted, format!("the user {id} changed and cannot be found")).into()
            );
        }

        let (groups, of_groups) = self.new_groups(query, of_groups, known).await?;
        // Members who are neither known nor told: created and added in one moment, or hidden.
        let mut strangers: BTreeSet<String> = groups.people.iter().cloned().collect();
        for group in of_groups.values() {
            let added = group
                .members
                .iter()
                .filter(|(_, (kind, is_one))| *is_one && matches!(kind, MemberKind::User | MemberKind::Unknown));
            strangers.extend(added.map(|(id, _)| id.clone()));
        }
        strangers.retain(|id| !people.contains_key(id) && known.kind(&EntryKey::new(id)).is_none());
        let strangers = strangers.into_iter().map(|id| (id, OfUser::Partial)).collect();
        people.extend(self.complete(strangers, &selection).await?);

        let gone: HashSet<String> =
            people.iter().filter(|(_, person)| person.is_none()).map(|(id, _)| id.clone()).collect();
        for (id, person) in people {
            let key = EntryKey::new(&id);
            match person {
                Some(person) => take(Change::Put(key, listed(person))),
                None => take(Change::Gone(key)),
            }
        }
        for id in &groups.others {
            let key = EntryKey::new(id);
            if known.kind(&key).is_none() {
                take(Change::Put(key, Entry::Other));
            }
        }
        for (id, mut group) in groups.found {
            group.members.retain(|member| !gone.contains(member.as_str()));
            take(Change::Put(EntryKey::new(id), Entry::Group(group)));
        }
        for (id, group) in of_groups {
            apply(&id, group, &gone, known, take);
        }
        let text = serde_json::to_string(&Cursors { users: users_cursor, groups: groups_cursor });
        let text = text.map_err(|error| Stop::Anew(error.to_string()))?;
        Ok(Changed { cursor: Cursor::new(text), people: Vec::new(), group_list: Vec::new(), notices: Vec::new() })
    }

    /// Reads the groups that the mirror does not have and needs: new ones that the query asks for, and those below others.
    /// Returns them, and the changes of the groups that the mirror has.
    async fn new_groups(
        &self,
        query: &Query,
        mut of_groups: BTreeMap<String, OfGroup>,
        known: &dyn Known,
    ) -> Result<(Groups, BTreeMap<String, OfGroup>), Stop> {
        let is_known = |id: &str| known.kind(&EntryKey::new(id)) == Some(EntryKind::Group);
        let asks_all = query.groups.contains(&GroupSelector::All);
        let names: HashSet<String> = query
            .groups
            .iter()
            .filter_map(|group| match group {
                GroupSelector::Named(name) => Some(name.to_lowercase()),
                GroupSelector::All => None,
            })
            .collect();
        let is_wanted = |id: &str, group: &OfGroup| {
            asks_all
                || group.name.as_ref().is_some_and(|name| names.contains(&name.trim().to_lowercase()))
                || is_id(id) && names.contains(&id.to_lowercase())
        };
        let mut wanted: Vec<String> = Vec::new();
        let mut kept = BTreeMap::new();
        for (id, group) in std::mem::take(&mut of_groups) {
            if is_known(&id) {
                let added = group.members.iter().filter(|(_, (_, is_one))| *is_one && !group.is_gone);
                let nested = added.filter(|(member, (kind, _))| *kind == MemberKind::Group && !is_known(member));
                wanted.extend(nested.map(|(member, _)| member.clone()));
                kept.insert(id, group);
            } else if !group.is_gone && is_wanted(&id, &group) {
                wanted.push(id);
            }
        }
        if wanted.len() > MAX_LOOKUPS {
            return Err(Stop::Anew(format!("{} groups are new", wanted.len())));
        }
        let mut groups = Groups::default();
        self.groups_below(Vec::new(), wanted, &is_known, &mut groups).await;
        match groups.failure {
            // A read of everything shows whether the group is the only one that cannot be read.
            Some(failure) => Err(Failure { kind: FailureKind::Interrupted, ..failure }.into()),
            None => Ok((groups, kept)),
        }
    }

    /// Looks up the users of whom only a part was told. `None`: the user does not exist any more.
    async fn complete(
        &self,
        of_users: BTreeMap<String, OfUser>,
        selection: &Selection,
    ) -> Result<HashMap<String, Option<Person>>, Stop> {
        let mut people = HashMap::new();
        let mut partial = Vec::new();
        for (id, user) in of_users {
            match user {
                OfUser::Whole(person) => drop(people.insert(id, Some(person))),
                OfUser::Gone => drop(people.insert(id, None)),
                OfUser::Partial => partial.push(id),
            }
        }
        if partial.len() > MAX_LOOKUPS {
            return Err(Stop::Anew(format!("{} people changed", partial.len())));
        }
        let select = selection.select();
        let look_up = |id: String| {
            let select = select.clone();
            async move {
                let user = self.client.graph_user(&id, &select).await;
                (id, user)
            }
        };
        let mut answers = stream::iter(partial).map(look_up).buffer_unordered(CONCURRENT);
        while let Some((id, user)) = answers.next().await {
            let person = match user {
                Ok(user) => Some(selection.person(&user).map_err(Failure::unreadable)?),
                Err(failure) if failure.kind == FailureKind::NotFound => None,
                Err(failure) => return Err(failure.into()),
            };
            people.insert(id, person);
        }
        Ok(people)
    }
}

fn change_of(selection: &Selection, user: &User) -> OfUser {
    if user.get("@removed").is_some_and(|removed| !removed.is_null()) {
        return OfUser::Gone;
    }
    match selection.person(user) {
        Ok(person) if selection.is_whole(user) => OfUser::Whole(person),
        _ => OfUser::Partial,
    }
}

/// Hands on what changed of a group that the mirror has.
fn apply(id: &str, group: OfGroup, gone: &HashSet<String>, known: &dyn Known, take: &mut (dyn FnMut(Change) + Send)) {
    let key = EntryKey::new(id);
    if group.is_gone {
        take(Change::Gone(key));
        return;
    }
    if let Some(name) = group.name {
        take(Change::Renamed { group: key.clone(), name: name.trim().to_owned(), place: id.to_owned() });
    }
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    for (member, (kind, is_one)) in group.members {
        let member_key = EntryKey::new(&member);
        if !is_one {
            removed.push(member_key);
        } else if !gone.contains(&member) {
            if kind == MemberKind::Other && known.kind(&member_key).is_none() {
                take(Change::Put(member_key.clone(), Entry::Other));
            }
            added.push(member_key);
        }
    }
    if !added.is_empty() || !removed.is_empty() {
        take(Change::Members { group: key, added, removed });
    }
}
