//! `umapi members`: list the members of groups, add them, remove them, move them and copy them.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use umapi::{
    Account, Command, GroupRef, MembershipAction, MembershipChange,
    model::{ThrottleClass, limits},
    plan::account::FoldedName,
};

use super::{
    account_args::AccountArgs,
    groups::MembersArgs,
    name_args::{self, NameFile, NamedUser, located, unclear, without_repetitions},
};
use crate::{
    accounts::{Accounts, Found, FoundAccount, ambiguous},
    batch::{Place, SmallBatch, checked},
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    gaps::{warn_about_changes, warn_about_list},
    input::{TextArgs, check_name},
    large_groups::{self, GroupState},
    memberships::{self, PlannedChange, RUN_AGAIN},
    options::WriteArgs,
    output::{OutcomeRecord, OutcomeStatus, counted, rough},
};

/// List the members of groups, add them, remove them, move them and copy them.
#[derive(Debug, Subcommand)]
pub(crate) enum MembersCommand {
    List(MembersArgs),
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
    /// Move users from one group to another.
    ///
    /// Each user leaves the one and joins the other by one command, so nobody is left between both.
    #[command(after_help = "\
Examples:
  umapi members move --from 'Photoshop 2023' --to 'Photoshop 2024'
  umapi members move --from Sales --to Design ann@example.com
  umapi members move --from Sales --to Design --users-from department.txt")]
    Move(TransferArgs),
    /// Add the members of one group to another, too.
    #[command(after_help = "\
Examples:
  umapi members copy --from Design --to Photoshop
  umapi members copy --from Design --to Photoshop ann@example.com")]
    Copy(TransferArgs),
}

impl MembersCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        match self {
            Self::List(arguments) => arguments.run(context).await,
            Self::Add(arguments) => arguments.run(context, MembershipAction::Add).await,
            Self::Remove(arguments) => arguments.run(context, MembershipAction::Remove).await,
            Self::Move(arguments) => arguments.run_move(context).await,
            Self::Copy(arguments) => arguments.run_copy(context).await,
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

    #[command(flatten)]
    file: NameFile,

    #[command(flatten)]
    account: AccountArgs,

    #[command(flatten)]
    options: WriteArgs,
}

impl ChangeArgs {
    async fn run(self, context: &Context, action: MembershipAction) -> Result<Exit> {
        check_groups(self.group.iter().chain([&self.first_group]))?;
        let users = name_args::users(&self.users, &self.file, &self.account)?;
        let connection = Connection::for_change(context, "memberships").await?;
        let accounts = Accounts::look_up(context, &connection, users.iter().map(|user| &user.query)).await?;
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
                        let what = ambiguous(query, &accounts);
                        ambiguities.insert((*line, located(self.file.path(), *line, what)));
                    }
                }
            }
        }
        if !ambiguities.is_empty() {
            return Err(unclear(ambiguities.into_iter().map(|(_, what)| what)));
        }
        let planned = memberships::plan(context, &connection, &changes).await?;
        memberships::apply(context, &connection, planned, &changes, &not_found, &self.options, RUN_AGAIN).await
    }
}

/// Two groups, and the users who are moved or copied.
#[derive(Args, Debug)]
pub(crate) struct TransferArgs {
    /// Email addresses of the users. [default: all members]
    #[arg(value_name = "USER")]
    users: Vec<String>,

    /// User group or product profile that they are members of.
    #[arg(long, value_name = "GROUP")]
    from: String,

    /// User group or product profile to add them to.
    #[arg(long, value_name = "GROUP")]
    to: String,

    /// Read users from a file, one per line; `-` is stdin.
    #[arg(long, value_name = "FILE")]
    users_from: Option<PathBuf>,

    #[command(flatten)]
    text: TextArgs,

    #[command(flatten)]
    account: AccountArgs,

    /// Do not ask for confirmation, if all members are meant.
    #[arg(long, short)]
    yes: bool,

    #[command(flatten)]
    options: WriteArgs,
}

/// A member who is moved or copied.
struct Member<'a> {
    /// The place of the name among the arguments.
    place: Place,
    account: &'a FoundAccount,
}

/// The members who were found, and the outcomes of the names that are not among the members.
type Chosen<'a> = (Vec<Member<'a>>, Vec<OutcomeRecord>);

impl TransferArgs {
    async fn run_move(self, context: &Context) -> Result<Exit> {
        let batch = SmallBatch::open(context).await?;
        let (named, accounts) = self.read(context, &batch.connection).await?;
        let (mut members, mut skipped) = self.choose(&accounts, named.as_deref())?;
        // A member through a user group cannot be removed as long as the user group has the profile.
        let from = FoldedName::new(&self.from);
        let is_direct =
            |member: &Member<'_>| member.account.groups.is_empty() || member.account.groups.contains_key(&from);
        let indirect: Vec<Member<'_>> = members.extract_if(.., |member| !is_direct(member)).collect();
        if named.is_some() {
            skipped.extend(indirect.iter().map(|member| self.indirect(member)));
        } else if !indirect.is_empty() {
            let users = counted(indirect.len() as u64, "member");
            context
                .warn(&format!("{users} of \"{}\" through user groups stay: change those groups instead", self.from));
        }
        batch.connection.progress.finish();
        self.confirm(context, &batch.connection, "Move", members.len(), named.is_none()).await?;
        let command = |member: &Member<'_>| {
            let command = Command::user(member.account.account.clone()).remove_from([&self.from]).add_to([&self.to]);
            Ok((member.place, checked(command.into())?))
        };
        let commands = members.iter().map(command).collect::<Result<Vec<_>>>()?;
        batch.run(context, commands, skipped, &self.options).await
    }

    async fn run_copy(self, context: &Context) -> Result<Exit> {
        let connection = Connection::for_change(context, "memberships").await?;
        let (named, accounts) = self.read(context, &connection).await?;
        let (members, skipped) = self.choose(&accounts, named.as_deref())?;
        connection.progress.finish();
        if let Some(first) = skipped.first() {
            let failure = Failure::failed("nothing was changed, because some users are not members");
            let why = |record: &OutcomeRecord| record.message.clone().unwrap_or_default();
            let more = skipped.len().saturating_sub(SHOWN);
            let failure = skipped.iter().take(SHOWN).map(why).fold(failure, Failure::why);
            let failure = if more > 0 { failure.why(format!("and {more} more")) } else { failure };
            return Err(failure.remedy(format!(
                "leave them out, or add them with \"umapi members add '{}' {}\"",
                self.to, first.subject
            )));
        }
        self.confirm(context, &connection, "Copy", members.len(), named.is_none()).await?;
        let change = |member: &Member<'_>| PlannedChange {
            number: member.place.number,
            change: MembershipChange {
                user: member.account.account.clone(),
                group: GroupRef::from(&self.to),
                action: MembershipAction::Add,
            },
            line: member.place.line,
        };
        let changes: Vec<PlannedChange> = members.iter().map(change).collect();
        let planned = memberships::plan(context, &connection, &changes).await?;
        memberships::apply(context, &connection, planned, &changes, &[], &self.options, RUN_AGAIN).await
    }

    /// Checks the arguments, and reads the members. `None`: no users are named, so all members are meant.
    async fn read(&self, context: &Context, connection: &Connection) -> Result<(Option<Vec<NamedUser>>, Accounts)> {
        check_groups([&self.from, &self.to])?;
        if FoldedName::new(&self.from) == FoldedName::new(&self.to) {
            return Err(Failure::usage(format!("\"{}\" is both the old and the new group", self.from))
                .remedy("name two different groups with --from and --to"));
        }
        let is_named = !self.users.is_empty() || self.users_from.is_some();
        let named = match is_named {
            true => {
                let file = NameFile { from: self.users_from.clone(), text: self.text };
                let users = name_args::users(&self.users, &file, &self.account)?;
                Some(without_repetitions(users))
            }
            false => None,
        };
        connection.progress.set_phase("reading the members");
        let users = connection.client.users();
        // The members would leave one group, and the service would reject the other.
        let unlisted = |group: &str, error: &umapi::Error| match error.is_not_found() {
            true => super::groups::unknown(group),
            false => Failure::of_service(format!("cannot list the members of {group}"), error),
        };
        match GroupState::of(&connection.client, &self.to).await {
            Ok(GroupState::Missing) => return Err(super::groups::unknown(&self.to)),
            Ok(_) => {}
            Err(error) => return Err(unlisted(&self.to, &error)),
        }
        let mut accounts = Accounts::default();
        let mut members = users.in_group(&self.from).list().dedup();
        loop {
            match members.try_next().await {
                Ok(Some(user)) => accounts.insert(&user),
                Ok(None) => break,
                Err(error) if error.is_group_too_large() => {
                    self.read_large(context, connection, &mut accounts).await?;
                    break;
                }
                Err(error) => return Err(unlisted(&self.from, &error)),
            }
        }
        warn_about_changes(context, members.changes());
        Ok((named, accounts))
    }

    /// Takes the members of a group that the service cannot list from the list of all users.
    async fn read_large(&self, context: &Context, connection: &Connection, accounts: &mut Accounts) -> Result<()> {
        let mut users = large_groups::users_of(context, connection, &[&self.from], true).await?;
        let from = FoldedName::new(&self.from);
        while let Some(user) = users.try_next().await? {
            if large_groups::has_member(&from, &user) {
                accounts.insert(&user);
            }
        }
        warn_about_list(context, &users);
        Ok(())
    }

    fn choose<'a>(&self, accounts: &'a Accounts, named: Option<&[NamedUser]>) -> Result<Chosen<'a>> {
        let Some(named) = named else {
            let member = |(number, account)| Member { place: Place { number, line: None }, account };
            return Ok(((1..).zip(accounts.iter()).map(member).collect(), Vec::new()));
        };
        let (mut members, mut skipped, mut ambiguities) = (Vec::new(), Vec::new(), Vec::new());
        let file: Option<&Path> = self.users_from.as_deref();
        for (number, NamedUser { query, line }) in (1..).zip(named) {
            match accounts.find(query) {
                Found::One(account) => members.push(Member { place: Place { number, line: *line }, account }),
                Found::Several(several) => ambiguities.push(located(file, *line, ambiguous(query, &several))),
                Found::Nobody => {
                    let message = format!("`{query}` is not a member of \"{}\"; nothing was sent", self.from);
                    skipped.push(OutcomeRecord::not_found(number, *line, query.name.clone(), message));
                }
            }
        }
        if ambiguities.is_empty() { Ok((members, skipped)) } else { Err(unclear(ambiguities)) }
    }

    /// The outcome of a member who cannot be removed.
    fn indirect(&self, member: &Member<'_>) -> OutcomeRecord {
        let message = format!("a member of \"{}\" through a user group; nothing was sent", self.from);
        let Place { number, line } = member.place;
        let record = OutcomeRecord::not_found(number, line, member.account.account.name().to_owned(), message);
        OutcomeRecord { outcome: OutcomeStatus::NotSent, ..record }
    }

    /// Asks, if all members are meant.
    async fn confirm(
        &self,
        context: &Context,
        connection: &Connection,
        verb: &str,
        count: usize,
        is_everyone: bool,
    ) -> Result<()> {
        if self.options.dry_run || !is_everyone || count == 0 {
            return Ok(());
        }
        let requests = count.div_ceil(limits::COMMANDS_PER_REQUEST);
        let time = connection.client.time_for(ThrottleClass::Action, requests).await;
        if let Ok(time) = time
            && time.as_secs() > 0
        {
            let requests = counted(requests as u64, "request");
            context.note(&format!("at most {requests}, about {} under the rate limits", rough(time)));
        }
        let users = counted(count as u64, "user");
        context.confirm(&format!("{verb} {users} from \"{}\" to \"{}\"?", self.from, self.to), self.yes)
    }
}

/// The number of names that are shown of a long list.
const SHOWN: usize = 20;

/// Checks the names of groups.
fn check_groups<'a>(names: impl IntoIterator<Item = &'a String>) -> Result<()> {
    let mistakes: Vec<String> = names.into_iter().filter_map(|name| check_name(name).err()).collect();
    match mistakes.is_empty() {
        true => Ok(()),
        false => Err(mistakes
            .into_iter()
            .fold(Failure::usage("a group name is not valid"), Failure::why)
            .remedy("correct the name")),
    }
}
