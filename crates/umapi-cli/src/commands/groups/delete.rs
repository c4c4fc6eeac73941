//! `umapi groups delete`.

use clap::Args;
use umapi::Command;

use crate::{batch, context::Context, exit::Exit, failure::Result};

/// Deletes user groups. Their members stay in the organization, without what the group gave them.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  umapi groups delete Design --yes")]
pub(crate) struct DeleteArgs {
    /// The names.
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,

    /// Does not ask.
    #[arg(long, short)]
    yes: bool,

    #[command(flatten)]
    options: batch::WriteArgs,
}

impl DeleteArgs {
    pub(super) async fn run(self, context: &Context) -> Result<Exit> {
        let deletion = |name| batch::checked(Command::group(name).delete_user_group());
        let commands = self.names.iter().map(deletion).collect::<Result<Vec<_>>>()?;
        if !self.options.test_only {
            let what = match self.names.as_slice() {
                [one] => format!("the user group {one}"),
                many => format!("{} user groups", many.len()),
            };
            context.ask(&format!("delete {what}?"), self.yes)?;
        }
        batch::run_small(context, commands, &self.options).await
    }
}
