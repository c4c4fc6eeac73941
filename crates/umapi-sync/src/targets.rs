//! Which users belong into which groups of Adobe, and whether that is all of them.

use std::collections::BTreeMap;

use umapi_directory::{Complete, Extent, Gap, GapCause, GroupReading, PersonId, Reading};
use umapi_plan::account::FoldedName;

use crate::{
    config::{Config, DirectoryConfig, GroupPattern, TargetFamily},
    people::{DirectoryName, People, PersonKey, Standing},
    plan::Blocked,
    state::DirectorySizes,
};

/// The wanted members of a group: users, each with the source that names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// In the order of the users, each once.
    list: Vec<(u32, u32)>,
}

/// A group of a directory that gives members to a group of Adobe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The directory.
    pub directory: String,
    /// The group of the directory.
    pub group: String,
    /// The line of the rule in the configuration.
    pub line: usize,
}

/// What a group of Adobe is to be.
#[derive(Clone, Debug)]
pub struct TargetGroup {
    /// The name, as the rule spells it.
    pub name: String,
    /// Its members. Only a whole list shows who does not belong into it.
    pub members: Extent<Members>,
    /// Where the members come from.
    pub sources: Vec<Source>,
    /// Whether it is created if it does not exist.
    pub create: bool,
}

/// All groups of Adobe that the rules give members to.
#[derive(Debug, Default)]
pub struct Targets {
    /// By organization and folded name.
    by_org: BTreeMap<String, BTreeMap<FoldedName, TargetGroup>>,
    /// The groups that a pattern can name, by organization, and whether all groups of the directory were listed.
    families: Vec<(String, TargetFamily, Extent<()>)>,
    /// By user: whether a rule selects them, for a group or not.
    selected: Vec<bool>,
    /// Groups of a directory that a rule names and that could not be read whole.
    gaps: Vec<Gap>,
    /// Names that a pattern made and that no rule may give, by organization.
    refused: Vec<(String, Blocked)>,
}

impl Targets {
    /// Applies the rules to what was read.
    ///
    /// `is_known` tells whether an earlier run found the user of a person who cannot be made one now.
    pub fn of(
        config: &Config,
        people: &People<'_>,
        readings: &[(&DirectoryConfig, Reading)],
        is_known: &dyn Fn(&PersonKey) -> bool,
    ) -> Self {
        let mut targets = Self { selected: vec![false; people.wanted().len()], ..Self::default() };
        for (directory, reading) in readings {
            let name = DirectoryName::from(directory.name.as_str());
            for rule in config.maps_of(directory) {
                if let GroupPattern::Matching(_) = rule.from {
                    for to in &rule.to {
                        let org = to.org.as_deref().unwrap_or_else(|| config.primary()).to_owned();
                        targets.families.push((org, to.family(&rule.from), reading.group_list.clone()));
                    }
                }
                for (group, read) in sources(&rule.from, reading) {
                    let source = Source { directory: directory.name.clone(), group: group.clone(), line: rule.line };
                    let members = wanted_members(people, &name, &group, &read.members, is_known);
                    targets.gaps.extend(members.gaps().iter().cloned());
                    members.found().into_iter().flatten().for_each(|user| targets.select(*user as usize));
                    for to in &rule.to {
                        let org = to.org.as_deref().unwrap_or_else(|| config.primary());
                        let Some(name) = rule.from.expand(&group, to) else { continue };
                        match refusal(&name) {
                            None => targets.add(org, name, &members, source.clone(), rule.create),
                            Some(reason) => {
                                let remedy = format!(
                                    "rename the group {group} of {}, or narrow the pattern in line {}",
                                    directory.name, rule.line
                                );
                                let what = format!("group {}", name.trim());
                                targets
                                    .refused
                                    .push((org.to_owned(), Blocked { what, reason: reason.to_owned(), remedy }));
                            }
                        }
                    }
                }
            }
        }
        targets.gaps.sort();
        targets.gaps.dedup();
        targets
    }

    fn select(&mut self, user: usize) {
        if let Some(selected) = self.selected.get_mut(user) {
            *selected = true;
        }
    }

    fn add(&mut self, org: &str, name: String, members: &Extent<Vec<u32>>, source: Source, create: bool) {
        let groups = self.by_org.entry(org.to_owned()).or_default();
        let group = groups.entry(FoldedName::new(&name)).or_insert_with(|| TargetGroup {
            name,
            members: Complete::proven(Members::default()).into(),
            sources: Vec::new(),
            create: false,
        });
        let number = u32::try_from(group.sources.len()).unwrap_or(u32::MAX);
        group.sources.push(source);
        group.create |= create;
        let members = members.as_ref().map(|list| list.iter().map(|user| (*user, number)).collect::<Members>());
        let before = std::mem::replace(&mut group.members, Extent::missing(Gap::new("", GapCause::NotFound)));
        group.members = members.join(before);
    }

    /// The groups of an organization that the rules name.
    pub fn groups(&self, org: &str) -> impl Iterator<Item = (&FoldedName, &TargetGroup)> {
        self.by_org.get(org).into_iter().flatten()
    }

    /// A group of an organization that the rules name.
    pub fn group(&self, org: &str, name: &FoldedName) -> Option<&TargetGroup> {
        self.by_org.get(org)?.get(name)
    }

    /// Whether a group of Adobe is one that a pattern could name and none does: its last source is gone. That is known
    /// only if all groups of all directories concerned were listed.
    pub fn has_lost_its_sources(&self, org: &str, group: &str) -> Option<Extent<()>> {
        let families = self.families.iter().filter(|(of, family, _)| of == org && family.contains(group));
        let mut extents = families.map(|(_, _, list)| list);
        let first = extents.next()?.clone();
        Some(extents.fold(first, |all, list| list.gaps().iter().cloned().fold(all, Extent::weaken)))
    }

    /// Whether a rule selects a user, for a group or not.
    pub fn selects(&self, user: usize) -> bool {
        self.selected.get(user).is_some_and(|selected| *selected)
    }

    /// Names that a pattern made of groups of a directory, and that no rule may give.
    pub(crate) fn refused(&self, org: &str) -> impl Iterator<Item = &Blocked> {
        self.refused.iter().filter(move |(of, _)| of == org).map(|(_, blocked)| blocked)
    }

    /// What could not be read of the groups that the rules name.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }
}

impl Members {
    /// The source that names a user; `None` for someone who does not belong into the group.
    pub fn source_of(&self, user: usize) -> Option<u32> {
        let place = self.list.binary_search_by_key(&user, |(known, _)| *known as usize).ok()?;
        self.list.get(place).map(|(_, source)| *source)
    }

    /// The users in their order, each with the source that names them.
    pub fn iter(&self) -> impl Iterator<Item = (usize, u32)> {
        self.list.iter().map(|(user, source)| (*user as usize, *source))
    }

    /// The number of users.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether nobody belongs into the group.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl Extend<(u32, u32)> for Members {
    /// Adds users. The source that is added last counts.
    fn extend<I: IntoIterator<Item = (u32, u32)>>(&mut self, more: I) {
        self.list.extend(more);
        self.list.sort_by_key(|(user, _)| *user);
        self.list.dedup_by(|later, first| {
            let is_same = later.0 == first.0;
            if is_same {
                *first = *later;
            }
            is_same
        });
    }
}

impl FromIterator<(u32, u32)> for Members {
    fn from_iter<I: IntoIterator<Item = (u32, u32)>>(users: I) -> Self {
        let mut members = Self::default();
        members.extend(users);
        members
    }
}

impl IntoIterator for Members {
    type Item = (u32, u32);
    type IntoIter = std::vec::IntoIter<(u32, u32)>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

/// Why no rule may give a group of this name. Names of the directory come from others than the rules do.
fn refusal(name: &str) -> Option<&'static str> {
    match name.trim() {
        "" => Some("its name is empty"),
        name if name.starts_with('_') => Some("it is an administrative group, and no rule gives or takes it"),
        _ => None,
    }
}

/// The groups of a directory that a rule is about. One that a rule names is among them even if it was not found.
fn sources<'r>(from: &GroupPattern, reading: &'r Reading) -> Vec<(String, &'r GroupReading)> {
    let matching = reading.groups.iter().filter(|(name, _)| from.matches(name));
    matching.map(|(name, group)| (name.clone(), group)).collect()
}

/// The users among the members of a group of a directory.
fn wanted_members(
    people: &People<'_>,
    directory: &DirectoryName,
    group: &str,
    members: &Extent<Vec<PersonId>>,
    is_known: &dyn Fn(&PersonKey) -> bool,
) -> Extent<Vec<u32>> {
    let mut unidentified = Vec::new();
    let users = members.as_ref().map(|members| {
        let mut users = Vec::with_capacity(members.len());
        for id in members {
            let key = PersonKey { directory: directory.clone(), id: id.clone() };
            match people.standing(&key) {
                Some(Standing::Wanted(user)) => users.push(u32::try_from(*user).unwrap_or(u32::MAX)),
                // Disabled; or left out and known, so that nobody takes them for someone else.
                Some(Standing::Left | Standing::Held(Some(_))) => {}
                Some(Standing::Held(None)) if is_known(&key) => {}
                Some(Standing::Held(None)) | None => unidentified.push(key.id.to_string()),
            }
        }
        users
    });
    if unidentified.is_empty() {
        return users;
    }
    let shown = unidentified.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    let more = unidentified.len().saturating_sub(3);
    let detail = if more > 0 { format!("{shown} and {more} more") } else { shown };
    users.weaken(Gap::new(format!("group {group}"), GapCause::Unidentified).detail(detail))
}

/// Weakens the lists of a reading that are empty and were not at the last good read.
pub(crate) fn weaken_emptied(reading: Reading, before: Option<&DirectorySizes>) -> Reading {
    let Some(before) = before else { return reading };
    let Reading { people, groups, group_list, notices } = reading;
    // Nobody, or not one group: then what is not in the lists is not known to be gone.
    let is_deserted = people.found() == Some(&0) && before.people.is_some_and(|people| people > 0);
    let has_no_groups = !before.groups.is_empty() && groups.values().all(|group| group.members.found().is_none());
    let people = if is_deserted { people.weaken(Gap::new("all people", GapCause::Emptied)) } else { people };
    let group_list = match is_deserted || has_no_groups {
        true => group_list.weaken(Gap::new("all groups", GapCause::Emptied)),
        false => group_list,
    };
    let weaken = |(name, group): (String, GroupReading)| {
        let was = before.groups.get(&name).copied().unwrap_or_default();
        let is_empty = group.members.found().is_some_and(Vec::is_empty);
        let members = match was {
            1.. if is_empty => group
                .members
                .weaken(Gap::new(format!("group {name}"), GapCause::Emptied).detail(format!("it had {was} members"))),
            _ => group.members,
        };
        (name, GroupReading { members, place: group.place })
    };
    Reading { people, groups: groups.into_iter().map(weaken).collect(), group_list, notices }
}

/// The sizes to remember of a reading. What was not read whole keeps its size. Only the groups of the rules count: what becomes
/// of the others changes nothing.
pub(crate) fn sizes(
    reading: &Reading,
    before: Option<&DirectorySizes>,
    is_mapped: impl Fn(&str) -> bool,
) -> DirectorySizes {
    let mut sizes = before.cloned().unwrap_or_default();
    sizes.groups.retain(|name, _| is_mapped(name));
    if let Ok(people) = reading.people.complete() {
        sizes.people = Some(*people.get() as u64);
    }
    for (name, group) in reading.groups.iter().filter(|(name, _)| is_mapped(name)) {
        if let Ok(members) = group.members.complete() {
            sizes.groups.insert(name.clone(), members.get().len() as u64);
        }
    }
    if reading.group_list.complete().is_ok() {
        sizes.groups.retain(|name, _| reading.groups.contains_key(name));
    }
    sizes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn members_are_a_map_from_users_to_sources(
            first in proptest::collection::vec((0_u32..9, 0_u32..3), 0..9),
            more in proptest::collection::vec((0_u32..9, 0_u32..3), 0..9),
        ) {
            let mut members: Members = first.iter().copied().collect();
            members.extend(more.iter().copied());
            let map: BTreeMap<usize, u32> = first.iter().chain(&more).map(|(user, source)| (*user as usize, *source)).collect();
            prop_assert_eq!(members.iter().collect::<Vec<_>>(), map.clone().into_iter().collect::<Vec<_>>());
            prop_assert_eq!((members.len(), members.is_empty()), (map.len(), map.is_empty()));
            for user in 0..9 {
                prop_assert_eq!(members.source_of(user), map.get(&user).copied());
            }
        }
    }
}
