//! Running commands and memberships against a stub: what it says is compared with what it was asked.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll},
};

use futures_core::Stream;
use umapi_model::Operation;
use umapi_plan::{
    BatchOutcome, CallFailure, Command, CommandOutcome, MembershipChange, MembershipOutcome, MembershipReport, Report,
    Submission,
    batch::{Scheduler, Settings},
    job::Job as _,
};
use umapi_time::Instant;

use super::{
    JournalFuture, RunOptions, Unfinished,
    journal::{OptionalJournal, record},
};
use crate::{
    call::{self, Effect, Scope},
    client::Client,
    error::{Error, Kind},
    observer::{OutcomeKnown, Progress},
    stub::{CommandBatch, DynStub, MembershipBatch, StubFuture},
};

/// The most commands of a stream that a stub is asked about at once.
const BATCH: usize = 1_000;

/// A run of a client that is made from a stub.
pub(super) struct StubRun<K> {
    client: Client,
    options: RunOptions,
    journal: OptionalJournal<K>,
    deadline: Option<Instant>,
    scope: Scope,
    /// The number of items so far.
    items: usize,
    /// How often the stub was asked.
    asked: u32,
    /// Why the run ended early.
    error: Option<Error>,
}

impl<K: Send + 'static> StubRun<K> {
    pub(super) fn new(client: Client, options: RunOptions, journal: OptionalJournal<K>) -> Self {
        Self {
            deadline: options.deadline.map(|time| client.0.clock.now() + time),
            scope: Scope::of_each(options.calls.clone()),
            error: options.calls.check().err(),
            client,
            options,
            journal,
            items: 0,
            asked: 0,
        }
    }

    /// Executes all commands of a run.
    pub(super) async fn execute<S: Submission<Key = K>>(
        mut self,
        commands: Vec<S>,
    ) -> Result<Report<S::Outcome>, Unfinished<Report<S::Outcome>>> {
        let commands = commands.into_iter().map(Submission::into_parts).collect();
        let outcomes = self.commands(commands).await;
        self.report(outcomes.into_iter().map(|(key, outcome)| S::outcome(key, outcome)), true)
    }

    /// Changes all memberships of a run.
    pub(super) async fn change(
        mut self,
        changes: Vec<MembershipChange>,
    ) -> Result<MembershipReport, Unfinished<MembershipReport>> {
        let outcomes = self.memberships(changes).await;
        self.report(outcomes, true)
    }

    fn report<O: BatchOutcome>(
        self,
        outcomes: impl IntoIterator<Item = O>,
        is_complete: bool,
    ) -> Result<Report<O>, Unfinished<Report<O>>> {
        self.report_progress(is_complete);
        let report = Report::new(outcomes).with_requests(self.asked).with_test_mode(self.options.test_only);
        match self.error {
            None => Ok(report),
            Some(error) => Err(Unfinished::new(report.with_aborted(error.clone().into()), error)),
        }
    }

    /// Returns the outcomes of more commands, in their order.
    async fn commands(&mut self, commands: Vec<(K, Command)>) -> Vec<(K, CommandOutcome)> {
        let first = self.items;
        self.items += commands.len();
        // What breaks a rule is rejected here, in the way of every client.
        let broken: Vec<Option<CommandOutcome>> = commands.iter().map(|(_, command)| rejected(command)).collect();
        let (asked, journal) = {
            let valid = || (first..).zip(&commands).zip(&broken).filter(|(_, broken)| broken.is_none());
            let asked: Vec<Command> = valid().map(|((_, (_, command)), _)| command.clone()).collect();
            let entries = || valid().map(|((number, (key, _)), _)| (number, key)).collect();
            let journal = if asked.is_empty() { None } else { self.journal.begin_with(entries) };
            (asked, journal)
        };
        let mut answers = self.ask_about_commands(asked, journal).await.into_iter();
        let outcome = |(number, ((key, command), broken)): (usize, ((K, Command), Option<CommandOutcome>))| {
            let outcome = match broken {
                Some(rejected) => rejected,
                None => answers.next().unwrap_or_else(|| CommandOutcome::unknown(command, wrong_count(0, 1))),
            };
            (key, outcome.with_number(number))
        };
        let outcomes: Vec<_> = (first..).zip(commands.into_iter().zip(broken)).map(outcome).collect();
        self.report_outcomes(first, outcomes.iter().map(|(_, outcome)| outcome));
        outcomes
    }

    /// Tells the observer the outcomes of more items.
    fn report_outcomes<'a, O: BatchOutcome + 'a>(&self, first: usize, outcomes: impl Iterator<Item = &'a O>) {
        for (number, outcome) in (first as u64..).zip(outcomes) {
            let (items, outcome) = (O::PLURAL, outcome.outcome());
            self.client.0.observer.outcome(&OutcomeKnown { items, number, outcome });
        }
    }

    async fn ask_about_commands(
        &mut self,
        commands: Vec<Command>,
        journal: Option<JournalFuture>,
    ) -> Vec<CommandOutcome> {
        if commands.is_empty() {
            return Vec::new();
        }
        if let Some(journal) = journal
            && self.error.is_none()
        {
            let recorded = record(journal, &self.client.0.clock, self.deadline, &self.options.stop);
            self.error = recorded.await.err();
        }
        let batch = CommandBatch::new(commands.clone(), self.options.test_only);
        let answer = self.ask(|stub| stub.execute(batch)).await;
        settle(
            commands,
            answer,
            |command, outcome| outcome.is_about(command),
            CommandOutcome::not_sent,
            CommandOutcome::unknown,
        )
    }

    /// Returns the outcomes of changes of memberships, in their order.
    async fn memberships(&mut self, changes: Vec<MembershipChange>) -> Vec<MembershipOutcome> {
        let first = self.items;
        self.items += changes.len();
        if changes.is_empty() {
            return Vec::new();
        }
        let batch = MembershipBatch::new(changes.clone(), self.options.test_only);
        let answer = self.ask(|stub| stub.change_memberships(batch)).await;
        let outcomes = settle(
            changes,
            answer,
            |change, outcome| outcome.is_about(change),
            MembershipOutcome::not_sent,
            MembershipOutcome::unknown,
        );
        self.report_outcomes(first, outcomes.iter());
        outcomes
    }

    /// Asks the stub, unless the run has ended. An error ends the run.
    async fn ask<T>(&mut self, ask: impl FnOnce(&dyn DynStub) -> StubFuture<'_, Vec<T>>) -> Result<Vec<T>, Error> {
        let engine = self.client.0.clone();
        if self.error.is_none() && self.options.stop.is_stopped() {
            self.error = Some(Error::new(Kind::Stopped));
        }
        let Some(stub) = engine.stub() else { return Err(Error::invalid("the client has no stub")) };
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let started = engine.clock.now();
        let own = self.scope.deadline(&engine.clock);
        let deadline = own.into_iter().chain(self.deadline).min();
        if deadline.is_some_and(|deadline| deadline <= started) {
            // Nothing is asked for that has no time.
            return Err(self.error.insert(Error::new(Kind::Deadline { has_passed: true })).clone());
        }
        self.asked += 1;
        let is_asking = AtomicBool::new(true);
        let asking = async {
            let answer = ask(&**stub).await;
            is_asking.store(false, Ordering::SeqCst);
            answer
        };
        let answer = call::within(&engine.clock, deadline, Some(&self.options.stop), &is_asking, asking).await;
        // A stub that was asked and did not answer may have done it.
        let is_cut_off = is_asking.load(Ordering::SeqCst);
        let answer = answer.map_err(|error| {
            error.with(|details| {
                details.may_have_been_applied |= is_cut_off;
                details.requests = details.requests.max(u32::from(is_cut_off));
            })
        });
        let call = self.scope.change(Operation::ExecuteActions, Effect::RepeatableChange);
        engine.report_answer(call, started, &answer);
        if let Err(error) = &answer {
            self.error = Some(error.clone());
        }
        answer
    }

    fn report_progress(&self, is_complete: bool) {
        self.client.0.observer.progress(&Progress {
            done: self.items as u64,
            total: is_complete.then_some(self.items as u64),
            requests: u64::from(self.asked),
            remaining: is_complete.then_some(std::time::Duration::ZERO),
        });
    }
}

/// The outcomes of all items: what the stub says, if it says as much as it was asked and about the same.
fn settle<T: Clone, O>(
    items: Vec<T>,
    answer: Result<Vec<O>, Error>,
    is_about: impl Fn(&T, &O) -> bool,
    not_sent: impl Fn(T, CallFailure) -> O,
    unknown: impl Fn(T, CallFailure) -> O,
) -> Vec<O> {
    match answer {
        Ok(outcomes) if outcomes.len() != items.len() => {
            let why = wrong_count(outcomes.len(), items.len());
            items.into_iter().map(|item| unknown(item, why.clone())).collect()
        }
        Ok(outcomes) => {
            let check = |(item, outcome): (T, O)| match is_about(&item, &outcome) {
                true => outcome,
                false => unknown(item, CallFailure::new("the stub answered about something else than it was asked")),
            };
            items.into_iter().zip(outcomes).map(check).collect()
        }
        Err(error) if error.may_have_been_applied() => {
            items.into_iter().map(|item| unknown(item, error.clone().into())).collect()
        }
        Err(error) => items.into_iter().map(|item| not_sent(item, error.clone().into())).collect(),
    }
}

fn wrong_count(given: usize, asked: usize) -> CallFailure {
    CallFailure::new(format!("the stub gave {given} outcomes and was asked for {asked}"))
}

/// The outcome of a command that breaks a rule; `None` if it does not.
fn rejected(command: &Command) -> Option<CommandOutcome> {
    let mut scheduler = Scheduler::new(Settings::unbounded(false));
    scheduler.offer(command.clone());
    scheduler.take_outcomes().pop()
}

type Asking<K> = Pin<Box<dyn Future<Output = (Box<StubRun<K>>, Vec<(K, CommandOutcome)>)> + Send>>;

/// The run of a stream of commands against a stub.
pub(super) struct StubStream<S: Submission> {
    state: State<S::Key>,
    is_test: bool,
    error: Option<Error>,
    requests: u64,
}

enum State<K> {
    Idle(Box<StubRun<K>>),
    Asking(Asking<K>),
    /// Only while one becomes the other.
    Changing,
}

impl<S: Submission> StubStream<S> {
    pub(super) fn new(run: StubRun<S::Key>) -> Self {
        Self {
            is_test: run.options.test_only,
            error: run.error.clone(),
            state: State::Idle(Box::new(run)),
            requests: 0,
        }
    }

    pub(super) fn is_test(&self) -> bool {
        self.is_test
    }

    pub(super) fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// Returns more outcomes, or none at the end.
    pub(super) fn poll_more(
        &mut self,
        commands: &mut Option<Pin<Box<impl Stream<Item = S>>>>,
        context: &mut Context<'_>,
    ) -> Poll<VecDeque<S::Outcome>> {
        loop {
            match std::mem::replace(&mut self.state, State::Changing) {
                State::Changing => return Poll::Ready(VecDeque::new()),
                State::Asking(mut asking) => match asking.as_mut().poll(context) {
                    Poll::Pending => {
                        self.state = State::Asking(asking);
                        return Poll::Pending;
                    }
                    Poll::Ready((run, outcomes)) => {
                        run.report_progress(commands.is_none());
                        (self.error, self.requests) = (run.error.clone(), u64::from(run.asked));
                        self.state = State::Idle(run);
                        return Poll::Ready(
                            outcomes.into_iter().map(|(key, outcome)| S::outcome(key, outcome)).collect(),
                        );
                    }
                },
                State::Idle(mut run) => {
                    let batch = take_ready(commands, run.error.is_some(), context);
                    if batch.is_empty() {
                        self.state = State::Idle(run);
                        return if commands.is_none() { Poll::Ready(VecDeque::new()) } else { Poll::Pending };
                    }
                    self.state = State::Asking(Box::pin(async move {
                        let outcomes = run.commands(batch).await;
                        (run, outcomes)
                    }));
                }
            }
        }
    }
}

/// Takes the commands that are there. A run that has ended takes no more.
fn take_ready<S: Submission>(
    commands: &mut Option<Pin<Box<impl Stream<Item = S>>>>,
    has_ended: bool,
    context: &mut Context<'_>,
) -> Vec<(S::Key, Command)> {
    let mut batch = Vec::new();
    if has_ended {
        *commands = None;
    }
    while let Some(stream) = commands
        && batch.len() < BATCH
    {
        match stream.as_mut().poll_next(context) {
            Poll::Ready(Some(command)) => batch.push(command.into_parts()),
            Poll::Ready(None) => *commands = None,
            Poll::Pending => break,
        }
    }
    batch
}
