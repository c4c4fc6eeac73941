//! `umapi config add`.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::{
    config::ConfigFile,
    context::Context,
    exit::Exit,
    failure::{Failure, Result},
};

/// Makes a profile, or changes fields of one that is there.
///
/// Secrets are not given here: `umapi config set-secret` asks for them. Where a secret is kept in a variable or a file,
/// name it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi config add main --organization 12345@AdobeOrg --client-id 0123456789abcdef
  umapi config add main --client-secret-env MAIN_SECRET
  umapi config add old --organization 12345@AdobeOrg --client-id 0123456789abcdef \\
      --technical-account 6789@techacct.adobe.com --private-key-file private.key
  umapi config add console --console-file credential.json")]
pub(crate) struct AddArgs {
    /// The name of the profile.
    #[arg(value_parser = profile_name)]
    name: String,

    /// The organization: 12345@AdobeOrg.
    #[arg(long, value_name = "ORG_ID")]
    organization: Option<String>,

    /// The client id, also called API key.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// The environment variable that holds the client secret.
    #[arg(long, value_name = "VARIABLE", conflicts_with = "client_secret_file")]
    client_secret_env: Option<String>,

    /// The file that holds the client secret.
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,

    /// The technical account, for the JWT exchange: …@techacct.adobe.com.
    #[arg(long, value_name = "ID")]
    technical_account: Option<String>,

    /// The file with the private key (PEM), for the JWT exchange.
    #[arg(long, value_name = "FILE")]
    private_key_file: Option<PathBuf>,

    /// The JSON that the Adobe Developer Console lets you download: it has all of the above but the key.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["client_id", "client_secret_env", "client_secret_file", "technical_account"]
    )]
    console_file: Option<PathBuf>,

    /// The address of the service, if not that of production.
    #[arg(long, value_name = "URL")]
    server: Option<String>,

    /// The address of the login, if not that of production.
    #[arg(long, value_name = "URL")]
    login_server: Option<String>,

    /// Certificates to trust beside those of the machine (PEM).
    #[arg(long, value_name = "FILE")]
    root_certificates: Option<PathBuf>,

    /// The proxy to send through: http://proxy.example:8080.
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
}

impl AddArgs {
    pub(super) fn run(self, context: &Context, mut file: ConfigFile) -> Result<Exit> {
        let name = self.name.as_str();
        file.make(name);
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
            context.hint(&format!("the client secret is still missing: umapi config set-secret {name}"));
        } else {
            context.hint(&format!("see whether it works: umapi auth check --profile {name}"));
        }
        Ok(Exit::Done)
    }
}

/// `{ file = "…" }`.
pub(super) fn place(kind: &str, value: &str) -> toml_edit::InlineTable {
    [(kind, value)].into_iter().collect()
}

/// A path that means the same from everywhere.
pub(super) fn absolute(path: &Path) -> Result<String> {
    let absolute = std::path::absolute(path).map_err(|error| {
        Failure::usage(format!("cannot use the path {}", path.display())).why(error).remedy("give an absolute path")
    })?;
    absolute.into_os_string().into_string().map_err(|path| {
        Failure::usage("cannot write the path into the configuration")
            .why(format!("{} is not valid Unicode", path.display()))
            .remedy("rename the file or its folder")
    })
}

/// Names that need no quotes, in the file and in a shell.
pub(super) fn profile_name(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !text.is_empty() && text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err("a profile is named by letters, digits, `-` and `_`".to_owned())
}
