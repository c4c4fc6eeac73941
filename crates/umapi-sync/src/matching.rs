//! Which user of Adobe is which person.

use std::collections::{HashMap, HashSet};

use umapi_plan::{AccountKind, account::FoldedName};

use crate::{
    organization::Organization,
    people::{People, Standing},
    state::OrgState,
};

/// Which user of an organization is which person.
#[derive(Debug, Default)]
pub struct Matching {
    user_of: HashMap<usize, usize>,
    person_of: HashMap<usize, usize>,
    held: HashSet<usize>,
    conflicts: HashMap<usize, String>,
}

impl Matching {
    /// Matches by what earlier runs found, then by username, then by email address.
    pub fn of(people: &People<'_>, organization: &Organization, state: &OrgState) -> Self {
        let users = organization.users.found().map(Vec::as_slice).unwrap_or_default();
        let by_id: HashMap<&str, usize> =
            users.iter().enumerate().filter_map(|(index, user)| Some((user.id.as_deref()?, index))).collect();
        let by_account = organization.by_account();
        let mut by_email: HashMap<(FoldedName, bool), Vec<usize>> = HashMap::new();
        for (index, user) in users.iter().enumerate() {
            if let Some(email) = user.account.email_address() {
                by_email.entry((FoldedName::user(email), user.account.is_adobe_id())).or_default().push(index);
            }
        }
        let linked = |key| {
            let link = state.links.get(key)?;
            let account = umapi_plan::Account::from(&link.account);
            let by_link = link.user_id.as_deref().and_then(|id| by_id.get(id));
            by_link.or_else(|| by_account.get(account.key())).copied()
        };

        let mut matching = Self::default();
        for (index, wanted) in people.wanted().iter().enumerate() {
            if let Some(user) = linked(&wanted.key) {
                matching.set(index, user);
            }
        }
        for (index, wanted) in people.wanted().iter().enumerate() {
            if let Some(&user) = by_account.get(wanted.account.key()) {
                matching.set(index, user);
            }
        }
        for (index, wanted) in people.wanted().iter().enumerate() {
            let Some(email) = wanted.account.email_address() else { continue };
            let email = FoldedName::user(email);
            let is_adobe_id = wanted.account.is_adobe_id();
            match by_email.get(&(email.clone(), is_adobe_id)).map(Vec::as_slice) {
                Some(&[user]) => matching.set(index, user),
                Some([_, ..]) if !matching.user_of.contains_key(&index) => {
                    matching.conflicts.insert(index, format!("several users have the address {email}"));
                }
                _ => {}
            }
            if !matching.user_of.contains_key(&index) && !is_adobe_id && by_email.contains_key(&(email, true)) {
                let wanted_kind = wanted.account.kind().map_or("account", AccountKind::as_str);
                let reason = format!("an Adobe ID has this address, so no {wanted_kind} can be made with it");
                matching.conflicts.insert(index, reason);
            }
        }
        for (key, standing) in people.standings() {
            let Standing::Held(account) = standing else { continue };
            let by_name = account.as_ref().and_then(|account| by_account.get(account.key()).copied());
            let email = account.as_ref().and_then(|account| account.email_address()).map(FoldedName::user);
            let by_address = email.and_then(|email| by_email.get(&(email, false))).into_iter().flatten().copied();
            matching.held.extend(linked(key).into_iter().chain(by_name).chain(by_address));
        }
        matching
    }

    /// Sets a match. The first one of a user counts, and the first one of a person.
    fn set(&mut self, person: usize, user: usize) {
        if self.user_of.contains_key(&person) {
            return;
        }
        if self.person_of.contains_key(&user) {
            self.conflicts
                .insert(person, "the user of this name belongs to another person of the directory".to_owned());
            return;
        }
        self.conflicts.remove(&person);
        self.user_of.insert(person, user);
        self.person_of.insert(user, person);
    }

    /// The user of a person.
    pub fn user_of(&self, person: usize) -> Option<usize> {
        self.user_of.get(&person).copied()
    }

    /// The person of a user.
    pub fn person_of(&self, user: usize) -> Option<usize> {
        self.person_of.get(&user).copied()
    }

    /// Whether the user belongs to someone who is left out, so that nothing is taken from them.
    pub fn is_held(&self, user: usize) -> bool {
        self.held.contains(&user)
    }

    /// Why a person cannot be matched and no user can be made for them.
    pub fn conflict(&self, person: usize) -> Option<&str> {
        self.conflicts.get(&person).map(String::as_str)
    }
}
