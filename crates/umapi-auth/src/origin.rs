//! Sources of credentials: the environment, the JSON of the Developer Console, the connector file of user-sync.

#[cfg(feature = "connector-files")]
mod connector_file;
mod console_json;
mod environment;

use std::{fmt, path::Path};

use zeroize::Zeroizing;

#[cfg(feature = "connector-files")]
pub use self::connector_file::{ConnectorFile, KeyringEntry};
use crate::{Credentials, Error, OAuthServerToServer, Secret, credentials::check_organization};
#[cfg(feature = "jwt")]
use crate::{PrivateKey, ServiceAccount, ServiceAccountBuilder};

/// A field of the credentials.
#[cfg_attr(not(feature = "jwt"), allow(dead_code, reason = "only a service account has all of them"))]
#[derive(Clone, Copy)]
enum Field {
    Organization,
    TechnicalAccount,
    ClientId,
    ClientSecret,
    PrivateKey,
}

impl Field {
    /// Where to find the value.
    fn where_to_find(self) -> &'static str {
        match self {
            Self::Organization => "the Adobe Developer Console shows it with the credential as Organization ID",
            Self::TechnicalAccount => {
                "the Adobe Developer Console shows it with the credential as Technical Account ID (not the email address)"
            }
            Self::ClientId => {
                "the Adobe Developer Console shows it with the credential as Client ID (formerly API Key)"
            }
            Self::ClientSecret => {
                "the Adobe Developer Console shows it with the credential after `Retrieve client secret`"
            }
            Self::PrivateKey => {
                "use the key whose certificate was uploaded to the Adobe Developer Console, or the one in the `config.zip` \
                 that was downloaded when the console created the key pair; the console keeps no copy"
            }
        }
    }
}

/// The names of a source and its fields in error messages.
struct Names<'a> {
    origin: &'a str,
    name_of: fn(Field) -> &'static str,
}

impl Names<'_> {
    fn missing(&self, field: Field) -> Error {
        self.invalid(self.missing_text(field))
    }

    /// Checks that these fields have values. The error names all that have none.
    fn require(&self, fields: impl IntoIterator<Item = (Field, bool)>) -> Result<(), Error> {
        let missing = fields.into_iter().filter(|(_, is_there)| !is_there).map(|(field, _)| self.missing_text(field));
        let missing: Vec<String> = missing.collect();
        if missing.is_empty() { Ok(()) } else { Err(self.invalid(missing.join("; "))) }
    }

    fn missing_text(&self, field: Field) -> String {
        format!("{} is missing; {}", (self.name_of)(field), field.where_to_find())
    }

    /// Checks that this program can log in with a service account. Nothing of one is read without.
    fn check_service_account(&self) -> Result<(), Error> {
        if cfg!(feature = "jwt") {
            return Ok(());
        }
        Err(self.invalid(
            "these are the credentials of a service account, which logs in with a signed JWT, and this program was built \
             without it; enable the feature `jwt` of the crate, or use an OAuth Server-to-Server credential",
        ))
    }

    fn invalid(&self, why: impl fmt::Display) -> Error {
        Error::invalid(format!("{}: {why}", self.origin))
    }
}

/// The fields that every source fills in. A blank field counts as missing.
#[derive(Default)]
#[cfg_attr(not(feature = "jwt"), allow(dead_code, reason = "only a service account has all of them"))]
struct Fields {
    organization: Option<String>,
    technical_account: Option<String>,
    client_id: Option<String>,
    client_secrets: Vec<Secret>,
    private_key: Option<KeyText>,
    passphrase: Option<Secret>,
    metascopes: Vec<String>,
    scopes: Vec<String>,
}

/// The text of a private key, and its location for error messages.
#[cfg_attr(not(feature = "jwt"), allow(dead_code, reason = "only a service account has one"))]
struct KeyText {
    text: Secret,
    found: String,
}

impl Fields {
    #[cfg(not(feature = "jwt"))]
    fn into_service_account(self, names: &Names<'_>) -> Result<Credentials, Error> {
        names.check_service_account()?;
        Err(names.missing(Field::PrivateKey))
    }

    #[cfg(feature = "jwt")]
    fn into_service_account(self, names: &Names<'_>) -> Result<Credentials, Error> {
        names.require([
            (Field::ClientId, has_text(self.client_id.as_ref())),
            (Field::ClientSecret, self.has_secret()),
            (Field::Organization, has_text(self.organization.as_ref())),
            (Field::TechnicalAccount, has_text(self.technical_account.as_ref())),
            (Field::PrivateKey, self.private_key.as_ref().is_some_and(|key| !key.text.is_blank())),
        ])?;
        let client_id = required(self.client_id, names, Field::ClientId)?;
        let secrets = required_secrets(self.client_secrets, names)?;
        let organization = required(self.organization, names, Field::Organization)?;
        let technical_account = required(self.technical_account, names, Field::TechnicalAccount)?;
        let key =
            self.private_key.filter(|key| !key.text.is_blank()).ok_or_else(|| names.missing(Field::PrivateKey))?;
        let passphrase = self.passphrase.filter(|passphrase| !passphrase.is_blank());
        let private_key = PrivateKey::from_pem(key.text.reveal(), passphrase.as_ref())
            .map_err(|error| names.invalid(format!("{}: {error}", key.found)))?;
        let builder = ServiceAccount::builder()
            .organization(organization)
            .technical_account(technical_account)
            .client_id(client_id)
            .private_key(private_key);
        let account = secrets.into_iter().fold(builder, ServiceAccountBuilder::client_secret).build();
        let account = account.map_err(|error| names.invalid(error))?;
        Ok(if self.metascopes.is_empty() { account } else { account.with_metascopes(self.metascopes) }.into())
    }

    fn has_secret(&self) -> bool {
        self.client_secrets.iter().any(|secret| !secret.is_blank())
    }

    fn into_oauth(self, names: &Names<'_>) -> Result<Credentials, Error> {
        names.require([
            (Field::ClientId, has_text(self.client_id.as_ref())),
            (Field::ClientSecret, self.has_secret()),
        ])?;
        let client_id = required(self.client_id, names, Field::ClientId)?;
        let mut secrets = required_secrets(self.client_secrets, names)?.into_iter();
        let first = secrets.next().ok_or_else(|| names.missing(Field::ClientSecret))?;
        let client = OAuthServerToServer::new(client_id, first).map_err(|error| names.invalid(error))?;
        let client = secrets.fold(client, OAuthServerToServer::with_further_secret);
        let client = if self.scopes.is_empty() { client } else { client.with_scopes(self.scopes) };
        let mut credentials = Credentials::from(client);
        if let Ok(organization) = required(self.organization, names, Field::Organization) {
            check_organization(&organization).map_err(|error| names.invalid(error))?;
            credentials.organization = Some(organization);
        }
        Ok(credentials)
    }
}

fn has_text(value: Option<&String>) -> bool {
    value.is_some_and(|text| !text.trim().is_empty())
}

fn required(value: Option<String>, names: &Names<'_>, field: Field) -> Result<String, Error> {
    // Copied text and files may end with a line break.
    let value = value.map(|text| text.trim().to_owned());
    value.filter(|text| !text.is_empty()).ok_or_else(|| names.missing(field))
}

fn required_secrets(secrets: Vec<Secret>, names: &Names<'_>) -> Result<Vec<Secret>, Error> {
    let secrets: Vec<Secret> = secrets.into_iter().filter(|secret| !secret.is_blank()).collect();
    if secrets.is_empty() { Err(names.missing(Field::ClientSecret)) } else { Ok(secrets) }
}

/// Reads a text file: UTF-8, or UTF-16 with a byte order mark.
fn read(path: &Path) -> Result<Secret, Error> {
    let unreadable = |error: &dyn fmt::Display| Error::invalid(format!("cannot read {}: {error}", path.display()));
    let bytes = Zeroizing::new(std::fs::read(path).map_err(|error| unreadable(&error))?);
    Secret::decode(&bytes).map_err(|error| unreadable(&error))
}
