//! A plan that is made without Adobe's side: it compares the directories with what earlier runs gave.

use std::collections::{BTreeMap, HashMap, HashSet};

use umapi_directory::Reading;
use umapi_plan::{Account, AccountKind, account::FoldedName};

use crate::{
    config::{Config, DirectoryConfig, Stage, UpdatableField},
    details::UserDetails,
    diff::{blocked_creation, differences},
    directory_side::DirectorySide,
    given::{Given, GivenUser},
    guard,
    people::{People, PersonKey, Standing, WantedUser},
    plan::{Action, Change, Held, OrgPlan, Plan, Reason, Removal, TargetKind},
    state::{AccountRecord, Leaver, OrgState, State, user_key},
    targets::{Members, TargetGroup},
};

/// Everything that a push is made from.
#[derive(Debug)]
pub struct Push<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The people of all directories.
    pub people: People<'a>,
    /// What was read of each directory, in the order of the configuration. A plan takes the groups out.
    pub readings: Vec<(&'a DirectoryConfig, Reading)>,
    /// The organizations to send to, by their names, each with what earlier runs gave. If that is nothing, everything is sent,
    /// and nothing is taken.
    pub given: BTreeMap<String, Given>,
    /// What earlier runs remember.
    pub state: &'a State,
    /// Today, in days since 1970.
    pub today: i64,
}

/// A push, and what it cannot do.
#[derive(Debug)]
pub struct Pushed {
    /// The plan.
    pub plan: Plan,
    /// What to remember.
    pub state: State,
    /// How many users are due to be removed from each organization, which a push does not do.
    pub due: BTreeMap<String, u64>,
}

impl Push<'_> {
    /// Compares the directories with what earlier runs gave.
    pub fn plan(&mut self) -> Pushed {
        let given = &self.given;
        let is_known = |person: &PersonKey| {
            given.values().any(|given| given.users.contains_key(person) || given.found.contains_key(person))
        };
        let side = DirectorySide::of(self.config, &self.people, &mut self.readings, self.state, &is_known);
        let mut plan = side.plan(self.config, &self.people);
        let mut next = State { quarantine: None, ..State::default() };
        let mut due = BTreeMap::new();
        let mut members = Vec::new();
        let mut updated = vec![false; self.people.wanted().len()];
        for org in &self.config.orgs {
            let before = self.state.orgs.get(&org.name).cloned().unwrap_or_default();
            let Some(given) = self.given.get(&org.name) else {
                next.orgs.insert(org.name.clone(), before);
                continue;
            };
            let comparison = Comparison {
                config: self.config,
                people: &self.people,
                side: &side,
                given,
                state: &before,
                today: self.today,
                scope: side.people_of(self.config, &self.people, &org.name),
                owners: owners(&self.people, given),
                accounts: HashMap::new(),
                plan: OrgPlan { org: org.name.clone(), users: given.users.len() as u64, ..OrgPlan::default() },
            };
            let (org_plan, leavers, org_due) = comparison.run(&updated);
            if self.config.orgs.len() > 1 {
                // It is the same account in later organizations, and its owner comes first.
                let scope = side.people_of(self.config, &self.people, &org.name);
                updated.iter_mut().zip(scope).for_each(|(updated, is_in_scope)| *updated |= is_in_scope);
            }
            members.push(counts(given));
            plan.orgs.push(org_plan);
            next.orgs.insert(org.name.clone(), OrgState { leavers, ..before });
            if org_due > 0 {
                due.insert(org.name.clone(), org_due);
            }
        }
        plan.trips = guard::check(self.config, &plan, &members, &side.sizes, self.state);
        next.directories = side.sizes.into_iter().collect();
        Pushed { plan, state: next, due }
    }
}

/// How many members each group has, as far as runs gave them.
fn counts(given: &Given) -> guard::MemberCounts {
    let mut counts = guard::MemberCounts::new();
    for group in given.users.values().flat_map(|user| &user.groups) {
        *counts.entry(group.clone()).or_default() += 1;
    }
    counts
}

/// Which of the people each given user belongs to: the person whom they were given to or, if the directory does not have that
/// one any more, the one with the same account.
fn owners<'g>(people: &People<'_>, given: &'g Given) -> HashMap<&'g PersonKey, usize> {
    let mut owners = HashMap::new();
    let mut rest: HashMap<String, &PersonKey> = HashMap::new();
    for (key, user) in &given.users {
        match people.standing(key) {
            Some(Standing::Wanted(index)) => {
                owners.insert(key, *index);
            }
            Some(Standing::Held(_)) => {}
            Some(Standing::Left) | None => {
                rest.insert(user_key(&Account::from(&user.account)), key);
            }
        }
    }
    if !rest.is_empty() {
        let taken: HashSet<usize> = owners.values().copied().collect();
        for (index, wanted) in people.wanted().iter().enumerate().filter(|(index, _)| !taken.contains(index)) {
            if let Some(key) = rest.remove(&user_key(&wanted.details.account())) {
                owners.insert(key, index);
            }
        }
    }
    owners
}

/// The comparison of one organization.
struct Comparison<'a> {
    config: &'a Config,
    people: &'a People<'a>,
    side: &'a DirectorySide,
    given: &'a Given,
    state: &'a OrgState,
    today: i64,
    /// By person: whether they belong into this organization.
    scope: Vec<bool>,
    /// The people whom the given users belong to.
    owners: HashMap<&'a PersonKey, usize>,
    /// The accounts of people who have a user, or get one.
    accounts: HashMap<usize, AccountRecord>,
    plan: OrgPlan,
}

impl<'a> Comparison<'a> {
    /// Returns the plan, the users who left, and how many of them are due to be removed.
    fn run(mut self, updated: &[bool]) -> (OrgPlan, BTreeMap<String, Leaver>, u64) {
        let leavers = self.leavers();
        self.create_groups();
        self.users(updated);
        let mut removals = Vec::new();
        let side = self.side;
        let org = self.plan.org.clone();
        for (key, target) in side.targets.groups(&org) {
            if !self.config.protect.groups.contains(key) {
                self.add(key, target);
                self.remove(key, target, &leavers, &mut removals);
            }
        }
        let given: &'a Given = self.given;
        for (key, group) in &given.groups {
            if side.targets.group(&org, key).is_none() && !self.config.protect.groups.contains(key) {
                self.remove_without_sources(key, &group.name, group.kind, &leavers, &mut removals);
            }
        }
        self.plan.changes.extend(removals);
        self.plan.blocked.extend(side.targets.refused(&org).cloned());
        self.plan.blocked.sort();
        self.plan.blocked.dedup();
        let stages = self.config.leavers;
        let is_due = |since: &i64| {
            let days = self.days_since(*since);
            stages.remove.is_reached_after(days) || stages.delete.is_reached_after(days)
        };
        let due = leavers.values().filter(|since| is_due(since)).count() as u64;
        let left = |(key, since): (&&PersonKey, &i64)| {
            Some((user_key(&Account::from(&self.given.users.get(*key)?.account)), Leaver { since: *since }))
        };
        let mut next: BTreeMap<String, Leaver> = leavers.iter().filter_map(left).collect();
        self.plan.leavers = next.iter().map(|(user, leaver)| (user.clone(), leaver.since)).collect();
        // Whom no run gave anything is not looked at, and keeps the day. Who is back is a leaver no more.
        let back: HashSet<String> = self.accounts.values().map(|account| user_key(&Account::from(account))).collect();
        for (user, leaver) in self.state.leavers.iter().filter(|(user, _)| !back.contains(*user)) {
            next.entry(user.clone()).or_insert(*leaver);
        }
        (self.plan, next, due)
    }

    fn days_since(&self, since: i64) -> u64 {
        u64::try_from(self.today - since).unwrap_or_default()
    }

    /// The given users whose people left, with the day it was found. Only a whole list of everybody shows that.
    fn leavers(&mut self) -> BTreeMap<&'a PersonKey, i64> {
        let given: &'a Given = self.given;
        let gone = given.users.iter().filter(|(key, user)| {
            matches!(self.people.standing(key), None | Some(Standing::Left))
                && !self.owners.contains_key(key)
                && !self.is_untouchable(user)
        });
        let mut leavers = BTreeMap::new();
        for (key, user) in gone {
            let known = self.state.leavers.get(&user_key(&Account::from(&user.account)));
            leavers.insert(key, known.map_or(self.today, |leaver| leaver.since.min(self.today)));
        }
        if let Err(gaps) = self.side.everyone.complete()
            && !leavers.is_empty()
        {
            self.plan.held.push(Held { group: None, users: leavers.len() as u64, gaps: gaps.to_vec() });
            leavers.clear();
        }
        leavers
    }

    /// Whether nothing is taken from a user or changed of one.
    fn is_untouchable(&self, user: &GivenUser) -> bool {
        user.is_administrator
            || self.is_protected(&user.account)
            || self.state.adopted.contains(&user_key(&Account::from(&user.account)))
    }

    fn is_protected(&self, account: &AccountRecord) -> bool {
        let names = [Some(account.name.as_str()), account.email.as_deref()];
        self.config.protect.covers(account.kind, &names.into_iter().flatten().collect::<Vec<_>>())
    }

    fn create_groups(&mut self) {
        let side = self.side;
        let org = self.plan.org.clone();
        for (key, target) in side.targets.groups(&org) {
            let is_wanted = target.create && target.members.found().is_some_and(|members| !members.is_empty());
            if is_wanted && !self.given.groups.contains_key(key) && !self.config.protect.groups.contains(key) {
                self.plan.changes.push(Change {
                    user: None,
                    person: None,
                    action: Action::CreateGroup { group: target.name.clone() },
                    reason: Reason::NeededByRule { line: target.sources.first().map_or(0, |source| source.line) },
                });
            }
        }
    }

    /// Creates and updates users, and finds the accounts of all others.
    fn users(&mut self, updated: &[bool]) {
        let given: &'a Given = self.given;
        let given_to: HashMap<usize, &GivenUser> =
            self.owners.iter().filter_map(|(key, index)| Some((*index, given.users.get(*key)?))).collect();
        let people = self.people;
        let mut updates = Vec::new();
        for (index, wanted) in people.wanted().iter().enumerate() {
            let is_in_scope = self.scope.get(index).is_some_and(|is_in_scope| *is_in_scope);
            let updates_names = is_in_scope && !updated.get(index).is_some_and(|updated| *updated);
            let known = match given_to.get(&index) {
                Some(user) => Some((&user.account, Some(*user))),
                None => people.key_of(index).and_then(|key| given.found.get(key)).map(|account| (account, None)),
            };
            match known {
                Some((account, user)) => {
                    self.accounts.insert(index, account.clone());
                    if updates_names && !user.is_some_and(|user| user.is_administrator) {
                        updates.extend(self.update(index, wanted, account, user));
                    }
                }
                None if is_in_scope => self.create(index, wanted, updates_names),
                None => {}
            }
        }
        self.plan.changes.extend(updates);
    }

    fn create(&mut self, index: usize, wanted: &WantedUser, updates_names: bool) {
        let details = &wanted.details;
        let account = AccountRecord::from(details);
        if self.is_protected(&account) {
            return;
        }
        if let Some(blocked) = blocked_creation(wanted) {
            self.plan.blocked.push(blocked);
            return;
        }
        // The service writes both names or none.
        let follows = [UpdatableField::Firstname, UpdatableField::Lastname];
        let updates = updates_names
            && !wanted.is_shared
            && !details.is_adobe_id()
            && follows.iter().all(|field| self.config.people.update.contains(field));
        let text = |text: Option<&str>| text.map(str::to_owned);
        self.accounts.insert(index, account.clone());
        self.plan.changes.push(Change {
            user: Some(account),
            person: self.people.key_of(index).cloned(),
            action: Action::CreateUser {
                email: details.email_address().unwrap_or_default().to_owned(),
                first_name: text(details.first_name()),
                last_name: text(details.last_name()),
                country: text(details.country()),
                updates,
            },
            reason: Reason::Selected,
        });
    }

    fn update(
        &self,
        index: usize,
        wanted: &WantedUser,
        account: &AccountRecord,
        user: Option<&GivenUser>,
    ) -> Option<Change> {
        let (first, last) =
            user.map(|user| (user.first_name.as_deref(), user.last_name.as_deref())).unwrap_or_default();
        let given = UserDetails::new(&Account::from(account), first, last, None);
        let mut fields = differences(&wanted.details, &given);
        fields.retain(|field, _| self.config.people.update.contains(field));
        let is_left = wanted.is_shared || account.kind == Some(AccountKind::AdobeId) || self.is_protected(account);
        (!fields.is_empty() && !is_left).then(|| Change {
            user: Some(account.clone()),
            person: self.people.key_of(index).cloned(),
            action: Action::UpdateUser { fields },
            reason: Reason::DirectoryDiffers,
        })
    }

    fn add(&mut self, key: &FoldedName, target: &TargetGroup) {
        let has: HashSet<usize> = self
            .owners
            .iter()
            .filter(|(person, _)| self.given.users.get(**person).is_some_and(|user| user.groups.contains(key)))
            .map(|(_, index)| *index)
            .collect();
        let given: &'a Given = self.given;
        let known = given.groups.get(key);
        let name = known.map_or(target.name.as_str(), |group| &group.name);
        let kind = match known {
            Some(group) => group.kind,
            None if target.create => TargetKind::UserGroup,
            None => TargetKind::Unknown,
        };
        for (person, source) in target.members.found().into_iter().flat_map(Members::iter) {
            let account = self.accounts.get(&person).filter(|_| !has.contains(&person));
            let Some(account) = account.filter(|account| !self.is_protected(account)) else { continue };
            let Some(source) = target.sources.get(source as usize) else { continue };
            self.plan.changes.push(Change {
                user: Some(account.clone()),
                person: self.people.key_of(person).cloned(),
                action: Action::Add { group: name.to_owned(), kind },
                reason: Reason::InSource {
                    directory: source.directory.clone(),
                    group: source.group.clone(),
                    line: source.line,
                },
            });
        }
    }

    /// The users who were given a group.
    fn given_members(&self, key: &FoldedName) -> Vec<&'a PersonKey> {
        let given: &'a Given = self.given;
        let members = given.users.iter().filter(|(_, user)| user.groups.contains(key));
        members.map(|(person, _)| person).collect()
    }

    fn remove(
        &mut self,
        key: &FoldedName,
        target: &TargetGroup,
        leavers: &BTreeMap<&PersonKey, i64>,
        removals: &mut Vec<Change>,
    ) {
        let current = self.given_members(key);
        let given: &'a Given = self.given;
        let Some(group) = given.groups.get(key).filter(|_| !current.is_empty()) else { return };
        let is_member = |members: &Members, person: &&PersonKey| {
            self.owners.get(*person).is_some_and(|index| members.source_of(*index).is_some())
        };
        match target.members.complete() {
            Ok(members) => {
                let sources: Vec<String> = target.sources.iter().map(|source| source.group.clone()).collect();
                for (person, removal) in Removal::of_others(members, is_member, current, &group.name, group.kind) {
                    let reason = Reason::InNoSource { sources: sources.clone() };
                    removals.extend(self.removal(person, removal, reason, leavers));
                }
            }
            Err(gaps) => {
                let nobody = Members::default();
                let found = target.members.found().unwrap_or(&nobody);
                let others = current.into_iter().filter(|person| !is_member(found, person));
                let held = others.filter(|person| self.may_lose(person)).count() as u64;
                if held > 0 {
                    self.plan.held.push(Held { group: Some(group.name.clone()), users: held, gaps: gaps.to_vec() });
                }
            }
        }
    }

    /// A group that only a pattern could name, and none of the directory's groups does now.
    fn remove_without_sources(
        &mut self,
        key: &FoldedName,
        name: &str,
        kind: TargetKind,
        leavers: &BTreeMap<&PersonKey, i64>,
        removals: &mut Vec<Change>,
    ) {
        let Some(list) = self.side.targets.has_lost_its_sources(&self.plan.org, name) else { return };
        let current = self.given_members(key);
        match list.complete() {
            Ok(nobody) => {
                for (person, removal) in Removal::of_others(nobody, |(), _| false, current, name, kind) {
                    removals.extend(self.removal(person, removal, Reason::SourcesGone, leavers));
                }
            }
            Err(gaps) => {
                let held = current.into_iter().filter(|person| self.may_lose(person)).count() as u64;
                if held > 0 {
                    self.plan.held.push(Held { group: Some(name.to_owned()), users: held, gaps: gaps.to_vec() });
                }
            }
        }
    }

    /// Whether a membership of a given user may be taken at all. What people have who are left out stays.
    fn may_lose(&self, person: &PersonKey) -> bool {
        let is_held = matches!(self.people.standing(person), Some(Standing::Held(_)));
        !is_held && self.given.users.get(person).is_some_and(|user| !self.is_untouchable(user))
    }

    fn removal(
        &self,
        person: &PersonKey,
        removal: Removal,
        reason: Reason,
        leavers: &BTreeMap<&PersonKey, i64>,
    ) -> Option<Change> {
        let user = self.given.users.get(person).filter(|_| self.may_lose(person))?;
        // Nobody knows whether they left or moved: they may have days of grace.
        let may_have_left = self.side.everyone.complete().is_err() && !self.owners.contains_key(person);
        if may_have_left && self.config.leavers.unmap != Stage::Now {
            return None;
        }
        let reason = match leavers.get(person).map(|since| self.days_since(*since)) {
            Some(days) if !self.config.leavers.unmap.is_reached_after(days) => return None,
            Some(days) => Reason::Left { days },
            None => reason,
        };
        let person = self.owners.get(person).and_then(|index| self.people.key_of(*index)).cloned();
        Some(Change { user: Some(user.account.clone()), person, action: Action::Remove(removal), reason })
    }
}
