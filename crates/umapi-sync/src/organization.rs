//! An Adobe organization, as it was read.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use umapi_directory::Extent;
use umapi_model::{Group, GroupType, IntegerOrString, User};
use umapi_plan::{
    Account, GroupRef,
    account::{AccountKey, FoldedName},
};

/// A user of an organization.
#[derive(Clone, Debug)]
pub struct AdobeUser {
    /// The service's identifier, which never changes.
    pub id: Option<Arc<str>>,
    /// The account, with its kind and its email address if they are known.
    pub account: Account,
    /// The username, as stored, if it is not the name of the account.
    pub username: Option<String>,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// The country.
    pub country: Option<String>,
    /// The groups, as indexes into [`Organization::groups`].
    pub groups: Vec<u32>,
    /// Whether the user administers anything.
    pub is_administrator: bool,
}

/// A group of an organization.
#[derive(Clone, Debug)]
pub struct AdobeGroup {
    /// The name and the kind.
    pub group: GroupRef,
    /// The licenses of a profile. `None` for a user group, and where there is no limit.
    pub quota: Option<u64>,
    /// The number of members, as the service counts them.
    pub member_count: Option<u64>,
    /// Whether another organization owns it.
    pub is_read_only: bool,
    /// Whether the list of groups has it; else only users name it.
    pub is_listed: bool,
}

/// An Adobe organization, as it was read.
#[derive(Debug)]
pub struct Organization {
    /// The name of the configuration.
    pub name: String,
    /// The users, and whether these are all.
    pub users: Extent<Vec<AdobeUser>>,
    groups: Vec<AdobeGroup>,
    by_name: HashMap<FoldedName, u32>,
    /// Whether all groups were listed.
    pub group_list: Extent<()>,
}

/// Reads an organization user by user.
#[derive(Debug)]
pub struct OrganizationReader {
    users: Vec<AdobeUser>,
    groups: Vec<AdobeGroup>,
    by_name: HashMap<FoldedName, u32>,
    /// Spellings that were looked up before, so that a name is folded once.
    spellings: HashMap<Arc<str>, u32>,
}

impl OrganizationReader {
    /// Starts with the list of groups.
    pub fn new(groups: impl IntoIterator<Item = Group>) -> Self {
        let mut reader =
            Self { users: Vec::new(), groups: Vec::new(), by_name: HashMap::new(), spellings: HashMap::new() };
        for group in groups {
            let index = reader.index_of(&group.group_name);
            let entry = &mut reader.groups[index as usize];
            entry.group = GroupRef::of_type(&group.group_name, group.type_.as_ref());
            entry.quota = match (&group.type_, &group.license_quota) {
                (Some(GroupType::ProductProfile), Some(quota)) => number(quota),
                _ => None,
            };
            entry.member_count = group.member_count;
            entry.is_read_only = group.is_read_only == Some(true);
            entry.is_listed = true;
        }
        reader
    }

    /// Takes a user. One without a name is left out: no command could be about them.
    pub fn take(&mut self, user: User) {
        let Some(account) = Account::of(&user) else { return };
        let names = user.groups.unwrap_or_default();
        let is_administrator = !user.admin_roles.is_empty() || names.iter().any(|name| name.starts_with('_'));
        let groups = names.iter().map(|name| self.index_of(name)).collect();
        let username = user.username.filter(|username| *username != account.name());
        self.users.push(AdobeUser {
            id: user.id.filter(|id| !id.is_empty()).map(Into::into),
            account,
            username,
            first_name: user.firstname,
            last_name: user.lastname,
            country: user.country,
            groups,
            is_administrator,
        });
    }

    fn index_of(&mut self, name: &str) -> u32 {
        if let Some(&index) = self.spellings.get(name) {
            return index;
        }
        let next = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
        let index = *self.by_name.entry(FoldedName::new(name)).or_insert(next);
        if index == next {
            self.groups.push(AdobeGroup {
                group: GroupRef::from(name),
                quota: None,
                member_count: None,
                is_read_only: false,
                is_listed: false,
            });
        }
        self.spellings.insert(name.into(), index);
        index
    }

    /// Ends the reading. `users` and `groups` say whether the lists were read to their ends.
    pub fn finish(self, name: impl Into<String>, users: &Extent<()>, group_list: Extent<()>) -> Organization {
        Organization {
            name: name.into(),
            users: users.clone().map(|()| self.users),
            groups: self.groups,
            by_name: self.by_name,
            group_list,
        }
    }
}

impl Organization {
    /// All groups that the list or a user names.
    pub fn groups(&self) -> &[AdobeGroup] {
        &self.groups
    }

    /// A group by its name.
    pub fn group(&self, name: &FoldedName) -> Option<(u32, &AdobeGroup)> {
        let index = *self.by_name.get(name)?;
        Some((index, self.groups.get(index as usize)?))
    }

    /// The members of each group, as indexes into the users that were read.
    pub fn members(&self) -> BTreeMap<u32, Vec<usize>> {
        let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (index, user) in self.users.found().into_iter().flatten().enumerate() {
            for &group in &user.groups {
                members.entry(group).or_default().push(index);
            }
        }
        members
    }

    /// The users by their accounts.
    pub fn by_account(&self) -> HashMap<&AccountKey, usize> {
        let users = self.users.found().map(Vec::as_slice).unwrap_or_default();
        users.iter().enumerate().map(|(index, user)| (user.account.key(), index)).collect()
    }
}

fn number(quota: &IntegerOrString) -> Option<u64> {
    quota.as_i64().and_then(|quota| u64::try_from(quota).ok())
}
