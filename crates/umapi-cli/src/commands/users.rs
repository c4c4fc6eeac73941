//! `umapi users`: list, look up, create, change and remove users.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use clap::{Args, Subcommand};
use umapi::{
    AccountKind, Command, NewUser, UserUpdate,
    model::{GroupType, User},
    plan::account::FoldedName,
};

use super::{
    account_args::{AccountArgs, AccountType},
    group_members::write_members,
    name_args::{self, NameFile, NamedUser, without_repetitions},
    pages::write_list,
};
use crate::{
    accounts::{self, Accounts, Found, FoundAccount, MAX_LOOKUPS, UserQuery},
    batch::{self, Place, SmallBatch},
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    gaps::warn_about_list,
    input::ListedName,
    member_filter::MemberFilter,
    options::{IfExists, WriteArgs},
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

/// List all users, or those of a domain, a group or a product
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi users list
  umapi users list --domain example.com --format csv > users.csv
  umapi users list --group Photoshop --inactive
  umapi users list --inactive            Everyone who waits for a license
  umapi users list --in-no-group         Everyone without groups and licenses")]
pub(crate) struct ListArgs {
    /// List only users of this domain
    #[arg(long, value_name = "DOMAIN", conflicts_with_all = ["group", "product", "status", "inactive"])]
    domain: Option<String>,

    /// List only members of this user group, profile or admin group
    #[arg(long, value_name = "NAME")]
    group: Option<String>,

    /// List only members of the profiles of this product
    #[arg(long, value_name = "NAME", conflicts_with = "group")]
    product: Option<String>,

    /// List only users who are in no group and no profile
    #[arg(long, conflicts_with_all = ["group", "product", "status", "inactive", "without_groups"])]
    in_no_group: bool,

    /// List only accounts of this type
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    kind: Option<AccountType>,

    #[command(flatten)]
    filter: MemberFilter,

    /// List at most this many users [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

impl ListArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let connection = Connection::for_list(context, "users").await?;
        let what_failed = "cannot list the users";
        let groups = match &self.group {
            Some(group) => vec![group.clone()],
            None if self.product.is_some() || self.filter.is_about_licenses() => {
                self.profiles(context, &connection).await?
            }
            None => {
                let domain = self.domain.as_deref();
                let users = connection.users(context, domain, self.filter.direct_only(), what_failed).await?;
                let pick = |user: User| self.is_listed(&user).then(|| self.record(user));
                return write_list(context, &connection, users, self.limit, pick).await;
            }
        };
        let pick = |user: User| self.is_listed(&user).then(|| self.record(user));
        write_members(context, &connection, (&groups, &self.filter), self.limit, pick).await
    }

    /// Returns the names of the profiles of the product, or of all products.
    async fn profiles(&self, context: &Context, connection: &Connection) -> Result<Vec<String>> {
        let product = self.product.as_deref().map(FoldedName::new);
        let mut groups = connection.groups(context, "cannot list the profiles").await?;
        let mut names = Vec::new();
        while let Some(profile) = groups.try_next().await? {
            if profile.type_ != Some(GroupType::ProductProfile) {
                continue;
            }
            let is_wanted = product
                .as_ref()
                .is_none_or(|product| profile.product_name.as_deref().map(FoldedName::new).as_ref() == Some(product));
            if is_wanted {
                names.push(profile.group_name);
            }
        }
        warn_about_list(context, &groups);
        match &self.product {
            Some(product) if names.is_empty() => Err(Failure::failed(format!("product \"{product}\" has no profiles"))
                .remedy("check the spelling; \"umapi profiles list\" shows all products with their profiles")),
            _ => Ok(names),
        }
    }

    fn is_listed(&self, user: &User) -> bool {
        let kind = user.type_.as_ref().and_then(AccountKind::of);
        self.kind.is_none_or(|wanted| kind == Some(wanted.kind()))
            && (!self.in_no_group || user.groups.iter().flatten().next().is_none())
    }

    fn record(&self, mut user: User) -> UserRecord {
        if self.filter.without_groups() {
            user.groups = None;
        }
        UserRecord::from(user)
    }
}

/// Show users
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi users get ann@example.com
  umapi users get --from names.txt --format csv
  umapi users get ann --domain example.com      Find by username
  umapi users get ann@example.com --adobe-id    Find the Adobe ID")]
pub(crate) struct GetArgs {
    /// The email addresses, or usernames with --domain
    #[arg(value_name = "USER", required_unless_present = "from")]
    users: Vec<String>,

    #[command(flatten)]
    file: NameFile,

    /// The domain of the usernames
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,

    /// Find the Adobe ID if the address has two accounts
    #[arg(long, conflicts_with = "domain")]
    adobe_id: bool,
}

impl GetArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let names = name_args::names(&self.users, &self.file)?;
        let connection = Connection::for_list(context, "users").await?;
        let (found, missing) = match names.len() > MAX_LOOKUPS {
            true => self.find_in_list(context, &connection, &names).await?,
            false => self.find_each(&connection, names.iter()).await?,
        };
        drop(connection);
        let written = Self::write(context, &found, names.len());
        if missing.is_empty() {
            return written.map(|()| Exit::Success);
        }
        // The failure is more important than output that cannot be written.
        Err(self.missing(&missing))
    }

    /// Looks up the users one by one.
    async fn find_each<'a>(
        &self,
        connection: &Connection,
        names: impl Iterator<Item = &'a ListedName>,
    ) -> Result<Lookup<'a>> {
        let service = connection.client.users();
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for listed in names {
            let name = &listed.name;
            let user = match &self.domain {
                Some(domain) => service.get_by_username(name, domain).await,
                None if self.adobe_id => service.get_adobe_id(name).await,
                None => service.get(name).await,
            };
            match user.map_err(|error| Failure::of_service(format!("cannot look up the user {name}"), &error))? {
                Some(user) => found.push(UserRecord::from(user)),
                None => missing.push(listed),
            }
        }
        Ok((found, missing))
    }

    /// Finds many users in the list of all users, which takes fewer requests.
    async fn find_in_list<'a>(
        &self,
        context: &Context,
        connection: &Connection,
        names: &'a [ListedName],
    ) -> Result<Lookup<'a>> {
        let mut users: HashMap<FoldedName, Option<User>> =
            names.iter().map(|listed| (FoldedName::user(&listed.name), None)).collect();
        let mut list = connection.users(context, None, true, "cannot look up the users").await?;
        while let Some(user) = list.try_next().await? {
            let is_adobe_id = user.type_.as_ref().and_then(AccountKind::of) == Some(AccountKind::AdobeId);
            let is_in_domain = self.domain.as_ref().is_none_or(|domain| {
                user.domain.as_ref().is_some_and(|own| FoldedName::domain(own) == FoldedName::domain(domain))
            });
            if !is_in_domain || (self.adobe_id && !is_adobe_id) {
                continue;
            }
            for name in [&user.email, &user.username].into_iter().flatten() {
                if let Some(found) = users.get_mut(&FoldedName::user(name)) {
                    // Of two accounts of an address, the service returns the one that is not an Adobe ID.
                    if found.is_none() || !is_adobe_id {
                        *found = Some(user.clone());
                    }
                }
            }
        }
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for listed in names {
            match users.get(&FoldedName::user(&listed.name)) {
                Some(Some(user)) => found.push(UserRecord::from(user.clone())),
                _ => missing.push(listed),
            }
        }
        // An older list lacks the users who were created since, and one that moved lacks some of its own.
        if list.may_lack_entries() && missing.len() <= MAX_LOOKUPS {
            let (newcomers, nobody) = self.find_each(connection, missing.into_iter()).await?;
            found.extend(newcomers);
            missing = nobody;
        }
        if !missing.is_empty() {
            warn_about_list(context, &list);
        }
        Ok((found, missing))
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

    /// The failure that names the users who do not exist.
    fn missing(&self, missing: &[&ListedName]) -> Failure {
        let what = match missing {
            [one] => format!("user \"{}\" does not exist", one.name),
            several => format!("{} users do not exist", several.len()),
        };
        let mut failure = Failure::failed(what);
        for listed in missing.iter().take(SHOWN) {
            let why = match missing {
                [ListedName { line: None, .. }] => "the organization has no active user with this name".to_owned(),
                _ => format!("\"{}\": the organization has no active user with this name", listed.name),
            };
            failure = failure.why(name_args::located(self.file.path(), listed.line, why));
        }
        if missing.len() > SHOWN {
            failure = failure.why(format!("and {} more", missing.len() - SHOWN));
        }
        failure.remedy("check the spelling, or list the users with \"umapi users list\"; a username needs --domain")
    }
}

/// The users who were found, and the names that nobody has.
type Lookup<'a> = (Vec<UserRecord>, Vec<&'a ListedName>);

/// The number of names that are shown of a long list.
const SHOWN: usize = 20;

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
    if_exists: IfExists,

    /// Add the user to this group; can be repeated
    #[arg(long, value_name = "GROUP")]
    add_to: Vec<String>,

    #[command(flatten)]
    options: WriteArgs,
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
            IfExists::Error => new,
            IfExists::Ignore => new.ignore_if_exists(),
            IfExists::Update => new.update_if_exists(),
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
    options: WriteArgs,
}

impl UpdateArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let mut update = UserUpdate::default();
        (update.email, update.username) = (self.email, self.username);
        (update.firstname, update.lastname) = (self.firstname, self.lastname);
        name_args::names(std::slice::from_ref(&self.user), &NameFile::default())?;
        let query = self.account.query(self.user);
        let batch = SmallBatch::open(context).await?;
        let accounts = Accounts::look_up(context, &batch.connection, [&query]).await?;
        batch.connection.progress.finish();
        let user = match resolve(context, &accounts, &query, false)? {
            Some(account) => account.account.clone(),
            // The service rejects the command, and says why.
            None => query.to_account(),
        };
        let command = batch::checked(Command::user(user).update(update).into())?;
        let place = Place { number: 1, line: None };
        batch.run(context, vec![(place, command)], Vec::new(), &self.options).await
    }
}

/// Remove users from the organization, with all their memberships
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi users remove ann@example.com
  umapi users remove --from leavers.txt --dry-run
  umapi users remove ann@example.com bob@example.com --delete-account --yes")]
pub(crate) struct RemoveArgs {
    /// The email addresses, or usernames with --domain
    #[arg(value_name = "USER", required_unless_present = "from")]
    users: Vec<String>,

    #[command(flatten)]
    file: NameFile,

    #[command(flatten)]
    account: AccountArgs,

    /// Also delete the accounts and their content (never Adobe IDs)
    #[arg(long)]
    delete_account: bool,

    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,

    #[command(flatten)]
    options: WriteArgs,
}

impl RemoveArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let from = self.file.path();
        let named = without_repetitions(name_args::users(&self.users, &self.file, &self.account)?);
        let batch = SmallBatch::open(context).await?;
        let accounts = Accounts::look_up(context, &batch.connection, named.iter().map(|user| &user.query)).await?;
        batch.connection.progress.finish();
        let (mut commands, mut users, mut not_found) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        for (number, (NamedUser { query, line }, account)) in
            (1..).zip(named.iter().zip(resolve_all(context, &accounts, &named, from, self.yes)?))
        {
            let Some(account) = account else {
                // The service reports the removal of nobody as completed.
                let message = accounts::unknown(query, &accounts.near_misses(query));
                not_found.push(OutcomeRecord::not_found(number, *line, query.name.clone(), message));
                continue;
            };
            if !seen.insert(account.key()) {
                context.note(&format!("{} is the same account as another one of the list", query.name));
                continue;
            }
            let command = Command::user(account.account.clone());
            let command = match self.delete_account {
                true => command.remove_from_org_and_delete_account(),
                false => command.remove_from_org(),
            };
            users.push(format!("{} ({})", query.name, account.describe()));
            commands.push((Place { number, line: *line }, batch::checked(command)?));
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
    users.iter().take(SHOWN).for_each(|user| context.note(&format!("  {user}")));
    if users.len() > SHOWN {
        context.note(&format!("  and {} more", users.len() - SHOWN));
    }
}

/// Returns the accounts that names stand for. Without a terminal, all names of several accounts are told at once.
fn resolve_all<'a>(
    context: &Context,
    accounts: &'a Accounts,
    named: &[NamedUser],
    from: Option<&Path>,
    is_confirmed: bool,
) -> Result<Vec<Option<&'a FoundAccount>>> {
    let can_ask = context.terminal.is_interactive() && !is_confirmed;
    let mut unclear = Vec::new();
    for user in named.iter().filter(|_| !can_ask) {
        if let Found::Several(several) = accounts.find(&user.query) {
            unclear.push(name_args::located(from, user.line, accounts::ambiguous(&user.query, &several)));
        }
    }
    if unclear.len() > 1 || (from.is_some() && !unclear.is_empty()) {
        return Err(name_args::unclear(unclear));
    }
    named.iter().map(|user| resolve(context, accounts, &user.query, is_confirmed)).collect()
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
