//! The difference between what the directories want and what Adobe has, as a plan.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    rc::Rc,
};

use umapi_directory::{Extent, Reading};
use umapi_plan::{
    AccountKind, GroupKind,
    account::{FoldedName, fold_user},
};

use crate::{
    config::{Config, DirectoryConfig, LeaverScope, Stage, UpdatableField},
    details::UserDetails,
    directory_side::DirectorySide,
    guard,
    links::{Links, OrgLinks},
    matching::Matching,
    organization::{AdobeGroup, AdobeUser, Organization},
    people::{People, PersonKey, WantedUser},
    plan::{
        Action, Blocked, Change, Departure, FieldChange, Held, Licenses, OrgPlan, Plan, Reason, Removal, TargetKind,
    },
    state::{AccountRecord, Leaver, Link, OrgState, State, user_key},
    targets::{Members, TargetGroup, Targets},
};

/// How alike two names are at which one may be a misspelling of the other.
const NEAR_MISS: f64 = 0.93;

/// Everything that a plan is made from.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The people of all directories.
    pub people: People<'a>,
    /// What was read of each directory, in the order of the configuration. A plan takes the groups out.
    pub readings: Vec<(&'a DirectoryConfig, Reading)>,
    /// The organizations, in the order of the configuration.
    pub organizations: Vec<Organization>,
    /// Who is whom, as earlier runs found it.
    pub links: Links,
    /// What earlier runs remember besides.
    pub state: &'a State,
    /// Today, in days since 1970.
    pub today: i64,
}

/// A plan, and what to remember once it is applied.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What to remember, besides the links of [`Inputs::links_of`].
    pub state: State,
    /// Which groups belong to whom, for explanations.
    pub targets: Targets,
    /// Which user is which person, by organization.
    pub matchings: Vec<Matching>,
}

impl Inputs<'_> {
    /// Compares both sides.
    pub fn plan(&mut self) -> Planned {
        let state = self.state;
        let links = &self.links;
        let is_known = |key: &PersonKey| links.knows(key);
        let side = DirectorySide::of(self.config, &self.people, &mut self.readings, state, &is_known);
        let mut plan = side.plan(self.config, &self.people);

        let mut next = State { quarantine: None, ..State::default() };
        let mut matchings = Vec::new();
        let mut updated = HashSet::new();
        let no_state = OrgState::default();
        for organization in &self.organizations {
            let org_state = state.orgs.get(&organization.name).unwrap_or(&no_state);
            let links = self.links.of(&organization.name);
            let comparison = Comparison {
                config: self.config,
                people: &self.people,
                targets: &side.targets,
                everyone: &side.everyone,
                organization,
                matching: Matching::of(&self.people, organization, links),
                links,
                state: org_state,
                today: self.today,
                plan: OrgPlan { org: organization.name.clone(), ..OrgPlan::default() },
                scope: side.people_of(self.config, &self.people, &organization.name),
                updated: &updated,
                leavers: BTreeMap::new(),
            };
            let (org_plan, org_next, matching) = comparison.run();
            if self.organizations.len() > 1 {
                let people = 0..self.people.wanted().len();
                updated.extend(people.filter(|person| matching.user_of(*person).is_some()));
            }
            plan.gaps.extend(organization.users.gaps().iter().chain(organization.group_list.gaps()).cloned());
            plan.orgs.push(org_plan);
            next.orgs.insert(organization.name.clone(), org_next);
            matchings.push(matching);
        }
        let members: Vec<_> = self.organizations.iter().map(Organization::member_counts).collect();
        plan.trips = guard::check(self.config, &plan, &members, &side.sizes, state);
        next.directories = side.sizes.into_iter().collect();
        // Nothing is known of an organization that could not be read, so nothing of it is forgotten.
        for org in &self.config.orgs {
            if let Some(before) = state.orgs.get(&org.name) {
                next.orgs.entry(org.name.clone()).or_insert_with(|| before.clone());
            }
        }
        Planned { plan, state: next, targets: side.targets, matchings }
    }

    /// The links to forget, each with the name of its organization: of people whom neither side has any more. That is known
    /// only if both were read to their ends.
    pub fn forgotten(&self) -> impl Iterator<Item = (&str, &PersonKey)> {
        let is_whole = |org: &str| {
            self.readings.iter().all(|(_, reading)| reading.people.complete().is_ok())
                && self.organizations.iter().any(|known| known.name == org && known.users.complete().is_ok())
        };
        let vanished = self.links.vanished().iter().map(|(org, person)| (org.as_str(), person));
        vanished.filter(move |(org, _)| is_whole(org))
    }

    /// The links to remember, each with the name of its organization, in the order of the people's keys. They take the
    /// place of older ones of the same people. All other ones stay: a person who is not seen this time, for whatever reason,
    /// is a leaver by their link.
    ///
    /// The user ids of created users are not known yet.
    pub fn links_of<'p>(&'p self, planned: &'p Planned) -> impl Iterator<Item = (&'p str, &'p PersonKey, Link)> {
        let mut people: Vec<u32> = (0..).take(self.people.wanted().len()).collect();
        people.sort_unstable_by_key(|person| self.people.key_of(*person as usize));
        let people: Rc<[u32]> = people.into();
        let orgs = self.organizations.iter().zip(&planned.matchings);
        orgs.flat_map(move |(organization, matching)| {
            let people = people.clone();
            (0..people.len()).filter_map(move |place| {
                let person = people[place] as usize;
                Some((
                    organization.name.as_str(),
                    self.people.key_of(person)?,
                    self.link(organization, matching, person)?,
                ))
            })
        })
    }

    fn link(&self, organization: &Organization, matching: &Matching, person: usize) -> Option<Link> {
        match matching.user_of(person).and_then(|user| organization.users_found().get(user)) {
            Some(user) => {
                let user_id = user.id.as_deref().map(str::to_owned);
                Some(Link { user_id, account: AccountRecord::from(&user.details) })
            }
            None if matching.is_created(person) => {
                let wanted = self.people.wanted().get(person)?;
                Some(Link { user_id: None, account: AccountRecord::from(&wanted.details) })
            }
            None => None,
        }
    }
}

/// The comparison of one organization.
struct Comparison<'a> {
    config: &'a Config,
    people: &'a People<'a>,
    targets: &'a Targets,
    everyone: &'a Extent<()>,
    organization: &'a Organization,
    matching: Matching,
    links: Option<&'a OrgLinks>,
    state: &'a OrgState,
    today: i64,
    plan: OrgPlan,
    /// By person: whether they belong into this organization.
    scope: Vec<bool>,
    /// People whose user an earlier organization has. It is the same account, and its owner comes first.
    updated: &'a HashSet<usize>,
    /// Users who left, with the day it was found.
    leavers: BTreeMap<usize, i64>,
}

impl Comparison<'_> {
    fn run(mut self) -> (OrgPlan, OrgState, Matching) {
        let users = self.users().len();
        self.plan.users = users as u64;
        self.find_leavers();
        let creatable = self.groups_to_create();
        self.create_users();
        self.update_users();
        let members = self.organization.members();
        let mut removals = Vec::new();
        let mut named = HashSet::new();
        let targets = self.targets;
        for (key, target) in targets.groups(&self.organization.name) {
            let found = self.organization.group(key);
            if let Some((index, _)) = found {
                named.insert(index);
            }
            let is_coming = creatable.contains(key);
            if found.is_none() && !is_coming {
                continue;
            }
            let current = found.and_then(|(index, _)| members.get(&index)).map(Vec::as_slice).unwrap_or_default();
            self.compare_group(key, target, found.map(|(_, group)| group), current, &mut removals);
        }
        for (index, group) in (0..).zip(self.organization.groups()) {
            if !named.contains(&index) {
                let current = members.get(&index).map(Vec::as_slice).unwrap_or_default();
                self.compare_group_without_sources(group, current, &mut removals);
            }
        }
        self.plan.changes.extend(removals);
        self.plan.blocked.extend(self.targets.refused(&self.organization.name).cloned());
        self.remove_leavers();
        self.plan.blocked.sort();
        self.plan.blocked.dedup();
        let next = self.next_state();
        (self.plan, next, self.matching)
    }

    fn users(&self) -> &[AdobeUser] {
        self.organization.users_found()
    }

    fn is_in_scope(&self, person: usize) -> bool {
        self.scope.get(person).is_some_and(|is_in_scope| *is_in_scope)
    }

    /// Whether nothing is ever taken from a user, or changed of one.
    fn is_protected(&self, user: usize) -> bool {
        let Some(user) = self.users().get(user) else { return true };
        user.is_administrator
            || self.is_covered(user)
            || (!self.state.adopted.is_empty() && self.state.adopted.contains(&user_key(&user.details.account())))
    }

    /// Whether the configuration protects a user, by kind or by name.
    fn is_covered(&self, user: &AdobeUser) -> bool {
        let details = &user.details;
        let names = [Some(details.name()), details.email_address(), user.username.as_deref()];
        let names: Vec<&str> = names.into_iter().flatten().collect();
        self.config.protect.covers(details.kind(), &names)
    }

    /// Finds the users who were people of a directory and are not any more. Only a whole list of everybody shows that.
    fn find_leavers(&mut self) {
        let known: HashSet<usize> = self.known_leavers();
        let mut held = 0;
        let mut leavers = BTreeMap::new();
        for (index, user) in self.users().iter().enumerate() {
            let is_gone = self.matching.person_of(index).is_none() && !self.matching.is_held(index);
            if !is_gone || self.is_protected(index) {
                continue;
            }
            let counts = match self.config.leavers.who {
                LeaverScope::Everyone => true,
                LeaverScope::Known => known.contains(&index),
            };
            if !counts {
                continue;
            }
            if self.everyone.complete().is_err() {
                held += 1;
                continue;
            }
            let since =
                self.state.leavers.get(&user_key(&user.details.account())).map_or(self.today, |leaver| leaver.since);
            leavers.insert(index, since.min(self.today));
        }
        if let Err(gaps) = self.everyone.complete()
            && held > 0
        {
            self.plan.held.push(Held { group: None, users: held, gaps: gaps.to_vec() });
        }
        self.leavers = leavers;
        self.plan.leavers = self.leavers_by_key().collect();
    }

    /// The users who left, by their keys, with the day it was found.
    fn leavers_by_key(&self) -> impl Iterator<Item = (String, i64)> {
        let key =
            |(index, since): (&usize, &i64)| Some((user_key(&self.users().get(*index)?.details.account()), *since));
        self.leavers.iter().filter_map(key)
    }

    /// The users whom an earlier run found in a directory.
    fn known_leavers(&self) -> HashSet<usize> {
        let gone = self.links.into_iter().flat_map(|links| &links.gone);
        let mut known: HashSet<usize> = gone.map(|user| *user as usize).collect();
        if !self.state.leavers.is_empty() {
            let users = self.users().iter().enumerate();
            let is_leaver = |user: &AdobeUser| self.state.leavers.contains_key(&user_key(&user.details.account()));
            known.extend(users.filter(|(_, user)| is_leaver(user)).map(|(index, _)| index));
        }
        known
    }

    /// Plans the groups to create. Returns their folded names.
    fn groups_to_create(&mut self) -> BTreeSet<FoldedName> {
        let mut creatable = BTreeSet::new();
        let targets = self.targets;
        for (key, target) in targets.groups(&self.organization.name) {
            if self.organization.group(key).is_some() || self.config.protect.groups.contains(key) {
                continue;
            }
            let line = target.sources.first().map_or(0, |source| source.line);
            if target.members.found().is_none_or(Members::is_empty) {
                continue;
            }
            let (reason, remedy) = if !target.create {
                let remedy = match self.near_miss(&target.name) {
                    Some(near) => format!("did you mean {near}? (rule in line {line})"),
                    None => format!("create it, or set `create = true` in line {line}"),
                };
                ("there is no such group".to_owned(), remedy)
            } else if let Some(near) = self.near_miss(&target.name) {
                let remedy = format!("correct the name in line {line}, or create the group by hand");
                (format!("it would be created, and its name is very near to {near}"), remedy)
            } else if self.organization.group_list.complete().is_err() {
                let remedy = "run it again when the list of groups can be read".to_owned();
                ("whether it exists is not known".to_owned(), remedy)
            } else {
                creatable.insert(key.clone());
                self.plan.changes.push(Change {
                    user: None,
                    person: None,
                    action: Action::CreateGroup { group: target.name.clone() },
                    reason: Reason::NeededByRule { line },
                });
                continue;
            };
            self.plan.blocked.push(Blocked { what: format!("group {}", target.name), reason, remedy });
        }
        creatable
    }

    /// A profile whose name is nearly this one.
    fn near_miss(&self, name: &str) -> Option<&str> {
        let folded = FoldedName::new(name);
        let profiles = self.organization.groups().iter().filter(|group| group.group.kind() == GroupKind::Profile);
        profiles
            .map(|group| group.group.name())
            .find(|other| strsim::jaro_winkler(folded.as_str(), FoldedName::new(other).as_str()) >= NEAR_MISS)
    }

    fn create_users(&mut self) {
        let people = self.people;
        for (index, wanted) in people.wanted().iter().enumerate() {
            if self.matching.user_of(index).is_some() || !self.is_in_scope(index) {
                continue;
            }
            let details = &wanted.details;
            if let Some(reason) = self.matching.conflict(index) {
                self.plan.blocked.push(Blocked {
                    what: details.to_string(),
                    reason: reason.to_owned(),
                    remedy: format!("resolve it in the Admin Console, or leave {} out with `skip`", wanted.place),
                });
                continue;
            }
            if let Some(blocked) = blocked_creation(wanted) {
                self.plan.blocked.push(blocked);
                continue;
            }
            self.matching.create(index);
            let text = |text: Option<&str>| text.map(str::to_owned);
            self.plan.changes.push(Change {
                user: Some(AccountRecord::from(details)),
                person: people.key_of(index).cloned(),
                action: Action::CreateUser {
                    email: details.email_address().unwrap_or_default().to_owned(),
                    first_name: text(details.first_name()),
                    last_name: text(details.last_name()),
                    country: text(details.country()),
                    updates: false,
                },
                reason: Reason::Selected,
            });
        }
    }

    fn update_users(&mut self) {
        let people = self.people;
        for (index, wanted) in people.wanted().iter().enumerate() {
            let Some(user) = self.matching.user_of(index) else { continue };
            if self.is_protected(user) || !self.is_in_scope(index) || self.updated.contains(&index) {
                continue;
            }
            let organization = self.organization;
            let Some(user) = organization.users_found().get(user).map(|user| &user.details) else { continue };
            let mut fields = differences(&wanted.details, user);
            if let Some(reason) = unchangeable(&wanted.details, user) {
                self.plan.lasting.push(Blocked {
                    what: user.to_string(),
                    reason,
                    remedy: "the service cannot change it: remove the user and create them again, or leave it"
                        .to_owned(),
                });
            }
            fields.retain(|field, _| self.config.people.update.contains(field));
            if fields.is_empty() {
                continue;
            }
            let obstacle = if wanted.is_shared {
                Some("several people of the directory have this account")
            } else if user.is_adobe_id() {
                Some("the owner of an Adobe ID keeps its names and address")
            } else {
                None
            };
            if let Some(reason) = obstacle {
                self.plan.blocked.push(Blocked {
                    what: user.to_string(),
                    reason: reason.to_owned(),
                    remedy: "correct the directory, or leave the difference".to_owned(),
                });
                continue;
            }
            self.plan.changes.push(Change {
                user: Some(AccountRecord::from(user)),
                person: people.key_of(index).cloned(),
                action: Action::UpdateUser { fields },
                reason: Reason::DirectoryDiffers,
            });
        }
    }

    fn compare_group(
        &mut self,
        key: &FoldedName,
        target: &TargetGroup,
        group: Option<&AdobeGroup>,
        current: &[u32],
        removals: &mut Vec<Change>,
    ) {
        if self.config.protect.groups.contains(key) {
            return;
        }
        let name = group.map_or(target.name.as_str(), |group| group.group.name());
        let kind = group.map_or(TargetKind::UserGroup, |group| group.group.kind().into());
        if group.is_some_and(|group| group.is_read_only) {
            self.plan.blocked.push(Blocked {
                what: format!("group {name}"),
                reason: "another organization owns it, and its members cannot be changed here".to_owned(),
                remedy: "change them there, or leave the group out of the rules".to_owned(),
            });
            return;
        }
        let is_member = |user: usize| current.binary_search_by_key(&user, |member| *member as usize).is_ok();
        let mut added = 0;
        for (person, source) in target.members.found().into_iter().flat_map(Members::iter) {
            let account = match self.matching.user_of(person) {
                Some(user) if is_member(user) => continue,
                Some(user) if self.is_frozen(user) => continue,
                Some(user) => self.users().get(user).map(|user| AccountRecord::from(&user.details)),
                None if self.matching.is_created(person) => {
                    self.people.wanted().get(person).map(|wanted| AccountRecord::from(&wanted.details))
                }
                None => None,
            };
            let (Some(account), Some(source)) = (account, target.sources.get(source as usize)) else { continue };
            added += 1;
            self.plan.changes.push(Change {
                user: Some(account),
                person: self.people.key_of(person).cloned(),
                action: Action::Add { group: name.to_owned(), kind },
                reason: Reason::InSource {
                    directory: source.directory.clone(),
                    group: source.group.clone(),
                    line: source.line,
                },
            });
        }
        let sources: Vec<String> = target.sources.iter().map(|source| source.group.clone()).collect();
        let is_wanted = |members: &Members, user: &usize| {
            self.matching.person_of(*user).is_some_and(|person| members.source_of(person).is_some())
        };
        let users = || current.iter().map(|user| *user as usize);
        let mut removed = 0;
        match target.members.complete() {
            Ok(members) => {
                for (user, removal) in Removal::of_others(members, is_wanted, users(), name, kind) {
                    if let Some(change) = self.removal(user, removal, Reason::InNoSource { sources: sources.clone() }) {
                        removals.push(change);
                        removed += 1;
                    }
                }
            }
            Err(gaps) => {
                let nobody = Members::default();
                let found = target.members.found().unwrap_or(&nobody);
                let others = users().filter(|user| !is_wanted(found, user) && self.may_leave(*user));
                let held = others.count() as u64;
                if held > 0 {
                    self.plan.held.push(Held { group: Some(name.to_owned()), users: held, gaps: gaps.to_vec() });
                }
            }
        }
        self.forecast(group, current.len(), added, removed);
    }

    /// A group that only a pattern could name, and none of the directory's groups does now.
    fn compare_group_without_sources(&mut self, group: &AdobeGroup, current: &[u32], removals: &mut Vec<Change>) {
        let name = group.group.name();
        let Some(list) = self.targets.has_lost_its_sources(&self.organization.name, name) else { return };
        let is_untouchable = group.group.kind() == GroupKind::Administrative || group.is_read_only;
        if is_untouchable || self.config.protect.groups.contains(&FoldedName::new(name)) {
            return;
        }
        let kind = group.group.kind().into();
        let users = || current.iter().map(|user| *user as usize);
        let mut removed = 0;
        match list.complete() {
            Ok(list) => {
                let nobody = *list;
                for (user, removal) in Removal::of_others(&nobody, |(), _| false, users(), name, kind) {
                    if let Some(change) = self.removal(user, removal, Reason::SourcesGone) {
                        removals.push(change);
                        removed += 1;
                    }
                }
            }
            Err(gaps) => {
                let held = users().filter(|user| self.may_leave(*user)).count() as u64;
                if held > 0 {
                    self.plan.held.push(Held { group: Some(name.to_owned()), users: held, gaps: gaps.to_vec() });
                }
            }
        }
        self.forecast(Some(group), current.len(), 0, removed);
    }

    /// Whether a user is left alone: protected, or a leaver who loses everything anyway.
    fn is_frozen(&self, user: usize) -> bool {
        self.users().get(user).is_none_or(|user| self.is_covered(user))
    }

    /// Whether a membership of a user may be taken at all.
    fn may_leave(&self, user: usize) -> bool {
        !self.is_protected(user) && !self.matching.is_held(user)
    }

    fn removal(&self, user: usize, removal: Removal, reason: Reason) -> Option<Change> {
        if !self.may_leave(user) {
            return None;
        }
        // Nobody knows whether they left or moved: they may have days of grace.
        let may_have_left = self.everyone.complete().is_err() && self.matching.person_of(user).is_none();
        if may_have_left && self.config.leavers.unmap != Stage::Now {
            return None;
        }
        let reason = match self.days_since_left(user) {
            Some(days) if !self.config.leavers.unmap.is_reached_after(days) => return None,
            Some(days) => Reason::Left { days },
            None => reason,
        };
        let account = AccountRecord::from(&self.users().get(user)?.details);
        let person = self.matching.person_of(user).and_then(|person| self.people.key_of(person)).cloned();
        Some(Change { user: Some(account), person, action: Action::Remove(removal), reason })
    }

    fn days_since_left(&self, user: usize) -> Option<u64> {
        let since = self.leavers.get(&user)?;
        Some(u64::try_from(self.today - since).unwrap_or_default())
    }

    fn remove_leavers(&mut self) {
        let Ok(everyone) = self.everyone.complete() else { return };
        let leavers = self.leavers.keys().copied().collect::<Vec<_>>();
        for user in leavers {
            let Some(days) = self.days_since_left(user) else { continue };
            let stages = self.config.leavers;
            let Some(user) = self.users().get(user).map(|user| &user.details) else { continue };
            let deletes = !user.is_adobe_id() && stages.delete.is_reached_after(days);
            if deletes || stages.remove.is_reached_after(days) {
                self.plan.changes.push(Change {
                    user: Some(AccountRecord::from(user)),
                    person: None,
                    action: Action::RemoveFromOrg(Departure::of(everyone, deletes)),
                    reason: Reason::Left { days },
                });
            }
        }
    }

    fn forecast(&mut self, group: Option<&AdobeGroup>, members: usize, added: u64, removed: u64) {
        if let Some(group) = group
            && group.group.kind() == GroupKind::Profile
            && added + removed > 0
        {
            let before = group.member_count.unwrap_or(members as u64);
            self.plan.licenses.push(Licenses {
                profile: group.group.name().to_owned(),
                quota: group.quota,
                before,
                after: (before + added).saturating_sub(removed),
            });
        }
    }

    /// What to remember of this organization, besides the links.
    fn next_state(&self) -> OrgState {
        let leavers = self.leavers_by_key().map(|(user, since)| (user, Leaver { since })).collect();
        let mut next = OrgState { leavers, adopted: self.state.adopted.clone() };
        if self.everyone.complete().is_ok() && self.organization.users.complete().is_ok() && !next.adopted.is_empty() {
            // Who is no user any more is nobody to keep.
            let mut gone = next.adopted.clone();
            for user in self.users() {
                gone.remove(&user_key(&user.details.account()));
            }
            next.adopted.retain(|user| !gone.contains(user));
        }
        if self.everyone.complete().is_err() {
            // Nobody knows whether they are still gone.
            for (key, leaver) in &self.state.leavers {
                next.leavers.entry(key.clone()).or_insert(*leaver);
            }
        }
        next
    }
}

/// Why a user cannot be created, if something is missing.
pub(crate) fn blocked_creation(wanted: &WantedUser) -> Option<Blocked> {
    let details = &wanted.details;
    let reason = match details.kind() {
        Some(AccountKind::AdobeId) => return None,
        _ if details.first_name().is_none() => "a first name is missing",
        _ if details.last_name().is_none() => "a last name is missing",
        _ => return None,
    };
    Some(Blocked {
        what: details.to_string(),
        reason: reason.to_owned(),
        remedy: format!("complete {} in the directory", wanted.place),
    })
}

/// The fields in which the directory and Adobe differ. The letter case of an address cannot be changed, so it does not count.
pub(crate) fn differences(wanted: &UserDetails, user: &UserDetails) -> BTreeMap<UpdatableField, FieldChange> {
    let mut fields = BTreeMap::new();
    let mut compare = |field, from: Option<&str>, to: Option<&str>, is_same: bool| {
        if let Some(to) = to.filter(|_| !is_same) {
            fields.insert(field, FieldChange { from: from.map(str::to_owned), to: to.to_owned() });
        }
    };
    let names = [
        (UpdatableField::Firstname, user.first_name(), wanted.first_name()),
        (UpdatableField::Lastname, user.last_name(), wanted.last_name()),
    ];
    for (field, from, to) in names {
        compare(field, from, to, from.map(str::trim) == to);
    }
    let same = |a: Option<&str>, b: Option<&str>| a == b || a.map(fold_user) == b.map(fold_user);
    let (from, to) = (user.email_address(), wanted.email_address());
    compare(UpdatableField::Email, from, to, same(from, to));
    if wanted.domain().is_some() || user.domain().is_some() {
        let (from, to) = (Some(user.name()), Some(wanted.name()));
        compare(UpdatableField::Username, from, to, same(from, to));
    }
    fields
}

/// The difference that the service cannot change, if there is one.
fn unchangeable(wanted: &UserDetails, user: &UserDetails) -> Option<String> {
    if let (Some(is), Some(to_be)) = (user.kind(), wanted.kind())
        && is != to_be
    {
        return Some(format!("the account is a {}, and the rules want a {}", is.as_str(), to_be.as_str()));
    }
    match (user.country(), wanted.country()) {
        (Some(is), Some(to_be)) if is != to_be && is != "UD" => {
            Some(format!("the country is {is}, and the directory says {to_be}"))
        }
        _ => None,
    }
}
