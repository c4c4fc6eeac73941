//! `umapi config`.

mod add;
mod import;
mod list;
mod remove;
mod set_secret;
mod show;

use clap::Subcommand;

use crate::{config::ConfigFile, context::Context, exit::Exit, failure::Result};

/// Profiles: which organizations there are, and how to log in to each.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  umapi config add main --organization 12345@AdobeOrg --client-id 0123456789abcdef
  umapi config set-secret main                      asks for the client secret
  umapi config import connector-umapi.yml --name sync
  umapi auth check --profile main")]
pub(crate) enum ConfigCommand {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Add(Box<add::AddArgs>),
    SetSecret(set_secret::SetSecretArgs),
    Import(import::ImportArgs),
    Use(UseArgs),
    Remove(remove::RemoveArgs),
    /// Shows where the configuration file is.
    Path,
}

/// Makes a profile the one that calls without --profile use.
#[derive(clap::Args, Debug)]
pub(crate) struct UseArgs {
    /// The profile.
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
                Ok(Exit::Done)
            }
        }
    }
}

impl UseArgs {
    fn run(self, context: &Context, mut file: ConfigFile) -> Result<Exit> {
        file.profile(&self.name)?;
        file.set_default(&self.name);
        file.save()?;
        context.hint(&format!("calls without --profile now use `{}`", self.name));
        Ok(Exit::Done)
    }
}
