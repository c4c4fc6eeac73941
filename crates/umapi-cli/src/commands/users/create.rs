//! `umapi users create`.

use clap::{Args, ValueEnum};
use umapi::Command;

use crate::{batch, context::Context, exit::Exit, failure::Result};

/// Creates a user, and adds them to groups.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi users create ann@example.com --type federated --firstname Ann --lastname Lee --country US
  umapi users create ann@example.com --type adobe --add-to Design --add-to Photoshop
  umapi users create ann --domain example.com --email ann@example.com --type federated \\
      --firstname Ann --lastname Lee --country US --if-exists ignore")]
pub(crate) struct CreateArgs {
    /// The email address, or a user name together with --domain and --email.
    #[arg(value_name = "USER")]
    user: String,

    /// The type of account.
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    kind: Kind,

    /// The first name.
    #[arg(long, value_name = "NAME")]
    firstname: Option<String>,

    /// The last name.
    #[arg(long, value_name = "NAME")]
    lastname: Option<String>,

    /// The country, by two letters such as US.
    #[arg(long, value_name = "CODE")]
    country: Option<String>,

    /// The domain of a user name.
    #[arg(long, value_name = "DOMAIN", requires = "email")]
    domain: Option<String>,

    /// The email address of a user that has a user name.
    #[arg(long, value_name = "ADDRESS", requires = "domain")]
    email: Option<String>,

    /// What to do if the user is there already.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    if_exists: batch::IfExists,

    /// Adds the user to this group; may be given several times.
    #[arg(long, value_name = "GROUP")]
    add_to: Vec<String>,

    #[command(flatten)]
    options: batch::WriteArgs,
}

/// The type of an account.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// An Adobe ID, which the person owns.
    Adobe,
    /// An Enterprise ID, of a domain claimed for them.
    Enterprise,
    /// A Federated ID, of a domain claimed for them.
    Federated,
}

impl CreateArgs {
    pub(super) async fn run(self, context: &Context) -> Result<Exit> {
        let command = self.command()?;
        batch::run_small(context, [command], &self.options).await
    }

    fn command(&self) -> Result<Command> {
        let name = |value: &Option<String>| value.clone().unwrap_or_default();
        let command = Command::user(&self.user);
        let mut command = match self.kind {
            Kind::Adobe => command.add_adobe_id(),
            Kind::Enterprise => command.create_enterprise(name(&self.firstname), name(&self.lastname)),
            Kind::Federated => {
                command.create_federated(name(&self.firstname), name(&self.lastname), name(&self.country))
            }
        };
        if matches!(self.kind, Kind::Adobe) && (self.firstname.is_some() || self.lastname.is_some()) {
            command = command.names(name(&self.firstname), name(&self.lastname));
        }
        if let Some(country) = &self.country {
            command = command.country(country);
        }
        if let (Some(domain), Some(email)) = (&self.domain, &self.email) {
            command = command.domain(domain).email(email);
        }
        command = self.if_exists.apply(command);
        if !self.add_to.is_empty() {
            command = command.add_to(&self.add_to);
        }
        batch::checked(command)
    }
}
