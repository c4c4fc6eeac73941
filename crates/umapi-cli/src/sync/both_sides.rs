//! Reads both sides of a sync: the directories, and the organizations.

use std::collections::BTreeMap;

use umapi::{Client, Command, NewGroup, RunOptions, model::User};
use umapi_directory::{
    Attributes, DirectoryError, DirectorySettings, Extent, Gap, GapCause, Person, PersonId, Query, Reading,
};
use umapi_sync::{
    Config, Organization, OrganizationReader, People,
    config::{DirectoryConfig, GroupPattern, OrgConfig},
};

use super::Setup;
use crate::{
    cache::{CachedItem, ListReader},
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    output::counted,
};

/// Both sides, as they were read.
pub(crate) struct BothSides<'c> {
    pub(crate) people: People<'c>,
    pub(crate) readings: Vec<(&'c DirectoryConfig, Reading)>,
    pub(crate) organizations: Vec<Organization>,
    /// The connections to the organizations, in their order.
    pub(crate) connections: Vec<Connection>,
    /// The organizations that could not be read. Nothing is changed in them.
    pub(crate) failed: FailedOrgs,
}

/// Organizations that could not be read, by their names, and why.
pub(crate) type FailedOrgs = Vec<(String, Failure)>;

/// Reads the directories and the organizations, at the same time.
pub(crate) async fn read_both<'c>(context: &Context, setup: &'c Setup) -> Result<BothSides<'c>> {
    let (directories, organizations) =
        tokio::join!(read_directories(context, setup), read_organizations(context, &setup.config));
    let (people, readings) = directories?;
    let Organizations { organizations, connections, failed } = organizations?;
    Ok(BothSides { people, readings, organizations, connections, failed })
}

/// Reads the directories one after the other.
pub(crate) async fn read_directories<'c>(
    context: &Context,
    setup: &'c Setup,
) -> Result<(People<'c>, Vec<(&'c DirectoryConfig, Reading)>)> {
    let config = &setup.config;
    let mut people = People::new(config);
    let mut readings = Vec::new();
    for directory in &config.directories {
        let query = config.query(directory);
        let name = directory.name.as_str().into();
        let mut take = |person| people.take(&name, person);
        let reading = match (&directory.settings, setup.directory(context, directory)?) {
            (_, Some(source)) => source.read(&query, &mut take).await,
            (DirectorySettings::Adobe(settings), None) => {
                let connection = Connection::of_profile(context, &settings.profile, "people").await?;
                let users = connection.users(context, None, true, "cannot list the users").await?;
                Ok(read_adobe(users, &query, &mut take).await)
            }
            (_, None) => Err(DirectoryError::setting(&directory.name, "this umapi cannot read it", "update umapi")),
        };
        let reading = match reading {
            Ok(reading) => reading,
            Err(error) if error.is_temporary => {
                let detail = error.to_string();
                Reading::missing(&query, &Gap::new("all people", GapCause::Unreachable).detail(detail))
            }
            Err(error) => {
                let failure = Failure::usage(format!("cannot read the directory {}", directory.name)).why(&error);
                return Err(error.remedy.into_iter().fold(failure, Failure::remedy));
            }
        };
        for notice in &reading.notices {
            context.note(&format!("{}: {notice}", directory.name));
        }
        readings.push((directory, reading));
    }
    Ok((people, readings))
}

/// Reads another organization as a directory: its users are people.
async fn read_adobe(mut users: ListReader<User>, query: &Query, take: &mut (dyn FnMut(Person) + Send)) -> Reading {
    let mut count = 0;
    let mut members: BTreeMap<String, Vec<PersonId>> = BTreeMap::new();
    let mut gaps = Vec::new();
    let mut unidentified = 0;
    loop {
        match users.try_next().await {
            Ok(None) => break,
            Err(error) => {
                gaps.push(Gap::new("all people", GapCause::Interrupted).detail(error.to_string()));
                break;
            }
            Ok(Some(user)) => {
                // Nobody can tell who it is, so the list does not show who is missing in it.
                let Some(id) = user.id.clone().or_else(|| user.email.clone()) else {
                    unidentified += 1;
                    continue;
                };
                let id = PersonId::new(id);
                for group in user.groups.iter().flatten() {
                    members.entry(group.clone()).or_default().push(id.clone());
                }
                count += 1;
                take(adobe_person(id, &user));
            }
        }
    }
    let unreadable = users.unreadable() + unidentified;
    if unreadable > 0 {
        gaps.push(Gap::new("all people", GapCause::Unreadable).detail(counted(unreadable, "user")));
    }
    if users.has_moved() {
        gaps.push(Gap::new("all people", GapCause::Moved));
    }
    Reading::of_memberships(query, count, members, gaps)
}

fn adobe_person(id: PersonId, user: &User) -> Person {
    let fields = [
        ("email", &user.email),
        ("username", &user.username),
        ("domain", &user.domain),
        ("firstname", &user.firstname),
        ("lastname", &user.lastname),
        ("country", &user.country),
    ];
    let mut attributes: Attributes =
        fields.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect();
    if let Some(kind) = &user.type_ {
        attributes.push("type", kind.as_str());
    }
    let place = user.email.clone().unwrap_or_else(|| id.to_string());
    Person { id, place, is_enabled: true, attributes }
}

/// Organizations that were read, and those that could not be.
struct Organizations {
    organizations: Vec<Organization>,
    connections: Vec<Connection>,
    failed: FailedOrgs,
}

/// Reads the organizations, each with its own connection. One that cannot be read keeps none of the others from being read.
async fn read_organizations(context: &Context, config: &Config) -> Result<Organizations> {
    let mut read = Organizations { organizations: Vec::new(), connections: Vec::new(), failed: Vec::new() };
    for org in &config.orgs {
        let connected = async {
            let connection = connect(context, config, org).await?;
            let organization = read_organization(context, &connection, &org.name).await?;
            connection.progress.finish();
            Ok((organization, connection))
        };
        match connected.await {
            Ok((organization, connection)) => {
                let known = read.organizations.iter().map(|known| known.name.as_str()).zip(&read.connections);
                refuse_twice(context, known, org, &connection)?;
                read.organizations.push(organization);
                read.connections.push(connection);
            }
            Err(failure) => fail(&mut read.failed, config, org, failure)?,
        }
    }
    Ok(read)
}

/// Connects to the organizations and reads nothing of them. The connections stand beside the names.
pub(crate) async fn connect_all(context: &Context, config: &Config) -> Result<(Vec<(String, Connection)>, FailedOrgs)> {
    let mut connections: Vec<(String, Connection)> = Vec::new();
    let mut failed = Vec::new();
    for org in &config.orgs {
        match connect(context, config, org).await {
            Ok(connection) => {
                let known = connections.iter().map(|(name, connection)| (name.as_str(), connection));
                refuse_twice(context, known, org, &connection)?;
                connections.push((org.name.clone(), connection));
            }
            Err(failure) => fail(&mut failed, config, org, failure)?,
        }
    }
    Ok((connections, failed))
}

async fn connect(context: &Context, config: &Config, org: &OrgConfig) -> Result<Connection> {
    let connection = Connection::of_profile(context, &org.profile, "users").await?;
    if context.global.emulator {
        rehearse(&connection.client, config, org).await?;
    }
    Ok(connection)
}

/// Refuses one organization under two names: the rules of each would take what those of the other give.
fn refuse_twice<'a>(
    context: &Context,
    mut known: impl Iterator<Item = (&'a str, &'a Connection)>,
    org: &OrgConfig,
    connection: &Connection,
) -> Result<()> {
    // In a rehearsal, each has an emulator of its own.
    let is_same = |other: &Connection| {
        !context.global.emulator
            && other.access.organization.eq_ignore_ascii_case(&connection.access.organization)
            && other.access.server == connection.access.server
    };
    match known.find(|(_, other)| is_same(other)) {
        Some((name, _)) => Err(Failure::usage(format!("{name} and {} are one organization", org.name))
            .remedy("name it once in [[org]], or correct the profile of the other")),
        None => Ok(()),
    }
}

/// Notes that an organization failed.
///
/// # Errors
/// The failure, if it ends the run: of the only organization or the last one that is left, or an interruption.
fn fail(failed: &mut FailedOrgs, config: &Config, org: &OrgConfig, failure: Failure) -> Result<()> {
    if failed.len() + 1 == config.orgs.len() || failure.exit() == Exit::Interrupted {
        return Err(failed.drain(..).fold(failure, |failure, (org, other)| failure.why(format!("{org}: {other}"))));
    }
    failed.push((org.name.clone(), failure));
    Ok(())
}

/// Reads the groups and users of an organization, or takes them from the cache: the service counts how often they are read.
async fn read_organization(context: &Context, connection: &Connection, name: &str) -> Result<Organization> {
    let failed = |what: &str| format!("cannot list the {what} of {name}");
    let mut list = connection.groups(context, &failed("groups")).await?;
    let groups = list.collect().await?;
    let group_list = extent_of(&list, "the groups of Adobe");
    drop(list);
    let mut reader = OrganizationReader::new(groups);
    let mut users = connection.users(context, None, true, &failed("users")).await?;
    while let Some(user) = users.try_next().await? {
        reader.take(user);
    }
    let everyone = extent_of(&users, "the users of Adobe");
    Ok(reader.finish(name, &everyone, group_list))
}

/// How much of a list was read, at its end.
fn extent_of<T: CachedItem>(list: &ListReader<T>, what: &str) -> Extent<()> {
    let mut gaps = Vec::new();
    if list.unreadable() > 0 {
        gaps.push(Gap::new(what, GapCause::Unreadable).detail(counted(list.unreadable(), "entry")));
    }
    if list.has_moved() {
        gaps.push(Gap::new(what, GapCause::Moved));
    }
    Extent::with_gaps((), gaps)
}

/// Makes the groups of the rules in the temporary organization of `--emulator`, so that a plan can be rehearsed.
async fn rehearse(client: &Client, config: &Config, org: &OrgConfig) -> Result<()> {
    let rules = config.maps.iter().filter(|rule| matches!(rule.from, GroupPattern::Named(_)) && !rule.create);
    let targets = rules.flat_map(|rule| &rule.to);
    let targets = targets.filter(|target| target.org.as_deref().unwrap_or_else(|| config.primary()) == org.name);
    let commands: Vec<Command> =
        targets.map(|target| Command::create_group(NewGroup::new(&target.group).ignore_if_exists()).into()).collect();
    let run = client.execute(commands).with_options(RunOptions::new());
    run.await.map(drop).map_err(|unfinished| Failure::of_service("cannot prepare the rehearsal", unfinished.error()))
}
