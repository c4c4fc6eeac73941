//! `umapi members`.

use std::{collections::BTreeSet, path::PathBuf};

use clap::{Args, Subcommand};
use umapi::{Account, GroupRef, MembershipAction, MembershipChange};

use super::account_args::AccountArgs;
use crate::{
    accounts::{Accounts, Found, UserQuery, ambiguous},
    batch::WriteArgs,
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    input::{ListedName, TextArgs, check_name, read_names},
    memberships::{self, PlannedChange},
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
    text: TextArgs,

    #[command(flatten)]
    account: AccountArgs,

    #[command(flatten)]
    options: WriteArgs,
}

/// A user who was named, and the line of the file.
struct NamedUser {
    query: UserQuery,
    line: Option<u64>,
}

impl ChangeArgs {
    async fn run(self, context: &Context, action: MembershipAction) -> Result<Exit> {
        let users = self.users()?;
        let connection = Connection::for_change(context, "memberships").await?;
        let accounts = Accounts::look_up(&connection.client, users.iter().map(|user| &user.query)).await?;
        let (mut changes, mut not_found, mut ambiguities) = (Vec::new(), Vec::new(), BTreeSet::new());
        let mut number = 0;
        for group in std::iter::once(&self.first_group).chain(&self.group) {
            for NamedUser { query, line } in &users {
                number += 1;
                let planned = |user: Account| PlannedChange {
                    number,
                    change: MembershipChange { user, group: GroupRef::from(group), action },
                    line: *line,
                };
                match accounts.find(query) {
                    Found::One(account) => changes.push(planned(account.account.clone())),
                    // The service rejects it, and says why.
                    Found::Nobody if action == MembershipAction::Add => changes.push(planned(query.to_account())),
                    // The service may report that as done.
                    Found::Nobody => not_found.push(planned(query.to_account())),
                    Found::Several(accounts) => {
                        ambiguities.insert(ambiguous(query, &accounts));
                    }
                }
            }
        }
        if !ambiguities.is_empty() {
            let failure = Failure::usage("the users are not named clearly; nothing was changed");
            return Err(ambiguities.iter().fold(failure, Failure::why).remedy(
                "choose one with --type or --adobe-id; for a username, with --domain; to choose for each user, use \"umapi apply\" with a column `type`",
            ));
        }
        let planned = memberships::plan(&connection, &changes).await?;
        memberships::apply(context, &connection, planned, &changes, &not_found, &self.options).await
    }

    /// The users that are named as arguments and in the file.
    fn users(&self) -> Result<Vec<NamedUser>> {
        let mut names: Vec<ListedName> =
            self.users.iter().map(|name| ListedName { name: name.clone(), line: None }).collect();
        for name in self.group.iter().chain([&self.first_group]) {
            check_name(name).map_err(|rule| Failure::usage(rule).remedy("correct the name"))?;
        }
        if let Some(path) = &self.from {
            names.extend(read_names(path, self.text)?);
        }
        let users = names
            .into_iter()
            .map(|ListedName { name, line }| self.account.query(name).map(|query| NamedUser { query, line }));
        users.collect()
    }
}
