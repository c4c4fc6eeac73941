//! Profiles: an organization, and how to log in to it.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use umapi::auth::{Credentials, Endpoint, OAuthServerToServer, PrivateKey, ServiceAccount};

use super::SecretSource;
use crate::failure::{Failure, Result};

/// An organization, and how to log in to it: with a file of another tool, or with the fields here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    pub(crate) organization: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: Option<SecretSource>,
    /// Only for the JWT exchange, like the next two fields.
    pub(crate) technical_account: Option<String>,
    pub(crate) private_key: Option<SecretSource>,
    pub(crate) private_key_passphrase: Option<SecretSource>,
    /// The `connector-umapi.yml` of user-sync.
    pub(crate) connector_file: Option<PathBuf>,
    /// The JSON file of the Adobe Developer Console.
    pub(crate) console_file: Option<PathBuf>,
    /// The address of the service; `None` for production.
    pub(crate) server: Option<String>,
    /// The address of the login; `None` for production.
    pub(crate) login_server: Option<String>,
    /// A PEM file with additional certificates to trust.
    pub(crate) root_certificates: Option<PathBuf>,
    pub(crate) proxy: Option<String>,
}

/// The login of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginKind {
    OAuth,
    Jwt,
    ConnectorFile,
    ConsoleFile,
}

impl LoginKind {
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::OAuth => "OAuth Server-to-Server",
            Self::Jwt => "JWT exchange",
            Self::ConnectorFile => "user-sync connector file",
            Self::ConsoleFile => "Developer Console JSON",
        }
    }
}

impl Profile {
    pub(crate) fn kind(&self) -> LoginKind {
        if self.connector_file.is_some() {
            LoginKind::ConnectorFile
        } else if self.console_file.is_some() {
            LoginKind::ConsoleFile
        } else if self.technical_account.is_some() || self.private_key.is_some() {
            LoginKind::Jwt
        } else {
            LoginKind::OAuth
        }
    }

    /// Returns the secrets of the profile with the names of their fields.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = (&'static str, &SecretSource)> {
        [
            ("client_secret", &self.client_secret),
            ("private_key", &self.private_key),
            ("private_key_passphrase", &self.private_key_passphrase),
        ]
        .into_iter()
        .filter_map(|(name, source)| Some((name, source.as_ref()?)))
    }

    /// Reads all parts of the login. Relative paths start at `folder`.
    pub(crate) fn credentials(&self, name: &str, folder: &Path) -> Result<Credentials> {
        let unusable = |error: umapi::auth::Error| {
            Failure::usage(format!("cannot log in with profile \"{name}\""))
                .why(error)
                .remedy(format!("compare the output of \"umapi config show {name}\" with \"umapi help configuration\""))
        };
        let credentials = match self.kind() {
            LoginKind::ConnectorFile => {
                let path = folder.join(self.connector_file.as_deref().unwrap_or(Path::new("")));
                Credentials::from_connector_file(path).map_err(unusable)?
            }
            LoginKind::ConsoleFile => self.console_credentials(name, folder)?,
            LoginKind::OAuth => {
                let client_id = self.required(name, "client_id", self.client_id.as_ref())?;
                let secret = self.required(name, "client_secret", self.client_secret.as_ref())?;
                let secret = secret.read("client secret", folder)?;
                OAuthServerToServer::new(client_id, secret).map_err(unusable)?.into()
            }
            LoginKind::Jwt => {
                let secret = self.required(name, "client_secret", self.client_secret.as_ref())?;
                ServiceAccount::builder()
                    .organization(self.required(name, "organization", self.organization.as_ref())?)
                    .technical_account(self.required(name, "technical_account", self.technical_account.as_ref())?)
                    .client_id(self.required(name, "client_id", self.client_id.as_ref())?)
                    .client_secret(secret.read("client secret", folder)?)
                    .private_key(self.key(name, folder)?)
                    .build()
                    .map_err(unusable)?
                    .into()
            }
        };
        match &self.login_server {
            Some(address) => Ok(credentials.with_endpoint(Endpoint::parse(address).map_err(unusable)?)),
            None => Ok(credentials),
        }
    }

    fn console_credentials(&self, name: &str, folder: &Path) -> Result<Credentials> {
        let unusable = |why: &dyn std::fmt::Display| {
            Failure::usage(format!("cannot log in with profile \"{name}\""))
                .why(why)
                .remedy("download the JSON file again from the Adobe Developer Console, or change the profile")
        };
        let path = folder.join(self.console_file.as_deref().unwrap_or(Path::new("")));
        let json = std::fs::read_to_string(&path)
            .map_err(|error| unusable(&format!("cannot read {}: {error}", path.display())))?;
        let key = self.private_key.as_ref().map(|source| source.read("private key", folder)).transpose()?;
        let passphrase = self.passphrase(folder)?;
        Credentials::from_console_json(&json, key.as_ref().map(umapi::auth::Secret::reveal), passphrase.as_ref())
            .map_err(|error| unusable(&error))
    }

    fn key(&self, name: &str, folder: &Path) -> Result<PrivateKey> {
        let pem = self.required(name, "private_key", self.private_key.as_ref())?.read("private key", folder)?;
        PrivateKey::from_pem(pem.reveal(), self.passphrase(folder)?.as_ref()).map_err(|error| {
            Failure::usage(format!("cannot log in with profile \"{name}\"")).why(error).remedy(
                "create a key and its certificate with \"umapi cert new\", and upload the certificate to the Adobe \
                 Developer Console",
            )
        })
    }

    fn passphrase(&self, folder: &Path) -> Result<Option<umapi::auth::Secret>> {
        self.private_key_passphrase
            .as_ref()
            .map(|source| source.read("passphrase of the private key", folder))
            .transpose()
    }

    fn required<'a, T>(&self, profile: &str, field: &str, value: Option<&'a T>) -> Result<&'a T> {
        value.ok_or_else(|| {
            let command = match field {
                "client_secret" => format!("umapi config set-secret {profile}"),
                "private_key" => format!("umapi config add {profile} --private-key-file FILE"),
                field => format!("umapi config add {profile} --{} VALUE", field.replace('_', "-")),
            };
            Failure::usage(format!("cannot log in with profile \"{profile}\""))
                .why(format!("`{field}` is missing"))
                .remedy(format!(
                    "set it with \"{command}\"; your project in the Adobe Developer Console shows the value"
                ))
        })
    }
}
