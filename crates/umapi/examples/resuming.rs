//! Reads a list in two parts, with a resume token in between.
#![allow(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::{error::Error, time::Duration};

use umapi::{ResumeToken, time::ManualClock};
use umapi_emulator::{Emulator, seed::Seed};

/// An organization with so many users, and the documented limits.
const SEED: &str =
    "organizations: [{ id: 12345@AdobeOrg, generate: { users: 5000, groups: 20, profiles: 10, seed: 42 } }]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let seed = Seed::from_yaml(SEED)?;
    let clock = ManualClock::new().auto_advance(Duration::from_millis(10));
    let emulator = Emulator::builder().seed(seed).clock(clock).start().await?;

    // Today: the first 3,210 users.
    let client = emulator.client()?;
    let mut users = client.users().list();
    let mut last = None;
    for _ in 0..3_210 {
        last = users.try_next().await?;
    }
    let kept = users.resume_token().to_string();
    println!("stopped after {:?}, with the resume token\n  {kept}", last.and_then(|user| user.email));

    // Tomorrow, in another process: continue with the next user.
    let token: ResumeToken = kept.parse()?;
    let mut rest = client.users().list().resume(&token)?;
    let mut count = 0;
    while let Some(user) = rest.try_next().await? {
        if count == 0 {
            println!("continued with {:?}", user.email);
        }
        count += 1;
    }
    println!("{count} users were left; did the list change meanwhile? {}", rest.changes().any());

    // The token is valid for this list only.
    let error = client.users().domain("12345.example.com").list().resume(&token).err();
    println!("another list rejects it: {}", error.ok_or("it was accepted")?);
    Ok(())
}
