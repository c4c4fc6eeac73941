//! Where credentials come from: the environment, the JSON of the Developer Console, the connector file of user-sync.

mod connector_yaml;
mod console_json;
mod environment;

use std::path::Path;

use crate::{
    Credentials, Error, OAuthServerToServer, PrivateKey, Secret, ServiceAccount, ServiceAccountBuilder,
    credentials::check_organization,
};

/// The fields that every origin fills, each in its own way.
#[derive(Default)]
struct Fields {
    organization: Option<String>,
    technical_account: Option<String>,
    client_id: Option<String>,
    client_secrets: Vec<Secret>,
    private_key: Option<String>,
    passphrase: Option<Secret>,
    metascopes: Vec<String>,
    scopes: Vec<String>,
}

/// What an origin calls its fields, for errors.
struct Names {
    origin: &'static str,
    organization: &'static str,
    technical_account: &'static str,
    client_id: &'static str,
    client_secret: &'static str,
    private_key: &'static str,
}

impl Fields {
    fn client(&mut self, names: &Names) -> Result<(String, Vec<Secret>), Error> {
        let client_id = required(self.client_id.take(), names, names.client_id)?;
        let secrets = std::mem::take(&mut self.client_secrets);
        if secrets.is_empty() {
            return Err(missing(names, names.client_secret));
        }
        Ok((client_id, secrets))
    }

    fn into_service_account(mut self, names: &Names) -> Result<Credentials, Error> {
        let (client_id, secrets) = self.client(names)?;
        let organization = required(self.organization, names, names.organization)?;
        let technical_account = required(self.technical_account, names, names.technical_account)?;
        let key = Secret::from(required(self.private_key, names, names.private_key)?);
        let key = PrivateKey::from_pem(key.reveal(), self.passphrase.as_ref())?;
        let builder = ServiceAccount::builder()
            .organization(organization)
            .technical_account(technical_account)
            .client_id(client_id)
            .private_key(key);
        let mut account = secrets.into_iter().fold(builder, ServiceAccountBuilder::client_secret).build()?;
        if !self.metascopes.is_empty() {
            account = account.with_metascopes(self.metascopes);
        }
        Ok(account.into())
    }

    fn into_oauth(mut self, names: &Names) -> Result<Credentials, Error> {
        let (client_id, secrets) = self.client(names)?;
        let mut secrets = secrets.into_iter();
        let first = secrets.next().ok_or_else(|| missing(names, names.client_secret))?;
        let mut client = OAuthServerToServer::new(client_id, first)?;
        for secret in secrets {
            client = client.with_further_secret(secret);
        }
        if !self.scopes.is_empty() {
            client = client.with_scopes(self.scopes);
        }
        let mut credentials = Credentials::from(client);
        if let Some(organization) = self.organization {
            check_organization(&organization)?;
            credentials.organization = Some(organization);
        }
        Ok(credentials)
    }
}

fn required(value: Option<String>, names: &Names, name: &str) -> Result<String, Error> {
    value.filter(|text| !text.trim().is_empty()).ok_or_else(|| missing(names, name))
}

fn missing(names: &Names, name: &str) -> Error {
    Error::invalid(format!("{}: `{name}` is missing; its value stands in the Adobe Developer Console", names.origin))
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| Error::invalid(format!("cannot read {}: {error}", path.display())))
}
