//! Guards: what stops a run before it changes anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};
use umapi_plan::account::FoldedName;

use crate::{
    config::{Config, DirectoryConfig, Guards, Limit},
    plan::{Action, OrgPlan, Plan},
    state::{DirectorySizes, State},
};

/// Groups below this size are exempt from a share: one of five members is a fifth.
const SMALL: u64 = 10;

/// Which guard stopped a run.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// Too many users leave.
    Leavers,
    /// A group loses too many members.
    RemovalsPerGroup,
    /// Too many users are created.
    Creations,
    /// A directory, or a group of it, is much smaller than before.
    DirectoryShrinks,
    /// More licenses are needed than there are.
    Licenses,
}

/// What a guard found.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Trip {
    /// The guard.
    pub guard: Guard,
    /// The organization or the directory.
    pub place: String,
    /// The group, if one is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// How many there are.
    pub found: u64,
    /// Out of how many.
    pub total: u64,
    /// The limit, as it is written in the configuration.
    pub limit: String,
}

/// How many members each group of an organization has, by its folded name.
pub(crate) type MemberCounts = BTreeMap<FoldedName, u64>;

/// Looks at a plan with all guards. What was allowed after an earlier run passes, up to what was found then.
pub(crate) fn check(
    config: &Config,
    plan: &Plan,
    members: &[MemberCounts],
    sizes: &[(String, DirectorySizes)],
    state: &State,
) -> Vec<Trip> {
    let mut trips = Vec::new();
    for (org, members) in plan.orgs.iter().zip(members) {
        check_org(&config.guard, org, members, &mut trips);
    }
    for (directory, (name, now)) in config.directories.iter().zip(sizes) {
        if let Some(before) = state.directories.get(name) {
            check_directory(config, directory, now, before, &mut trips);
        }
    }
    let allowed =
        state.quarantine.iter().filter(|quarantine| quarantine.is_allowed).flat_map(|quarantine| &quarantine.trips);
    let allowed: Vec<&Trip> = allowed.collect();
    trips.retain(|trip| !allowed.iter().any(|known| known.covers(trip)));
    trips
}

fn check_org(guards: &Guards, org: &OrgPlan, members: &MemberCounts, trips: &mut Vec<Trip>) {
    let mut trip = |guard, group: Option<&str>, found, total, limit: Limit| {
        let group = group.map(str::to_owned);
        trips.push(Trip { guard, place: org.org.clone(), group, found, total, limit: limit.to_string() });
    };
    let leaving: BTreeSet<String> = org
        .changes
        .iter()
        .filter(|change| {
            matches!(change.action, Action::RemoveFromOrg(_))
                || matches!(change.reason, crate::plan::Reason::Left { .. })
        })
        .filter_map(|change| change.user.as_ref())
        .map(|user| format!("{user:?}"))
        .collect();
    let leaving = leaving.len() as u64;
    if guards.leavers.is_exceeded_by(leaving, org.users) {
        trip(Guard::Leavers, None, leaving, org.users, guards.leavers);
    }
    let created = org.changes.iter().filter(|change| matches!(change.action, Action::CreateUser { .. })).count() as u64;
    if guards.creations.is_exceeded_by(created, org.users) {
        trip(Guard::Creations, None, created, org.users, guards.creations);
    }

    let mut removals = BTreeMap::<&str, u64>::new();
    for change in &org.changes {
        if let Action::Remove(removal) = &change.action {
            *removals.entry(removal.group()).or_default() += 1;
        }
    }
    for (group, removed) in removals {
        let total = members.get(&FoldedName::new(group)).copied().unwrap_or_default();
        let is_exempt = total < SMALL && matches!(guards.removals_per_group, Limit::Percent(_));
        if !is_exempt && guards.removals_per_group.is_exceeded_by(removed, total) {
            trip(Guard::RemovalsPerGroup, Some(group), removed, total, guards.removals_per_group);
        }
    }
    if guards.stops_without_licenses {
        for licenses in &org.licenses {
            if let Some(quota) =
                licenses.quota.filter(|quota| licenses.after > *quota && licenses.after > licenses.before)
            {
                trip(Guard::Licenses, Some(&licenses.profile), licenses.after, quota, Limit::Count(quota));
            }
        }
    }
}

fn check_directory(
    config: &Config,
    directory: &DirectoryConfig,
    now: &DirectorySizes,
    before: &DirectorySizes,
    trips: &mut Vec<Trip>,
) {
    let limit = config.guard.directory_shrinks;
    let mut compare = |group: Option<&str>, now: u64, before: u64| {
        let lost = before.saturating_sub(now);
        let is_exempt = before < SMALL && matches!(limit, Limit::Percent(_));
        if lost > 0 && !is_exempt && limit.is_exceeded_by(lost, before) {
            let group = group.map(str::to_owned);
            let place = directory.name.clone();
            trips.push(Trip {
                guard: Guard::DirectoryShrinks,
                place,
                group,
                found: lost,
                total: before,
                limit: limit.to_string(),
            });
        }
    };
    if let (Some(now), Some(before)) = (now.people, before.people) {
        compare(None, now, before);
    }
    // Earlier versions remembered groups that no rule is about, and a rule may be gone.
    for (group, &before) in before.groups.iter().filter(|(group, _)| config.maps_group(directory, group)) {
        compare(Some(group), now.groups.get(group).copied().unwrap_or_default(), before);
    }
}

impl Trip {
    /// Whether somebody who allowed this one allowed the other one too.
    fn covers(&self, other: &Self) -> bool {
        (self.guard, &self.place, &self.group) == (other.guard, &other.place, &other.group) && other.found <= self.found
    }
}

impl fmt::Display for Trip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { guard, place, group, found, total, limit } = self;
        let group = group.as_deref().unwrap_or_default();
        match guard {
            Guard::Leavers => write!(f, "{place}: {found} of {total} users would leave; `leavers` allows {limit}"),
            Guard::RemovalsPerGroup => {
                write!(f, "{place}: {group} would lose {found} of {total} members; `removals_per_group` allows {limit}")
            }
            Guard::Creations => write!(f, "{place}: {found} users would be created; `creations` allows {limit}"),
            Guard::DirectoryShrinks if group.is_empty() => {
                write!(
                    f,
                    "{place}: {found} of {total} people are gone since the last run; `directory_shrinks` allows {limit}"
                )
            }
            Guard::DirectoryShrinks => write!(
                f,
                "{place}: {found} of {total} members of {group} are gone since the last run; `directory_shrinks` allows {limit}"
            ),
            Guard::Licenses => {
                write!(f, "{place}: {group} would need {found} licenses and has {total}; `licenses` says stop")
            }
        }
    }
}
