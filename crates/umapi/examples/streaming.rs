//! Streams users from a large organization and commands back to it, with at most two pages in memory.
#![allow(clippy::print_stdout, reason = "an example speaks to its reader")]

#[path = "support/emulated.rs"]
mod support;

use std::error::Error;

use futures_util::StreamExt as _;
use support::Emulated;
use umapi::{Command, Observer, Progress, model::GroupType};

/// A progress bar in words.
struct Bar;

impl Observer for Bar {
    fn progress(&self, progress: &Progress) {
        if progress.requests.is_multiple_of(200) {
            println!("  {} commands done with {} requests", progress.done, progress.requests);
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let organization = Emulated::with_users(20_000).await?;
    let client = organization.client()?.observer(Bar).build()?;

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
    println!("{} requests; the real service would have needed {:.0?}", outcomes.requests(), organization.passed());
    Ok(())
}
