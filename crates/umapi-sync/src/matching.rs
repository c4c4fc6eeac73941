//! Which user of Adobe is which person.

use std::collections::{HashMap, HashSet};

use umapi_plan::{Account, AccountKind, account::FoldedName};

use crate::{
    organization::{AdobeUser, Organization},
    people::{People, Standing},
    state::OrgState,
};

/// No match, in the lists of a [`Matching`].
const NONE: u32 = u32::MAX;

/// Which user of an organization is which person.
#[derive(Debug, Default)]
pub struct Matching {
    /// By person: the user.
    users: Vec<u32>,
    /// By user: the person.
    persons: Vec<u32>,
    held: HashSet<usize>,
    conflicts: HashMap<usize, String>,
}

/// An address in its folded form, and whether it is the one of an Adobe ID.
type Address = (FoldedName, bool);

impl Matching {
    /// Matches by what earlier runs found, then by username, then by email address.
    pub fn of(people: &People<'_>, organization: &Organization, state: &OrgState) -> Self {
        let users = organization.users.found().map(Vec::as_slice).unwrap_or_default();
        let by_account = organization.by_account();
        let by_id: HashMap<&str, usize> = match state.links.is_empty() {
            true => HashMap::new(),
            false => users.iter().enumerate().filter_map(|(index, user)| Some((user.id.as_deref()?, index))).collect(),
        };
        let linked = |key| {
            let link = state.links.get(key)?;
            let by_link = link.user_id.as_deref().and_then(|id| by_id.get(id));
            by_link.or_else(|| by_account.get(Account::from(&link.account).key())).copied()
        };

        let mut matching =
            Self { users: vec![NONE; people.wanted().len()], persons: vec![NONE; users.len()], ..Self::default() };
        for (index, wanted) in people.wanted().iter().enumerate() {
            if let Some(user) = linked(&wanted.key) {
                matching.set(index, user);
            }
        }
        for (index, wanted) in people.wanted().iter().enumerate() {
            if matching.user_of(index).is_none()
                && let Some(&user) = by_account.get(wanted.account.key())
            {
                matching.set(index, user);
            }
        }
        let held: Vec<_> = people
            .standings()
            .filter_map(|(key, standing)| match standing {
                Standing::Held(account) => Some((key, account.as_deref())),
                Standing::Wanted(_) | Standing::Left => None,
            })
            .collect();
        let rest: Vec<usize> = (0..people.wanted().len()).filter(|index| matching.user_of(*index).is_none()).collect();
        let unmatched = rest.iter().filter_map(|index| people.wanted().get(*index)).map(|wanted| &wanted.account);
        let by_address = by_address(users, unmatched.chain(held.iter().filter_map(|(_, account)| *account)));
        let users_of = |address: &Address| by_address.get(address).map(Vec::as_slice).unwrap_or_default();
        for index in rest {
            let Some(wanted) = people.wanted().get(index) else { continue };
            let Some(email) = folded_address(&wanted.account) else { continue };
            let is_adobe_id = wanted.account.is_adobe_id();
            match users_of(&(email.clone(), is_adobe_id)) {
                &[user] => matching.set(index, user),
                [_, ..] => {
                    matching.conflicts.insert(index, format!("several users have the address {email}"));
                }
                [] => {}
            }
            if matching.user_of(index).is_none() && !is_adobe_id && !users_of(&(email, true)).is_empty() {
                let wanted_kind = wanted.account.kind().map_or("account", AccountKind::as_str);
                let reason = format!("an Adobe ID has this address, so no {wanted_kind} can be made with it");
                matching.conflicts.insert(index, reason);
            }
        }
        for (key, account) in held {
            let by_name = account.and_then(|account| by_account.get(account.key()).copied());
            let email = account.and_then(folded_address);
            let by_address = email.map(|email| users_of(&(email, false))).unwrap_or_default().iter().copied();
            matching.held.extend(linked(key).into_iter().chain(by_name).chain(by_address));
        }
        matching
    }

    /// Sets a match. The first one of a user counts, and the first one of a person.
    fn set(&mut self, person: usize, user: usize) {
        if self.user_of(person).is_some() {
            return;
        }
        if self.person_of(user).is_some() {
            self.conflicts
                .insert(person, "the user of this name belongs to another person of the directory".to_owned());
            return;
        }
        self.conflicts.remove(&person);
        let number = |index| u32::try_from(index).unwrap_or(NONE);
        if let (Some(of_person), Some(of_user)) = (self.users.get_mut(person), self.persons.get_mut(user)) {
            (*of_person, *of_user) = (number(user), number(person));
        }
    }

    /// The user of a person.
    pub fn user_of(&self, person: usize) -> Option<usize> {
        found(&self.users, person)
    }

    /// The person of a user.
    pub fn person_of(&self, user: usize) -> Option<usize> {
        found(&self.persons, user)
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

fn found(list: &[u32], index: usize) -> Option<usize> {
    list.get(index).filter(|number| **number != NONE).map(|number| *number as usize)
}

/// The folded address of an account. Most accounts are named by it, and then have it already.
fn folded_address(account: &Account) -> Option<FoldedName> {
    let email = account.email_address()?;
    Some(if email == account.name() { account.key().name().clone() } else { FoldedName::user(email) })
}

/// The users with the addresses of these accounts. Those are few: all others have a match already.
fn by_address<'a>(users: &[AdobeUser], accounts: impl Iterator<Item = &'a Account>) -> HashMap<Address, Vec<usize>> {
    let addresses = accounts.filter_map(folded_address).flat_map(|email| [(email.clone(), false), (email, true)]);
    let mut by_address: HashMap<Address, Vec<usize>> = addresses.map(|address| (address, Vec::new())).collect();
    if by_address.is_empty() {
        return by_address;
    }
    for (index, user) in users.iter().enumerate() {
        if let Some(email) = folded_address(&user.account)
            && let Some(found) = by_address.get_mut(&(email, user.account.is_adobe_id()))
        {
            found.push(index);
        }
    }
    by_address
}
