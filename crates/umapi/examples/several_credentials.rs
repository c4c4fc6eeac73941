//! Several credentials of one organization: the rate limits apply to each, so the requests are spread over them.
#![allow(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex},
    time::Duration,
};

use umapi::{Command, NewUser, Observer, RequestStarted, time::ManualClock};
use umapi_emulator::{Emulator, seed::Seed};

/// Counts the requests of each API key.
#[derive(Clone, Default)]
struct Shares(Arc<Mutex<BTreeMap<String, u32>>>);

impl Observer for Shares {
    fn request_started(&self, request: &RequestStarted<'_>) {
        if let Ok(mut shares) = self.0.lock() {
            *shares.entry(request.api_key.to_owned()).or_default() += 1;
        }
    }
}

/// Commands for 60 requests.
fn work() -> impl Iterator<Item = Command> {
    (0..600).map(|number| {
        Command::from(NewUser::federated(format!("u{number}@example.com"), "U", number.to_string(), "US"))
    })
}

const SEED: &str = "
organizations:
  - id: 12345@AdobeOrg
    directories: [{ name: Staff, type: federated, domains: [example.com] }]
    integrations:
      - { clientId: first, secrets: [secret-1] }
      - { clientId: second, secrets: [secret-2] }
      - { clientId: third, secrets: [secret-3] }
";

async fn with(credentials: &[(&str, &str)]) -> Result<(Duration, BTreeMap<String, u32>), Box<dyn Error>> {
    let clock = ManualClock::new().auto_advance(Duration::from_millis(10));
    let emulator = Emulator::builder().seed(Seed::from_yaml(SEED)?).clock(clock.clone()).start().await?;
    let shares = Shares::default();
    let mut client = emulator.client_builder_without_credentials()?.observer(shares.clone());
    for (client_id, secret) in credentials {
        client = client.credentials(emulator.login_with(client_id, secret)?);
    }
    let report = client.build()?.execute(work()).await?;
    assert!(report.is_success(), "{report}");
    let counted = shares.0.lock().map(|shares| shares.clone()).unwrap_or_default();
    Ok((clock.clock().now().since_origin(), counted))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let all = [("first", "secret-1"), ("second", "secret-2"), ("third", "secret-3")];
    for count in 1..=all.len() {
        let (time, shares) = with(&all[..count]).await?;
        println!("{count} credentials: {time:.0?}, requests by API key: {shares:?}");
    }
    Ok(())
}
