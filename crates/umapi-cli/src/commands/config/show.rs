//! `umapi config show`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::{
    config::{ConfigFile, Profile, SecretSource},
    context::Context,
    exit::Exit,
    failure::{Failure, Result},
    output::{Column, Record, column},
};

/// Shows a profile: never its secrets, but where they are kept.
#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// The profile; without a name, the default one.
    name: Option<String>,
}

#[derive(Serialize)]
struct Shown {
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

impl Record for Shown {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("name", |shown: &Self| (&shown.name).into()),
            column("login", |shown| shown.login.into()),
            column("organization", |shown| (&shown.organization).into()),
            column("client_id", |shown| (&shown.client_id).into()),
            column("technical_account", |shown| (&shown.technical_account).into()),
            column("client_secret", |shown| (&shown.client_secret).into()),
            column("private_key", |shown| (&shown.private_key).into()),
            column("private_key_passphrase", |shown| (&shown.private_key_passphrase).into()),
            column("file", |shown| (&shown.file).into()),
            column("server", |shown| (&shown.server).into()),
            column("login_server", |shown| (&shown.login_server).into()),
            column("root_certificates", |shown| (&shown.root_certificates).into()),
            column("proxy", |shown| (&shown.proxy).into()),
        ]
    }
}

impl Shown {
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
    pub(super) fn run(self, context: &Context, file: &ConfigFile) -> Result<Exit> {
        let name = self.name.as_deref().or(context.global.profile.as_deref()).or(file.default_profile());
        let name = name.ok_or_else(|| {
            Failure::usage("which profile?")
                .why("no name was given, and there is no default")
                .remedy("umapi config list shows the profiles")
        })?;
        context.write_single(&Shown::of(name, file.profile(name)?))?;
        Ok(Exit::Done)
    }
}
