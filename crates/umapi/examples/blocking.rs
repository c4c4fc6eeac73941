//! The client without an async runtime: reads users, makes changes, and stops at the first outcome that is not as planned.
//!
//! `cargo run --example blocking --features blocking` needs no configuration: it starts an emulated organization. With
//! `UMAPI_ORG_ID`, `UMAPI_CLIENT_ID` and `UMAPI_CLIENT_SECRET` set it reads a real one, and changes nothing.
#![allow(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::error::Error;

use umapi::{Command, NewUser, blocking::Client, model::GroupType};
use umapi_emulator::{Emulator, seed::Seed};

const SEED: &str =
    "organizations: [{ id: 12345@AdobeOrg, generate: { users: 250, groups: 5, profiles: 3, seed: 42 } }]";

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::var_os("UMAPI_ORG_ID").is_some() {
        return read(&Client::from_env()?);
    }
    println!("No UMAPI_ORG_ID is set: starting an emulated organization.");
    let emulator = Emulator::builder().seed(Seed::from_yaml(SEED)?).start_blocking()?;
    let client = emulator.client_builder()?.build_blocking()?;
    change(&client)?;
    read(&client)
}

/// Creates users, and adds them to a group.
fn change(client: &Client) -> Result<(), Box<dyn Error>> {
    let group =
        client.groups().of_type(GroupType::UserGroup).list().next().ok_or("the organization has no group")??;
    let commands = (0..20).map(|number| {
        let email = format!("new.user{number}@12345.example.com");
        let new = NewUser::federated(email, "New", format!("User {number}"), "US").ignore_if_exists();
        Command::create_user(new).add_to([group.group_name.as_str()])
    });
    // The outcomes come one by one, while the next requests are on their way.
    let mut outcomes = client.execute_stream(commands);
    for outcome in outcomes.by_ref() {
        println!("  {outcome}");
    }
    println!("  {}", outcomes.result()?);
    Ok(())
}

/// Lists users. Changes nothing.
fn read(client: &Client) -> Result<(), Box<dyn Error>> {
    let mut users = client.users().list();
    for user in users.by_ref().take(5) {
        println!("  {}", user?.email.unwrap_or_default());
    }
    println!("  … {} in all", users.total().unwrap_or_default());
    Ok(())
}
