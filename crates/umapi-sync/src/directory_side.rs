//! What the directories say, as plans need it: the groups that the rules give members to, and how much of it is proven.

use umapi_directory::{Extent, Gap, GapCause, Reading};

use crate::{
    config::{Config, DirectoryConfig, GroupPattern, PeopleScope},
    people::{People, PersonKey},
    plan::Plan,
    state::{DirectorySizes, State},
    targets::{Members, Targets, sizes, weaken_emptied},
};

/// What the directories say.
#[derive(Debug)]
pub(crate) struct DirectorySide {
    pub(crate) targets: Targets,
    /// Everyone in all directories; whole only if all lists of people are.
    pub(crate) everyone: Extent<()>,
    /// By directory, in the order of the configuration.
    pub(crate) sizes: Vec<(String, DirectorySizes)>,
    gaps: Vec<Gap>,
}

impl DirectorySide {
    /// Applies the rules to what was read. `is_known` tells whether an earlier run found the user of a person who cannot be made
    /// one now. A list that is empty, and was not at the last good read, proves nothing. The groups are taken out of the readings.
    pub(crate) fn of(
        config: &Config,
        people: &People<'_>,
        readings: &mut [(&DirectoryConfig, Reading)],
        state: &State,
        is_known: &dyn Fn(&PersonKey) -> bool,
    ) -> Self {
        for (directory, reading) in readings.iter_mut() {
            let before = state.directories.get(&directory.name);
            let unread = Gap::new("", GapCause::Unreachable);
            let taken = std::mem::replace(reading, Reading::missing(&config.query(directory), &unread));
            *reading = weaken_emptied(taken, before);
        }
        let targets = Targets::of(config, people, readings, is_known);
        let gaps_of_people = readings.iter().flat_map(|(_, reading)| reading.people.gaps()).cloned().collect();
        let everyone = Extent::with_gaps((), gaps_of_people);
        let uses_patterns = config.maps.iter().any(|map| matches!(map.from, GroupPattern::Matching(_)));
        let mut gaps = targets.gaps().to_vec();
        gaps.extend(everyone.gaps().iter().cloned());
        for (_, reading) in readings.iter().filter(|_| uses_patterns) {
            gaps.extend(reading.group_list.gaps().iter().cloned());
        }
        let sizes = readings
            .iter()
            .map(|(directory, reading)| {
                let is_mapped = |group: &str| config.maps_group(directory, group);
                (directory.name.clone(), sizes(reading, state.directories.get(&directory.name), is_mapped))
            })
            .collect();
        // The targets hold the members now, as numbers.
        readings.iter_mut().for_each(|(_, reading)| reading.groups.clear());
        Self { targets, everyone, sizes, gaps }
    }

    /// A plan that says what could not be read, and who is left out.
    pub(crate) fn plan(&self, config: &Config, people: &People<'_>) -> Plan {
        let mut plan = Plan::new(&config.hash);
        plan.problems = people.problems().to_vec();
        plan.gaps.clone_from(&self.gaps);
        plan.gaps.sort();
        plan.gaps.dedup();
        plan
    }

    /// By person: whether they belong into an organization. Those with a group in it do; and in the primary one everybody who
    /// takes part.
    pub(crate) fn people_of(&self, config: &Config, people: &People<'_>, org: &str) -> Vec<bool> {
        let is_primary = config.primary() == org;
        let mut scope: Vec<bool> = (0..people.wanted().len())
            .map(|person| match config.scope {
                PeopleScope::All => is_primary,
                PeopleScope::Mapped => is_primary && self.targets.selects(person),
            })
            .collect();
        let members = self.targets.groups(org).filter_map(|(_, target)| target.members.found());
        for (person, _) in members.flat_map(Members::iter) {
            if let Some(is_in_scope) = scope.get_mut(person) {
                *is_in_scope = true;
            }
        }
        scope
    }
}
