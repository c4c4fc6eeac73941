//! An organization on this machine, for examples: an emulator and a client on one fast clock.

use std::{error::Error, time::Duration};

use umapi::{
    Client, ClientBuilder,
    auth::{Credentials, Endpoint, PrivateKey, ServiceAccount},
    time::ManualClock,
};
use umapi_emulator::{Emulator, seed::Seed};

/// An emulated organization, and the clock of its service and of the client: it skips every wait.
pub(crate) struct Emulated {
    pub(crate) emulator: Emulator,
    pub(crate) clock: ManualClock,
}

#[allow(dead_code, reason = "not every example needs all of it")]
impl Emulated {
    /// An organization with so many users, 20 user groups and 10 product profiles, and the documented limits.
    pub(crate) async fn with_users(users: u32) -> Result<Self, Box<dyn Error>> {
        Self::with_seed(&format!(
            "organizations: [{{ id: 12345@AdobeOrg, generate: {{ users: {users}, groups: 20, profiles: 10, seed: 42 }} }}]"
        ))
        .await
    }

    /// The organization of a seed, with the documented limits.
    pub(crate) async fn with_seed(seed: &str) -> Result<Self, Box<dyn Error>> {
        let clock = ManualClock::new().auto_advance(Duration::from_millis(10));
        let seed = Seed::from_yaml(seed)?;
        let emulator = Emulator::builder().seed(seed).clock(clock.clone()).start().await?;
        Ok(Self { emulator, clock })
    }

    /// The credentials of the emulator's own service account: a JWT, signed with a private key.
    pub(crate) fn credentials(&self) -> Result<Credentials, Box<dyn Error>> {
        let ready = self.emulator.credentials();
        let account = ServiceAccount::builder()
            .organization(&ready.org_id)
            .technical_account(&ready.technical_account_id)
            .client_id(&ready.client_id)
            .client_secret(ready.client_secret.as_str())
            .private_key(PrivateKey::from_pem(&ready.private_key_pem, None)?)
            .build()?;
        Ok(Credentials::from(account).with_endpoint(Endpoint::parse(&self.emulator.ims_url())?))
    }

    /// A client builder with everything but the last settings.
    pub(crate) fn client(&self) -> Result<ClientBuilder, Box<dyn Error>> {
        let client = Client::builder(self.emulator.org_id()).credentials(self.credentials()?);
        Ok(client.base_url(self.emulator.um_url()).clock(self.clock.clock()))
    }

    /// How much time has passed for the service.
    pub(crate) fn passed(&self) -> Duration {
        self.clock.clock().now().since_origin()
    }
}
