//! `umapi config`: list, show, write and remove profiles of the configuration.

mod set_secret;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use serde::Serialize;
use toml_edit::InlineTable;
use umapi::auth::{ConnectorFile, Credentials, Endpoint, KeyError, PrivateKey, Secret};

use self::set_secret::SetSecretArgs;
pub(super) use self::set_secret::ask as ask_for_secret;
use crate::{
    config::{
        ConfigFile, ConnectorFailure, Keyring, LoginKind, PRODUCTION, Profile, ProfileField, ProfileInUse,
        SecretSource, SharedSection, TextSource, check_variable, connector_credentials, permission_warnings, quote,
        without_login,
    },
    context::Context,
    failure::{Exit, Failure, Result},
    output::{Column, Record, column},
};

/// Manage profiles: organizations and their logins
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  umapi config add main --organization 12345@AdobeOrg --client-id 01234567
  umapi config set-secret main                  Enter the client secret
  umapi config unset main server login-server   Use production again
  umapi config import connector-umapi.yml --name sync
  umapi auth check --profile main")]
pub(crate) enum ConfigCommand {
    List(ListArgs),
    Show(ShowArgs),
    Add(Box<AddArgs>),
    SetSecret(SetSecretArgs),
    Unset(UnsetArgs),
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
        match self {
            Self::List(arguments) => arguments.run(context, &read(context)?),
            Self::Show(arguments) => arguments.run(context, &read(context)?),
            Self::Add(arguments) => arguments.run(context),
            Self::SetSecret(arguments) => arguments.run(context),
            Self::Unset(arguments) => arguments.run(context),
            Self::Import(arguments) => arguments.run(context),
            Self::Remove(arguments) => arguments.run(context),
            Self::Use(arguments) => arguments.run(context),
            Self::Path => {
                context.write(format!("{}\n", read(context)?.path().display()).as_bytes())?;
                Ok(Exit::Success)
            }
        }
    }
}

fn read(context: &Context) -> Result<ConfigFile> {
    ConfigFile::read(context.global.config.as_deref())
}

fn edit<T>(context: &Context, change: impl FnOnce(&mut ConfigFile) -> Result<T>) -> Result<(ConfigFile, T)> {
    ConfigFile::edit(context.global.config.as_deref(), change)
}

/// Says which profile calls without `--profile` use from now on.
fn note_default(context: &Context, default: Option<&str>) {
    if let Some(default) = default {
        context.note(&format!("default profile: {default}"));
    }
}

impl UseArgs {
    fn run(self, context: &Context) -> Result<Exit> {
        edit(context, |file| {
            file.profile(&self.name)?;
            file.set_default(&self.name);
            Ok(())
        })?;
        note_default(context, Some(&self.name));
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
            context.note(&format!("{} has no profiles; add one with \"umapi config add main\"", file.path().display()));
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
    /// The secrets of user-sync in the system keyring.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keyring_entries: Vec<String>,
    /// Missing only if the connector file, which may name it, cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_certificates: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_password: Option<String>,
    /// The address of Redis, of the section `[shared]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    shared: Option<String>,
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
            column("keyring_entries", |details| (&details.keyring_entries).into()),
            column("server", |details| (&details.server).into()),
            column("login_server", |details| (&details.login_server).into()),
            column("root_certificates", |details| (&details.root_certificates).into()),
            column("proxy", |details| (&details.proxy).into()),
            column("proxy_user", |details| (&details.proxy_user).into()),
            column("proxy_password", |details| (&details.proxy_password).into()),
            column("shared", |details| (&details.shared).into()),
        ]
    }
}

/// The addresses of a profile in effect: of the service and of the login.
struct Addresses {
    server: String,
    login_server: String,
}

impl Addresses {
    /// Whether one of them is production, and the other one is not: a login there would not work here.
    fn are_mixed(&self) -> bool {
        (self.server == PRODUCTION) != (self.login_server == Endpoint::PRODUCTION)
    }
}

/// The addresses of a profile: its own, those of its connector file, or production.
fn addresses(profile: &Profile, connector: Option<&ConnectorFile>) -> Addresses {
    let of_file = connector.and_then(ConnectorFile::service_url).unwrap_or(PRODUCTION);
    let login_of_file =
        connector.map_or_else(|| Endpoint::PRODUCTION.to_owned(), |file| file.login_server().to_string());
    Addresses {
        server: profile.server.as_deref().map_or_else(|| of_file.to_owned(), without_login),
        login_server: profile.login_server.as_deref().map_or(login_of_file, without_login),
    }
}

/// Warns if the login and the requests go to different places.
fn warn_about_addresses(context: &Context, name: &str, addresses: &Addresses) {
    if addresses.are_mixed() {
        context.warn(&format!(
            "the login goes to {}, and its token to {}; if that is not intended, set both with \"umapi config add {} \
             --server URL --login-server URL\"",
            addresses.login_server,
            addresses.server,
            quote(name)
        ));
    }
}

impl ProfileDetails {
    fn of(name: &str, profile: &Profile, connector: Option<&ConnectorFile>, addresses: Option<Addresses>) -> Self {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let secret = |source: &Option<SecretSource>| source.as_ref().map(SecretSource::describe);
        let of_file = |value: fn(&ConnectorFile) -> Option<&str>| connector.and_then(value).map(str::to_owned);
        let (server, login_server) = addresses.map(|addresses| (addresses.server, addresses.login_server)).unzip();
        Self {
            name: name.to_owned(),
            login: profile.kind().describe(),
            organization: profile.organization.clone().or_else(|| of_file(|file| Some(file.organization()))),
            client_id: profile.client_id.clone().or_else(|| of_file(ConnectorFile::client_id)),
            technical_account: profile.technical_account.clone().or_else(|| of_file(ConnectorFile::technical_account)),
            client_secret: secret(&profile.client_secret),
            private_key: secret(&profile.private_key)
                .or_else(|| Some(format!("file {}", connector?.private_key_path()?.display()))),
            private_key_passphrase: secret(&profile.private_key_passphrase),
            file: path(&profile.connector_file).or_else(|| path(&profile.console_file)),
            keyring_entries: connector
                .map(|file| file.keyring_entries().map(ToString::to_string).collect())
                .unwrap_or_default(),
            server,
            login_server,
            root_certificates: path(&profile.root_certificates),
            proxy: profile.proxy.as_deref().map(without_login),
            proxy_user: profile.proxy_user.as_ref().map(TextSource::describe),
            proxy_password: secret(&profile.proxy_password),
            shared: None,
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
        let profile = ProfileInUse::of(file, name)?;
        // Whatever is wrong with the profile, the rest is shown.
        let connector = match profile.profile.kind() {
            LoginKind::ConnectorFile => Some(profile.connector()),
            _ => None,
        };
        let readable = connector.as_ref().and_then(|connector| connector.as_ref().ok());
        let is_unreadable = connector.is_some() && readable.is_none();
        let known = (!is_unreadable).then(|| addresses(profile.profile, readable));
        let details = ProfileDetails::of(name, profile.profile, readable, known);
        context.write_single(&ProfileDetails { shared: file.shared().map(SharedSection::address), ..details })?;
        ProfileInUse::rejected(format!("profile \"{name}\" cannot be used"), profile.mistakes())?;
        if let Some(Err(failure)) = connector {
            return Err(failure);
        }
        warn_about_addresses(context, name, &addresses(profile.profile, readable));
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
    #[arg(long, value_name = "VARIABLE", conflicts_with = "client_secret_file", value_parser = variable)]
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

    /// The user of the proxy; store the password with `umapi config set-secret`
    #[arg(long, value_name = "USER")]
    proxy_user: Option<String>,

    /// The environment variable that contains the password of the proxy
    #[arg(long, value_name = "VARIABLE", value_parser = variable)]
    proxy_password_env: Option<String>,
}

impl AddArgs {
    fn run(self, context: &Context) -> Result<Exit> {
        let name = self.name.clone();
        let (files, mistakes_in_files) = self.check_files();
        let warnings = permission_warnings(&files, context.global.strict_permissions)?;
        let (file, default) = edit(context, |file| {
            let before = match file.profiles().get(&name) {
                Some(_) => ProfileInUse::of(file, &name)?.mistakes(),
                None => Vec::new(),
            };
            let default = file.add(&name);
            self.set(file)?;
            let changed = file.changed()?;
            let mut mistakes = ProfileInUse::of(&changed, &name)?.mistakes();
            // A profile with mistakes of an editor can be corrected one by one.
            mistakes.retain(|mistake| !before.contains(mistake));
            // The password of a proxy is stored after its user.
            mistakes.retain(|mistake| !mistake.starts_with("`proxy_password` is missing"));
            mistakes.extend(mistakes_in_files);
            ProfileInUse::rejected(format!("cannot write profile \"{name}\"; nothing was changed"), mistakes)?;
            Ok(default)
        })?;
        note_default(context, default.as_deref());
        for warning in &warnings {
            context.warn(warning);
        }
        let profile = ProfileInUse::of(&file, &name)?;
        let connector =
            (profile.profile.kind() == LoginKind::ConnectorFile).then(|| profile.connector()).transpose()?;
        warn_about_addresses(context, &name, &addresses(profile.profile, connector.as_ref()));
        // What is left to correct comes first.
        let left = profile.mistakes();
        for mistake in &left {
            context.warn(mistake);
        }
        match profile.next_field() {
            Some(field) => {
                context.note(&format!("next: set `{}` with \"{}\"", field.key(), profile.store_command(field)));
            }
            None if left.is_empty() => context.note(&next_check(&name)),
            None => {}
        }
        Ok(Exit::Success)
    }

    /// Checks the given files. Returns those with secrets, and what is wrong with them.
    fn check_files(&self) -> (Vec<PathBuf>, Vec<String>) {
        let mut mistakes = Vec::new();
        let mut check = |path: &Path, check: &dyn Fn(&Secret) -> Result<(), String>| {
            let checked = match std::fs::read(path) {
                Ok(bytes) => Secret::decode(&bytes).map_err(|error| error.to_string()).and_then(|text| check(&text)),
                Err(error) => Err(error.to_string()),
            };
            if let Err(why) = checked {
                mistakes.push(format!("{}: {why}", path.display()));
            }
        };
        if let Some(path) = &self.client_secret_file {
            check(path, &|text| Secret::parse(text.reveal()).map(drop).map_err(|error| error.to_string()));
        }
        if let Some(path) = &self.private_key_file {
            check(path, &|text| match PrivateKey::from_pem(text.reveal(), None) {
                // The passphrase is stored afterwards.
                Ok(_) | Err(KeyError::PassphraseMissing) => Ok(()),
                Err(error) => Err(error.to_string()),
            });
        }
        if let Some(path) = &self.console_file {
            check(path, &|text| match Credentials::from_console_json(text.reveal(), None, None) {
                Ok(_) => Ok(()),
                // The key is a field of its own.
                Err(error) if error.to_string().contains("the private key, which is not part of this JSON") => Ok(()),
                Err(error) => Err(error.to_string()),
            });
        }
        let files = [&self.client_secret_file, &self.private_key_file, &self.console_file];
        (files.into_iter().flatten().cloned().collect(), mistakes)
    }

    fn set(self, file: &mut ConfigFile) -> Result<()> {
        let name = self.name.as_str();
        for (field, value) in [
            ("organization", self.organization),
            ("client_id", self.client_id),
            ("technical_account", self.technical_account),
            ("server", self.server),
            ("login_server", self.login_server),
            ("proxy", self.proxy),
            ("proxy_user", self.proxy_user),
        ] {
            if let Some(value) = value {
                file.set(name, field, value.trim());
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
        for (field, variable) in
            [("client_secret", self.client_secret_env), ("proxy_password", self.proxy_password_env)]
        {
            if let Some(variable) = variable {
                file.set(name, field, place("env", &variable));
            }
        }
        Ok(())
    }
}

fn next_check(name: &str) -> String {
    format!("next: check the login with \"umapi auth check --profile {}\"", quote(name))
}

fn variable(name: &str) -> Result<String, String> {
    check_variable(name).map(|()| name.to_owned())
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
    fn run(self, context: &Context) -> Result<Exit> {
        let unusable = |why: &dyn fmt::Display| {
            Failure::usage(format!("cannot import {}", self.file.display()))
                .why(why)
                .remedy("use the connector-umapi.yml that user-sync logs in with")
        };
        let connector = ConnectorFile::read(&self.file).map_err(|error| unusable(&error))?;
        connector_credentials(&connector).map_err(|failure| match failure {
            ConnectorFailure::Keyring(failure) => failure,
            ConnectorFailure::File(error) => unusable(&error),
        })?;
        let files: Vec<PathBuf> = [Some(self.file.as_path()), connector.private_key_path()]
            .into_iter()
            .flatten()
            .map(Path::to_owned)
            .collect();
        let warnings = permission_warnings(&files, context.global.strict_permissions)?;
        let (file, default) = edit(context, |file| {
            let default = file.add(&self.name);
            file.set(&self.name, "organization", connector.organization());
            file.set(&self.name, "connector_file", absolute(&self.file)?);
            let mistakes = ProfileInUse::of(&file.changed()?, &self.name)?.mistakes();
            ProfileInUse::rejected(
                format!("cannot import {} as profile \"{}\"; nothing was changed", self.file.display(), self.name),
                mistakes,
            )?;
            Ok(default)
        })?;
        note_default(context, default.as_deref());
        for warning in warnings.iter().chain(connector.ignored()) {
            context.warn(warning);
        }
        let addresses = addresses(file.profile(&self.name)?, Some(&connector));
        context.note(&format!("server: {}\nlogin_server: {}", addresses.server, addresses.login_server));
        warn_about_addresses(context, &self.name, &addresses);
        context.note(&next_check(&self.name));
        Ok(Exit::Success)
    }
}

/// Remove fields of a profile, so that their defaults apply again
///
/// A secret of this profile in the system keyring is removed too, a file is not.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi config unset main proxy
  umapi config unset main server login-server   Use production again")]
pub(crate) struct UnsetArgs {
    /// The profile
    name: String,

    /// The fields to remove
    #[arg(value_enum, required = true, value_name = "FIELD")]
    fields: Vec<ProfileField>,
}

impl UnsetArgs {
    fn run(self, context: &Context) -> Result<Exit> {
        let (file, (secrets, missing)) = edit(context, |file| {
            let secrets: Vec<SecretSource> = file.profile(&self.name)?.secrets().cloned().collect();
            let fields = self.fields.iter().copied();
            let missing: Vec<ProfileField> = fields.filter(|field| !file.unset(&self.name, field.key())).collect();
            Ok((secrets, missing))
        })?;
        forget(context, secrets, &file)?;
        for field in missing {
            context.note(&format!("{} has no `{}`", self.name, field.key()));
        }
        let profile = ProfileInUse::of(&file, &self.name)?;
        let connector =
            (profile.profile.kind() == LoginKind::ConnectorFile).then(|| profile.connector().ok()).flatten();
        warn_about_addresses(context, &self.name, &addresses(profile.profile, connector.as_ref()));
        Ok(Exit::Success)
    }
}

/// Removes entries of the keyring that no profile refers to any more.
fn forget(context: &Context, secrets: Vec<SecretSource>, file: &ConfigFile) -> Result<()> {
    let is_used =
        |source: &SecretSource| file.profiles().values().any(|profile| profile.secrets().any(|used| used == source));
    for source in secrets.iter().filter(|source| !is_used(source)) {
        let SecretSource::Keyring(entry) = source else { continue };
        if let Err(failure) = Keyring::open().and_then(|keyring| keyring.remove(entry)) {
            // The configuration is changed already, and that is what was asked for.
            context.warn(&format!("the entry `{entry}` may still be in the system keyring: {failure}"));
        }
    }
    Ok(())
}

/// Remove a profile, and its secrets from the system keyring (not files)
#[derive(Args, Debug)]
pub(crate) struct RemoveArgs {
    /// The profile
    name: String,
}

impl RemoveArgs {
    fn run(self, context: &Context) -> Result<Exit> {
        let (file, secrets) = edit(context, |file| {
            let secrets: Vec<SecretSource> = file.profile(&self.name)?.secrets().cloned().collect();
            let others: Vec<&str> =
                file.profiles().keys().map(String::as_str).filter(|name| *name != self.name).collect();
            // Another profile must not become the default unnoticed: jobs without `--profile` would change its organization.
            if let (true, Some(other)) = (file.default_profile() == Some(self.name.as_str()), others.first()) {
                return Err(Failure::usage(format!("\"{}\" is the default profile", self.name))
                    .why("calls without --profile would use another organization, or none")
                    .remedy(format!(
                        "choose the default profile first, e.g. with \"umapi config use {}\"",
                        quote(other)
                    )));
            }
            file.remove(&self.name);
            Ok(secrets)
        })?;
        forget(context, secrets, &file)?;
        context.note(&format!("removed the profile {}", self.name));
        Ok(Exit::Success)
    }
}
