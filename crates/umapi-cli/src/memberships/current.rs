//! The memberships that exist now.

use std::collections::{BTreeMap, HashMap};

use umapi::{
    Client, Error, GroupKind, GroupRef, UserRef,
    model::{GroupType, User},
};

use super::desired::{Desired, fold};
use crate::failure::{Failure, Result};

/// The number of users up to which each is looked up; more are found faster in the list of all users.
const LOOKED_UP_SINGLY: usize = 25;

/// The memberships that exist now, of the groups and users that a file names.
#[derive(Debug, Default)]
pub(crate) struct Current {
    groups: HashMap<String, GroupRef>,
    members: HashMap<String, Vec<Member>>,
    users: HashMap<String, Holder>,
}

/// A member of a group.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) person: Person,
    /// Whether the user is a direct member. A product profile can also come through a user group; such a membership cannot
    /// be removed from the user.
    pub(crate) is_direct: bool,
}

/// A user, and the groups of the user.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) person: Person,
    /// By folded name.
    pub(crate) groups: BTreeMap<String, String>,
}

/// A user, by the names that a file can use for them.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// Folded: the email address, and the username.
    keys: [String; 2],
    pub(crate) reference: UserRef,
}

impl Person {
    fn of(user: &User) -> Self {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let (email, username) = (text(&user.email), text(&user.username));
        let has_own_name = !username.is_empty() && !username.contains('@');
        Self {
            keys: [fold(&email), fold(if username.is_empty() { &email } else { &username })],
            reference: match &user.domain {
                Some(domain) if has_own_name => UserRef::username(&username, domain),
                _ => UserRef::email(if email.is_empty() { &username } else { &email }),
            },
        }
    }

    /// Whether a list has this person, by address or by username.
    pub(crate) fn is_in<T>(&self, list: &HashMap<String, T>) -> bool {
        self.keys.iter().any(|key| list.contains_key(key))
    }

    /// The folded names.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(String::as_str)
    }
}

impl Current {
    /// Reads the lists that a file names, and no others.
    pub(crate) async fn read(client: &Client, desired: &Desired) -> Result<Self> {
        let mut current = Self::default();
        current.read_groups(client).await.map_err(|error| Failure::of_service("cannot list the groups", &error))?;
        current.refuse_unknown_groups(desired)?;
        for (key, list) in &desired.groups {
            let what_failed = || format!("cannot list the members of {}", list.name.text);
            let members = current.read_members(client, key).await;
            current.members.insert(key.clone(), members.map_err(|error| Failure::of_service(what_failed(), &error))?);
        }
        current
            .read_users(client, desired)
            .await
            .map_err(|error| Failure::of_service("cannot read the users", &error))?;
        Ok(current)
    }

    async fn read_groups(&mut self, client: &Client) -> Result<(), Error> {
        let mut groups = client.groups().list();
        while let Some(group) = groups.try_next().await? {
            let name = group.group_name;
            let reference = match group.type_ {
                Some(GroupType::UserGroup) => GroupRef::user_group(&name),
                Some(GroupType::ProductProfile) => GroupRef::profile(&name),
                _ => GroupRef::administrative(&name),
            };
            self.groups.insert(fold(&name), reference);
        }
        Ok(())
    }

    /// Fails if the file names a group that does not exist: half a plan would be worse than none.
    fn refuse_unknown_groups(&self, desired: &Desired) -> Result<()> {
        let items = desired.users.values().flat_map(|list| &list.items);
        let named = desired.groups.iter().map(|(key, list)| (key, &list.name)).chain(items);
        let unknown: BTreeMap<&String, &str> = named
            .filter(|(key, _)| !self.groups.contains_key(*key))
            .map(|(key, name)| (key, name.text.as_str()))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = unknown.into_values().collect();
        Err(Failure::usage("the file names groups that do not exist; nothing was changed")
            .why(names.join(", "))
            .remedy("correct the names (umapi groups list shows all), or create the groups with umapi groups create"))
    }

    async fn read_members(&self, client: &Client, key: &str) -> Result<Vec<Member>, Error> {
        let group = self.groups.get(key);
        let is_profile = group.is_some_and(|group| group.kind() == GroupKind::Profile);
        let name = group.map_or(key, GroupRef::name);
        let mut users = client.users().in_group(name).exclude_groups(!is_profile).list().dedup();
        let mut members = Vec::new();
        while let Some(user) = users.try_next().await? {
            let own = user.groups.iter().flatten().any(|group| fold(group) == key);
            members.push(Member { person: Person::of(&user), is_direct: !is_profile || own });
        }
        Ok(members)
    }

    async fn read_users(&mut self, client: &Client, desired: &Desired) -> Result<(), Error> {
        // A username can only be looked up together with its domain, which the file does not have.
        let is_address = |key: &String| key.contains('@');
        if desired.users.len() <= LOOKED_UP_SINGLY && desired.users.keys().all(is_address) {
            for (key, list) in &desired.users {
                if let Some(user) = client.users().get(&list.name.text).await? {
                    self.users.insert(key.clone(), Holder::of(&user));
                }
            }
            return Ok(());
        }
        let mut users = client.users().list().dedup();
        while let Some(user) = users.try_next().await? {
            let holder = Holder::of(&user);
            if let Some(key) = holder.person.keys.iter().find(|key| desired.users.contains_key(*key)) {
                self.users.insert(key.clone(), holder);
            }
        }
        Ok(())
    }

    /// The group of this name, in the service's spelling.
    pub(crate) fn group(&self, key: &str) -> Option<&GroupRef> {
        self.groups.get(key)
    }

    pub(crate) fn is_administrative(&self, key: &str) -> bool {
        self.group(key).is_none_or(|group| group.kind() == GroupKind::Administrative)
    }

    pub(crate) fn members_of(&self, key: &str) -> &[Member] {
        self.members.get(key).map_or(&[], Vec::as_slice)
    }

    /// The user of this name; `None` if the organization has none.
    pub(crate) fn user(&self, key: &str) -> Option<&Holder> {
        self.users.get(key)
    }
}

impl Holder {
    fn of(user: &User) -> Self {
        let groups = user.groups.iter().flatten().map(|name| (fold(name), name.clone())).collect();
        Self { person: Person::of(user), groups }
    }
}

#[cfg(test)]
impl Current {
    /// Memberships for tests: groups with their members (`+` for a member through a user group), and users.
    pub(super) fn of_test(groups: &[(&str, GroupKind, &[&str])], users: &[(&str, &[&str])]) -> Self {
        let mut current = Self::default();
        let user = |email: &str, groups: &[&str]| {
            let mut user = User::default();
            user.email = Some(email.to_owned());
            user.groups = Some(groups.iter().map(|&name| name.to_owned()).collect());
            user
        };
        for (name, kind, members) in groups {
            let reference = match kind {
                GroupKind::UserGroup => GroupRef::user_group(name),
                GroupKind::Profile => GroupRef::profile(name),
                _ => GroupRef::administrative(name),
            };
            current.groups.insert(fold(name), reference);
            let member = |name: &&str| Member {
                person: Person::of(&user(name.trim_start_matches('+'), &[])),
                is_direct: !name.starts_with('+'),
            };
            current.members.insert(fold(name), members.iter().map(member).collect());
        }
        for (email, groups) in users {
            current.users.insert(fold(email), Holder::of(&user(email, groups)));
        }
        current
    }
}
