//! Carrying commands out: from a few of a subcommand to a file without end.

mod arguments;
mod recorder;
mod summary;
mod tickets;

use std::sync::{Arc, OnceLock};

use futures_util::{FutureExt, stream};
use umapi::{Command, CommandOutcome, StepState};

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

/// Commands on their way to the service, with all that follows them.
pub(crate) struct Batch<'a> {
    pub(crate) context: &'a Context,
    pub(crate) connection: &'a Connection,
    pub(crate) tickets: Tickets,
    /// Empty if there is none.
    pub(crate) journal: Arc<OnceLock<Journal>>,
    pub(crate) options: &'a WriteArgs,
}

/// A command with its number and line in the file.
pub(crate) struct Entry {
    pub(crate) ticket: Ticket,
    pub(crate) command: Command,
}

/// Carries out the few commands of a subcommand.
pub(crate) async fn run_small(
    context: &Context,
    commands: impl IntoIterator<Item = Command>,
    options: &WriteArgs,
) -> Result<Exit> {
    let progress = context.progress("commands");
    let tickets = Tickets::default();
    let recorder = Recorder::new(context.observer(&progress), tickets.clone(), Arc::default());
    let connection = Connection::open(context, progress, recorder).await?;
    let commands: Vec<Command> = commands.into_iter().collect();
    let entries =
        (1_u64..).zip(commands).map(|(number, command)| Ok(Entry { ticket: Ticket { number, line: None }, command }));
    Batch { context, connection: &connection, tickets, journal: Arc::default(), options }.run(entries).await
}

impl Batch<'_> {
    /// Carries out commands and writes what becomes of each, in the order in which it is known.
    ///
    /// An error of the input ends the input; what was taken before is brought to its end.
    pub(crate) async fn run(self, entries: impl Iterator<Item = Result<Entry>> + Send) -> Result<Exit> {
        let mut listing = self.context.outcomes(&self.connection.progress);
        let mut summary = Summary::default();
        if let Some(journal) = self.journal.get() {
            journal.for_each_ended(|record| summary.write_earlier(record, &mut listing, self.options))?;
            self.connection.progress.begin_at(summary.earlier());
        }
        let mut failed_input = None;
        let commands = entries
            .map_while(|entry| entry.map_err(|failure| failed_input = Some(failure)).ok())
            .filter_map(|entry| self.take(entry));
        let mut outcomes = self.connection.client.execute_stream(stream::iter(commands));
        if self.options.dry_run {
            outcomes = outcomes.test_only();
        }
        let _interrupt = Interrupt::stops(outcomes.stop_handle(), self.context, &self.connection.progress);
        while let Some(outcome) = outcomes.next().await {
            // All that is known by now goes into the journal with one wait for the disk.
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

    /// What a command is sent as: not at all, if the journal has its outcome.
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

    /// Writes outcomes into the journal.
    fn enter(&self, outcomes: &[CommandOutcome], records: &[OutcomeRecord]) -> Result<()> {
        let Some(journal) = self.journal.get() else { return Ok(()) };
        let unsent =
            outcomes.iter().zip(records).filter(|(outcome, _)| is_untouched(outcome)).map(|(_, record)| record.number);
        journal.end(records, unsent).map_err(|error| {
            Failure::failed("cannot write the journal")
                .why(error)
                .remedy("see that its disk has room; the same call then goes on, and looks at what was under way")
        })
    }

    fn way_on(&self) -> &'static str {
        match self.journal.get() {
            Some(_) => "the same call goes on from here",
            None => "what was not sent is listed as not-sent; with --journal FILE the same call could go on from here",
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

/// Whether nothing at all of a command was sent.
fn is_untouched(outcome: &CommandOutcome) -> bool {
    outcome.steps().iter().all(|step| step.parts.iter().all(|(_, state)| *state == StepState::NotSent))
}

/// Without a journal that can be relied on, nothing may be sent: the same as a power cut, for which it is made.
pub(crate) fn give_up(error: &rusqlite::Error) -> ! {
    let failure = Failure::failed("the journal cannot be read or written, so nothing more is sent").why(error);
    let _ = failure
        .remedy("see that its disk is in order and has room; the same call then goes on")
        .show(&mut anstream::stderr());
    std::process::exit(Exit::Failed as i32)
}
