//! `umapi members`.

mod change;

use clap::Subcommand;
use umapi::MembershipAction;

use crate::{
    context::Context,
    failure::{Exit, Result},
};

/// Memberships: adds users to groups, and takes them out.
#[derive(Debug, Subcommand)]
pub(crate) enum MembersCommand {
    /// Adds users to a group, or to several.
    #[command(after_help = "\
Examples:
  umapi members add Design ann@example.com bob@example.com
  umapi members add Design --group Photoshop --from users.txt")]
    Add(change::ChangeArgs),
    /// Takes users out of a group, or of several.
    #[command(after_help = "\
Examples:
  umapi members remove Design ann@example.com
  umapi members remove Design --from leavers.txt --dry-run")]
    Remove(change::ChangeArgs),
}

impl MembersCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        match self {
            Self::Add(arguments) => arguments.run(context, MembershipAction::Add).await,
            Self::Remove(arguments) => arguments.run(context, MembershipAction::Remove).await,
        }
    }
}
