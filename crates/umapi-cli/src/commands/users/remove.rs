//! `umapi users remove`.

use clap::Args;
use umapi::Command;

use crate::{batch, context::Context, exit::Exit, failure::Result};

/// Takes users out of the organization, with all their memberships.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi users remove ann@example.com
  umapi users remove ann@example.com bob@example.com --delete-account --yes")]
pub(crate) struct RemoveArgs {
    /// Email addresses, or user names together with --domain.
    #[arg(required = true, value_name = "USER")]
    users: Vec<String>,

    /// The domain of the user names.
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,

    /// Deletes the accounts too, with all that is stored in them. Adobe IDs cannot be deleted.
    #[arg(long)]
    delete_account: bool,

    /// Does not ask.
    #[arg(long, short)]
    yes: bool,

    #[command(flatten)]
    options: batch::WriteArgs,
}

impl RemoveArgs {
    pub(super) async fn run(self, context: &Context) -> Result<Exit> {
        let mut commands = Vec::new();
        for user in &self.users {
            let command = Command::user(user);
            let mut command = match self.delete_account {
                true => command.remove_from_org_and_delete_account(),
                false => command.remove_from_org(),
            };
            if let Some(domain) = &self.domain {
                command = command.domain(domain);
            }
            commands.push(batch::checked(command)?);
        }
        if !self.options.test_only {
            let deed = if self.delete_account { "remove, and delete the account of," } else { "remove" };
            let whom = match self.users.as_slice() {
                [one] => one.clone(),
                many => format!("{} users", many.len()),
            };
            context.ask(&format!("{deed} {whom}?"), self.yes)?;
        }
        batch::run_small(context, commands, &self.options).await
    }
}
