//! Streams users from a large organization and commands back to it, with at most two pages in memory.
#![allow(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::{error::Error, time::Duration};

use futures_util::StreamExt as _;
use umapi::{Command, Observer, Progress, model::GroupType, time::ManualClock};
use umapi_emulator::{Emulator, seed::Seed};

/// A progress bar in words.
struct Bar;

impl Observer for Bar {
    fn progress(&self, progress: &Progress) {
        if progress.requests.is_multiple_of(200) {
            println!("  {} commands done with {} requests", progress.done, progress.requests);
        }
    }
}

/// An organization with so many users, and the documented limits.
const SEED: &str =
    "organizations: [{ id: 12345@AdobeOrg, generate: { users: 20000, groups: 20, profiles: 10, seed: 42 } }]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let seed = Seed::from_yaml(SEED)?;
    let clock = ManualClock::new().auto_advance(Duration::from_millis(10));
    let emulator = Emulator::builder().seed(seed).clock(clock).start().await?;
    let client = emulator.client_builder()?.observer(Bar).build()?;

    let mut users = client.users().list();
    let mut without_groups = 0;
    while let Some(user) = users.try_next().await? {
        without_groups += usize::from(user.groups.is_none_or(|groups| groups.is_empty()));
    }
    println!("{:?} users, of whom {without_groups} are in no group at all", users.total());

    // One stream feeds the other: users come out of the list, and go back as commands. Neither runs ahead.
    let group = client.groups().of_type(GroupType::UserGroup).list().try_next().await?.ok_or("there is no group")?;
    let domain = client.users().domain("12345.example.com").list();
    let commands = domain.filter_map(|user| {
        let email = user.ok().and_then(|user| user.email);
        let command = email.map(|email| Command::user(email).add_to([group.group_name.as_str()]));
        std::future::ready(command)
    });
    let mut outcomes = client.execute_stream(commands);
    let (mut done, mut other) = (0, 0);
    while let Some(outcome) = outcomes.next().await {
        if outcome.is_completed() { done += 1 } else { other += 1 }
    }
    println!("{done} users are in {} now, {other} are not", group.group_name);
    let passed = emulator.clock().clock().now().since_origin();
    println!("{} requests; the real service would have needed {passed:.0?}", outcomes.requests());
    Ok(())
}
