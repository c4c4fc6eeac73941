//! A small world: a directory and an organization, to which plans are applied.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::{Deref, DerefMut},
};

use umapi_directory::{Attributes, Complete, Extent, Gap, GapCause, GroupReading, Person, PersonId, Reading};
use umapi_model::{Group, GroupType, User, UserType};
use umapi_plan::Account;

use crate::{
    Action, Config, Given, Inputs, Link, LinkReader, Organization, OrganizationReader, People, PersonKey, Plan, Push,
    config::DirectoryConfig,
};

/// What most tests configure; tests append to it.
pub(super) const CONFIG: &str = r#"
[[org]]
profile = "main"
[[directory]]
kind = "exec"
name = "hr"
command = ["people"]
[people]
country = "US"
firstname = "{givenName|or:F}"
lastname = "{sn|or:L}"
[[map]]
from = "Artists"
to = ["Design"]
[[map]]
from = "/ACL-(.+)/"
to = ["ACL $1"]
create = true
"#;

/// A directory.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    pub(super) people: BTreeMap<String, Vec<(String, String)>>,
    pub(super) disabled: BTreeSet<String>,
    pub(super) groups: BTreeMap<String, BTreeSet<String>>,
    /// The lists that are not whole: `people`, `groups`, or the name of a group.
    pub(super) gaps: BTreeMap<String, GapCause>,
}

/// An organization.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Adobe {
    pub(super) users: BTreeMap<String, AdobeUser>,
    /// Each group with its type.
    pub(super) groups: BTreeMap<String, GroupType>,
    pub(super) quotas: BTreeMap<String, i64>,
    next_id: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct AdobeUser {
    pub(super) id: String,
    pub(super) kind: UserType,
    pub(super) email: String,
    pub(super) first_name: String,
    pub(super) groups: BTreeSet<String>,
}

/// What is remembered between runs.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) links: BTreeMap<(String, PersonKey), Link>,
    rest: crate::State,
}

/// A plan, and what to remember once it is applied.
pub(super) struct Planned {
    pub(super) plan: Plan,
    pub(super) state: State,
    /// What a run remembers that saw the organization.
    pub(super) given: Given,
}

impl Deref for State {
    type Target = crate::State;

    fn deref(&self) -> &crate::State {
        &self.rest
    }
}

impl DerefMut for State {
    fn deref_mut(&mut self) -> &mut crate::State {
        &mut self.rest
    }
}

impl Source {
    /// Adds a person whose id is their name, with an address and groups.
    pub(super) fn person(mut self, name: &str, groups: &[&str]) -> Self {
        let attributes = vec![("mail".to_owned(), format!("{name}@example.com"))];
        self.people.insert(name.to_owned(), attributes);
        for group in groups {
            self.groups.entry((*group).to_owned()).or_default().insert(name.to_owned());
        }
        self
    }

    pub(super) fn set(mut self, name: &str, attribute: &str, value: &str) -> Self {
        let attributes = self.people.get_mut(name).expect("the person exists");
        attributes.retain(|(known, _)| known != attribute);
        attributes.push((attribute.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn gap(mut self, what: &str, cause: GapCause) -> Self {
        self.gaps.insert(what.to_owned(), cause);
        self
    }

    fn extent<T>(&self, what: &str, list: T) -> Extent<T> {
        match self.gaps.get(what) {
            None => Complete::proven(list).into(),
            Some(GapCause::NotFound) => Extent::missing(Gap::new(what, GapCause::NotFound)),
            Some(cause) => Extent::from(Complete::proven(list)).weaken(Gap::new(what, *cause)),
        }
    }

    fn read<'c>(&self, config: &'c Config) -> (People<'c>, Vec<(&'c DirectoryConfig, Reading)>) {
        let directory = &config.directories[0];
        let mut people = People::new(config);
        for (name, attributes) in &self.people {
            people.take(
                &"hr".into(),
                Person {
                    id: PersonId::new(name),
                    place: format!("CN={name}"),
                    is_enabled: !self.disabled.contains(name),
                    attributes: attributes.iter().map(|(name, value)| (name, value)).collect::<Attributes>(),
                },
            );
        }
        let mut groups = BTreeMap::new();
        for (name, members) in &self.groups {
            let members = members.iter().map(PersonId::new).collect();
            groups.insert(name.clone(), GroupReading { members: self.extent(name, members), place: String::new() });
        }
        if !groups.contains_key("Artists") {
            let missing = Extent::missing(Gap::new("group Artists", GapCause::NotFound));
            groups.insert("Artists".to_owned(), GroupReading { members: missing, place: String::new() });
        }
        let reading = Reading {
            people: self.extent("people", self.people.len()),
            groups,
            group_list: self.extent("groups", ()),
            notices: Vec::new(),
        };
        (people, vec![(directory, reading)])
    }
}

impl Adobe {
    pub(super) fn group(mut self, name: &str, kind: GroupType) -> Self {
        self.groups.insert(name.to_owned(), kind);
        self
    }

    /// Adds a Federated ID.
    pub(super) fn user(mut self, name: &str, groups: &[&str]) -> Self {
        self.create(&format!("{name}@example.com"), UserType::FederatedId, "F");
        let user = self.users.get_mut(&format!("{name}@example.com")).expect("it was made");
        user.groups = groups.iter().map(|&group| group.to_owned()).collect();
        self
    }

    pub(super) fn create(&mut self, email: &str, kind: UserType, first_name: &str) {
        self.next_id += 1;
        let user = AdobeUser {
            id: format!("id-{}", self.next_id),
            kind,
            email: email.to_owned(),
            first_name: first_name.to_owned(),
            groups: BTreeSet::new(),
        };
        self.users.entry(email.to_owned()).or_insert(user);
    }

    pub(super) fn members(&self, group: &str) -> Vec<&str> {
        let members = self.users.iter().filter(|(_, user)| user.groups.contains(group));
        members.map(|(name, _)| name.split('@').next().unwrap_or_default()).collect()
    }

    fn read(&self, name: &str) -> crate::Organization {
        let groups = self.groups.iter().map(|(name, kind)| {
            let members = self.users.values().filter(|user| user.groups.contains(name)).count() as u64;
            let group = Group::new(name).with_type(kind.clone()).with_member_count(members);
            match self.quotas.get(name) {
                Some(quota) => group.with_license_quota(quota.to_string()),
                None => group,
            }
        });
        let mut reader = OrganizationReader::new(groups);
        for user in self.users.values() {
            reader.take(
                User::default()
                    .with_id(&user.id)
                    .with_email(&user.email)
                    .with_username(&user.email)
                    .with_type(user.kind.clone())
                    .with_firstname(&user.first_name)
                    .with_lastname("L")
                    .with_country("US")
                    .with_groups(user.groups.iter().cloned().collect::<Vec<_>>()),
            );
        }
        reader.finish(name, &Complete::proven(()).into(), Complete::proven(()).into())
    }

    /// Does what a plan says.
    pub(super) fn apply(&mut self, plan: &Plan) {
        for change in &plan.orgs[0].changes {
            let key = change.user.as_ref().map(Account::from).map(|account| {
                let name = account.key().name().to_string();
                self.users.keys().find(|known| known.to_lowercase() == name).cloned().unwrap_or(name)
            });
            match (&change.action, key) {
                (Action::CreateGroup { group }, _) => {
                    self.groups.insert(group.clone(), GroupType::UserGroup);
                }
                (Action::CreateUser { email, first_name, .. }, Some(_)) => {
                    let first_name = first_name.clone().expect("federated users have one");
                    self.create(email, UserType::FederatedId, &first_name);
                }
                (Action::UpdateUser { fields }, Some(key)) => {
                    let mut user = self.users.remove(&key).expect("it exists");
                    for (field, change) in fields {
                        match field {
                            crate::config::UpdatableField::Email => user.email = change.to.clone(),
                            crate::config::UpdatableField::Firstname => user.first_name = change.to.clone(),
                            other => panic!("{other} is not set by tests"),
                        }
                    }
                    self.users.insert(user.email.clone(), user);
                }
                (Action::Add { group, .. }, Some(key)) => {
                    assert!(self.groups.contains_key(group), "{group} exists before it gets members");
                    assert!(self.users.get_mut(&key).expect("it exists").groups.insert(group.clone()), "a change");
                }
                (Action::Remove(removal), Some(key)) => {
                    let user = self.users.get_mut(&key).expect("it exists");
                    assert!(user.groups.remove(removal.group()), "a change");
                }
                (Action::RemoveFromOrg(_), Some(key)) => {
                    self.users.remove(&key).expect("it exists");
                }
                (action, None) => panic!("{action} has no user"),
            }
        }
    }
}

/// Makes a plan.
pub(super) fn plan(config: &Config, source: &Source, adobe: &Adobe, state: &State, today: i64) -> Planned {
    plan_with(config, source, vec![adobe.read("main")], state, today)
}

/// Makes a plan for organizations.
pub(super) fn plan_with(
    config: &Config,
    source: &Source,
    organizations: Vec<Organization>,
    state: &State,
    today: i64,
) -> Planned {
    let (people, readings) = source.read(config);
    let mut links = LinkReader::new(&people, &organizations);
    state.links.iter().for_each(|((org, person), link)| links.take(org, person, link));
    let links = links.finish();
    let mut inputs = Inputs { config, people, readings, organizations, links, state, today };
    let mut planned = inputs.plan();
    let rest = std::mem::take(&mut planned.state);
    let mut links = state.links.clone();
    for (org, person) in inputs.forgotten() {
        links.remove(&(org.to_owned(), person.clone()));
    }
    links.extend(inputs.links_of(&planned).map(|(org, person, link)| ((org.to_owned(), person.clone()), link)));
    let organization = &inputs.organizations[0];
    let seen = Given::seen(&inputs.people, organization, &planned.matchings[0], &planned.targets);
    let given = Given {
        users: seen.map(|seen| (seen.person, seen.user)).collect(),
        groups: Given::groups_of(organization, &planned.targets),
        ..Given::default()
    };
    Planned { plan: planned.plan, state: State { links, rest }, given }
}

/// Makes a push.
pub(super) fn push(config: &Config, source: &Source, mut given: Given, state: &State, today: i64) -> Pushed {
    let (people, readings) = source.read(config);
    for ((_, person), link) in state.links.iter().filter(|(_, link)| link.user_id.is_some()) {
        if !given.users.contains_key(person) {
            given.found.insert(person.clone(), link.account.clone());
        }
    }
    let given = [("main".to_owned(), given)].into();
    let mut pushed = Push { config, people, readings, given, state, today }.plan();
    let rest = std::mem::take(&mut pushed.state);
    Pushed { plan: pushed.plan, due: pushed.due, state: State { links: state.links.clone(), rest } }
}

/// A push, and what to remember of it.
pub(super) struct Pushed {
    pub(super) plan: Plan,
    pub(super) due: BTreeMap<String, u64>,
    pub(super) state: State,
}

/// Makes a plan on the first day, with what [`CONFIG`] says and `more`, and applies it. Returns what to remember.
pub(super) fn run(more: &str, source: &Source, adobe: &mut Adobe, state: &State, today: i64) -> Planned {
    let config = config(more);
    let planned = plan(&config, source, adobe, state, today);
    if planned.plan.trips.is_empty() {
        adobe.apply(&planned.plan);
    }
    planned
}

/// Reads [`CONFIG`] and `more`.
pub(super) fn config(more: &str) -> Config {
    Config::parse(&format!("{CONFIG}{more}")).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

/// No limits, for worlds so small that shares mean nothing.
pub(super) const NO_GUARDS: &str =
    "\n[guard]\nleavers = \"off\"\nremovals_per_group = \"off\"\ndirectory_shrinks = \"off\"\n";
