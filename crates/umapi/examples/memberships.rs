//! Many users in many groups: the client chooses the side of each membership, and predicts the number of requests.
#![allow(clippy::print_stdout, reason = "an example speaks to its reader")]

#[path = "support/emulated.rs"]
mod support;

use std::error::Error;

use support::Emulated;
use umapi::{Command, Estimate, GroupRef, model::GroupType};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let organization = Emulated::with_users(5_000).await?;
    let client = organization.client()?.build()?;
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
    println!("the real service would have needed {:.0?}", organization.passed());
    Ok(())
}
