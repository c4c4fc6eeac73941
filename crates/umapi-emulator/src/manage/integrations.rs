//! Integrations: the credentials of clients.

use serde::Deserialize;

use super::{Manage, ManageError};
use crate::{
    login::key_problem,
    random, seed,
    store::{Cause, Integration, Reader, Tx},
};

/// A change of an integration. Absent fields stay; a list replaces the previous one.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct IntegrationChange {
    /// The name.
    pub name: Option<String>,
    /// The valid client secrets.
    pub secrets: Option<Vec<String>>,
    /// The certificates and public keys that sign JWTs, in PEM.
    pub keys: Option<Vec<String>>,
    /// The scopes that it may request.
    pub scopes: Option<Vec<String>>,
    /// The metascopes that its JWTs may request.
    pub metascopes: Option<Vec<String>>,
    /// Whether every JWT must have a new `jti`.
    pub jti_required: Option<bool>,
    /// Whether it may log in and make calls.
    pub enabled: Option<bool>,
}

/// Omits the secrets.
impl std::fmt::Debug for IntegrationChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IntegrationChange")
            .field("name", &self.name)
            .field("secrets", &self.secrets.as_ref().map(Vec::len))
            .field("keys", &self.keys.as_ref().map(Vec::len))
            .field("scopes", &self.scopes)
            .field("metascopes", &self.metascopes)
            .field("jti_required", &self.jti_required)
            .field("enabled", &self.enabled)
            .finish()
    }
}

fn find(r: &Reader<'_>, client_id: &str) -> Result<Integration, ManageError> {
    r.integration(client_id)?.ok_or_else(|| {
        ManageError::not_found("emulator.integration.unknown", format!("Integration {client_id} was not found"))
    })
}

fn check_keys(keys: &[String]) -> Result<(), ManageError> {
    match keys.iter().find_map(|key| key_problem(key)) {
        Some(problem) => Err(ManageError::invalid(format!("A key is invalid: {problem}"))),
        None => Ok(()),
    }
}

impl Manage {
    /// The integrations of an organization.
    ///
    /// # Errors
    /// If the organization does not exist.
    pub fn integrations(&self, org_id: &str) -> Result<Vec<seed::Integration>, ManageError> {
        self.read(org_id, |r, org| Ok(r.integrations(org.id)?.into_iter().map(seed::integration_seed).collect()))
    }

    /// An integration of any organization, by its client id.
    ///
    /// # Errors
    /// If it does not exist.
    pub fn integration(&self, client_id: &str) -> Result<seed::Integration, ManageError> {
        self.app.store.read(|r| find(r, client_id).map(seed::integration_seed))
    }

    /// Creates an integration and its technical account.
    ///
    /// ```
    /// use umapi_emulator::{Emulator, IntegrationChange, seed::Integration};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = Emulator::start().await?;
    /// let (manage, org) = (emulator.manage(), emulator.org_id());
    /// let new: Integration = serde_json::from_str(r#"{ "clientId": "nightly", "secrets": ["old"] }"#)?;
    /// manage.create_integration(org, &new)?;
    ///
    /// // A rotation of its secret: both are valid for a while.
    /// let secret = manage.create_secret("nightly")?;
    /// assert_eq!(manage.integration("nightly")?.secrets, ["old".to_owned(), secret.clone()]);
    /// let change = IntegrationChange { secrets: Some(vec![secret]), ..IntegrationChange::default() };
    /// manage.update_integration("nightly", &change)?;
    ///
    /// // What a service does to a token that was stolen.
    /// let stolen = manage.issue_token("nightly")?;
    /// assert!(manage.revoke_token(&stolen)?);
    /// manage.revoke_tokens("nightly")?;
    /// assert!(manage.integrations(org)?.iter().any(|known| known.client_id == "nightly"));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the client id or the technical account is taken, or a key is invalid.
    pub fn create_integration(&self, org_id: &str, new: &seed::Integration) -> Result<seed::Integration, ManageError> {
        check_keys(&new.keys)?;
        self.write(org_id, |tx, _| {
            seed::add_integration(tx, org_id, new)?;
            find(&tx.rows(), &new.client_id).map(seed::integration_seed)
        })
    }

    /// Changes an integration.
    ///
    /// # Errors
    /// If it does not exist, or a key is invalid.
    pub fn update_integration(
        &self,
        client_id: &str,
        change: &IntegrationChange,
    ) -> Result<seed::Integration, ManageError> {
        check_keys(change.keys.as_deref().unwrap_or_default())?;
        let change = change.clone();
        self.change(client_id, |integration| {
            let Integration { name, secrets, keys, scopes, metascopes, jti_required, enabled, .. } = integration;
            replace(name, change.name);
            replace(secrets, change.secrets);
            replace(keys, change.keys);
            replace(scopes, change.scopes);
            replace(metascopes, change.metascopes);
            replace(jti_required, change.jti_required);
            replace(enabled, change.enabled);
        })
    }

    /// Adds a secret to an integration and returns it. Its other secrets stay valid.
    ///
    /// # Errors
    /// If the integration does not exist, or the operating system has no random bytes.
    pub fn create_secret(&self, client_id: &str) -> Result<String, ManageError> {
        let random = random::hex(16).map_err(|error| ManageError::failed(error.to_string()))?;
        let secret = format!("p8e-{random}");
        self.change(client_id, |integration| integration.secrets.push(secret.clone()))?;
        Ok(secret)
    }

    /// Adds a certificate or public key to an integration, in PEM.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = umapi_emulator::Emulator::start().await?;
    /// let client = &emulator.credentials().client_id;
    /// let error = emulator.manage().add_key(client, "not a certificate").unwrap_err();
    /// assert!(!error.is_not_found(), "the integration exists: {error}");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the integration does not exist, or the key is not an RSA key.
    pub fn add_key(&self, client_id: &str, pem: &str) -> Result<seed::Integration, ManageError> {
        check_keys(&[pem.to_owned()])?;
        self.change(client_id, |integration| integration.keys.push(pem.to_owned()))
    }

    /// Issues an access token for an integration without a login.
    ///
    /// # Errors
    /// If the integration does not exist.
    pub fn issue_token(&self, client_id: &str) -> Result<String, ManageError> {
        let integration = self.app.store.read(|r| find(r, client_id))?;
        self.app.login.issue(&integration).map_err(ManageError::failed)
    }

    /// Revokes all access tokens of an integration. Tokens that are issued later are valid.
    ///
    /// # Errors
    /// If the integration does not exist.
    pub fn revoke_tokens(&self, client_id: &str) -> Result<(), ManageError> {
        self.app.store.read(|r| find(r, client_id))?;
        Ok(self.app.login.revoke_all(client_id)?)
    }

    /// Revokes one access token. Returns whether this emulator had issued it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn revoke_token(&self, token: &str) -> Result<bool, ManageError> {
        Ok(self.app.login.revoke(token)?)
    }

    fn change(&self, client_id: &str, change: impl FnOnce(&mut Integration)) -> Result<seed::Integration, ManageError> {
        let cause = Cause::request(self.app.clock.millis(), "management");
        self.app.store.write(Some(cause), |tx: &mut Tx<'_>| {
            let mut integration = find(&tx.rows(), client_id)?;
            change(&mut integration);
            tx.change_integration(&integration)?;
            Ok(seed::integration_seed(integration))
        })
    }
}

fn replace<T>(field: &mut T, change: Option<T>) {
    if let Some(value) = change {
        *field = value;
    }
}
