//! Who is whom, as earlier runs found it.

use std::collections::{BTreeMap, HashSet};

use crate::{
    details::Identity,
    organization::{Organization, UserIndex},
    people::{People, PersonKey, Standing},
    state::Link,
};

/// What earlier runs found about the people and the users that were read now: numbers only, so that the links themselves
/// need not be in memory.
#[derive(Debug, Default)]
pub struct Links {
    orgs: BTreeMap<String, OrgLinks>,
    known: HashSet<PersonKey>,
    vanished: Vec<(String, PersonKey)>,
}

/// What earlier runs found about the users of an organization.
#[derive(Debug, Default)]
pub(crate) struct OrgLinks {
    /// Who a user is: the number of the wanted user, and that of Adobe's. In the order in which they were read.
    pub(crate) matches: Vec<(u32, u32)>,
    /// Users of people who are left out now.
    pub(crate) held: Vec<u32>,
    /// Users of people who are gone now.
    pub(crate) gone: Vec<u32>,
}

/// Takes the links of earlier runs, one by one, after both sides were read.
#[derive(Debug)]
pub struct LinkReader<'r> {
    people: &'r People<'r>,
    orgs: BTreeMap<&'r str, (UserIndex<'r>, OrgLinks)>,
    known: HashSet<PersonKey>,
    vanished: Vec<(String, PersonKey)>,
}

impl<'r> LinkReader<'r> {
    /// Starts without links.
    pub fn new(people: &'r People<'r>, organizations: &'r [Organization]) -> Self {
        let org = |org: &'r Organization| (org.name.as_str(), (UserIndex::with_ids(org), OrgLinks::default()));
        Self { people, orgs: organizations.iter().map(org).collect(), known: HashSet::new(), vanished: Vec::new() }
    }

    /// Takes the link of a person in an organization.
    pub fn take(&mut self, org: &str, person: &PersonKey, link: &Link) {
        let standing = self.people.standing(person);
        if let Some(Standing::Held(None)) = standing {
            self.known.insert(person.clone());
        }
        let Some((users, links)) = self.orgs.get_mut(org) else { return };
        let by_id = link.user_id.as_deref().and_then(|id| users.of_id(id));
        let Some(user) = by_id.or_else(|| users.of(&Identity::from(&link.account))) else {
            if let None | Some(Standing::Left) = standing {
                self.vanished.push((org.to_owned(), person.clone()));
            }
            return;
        };
        let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        match standing {
            // Of several people with one account, the first one speaks for it.
            Some(Standing::Wanted(wanted)) if self.people.key_of(*wanted) == Some(person) => {
                links.matches.push((number(*wanted), number(user)));
            }
            Some(Standing::Wanted(_)) => {}
            Some(Standing::Held(_)) => links.held.push(number(user)),
            Some(Standing::Left) | None => links.gone.push(number(user)),
        }
    }

    /// Ends the reading.
    pub fn finish(self) -> Links {
        let org = |(name, (_, mut links)): (&str, (UserIndex<'_>, OrgLinks))| {
            // Where two people claim a user, the order of the people decides, not that of the links.
            links.matches.sort_unstable();
            (name.to_owned(), links)
        };
        let orgs = self.orgs.into_iter().map(org).collect();
        Links { orgs, known: self.known, vanished: self.vanished }
    }
}

impl Links {
    pub(crate) fn of(&self, org: &str) -> Option<&OrgLinks> {
        self.orgs.get(org)
    }

    /// People whom neither side shows any more, each with the organization.
    pub(crate) fn vanished(&self) -> &[(String, PersonKey)] {
        &self.vanished
    }

    /// Whether an earlier run found the user of a person who cannot be made one now.
    pub(crate) fn knows(&self, person: &PersonKey) -> bool {
        self.known.contains(person)
    }
}
