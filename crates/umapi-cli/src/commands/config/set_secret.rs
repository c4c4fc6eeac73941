//! `umapi config set-secret`: store a secret of a profile.

use std::{
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use umapi::auth::Secret;
use zeroize::Zeroizing;

use super::{absolute, edit, next_check, place, read};
use crate::{
    config::{ConfigFile, Keyring, LoginKind, Profile, ProfileField, ProfileInUse, SecretSource, quote},
    context::Context,
    failure::{Exit, Failure, Result},
    private_file,
};

/// Store a secret of a profile in the system keyring or in a private file
///
/// The secret is entered on the terminal or read from stdin. It is never an argument, because other users of the machine
/// can see those. Blank lines and quotes around it are not part of it.
#[derive(Args, Debug)]
#[command(after_help = "\\
Examples:
  umapi config set-secret main                  Enter the client secret
  umapi config set-secret main --to-file main.secret < secret.txt
  umapi config set-secret old passphrase")]
pub(crate) struct SetSecretArgs {
    /// The profile
    name: String,

    /// The secret to store
    #[arg(value_enum, default_value_t)]
    secret: SecretName,

    /// Store it in this file, readable only by you, not in the keyring
    #[arg(long, value_name = "FILE")]
    to_file: Option<PathBuf>,
}

/// The secrets that can be entered. A private key is a file.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum SecretName {
    /// The client secret
    #[default]
    ClientSecret,
    /// The passphrase of the private key
    Passphrase,
    /// The password of the proxy
    ProxyPassword,
}

impl SecretName {
    fn field(self) -> ProfileField {
        match self {
            Self::ClientSecret => ProfileField::ClientSecret,
            Self::Passphrase => ProfileField::PrivateKeyPassphrase,
            Self::ProxyPassword => ProfileField::ProxyPassword,
        }
    }

    fn source(self, profile: &Profile) -> Option<&SecretSource> {
        match self {
            Self::ClientSecret => profile.client_secret.as_ref(),
            Self::Passphrase => profile.private_key_passphrase.as_ref(),
            Self::ProxyPassword => profile.proxy_password.as_ref(),
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::ClientSecret => "client secret",
            Self::Passphrase => "passphrase of the private key",
            Self::ProxyPassword => "password of the proxy",
        }
    }
}

/// Where a secret was stored.
struct Stored {
    source: SecretSource,
    description: String,
}

impl SetSecretArgs {
    fn run_in(&self, context: &Context, file: &ConfigFile) -> Result<Stored> {
        let profile = file.profile(&self.name)?;
        self.check_use(file)?;
        // What stands in the way is found before the secret is entered.
        let keyring = match &self.to_file {
            Some(path) => {
                self.check_target(profile, file.folder(), path)?;
                let secret = ask(context, self.secret.describe())?;
                return self.write_file(path, &secret);
            }
            None => Keyring::open(),
        };
        let keyring = match keyring {
            Ok(keyring) => keyring,
            Err(failure) if context.terminal.is_interactive() => {
                context.note(&failure.to_string());
                let path = self.ask_path(context, file)?;
                let secret = ask(context, self.secret.describe())?;
                return self.write_file(&path, &secret);
            }
            Err(failure) => return Err(self.without_keyring(failure)),
        };
        let secret = ask(context, self.secret.describe())?;
        let entry = format!("{}/{}", self.name, self.secret.field().key());
        match keyring.write(&entry, secret.reveal()) {
            Ok(()) => {
                if !keyring.is_lasting() {
                    context.warn(&format!(
                        "this keyring is empty after a restart of the machine; to keep the secret, store it with \"{}\"",
                        self.file_command()
                    ));
                }
                Ok(Stored { source: SecretSource::Keyring(entry), description: keyring.vendor() })
            }
            // The secret was typed once, and that is enough.
            Err(failure) if context.terminal.is_interactive() => {
                context.note(&failure.to_string());
                let path = self.ask_path(context, file)?;
                self.write_file(&path, &secret)
            }
            Err(failure) => Err(self.without_keyring(failure)),
        }
    }

    pub(super) fn run(self, context: &Context) -> Result<Exit> {
        let stored = self.run_in(context, &read(context)?)?;
        let field = self.secret.field();
        let value = match &stored.source {
            SecretSource::Keyring(entry) => place("keyring", entry),
            SecretSource::File(path) => place("file", &absolute(path)?),
            SecretSource::Env(variable) => place("env", variable),
        };
        // The configuration may have changed while the secret was entered.
        edit(context, |file| {
            file.profile(&self.name)?;
            file.set(&self.name, field.key(), value);
            Ok(())
        })?;
        context.note(&format!("stored in: {}\n{}", stored.description, next_check(&self.name)));
        Ok(Exit::Success)
    }

    /// Rejects a secret that the profile would not use.
    fn check_use(&self, file: &ConfigFile) -> Result<()> {
        let profile = ProfileInUse::of(file, &self.name)?.profile;
        let holder = match (profile.kind(), self.secret) {
            (_, SecretName::ProxyPassword) => return Ok(()),
            (LoginKind::ConnectorFile, _) => profile.connector_file.as_deref(),
            (LoginKind::ConsoleFile, SecretName::ClientSecret) => profile.console_file.as_deref(),
            _ => return Ok(()),
        };
        let Some(holder) = holder else { return Ok(()) };
        Err(Failure::usage(format!("profile \"{}\" does not use a stored {}", self.name, self.secret.describe()))
            .why(format!("its login is in {}", holder.display()))
            .remedy("change the secret in that file"))
    }

    /// A file that has something else in it, e.g. a private key, is not overwritten.
    fn check_target(&self, profile: &Profile, folder: &Path, path: &Path) -> Result<()> {
        let unusable = |why: &dyn fmt::Display| {
            Failure::usage(format!("cannot store the {} in {}", self.secret.describe(), path.display())).why(why)
        };
        let target = private_file::target_of(path).map_err(|error| unusable(&error).remedy("use another file"))?;
        let is_old_secret = match self.secret.source(profile) {
            Some(SecretSource::File(old)) => {
                let old = folder.join(old);
                private_file::target_of(&old).is_ok_and(|old| old == target)
            }
            _ => false,
        };
        match fs::metadata(&target) {
            Ok(file) if file.len() > 0 || !file.is_file() => match is_old_secret {
                true => Ok(()),
                false => Err(unusable(&"the file exists already, and may be something else")
                    .remedy("use another file, or delete this one first")),
            },
            _ => Ok(()),
        }
    }

    fn write_file(&self, path: &Path, secret: &Secret) -> Result<Stored> {
        let unwritten = |error: io::Error| {
            Failure::failed(format!("cannot write {}", path.display()))
                .why(error)
                .remedy("use a file in a folder that you can write to")
        };
        let target = private_file::target_of(path).map_err(unwritten)?;
        private_file::replace(&target, secret.to_line().reveal().as_bytes()).map_err(unwritten)?;
        Ok(Stored { source: SecretSource::File(path.to_owned()), description: path.display().to_string() })
    }

    /// The path that is suggested for the secret, beside the configuration.
    fn suggested_path(&self, file: &ConfigFile) -> PathBuf {
        file.folder().join(format!("{}.{}", self.name, self.secret.field().argument()))
    }

    fn ask_path(&self, context: &Context, file: &ConfigFile) -> Result<PathBuf> {
        let suggested = self.suggested_path(file).display().to_string();
        loop {
            let path = PathBuf::from(context.ask("store it in the file, readable only by you", &suggested)?);
            match self.check_target(file.profile(&self.name)?, file.folder(), &path) {
                Ok(()) => return Ok(path),
                Err(failure) => context.note(&failure.to_string()),
            }
        }
    }

    fn file_command(&self) -> String {
        let secret = match self.secret {
            SecretName::ClientSecret => String::new(),
            SecretName::Passphrase => " passphrase".to_owned(),
            SecretName::ProxyPassword => " proxy-password".to_owned(),
        };
        let file = format!("{}.{}", self.name, self.secret.field().argument());
        format!("umapi config set-secret {}{secret} --to-file {}", quote(&self.name), quote(&file))
    }

    fn without_keyring(&self, failure: Failure) -> Failure {
        failure.remedy(format!("unlock it, or store the secret in a file with \"{}\"", self.file_command()))
    }
}

/// Asks for the secret on the terminal without showing it. Reads stdin if there is no terminal.
pub(crate) fn ask(context: &Context, name: &str) -> Result<Secret> {
    let unread = |why: &dyn fmt::Display| {
        Failure::usage(format!("cannot read the {}", name)).why(why).remedy("enter it, or write it to stdin")
    };
    if !context.terminal.is_interactive() {
        let mut bytes = Zeroizing::new(Vec::new());
        io::stdin().read_to_end(&mut bytes).map_err(|error| unread(&error))?;
        let text = Secret::decode(&bytes).map_err(|error| unread(&error))?;
        return Secret::parse(text.reveal()).map_err(|error| unread(&error));
    }
    loop {
        let typed = context.ask_secret(name)?;
        match Secret::parse(typed.reveal()) {
            Ok(secret) => return Ok(secret),
            Err(error) => context.note(&format!("this cannot be the {}: {error}", name)),
        }
    }
}
