//! A client of the crate `umapi` for an emulator in the same process.
//!
//! This is the only file that knows the client: the emulator's rules are judged against those of the client.

use umapi::{
    Client, ClientBuilder, Error, HttpOptions,
    auth::{Credentials, Endpoint, OAuthServerToServer},
};

use crate::Emulator;

/// Clients, with the feature `client`.
impl Emulator {
    /// Creates a client for the first organization: it logs in with the ready-made [credentials](Self::credentials), and uses
    /// the emulator's clock.
    ///
    /// ```
    /// use std::time::Duration;
    /// use umapi::{Command, NewUser, time::ManualClock};
    /// use umapi_emulator::{Emulator, FaultResponse, FaultRule, Operation};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // A clock that skips every wait, for the service and the client.
    /// let clock = ManualClock::new().auto_advance(Duration::from_millis(10));
    /// let emulator = Emulator::builder().clock(clock).start().await?;
    /// let client = emulator.client()?;
    ///
    /// let pause = FaultResponse::throttled(2700);
    /// emulator.faults().add(FaultRule::on(Operation::ExecuteActions, pause).times(1))?;
    /// let ann = NewUser::federated("ann@federated.example", "Ann", "Example", "US");
    /// assert!(client.execute([Command::from(ann)]).await?.is_success());
    /// assert_eq!(emulator.journal().count(Operation::ExecuteActions), 2);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the client cannot use the certificate of the emulator.
    pub fn client(&self) -> Result<Client, Error> {
        self.client_builder()?.build()
    }

    /// Creates the builder of such a client, for other settings.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use umapi::ThrottlePolicy;
    ///
    /// let emulator = umapi_emulator::Emulator::start().await?;
    /// let client = emulator.client_builder()?.throttle_policy(ThrottlePolicy::FailAtOnce).build()?;
    /// assert_eq!(client.organization(), emulator.org_id());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the client cannot use the certificate of the emulator.
    pub fn client_builder(&self) -> Result<ClientBuilder, Error> {
        let ready = self.credentials();
        let login = self.login_with(&ready.client_id, &ready.client_secret)?;
        Ok(self.client_builder_without_credentials()?.credentials(login))
    }

    /// Creates the builder of such a client, to which credentials or a source of tokens must be added.
    ///
    /// # Errors
    /// If the client cannot use the certificate of the emulator.
    pub fn client_builder_without_credentials(&self) -> Result<ClientBuilder, Error> {
        // A proxy of the environment does not reach this process.
        let http = HttpOptions::new().without_proxy();
        let http = match self.ca_pem() {
            Some(pem) => http.root_certificates(pem),
            None => http,
        };
        Ok(Client::builder(self.org_id()).base_url(self.um_url()).clock(self.clock().clock()).http(http.build()?))
    }

    /// Creates the credentials of an integration, e.g. one of the seed, to log in to this emulator with a client secret.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use umapi_emulator::{Emulator, seed::Seed};
    ///
    /// let seed = "
    /// organizations:
    ///   - id: 12345@AdobeOrg
    ///     integrations:
    ///       - { clientId: first, secrets: [secret-1] }
    ///       - { clientId: second, secrets: [secret-2] }
    /// ";
    /// let emulator = Emulator::builder().seed(Seed::from_yaml(seed)?).start().await?;
    /// let client = emulator
    ///     .client_builder_without_credentials()?
    ///     .credentials(emulator.login_with("first", "secret-1")?)
    ///     .credentials(emulator.login_with("second", "secret-2")?)
    ///     .build()?;
    /// # drop(client);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the client id or the secret is not possible in a login.
    pub fn login_with(&self, client_id: &str, client_secret: &str) -> Result<Credentials, Error> {
        let login = OAuthServerToServer::new(client_id, client_secret)?;
        Ok(Credentials::from(login).with_endpoint(Endpoint::parse(&self.ims_url())?))
    }
}

#[cfg(test)]
mod tests {
    use umapi::Command;

    use super::*;
    use crate::Operation;

    #[tokio::test]
    async fn a_client_over_tls_trusts_its_emulator() {
        for builder in [Emulator::builder(), Emulator::builder().https().without_http()] {
            let emulator = builder.start().await.unwrap();
            let users = emulator.client().unwrap().users().list().try_collect().await.unwrap();
            assert!(!users.is_empty(), "{}", emulator.um_url());
            assert!(emulator.journal().count(Operation::ListUsers) > 0);
        }
    }

    #[tokio::test]
    async fn a_client_uses_the_clock_of_its_emulator() {
        let emulator = Emulator::start().await.unwrap();
        emulator.clock().freeze().unwrap();
        let client = emulator.client().unwrap();
        client.execute([Command::user("nobody@federated.example").remove_from_org()]).await.unwrap();
        let before = emulator.clock().clock().now();
        // A minute, and the margin of the client.
        let wait = client.time_for(umapi::model::ThrottleClass::Action, 10).await.unwrap();
        assert!((60..63).contains(&wait.as_secs()), "{wait:?}");
        assert_eq!(emulator.clock().clock().now(), before);
    }
}
