//! Generates an organization: the same numbers generate the same one, on every machine.

mod names;
mod people;

use fastrand::Rng;

use self::people::Person;
use super::format::{
    Directory, DirectoryType, Domain, Generate, Login, Presence, Product, Profile, User, UserGroup, UserStatus,
    UserType,
};
use crate::store::{ListSorter, fold};

/// Profiles of one product.
const PROFILES_OF_A_PRODUCT: usize = 4;

/// The generator of one organization.
pub(super) struct Generator {
    what: Generate,
    rng: Rng,
    domains: Domains,
    groups: Vec<String>,
    profiles: Vec<String>,
}

/// The domains of an organization. Each organization has its own, so that several fit into one emulator.
struct Domains {
    staff: [String; 2],
    contractors: String,
    school: String,
}

impl Generator {
    pub(super) fn new(org_id: &str, what: Generate) -> Self {
        let part = fold(org_id.split('@').next().unwrap_or_default()).into_owned();
        // Addresses have at most 60 characters; a long id must leave room for the name.
        let part: String = part.chars().take(16).collect();
        let mut rng = Rng::with_seed(what.seed);
        let groups = (0..what.groups as usize).map(names::user_group).collect();
        let profiles = (0..what.profiles as usize).map(names::profile).collect();
        // The first values of similar seeds are similar.
        rng = rng.fork();
        let domains = Domains {
            staff: [format!("{part}.example.com"), format!("eu.{part}.example.com")],
            contractors: format!("{part}.example.org"),
            school: format!("{part}.example.net"),
        };
        Self { what, rng, domains, groups, profiles }
    }

    pub(super) fn directories(&self) -> Vec<Directory> {
        let directory = |name: &str, directory_type, login, domains: &[String]| Directory {
            name: name.to_owned(),
            directory_type,
            login,
            synced: false,
            domains: domains.iter().cloned().map(Domain::Name).collect(),
            trusted_by: Vec::new(),
        };
        let Domains { staff, contractors, school } = &self.domains;
        vec![
            directory("Generated staff", DirectoryType::Federated, Login::Email, staff),
            directory(
                "Generated contractors",
                DirectoryType::Enterprise,
                Login::Email,
                std::slice::from_ref(contractors),
            ),
            directory("Generated school", DirectoryType::Federated, Login::Username, std::slice::from_ref(school)),
        ]
    }

    /// Every fifth profile has fewer licenses than members.
    pub(super) fn products(&self) -> Vec<Product> {
        let quota = |i: usize| (i % 5 == 3).then_some(self.what.users / 200 + 1);
        self.profiles
            .chunks(PROFILES_OF_A_PRODUCT)
            .enumerate()
            .map(|(i, profiles)| Product {
                name: names::product(i),
                code: format!("GEN{i:03}"),
                profiles: profiles
                    .iter()
                    .enumerate()
                    .map(|(j, name)| Profile {
                        name: name.clone(),
                        quota: quota(i * PROFILES_OF_A_PRODUCT + j),
                        ..Profile::default()
                    })
                    .collect(),
                ..Product::default()
            })
            .collect()
    }

    /// The large groups have no profiles; every third of the others has one.
    pub(super) fn user_groups(&self) -> Vec<UserGroup> {
        self.groups
            .iter()
            .enumerate()
            .map(|(i, name)| {
                let has_profile = i >= self.groups.len() / 4 && i % 3 == 0 && !self.profiles.is_empty();
                let profiles =
                    if has_profile { vec![self.profiles[i % self.profiles.len()].clone()] } else { Vec::new() };
                UserGroup { name: name.clone(), profiles, ..UserGroup::default() }
            })
            .collect()
    }

    /// Generates the users in the order of lists. Rows that are created in this order are stored together if they are
    /// on one page, which makes a page of a large organization cheap to read.
    ///
    /// The users are generated twice, because all of them would take more memory than the store itself: first to sort
    /// their addresses, then one by one.
    pub(super) fn users(mut self) -> impl Iterator<Item = User> {
        let mut states = Vec::with_capacity(self.what.users as usize);
        let mut sorter = ListSorter::default();
        for n in 0..self.what.users {
            states.push(self.rng.get_seed());
            let user = self.nth_user(n);
            sorter.add(&fold(&user.email), n);
        }
        sorter.sorted().into_iter().map(move |n| {
            self.rng.seed(states[n as usize]);
            self.nth_user(n)
        })
    }

    fn nth_user(&mut self, n: u32) -> User {
        let person = people::person(&mut self.rng);
        let technical = n > 0 && self.rng.u32(..1000) == 0;
        let mut user = if technical { technical_account(n) } else { self.user(n, &person) };
        user.groups = self.memberships(n, technical);
        user
    }

    /// Most users are Federated IDs; the others are of the other kinds.
    fn user(&mut self, n: u32, person: &Person) -> User {
        // The number makes the address unique.
        let local = format!("{}.{}{}", person.first_ascii, person.last_ascii, base36(n));
        let (user_type, email, username, domain) = match self.rng.u32(..100) {
            0..70 => {
                let domain = &self.domains.staff[usize::from(self.rng.u32(..4) == 0)];
                (UserType::FederatedId, format!("{local}@{domain}"), None, None)
            }
            70..85 => (UserType::EnterpriseId, format!("{local}@{}", self.domains.contractors), None, None),
            85..95 => {
                let school = &self.domains.school;
                (UserType::FederatedId, format!("{local}@{school}"), Some(local.clone()), Some(school.clone()))
            }
            _ => (UserType::AdobeId, format!("{local}@mail.example"), None, None),
        };
        let status = match self.rng.u32(..1000) {
            0..15 => UserStatus::Disabled,
            15..17 => UserStatus::Locked,
            _ => UserStatus::Active,
        };
        User {
            user_type,
            email,
            username,
            domain,
            firstname: Some(person.first.to_owned()),
            lastname: Some(person.last.to_owned()),
            country: Some(person.country.to_owned()),
            phone: None,
            status,
            presence: Presence::Member,
            technical: false,
            groups: Vec::new(),
        }
    }

    /// About three memberships: two user groups and a profile, in large ones much more often than in small ones, and
    /// rarely an administrative role. The first user is the system administrator.
    fn memberships(&mut self, n: u32, technical: bool) -> Vec<String> {
        let mut names = Vec::new();
        if n == 0 {
            names.push("_org_admin".to_owned());
        }
        let groups = if technical { 0 } else { self.rng.u32(..5) };
        for _ in 0..groups {
            let group = self.skewed(self.groups.len());
            names.extend(group.map(|i| self.groups[i].clone()));
        }
        let profiles = [0, 1, 1, 2][self.rng.usize(..4)];
        for _ in 0..profiles {
            let profile = self.skewed(self.profiles.len());
            names.extend(profile.map(|i| self.profiles[i].clone()));
        }
        match self.rng.u32(..10_000) {
            0..10 => {
                let group = self.skewed(self.groups.len());
                names.extend(group.map(|i| format!("_admin_{}", self.groups[i])));
            }
            10..15 => {
                let profile = self.skewed(self.profiles.len());
                names.extend(profile.map(|i| format!("_developer_{}", self.profiles[i])));
            }
            15..17 => names.push("_support_admin".to_owned()),
            17..19 => names.push("_deployment_admin".to_owned()),
            _ => {}
        }
        names
    }

    /// Returns an index that favors small numbers: with the cube of a uniform number, the first tenth gets nearly half.
    /// Only multiplications, so that every machine computes the same.
    fn skewed(&mut self, len: usize) -> Option<usize> {
        let u = self.rng.f64();
        let i = (u * u * u * len as f64) as usize;
        (i < len).then_some(i)
    }
}

fn technical_account(n: u32) -> User {
    User {
        user_type: UserType::AdobeId,
        email: format!("integration-{}@techacct.adobe.com", base36(n)),
        username: None,
        domain: None,
        firstname: None,
        lastname: None,
        country: None,
        phone: None,
        status: UserStatus::Active,
        presence: Presence::Member,
        technical: true,
        groups: Vec::new(),
    }
}

/// Formats a number with few digits.
fn base36(mut n: u32) -> String {
    let mut digits = Vec::new();
    loop {
        digits.extend(char::from_digit(n % 36, 36));
        n /= 36;
        if n == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{
        seed::{Organization, Seed, load},
        store::{GroupKind, PageRequest, Store, StoreError, UserQuery},
    };

    const SOME: Generate = Generate { users: 3000, groups: 60, profiles: 20, seed: 42 };

    fn users(what: Generate) -> Vec<User> {
        Generator::new("AB12@AdobeOrg", what).users().collect()
    }

    #[test]
    fn the_same_numbers_generate_the_same_users() {
        assert_eq!(users(SOME), users(SOME));
        assert_ne!(users(SOME), users(Generate { seed: 43, ..SOME }));
    }

    #[test]
    fn users_are_generated_in_the_order_of_lists() {
        let mut sorter = ListSorter::default();
        let users = users(SOME);
        users.iter().zip(0_usize..).for_each(|(user, n)| sorter.add(&user.email, n));
        assert_eq!(sorter.sorted(), (0..users.len()).collect::<Vec<_>>());
        assert_eq!(users.len(), SOME.users as usize);
    }

    #[test]
    fn users_have_diverse_names_and_ascii_addresses() {
        let users = users(SOME);
        let emails: HashSet<_> = users.iter().map(|user| &user.email).collect();
        assert_eq!(emails.len(), users.len(), "addresses are unique");
        assert!(users.iter().all(|user| user.email.is_ascii()));
        let name = |script: std::ops::RangeInclusive<char>| {
            users.iter().any(|user| user.lastname.iter().flat_map(|name| name.chars()).any(|c| script.contains(&c)))
        };
        for script in
            ['А'..='я', 'Α'..='ω', '一'..='龯', 'あ'..='ヿ', '가'..='힣', 'ا'..='ي', 'א'..='ת', 'अ'..='ह', 'À'..='ž']
        {
            assert!(name(script.clone()), "no name in {script:?}");
        }
        for user_type in [UserType::AdobeId, UserType::EnterpriseId, UserType::FederatedId] {
            assert!(users.iter().any(|user| user.user_type == user_type));
        }
        assert!(users.iter().any(|user| user.technical) && users.iter().any(|user| user.status != UserStatus::Active));
    }

    #[test]
    fn memberships_are_about_three_and_skewed() {
        let users = users(SOME);
        let all: usize = users.iter().map(|user| user.groups.len()).sum();
        let mean = all as f64 / users.len() as f64;
        assert!((2.5..3.5).contains(&mean), "{mean}");
        let in_group = |i| users.iter().filter(|user| user.groups.contains(&names::user_group(i))).count();
        assert!(in_group(0) > 10 * in_group(50), "{} and {}", in_group(0), in_group(50));
    }

    #[test]
    fn a_generated_organization_follows_the_rules() {
        let store = Store::in_memory().unwrap();
        let org = |id: &str| Organization { id: id.to_owned(), generate: Some(SOME), ..Organization::default() };
        let organizations = vec![org("AB12@AdobeOrg"), org("0123456789ABCDEF01234567@AdobeOrg")];
        let seed = Seed { organizations, ..Seed::default() };
        load(&store, &seed).unwrap();
        store
            .read(|r| {
                for org in r.organizations()? {
                    let page = r.users(org.id, &UserQuery::default(), PageRequest { page: 0, size: 5 })?.unwrap();
                    assert!(page.total < 3000 && page.total > 2900, "{}", page.total);
                    assert_eq!(r.groups_of_kind(org.id, GroupKind::Profile)?.len(), 20);
                }
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }
}
