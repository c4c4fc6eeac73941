//! Reads directories in the cloud: fakes of Entra ID, Okta and Google Workspace, with everything that goes wrong.

#![cfg(all(feature = "entra", feature = "google", feature = "mirror", feature = "okta"))]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod entra;
mod entra_deltas;
mod fake;
mod google;
mod okta;

use std::{collections::BTreeMap, sync::OnceLock, time::Duration};

use umapi_directory::{Directory, DirectoryError, Gap, GapCause, GroupSelector, Person, PersonId, Query, Reading};
use umapi_http::{HttpClient, HttpOptions};
use umapi_time::ManualClock;

/// What was read.
struct Read {
    people: BTreeMap<PersonId, Person>,
    reading: Reading,
}

fn query(groups: &[&str], attributes: &[&str]) -> Query {
    let groups = groups.iter().map(|&group| match group {
        "*" => GroupSelector::All,
        name => GroupSelector::Named(name.to_owned()),
    });
    let attributes = attributes.iter().map(|&name| name.to_owned()).collect();
    Query { groups: groups.collect(), attributes, everyone: true }
}

async fn try_read(directory: &dyn Directory, query: &Query) -> Result<Read, DirectoryError> {
    let mut people = BTreeMap::new();
    let mut take = |person: Person| assert!(people.insert(person.id.clone(), person).is_none(), "nobody comes twice");
    let reading = directory.read(query, &mut take).await?;
    assert_eq!(reading.people.found().copied().unwrap_or_default(), people.len());
    Ok(Read { people, reading })
}

/// A clock that skips waits.
fn jumping() -> ManualClock {
    ManualClock::new().auto_advance(Duration::ZERO)
}

/// One client for all tests: reading the certificates of the machine takes longer than anything else.
fn http() -> HttpClient {
    static CLIENT: OnceLock<HttpClient> = OnceLock::new();
    CLIENT.get_or_init(|| HttpOptions::new().without_proxy().build().unwrap()).clone()
}

impl Read {
    /// The members of a group whose list is whole.
    fn members(&self, group: &str) -> Vec<&str> {
        let members = self.reading.groups[group].members.complete().unwrap_or_else(|gaps| panic!("{group}: {gaps:?}"));
        let mut names: Vec<&str> = members.get().iter().map(|id| self.people[id].place.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// Why the list of a group is not whole.
    fn gaps(&self, group: &str) -> &[Gap] {
        self.reading.groups[group].members.gaps()
    }

    fn causes(&self, group: &str) -> Vec<GapCause> {
        self.gaps(group).iter().map(|gap| gap.cause).collect()
    }

    /// Whether a list proves that somebody is not in it.
    fn proves_anything(&self) -> bool {
        self.reading.people.complete().is_ok()
            || self.reading.groups.values().any(|group| group.members.complete().is_ok())
    }
}
