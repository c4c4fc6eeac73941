//! `umapi config import`.

use std::path::PathBuf;

use clap::Args;
use umapi::auth::Credentials;

use super::add::{absolute, profile_name};
use crate::{
    config::ConfigFile,
    context::Context,
    exit::Exit,
    failure::{Failure, Result},
    private_file,
};

/// Makes a profile of user-sync's connector file.
///
/// The file is checked, and the profile refers to it: its secrets stay in one place, and user-sync goes on using it.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  umapi config import connector-umapi.yml --name sync")]
pub(crate) struct ImportArgs {
    /// The connector file: connector-umapi.yml.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The name of the profile.
    #[arg(long, default_value = "user-sync", value_parser = profile_name)]
    name: String,
}

impl ImportArgs {
    pub(super) fn run(self, context: &Context, mut file: ConfigFile) -> Result<Exit> {
        let unusable = || Failure::usage(format!("cannot take over {}", self.file.display()));
        let credentials = Credentials::from_connector_file(&self.file).map_err(|error| {
            unusable().why(error).remedy("give the connector-umapi.yml with which user-sync logs in")
        })?;
        let organization = credentials
            .organization()
            .ok_or_else(|| unusable().why("it names no organization").remedy("add `enterprise.org_id` to it"))?;
        file.set(&self.name, "organization", organization);
        file.set(&self.name, "connector_file", absolute(&self.file)?);
        file.save()?;
        if private_file::is_open_to_others(&self.file) {
            context.hint(&format!("others can read the secrets in {0}: chmod 600 {0}", self.file.display()));
        }
        context.hint(&format!("see whether it works: umapi auth check --profile {}", self.name));
        Ok(Exit::Done)
    }
}
