//! What a mirror says to a query: people, and the members of groups with those of the groups below.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::Connection;

use super::database::{GROUP, GroupContent, PERSON, UNKNOWN, from_json, person_of};
use crate::{
    changes::{ChangeFeed, EntryKey},
    directory::{GroupName, GroupReading, Query, Reading},
    extent::{Extent, Gap, GapCause},
    group_names::GroupNames,
    person::{Person, PersonId},
};

/// What is known to be missing in a mirror.
#[derive(Debug, Default)]
pub(super) struct Lacks {
    pub(super) people: Vec<Gap>,
    pub(super) group_list: Vec<Gap>,
    pub(super) unread: BTreeMap<GroupName, Gap>,
    /// Why a group may be missing that has the name of another one.
    pub(super) unlisted_groups: Option<Gap>,
}

struct Group {
    key: EntryKey,
    folded_place: String,
    content: GroupContent,
}

struct Resolver<'m> {
    connection: &'m Connection,
    groups: HashMap<i64, Group>,
    members: HashMap<i64, Vec<i64>>,
    ids: HashMap<i64, PersonId>,
    /// People who count only as members of groups.
    unlisted: HashMap<i64, Person>,
    unknown: HashMap<i64, EntryKey>,
    lacks: &'m Lacks,
}

/// Reads what a query asks for out of a mirror.
pub(super) fn read(
    connection: &Connection,
    feed: &dyn ChangeFeed,
    query: &Query,
    lacks: &Lacks,
    take: &mut (dyn FnMut(Person) + Send),
) -> rusqlite::Result<Reading> {
    let mut resolver = Resolver {
        connection,
        groups: HashMap::new(),
        members: HashMap::new(),
        ids: HashMap::new(),
        unlisted: HashMap::new(),
        unknown: HashMap::new(),
        lacks,
    };
    resolver.load_groups()?;
    let mut handed: HashSet<PersonId> = HashSet::new();
    let mut people = connection.prepare("SELECT row, content FROM entry WHERE kind = ?1")?;
    let mut rows = people.query([PERSON])?;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let (person, is_listed) = person_of(row.get_ref(1)?.as_str()?)?;
        resolver.ids.insert(number, person.id.clone());
        if !is_listed {
            resolver.unlisted.insert(number, person);
        } else if handed.insert(person.id.clone()) {
            take(person);
        }
    }
    let mut hand_on = |person: Person| {
        if handed.insert(person.id.clone()) {
            take(person);
        }
    };
    let mut groups = BTreeMap::new();
    for (name, found) in resolver.wanted(feed, query) {
        let found = match lacks.unread.get(&name) {
            Some(gap) => Err(gap.clone()),
            None => found,
        };
        let reading = match found {
            Err(gap) => GroupReading { members: Extent::missing(gap), place: String::new() },
            Ok(row) => {
                let place = resolver.groups.get(&row).map(|group| group.content.place.clone()).unwrap_or_default();
                let mut members = resolver.members(&name, row, &mut hand_on)?;
                if let Some(gap) = &lacks.unlisted_groups {
                    members = members.weaken(Gap { what: format!("group {name}"), ..gap.clone() });
                }
                GroupReading { members, place }
            }
        };
        groups.insert(name, reading);
    }
    Ok(Reading {
        people: Extent::with_gaps(handed.len(), lacks.people.clone()),
        groups,
        group_list: Extent::with_gaps((), lacks.group_list.clone()),
        notices: Vec::new(),
    })
}

impl Resolver<'_> {
    fn load_groups(&mut self) -> rusqlite::Result<()> {
        let mut groups = self.connection.prepare("SELECT row, key, place, content FROM entry WHERE kind = ?1")?;
        let mut rows = groups.query([GROUP])?;
        while let Some(row) = rows.next()? {
            let group = Group {
                key: EntryKey::new(row.get_ref(1)?.as_str()?),
                folded_place: row.get(2)?,
                content: from_json(row.get_ref(3)?.as_str()?)?,
            };
            self.groups.insert(row.get(0)?, group);
        }
        let mut members = self.connection.prepare("SELECT grp, member FROM member")?;
        let mut rows = members.query([])?;
        while let Some(row) = rows.next()? {
            self.members.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
        let mut unknown = self.connection.prepare("SELECT row, key FROM entry WHERE kind = ?1")?;
        let mut rows = unknown.query([UNKNOWN])?;
        while let Some(row) = rows.next()? {
            self.unknown.insert(row.get(0)?, EntryKey::new(row.get_ref(1)?.as_str()?));
        }
        Ok(())
    }

    /// The groups of a query, by the names that it gives them.
    fn wanted(&self, feed: &dyn ChangeFeed, query: &Query) -> Vec<(GroupName, Result<i64, Gap>)> {
        let mut names = GroupNames::new();
        for (&row, Group { key, folded_place, content }) in &self.groups {
            let name = content.is_listed.then_some(content.name.as_str());
            names.push(row, key.as_str(), name, &content.place, folded_place.clone());
        }
        names.wanted(query, |name| feed.folded(name))
    }

    /// The people in a group and in the groups below it. Circles end.
    fn members(
        &self,
        name: &str,
        group: i64,
        hand_on: &mut dyn FnMut(Person),
    ) -> rusqlite::Result<Extent<Vec<PersonId>>> {
        let what = format!("group {name}");
        let mut people = Vec::new();
        let mut gaps: Vec<Gap> = Vec::new();
        let mut seen: HashSet<i64> = HashSet::from([group]);
        let mut open = vec![group];
        let mut labelled = self.connection.prepare_cached("SELECT row FROM label WHERE label = ?1")?;
        while let Some(row) = open.pop() {
            let Some(group) = self.groups.get(&row) else { continue };
            gaps.extend(group.content.gaps.iter().map(|gap| Gap { what: what.clone(), ..gap.clone() }));
            let mut members: Vec<i64> = self.members.get(&row).cloned().unwrap_or_default();
            for label in &group.content.labels {
                for person in labelled.query_map([label], |found| found.get(0))? {
                    members.push(person?);
                }
            }
            if let (Some(gap), false) = (self.lacks.people.first(), group.content.labels.is_empty()) {
                // Such members are not named in the group: they are found among all people, and these are not all.
                gaps.push(Gap { what: what.clone(), ..gap.clone() });
            }
            for member in members {
                if !seen.insert(member) {
                    continue;
                }
                if let Some(id) = self.ids.get(&member) {
                    people.push(id.clone());
                    if let Some(person) = self.unlisted.get(&member) {
                        hand_on(person.clone());
                    }
                } else if self.groups.contains_key(&member) {
                    open.push(member);
                } else if let Some(key) = self.unknown.get(&member) {
                    gaps.push(Gap::new(&what, GapCause::Unreadable).detail(format!("its member {key} was not read")));
                }
            }
        }
        gaps.sort();
        gaps.dedup();
        Ok(Extent::with_gaps(people, gaps))
    }
}
