//! What was read of a directory without a mirror: people are handed on, groups are kept until all their members are known.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::{
    changes::{Entry, EntryKey, GroupEntry, PersonEntry, Whole},
    directory::{GroupName, GroupReading, Query, Reading},
    extent::{Extent, Gap, GapCause},
    group_names::GroupNames,
    person::{Person, PersonId},
};

/// Collects entries to a reading.
pub(crate) struct Collector<'t> {
    take: &'t mut (dyn FnMut(Person) + Send),
    /// Everyone, and whether the list of all people holds them.
    people: HashMap<EntryKey, PersonId>,
    /// People who count only as members of groups, until they are handed on.
    unlisted: HashMap<EntryKey, Person>,
    by_label: HashMap<String, Vec<EntryKey>>,
    groups: HashMap<EntryKey, GroupEntry>,
    others: HashSet<EntryKey>,
    handed: usize,
}

impl<'t> Collector<'t> {
    pub(crate) fn new(take: &'t mut (dyn FnMut(Person) + Send)) -> Self {
        Self {
            take,
            people: HashMap::new(),
            unlisted: HashMap::new(),
            by_label: HashMap::new(),
            groups: HashMap::new(),
            others: HashSet::new(),
            handed: 0,
        }
    }

    /// Takes an entry. Of several people with one key, the first one counts.
    pub(crate) fn entry(&mut self, key: EntryKey, entry: Entry) {
        match entry {
            Entry::Group(group) => drop(self.groups.insert(key, group)),
            Entry::Other => drop(self.others.insert(key)),
            Entry::Person(PersonEntry { person, is_listed, labels }) => {
                if self.people.contains_key(&key) {
                    return;
                }
                for label in labels {
                    self.by_label.entry(label).or_default().push(key.clone());
                }
                self.people.insert(key.clone(), person.id.clone());
                if is_listed {
                    self.handed += 1;
                    (self.take)(person);
                } else {
                    self.unlisted.insert(key, person);
                }
            }
        }
    }

    /// Ends the reading.
    pub(crate) fn finish(mut self, query: &Query, whole: Whole) -> Reading {
        let mut groups = BTreeMap::new();
        for (name, found) in self.wanted(query) {
            let found = match whole.unread.get(&name) {
                Some(gap) => Err(gap.clone()),
                None => found,
            };
            let reading = match found {
                Err(gap) => GroupReading { members: Extent::missing(gap), place: String::new() },
                Ok(key) => {
                    let place = self.groups.get(&key).map(|group| group.place.clone()).unwrap_or_default();
                    GroupReading { members: self.members(&name, &key, whole.people.first()), place }
                }
            };
            groups.insert(name, reading);
        }
        Reading {
            people: Extent::with_gaps(self.handed, whole.people),
            groups,
            group_list: Extent::with_gaps((), whole.group_list),
            notices: whole.notices,
        }
    }

    /// The groups of a query, by the names that it gives them.
    fn wanted(&self, query: &Query) -> Vec<(GroupName, Result<EntryKey, Gap>)> {
        let mut names = GroupNames::new();
        for (key, group) in &self.groups {
            let name = group.is_listed.then_some(group.name.as_str());
            names.push(key, key.as_str(), name, &group.place, group.place.to_lowercase());
        }
        let wanted = names.wanted(query, str::to_lowercase);
        wanted.into_iter().map(|(name, found)| (name, found.cloned())).collect()
    }

    /// The people in a group and in the groups below it. Circles end.
    fn members(&mut self, name: &str, group: &EntryKey, people_gap: Option<&Gap>) -> Extent<Vec<PersonId>> {
        let what = format!("group {name}");
        let mut people = Vec::new();
        let mut gaps: Vec<Gap> = Vec::new();
        let mut seen: HashSet<EntryKey> = HashSet::from([group.clone()]);
        let mut open = vec![group.clone()];
        let mut unread = 0;
        while let Some(key) = open.pop() {
            let Some(group) = self.groups.get(&key) else { continue };
            gaps.extend(group.gaps.iter().map(|gap| Gap { what: what.clone(), ..gap.clone() }));
            if let (Some(gap), false) = (people_gap, group.labels.is_empty()) {
                // Such members are found among all people, and these are not all.
                gaps.push(Gap { what: what.clone(), ..gap.clone() });
            }
            let labelled = group.labels.iter().filter_map(|label| self.by_label.get(label)).flatten();
            for member in group.members.iter().chain(labelled) {
                if !seen.insert(member.clone()) {
                    continue;
                }
                if let Some(id) = self.people.get(member) {
                    people.push(id.clone());
                    if let Some(person) = self.unlisted.remove(member) {
                        self.handed += 1;
                        (self.take)(person);
                    }
                } else if self.groups.contains_key(member) {
                    open.push(member.clone());
                } else if !self.others.contains(member) {
                    unread += 1;
                }
            }
        }
        match unread {
            0 => {}
            1 => gaps.push(Gap::new(&what, GapCause::Unidentified).detail("one of its members was not read")),
            more => {
                gaps.push(
                    Gap::new(&what, GapCause::Unidentified).detail(format!("{more} of its members were not read")),
                );
            }
        }
        gaps.sort();
        gaps.dedup();
        Extent::with_gaps(people, gaps)
    }
}
