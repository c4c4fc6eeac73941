//! The members of a group, those of its groups included.

use std::collections::HashSet;

use ldap3::{Scope, SearchEntry};

use super::{
    Dn, End, Found, FoundGroup, GROUP_CLASSES, GUID, MEMBER_UIDS, MEMBERS, Read, Search, binary_of, identity_of,
    is_of_class, primary_group, relative_id, value_of, values_of,
};
use crate::{
    changes::EntryKey,
    extent::{Extent, Gap, GapCause},
    person::PersonId,
    settings::LdapPreset,
};

/// The flag of `groupType` of a group whose members every global catalog holds.
const UNIVERSAL: i64 = 8;

/// The filter that every entry passes.
pub(super) const ANY: &str = "(objectClass=*)";

/// The largest number of parts that the members of one group may come in: 10,000 × 1,500 members.
const MAX_PARTS: usize = 10_000;

impl Read<'_> {
    /// The people in a group and in the groups below it. Circles end.
    pub(super) async fn members(&mut self, name: &str, dn: &Dn) -> Extent<Vec<PersonId>> {
        let what = format!("group {name}");
        let is_nested = self.directory.settings.nested.unwrap_or(true);
        let mut people: Vec<PersonId> = Vec::new();
        let mut seen: HashSet<PersonId> = HashSet::new();
        let mut gaps = Vec::new();
        let mut visited: HashSet<Dn> = HashSet::from([dn.clone()]);
        let mut open = vec![dn.clone()];
        while let Some(dn) = open.pop() {
            let Some(group) = self.found.groups.get(&dn).cloned() else {
                gaps.push(Gap::new(&what, GapCause::Unreadable).detail(format!("group {dn} was not kept")));
                continue;
            };
            gaps.extend(group.gaps.iter().map(|gap| Gap { what: what.clone(), ..gap.clone() }));
            let mut add = |id: &PersonId| {
                if seen.insert(id.clone()) {
                    people.push(id.clone());
                }
            };
            if let Some(gap) = &self.found.people_gap
                && (!group.labels.is_empty() || !group.uids.is_empty())
            {
                // Such members are not named in the group: they are found among all people, and these are not all.
                let gap = Gap { what: what.clone(), ..gap.clone() };
                if !gaps.contains(&gap) {
                    gaps.push(gap);
                }
            }
            if let Some(gap) = self.hidden_primary_groups(&what).filter(|gap| !gaps.contains(gap)) {
                gaps.push(gap);
            }
            let primary = group.labels.iter().filter_map(|label| self.found.by_primary_group.get(label));
            primary.flatten().for_each(&mut add);
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
                let member_dn = match self.looked_up(member, &what).await {
                    Ok(found) => found,
                    Err(gap) => {
                        gaps.push(gap);
                        continue;
                    }
                };
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

    /// Somebody whose primary group is hidden may be in any group: no group names those whose primary group it is.
    pub(super) fn hidden_primary_groups(&self, what: &str) -> Option<Gap> {
        let count = self.found.without_primary_group;
        let detail = || format!("{count} people do not show their primaryGroupID");
        (count > 0).then(|| Gap::new(what, GapCause::Refused).detail(detail()))
    }

    /// The name of a member as the server writes it. A member that was not read yet is read, once.
    pub(super) async fn looked_up(&mut self, member: &str, what: &str) -> Result<Dn, Gap> {
        let dn = Dn::new(member);
        let Found { people, groups, others, looked_up, .. } = &self.found;
        if people.contains_key(&dn) || groups.contains_key(&dn) || others.contains(&dn) {
            return Ok(dn);
        }
        let found = match looked_up.get(&dn) {
            Some(found) => found.clone(),
            None => {
                let found = self.look_up(member, what).await;
                self.found.looked_up.insert(dn, found.clone());
                found
            }
        };
        found.map_err(|gap| Gap { what: what.to_owned(), ..gap })
    }

    /// Reads one entry by its name, with everything that is read of people and groups. `None`: it does not exist, or is
    /// hidden.
    pub(super) async fn fetch(
        &mut self,
        name: &str,
        what: &str,
        filter: &str,
        more: &[&str],
    ) -> Result<Option<SearchEntry>, Gap> {
        let mut attributes = self.person_attributes.clone();
        attributes.extend(self.group_attributes.iter().cloned());
        attributes.extend(more.iter().map(|&name| name.to_owned()));
        let mut entries: Vec<SearchEntry> = Vec::new();
        let end = loop {
            let search = Search { what, base: name, scope: Scope::Base, filter, attributes: &attributes };
            match self.connection.search(search, &mut |entry| entries.push(entry)).await {
                End::Cut { is_lost: true, .. } if self.reconnect().await => entries.clear(),
                end => break end,
            }
        };
        match (end, entries.pop()) {
            (End::Cut { mut gap, .. }, _) => {
                gap.detail = format!("member {name}: {}", gap.detail);
                Err(gap)
            }
            (End::NoSuchEntry, _) => Ok(None),
            (End::Whole, None) => {
                let detail = format!("member {name} cannot be seen");
                Err(Gap::new(what, GapCause::Refused).detail(detail))
            }
            (End::Whole, entry) => Ok(entry),
        }
    }

    /// Reads one entry that a group names. Returns its name as the server writes it, or why it could not be read.
    async fn look_up(&mut self, name: &str, what: &str) -> Result<Dn, Gap> {
        let Some(entry) = self.fetch(name, what, ANY, &[]).await? else {
            if self.directory.missing_may_be_hidden(self.preset) {
                return Err(unseen(name, what));
            }
            // Somebody who was deleted, and whose name stayed in the group.
            let dn = Dn::new(name);
            self.found.odd("members that do not exist any more");
            self.found.others.insert(dn.clone());
            return Ok(dn);
        };
        // Servers know more spellings of a name than can be compared here.
        let dn = Dn::new(&entry.dn);
        if is_of_class(&entry, &GROUP_CLASSES) {
            self.keep_group(entry).await;
        } else if is_of_class(&entry, self.preset.names().person_classes) && !is_of_class(&entry, &["computer"]) {
            if !dn.is_within(&self.base) {
                self.found.odd("members outside of `base`, who were read one by one");
            }
            let Self { found, id, preset, take, .. } = self;
            if let Err(reason) = found.person(entry, id, *preset, false, take) {
                return Err(Gap::new(what, GapCause::Unreadable).detail(reason));
            }
        } else if values_of(&entry, "objectClass").is_empty() {
            let detail = format!("member {name} does not show what it is");
            return Err(Gap::new(what, GapCause::Refused).detail(detail));
        } else {
            self.found.odd("members that are neither people nor groups, such as contacts and computers");
            self.found.others.insert(dn.clone());
        }
        Ok(dn)
    }

    /// Keeps a group, with the parts of its members that the server did not send at once. Returns its name.
    pub(super) async fn keep_group(&mut self, entry: SearchEntry) -> Dn {
        let dn = Dn::new(&entry.dn);
        if self.found.groups.contains_key(&dn) {
            return dn;
        }
        let labels = binary_of(&entry, "objectSid").and_then(|sid| Some((sid, relative_id(sid)?)));
        let labels = labels.map(|(sid, number)| [Some(sid), None].map(|sid| primary_group(sid, number)));
        let mut group = FoundGroup {
            key: identity_of(&entry, GUID).filter(|_| self.preset == LdapPreset::Ad).map(EntryKey::new),
            is_listed: false,
            name: value_of(&entry, &self.group_attributes[0]).unwrap_or(&entry.dn).trim().to_owned(),
            place: entry.dn.clone(),
            members: MEMBERS.iter().flat_map(|name| values_of(&entry, name)).cloned().collect(),
            uids: values_of(&entry, MEMBER_UIDS).to_vec(),
            labels: labels.into_iter().flatten().collect(),
            gaps: Vec::new(),
        };
        let place = group.place.clone();
        let unreadable = |detail: String| Gap::new(format!("group {place}"), GapCause::Unreadable).detail(detail);
        group.gaps.extend(unreadable_members(&entry).map(unreadable));
        if self.preset == LdapPreset::Ad && group.labels.is_empty() {
            let gap = Gap::new(format!("group {place}"), GapCause::Refused);
            group.gaps.push(gap.detail("it does not show its objectSid, by which people name their primary group"));
        }
        if self.preset == LdapPreset::Ad
            && is_global_catalog(&self.connection.server)
            && value_of(&entry, "groupType")
                .and_then(|flags| flags.parse::<i64>().ok())
                .is_none_or(|flags| flags & UNIVERSAL == 0)
        {
            let detail =
                "a global catalog holds the members of universal groups only: use the port of the domain, 636 or 389";
            group.gaps.push(Gap::new(format!("group {place}"), GapCause::Refused).detail(detail));
        }
        let mut part = range(&entry);
        let mut start = 0;
        for count in 0.. {
            let Some(Part { attribute, first, next, members }) = part else { break };
            if first != start || next.is_some_and(|next| next <= first) || count == MAX_PARTS {
                let detail = format!("the server sent members from {first} on when asked for those from {start} on");
                group.gaps.push(unreadable(detail));
                break;
            }
            group.members.extend(members);
            let Some(next) = next else { break };
            match self.part(&group.place, &format!("{attribute};range={next}-*")).await {
                Ok(entry) => {
                    group.gaps.extend(unreadable_members(&entry).map(unreadable));
                    (part, start) = (range(&entry), next);
                }
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
            let search = Search { what: &what, base: place, scope: Scope::Base, filter: ANY, attributes: &attributes };
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

/// Whether an address is one of a global catalog of Active Directory, by its port.
fn is_global_catalog(url: &str) -> bool {
    [":3268", ":3269"].iter().any(|port| url.trim_end_matches('/').ends_with(port))
}

/// A member whom this user may not see.
pub(super) fn unseen(member: &str, what: &str) -> Gap {
    let detail =
        format!("member {member} cannot be seen: let the user of the sync read it, or set missing_members = \"gone\"");
    Gap::new(what, GapCause::Refused).detail(detail)
}

/// A part of a list of members: `member;range=0-1499`.
#[derive(Debug, PartialEq)]
struct Part {
    attribute: &'static str,
    /// The number of the first member of the part.
    first: u64,
    /// Where the next part begins. `None`: this is the last one.
    next: Option<u64>,
    members: Vec<String>,
}

/// The part of the members that an entry holds.
fn range(entry: &SearchEntry) -> Option<Part> {
    entry.attrs.iter().find_map(|(key, values)| {
        let (attribute, option) = member_option(key)?;
        let (first, next) = bounds(option)?;
        Some(Part { attribute, first, next, members: values.clone() })
    })
}

/// `member;range=0-1499` as `member` and `range=0-1499`.
fn member_option(key: &str) -> Option<(&'static str, &str)> {
    let (name, option) = key.split_once(';')?;
    Some((MEMBERS.into_iter().find(|attribute| name.eq_ignore_ascii_case(attribute))?, option))
}

/// `range=0-1499` as 0 and 1500.
fn bounds(option: &str) -> Option<(u64, Option<u64>)> {
    let (name, range) = option.split_once('=')?;
    let (first, last) = range.split_once('-').filter(|_| name.eq_ignore_ascii_case("range"))?;
    let next = if last == "*" { None } else { Some(last.parse::<u64>().ok()?.checked_add(1)?) };
    Some((first.parse().ok()?, next))
}

/// The attributes with members that cannot be understood: names that are not UTF-8, or parts with unknown bounds.
fn unreadable_members(entry: &SearchEntry) -> impl Iterator<Item = String> {
    let is_of_members = |key: &str| {
        let name = key.split(';').next().unwrap_or_default();
        MEMBERS.iter().chain([&MEMBER_UIDS]).any(|attribute| name.eq_ignore_ascii_case(attribute))
    };
    let binary = entry.bin_attrs.keys().filter(move |key| is_of_members(key));
    let binary = binary.map(|key| format!("its {key} holds something that is not UTF-8"));
    let has_other_option = |key: &&String| is_of_members(key) && key.contains(';') && !is_part(key);
    let other = entry.attrs.keys().filter(has_other_option).map(|key| format!("{key} is not known"));
    let parts = entry.attrs.keys().filter(|key| is_part(key)).count();
    let several = (parts > 1).then(|| "it has several parts of members at once".to_owned());
    binary.chain(other).chain(several).collect::<Vec<_>>().into_iter()
}

fn is_part(key: &str) -> bool {
    member_option(key).is_some_and(|(_, option)| bounds(option).is_some())
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
        let part = range(&entry("member;range=0-1499", &["cn=x"])).unwrap();
        assert_eq!((part.attribute, part.first, part.next, part.members.len()), ("member", 0, Some(1500), 1));
        let last = range(&entry("Member;Range=1500-*", &[])).unwrap();
        assert_eq!((last.first, last.next), (1500, None));
        for key in ["member", "member;range=0-1499", "MEMBER;RANGE=1500-*", "cn;lang-en"] {
            assert_eq!(unreadable_members(&entry(key, &["cn=x"])).count(), 0, "{key}");
        }
        for key in ["member;binary", "member;range=0-x", "member;range=-*", "memberUid;x", "member;range=0"] {
            assert!(range(&entry(key, &["cn=x"])).is_none(), "{key}");
            assert_eq!(unreadable_members(&entry(key, &["cn=x"])).count(), 1, "{key}");
        }
        let binary = SearchEntry {
            dn: "cn=a".to_owned(),
            attrs: [].into(),
            bin_attrs: [("member".to_owned(), vec![vec![255]])].into(),
        };
        assert_eq!(unreadable_members(&binary).count(), 1);
    }
}
