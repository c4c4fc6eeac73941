//! An organization as reports and snapshots need it: its groups and users, in little memory.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use umapi::{
    model::{Group, GroupType, User},
    plan::account::FoldedName,
};

/// An organization at one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Organization {
    pub(crate) id: String,
    pub(crate) server: String,
    /// When it was read, in UTC.
    pub(crate) as_of: String,
    /// Whether profiles that come through user groups are left out.
    pub(crate) direct_only: bool,
    /// Whether the lists may lack entries, because they changed while they were read or could not be read in part.
    pub(crate) is_partial: bool,
    pub(crate) groups: Vec<GroupEntry>,
    pub(crate) users: Vec<Person>,
}

/// A group, a product profile or an administrative group.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct GroupEntry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<u64>,
    pub(crate) name: String,
    /// The type as the service names it. `None` if only users name the group, and the list of groups does not.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    /// The number of members that the service says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) members: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) product: Option<String>,
    /// A number, or another text such as `UNLIMITED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) quota: Option<String>,
    /// What an administrative group administers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) administers: Option<String>,
    /// Who waits for a license. `None` if it was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) waiting: Option<Vec<String>>,
}

/// A user.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Person {
    pub(crate) id: Box<str>,
    pub(crate) email: Box<str>,
    /// Empty if it is the email address.
    pub(crate) username: Box<str>,
    pub(crate) domain: Box<str>,
    pub(crate) first: Box<str>,
    pub(crate) last: Box<str>,
    #[serde(rename = "type")]
    pub(crate) kind: Box<str>,
    /// The places of the groups in [`Organization::groups`], in order.
    pub(crate) groups: Box<[u32]>,
}

/// The licenses of a profile.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct License {
    pub(crate) product: String,
    pub(crate) profile: String,
    /// `None` without a limit.
    pub(crate) quota: Option<u64>,
    pub(crate) used: u64,
    /// `None` if it was not read.
    pub(crate) waiting: Option<u64>,
}

impl Organization {
    /// What readers of a report must know about the lists.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.is_partial {
            notes.push(
                "The lists changed while they were read, or could not be read in part: entries may be missing."
                    .to_owned(),
            );
        }
        let unlisted = self.groups.iter().filter(|group| group.kind.is_none()).count();
        if unlisted > 0 {
            notes.push(format!("Groups that users are in and that the list of groups does not have: {unlisted}."));
        }
        notes
    }

    /// Returns the groups of a user.
    pub(crate) fn groups_of<'a>(&'a self, person: &'a Person) -> impl Iterator<Item = &'a GroupEntry> {
        person.groups.iter().filter_map(|place| self.groups.get(*place as usize))
    }

    /// Counts the users of each group in the list of users.
    pub(crate) fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.groups.len()];
        for place in self.users.iter().flat_map(|user| &user.groups) {
            if let Some(count) = counts.get_mut(*place as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// Returns the licenses of all profiles, by product and profile.
    pub(crate) fn licenses(&self) -> Vec<License> {
        let counts = self.counts();
        let profiles = self.groups.iter().zip(counts).filter(|(group, _)| group.is_profile());
        let mut licenses: Vec<License> = profiles.map(|(group, counted)| group.license(counted)).collect();
        licenses.sort_by(|one, other| (&one.product, &one.profile).cmp(&(&other.product, &other.profile)));
        licenses
    }
}

impl GroupEntry {
    pub(crate) fn is_of(&self, kind: &GroupType) -> bool {
        self.kind.as_deref() == Some(kind.as_str())
    }

    pub(crate) fn is_profile(&self) -> bool {
        self.is_of(&GroupType::ProductProfile)
    }

    /// Whether its members administer something.
    pub(crate) fn is_administrative(&self) -> bool {
        self.kind.as_deref().is_some_and(|kind| kind.contains("ADMIN"))
    }

    /// The number of licenses. `None` without a limit.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.quota.as_deref()?.trim().parse().ok()
    }

    /// Whether its licenses are used up, so that somebody may wait for one.
    pub(crate) fn is_full(&self) -> bool {
        self.is_profile() && self.limit().is_some_and(|limit| self.members.is_none_or(|members| members >= limit))
    }

    /// The size that the service says, or the number of users in the list.
    pub(crate) fn size(&self, counted: u64) -> u64 {
        self.members.unwrap_or(counted)
    }

    fn license(&self, counted: u64) -> License {
        let (members, quota) = (self.size(counted), self.limit());
        let waiting = match (&self.waiting, self.is_full()) {
            (Some(waiting), _) => Some(waiting.len() as u64),
            (None, true) => None,
            (None, false) => Some(0),
        };
        let used = match (quota, waiting) {
            // If users wait, all licenses are used. The members include them, and inactive accounts.
            (Some(quota), Some(1..)) => quota,
            (Some(quota), None) => members.min(quota),
            _ => members,
        };
        License { product: self.product.clone().unwrap_or_default(), profile: self.name.clone(), quota, used, waiting }
    }
}

impl Person {
    /// The name by which people know the account.
    pub(crate) fn name(&self) -> &str {
        [&self.email, &self.username, &self.id].into_iter().find(|name| !name.is_empty()).map_or("", |name| name)
    }

    /// First and last name.
    pub(crate) fn full_name(&self) -> String {
        format!("{} {}", self.first, self.last).trim().to_owned()
    }
}

/// Collects the lists of an organization.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    organization: Organization,
    places: HashMap<FoldedName, u32>,
    /// The places of names as the service spells them, which need not be folded.
    spellings: HashMap<String, u32>,
    ids: HashSet<Box<str>>,
}

impl Builder {
    pub(crate) fn new(id: &str, server: &str, direct_only: bool) -> Self {
        let organization =
            Organization { id: id.to_owned(), server: server.to_owned(), direct_only, ..Organization::default() };
        Self { organization, ..Self::default() }
    }

    /// Adds a group of the list. Of two with one name, the first counts.
    pub(crate) fn push_group(&mut self, group: Group) {
        let place = self.place(&group.group_name);
        let Some(entry) = self.organization.groups.get_mut(place as usize) else { return };
        if entry.kind.is_some() {
            return self.organization.is_partial = true;
        }
        let kind = group.type_.unwrap_or(GroupType::Other("UNKNOWN".to_owned()));
        *entry = GroupEntry {
            id: group.group_id,
            name: group.group_name,
            kind: Some(kind.as_str().to_owned()),
            members: group.member_count,
            product: group.product_name,
            quota: group.license_quota.map(|quota| quota.to_string()),
            administers: group.user_group_name.or(group.product_profile_name).filter(|name| !name.is_empty()),
            waiting: None,
        };
    }

    /// Adds a user of the list. A user who comes again, e.g. on the next page, is the same.
    pub(crate) fn push_user(&mut self, user: User) {
        let text = |value: Option<String>| value.unwrap_or_default().into_boxed_str();
        let id = text(user.id);
        if !id.is_empty() && !self.ids.insert(id.clone()) {
            self.organization.is_partial = true;
            return;
        }
        let mut groups: Vec<u32> = user.groups.iter().flatten().map(|name| self.place(name)).collect();
        groups.sort_unstable();
        groups.dedup();
        let email = text(user.email);
        let username = user.username.filter(|name| **name != *email);
        self.organization.users.push(Person {
            id,
            username: text(username),
            domain: text(user.domain),
            first: text(user.firstname),
            last: text(user.lastname),
            kind: user.type_.map(|kind| kind.as_str().into()).unwrap_or_default(),
            groups: groups.into(),
            email,
        });
    }

    fn place(&mut self, name: &str) -> u32 {
        if let Some(place) = self.spellings.get(name) {
            return *place;
        }
        let groups = &mut self.organization.groups;
        let place = *self.places.entry(FoldedName::new(name)).or_insert_with(|| {
            groups.push(GroupEntry { name: name.to_owned(), ..GroupEntry::default() });
            u32::try_from(groups.len() - 1).unwrap_or(u32::MAX)
        });
        self.spellings.insert(name.to_owned(), place);
        place
    }

    pub(crate) fn build(self, as_of: String, is_partial: bool) -> Organization {
        let mut organization = self.organization;
        organization.as_of = as_of;
        organization.is_partial |= is_partial;
        organization
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::{Report, Value};

    /// The rows of a table of a report, with their cells in one text.
    pub(in crate::report) fn texts(report: &Report, table: &str) -> Vec<String> {
        let table = report.tables.iter().find(|found| found.name == table).unwrap();
        table.rows.iter().map(|row| row.iter().map(Value::text).collect::<Vec<_>>().join("|")).collect()
    }

    /// An organization of groups and users as the service sends them.
    pub(in crate::report) fn organization(groups: serde_json::Value, users: serde_json::Value) -> Organization {
        let mut builder = Builder::new("org", "server", true);
        let groups: Vec<Group> = serde_json::from_value(groups).unwrap();
        groups.into_iter().for_each(|group| builder.push_group(group));
        let users: Vec<User> = serde_json::from_value(users).unwrap();
        users.into_iter().for_each(|user| builder.push_user(user));
        builder.build("2026-03-01T00:00:00Z".to_owned(), false)
    }

    /// An organization with what reports tell about.
    pub(in crate::report) fn sample() -> Organization {
        organization(
            json!([
                {"groupId": 1, "groupName": "Design", "type": "USER_GROUP", "memberCount": 2, "adminGroupName": "_admin_Design"},
                {"groupId": 2, "groupName": "Empty", "type": "USER_GROUP", "memberCount": 0},
                {"groupId": 3, "groupName": "PS A", "type": "PRODUCT_PROFILE", "memberCount": 3, "productName": "PS", "licenseQuota": "2"},
                {"groupId": 4, "groupName": "PS B", "type": "PRODUCT_PROFILE", "memberCount": 1, "productName": "PS", "licenseQuota": "10"},
                {"groupId": 5, "groupName": "AI", "type": "PRODUCT_PROFILE", "memberCount": 0, "productName": "AI", "licenseQuota": "UNLIMITED"},
                {"groupId": 6, "groupName": "_admin_Design", "type": "USER_ADMIN_GROUP", "memberCount": 1, "userGroupName": "Design"},
            ]),
            json!([
                {"id": "1@AdobeID", "email": "ann@a.example", "type": "federatedID", "domain": "a.example", "firstname": "Ann", "lastname": "Lee", "groups": ["Design", "ps a", "PS B", "_admin_Design"]},
                {"id": "2@AdobeID", "email": "ANN@a.example", "type": "adobeID", "domain": "a.example", "groups": ["Design", "PS A"]},
                {"id": "3@AdobeID", "email": "a.nn+x@a.example", "type": "federatedID", "domain": "a.example", "groups": ["PS A", "Ghost"]},
                {"id": "4@AdobeID", "email": "bob@gmail.example", "type": "adobeID", "domain": "gmail.example"},
            ]),
        )
    }

    #[test]
    fn licenses_are_counted_with_who_waits() {
        let mut organization = sample();
        let license = |organization: &Organization, profile: &str| {
            organization.licenses().into_iter().find(|license| license.profile == profile).unwrap()
        };
        assert_eq!((license(&organization, "PS A").used, license(&organization, "PS A").waiting), (2, None));
        organization.groups[2].waiting = Some(vec!["ann@a.example".to_owned()]);
        assert_eq!((license(&organization, "PS A").used, license(&organization, "PS A").waiting), (2, Some(1)));
        assert_eq!((license(&organization, "PS B").quota, license(&organization, "PS B").waiting), (Some(10), Some(0)));
        assert_eq!(license(&organization, "AI").quota, None);
    }

    #[test]
    fn contradicting_lists_are_noted() {
        let organization = sample();
        assert_eq!(organization.groups.last().unwrap().name, "Ghost");
        assert!(organization.notes()[0].ends_with("does not have: 1."), "{:?}", organization.notes());
        let group = json!({"groupName": "A", "type": "USER_GROUP"});
        let user = json!({"id": "1", "email": "a@b.c"});
        assert!(self::organization(json!([group, group]), json!([])).is_partial);
        let repeated = self::organization(json!([]), json!([user, user]));
        assert_eq!((repeated.users.len(), repeated.is_partial), (1, true));
    }
}
