//! The members of a group, those of its groups included.

use std::collections::HashSet;

use ldap3::{Scope, SearchEntry};

use super::{
    Dn, End, FoundGroup, GROUP_CLASSES, MEMBER_UIDS, MEMBERS, Read, Search, binary_of, is_of_class, relative_id,
    value_of, values_of,
};
use crate::{
    extent::{Extent, Gap, GapCause},
    person::PersonId,
};

/// The largest number of parts that the members of one group may come in: 10,000 × 1,500 members.
const MAX_PARTS: usize = 10_000;

impl Read<'_> {
    /// The people in a group and in the groups below it. Circles are no problem.
    pub(super) async fn members(&mut self, name: &str, dn: &Dn) -> Extent<Vec<PersonId>> {
        let what = format!("group {name}");
        let is_nested = self.directory.settings.nested.unwrap_or(true);
        let mut people: Vec<PersonId> = Vec::new();
        let mut seen: HashSet<PersonId> = HashSet::new();
        let mut gaps = Vec::new();
        let mut visited: HashSet<Dn> = HashSet::from([dn.clone()]);
        let mut open = vec![dn.clone()];
        while let Some(dn) = open.pop() {
            let Some(group) = self.found.groups.get(&dn).cloned() else { continue };
            gaps.extend(group.gaps.iter().map(|gap| Gap { what: what.clone(), ..gap.clone() }));
            let mut add = |id: &PersonId| {
                if seen.insert(id.clone()) {
                    people.push(id.clone());
                }
            };
            let primary = group.relative_id.and_then(|number| self.found.by_primary_group.get(&number));
            primary.into_iter().flatten().for_each(&mut add);
            for uid in &group.uids {
                match self.found.by_uid.get(&uid.to_lowercase()).map(Vec::as_slice) {
                    Some([person]) => add(person),
                    Some(_) => {
                        let detail = format!("several people have the uid {uid}");
                        gaps.push(Gap::new(&what, GapCause::Ambiguous).detail(detail));
                    }
                    None => self.found.odd("members by a uid that nobody has"),
                }
            }
            for member in &group.members {
                let member_dn = Dn::new(member);
                if !self.is_known(&member_dn) {
                    gaps.extend(self.look_up(member, &what).await);
                }
                if let Some(id) = self.found.people.get(&member_dn) {
                    if seen.insert(id.clone()) {
                        people.push(id.clone());
                    }
                } else if self.found.groups.contains_key(&member_dn) && is_nested && visited.insert(member_dn.clone()) {
                    open.push(member_dn);
                }
            }
        }
        Extent::with_gaps(people, gaps)
    }

    fn is_known(&self, dn: &Dn) -> bool {
        self.found.people.contains_key(dn) || self.found.groups.contains_key(dn) || self.found.others.contains(dn)
    }

    /// Reads one entry that a group names. Returns why it could not be read.
    pub(super) async fn look_up(&mut self, name: &str, what: &str) -> Option<Gap> {
        let mut attributes = self.person_attributes.clone();
        attributes.extend(self.group_attributes.iter().cloned());
        let mut entries: Vec<SearchEntry> = Vec::new();
        let end = loop {
            let search =
                Search { what, base: name, scope: Scope::Base, filter: "(objectClass=*)", attributes: &attributes };
            match self.connection.search(search, &mut |entry| entries.push(entry)).await {
                End::Cut { is_lost: true, .. } if self.reconnect().await => entries.clear(),
                end => break end,
            }
        };
        let dn = Dn::new(name);
        let entry = match (end, entries.pop()) {
            (End::Cut { mut gap, .. }, _) => {
                gap.detail = format!("member {name}: {}", gap.detail);
                return Some(gap);
            }
            (End::NoSuchEntry, _) => {
                // Somebody who was deleted, and whose name stayed in the group.
                self.found.odd("members that do not exist any more");
                self.found.others.insert(dn);
                return None;
            }
            (End::Whole, None) => {
                let detail = format!("member {name} cannot be seen");
                return Some(Gap::new(what, GapCause::Refused).detail(detail));
            }
            (End::Whole, Some(entry)) => entry,
        };
        if is_of_class(&entry, &GROUP_CLASSES) {
            self.keep_group(entry).await;
        } else if is_of_class(&entry, self.preset.names().person_classes) && !is_of_class(&entry, &["computer"]) {
            if !dn.is_within(&self.base) {
                self.found.odd("members outside of `base`, who were read one by one");
            }
            let Self { found, id, preset, take, .. } = self;
            if let Err(reason) = found.person(entry, id, *preset, take) {
                return Some(Gap::new(what, GapCause::Unreadable).detail(reason));
            }
        } else {
            self.found.odd("members that are neither people nor groups, such as contacts and computers");
            self.found.others.insert(dn);
        }
        None
    }

    /// Keeps a group, with the parts of its members that the server did not send at once. Returns its name.
    pub(super) async fn keep_group(&mut self, entry: SearchEntry) -> Dn {
        let dn = Dn::new(&entry.dn);
        if self.found.groups.contains_key(&dn) {
            return dn;
        }
        let mut group = FoundGroup {
            name: value_of(&entry, &self.group_attributes[0]).unwrap_or(&entry.dn).trim().to_owned(),
            place: entry.dn.clone(),
            members: MEMBERS.iter().flat_map(|name| values_of(&entry, name)).cloned().collect(),
            uids: values_of(&entry, MEMBER_UIDS).to_vec(),
            relative_id: binary_of(&entry, "objectSid").and_then(relative_id),
            gaps: Vec::new(),
        };
        let mut part = entry;
        for _ in 0..MAX_PARTS {
            let Some((attribute, next, members)) = range(&part) else { break };
            group.members.extend(members);
            let Some(next) = next else { break };
            match self.part(&group.place, &format!("{attribute};range={next}-*")).await {
                Ok(entry) => part = entry,
                Err(gap) => {
                    group.gaps.push(gap);
                    break;
                }
            }
        }
        self.found.groups.insert(dn.clone(), group);
        dn
    }

    /// Reads a part of the members of a group.
    async fn part(&mut self, place: &str, attribute: &str) -> Result<SearchEntry, Gap> {
        let what = format!("group {place}");
        let attributes = [attribute.to_owned()];
        loop {
            let mut entries = Vec::new();
            let search = Search {
                what: &what,
                base: place,
                scope: Scope::Base,
                filter: "(objectClass=*)",
                attributes: &attributes,
            };
            match self.connection.search(search, &mut |entry| entries.push(entry)).await {
                End::Cut { is_lost: true, .. } if self.reconnect().await => {}
                End::Cut { gap, .. } => return Err(gap),
                End::Whole | End::NoSuchEntry => {
                    let has_part = |entry: &SearchEntry| range(entry).is_some();
                    let gap = || {
                        Gap::new(&what, GapCause::Interrupted).detail("the server did not send the rest of its members")
                    };
                    return entries.pop().filter(has_part).ok_or_else(gap);
                }
            }
        }
    }
}

/// A part of a list of members, `member;range=0-1499`: the attribute, where the next part begins, and the members.
fn range(entry: &SearchEntry) -> Option<(&'static str, Option<u64>, Vec<String>)> {
    MEMBERS.iter().find_map(|&attribute| {
        entry.attrs.iter().find_map(|(key, values)| {
            let (name, range) = key.split_once(';')?;
            let range = range.get(..6).filter(|start| start.eq_ignore_ascii_case("range="))?.len();
            let (_, last) = key.get(name.len() + 1 + range..)?.split_once('-')?;
            if !name.eq_ignore_ascii_case(attribute) {
                return None;
            }
            let next = if last == "*" { None } else { Some(last.parse::<u64>().ok()?.checked_add(1)?) };
            Some((attribute, next, values.clone()))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, values: &[&str]) -> SearchEntry {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        SearchEntry { dn: "cn=a".to_owned(), attrs: [(key.to_owned(), values)].into(), bin_attrs: [].into() }
    }

    #[test]
    fn parts_of_members_say_where_the_next_one_begins() {
        let (attribute, next, members) = range(&entry("member;range=0-1499", &["cn=x"])).unwrap();
        assert_eq!((attribute, next, members.len()), ("member", Some(1500), 1));
        assert_eq!(range(&entry("Member;Range=1500-*", &[])).unwrap().1, None);
        assert!(range(&entry("member", &["cn=x"])).is_none());
        assert!(range(&entry("member;binary", &[])).is_none());
        assert!(range(&entry("member;range=0-x", &[])).is_none());
    }
}
