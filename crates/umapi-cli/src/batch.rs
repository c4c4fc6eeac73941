//! Batches of commands: from the few of a subcommand to a file of any length.

use std::{collections::HashMap, sync::Arc};

use futures_util::{FutureExt, stream};
use umapi::{
    Account, Command, CommandOutcome, GroupRef, JournalEntry, JournalFuture, RunOptions, StepState, StopHandle,
    model::ExhaustiveUserStep,
};

use crate::{
    cache::{RunChanges, Unusable},
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    journal::{Journal, State},
    licenses::Added,
    options::WriteArgs,
    output::{Listing, OutcomeRecord},
    summary::Summary,
};

/// Checks a command that is given as arguments against the rules of the service, before anything is sent.
pub(crate) fn checked(command: Command) -> Result<Command> {
    match command.check() {
        Ok(()) => Ok(command),
        Err(invalid) => Err(Failure::usage(format!("cannot send the command for {}", command.root()))
            .why(format!("{}: {} ({})", argument_of(invalid.field()), invalid.rule(), invalid.code()))
            .remedy(invalid.remedy())),
    }
}

/// Returns the argument that sets a field of a command.
fn argument_of(field: &str) -> &str {
    match field {
        "firstname" => "--firstname",
        "lastname" => "--lastname",
        "country" => "--country",
        "email" => "--email",
        "username" => "--username",
        "domain" => "--domain",
        "description" => "--description",
        "name" => "--name",
        "group" => "--add-to",
        "productConfiguration" => "product profile",
        "usergroup" => "user group",
        other => other,
    }
}

/// A batch of commands, and everything that follows its progress.
pub(crate) struct Batch<'a> {
    pub(crate) context: &'a Context,
    pub(crate) connection: &'a Connection,
    pub(crate) journal: Option<Arc<Journal>>,
    pub(crate) options: &'a WriteArgs,
    /// Outcomes that are known without sending anything, of commands that are not among the entries.
    pub(crate) known: Vec<OutcomeRecord>,
    /// The users who are added to groups, by the number of the command: their licenses are checked afterwards.
    pub(crate) additions: HashMap<u64, (Account, Vec<String>)>,
    /// The number of outcomes that there must be at the end, those of the journal and the known ones included.
    pub(crate) expected: u64,
}

/// Warns if what a change does to the cached lists cannot be noted.
pub(crate) fn keep_cache<T>(context: &Context, noted: Result<T, Unusable>) -> Option<T> {
    noted.map_err(|why| context.warn(&format!("the cached lists may be outdated now: {why}"))).ok()
}

/// The place of a command in the input: its key in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Counted from 1.
    pub(crate) number: u64,
    /// The line of the file, counted from 1. `None` without a file.
    pub(crate) line: Option<u64>,
}

/// Runs the few commands of a subcommand.
pub(crate) async fn run_small(
    context: &Context,
    commands: impl IntoIterator<Item = Command>,
    options: &WriteArgs,
) -> Result<Exit> {
    let commands = (1..).zip(commands).map(|(number, command)| (Place { number, line: None }, command)).collect();
    SmallBatch::open(context).await?.run(context, commands, Vec::new(), options).await
}

/// The few commands of a subcommand, with a connection that can be used before they run.
pub(crate) struct SmallBatch {
    pub(crate) connection: Connection,
}

impl SmallBatch {
    pub(crate) async fn open(context: &Context) -> Result<Self> {
        Ok(Self { connection: Connection::for_change(context, "commands").await? })
    }

    /// Runs commands. The outcomes in `known` need no sending.
    pub(crate) async fn run(
        self,
        context: &Context,
        commands: Vec<(Place, Command)>,
        known: Vec<OutcomeRecord>,
        options: &WriteArgs,
    ) -> Result<Exit> {
        let expected = (commands.len() + known.len()) as u64;
        let additions =
            commands.iter().filter_map(|(place, command)| Some((place.number, additions(command)?))).collect();
        let connection = &self.connection;
        let batch = Batch { context, connection, journal: None, options, known, additions, expected };
        batch.run(commands.into_iter().map(Ok)).await
    }
}

impl Batch<'_> {
    /// Runs commands and writes their outcomes, in the order in which they are known.
    ///
    /// An error of the input or of the journal ends the input; the commands before it are finished.
    pub(crate) async fn run(self, commands: impl Iterator<Item = Result<(Place, Command)>> + Send) -> Result<Exit> {
        self.connection.progress.begin_again();
        let mut listing = self.context.outcomes(&self.connection.progress);
        let mut summary = Summary::default();
        if let Some(journal) = &self.journal {
            journal.for_each_ended(|record| summary.write_earlier(record, &mut listing, self.options))?;
            journal.end(&self.known, []).map_err(|error| cannot_write_journal(&error))?;
            self.connection.progress.begin_at(summary.earlier());
        }
        write(&self.known, &mut listing, &mut summary, self.options)?;
        let mut failure = None;
        let cache = self.connection.cache.as_ref();
        let changes = RunChanges::begin(cache, self.expected, self.options.dry_run);
        let changes = keep_cache(self.context, changes).unwrap_or_default();
        let commands = commands
            .filter_map(|next| next.and_then(|(place, command)| self.prepare(place, command, &changes)).transpose())
            .map_while(|next| next.map_err(|error| failure = Some(error)).ok());
        let stop = StopHandle::new();
        let mut run = RunOptions::new().stop(&stop);
        if self.options.dry_run {
            run = run.test_only();
        }
        let mut outcomes = self.connection.client.execute_stream(stream::iter(commands)).with_options(run);
        if let Some(journal) = &self.journal {
            outcomes = outcomes.with_journal(WriteAhead(journal.clone()));
        }
        let (mut journal_failure, mut added) = (None, Added::default());
        let interrupt = self.context.interrupts.stop(&stop);
        while let Some(outcome) = outcomes.next().await {
            // All outcomes known by now are written to the journal together, with one wait for the disk.
            let mut known = vec![outcome];
            while let Some(Some(outcome)) = outcomes.next().now_or_never() {
                known.push(outcome);
            }
            for (place, _) in known.iter().filter(|(_, outcome)| outcome.is_completed()) {
                if let Some((user, groups)) = self.additions.get(&place.number) {
                    groups.iter().for_each(|group| added.push(&GroupRef::from(group), user));
                }
            }
            let records: Vec<OutcomeRecord> =
                known.iter().map(|(place, outcome)| OutcomeRecord::of(outcome, place.number, place.line)).collect();
            for (place, outcome) in &known {
                keep_cache(self.context, changes.after(place.number, outcome.is_completed()));
            }
            if let Err(error) = self.record(&known, &records) {
                // The outcomes are shown all the same, and nothing more is sent.
                journal_failure.get_or_insert_with(|| cannot_write_journal(&error));
                stop.stop();
            }
            write(&records, &mut listing, &mut summary, self.options)?;
        }
        let (error, requests) = (outcomes.error().cloned(), outcomes.requests());
        drop((outcomes, interrupt));
        keep_cache(self.context, changes.end());
        self.connection.progress.finish();
        listing.finish()?;
        let summary = summary.finish(requests, self.options.dry_run);
        self.context.summarize(&summary);
        if !self.options.dry_run && error.is_none() {
            added.warn_about_licenses(self.context, self.connection).await;
        }
        if let Some(failure) = journal_failure.or(failure) {
            return Err(failure);
        }
        if error.is_none() && summary.count() != self.expected {
            let failure = Failure::failed("not every command has an outcome");
            return Err(failure.why(format!("{} of {} commands have one", summary.count(), self.expected)));
        }
        self.context.conclude_changes(&summary, error.as_ref(), self.how_to_continue())
    }

    /// Decides how to send a command. `None` if the journal has its outcome.
    fn prepare(&self, place: Place, command: Command, changes: &RunChanges) -> Result<Option<(Place, Command)>> {
        let state = match &self.journal {
            Some(journal) => journal.state(place.number).map_err(|error| {
                Failure::failed("cannot read the journal, so nothing more was sent")
                    .why(error)
                    .remedy("check its disk, then run the same command again to continue")
            })?,
            None => State::Untouched,
        };
        if state != State::Ended {
            keep_cache(self.context, changes.before(place.number, &command));
        }
        Ok(match state {
            State::Ended => None,
            State::Begun => Some((place, command.repeated())),
            State::Untouched => Some((place, command)),
        })
    }

    /// Records outcomes in the journal.
    fn record(&self, outcomes: &[(Place, CommandOutcome)], records: &[OutcomeRecord]) -> rusqlite::Result<()> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let untouched = outcomes.iter().filter(|(_, outcome)| is_untouched(outcome)).map(|(place, _)| place.number);
        journal.end(records, untouched)
    }

    fn how_to_continue(&self) -> &'static str {
        match &self.journal {
            Some(_) => "run the same command again to continue",
            None => {
                "commands that were not sent are listed as not-sent; with --journal FILE, running the same command again would continue"
            }
        }
    }
}

/// Returns the user of a command, and the groups that it adds the user to.
fn additions(command: &Command) -> Option<(Account, Vec<String>)> {
    let umapi::model::Command::User(command) = command.to_raw() else { return None };
    let user = match (&command.domain, command.use_adobe_id) {
        (Some(domain), _) if !command.user.contains('@') => Account::username(&command.user, domain),
        (_, Some(true)) => Account::adobe_id(&command.user),
        _ => Account::email(&command.user),
    };
    let mut groups = Vec::new();
    for step in &command.do_ {
        match step.exhaustive() {
            ExhaustiveUserStep::Add(lists) => groups.extend_from_slice(&lists.group),
            ExhaustiveUserStep::AddAdobeId(_)
            | ExhaustiveUserStep::CreateEnterpriseId(_)
            | ExhaustiveUserStep::CreateFederatedId(_)
            | ExhaustiveUserStep::Update(_)
            | ExhaustiveUserStep::Remove(_)
            | ExhaustiveUserStep::AddRoles(_)
            | ExhaustiveUserStep::RemoveRoles(_)
            | ExhaustiveUserStep::RemoveFromOrg(_)
            | ExhaustiveUserStep::RemoveFromDomain(_)
            | ExhaustiveUserStep::ResetPassword(_) => {}
        }
    }
    Some((user, groups))
}

/// Records in the journal what is about to be sent.
struct WriteAhead(Arc<Journal>);

impl umapi::Journal<Place> for WriteAhead {
    fn begin(&self, commands: &[JournalEntry<'_, Place>]) -> JournalFuture {
        let journal = self.0.clone();
        let numbers: Vec<u64> = commands.iter().map(|command| command.key.number).collect();
        Box::pin(async move {
            // It waits for the disk.
            tokio::task::spawn_blocking(move || journal.begin(numbers)).await??;
            Ok(())
        })
    }
}

fn write<W: std::io::Write>(
    records: &[OutcomeRecord],
    listing: &mut Listing<OutcomeRecord, W>,
    summary: &mut Summary,
    options: &WriteArgs,
) -> Result<()> {
    for record in records {
        summary.write(record, listing, options)?;
    }
    Ok(listing.flush()?)
}

fn cannot_write_journal(error: &rusqlite::Error) -> Failure {
    Failure::failed("cannot write the journal, so nothing more was sent").why(error).remedy(
        "check that its disk has room, then run the same command again: it continues, and checks what was in flight",
    )
}

/// Whether no part of a command was sent.
fn is_untouched(outcome: &CommandOutcome) -> bool {
    outcome.steps().iter().all(|step| step.parts.iter().all(|part| part.state == StepState::NotSent))
}
