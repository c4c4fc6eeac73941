//! What changed in Okta since a time.
//!
//! Okta tells who was changed or deactivated, and which groups got other names or other members. It does not tell what was
//! deleted. That is why a mirror can keep somebody, or a group, for longer than Okta does: a user can be deleted only after
//! they were deactivated, which Okta tells unless both happen between two runs. But everybody who is in Okta is in the mirror,
//! so it proves who is not there.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use jiff::Timestamp;

use super::{FoundGroup, Members, OktaDirectory, Rules, Seen, User, is_wanted};
use crate::{
    changes::{
        Change, ChangeFeed, Changed, Cursor, Entry, EntryKey, EntryKind, GroupEntry, Known, Since, SinceFuture,
        WholeFuture,
    },
    cloud::{Failure, FailureKind},
    directory::{DirectoryError, Query},
    settings::OktaSettings,
};

/// Lists lag behind changes, by about a second. What changed in this time before a read is read again.
const OVERLAP: Duration = Duration::from_secs(120);

/// A cursor for what changes from a time on.
pub(super) fn cursor(read_at: SystemTime) -> Option<Cursor> {
    let since = timestamp(read_at.checked_sub(OVERLAP)?)?;
    Some(Cursor::new(since.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()))
}

fn timestamp(time: SystemTime) -> Option<Timestamp> {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}

impl OktaDirectory {
    async fn changes_since(
        &self,
        query: &Query,
        since: &Cursor,
        known: &dyn Known,
        take: &mut (dyn FnMut(Change) + Send),
    ) -> Result<Since, DirectoryError> {
        let Ok(time) = since.reveal().parse::<Timestamp>() else {
            return Ok(Since::Anew("the time of the last read cannot be understood".to_owned()));
        };
        let rules = Rules::of(&self.settings, query);
        let mut unreadable = Vec::new();
        let mut users: HashMap<EntryKey, User> = HashMap::new();
        let filter = format!("lastUpdated gt \"{}\"", since.reveal());
        let mut keep = |user: User| {
            users.insert(user.key.clone(), user);
        };
        let (begun, end) = self.users(Some(&filter), &rules, &mut unreadable, &mut keep).await;
        if let Err(failure) = end {
            return self.failed(failure, "changed people");
        }
        if let Some(gap) = unreadable.pop() {
            return Ok(Since::Failed(gap));
        }
        let Some(cursor) = begun.and_then(cursor) else {
            return Ok(Since::Anew("Okta does not tell its time".to_owned()));
        };
        if begun.and_then(timestamp).is_none_or(|now| now < time) {
            return Ok(Since::Anew("the clock of Okta went back".to_owned()));
        }
        let mut seen: Seen = users.values().filter(|user| !user.left).map(|user| user.key.clone()).collect();
        let mut changes: Vec<Change> = users
            .into_values()
            .map(|user| match user.left {
                true => Change::Gone(user.key),
                false => Change::Put(user.key, Entry::Person(user.entry)),
            })
            .collect();
        if !query.groups.is_empty() {
            let filter = format!("lastUpdated gt \"{0}\" or lastMembershipUpdated gt \"{0}\"", since.reveal());
            let (groups, mut gaps, end) = self.groups(Some(&filter)).await;
            if let Err(failure) = end {
                return self.failed(failure, "changed groups");
            }
            if let Some(gap) = gaps.pop() {
                return Ok(Since::Failed(gap));
            }
            let is_kept = |group: &FoundGroup| known.kind(&group.key) == Some(EntryKind::Group);
            for group in groups.into_iter().filter(|group| is_wanted(query, group) || is_kept(group)) {
                let Members { keys, new, end, mut unreadable } = self.members(&group.key, &rules, &seen).await;
                let mut refused = Vec::new();
                match end {
                    Err(failure) if failure.kind == FailureKind::NotFound => {
                        changes.push(Change::Gone(group.key));
                        continue;
                    }
                    // One group that the login may not see does not end the run: its list is not whole, as in a whole read.
                    Err(failure) if failure.kind == FailureKind::Denied => refused.push(failure.gap("a group")),
                    Err(failure) => return self.failed(failure, &format!("group {}", group.name)),
                    Ok(()) => {}
                }
                if let Some(gap) = unreadable.pop() {
                    return Ok(Since::Failed(gap));
                }
                for user in new.into_iter().filter(|user| known.kind(&user.key) != Some(EntryKind::Person)) {
                    // Added since the changed people were read.
                    if seen.insert(user.key.clone()) {
                        changes.push(Change::Put(user.key, Entry::Person(user.entry)));
                    }
                }
                let FoundGroup { key, name, place } = group;
                let entry =
                    GroupEntry { name, place, is_listed: true, members: keys, gaps: refused, ..GroupEntry::default() };
                changes.push(Change::Put(key, Entry::Group(entry)));
            }
        }
        changes.into_iter().for_each(take);
        Ok(Since::Changed(Changed { cursor, people: Vec::new(), group_list: Vec::new(), notices: Vec::new() }))
    }

    fn failed(&self, failure: Failure, what: &str) -> Result<Since, DirectoryError> {
        match failure.kind {
            FailureKind::Login | FailureKind::Denied => Err(failure.into_error(self.client.server())),
            // The service does not know this question any more.
            FailureKind::Rejected | FailureKind::NotFound => Ok(Since::Anew(failure.gap(what).to_string())),
            _ => Ok(Since::Failed(failure.gap(what))),
        }
    }
}

impl ChangeFeed for OktaDirectory {
    fn basis(&self, query: &Query) -> String {
        let OktaSettings { url, enabled, .. } = &self.settings;
        format!("okta {url} {enabled:?} {query:?}")
    }

    fn read_whole<'a>(
        &'a self,
        query: &'a Query,
        take: &'a mut (dyn FnMut(EntryKey, Entry) + Send),
    ) -> WholeFuture<'a> {
        Box::pin(self.read_entries(query, take))
    }

    fn read_changes<'a>(
        &'a self,
        query: &'a Query,
        since: &'a Cursor,
        known: &'a dyn Known,
        take: &'a mut (dyn FnMut(Change) + Send),
    ) -> SinceFuture<'a> {
        Box::pin(self.changes_since(query, since, known, take))
    }
}
