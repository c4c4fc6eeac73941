//! `umapi users`: list, look up, create, change and remove users.

use clap::{Args, Subcommand};
use umapi::{Command, NewUser, UserUpdate};

use super::account_args::{AccountArgs, AccountType};
use super::pages::write_pages;
use crate::{
    accounts::{self, Accounts, Found, FoundAccount, UserQuery},
    batch::{self, SmallBatch},
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    member_filter::MemberFilter,
    output::{OutcomeRecord, UserRecord},
};

/// List, look up, create, change and remove users
#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    List(ListArgs),
    Get(GetArgs),
    Create(CreateArgs),
    Update(UpdateArgs),
    Remove(RemoveArgs),
}

impl UsersCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        match self {
            Self::List(arguments) => arguments.run(context).await,
            Self::Get(arguments) => arguments.run(context).await,
            Self::Create(arguments) => arguments.run(context).await,
            Self::Update(arguments) => arguments.run(context).await,
            Self::Remove(arguments) => arguments.run(context).await,
        }
    }
}

/// List all users, or those of a domain or a group
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi users list
  umapi users list --domain example.com --format csv > users.csv
  umapi users list --group Photoshop --status inactive")]
pub(crate) struct ListArgs {
    /// List only users of this domain
    #[arg(long, value_name = "DOMAIN", conflicts_with = "group")]
    domain: Option<String>,

    /// List only members of this user group, profile or admin group
    #[arg(long, value_name = "NAME")]
    group: Option<String>,

    #[command(flatten)]
    filter: MemberFilter,

    /// List at most this many users [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

impl ListArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let connection = Connection::for_list(context, "users").await?;
        let users = connection.client.users();
        let pager = match (&self.group, &self.domain) {
            (Some(group), _) => self.filter.apply(users.in_group(group)).list().dedup(),
            (None, Some(domain)) => users.domain(domain).direct_only(self.filter.direct_only()).list().dedup(),
            (None, None) => users.direct_only(self.filter.direct_only()).list().dedup(),
        };
        write_pages(context, &connection, pager, self.limit, "cannot list the users", |user| {
            Some(UserRecord::from(user))
        })
        .await
    }
}

/// Show users
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi users get ann@example.com
  umapi users get ann --domain example.com      Find by username
  umapi users get ann@example.com --adobe-id    Find the Adobe ID")]
pub(crate) struct GetArgs {
    /// The email addresses, or usernames with --domain
    #[arg(required = true, value_name = "USER")]
    users: Vec<String>,

    /// The domain of the usernames
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,

    /// Find the Adobe ID if the address has two accounts
    #[arg(long, conflicts_with = "domain")]
    adobe_id: bool,
}

impl GetArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let connection = Connection::for_list(context, "users").await?;
        let service = connection.client.users();
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for name in &self.users {
            let user = match &self.domain {
                Some(domain) => service.get_by_username(name, domain).await,
                None if self.adobe_id => service.get_adobe_id(name).await,
                None => service.get(name).await,
            };
            match user.map_err(|error| Failure::of_service(format!("cannot look up the user {name}"), &error))? {
                Some(user) => found.push(UserRecord::from(user)),
                None => missing.push(name.as_str()),
            }
        }
        drop(connection);
        let written = Self::write(context, &found, self.users.len());
        if missing.is_empty() {
            return written.map(|()| Exit::Success);
        }
        let what = match missing.as_slice() {
            [name] => format!("user \"{name}\" does not exist"),
            names => format!("users \"{}\" do not exist", names.join("\", \"")),
        };
        Err(Failure::failed(what)
            .why("the organization has no active user with this name")
            .remedy("check the spelling, or list the users with \"umapi users list\"; a username needs --domain"))
    }

    /// Writes one user in detail, or several as a list.
    fn write(context: &Context, found: &[UserRecord], asked: usize) -> Result<()> {
        match (found, asked) {
            ([user], 1) => context.write_single(user),
            ([], 1) => Ok(()),
            _ => {
                let mut listing = context.listing();
                found.iter().try_for_each(|user| listing.push(user))?;
                listing.finish()?;
                Ok(())
            }
        }
    }
}

/// Create a user, and add the user to groups
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi users create ann@example.com --type adobe --add-to Design
  umapi users create ann@example.com --type federated --country US \\
      --firstname Ann --lastname Lee
  umapi users create ann --domain example.com --email ann@example.com \\
      --type federated --country US --firstname Ann --lastname Lee")]
pub(crate) struct CreateArgs {
    /// The email address, or a username with --domain and --email
    #[arg(value_name = "USER")]
    user: String,

    /// The account type
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    kind: AccountType,

    /// The first name
    #[arg(long, value_name = "NAME")]
    firstname: Option<String>,

    /// The last name
    #[arg(long, value_name = "NAME")]
    lastname: Option<String>,

    /// The country code, e.g. US
    #[arg(long, value_name = "CODE")]
    country: Option<String>,

    /// The domain of the username
    #[arg(long, value_name = "DOMAIN", requires = "email")]
    domain: Option<String>,

    /// The email address of a user with a username
    #[arg(long, value_name = "ADDRESS", requires = "domain")]
    email: Option<String>,

    /// What to do if the user exists already
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    if_exists: batch::IfExists,

    /// Add the user to this group; can be repeated
    #[arg(long, value_name = "GROUP")]
    add_to: Vec<String>,

    #[command(flatten)]
    options: batch::WriteArgs,
}

impl CreateArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let command = self.command()?;
        batch::run_small(context, [command], &self.options).await
    }

    fn command(&self) -> Result<Command> {
        let name = |value: &Option<String>| value.clone().unwrap_or_default();
        let email = self.email.as_ref().unwrap_or(&self.user);
        let mut new = match self.kind {
            AccountType::Adobe => NewUser::adobe_id(email),
            AccountType::Enterprise => NewUser::enterprise(email, name(&self.firstname), name(&self.lastname)),
            AccountType::Federated => NewUser::federated(
                email,
                name(&self.firstname),
                name(&self.lastname),
                name(&self.country).to_ascii_uppercase(),
            ),
        };
        if matches!(self.kind, AccountType::Adobe) && (self.firstname.is_some() || self.lastname.is_some()) {
            new = new.names(name(&self.firstname), name(&self.lastname));
        }
        if let Some(country) = &self.country {
            new = new.country(country.to_ascii_uppercase());
        }
        if let Some(domain) = &self.domain {
            new = new.username(&self.user, domain);
        }
        new = match self.if_exists {
            batch::IfExists::Error => new,
            batch::IfExists::Ignore => new.ignore_if_exists(),
            batch::IfExists::Update => new.update_if_exists(),
        };
        let mut command = Command::create_user(new);
        if !self.add_to.is_empty() {
            command = command.add_to(&self.add_to);
        }
        batch::checked(command.into())
    }
}

/// Change the name, the email address or the username of a user
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi users update ann@example.com --lastname Kim
  umapi users update ann@example.com --email ann.kim@example.com")]
#[command(override_usage = "umapi users update [OPTIONS] <USER>")]
#[group(id = "change", required = true, multiple = true, args = ["email", "firstname", "lastname", "username"])]
pub(crate) struct UpdateArgs {
    /// The email address, or a username with --domain
    #[arg(value_name = "USER")]
    user: String,

    #[command(flatten)]
    account: AccountArgs,

    /// The new email address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,

    /// The new first name
    #[arg(long, value_name = "NAME")]
    firstname: Option<String>,

    /// The new last name
    #[arg(long, value_name = "NAME")]
    lastname: Option<String>,

    /// The new username
    #[arg(long, value_name = "NAME")]
    username: Option<String>,

    #[command(flatten)]
    options: batch::WriteArgs,
}

impl UpdateArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let mut update = UserUpdate::default();
        (update.email, update.username) = (self.email, self.username);
        (update.firstname, update.lastname) = (self.firstname, self.lastname);
        let query = self.account.query(self.user)?;
        let batch = SmallBatch::open(context).await?;
        let accounts = Accounts::look_up(&batch.connection.client, [&query]).await?;
        batch.connection.progress.finish();
        let user = match resolve(context, &accounts, &query, false)? {
            Some(account) => account.account.clone(),
            // The service rejects the command, and says why.
            None => query.to_account(),
        };
        let command = batch::checked(Command::user(user).update(update).into())?;
        batch.run(context, vec![(1, command)], Vec::new(), &self.options).await
    }
}

/// Remove users from the organization, with all their memberships
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi users remove ann@example.com
  umapi users remove ann@example.com bob@example.com --delete-account --yes")]
pub(crate) struct RemoveArgs {
    /// The email addresses, or usernames with --domain
    #[arg(required = true, value_name = "USER")]
    users: Vec<String>,

    #[command(flatten)]
    account: AccountArgs,

    /// Also delete the accounts and their content (never Adobe IDs)
    #[arg(long)]
    delete_account: bool,

    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,

    #[command(flatten)]
    options: batch::WriteArgs,
}

impl RemoveArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let query = |user: &String| self.account.query(user.clone());
        let queries = self.users.iter().map(query).collect::<Result<Vec<UserQuery>>>()?;
        let batch = SmallBatch::open(context).await?;
        let accounts = Accounts::look_up(&batch.connection.client, &queries).await?;
        batch.connection.progress.finish();
        let (mut commands, mut users, mut not_found) = (Vec::new(), Vec::new(), Vec::new());
        for (number, query) in (1..).zip(&queries) {
            let Some(account) = resolve(context, &accounts, query, self.yes)? else {
                // The service reports the removal of nobody as completed.
                let message = accounts::unknown(query, &accounts.near_misses(query));
                not_found.push(OutcomeRecord::not_found(number, None, query.name.clone(), message));
                continue;
            };
            let command = Command::user(account.account.clone());
            let command = match self.delete_account {
                true => command.remove_from_org_and_delete_account(),
                false => command.remove_from_org(),
            };
            users.push(format!("{} ({})", query.name, account.describe()));
            commands.push((number, batch::checked(command)?));
        }
        if !self.options.dry_run && !commands.is_empty() {
            let users = match users.as_slice() {
                [user] => user.clone(),
                users => {
                    if !self.yes {
                        note_users(context, users);
                    }
                    format!("{} users", users.len())
                }
            };
            let question = match self.delete_account {
                true => format!("Remove {users} and delete the content of the accounts?"),
                false => format!("Remove {users}?"),
            };
            context.confirm(&question, self.yes)?;
        }
        batch.run(context, commands, not_found, &self.options).await
    }
}

/// Shows the users of a question that only counts them.
fn note_users(context: &Context, users: &[String]) {
    const SHOWN: usize = 20;
    users.iter().take(SHOWN).for_each(|user| context.note(&format!("  {user}")));
    if users.len() > SHOWN {
        context.note(&format!("  and {} more", users.len() - SHOWN));
    }
}

/// Returns the account that a name stands for, or `None` if there is none.
///
/// If there are several, asks on the terminal; without one, or if everything is confirmed already, fails.
fn resolve<'a>(
    context: &Context,
    accounts: &'a Accounts,
    query: &UserQuery,
    is_confirmed: bool,
) -> Result<Option<&'a FoundAccount>> {
    let mut several = match accounts.find(query) {
        Found::Nobody => return Ok(None),
        Found::One(account) => return Ok(Some(account)),
        Found::Several(several) => several,
    };
    if context.terminal.is_interactive() && !is_confirmed {
        let items: Vec<String> = several.iter().map(|account| account.describe()).collect();
        let position =
            context.choose(&format!("{} is the name of several accounts. Which one?", query.name), &items)?;
        return Ok(Some(several.swap_remove(position)));
    }
    Err(Failure::usage(format!("cannot tell which account of {} to change; nothing was changed", query.name))
        .why(accounts::ambiguous(query, &several))
        .remedy("choose one with --type or --adobe-id; for a username, with --domain"))
}
