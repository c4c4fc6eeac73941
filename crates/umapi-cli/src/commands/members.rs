//! `umapi members`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use umapi::{GroupRef, MembershipAction, MembershipChange, UserRef};

use crate::{
    batch::WriteArgs,
    context::Context,
    failure::{Exit, Failure, Result},
    input::{ListedName, check_name, read_names},
    memberships::{PlannedChange, plan_and_apply},
};

/// Add users to groups, and remove them from groups.
#[derive(Debug, Subcommand)]
pub(crate) enum MembersCommand {
    /// Add users to one or more groups.
    #[command(after_help = "\
Examples:
  umapi members add Design ann@example.com bob@example.com
  umapi members add Design --group Photoshop --from users.txt")]
    Add(ChangeArgs),
    /// Remove users from one or more groups.
    #[command(after_help = "\
Examples:
  umapi members remove Design ann@example.com
  umapi members remove Design --from leavers.txt --dry-run")]
    Remove(ChangeArgs),
}

impl MembersCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        match self {
            Self::Add(arguments) => arguments.run(context, MembershipAction::Add).await,
            Self::Remove(arguments) => arguments.run(context, MembershipAction::Remove).await,
        }
    }
}

/// The users and the groups.
#[derive(Args, Debug)]
pub(crate) struct ChangeArgs {
    /// User group or product profile.
    #[arg(value_name = "GROUP")]
    first_group: String,

    /// Email addresses of the users.
    #[arg(value_name = "USER", required_unless_present = "from")]
    users: Vec<String>,

    /// Another group; can be repeated.
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,

    /// Read users from a file, one per line; `-` is stdin.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,

    #[command(flatten)]
    options: WriteArgs,
}

impl ChangeArgs {
    async fn run(self, context: &Context, action: MembershipAction) -> Result<Exit> {
        let mut users: Vec<(String, Option<u64>)> = self.users.into_iter().map(|user| (user, None)).collect();
        if let Some(path) = &self.from {
            users.extend(read_names(path)?.into_iter().map(|ListedName { name, line }| (name, Some(line))));
        }
        for name in self.group.iter().chain([&self.first_group]).chain(users.iter().map(|(name, _)| name)) {
            check_name(name).map_err(|rule| Failure::usage(rule).remedy("correct the name"))?;
        }
        let mut changes = Vec::new();
        for group in std::iter::once(&self.first_group).chain(&self.group) {
            for (user, line) in &users {
                let change = MembershipChange { user: UserRef::email(user), group: GroupRef::from(group), action };
                changes.push(PlannedChange { change, line: *line });
            }
        }
        plan_and_apply(context, &changes, &self.options).await
    }
}
