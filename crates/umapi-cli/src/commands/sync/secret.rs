//! `umapi sync secret`: store the password of a directory.

use std::{fmt, fs, path::PathBuf};

use clap::Args;

use crate::{
    commands::config::ask_for_secret,
    config::Keyring,
    context::Context,
    failure::{Exit, Failure, Result},
    private_file,
};

const WHAT: &str = "password of the directory";

/// Store the password of a directory in the system keyring or in a private file.
///
/// The password is entered on the terminal or read from stdin. It is never an argument, because other users of the machine
/// can see those. Blank lines and quotes around it are not part of it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi sync secret sync/ldap                      For password = { keyring = \"sync/ldap\" }
  umapi sync secret --to-file ldap.secret < file   For password = { file = \"ldap.secret\" }")]
pub(crate) struct SecretArgs {
    /// Entry of the keyring, as the configuration names it.
    #[arg(value_name = "ENTRY", required_unless_present = "to_file", conflicts_with = "to_file")]
    entry: Option<String>,

    /// Store it in this file, readable only by you, not in the keyring.
    #[arg(long, value_name = "FILE")]
    to_file: Option<PathBuf>,

    /// Replace a file that has content.
    #[arg(long, requires = "to_file")]
    force: bool,
}

impl SecretArgs {
    pub(super) fn run(self, context: &Context) -> Result<Exit> {
        match (&self.entry, &self.to_file) {
            (_, Some(path)) => self.to_file(context, path),
            (entry, None) => to_keyring(context, entry.as_deref().unwrap_or_default()),
        }
    }

    fn to_file(&self, context: &Context, path: &std::path::Path) -> Result<Exit> {
        let cannot =
            |why: &dyn fmt::Display| Failure::usage(format!("cannot store the {WHAT} in {}", path.display())).why(why);
        let target = private_file::target_of(path).map_err(|error| cannot(&error).remedy("use another file"))?;
        // Found before the password is entered.
        if !self.force && fs::metadata(&target).is_ok_and(|file| file.len() > 0 || !file.is_file()) {
            return Err(cannot(&"the file exists already, and may be something else")
                .remedy("use another file, or replace it with --force"));
        }
        let secret = ask_for_secret(context, WHAT)?;
        private_file::replace(&target, secret.to_line().reveal().as_bytes())
            .map_err(|error| cannot(&error).remedy("use a file in a folder that you can write to"))?;
        context.note(&format!("stored in: {}", path.display()));
        Ok(Exit::Success)
    }
}

fn to_keyring(context: &Context, entry: &str) -> Result<Exit> {
    let remedy = "unlock it, or store the password in a file with \"umapi sync secret --to-file FILE\"";
    if entry.trim() != entry || entry.is_empty() {
        return Err(Failure::usage(format!("`{entry}` cannot be the entry of a keyring"))
            .remedy("use the name from the configuration, for example sync/ldap"));
    }
    let keyring = Keyring::open().map_err(|failure| failure.remedy(remedy))?;
    let secret = ask_for_secret(context, WHAT)?;
    keyring.write(entry, secret.reveal()).map_err(|failure| failure.remedy(remedy))?;
    if !keyring.is_lasting() {
        context.warn(
            "this keyring is empty after a restart of the machine; to keep the password, store it with \"umapi sync secret --to-file FILE\"",
        );
    }
    context.note(&format!("stored in: {}, entry {entry}", keyring.vendor()));
    Ok(Exit::Success)
}
