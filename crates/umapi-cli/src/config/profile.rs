//! Profiles: an organization, and how to log in to it.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use umapi::{
    Proxy,
    auth::{
        self, ConnectorFile, Credentials, Endpoint, OAuthServerToServer, PrivateKey, Secret, ServiceAccount,
        check_organization,
    },
};
use zeroize::Zeroizing;

use super::{
    ConfigFile, Keyring, ProfileField, SecretSource, TextSource,
    file::quote,
    secret::SecretPlace,
    value::{self, PRODUCTION},
};
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
    /// The address of the service; `None` for that of the connector file, or production.
    pub(crate) server: Option<String>,
    /// The address of the login; `None` for that of the connector file, or production.
    pub(crate) login_server: Option<String>,
    /// A PEM file with additional certificates to trust.
    pub(crate) root_certificates: Option<PathBuf>,
    pub(crate) proxy: Option<String>,
    pub(crate) proxy_user: Option<TextSource>,
    pub(crate) proxy_password: Option<SecretSource>,
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

/// A profile of a configuration: its name, its fields, and the folder that relative paths start at.
#[derive(Clone, Copy)]
pub(crate) struct ProfileInUse<'a> {
    pub(crate) name: &'a str,
    pub(crate) profile: &'a Profile,
    folder: &'a Path,
}

/// A login, and what the file that it comes from says about the connection.
pub(crate) struct Login {
    pub(crate) credentials: Credentials,
    /// The address of the service; `None` for production.
    pub(crate) server: Option<String>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) attempts: Option<u32>,
}

impl Profile {
    pub(crate) fn kind(&self) -> LoginKind {
        if self.connector_file.is_some() {
            LoginKind::ConnectorFile
        } else if self.console_file.is_some() {
            LoginKind::ConsoleFile
        } else if self.technical_account.is_some()
            || self.private_key.is_some()
            || self.private_key_passphrase.is_some()
        {
            LoginKind::Jwt
        } else {
            LoginKind::OAuth
        }
    }

    /// Returns the places of the secrets of the profile.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &SecretSource> {
        let user = match &self.proxy_user {
            Some(TextSource::Secret(source)) => Some(source),
            _ => None,
        };
        [&self.client_secret, &self.private_key, &self.private_key_passphrase, &self.proxy_password]
            .into_iter()
            .flatten()
            .chain(user)
    }

    /// The fields that have no effect, because a file has the login.
    fn fields_without_effect(&self) -> Vec<ProfileField> {
        use ProfileField as Field;
        let beside_both = [
            (Field::ClientId, self.client_id.is_some()),
            (Field::ClientSecret, self.client_secret.is_some()),
            (Field::TechnicalAccount, self.technical_account.is_some()),
        ];
        let beside_connector = [
            (Field::ConsoleFile, self.console_file.is_some()),
            (Field::PrivateKey, self.private_key.is_some()),
            (Field::PrivateKeyPassphrase, self.private_key_passphrase.is_some()),
        ];
        let fields: &[&[(Field, bool)]] = match self.kind() {
            LoginKind::ConnectorFile => &[&beside_connector, &beside_both],
            LoginKind::ConsoleFile => &[&beside_both],
            LoginKind::OAuth | LoginKind::Jwt => &[],
        };
        fields.iter().copied().flatten().filter(|(_, is_set)| *is_set).map(|(field, _)| *field).collect()
    }
}

impl<'a> ProfileInUse<'a> {
    pub(crate) fn of(file: &'a ConfigFile, name: &'a str) -> Result<Self> {
        Ok(Self { name, profile: file.profile(name)?, folder: file.folder() })
    }

    /// Everything that is wrong with the fields, each with what to do about it. Files with secrets are not read.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        let profile = self.profile;
        let mut mistakes = Vec::new();
        let fields = profile.fields_without_effect();
        if !fields.is_empty() {
            let list = |name: fn(&ProfileField) -> String, separator: &str| {
                fields.iter().map(name).collect::<Vec<_>>().join(separator)
            };
            let login = if profile.connector_file.is_some() { "connector_file" } else { "console_file" };
            mistakes.push(format!(
                "{} cannot be set beside `{login}`, which has the login; remove it with \"umapi config unset {} {}\"",
                list(|field| format!("`{}`", field.key()), ", "),
                quote(self.name),
                list(|field| field.argument(), " "),
            ));
        }
        let mut check = |field: ProfileField, value: Option<&str>, check: &dyn Fn(&str) -> Result<(), String>| {
            if let Some(Err(why)) = value.map(check) {
                mistakes.push(format!("`{}`: {why}", field.key()));
            }
        };
        let organization = |id: &str| check_organization(id).map_err(|error| error.to_string());
        check(ProfileField::Organization, profile.organization.as_deref(), &organization);
        check(ProfileField::ClientId, profile.client_id.as_deref(), &value::check_id);
        let account = profile.technical_account.as_deref();
        check(ProfileField::TechnicalAccount, account, &value::check_technical_account);
        check(ProfileField::Server, profile.server.as_deref(), &value::check_server);
        check(ProfileField::LoginServer, profile.login_server.as_deref(), &value::check_login_server);
        let name = quote(self.name);
        check(ProfileField::Proxy, profile.proxy.as_deref(), &|proxy| match proxy.contains('@') {
            true => Err(format!(
                "the address contains a user or a password, which do not belong into the configuration; leave them out, and \
                 store them with \"umapi config add {name} --proxy-user USER\" and \"umapi config set-secret {name} \
                 proxy-password\""
            )),
            false => value::parse_proxy(proxy).map(drop),
        });
        if let Some(path) = &profile.root_certificates
            && let Err(why) = value::read_root_certificates(&self.folder.join(path))
        {
            mistakes.push(format!("`root_certificates`: {why}"));
        }
        match (&profile.proxy, &profile.proxy_user, &profile.proxy_password) {
            (None, Some(_), _) | (None, _, Some(_)) => mistakes.push(format!(
                "`proxy_user` and `proxy_password` need a proxy; set it with \"umapi config add {name} --proxy \
                 http://proxy.example:8080\""
            )),
            (Some(_), Some(_), None) => mistakes.push(format!(
                "`proxy_password` is missing; store it with \"umapi config set-secret {name} proxy-password\""
            )),
            (Some(_), None, Some(_)) => mistakes
                .push(format!("`proxy_user` is missing; set it with \"umapi config add {name} --proxy-user USER\"")),
            _ => {}
        }
        mistakes
    }

    /// Returns the failure that lists mistakes, if there are any.
    pub(crate) fn rejected(what: String, mistakes: Vec<String>) -> Result<()> {
        if mistakes.is_empty() {
            return Ok(());
        }
        Err(mistakes.into_iter().fold(Failure::usage(what), Failure::why))
    }

    /// Reads all parts of the login.
    pub(crate) fn login(&self) -> Result<Login> {
        Self::rejected(format!("cannot use profile \"{}\"", self.name), self.mistakes())?;
        let mut login = self.own_login()?;
        self.check_same_organization(login.credentials.organization())?;
        if let Some(address) = &self.profile.login_server {
            let endpoint = Endpoint::parse(address).map_err(|error| self.unusable(&error))?;
            login.credentials = login.credentials.with_endpoint(endpoint);
        }
        if let Some(address) = &self.profile.server {
            login.server = (address != PRODUCTION).then(|| address.clone());
        }
        Ok(login)
    }

    fn own_login(&self) -> Result<Login> {
        let unusable = |error: auth::Error| self.unusable(&error);
        let credentials = match self.profile.kind() {
            LoginKind::ConnectorFile => {
                let file = self.connector()?;
                let credentials = connector_credentials(&file).map_err(|failure| match failure {
                    ConnectorFailure::Keyring(failure) => failure,
                    ConnectorFailure::File(error) => unusable(error),
                })?;
                return Ok(Login {
                    credentials,
                    server: file.service_url().map(str::to_owned),
                    timeout: file.timeout(),
                    attempts: file.attempts(),
                });
            }
            LoginKind::ConsoleFile => self.console_credentials()?,
            LoginKind::OAuth => {
                let client_id = self.required(ProfileField::ClientId, self.profile.client_id.as_ref())?;
                let secret = self.required(ProfileField::ClientSecret, self.profile.client_secret.as_ref())?;
                let secret = self.secret(ProfileField::ClientSecret, secret)?;
                OAuthServerToServer::new(client_id, secret).map_err(unusable)?.into()
            }
            LoginKind::Jwt => {
                let account = self.required(ProfileField::TechnicalAccount, self.profile.technical_account.as_ref())?;
                let secret = self.required(ProfileField::ClientSecret, self.profile.client_secret.as_ref())?;
                ServiceAccount::builder()
                    .organization(self.required(ProfileField::Organization, self.profile.organization.as_ref())?)
                    .technical_account(account)
                    .client_id(self.required(ProfileField::ClientId, self.profile.client_id.as_ref())?)
                    .client_secret(self.secret(ProfileField::ClientSecret, secret)?)
                    .private_key(self.key()?)
                    .build()
                    .map_err(unusable)?
                    .into()
            }
        };
        Ok(Login { credentials, server: None, timeout: None, attempts: None })
    }

    /// Reads the connector file of the profile, without the secrets of a keyring.
    pub(crate) fn connector(&self) -> Result<ConnectorFile> {
        let path = self.folder.join(self.profile.connector_file.as_deref().unwrap_or(Path::new("")));
        ConnectorFile::read(path).map_err(|error| self.unusable(&error))
    }

    /// A login of another organization than the profile's would send its requests to the wrong one.
    fn check_same_organization(&self, of_file: Option<&str>) -> Result<()> {
        match (&self.profile.organization, of_file) {
            (Some(own), Some(named)) if !own.eq_ignore_ascii_case(named) => {
                Err(Failure::usage(format!("cannot use profile \"{}\"", self.name))
                    .why(format!("the profile is for the organization {own}, and the login in its file for {named}"))
                    .remedy(format!(
                        "use the file of that organization, or change the profile with \"umapi config add {} \
                         --organization {named}\"",
                        quote(self.name)
                    )))
            }
            _ => Ok(()),
        }
    }

    fn console_credentials(&self) -> Result<Credentials> {
        let path = self.folder.join(self.profile.console_file.as_deref().unwrap_or(Path::new("")));
        let unusable = |why: &dyn fmt::Display| {
            Failure::usage(format!("cannot log in with profile \"{}\"", self.name))
                .why(format!("{}: {why}", path.display()))
                .remedy("download the JSON file again from the Adobe Developer Console, or change the profile")
        };
        let json = std::fs::read(&path).map(Zeroizing::new).map_err(|error| unusable(&error))?;
        let json = Secret::decode(&json).map_err(|error| unusable(&error))?;
        let key = self.profile.private_key.as_ref();
        let key = key.map(|source| self.text(ProfileField::PrivateKey, source)).transpose()?;
        let passphrase = self.passphrase()?;
        let key_text = key.as_ref().map(Secret::reveal);
        let credentials = Credentials::from_console_json(json.reveal(), key_text, passphrase.as_ref())
            .map_err(|error| unusable(&error))?;
        if key.is_some() && !matches!(credentials.login(), auth::Login::ServiceAccount(_)) {
            return Err(Failure::usage(format!("cannot use profile \"{}\"", self.name))
                .why(format!("{} is for OAuth Server-to-Server, which has no private key", path.display()))
                .remedy(format!(
                    "remove the key with \"umapi config unset {} private-key private-key-passphrase\"",
                    quote(self.name)
                )));
        }
        Ok(credentials)
    }

    fn key(&self) -> Result<PrivateKey> {
        let source = self.required(ProfileField::PrivateKey, self.profile.private_key.as_ref())?;
        let pem = self.text(ProfileField::PrivateKey, source)?;
        PrivateKey::from_pem(pem.reveal(), self.passphrase()?.as_ref()).map_err(|error| {
            let remedy = match error {
                auth::KeyError::PassphraseMissing | auth::KeyError::WrongPassphrase => {
                    format!("store the passphrase with \"{}\"", self.store_command(ProfileField::PrivateKeyPassphrase))
                }
                _ => {
                    "create a key and its certificate with \"umapi cert new\", and upload the certificate to the Adobe \
                      Developer Console"
                        .to_owned()
                }
            };
            Failure::usage(format!("cannot log in with profile \"{}\"", self.name))
                .why(format!("{}: {error}", source.describe()))
                .remedy(remedy)
        })
    }

    fn passphrase(&self) -> Result<Option<Secret>> {
        let source = self.profile.private_key_passphrase.as_ref();
        source.map(|source| self.secret(ProfileField::PrivateKeyPassphrase, source)).transpose()
    }

    /// The proxy with its login, if the profile has one.
    pub(crate) fn proxy(&self) -> Result<Option<Proxy>> {
        let Some(address) = &self.profile.proxy else { return Ok(None) };
        let proxy = value::parse_proxy(address).map_err(|error| {
            Failure::usage(format!("cannot use profile \"{}\"", self.name)).why(format!("`proxy`: {error}"))
        })?;
        let (Some(user), Some(password)) = (&self.profile.proxy_user, &self.profile.proxy_password) else {
            return Ok(Some(proxy));
        };
        let remedy = self.store_remedy(ProfileField::ProxyUser);
        let user = user.read("user of the proxy", &SecretPlace { folder: self.folder, store_remedy: &remedy })?;
        Ok(Some(proxy.with_login(user, self.secret(ProfileField::ProxyPassword, password)?)))
    }

    /// The files that contain secrets.
    pub(crate) fn private_files(&self) -> Vec<PathBuf> {
        let connector = self.profile.connector_file.as_ref().map(|path| self.folder.join(path));
        let key = connector
            .as_deref()
            .and_then(|path| ConnectorFile::read(path).ok())
            .and_then(|file| file.private_key_path().map(Path::to_owned));
        let sources = self.profile.secrets().filter_map(|source| match source {
            SecretSource::File(path) => Some(self.folder.join(path)),
            SecretSource::Env(_) | SecretSource::Keyring(_) => None,
        });
        let console = self.profile.console_file.as_ref().map(|path| self.folder.join(path));
        sources.chain(connector).chain(key).chain(console).collect()
    }

    /// Reads the certificates of the profile to trust.
    pub(crate) fn root_certificates(&self) -> Result<Option<Vec<u8>>> {
        let path = self.profile.root_certificates.as_ref();
        path.map(|path| {
            value::read_root_certificates(&self.folder.join(path)).map_err(|error| {
                Failure::usage("cannot read the root certificates")
                    .why(error)
                    .remedy("use a file with PEM certificates")
            })
        })
        .transpose()
    }

    fn secret(&self, field: ProfileField, source: &SecretSource) -> Result<Secret> {
        let store_remedy = &self.store_remedy(field);
        source.read(name_of(field), &SecretPlace { folder: self.folder, store_remedy })
    }

    fn text(&self, field: ProfileField, source: &SecretSource) -> Result<Secret> {
        let store_remedy = &self.store_remedy(field);
        source.read_text(name_of(field), &SecretPlace { folder: self.folder, store_remedy })
    }

    fn store_remedy(&self, field: ProfileField) -> String {
        format!("store it again with \"{}\"", self.store_command(field))
    }

    /// The command that sets a field.
    pub(crate) fn store_command(&self, field: ProfileField) -> String {
        let name = quote(self.name);
        match field {
            ProfileField::ClientSecret => format!("umapi config set-secret {name}"),
            ProfileField::PrivateKeyPassphrase => format!("umapi config set-secret {name} passphrase"),
            ProfileField::ProxyPassword => format!("umapi config set-secret {name} proxy-password"),
            ProfileField::PrivateKey => format!("umapi config add {name} --private-key-file private.key"),
            ProfileField::ProxyUser => format!("umapi config add {name} --proxy-user USER"),
            ProfileField::Organization => format!("umapi config add {name} --organization 12345@AdobeOrg"),
            ProfileField::ClientId => format!("umapi config add {name} --client-id 01234567"),
            ProfileField::TechnicalAccount => {
                format!("umapi config add {name} --technical-account 6@techacct.adobe.com")
            }
            field => format!("umapi config add {name} --{} VALUE", field.argument()),
        }
    }

    fn required<T>(&self, field: ProfileField, value: Option<&'a T>) -> Result<&'a T> {
        value.ok_or_else(|| {
            Failure::usage(format!("cannot log in with profile \"{}\"", self.name))
                .why(format!("`{}` is missing", field.key()))
                .remedy(format!(
                    "set it with \"{}\"; your project in the Adobe Developer Console shows the value",
                    self.store_command(field)
                ))
        })
    }

    /// The field that the login needs next, and that is missing.
    pub(crate) fn next_field(&self) -> Option<ProfileField> {
        use ProfileField as Field;
        let profile = self.profile;
        let of_client =
            [(Field::ClientId, profile.client_id.is_none()), (Field::ClientSecret, profile.client_secret.is_none())];
        let of_jwt = [
            (Field::TechnicalAccount, profile.technical_account.is_none()),
            (Field::PrivateKey, profile.private_key.is_none()),
        ];
        let organization = [(Field::Organization, profile.organization.is_none())];
        let needed: &[&[(Field, bool)]] = match profile.kind() {
            LoginKind::OAuth => &[&organization, &of_client],
            LoginKind::Jwt => &[&organization, &of_jwt, &of_client],
            LoginKind::ConnectorFile | LoginKind::ConsoleFile => &[],
        };
        needed.iter().copied().flatten().find(|(_, is_missing)| *is_missing).map(|(field, _)| *field)
    }

    fn unusable(&self, error: &auth::Error) -> Failure {
        let name = quote(self.name);
        let remedy = match self.profile.kind() {
            LoginKind::ConnectorFile => "correct the file; user-sync and umapi read the same settings in it".to_owned(),
            _ => format!("compare the output of \"umapi config show {name}\" with \"umapi help configuration\""),
        };
        Failure::usage(format!("cannot log in with profile \"{}\"", self.name)).why(error).remedy(remedy)
    }
}

/// Why a connector file cannot be used to log in.
pub(crate) enum ConnectorFailure {
    /// The keyring that has its secrets cannot be used.
    Keyring(Failure),
    File(auth::Error),
}

/// Reads the login of a connector file, with the values that user-sync has in the system keyring.
pub(crate) fn connector_credentials(file: &ConnectorFile) -> Result<Credentials, ConnectorFailure> {
    if file.keyring_entries().next().is_none() {
        return file.credentials().map_err(ConnectorFailure::File);
    }
    let keyring = Keyring::of_user_sync().map_err(|failure| {
        let entries: Vec<String> = file.keyring_entries().map(ToString::to_string).collect();
        ConnectorFailure::Keyring(failure.why(format!("user-sync has secrets of this login there: {}", entries.join(", "))).remedy(
            "unlock the keyring or, in a job without a desktop, write the secrets into the connector file, readable only by \
             you, instead of the `secure_…_key` settings",
        ))
    })?;
    file.credentials_with(|entry| keyring.read_of_user_sync(entry)).map_err(ConnectorFailure::File)
}

/// The name of a secret in messages.
fn name_of(field: ProfileField) -> &'static str {
    match field {
        ProfileField::ClientSecret => "client secret",
        ProfileField::PrivateKey => "private key",
        ProfileField::PrivateKeyPassphrase => "passphrase of the private key",
        ProfileField::ProxyPassword => "password of the proxy",
        field => field.key(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(fields: &str) -> Vec<String> {
        let file = ConfigFile::parse("config.toml".into(), &format!("[profiles.main]\n{fields}")).unwrap();
        ProfileInUse::of(&file, "main").unwrap().mistakes()
    }

    #[test]
    fn fields_that_would_have_no_effect_are_named() {
        for (fields, named) in [
            ("connector_file = \"c\"\nclient_id = \"x\"\n", "\"umapi config unset main client-id\""),
            ("connector_file = \"c\"\nconsole_file = \"x\"\n", "\"umapi config unset main console-file\""),
            (
                "console_file = \"c\"\nclient_secret = { env = \"X\" }\n",
                "`client_secret` cannot be set beside `console_file`",
            ),
            ("proxy_user = \"ann\"\n", "need a proxy"),
            ("proxy = \"http://p:1\"\nproxy_user = \"ann\"\n", "set-secret main proxy-password"),
            ("proxy = \"http://p:1\"\nproxy_password = { env = \"X\" }\n", "`proxy_user` is missing"),
        ] {
            let mistakes = mistakes(fields);
            assert!(mistakes.len() == 1 && mistakes[0].contains(named), "{named}: {mistakes:?}");
        }
        assert_eq!(mistakes("console_file = \"c\"\nprivate_key = { file = \"k\" }\n"), Vec::<String>::new());
    }

    #[test]
    fn all_mistakes_of_a_profile_are_listed() {
        let all = mistakes(
            "organization = \"x\"\nclient_id = \" \"\nserver = \"x\"\nlogin_server = \"x\"\nproxy = \"http://a:planted@b\"\n\
             root_certificates = \"/nowhere\"\ntechnical_account = \"x\"\n",
        );
        assert_eq!(all.len(), 7, "{all:?}");
        assert!(!all.concat().contains("planted"), "{all:?}");
    }

    #[test]
    fn passphrase_alone_is_a_jwt_login_without_its_key() {
        let file =
            ConfigFile::parse("c".into(), "[profiles.main]\nprivate_key_passphrase = { env = \"X\" }\n").unwrap();
        let profile = ProfileInUse::of(&file, "main").unwrap();
        assert_eq!((profile.profile.kind(), profile.next_field()), (LoginKind::Jwt, Some(ProfileField::Organization)));
    }
}
