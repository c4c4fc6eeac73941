//! Batches of commands: from the few of a subcommand to a file of any length.

mod arguments;
mod recorder;
mod summary;
mod tickets;

use std::sync::{Arc, OnceLock};

use futures_util::{FutureExt, stream};
use umapi::{Command, CommandOutcome, RunOptions, StepState, StopHandle};

pub(crate) use arguments::{IfExists, WriteArgs, checked};
pub(crate) use recorder::Recorder;
pub(crate) use summary::{Ended, Summary};
pub(crate) use tickets::{Ticket, Tickets};

use crate::{
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    interrupt::Interrupt,
    journal::{Journal, State},
    output::{Listing, OutcomeRecord},
};

/// A batch of commands, and everything that follows its progress.
pub(crate) struct Batch<'a> {
    pub(crate) context: &'a Context,
    pub(crate) connection: &'a Connection,
    pub(crate) tickets: Tickets,
    /// Empty without `--journal`.
    pub(crate) journal: Arc<OnceLock<Journal>>,
    pub(crate) options: &'a WriteArgs,
    /// Outcomes that are known without sending anything, of commands that are not among the entries.
    pub(crate) known: Vec<OutcomeRecord>,
}

/// A command with its number and its line in the file.
pub(crate) struct Entry {
    pub(crate) ticket: Ticket,
    pub(crate) command: Command,
}

/// Runs the few commands of a subcommand.
pub(crate) async fn run_small(
    context: &Context,
    commands: impl IntoIterator<Item = Command>,
    options: &WriteArgs,
) -> Result<Exit> {
    let commands = (1..).zip(commands).collect();
    SmallBatch::open(context).await?.run(context, commands, Vec::new(), options).await
}

/// The few commands of a subcommand, with a connection that can be used before they run.
pub(crate) struct SmallBatch {
    pub(crate) connection: Connection,
    tickets: Tickets,
}

impl SmallBatch {
    pub(crate) async fn open(context: &Context) -> Result<Self> {
        let progress = context.progress("commands");
        let tickets = Tickets::default();
        let recorder = Recorder::new(context.observer(&progress), tickets.clone(), Arc::default());
        Ok(Self { connection: Connection::open(context, progress, recorder).await?, tickets })
    }

    /// Runs numbered commands. The outcomes in `known` need no sending.
    pub(crate) async fn run(
        self,
        context: &Context,
        commands: Vec<(u64, Command)>,
        known: Vec<OutcomeRecord>,
        options: &WriteArgs,
    ) -> Result<Exit> {
        let entry = |(number, command)| Ok(Entry { ticket: Ticket { number, line: None }, command });
        let Self { connection, tickets } = self;
        connection.progress.begin_again();
        let batch = Batch { context, connection: &connection, tickets, journal: Arc::default(), options, known };
        batch.run(commands.into_iter().map(entry)).await
    }
}

impl Batch<'_> {
    /// Runs commands and writes their outcomes, in the order in which they are known.
    ///
    /// An error of the input ends the input; the commands before it are finished.
    pub(crate) async fn run(self, entries: impl Iterator<Item = Result<Entry>> + Send) -> Result<Exit> {
        let mut listing = self.context.outcomes(&self.connection.progress);
        let mut summary = Summary::default();
        if let Some(journal) = self.journal.get() {
            journal.for_each_ended(|record| summary.write_earlier(record, &mut listing, self.options))?;
            journal.end(&self.known, []).map_err(|error| cannot_write_journal(&error))?;
            self.connection.progress.begin_at(summary.earlier());
        }
        write(&self.known, &mut listing, &mut summary, self.options)?;
        let mut failed_input = None;
        let commands = entries
            .map_while(|entry| entry.map_err(|failure| failed_input = Some(failure)).ok())
            .filter_map(|entry| self.take(entry));
        let stop = StopHandle::new();
        let mut run = RunOptions::new().stop(&stop);
        if self.options.dry_run {
            run = run.test_only();
        }
        let mut outcomes = self.connection.client.execute_stream(stream::iter(commands)).with_options(run);
        let _interrupt = Interrupt::stops(stop, self.context, &self.connection.progress);
        while let Some(outcome) = outcomes.next().await {
            // All outcomes known by now are written to the journal together, with one wait for the disk.
            let mut known = vec![outcome];
            while let Some(Some(outcome)) = outcomes.next().now_or_never() {
                known.push(outcome);
            }
            let records: Vec<OutcomeRecord> = known.iter().map(|outcome| self.record(outcome)).collect();
            self.enter(&known, &records)?;
            write(&records, &mut listing, &mut summary, self.options)?;
        }
        let (error, requests) = (outcomes.error().cloned(), outcomes.requests());
        drop(outcomes);
        self.connection.progress.finish();
        listing.finish()?;
        self.context.note(&summary.describe(requests, self.options.dry_run));
        if let Some(failure) = failed_input {
            return Err(failure);
        }
        summary.conclude(self.context, error.as_ref(), self.way_on())
    }

    /// Decides how to send a command. `None` if the journal has its outcome.
    fn take(&self, entry: Entry) -> Option<Command> {
        let state = match self.journal.get() {
            Some(journal) => journal.state(entry.ticket.number).unwrap_or_else(|error| give_up(&error)),
            None => State::Untouched,
        };
        match state {
            State::Ended => None,
            State::Begun => {
                self.tickets.issue(entry.ticket);
                Some(entry.command.repeated())
            }
            State::Untouched => {
                self.tickets.issue(entry.ticket);
                Some(entry.command)
            }
        }
    }

    fn record(&self, outcome: &CommandOutcome) -> OutcomeRecord {
        let ticket = self.tickets.redeem(outcome.number() as u64);
        let mut record = OutcomeRecord::of(outcome, ticket.line);
        record.number = ticket.number;
        record
    }

    /// Records outcomes in the journal.
    fn enter(&self, outcomes: &[CommandOutcome], records: &[OutcomeRecord]) -> Result<()> {
        let Some(journal) = self.journal.get() else { return Ok(()) };
        let unsent =
            outcomes.iter().zip(records).filter(|(outcome, _)| is_untouched(outcome)).map(|(_, record)| record.number);
        journal.end(records, unsent).map_err(|error| cannot_write_journal(&error))
    }

    fn way_on(&self) -> &'static str {
        match self.journal.get() {
            Some(_) => "run the same command again to continue",
            None => {
                "commands that were not sent are listed as not-sent; with --journal FILE, running the same command again would continue"
            }
        }
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
    Failure::failed("cannot write the journal").why(error).remedy(
        "check that its disk has room, then run the same command again: it continues, and checks what was in flight",
    )
}

/// Whether no part of a command was sent.
fn is_untouched(outcome: &CommandOutcome) -> bool {
    outcome.steps().iter().all(|step| step.parts.iter().all(|(_, state)| *state == StepState::NotSent))
}

/// Ends the process: nothing may be sent without a journal.
pub(crate) fn give_up(error: &rusqlite::Error) -> ! {
    let failure = Failure::failed("cannot use the journal any more, so nothing more was sent").why(error);
    let _ = failure.remedy("check its disk, then run the same command again to continue").show(&mut anstream::stderr());
    std::process::exit(Exit::Failed as i32)
}
