//! Reads servers that speak LDAP: real ones, which are skipped with a line where they are not installed, and scripted ones.

#![cfg(all(unix, feature = "ldap", feature = "mirror"))]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests fail like tests"
)]

mod active_directory;
mod certificates;
mod delta;
mod openldap;
mod proxy;
mod samba;
mod scripted;
mod scripted_delta;
mod server;

use std::collections::BTreeMap;

use umapi_directory::{
    Directory as _, DirectoryError, Extent, GapCause, GroupSelector, LdapDirectory, LdapSettings, Person, PersonId,
    Query, Reading,
};

struct Read {
    people: BTreeMap<PersonId, Person>,
    reading: Reading,
}

async fn try_read(settings: LdapSettings, groups: &[&str]) -> Result<Read, DirectoryError> {
    try_read_with("secret", settings, groups).await
}

async fn try_read_with(password: &str, settings: LdapSettings, groups: &[&str]) -> Result<Read, DirectoryError> {
    let directory = LdapDirectory::new(settings, Some(password.into()), std::env::temp_dir());
    let groups = groups.iter().map(|&group| match group {
        "*" => GroupSelector::All,
        name => GroupSelector::Named(name.to_owned()),
    });
    let attributes = ["mail", "givenName", "sn", "c"].map(str::to_owned).to_vec();
    let query = Query { groups: groups.collect(), attributes, everyone: true };
    let mut people = BTreeMap::new();
    let mut take = |person: Person| assert!(people.insert(person.id.clone(), person).is_none(), "nobody comes twice");
    let reading = directory.read(&query, &mut take).await?;
    Ok(Read { people, reading })
}

async fn read(settings: LdapSettings, groups: &[&str]) -> Read {
    try_read(settings, groups).await.expect("the directory can be used")
}

impl Read {
    /// The members of a group by the first parts of their places: `cn=ann`.
    fn members(&self, group: &str) -> Vec<String> {
        let found = self.reading.groups[group].members.found().cloned().unwrap_or_default();
        let name = |id: &PersonId| self.people[id].place.split(',').next().unwrap_or_default().to_lowercase();
        let mut names: Vec<String> = found.iter().map(name).collect();
        names.sort();
        names
    }

    fn cause(&self, group: &str) -> GapCause {
        self.reading.groups[group].members.gaps()[0].cause
    }
}

#[test]
fn lists_that_are_whole_say_so() {
    // The type that all of this rests on.
    let list: Extent<()> = umapi_directory::Complete::proven(()).into();
    assert!(list.complete().is_ok());
}
