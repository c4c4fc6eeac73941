//! A directory and an organization of any size, made up person by person, and the plan between them.

use anyhow::{Result, anyhow, ensure};
use umapi_directory::{Attributes, Complete, GroupReading, Person, PersonId, Reading};
use umapi_model::{Group, GroupType, User, UserType};
use umapi_sync::{
    AccountRecord, Config, DirectoryName, Inputs, Link, LinkReader, Links, Organization, OrganizationReader, People,
    PersonKey, State,
};

/// The rules of the plan: 20 groups become profiles, and who left loses them.
const CONFIG: &str = r#"
[[org]]
profile = "main"
[[directory]]
kind = "ldap"
url = "ldaps://ldap.bench.example"
base = "dc=bench,dc=example"
[people]
email = "{mail}"
country = "{c|upper|or:US}"
update = ["firstname", "lastname"]
skip = 'attr.employeeType == "contractor"'
[guard]
leavers = "off"
removals_per_group = "off"
creations = "off"
directory_shrinks = "off"
"#;

/// The number of groups. Everybody is in two of them.
const GROUPS: usize = 20;

/// One in so many people moved from one group to another since the last run.
const MOVED: usize = 100;

/// The first groups of a person in the directory.
fn groups_of(person: usize) -> [usize; 2] {
    [person % GROUPS, (person + 7) % GROUPS]
}

/// Plans for this many people and as many users: one in a hundred moved to another group. `later` is a run that knows from
/// an earlier one which user is which person. Returns the number of changes.
pub(crate) fn plan(people: usize, later: bool) -> Result<usize> {
    let mut text = CONFIG.to_owned();
    for group in 0..GROUPS {
        text += &format!("[[map]]\nfrom = \"Group {group}\"\nto = [\"Profile {group}\"]\n");
    }
    let config = Config::parse(&text).map_err(|mistakes| anyhow!("{mistakes:?}"))?;

    let directory = DirectoryName::from("ldap");
    let mut everybody = People::new(&config);
    let mut members: Vec<Vec<PersonId>> = (0..GROUPS).map(|_| Vec::with_capacity(people * 2 / GROUPS + 1)).collect();
    for number in 0..people {
        let id = id_of(number);
        groups_of(number).into_iter().for_each(|group| members[group].push(id.clone()));
        let attributes = [
            ("mail", format!("p{number}@bench.example")),
            ("givenName", format!("First{number}")),
            ("sn", format!("Last{number}")),
            ("c", "de".to_owned()),
            ("employeeType", "employee".to_owned()),
        ];
        let person = Person {
            id,
            place: format!("CN=First{number} Last{number},OU=People,DC=bench,DC=example"),
            is_enabled: true,
            attributes: attributes.into_iter().collect::<Attributes>(),
        };
        everybody.take(&directory, person);
    }
    let readings = members.into_iter().enumerate().map(|(group, members)| {
        (format!("Group {group}"), GroupReading { members: Complete::proven(members).into(), place: String::new() })
    });
    let reading = Reading {
        people: Complete::proven(people).into(),
        groups: readings.collect(),
        group_list: Complete::proven(()).into(),
        notices: Vec::new(),
    };

    let profiles = (0..GROUPS).map(|group| Group::new(profile(group)).with_type(GroupType::ProductProfile));
    let mut reader = OrganizationReader::new(profiles);
    for number in 0..people {
        let moved = usize::from(number % MOVED == 0);
        let groups = groups_of(number).map(|group| profile((group + moved) % GROUPS)).to_vec();
        let email = format!("p{number}@bench.example");
        reader.take(
            User::default()
                .with_id(format!("{number:024X}@AdobeID"))
                .with_username(&email)
                .with_email(email)
                .with_type(UserType::FederatedId)
                .with_firstname(format!("First{number}"))
                .with_lastname(format!("Last{number}"))
                .with_country("DE")
                .with_groups(groups),
        );
    }
    let adobe = reader.finish("main", &Complete::proven(()).into(), Complete::proven(()).into());

    let organizations = vec![adobe];
    let links = if later { links(&everybody, &organizations, people) } else { Links::default() };
    let readings = vec![(&config.directories[0], reading)];
    let state = State::default();
    let mut inputs =
        Inputs { config: &config, people: everybody, readings, organizations, links, state: &state, today: 20_000 };
    let planned = inputs.plan();
    // What a run would write to its state.
    ensure!(inputs.links_of(&planned).count() == people, "every person is linked to a user");
    Ok(planned.plan.len())
}

/// What an earlier run found: who each person is. The command reads it from its state, one by one.
fn links(everybody: &People<'_>, organizations: &[Organization], people: usize) -> Links {
    let directory = DirectoryName::from("ldap");
    let mut links = LinkReader::new(everybody, organizations);
    for number in 0..people {
        let key = PersonKey { directory: directory.clone(), id: id_of(number) };
        let account = AccountRecord { name: format!("p{number}@bench.example"), domain: None, kind: None, email: None };
        links.take("main", &key, &Link { user_id: Some(format!("{number:024X}@AdobeID")), account });
    }
    links.finish()
}

fn id_of(number: usize) -> PersonId {
    PersonId::new(format!("{number:08x}-8d8f-4d3f-9a5e-0123456789ab"))
}

fn profile(group: usize) -> String {
    format!("Profile {group}")
}
