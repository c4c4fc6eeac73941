//! `umapi config set-secret`.

use std::{
    io::{self, Read},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use umapi::auth::Secret;

use super::add::{absolute, place};
use crate::{
    config::{ConfigFile, Keyring},
    context::Context,
    exit::Exit,
    failure::{Failure, Result},
    private_file,
};

/// Stores a secret of a profile: in the system's keyring, or in a file that only you can read.
///
/// It is asked for, or read from stdin. It is never an argument, which others on the machine could see.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi config set-secret main                      asks for the client secret
  umapi config set-secret main --to-file main.secret < secret.txt
  umapi config set-secret old passphrase")]
pub(crate) struct SetSecretArgs {
    /// The profile.
    name: String,

    /// Which secret.
    #[arg(value_enum, default_value_t)]
    secret: Field,

    /// Keeps it in this file, made for you alone to read, in place of the keyring.
    #[arg(long, value_name = "FILE")]
    to_file: Option<PathBuf>,
}

/// The secrets that are short enough to type.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Field {
    /// The client secret.
    #[default]
    ClientSecret,
    /// The passphrase of the private key.
    Passphrase,
}

impl Field {
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
    pub(super) fn run(self, context: &Context, mut file: ConfigFile) -> Result<Exit> {
        file.profile(&self.name)?;
        let secret = ask(context, self.secret)?;
        let kept = match &self.to_file {
            Some(path) => {
                private_file::replace(path, secret.reveal().as_bytes()).map_err(|error| {
                    Failure::broken(format!("cannot write {}", path.display()))
                        .why(error)
                        .remedy("name a file in a folder that you may write to")
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
        context.hint(&format!("kept in: {kept}\nsee whether it works: umapi auth check --profile {}", self.name));
        Ok(Exit::Done)
    }
}

/// Asks the person at the terminal, without showing what is typed; without a terminal, reads stdin.
fn ask(context: &Context, field: Field) -> Result<Secret> {
    let unread = |why: &dyn std::fmt::Display| {
        Failure::usage(format!("there is no {}", field.describe())).why(why).remedy("type it, or give it on stdin")
    };
    let text = if context.terminal.has_person() {
        dialoguer::Password::new().with_prompt(field.describe()).interact().map_err(|error| unread(&error))?
    } else {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map_err(|error| unread(&error))?;
        text
    };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(unread(&"nothing was given"));
    }
    Ok(Secret::from(text))
}
