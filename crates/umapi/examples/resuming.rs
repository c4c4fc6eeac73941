//! A list that is read in two sittings, with a text kept in between.
#![allow(clippy::print_stdout, reason = "an example speaks to its reader")]

#[path = "support/emulated.rs"]
mod support;

use std::error::Error;

use support::Emulated;
use umapi::ResumeToken;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let organization = Emulated::with_users(5_000).await?;

    // Today: as far as the 3,210th user.
    let client = organization.client()?.build()?;
    let mut users = client.users().list();
    let mut last = None;
    for _ in 0..3_210 {
        last = users.try_next().await?;
    }
    let kept = users.resume_token().to_string();
    println!("left behind {:?}, and kept the text\n  {kept}", last.and_then(|user| user.email));

    // Tomorrow, in another process: on with the very next one.
    let token: ResumeToken = kept.parse()?;
    let mut rest = client.users().list().resume(&token)?;
    let mut count = 0;
    while let Some(user) = rest.try_next().await? {
        if count == 0 {
            println!("went on with {:?}", user.email);
        }
        count += 1;
    }
    println!("{count} users were left; did the list change meanwhile? {}", rest.changes().any());

    // It is good for this list alone.
    let error = client.users().domain("12345.example.com").list().resume(&token).err();
    println!("another list refuses it: {}", error.ok_or("it was taken")?);
    Ok(())
}
