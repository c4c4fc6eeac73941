//! Tests code without an organization: against the emulator, with faults, on a clock that skips all waits.
#![allow(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::{error::Error, time::Duration};

use umapi::{Client, Command, NewUser, time::ManualClock};
use umapi_emulator::{Emulator, FaultEffect, FaultResponse, FaultRule, Operation, seed::Seed};

/// The code under test: it takes a client, and does not know the emulator.
async fn give_design(client: &Client, email: &str) -> Result<bool, Box<dyn Error>> {
    let command = Command::create_user(NewUser::federated(email, "Ann", "Example", "US")).add_to(["Photoshop"]);
    let report = client.execute([command]).await?;
    Ok(report.is_success())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let seed = r#"
organizations:
  - id: 12345@AdobeOrg
    directories: [{ name: Staff, type: federated, domains: [example.com] }]
    userGroups: [{ name: Photoshop }]
"#;
    let clock = ManualClock::new().auto_advance(Duration::from_millis(10));
    let emulator = Emulator::builder().seed(Seed::from_yaml(seed)?).clock(clock.clone()).start().await?;
    let client = emulator.client()?;

    // The service applies the request, and its response is lost.
    emulator.faults().add(FaultRule::on(Operation::ExecuteActions, FaultEffect::reset_after_applying()).nth(1))?;
    // Then it asks for a pause of 45 minutes.
    emulator.faults().add(FaultRule::on(Operation::ExecuteActions, FaultResponse::throttled(2700)).nth(2))?;
    assert!(give_design(&client, "ann@example.com").await?, "both are overcome");

    // Three requests were sent, 45 minutes have passed, and nothing was done twice.
    assert_eq!(emulator.journal().count(Operation::ExecuteActions), 3);
    let passed = clock.clock().now().since_origin();
    assert!(passed >= Duration::from_secs(2700));
    assert_eq!(emulator.ledger().changes_of_membership("ann@example.com", "Photoshop")?.len(), 1);
    assert!(emulator.ledger().repeated()?.is_empty());

    let ann = client.users().get("ann@example.com").await?.ok_or("Ann does not exist")?;
    println!("{:?} is in {:?}, after {:.0?}", ann.email, ann.groups, passed);
    Ok(())
}
