//! Several credentials of one organization: the rate limits apply to each, so the requests are spread over them.
#![allow(clippy::print_stdout, reason = "an example speaks to its reader")]

#[path = "support/emulated.rs"]
mod support;

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex},
    time::Duration,
};

use support::Emulated;
use umapi::{
    Client, Command, NewUser, Observer, RequestStarted,
    auth::{Credentials, Endpoint, OAuthServerToServer},
};

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
    let organization = Emulated::with_seed(SEED).await?;
    let shares = Shares::default();
    let mut client = Client::builder("12345@AdobeOrg")
        .base_url(organization.emulator.um_url())
        .clock(organization.clock.clock())
        .observer(shares.clone());
    for (client_id, secret) in credentials {
        let login = Credentials::from(OAuthServerToServer::new(*client_id, *secret)?);
        client = client.credentials(login.with_endpoint(Endpoint::parse(&organization.emulator.ims_url())?));
    }
    let report = client.build()?.execute(work()).await?;
    assert!(report.is_success(), "{report}");
    let counted = shares.0.lock().map(|shares| shares.clone()).unwrap_or_default();
    Ok((organization.passed(), counted))
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
