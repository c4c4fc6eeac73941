//! `umapi config`: list, show, write and remove profiles of the configuration.

use std::{
    fmt,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use toml_edit::InlineTable;
use umapi::auth::{Credentials, Secret};

use crate::{
    config::{ConfigFile, Keyring, Profile, SecretSource},
    context::Context,
    failure::{Exit, Failure, Result},
    output::{Column, Record, column},
    private_file,
};

/// Manage profiles: organizations and their logins
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  umapi config add main --organization 12345@AdobeOrg --client-id 01234567
  umapi config set-secret main                  Enter the client secret
  umapi config import connector-umapi.yml --name sync
  umapi auth check --profile main")]
pub(crate) enum ConfigCommand {
    List(ListArgs),
    Show(ShowArgs),
    Add(Box<AddArgs>),
    SetSecret(SetSecretArgs),
    Import(ImportArgs),
    Use(UseArgs),
    Remove(RemoveArgs),
    /// Show the path of the configuration file
    Path,
}

/// Set the default profile
#[derive(clap::Args, Debug)]
pub(crate) struct UseArgs {
    /// The profile to use without --profile
    name: String,
}

impl ConfigCommand {
    pub(crate) fn run(self, context: &Context) -> Result<Exit> {
        let file = ConfigFile::read(context.global.config.as_deref())?;
        match self {
            Self::List(arguments) => arguments.run(context, &file),
            Self::Show(arguments) => arguments.run(context, &file),
            Self::Add(arguments) => arguments.run(context, file),
            Self::SetSecret(arguments) => arguments.run(context, file),
            Self::Import(arguments) => arguments.run(context, file),
            Self::Remove(arguments) => arguments.run(context, file),
            Self::Use(arguments) => arguments.run(context, file),
            Self::Path => {
                context.write(format!("{}\n", file.path().display()).as_bytes())?;
                Ok(Exit::Success)
            }
        }
    }
}

impl UseArgs {
    fn run(self, context: &Context, mut file: ConfigFile) -> Result<Exit> {
        file.profile(&self.name)?;
        file.set_default(&self.name);
        file.save()?;
        context.note(&format!("default profile: {}", self.name));
        Ok(Exit::Success)
    }
}

/// List the profiles
#[derive(Args, Debug)]
pub(crate) struct ListArgs {}

#[derive(Serialize)]
struct ProfileRecord {
    name: String,
    is_default: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    login: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
}

impl Record for ProfileRecord {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("name", |record: &Self| (&record.name).into()),
            column("is_default", |record| if record.is_default { "yes" } else { "" }.into()),
            column("organization", |record| (&record.organization).into()),
            column("login", |record| record.login.into()),
            column("client_id", |record| (&record.client_id).into()),
        ]
    }
}

impl ProfileRecord {
    fn of(name: &str, profile: &Profile, default: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            is_default: default == Some(name),
            organization: profile.organization.clone(),
            login: profile.kind().describe(),
            client_id: profile.client_id.clone(),
        }
    }
}

impl ListArgs {
    fn run(self, context: &Context, file: &ConfigFile) -> Result<Exit> {
        let mut listing = context.listing();
        for (name, profile) in file.profiles() {
            listing.push(&ProfileRecord::of(name, profile, file.default_profile()))?;
        }
        if listing.finish()? == 0 {
            context.note(&format!("{} has no profiles; add one with \"umapi config add NAME\"", file.path().display()));
        }
        Ok(Exit::Success)
    }
}

/// Show a profile and where its secrets are stored (never the secrets)
#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// The profile [default: the default profile]
    name: Option<String>,
}

#[derive(Serialize)]
struct ProfileDetails {
    name: String,
    login: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    technical_account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key_passphrase: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_certificates: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<String>,
}

impl Record for ProfileDetails {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("name", |details: &Self| (&details.name).into()),
            column("login", |details| details.login.into()),
            column("organization", |details| (&details.organization).into()),
            column("client_id", |details| (&details.client_id).into()),
            column("technical_account", |details| (&details.technical_account).into()),
            column("client_secret", |details| (&details.client_secret).into()),
            column("private_key", |details| (&details.private_key).into()),
            column("private_key_passphrase", |details| (&details.private_key_passphrase).into()),
            column("file", |details| (&details.file).into()),
            column("server", |details| (&details.server).into()),
            column("login_server", |details| (&details.login_server).into()),
            column("root_certificates", |details| (&details.root_certificates).into()),
            column("proxy", |details| (&details.proxy).into()),
        ]
    }
}

impl ProfileDetails {
    fn of(name: &str, profile: &Profile) -> Self {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let secret = |source: &Option<SecretSource>| source.as_ref().map(SecretSource::describe);
        Self {
            name: name.to_owned(),
            login: profile.kind().describe(),
            organization: profile.organization.clone(),
            client_id: profile.client_id.clone(),
            technical_account: profile.technical_account.clone(),
            client_secret: secret(&profile.client_secret),
            private_key: secret(&profile.private_key),
            private_key_passphrase: secret(&profile.private_key_passphrase),
            file: path(&profile.connector_file).or_else(|| path(&profile.console_file)),
            server: profile.server.clone(),
            login_server: profile.login_server.clone(),
            root_certificates: path(&profile.root_certificates),
            proxy: profile.proxy.clone(),
        }
    }
}

impl ShowArgs {
    fn run(self, context: &Context, file: &ConfigFile) -> Result<Exit> {
        let name = self.name.as_deref().or(context.global.profile.as_deref()).or(file.default_profile());
        let name = name.ok_or_else(|| {
            Failure::usage("no profile is selected, and there is no default profile")
                .remedy("name a profile; list the profiles with \"umapi config list\"")
        })?;
        context.write_single(&ProfileDetails::of(name, file.profile(name)?))?;
        Ok(Exit::Success)
    }
}

/// Add a profile, or change the given fields of an existing one
///
/// Secrets are not arguments. Enter them with `umapi config set-secret`, or name the environment variable or the file that
/// contains them.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi config add main --organization 12345@AdobeOrg --client-id 01234567
  umapi config add main --client-secret-env MAIN_SECRET
  umapi config add old --organization 12345@AdobeOrg --client-id 01234567 \\
      --technical-account 6@techacct.adobe.com --private-key-file private.key
  umapi config add console --console-file credential.json")]
pub(crate) struct AddArgs {
    /// The name of the profile: letters, digits, `-` and `_`
    #[arg(value_parser = profile_name)]
    name: String,

    /// The organization id, e.g. 12345@AdobeOrg
    #[arg(long, value_name = "ORG_ID")]
    organization: Option<String>,

    /// The client id (API key)
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// The environment variable that contains the client secret
    #[arg(long, value_name = "VARIABLE", conflicts_with = "client_secret_file")]
    client_secret_env: Option<String>,

    /// The file that contains the client secret
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,

    /// The technical account for the JWT exchange, e.g. 6@techacct.adobe.com
    #[arg(long, value_name = "ID")]
    technical_account: Option<String>,

    /// The file with the private key (PEM) for the JWT exchange
    #[arg(long, value_name = "FILE")]
    private_key_file: Option<PathBuf>,

    /// The JSON file of the credential, from the Adobe Developer Console
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["client_id", "client_secret_env", "client_secret_file", "technical_account"]
    )]
    console_file: Option<PathBuf>,

    /// The address of the service [default: production]
    #[arg(long, value_name = "URL")]
    server: Option<String>,

    /// The address of the login [default: production]
    #[arg(long, value_name = "URL")]
    login_server: Option<String>,

    /// A file with additional certificates to trust (PEM)
    #[arg(long, value_name = "FILE")]
    root_certificates: Option<PathBuf>,

    /// The proxy to use, e.g. http://proxy.example:8080
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
}

impl AddArgs {
    fn run(self, context: &Context, mut file: ConfigFile) -> Result<Exit> {
        let name = self.name.as_str();
        file.add(name);
        for (field, value) in [
            ("organization", self.organization),
            ("client_id", self.client_id),
            ("technical_account", self.technical_account),
            ("server", self.server),
            ("login_server", self.login_server),
            ("proxy", self.proxy),
        ] {
            if let Some(value) = value {
                file.set(name, field, value);
            }
        }
        for (field, path) in [("console_file", self.console_file), ("root_certificates", self.root_certificates)] {
            if let Some(path) = path {
                file.set(name, field, absolute(&path)?);
            }
        }
        for (field, path) in [("client_secret", self.client_secret_file), ("private_key", self.private_key_file)] {
            if let Some(path) = path {
                file.set(name, field, place("file", &absolute(&path)?));
            }
        }
        if let Some(variable) = self.client_secret_env {
            file.set(name, "client_secret", place("env", &variable));
        }
        let file = file.save()?;
        let profile = file.profile(name)?;
        if profile.client_secret.is_none() && profile.client_id.is_some() {
            context.note(&format!("next: store the client secret with \"umapi config set-secret {name}\""));
        } else {
            context.note(&format!("next: check the login with \"umapi auth check --profile {name}\""));
        }
        Ok(Exit::Success)
    }
}

/// Builds the value of a secret: `{ file = "…" }`.
fn place(kind: &str, value: &str) -> InlineTable {
    [(kind, value)].into_iter().collect()
}

/// Makes a path independent of the current folder.
fn absolute(path: &Path) -> Result<String> {
    let absolute = std::path::absolute(path).map_err(|error| {
        Failure::usage(format!("cannot use the path {}", path.display())).why(error).remedy("use an absolute path")
    })?;
    absolute.into_os_string().into_string().map_err(|path| {
        Failure::usage("cannot write the path into the configuration")
            .why(format!("{} is not valid Unicode text", path.display()))
            .remedy("rename the file or its folder")
    })
}

/// Accepts names that need no quotes in TOML and in a shell.
fn profile_name(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !text.is_empty() && text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err("a profile name may contain letters, digits, `-` and `_`".to_owned())
}

/// Store a secret of a profile in the system keyring or in a private file
///
/// The secret is entered on the terminal or read from stdin. It is never an argument, because other users of the machine
/// can see those.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi config set-secret main                  Enter the client secret
  umapi config set-secret main --to-file main.secret < secret.txt
  umapi config set-secret old passphrase")]
pub(crate) struct SetSecretArgs {
    /// The profile
    name: String,

    /// The secret to store
    #[arg(value_enum, default_value_t)]
    secret: SecretField,

    /// Store it in this file, readable only by you, not in the keyring
    #[arg(long, value_name = "FILE")]
    to_file: Option<PathBuf>,
}

/// The secrets that can be entered. A private key is a file.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum SecretField {
    /// The client secret
    #[default]
    ClientSecret,
    /// The passphrase of the private key
    Passphrase,
}

impl SecretField {
    fn key(self) -> &'static str {
        match self {
            Self::ClientSecret => "client_secret",
            Self::Passphrase => "private_key_passphrase",
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::ClientSecret => "client secret",
            Self::Passphrase => "passphrase of the private key",
        }
    }
}

impl SetSecretArgs {
    fn run(self, context: &Context, mut file: ConfigFile) -> Result<Exit> {
        file.profile(&self.name)?;
        let secret = ask(context, self.secret)?;
        let stored = match &self.to_file {
            Some(path) => {
                private_file::replace(path, secret.reveal().as_bytes()).map_err(|error| {
                    Failure::failed(format!("cannot write {}", path.display()))
                        .why(error)
                        .remedy("use a file in a folder that you can write to")
                })?;
                file.set(&self.name, self.secret.key(), place("file", &absolute(path)?));
                path.display().to_string()
            }
            None => {
                let keyring = Keyring::open()?;
                let entry = format!("{}/{}", self.name, self.secret.key());
                keyring.write(&entry, secret.reveal())?;
                file.set(&self.name, self.secret.key(), place("keyring", &entry));
                keyring.vendor()
            }
        };
        file.save()?;
        context.note(&format!(
            "stored in: {stored}\nnext: check the login with \"umapi auth check --profile {}\"",
            self.name
        ));
        Ok(Exit::Success)
    }
}

/// Asks for the secret on the terminal without showing it. Reads stdin if there is no terminal.
fn ask(context: &Context, field: SecretField) -> Result<Secret> {
    let unread = |why: &dyn fmt::Display| {
        Failure::usage(format!("cannot read the {}", field.describe()))
            .why(why)
            .remedy("enter it, or write it to stdin")
    };
    let text = if context.terminal.is_interactive() {
        dialoguer::Password::new().with_prompt(field.describe()).interact().map_err(|error| unread(&error))?
    } else {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map_err(|error| unread(&error))?;
        text
    };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(unread(&"it is empty"));
    }
    Ok(Secret::from(text))
}

/// Import the connector file of user-sync as a profile
///
/// The profile refers to the file, so its secrets stay in one place and user-sync can still use it.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  umapi config import connector-umapi.yml --name sync")]
pub(crate) struct ImportArgs {
    /// The connector file, usually connector-umapi.yml
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The name of the profile
    #[arg(long, default_value = "user-sync", value_parser = profile_name)]
    name: String,
}

impl ImportArgs {
    fn run(self, context: &Context, mut file: ConfigFile) -> Result<Exit> {
        let unusable = || Failure::usage(format!("cannot import {}", self.file.display()));
        let credentials = Credentials::from_connector_file(&self.file)
            .map_err(|error| unusable().why(error).remedy("use the connector-umapi.yml that user-sync logs in with"))?;
        let organization = credentials.organization().ok_or_else(|| {
            unusable().why("the organization is missing").remedy("add `enterprise.org_id` to the file")
        })?;
        file.set(&self.name, "organization", organization);
        file.set(&self.name, "connector_file", absolute(&self.file)?);
        file.save()?;
        if private_file::is_open_to_others(&self.file) {
            context
                .warn(&format!("other users can read the secrets in {0}; run \"chmod 600 {0}\"", self.file.display()));
        }
        context.note(&format!("next: check the login with \"umapi auth check --profile {}\"", self.name));
        Ok(Exit::Success)
    }
}

/// Remove a profile, and its secrets from the system keyring (not files)
#[derive(Args, Debug)]
pub(crate) struct RemoveArgs {
    /// The profile
    name: String,
}

impl RemoveArgs {
    fn run(self, context: &Context, mut file: ConfigFile) -> Result<Exit> {
        for (_, source) in file.profile(&self.name)?.secrets() {
            if let SecretSource::Keyring(entry) = source {
                Keyring::open()?.remove(entry)?;
            }
        }
        file.remove(&self.name);
        file.save()?;
        context.note(&format!("removed the profile {}", self.name));
        Ok(Exit::Success)
    }
}
