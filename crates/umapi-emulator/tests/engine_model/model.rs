//! The model: an organization in plain maps and lists.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    actions::{Command, Kind},
    view::{GroupView, Members, ProductView, UserView, View},
};

/// A user or group, numbered in the order of creation.
pub(crate) type Key = usize;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Person {
    pub(crate) kind: Kind,
    pub(crate) email: String,
    pub(crate) username: String,
    pub(crate) first: String,
    /// Whether it is a user of the organization; otherwise it is only in a directory.
    pub(crate) member: bool,
    pub(crate) active: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Sort {
    UserGroup,
    Profile,
    /// `_org_admin`.
    SystemAdmins,
    OtherAdmins,
    /// The administrators or developers of another group, or the administrators of a product.
    Of(Option<Key>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) sort: Sort,
    pub(crate) read_only: bool,
    pub(crate) description: Option<String>,
    /// The direct members.
    pub(crate) direct: BTreeSet<Key>,
    /// Whether it ever had a member.
    pub(crate) had_members: bool,
    /// The profiles that are assigned to a user group.
    pub(crate) profiles: BTreeSet<Key>,
    /// The members of a profile, direct or not, in the order in which they joined.
    pub(crate) queue: Vec<Key>,
    pub(crate) quota: Option<usize>,
    pub(crate) product: Option<&'static str>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Model {
    pub(crate) people: BTreeMap<Key, Person>,
    pub(crate) groups: BTreeMap<Key, Group>,
    next_person: Key,
    next_group: Key,
}

/// The expected response to a request.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) errors: Vec<(u32, u32, String)>,
    commands: u32,
}

impl Expected {
    /// Returns `completed`, `notCompleted` and `completedInTestMode`.
    pub(crate) fn counts(&self, test_only: bool) -> (u32, u32, u32) {
        let failed = self.errors.iter().map(|(index, _, _)| index).collect::<BTreeSet<_>>().len() as u32;
        let good = self.commands - failed;
        if test_only { (0, failed, good) } else { (good, failed, 0) }
    }
}

impl Model {
    /// Creates the organization of the seed, in the same order.
    pub(crate) fn seeded() -> Self {
        let mut model = Self::default();
        model.add_group("_org_admin", Sort::SystemAdmins);
        model.add_group("_support_admin", Sort::OtherAdmins);
        model.add_group("_deployment_admin", Sort::OtherAdmins);
        for (product, profiles) in
            [("X", [("One", Some(1)), ("Two", Some(2))]), ("Y", [("Any", None), ("None", Some(0))])]
        {
            model.add_group(&format!("_product_admin_{product}"), Sort::Of(None));
            for (name, quota) in profiles {
                let profile = model.add_group(name, Sort::Profile);
                model.add_group(&format!("_admin_{name}"), Sort::Of(Some(profile)));
                model.add_group(&format!("_developer_{name}"), Sort::Of(Some(profile)));
                let profile = model.groups.get_mut(&profile).unwrap();
                (profile.quota, profile.product) = (quota, Some(product));
            }
        }
        for name in ["Design", "Art", "Crowd", "Shared"] {
            model.add_user_group(name);
        }
        let any = model.named("Any").unwrap();
        model.attach(model.named("Design").unwrap(), any);
        for (kind, email, groups) in [
            (Kind::Federated, "f0@staff.example", ["Shared", "Design", "One"].as_slice()),
            (Kind::Enterprise, "e0@contractors.example", &["Shared", "_org_admin"]),
        ] {
            let person = model.add_person(kind, email, "");
            for group in groups {
                model.enter(person, model.named(group).unwrap());
            }
        }
        model.groups.get_mut(&model.named("Shared").unwrap()).unwrap().read_only = true;
        model
    }

    pub(crate) fn request(&mut self, commands: &[Command], test_only: bool) -> Expected {
        let mut expected = Expected { commands: commands.len() as u32, ..Expected::default() };
        let mut planned = BTreeSet::new();
        for (command, index) in commands.iter().zip(0..) {
            self.command(command, index, test_only, &mut planned, &mut expected.errors);
        }
        expected
    }

    pub(crate) fn add_person(&mut self, kind: Kind, email: &str, first: &str) -> Key {
        let person = Person {
            kind,
            email: email.to_owned(),
            username: email.to_owned(),
            first: first.to_owned(),
            member: true,
            active: true,
        };
        self.people.insert(self.next_person, person);
        self.next_person += 1;
        self.next_person - 1
    }

    fn add_group(&mut self, name: &str, sort: Sort) -> Key {
        let group = Group {
            name: name.to_owned(),
            sort,
            read_only: false,
            description: None,
            direct: BTreeSet::new(),
            had_members: false,
            profiles: BTreeSet::new(),
            queue: Vec::new(),
            quota: None,
            product: None,
        };
        self.groups.insert(self.next_group, group);
        self.next_group += 1;
        self.next_group - 1
    }

    pub(crate) fn add_user_group(&mut self, name: &str) -> Key {
        let group = self.add_group(name, Sort::UserGroup);
        self.add_group(&format!("_admin_{name}"), Sort::Of(Some(group)));
        group
    }

    /// The group with a name, ignoring case.
    pub(crate) fn named(&self, name: &str) -> Option<Key> {
        let same = |group: &Group| group.name.to_lowercase() == name.to_lowercase();
        self.groups.iter().find(|(_, group)| same(group)).map(|(key, _)| *key)
    }

    pub(crate) fn is_in(&self, person: Key, group: Key) -> bool {
        self.groups[&group].direct.contains(&person)
    }

    /// Adds a person to a group. Returns whether the membership is new.
    pub(crate) fn enter(&mut self, person: Key, group: Key) -> bool {
        let entered = self.groups.get_mut(&group).unwrap();
        entered.had_members = true;
        let new = entered.direct.insert(person);
        self.settle_queues();
        new
    }

    /// Removes a person from a group. Returns whether the person was a member.
    pub(crate) fn leave(&mut self, person: Key, group: Key) -> bool {
        let was = self.groups.get_mut(&group).unwrap().direct.remove(&person);
        self.settle_queues();
        was
    }

    pub(crate) fn leave_all(&mut self, person: Key) {
        for group in self.groups.values_mut() {
            group.direct.remove(&person);
        }
        self.settle_queues();
    }

    pub(crate) fn attach(&mut self, group: Key, profile: Key) {
        self.groups.get_mut(&group).unwrap().profiles.insert(profile);
        self.settle_queues();
    }

    pub(crate) fn detach(&mut self, group: Key, profile: Key) {
        self.groups.get_mut(&group).unwrap().profiles.remove(&profile);
        self.settle_queues();
    }

    pub(crate) fn rename(&mut self, group: Key, name: &str) {
        let old = std::mem::replace(&mut self.groups.get_mut(&group).unwrap().name, name.to_owned());
        for derived in self.groups.values_mut().filter(|derived| derived.sort == Sort::Of(Some(group))) {
            derived.name = derived.name.strip_suffix(&old).unwrap().to_owned() + name;
        }
    }

    pub(crate) fn delete(&mut self, group: Key) {
        self.groups.retain(|key, other| *key != group && other.sort != Sort::Of(Some(group)));
        self.settle_queues();
    }

    /// Removes people who lost their last reason to be in a profile from its queue, and appends people who got their
    /// first one; several at once in the order of their creation.
    fn settle_queues(&mut self) {
        let profiles: Vec<Key> =
            self.groups.iter().filter(|(_, g)| g.sort == Sort::Profile).map(|(key, _)| *key).collect();
        for profile in profiles {
            let mut reasons = self.groups[&profile].direct.clone();
            for group in self.groups.values().filter(|group| group.profiles.contains(&profile)) {
                reasons.extend(&group.direct);
            }
            let queue = &mut self.groups.get_mut(&profile).unwrap().queue;
            queue.retain(|person| reasons.contains(person));
            let known: BTreeSet<Key> = queue.iter().copied().collect();
            queue.extend(reasons.difference(&known));
        }
    }

    pub(crate) fn set_quota(&mut self, profile: &str, quota: Option<u32>) {
        let profile = self.named(profile).unwrap();
        self.groups.get_mut(&profile).unwrap().quota = quota.map(|quota| quota as usize);
    }

    pub(crate) fn set_active(&mut self, email: &str, active: bool) {
        for person in self.people.values_mut().filter(|person| person.email.eq_ignore_ascii_case(email)) {
            person.active = active;
        }
    }

    // --- views ---

    /// Returns the people who hold a license: as many from the start of the queue as the quota allows.
    fn licensed(&self, profile: &Group) -> BTreeSet<Key> {
        profile.queue.iter().take(profile.quota.unwrap_or(usize::MAX)).copied().collect()
    }

    fn everybody(&self, group: &Group) -> BTreeSet<Key> {
        if group.sort == Sort::Profile { group.queue.iter().copied().collect() } else { group.direct.clone() }
    }

    /// Returns those people that lists show.
    fn listed(&self, people: impl IntoIterator<Item = Key>) -> Vec<String> {
        self.sorted(people).into_iter().map(|key| self.people[&key].email.clone()).collect()
    }

    /// Returns those people that lists show, in the order of the lists: by address, ignoring case, with punctuation before
    /// digits before letters.
    fn sorted(&self, people: impl IntoIterator<Item = Key>) -> Vec<Key> {
        const ORDER: &str = "-.@0123456789abcdefghijklmnopqrstuvwxyz";
        let place = |key: &Key| {
            let email = self.people[key].email.to_lowercase();
            email.chars().map(|c| ORDER.find(c).unwrap()).collect::<Vec<_>>()
        };
        let listed = |key: &Key| self.people[key].member && self.people[key].active;
        let mut people: Vec<Key> = people.into_iter().filter(listed).collect();
        people.sort_by_key(|key| (place(key), *key));
        people
    }

    fn user_view(&self, key: Key, person: &Person) -> UserView {
        let names = |all: bool| {
            let is_in = |group: &&Group| group.direct.contains(&key) || (all && group.queue.contains(&key));
            self.groups.values().filter(is_in).map(|group| group.name.clone()).collect()
        };
        UserView {
            email: person.email.clone(),
            username: person.username.clone(),
            first: person.first.clone(),
            direct_groups: names(false),
            all_groups: names(true),
        }
    }

    fn group_view(&self, key: Key, group: &Group) -> GroupView {
        let everybody = self.everybody(group);
        let licensed = self.licensed(group);
        let of = |people: &BTreeSet<Key>, active: bool| -> Vec<String> {
            self.listed(people.iter().copied().filter(|person| licensed.contains(person) == active))
        };
        let admins =
            self.groups.values().find(|other| other.sort == Sort::Of(Some(key)) && other.name.starts_with("_admin_"));
        let is_profile = group.sort == Sort::Profile;
        let by_license = |people: &BTreeSet<Key>, active| {
            if is_profile { of(people, active) } else { self.listed(people.iter().copied()) }
        };
        GroupView {
            name: group.name.clone(),
            member_count: everybody.len() as i64,
            admin_group_name: admins.filter(|admins| !admins.direct.is_empty()).map(|admins| admins.name.clone()),
            quota: group.quota.map(|quota| quota as i64),
            description: group.description.clone(),
            read_only: group.read_only,
            direct: Members {
                all: self.listed(group.direct.iter().copied()),
                active: by_license(&group.direct, true),
                inactive: by_license(&group.direct, false),
            },
            everybody: Members {
                all: self.listed(everybody.iter().copied()),
                active: by_license(&everybody, true),
                inactive: by_license(&everybody, false),
            },
        }
    }

    pub(crate) fn view(&self) -> View {
        let visible = |group: &Group| match group.sort {
            Sort::Of(_) => !group.direct.is_empty(),
            Sort::OtherAdmins => group.had_members,
            _ => true,
        };
        let product = |name: &'static str| ProductView {
            name: name.to_owned(),
            users: self
                .groups
                .values()
                .filter(|group| group.product == Some(name))
                .flat_map(|group| &group.queue)
                .collect::<BTreeSet<_>>()
                .len() as i64,
        };
        View {
            users: self
                .sorted(self.people.keys().copied())
                .into_iter()
                .map(|key| self.user_view(key, &self.people[&key]))
                .collect(),
            groups: self
                .groups
                .iter()
                .filter(|(_, group)| visible(group))
                .map(|(key, group)| self.group_view(*key, group))
                .collect(),
            products: vec![product("X"), product("Y")],
        }
    }
}
