//! `umapi groups update`.

use clap::Args;
use umapi::{Command, UserGroupUpdate};

use crate::{batch, context::Context, exit::Exit, failure::Result};

/// Renames or describes a user group, and changes the product profiles of its members.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi groups update Design --name Drawing
  umapi groups update Design --add-profile Photoshop --remove-profile Illustrator")]
#[group(id = "change", required = true, multiple = true, args = ["new_name", "description", "add_profile", "remove_profile"])]
pub(crate) struct UpdateArgs {
    /// The name that it has.
    name: String,

    /// The new name.
    #[arg(long = "name", id = "new_name", value_name = "NAME")]
    new_name: Option<String>,

    /// The new description.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// Gives its members this product profile; may be given several times.
    #[arg(long, value_name = "PROFILE")]
    add_profile: Vec<String>,

    /// Takes this product profile from its members; may be given several times.
    #[arg(long, value_name = "PROFILE")]
    remove_profile: Vec<String>,

    #[command(flatten)]
    options: batch::WriteArgs,
}

impl UpdateArgs {
    pub(super) async fn run(self, context: &Context) -> Result<Exit> {
        let mut command = Command::group(self.name);
        let mut update = UserGroupUpdate::default();
        (update.name, update.description) = (self.new_name, self.description);
        if update != UserGroupUpdate::default() {
            command = command.update_user_group(update);
        }
        if !self.remove_profile.is_empty() {
            command = command.remove_profiles(&self.remove_profile);
        }
        if !self.add_profile.is_empty() {
            command = command.add_profiles(&self.add_profile);
        }
        batch::run_small(context, [batch::checked(command)?], &self.options).await
    }
}
