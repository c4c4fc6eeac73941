//! `umapi config remove`.

use clap::Args;

use crate::{
    config::{ConfigFile, Keyring, SecretSource},
    context::Context,
    exit::Exit,
    failure::Result,
};

/// Removes a profile, and its secrets from the system's keyring. Files stay.
#[derive(Args, Debug)]
pub(crate) struct RemoveArgs {
    /// The profile.
    name: String,
}

impl RemoveArgs {
    pub(super) fn run(self, context: &Context, mut file: ConfigFile) -> Result<Exit> {
        for (_, source) in file.profile(&self.name)?.secrets() {
            if let SecretSource::Keyring(entry) = source {
                Keyring::open()?.remove(entry)?;
            }
        }
        file.remove(&self.name);
        file.save()?;
        context.hint(&format!("the profile `{}` is gone", self.name));
        Ok(Exit::Done)
    }
}
