//! `umapi groups create`.

use clap::Args;
use umapi::Command;

use crate::{batch, context::Context, exit::Exit, failure::Result};

/// Creates a user group. Product profiles come from the Admin Console.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi groups create Design --description 'Everybody who draws'
  umapi groups create Design --if-exists ignore --add-profile Photoshop")]
pub(crate) struct CreateArgs {
    /// The name.
    name: String,

    /// What the group is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// What to do if the group is there already. `update` changes its description.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    if_exists: batch::IfExists,

    /// Gives its members this product profile; may be given several times.
    #[arg(long, value_name = "PROFILE")]
    add_profile: Vec<String>,

    #[command(flatten)]
    options: batch::WriteArgs,
}

impl CreateArgs {
    pub(super) async fn run(self, context: &Context) -> Result<Exit> {
        let mut command = Command::group(self.name).create_user_group();
        if let Some(description) = self.description {
            command = command.description(description);
        }
        command = self.if_exists.apply(command);
        if !self.add_profile.is_empty() {
            command = command.add_profiles(&self.add_profile);
        }
        batch::run_small(context, [batch::checked(command)?], &self.options).await
    }
}
