//! Many users in many groups: the client chooses the side of each membership, and predicts the number of requests.
#![allow(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::{error::Error, time::Duration};

use umapi::{Command, Estimate, GroupRef, model::GroupType, time::ManualClock};
use umapi_emulator::{Emulator, seed::Seed};

/// An organization with so many users, and the documented limits.
const SEED: &str =
    "organizations: [{ id: 12345@AdobeOrg, generate: { users: 5000, groups: 20, profiles: 10, seed: 42 } }]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let seed = Seed::from_yaml(SEED)?;
    let clock = ManualClock::new().auto_advance(Duration::from_millis(10));
    let emulator = Emulator::builder().seed(seed).clock(clock).start().await?;
    let client = emulator.client()?;
    let groups = client.groups().of_type(GroupType::UserGroup).list().try_collect().await?;
    let users = client.users().domain("12345.example.com").list().try_collect().await?;
    let emails: Vec<&str> = users.iter().filter_map(|user| user.email.as_deref()).take(1_000).collect();

    // A thousand users into three groups each: set from the users, that would be a hundred requests.
    let by_user =
        emails.iter().map(|email| Command::user(*email).add_to(groups[..3].iter().map(|group| &*group.group_name)));
    println!("a command for each user: {} requests", Estimate::of(by_user)?.requests());
    let mut memberships = client.memberships();
    for email in &emails {
        for group in &groups[..3] {
            memberships = memberships.add(*email, GroupRef::user_group(&group.group_name));
        }
    }
    // One user does not exist. The others are not affected.
    memberships = memberships.add("nobody@12345.example.com", GroupRef::user_group(&groups[0].group_name));
    let planned = memberships.plan().await?;
    println!(
        "planned memberships:      {} requests; the lower bound is {}",
        planned.plan().requests(),
        planned.plan().lower_bound()
    );

    let report = planned.await?;
    println!("\n{report}");
    for rejected in report.rejected() {
        println!("  {rejected}");
    }
    println!("the real service would have needed {:.0?}", emulator.clock().clock().now().since_origin());
    Ok(())
}
