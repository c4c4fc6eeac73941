//! Which user of Adobe is which person.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use umapi_plan::AccountKind;

use crate::{
    details::UserDetails,
    links::OrgLinks,
    organization::{AdobeUser, Organization, UserIndex},
    people::{People, Standing},
};

/// No match, in the lists of a [`Matching`].
const NONE: u32 = u32::MAX;
/// A user who is created.
const NEW: u32 = u32::MAX - 1;

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
type Address<'a> = (Cow<'a, str>, bool);

impl Matching {
    /// Matches by what earlier runs found, then by username, then by email address.
    pub(crate) fn of(people: &People<'_>, organization: &Organization, links: Option<&OrgLinks>) -> Self {
        let wanted_users = people.wanted();
        let users = organization.users_found();
        let by_account = UserIndex::new(organization);

        let mut matching =
            Self { users: vec![NONE; wanted_users.len()], persons: vec![NONE; users.len()], ..Self::default() };
        for (person, user) in links.iter().flat_map(|links| &links.matches) {
            matching.set(*person as usize, *user as usize);
        }
        for (index, wanted) in wanted_users.iter().enumerate() {
            if matching.user_of(index).is_none()
                && let Some(user) = by_account.of(&wanted.details.identity())
            {
                matching.set(index, user);
            }
        }
        let held: Vec<&UserDetails> = people
            .standings()
            .filter_map(|(_, standing)| match standing {
                Standing::Held(user) => user.as_deref(),
                Standing::Wanted(_) | Standing::Left => None,
            })
            .collect();
        let rest: Vec<usize> = (0..wanted_users.len()).filter(|index| matching.user_of(*index).is_none()).collect();
        let unmatched = rest.iter().filter_map(|index| wanted_users.get(*index)).map(|wanted| &wanted.details);
        let by_address = by_address(users, unmatched.chain(held.iter().copied()));
        for index in rest {
            let Some(wanted) = wanted_users.get(index).map(|wanted| &wanted.details) else { continue };
            let Some(email) = wanted.folded_address() else { continue };
            let is_adobe_id = wanted.is_adobe_id();
            match users_of(&by_address, &(email.clone(), is_adobe_id)) {
                &[user] => matching.set(index, user),
                [_, ..] => {
                    matching.conflicts.insert(index, format!("several users have the address {email}"));
                }
                [] => {}
            }
            if matching.user_of(index).is_none() && !is_adobe_id && !users_of(&by_address, &(email, true)).is_empty() {
                let wanted_kind = wanted.kind().map_or("account", AccountKind::as_str);
                let reason = format!("an Adobe ID has this address, so no {wanted_kind} can be made with it");
                matching.conflicts.insert(index, reason);
            }
        }
        let linked = links.iter().flat_map(|links| &links.held).map(|user| *user as usize);
        matching.held.extend(linked);
        for user in held {
            let by_name = by_account.of(&user.identity());
            let address = user.folded_address().map(|email| (email, false));
            let by_email = address.map(|address| users_of(&by_address, &address)).unwrap_or_default();
            matching.held.extend(by_name.into_iter().chain(by_email.iter().copied()));
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

    /// Notes that a user is created for a person who has none.
    pub(crate) fn create(&mut self, person: usize) {
        if let Some(none) = self.users.get_mut(person).filter(|user| **user == NONE) {
            *none = NEW;
        }
    }

    /// Whether a user is created for a person.
    pub fn is_created(&self, person: usize) -> bool {
        self.users.get(person) == Some(&NEW)
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
    list.get(index).filter(|number| !matches!(**number, NONE | NEW)).map(|number| *number as usize)
}

fn users_of<'m, 'a>(by_address: &'m HashMap<Address<'a>, Vec<usize>>, address: &Address<'a>) -> &'m [usize] {
    by_address.get(address).map(Vec::as_slice).unwrap_or_default()
}

/// The users with the addresses of these people. Those are few: all others have a match already.
fn by_address<'a>(
    users: &'a [AdobeUser],
    people: impl Iterator<Item = &'a UserDetails>,
) -> HashMap<Address<'a>, Vec<usize>> {
    let addresses = people.filter_map(UserDetails::folded_address);
    let both_kinds = addresses.flat_map(|email| [(email.clone(), false), (email, true)]);
    let mut by_address: HashMap<Address<'_>, Vec<usize>> = both_kinds.map(|address| (address, Vec::new())).collect();
    if by_address.is_empty() {
        return by_address;
    }
    for (index, user) in users.iter().enumerate() {
        if let Some(email) = user.details.folded_address()
            && let Some(found) = by_address.get_mut(&(email, user.details.is_adobe_id()))
        {
            found.push(index);
        }
    }
    by_address
}
