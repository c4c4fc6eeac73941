//! `umapi sync plan|apply --push`: what changed since earlier runs, without a look at Adobe's side.

use std::collections::BTreeMap;

use umapi_sync::{Given, Push, Pushed, State};

use super::{counted_people, tell_failed};
use crate::{
    connection::Connection,
    context::Context,
    failure::Result,
    sync::{FailedOrgs, GivenFile, Setup, StateFile, connect_all, read_directories, today},
};

/// A push, and the connections to send it.
pub(super) struct Prepared {
    pub(super) pushed: Pushed,
    pub(super) connections: Vec<Connection>,
    pub(super) failed: FailedOrgs,
}

/// Reads the directories, and compares them with what earlier runs gave. No list of Adobe's side is read.
pub(super) async fn prepare(
    context: &Context,
    setup: &Setup,
    file: &StateFile,
    state: &State,
    given_file: &GivenFile,
) -> Result<Prepared> {
    let (people, readings) = read_directories(context, setup).await?;
    let (connected, failed) = connect_all(context, &setup.config).await?;
    let mut given: BTreeMap<String, Given> = BTreeMap::new();
    let mut connections = Vec::new();
    for (org, connection) in connected {
        connection.progress.finish();
        given.insert(org, given_file.read(&connection.access.organization)?);
        connections.push(connection);
    }
    // Runs found users before they remembered what they gave.
    file.links(|org, person, link| {
        if let Some(given) = given.get_mut(org)
            && link.user_id.is_some()
            && !given.users.contains_key(person)
        {
            given.found.insert(person.clone(), link.account.clone());
        }
    })?;
    let knows_nothing: Vec<String> =
        given.iter().filter(|(_, given)| given.users.is_empty()).map(|(org, _)| org.clone()).collect();
    let mut push = Push { config: &setup.config, people, readings, given, state, today: today(&context.clock) };
    let pushed = push.plan();
    tell_failed(context, &failed);
    context.note(
        "--push does not look at Adobe's side: what others changed there, administrators that no run saw, and licenses are not known",
    );
    for org in knows_nothing {
        context.note(&format!("no run gave anything in {org} yet: everything is sent, and nothing is taken"));
    }
    for (org, count) in &pushed.due {
        context.note(&format!(
            "{} who left stay in {org}: --push removes nobody from an organization, and \"umapi sync apply\" does",
            counted_people(*count)
        ));
    }
    Ok(Prepared { pushed, connections, failed })
}
