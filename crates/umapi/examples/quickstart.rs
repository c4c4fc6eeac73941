//! A tour: log in, create users, report the outcomes, list users.
//!
//! `cargo run --example quickstart` needs no configuration: it starts an emulated organization of 5,000 users, on a clock that
//! skips all waits. With `UMAPI_ORG_ID`, `UMAPI_CLIENT_ID` and `UMAPI_CLIENT_SECRET` set it reads a real one, and
//! changes nothing.
#![allow(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::{
    error::Error,
    sync::Mutex,
    time::{Duration, SystemTime},
};

use umapi::{Client, Command, NewUser, Observer, Report, Wait, model::GroupType, time::ManualClock};
use umapi_emulator::{Emulator, seed::Seed};

/// An organization with so many users, and the documented limits.
const SEED: &str =
    "organizations: [{ id: 12345@AdobeOrg, generate: { users: 5000, groups: 20, profiles: 10, seed: 42 } }]";

/// Prints the reason of a wait, once for all requests that wait until the same moment.
#[derive(Default)]
struct Narrator(Mutex<Option<SystemTime>>);

impl Observer for Narrator {
    fn wait_begins(&self, wait: &Wait<'_>) {
        let Ok(mut told) = self.0.lock() else { return };
        if told.replace(wait.until) != Some(wait.until) {
            println!("  (waiting {} seconds: {})", wait.duration.as_secs(), wait.reason);
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    if std::env::var_os("UMAPI_ORG_ID").is_some() {
        return read(&Client::from_env()?, None).await;
    }
    println!("No UMAPI_ORG_ID is set: starting an emulated organization of 5,000 users.");
    let seed = Seed::from_yaml(SEED)?;
    let clock = ManualClock::new().auto_advance(Duration::from_millis(10));
    let emulator = Emulator::builder().seed(seed).clock(clock).start().await?;
    let client = emulator.client_builder()?.observer(Narrator::default()).build()?;
    let report = hire(&client, 300).await?;
    print_report(&report);
    println!(
        "That took {} requests, and the real service would have needed {:.0?}.\n",
        report.requests(),
        emulator.clock().clock().now().since_origin()
    );
    read(&client, Some("12345.example.com")).await
}

/// Creates users, and adds each to three groups.
async fn hire(client: &Client, count: usize) -> Result<Report, Box<dyn Error>> {
    let groups = client.groups().of_type(GroupType::UserGroup).list().try_collect().await?;
    println!("Creating {count} users, each with 3 of the {} user groups:", groups.len());
    let commands = (0..count).map(|number| {
        let memberships = (0..3).map(|step| groups[(number + step) % groups.len()].group_name.as_str());
        let email = format!("new.user{number}@12345.example.com");
        let new = NewUser::federated(email, "New", format!("User {number}"), "US").ignore_if_exists();
        Command::create_user(new).add_to(memberships)
    });
    Ok(client.execute(commands).await?)
}

fn print_report(report: &Report) {
    let counts = report.counts();
    println!("\n  outcome     commands");
    println!("  completed   {:>8}", counts.completed);
    println!("  rejected    {:>8}", counts.rejected);
    println!("  not sent    {:>8}", counts.not_sent);
    println!("  unknown     {:>8}\n", counts.unknown);
    for rejected in report.rejected().take(3) {
        println!("  {rejected}");
    }
}

/// Lists users. Changes nothing.
async fn read(client: &Client, domain: Option<&str>) -> Result<(), Box<dyn Error>> {
    let mut users = match domain {
        Some(domain) => client.users().domain(domain).list(),
        None => client.users().list(),
    };
    println!("Users of {}:", domain.unwrap_or_else(|| client.organization()));
    let mut count = 0;
    while let Some(user) = users.try_next().await? {
        if count < 5 {
            let groups = user.groups.unwrap_or_default().join(", ");
            println!("  {:<40} {groups}", user.email.unwrap_or_default());
        }
        count += 1;
    }
    println!("  … {count} in all");
    Ok(())
}
