//! `umapi users update`.

use clap::Args;
use umapi::{Command, UserUpdate};

use crate::{batch, context::Context, exit::Exit, failure::Result};

/// Changes the names, the email address or the user name of a user.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi users update ann@example.com --lastname Kim
  umapi users update ann@example.com --email ann.kim@example.com")]
#[group(id = "change", required = true, multiple = true, args = ["email", "firstname", "lastname", "username"])]
pub(crate) struct UpdateArgs {
    /// The email address, or a user name together with --domain.
    #[arg(value_name = "USER")]
    user: String,

    /// The domain of a user name.
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,

    /// The new email address.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,

    /// The new first name.
    #[arg(long, value_name = "NAME")]
    firstname: Option<String>,

    /// The new last name.
    #[arg(long, value_name = "NAME")]
    lastname: Option<String>,

    /// The new user name.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,

    #[command(flatten)]
    options: batch::WriteArgs,
}

impl UpdateArgs {
    pub(super) async fn run(self, context: &Context) -> Result<Exit> {
        let mut update = UserUpdate::default();
        (update.email, update.username) = (self.email, self.username);
        (update.firstname, update.lastname) = (self.firstname, self.lastname);
        let mut command = Command::user(self.user).update(update);
        if let Some(domain) = self.domain {
            command = command.domain(domain);
        }
        batch::run_small(context, [batch::checked(command)?], &self.options).await
    }
}
