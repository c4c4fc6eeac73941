//! Running a stream of commands.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use umapi_plan::{
    BatchOutcome as _, Command, Counts, Submission,
    batch::{Scheduler, Settings},
    job::Job as _,
};

use super::{
    RunOptions,
    journal::{Journal, OptionalJournal},
    runner::Runner,
    stubbed::{StubRun, StubStream},
};
use crate::{
    client::Client,
    error::{EndedRun, Error},
};

impl Client {
    /// Executes a stream of commands, however long, and returns a stream of their outcomes.
    ///
    /// ```no_run
    /// # async fn run(
    /// #     client: umapi::Client,
    /// #     rows: impl futures_core::Stream<Item = umapi::Command> + Send,
    /// # ) -> Result<(), umapi::Error> {
    /// let mut outcomes = client.execute_stream(rows);
    /// while let Some(outcome) = outcomes.next().await {
    ///     println!("{outcome}");
    /// }
    /// let counts = outcomes.result()?;
    /// println!("{counts}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It works like [`execute`](Self::execute), keys included, but in bounded memory: it reads ahead as far as packing
    /// gains by it, a few thousand commands, and no further while outcomes are not taken. When the stream has no command
    /// ready, what was read so far is sent.
    pub fn execute_stream<S: Stream<Item: Submission>>(&self, commands: S) -> Outcomes<S> {
        Outcomes {
            commands: Some(Box::pin(commands)),
            state: State::Ready {
                client: self.clone(),
                options: Box::new(RunOptions::new()),
                journal: OptionalJournal::none(),
            },
            ready: VecDeque::new(),
            counts: Counts::new(),
            may_have_been_applied: false,
        }
    }
}

/// The outcomes of a stream of commands, in the order in which they are known; made by [`Client::execute_stream`].
///
/// Outcomes carry the [number](crate::CommandOutcome::number) of their command in the stream, from 0. Every command that
/// was taken from the stream has exactly one. When it makes no sense to go on, what was taken and not sent comes out as
/// not sent, the stream of commands is not read further, and [`error`](Self::error) says why.
///
/// A type or a function that keeps it names the stream of commands, or lets it be any: `Outcomes` alone is made by
/// [`boxed`](Self::boxed).
///
/// It is a [`Stream`] too. Dropping it drops the requests in flight; to end it early and still learn every outcome,
/// [stop](crate::StopHandle) it.
pub struct Outcomes<S: Stream<Item: Submission> = BoxedCommands> {
    /// `None` once the stream has ended.
    commands: Option<Pin<Box<S>>>,
    state: State<S::Item>,
    ready: VecDeque<<S::Item as Submission>::Outcome>,
    /// The outcomes that were returned.
    counts: Counts,
    may_have_been_applied: bool,
}

/// A stream of commands of any type.
pub type BoxedCommands<C = Command> = Pin<Box<dyn Stream<Item = C> + Send>>;

enum State<S: Submission> {
    Ready {
        client: Client,
        options: Box<RunOptions>,
        journal: OptionalJournal<S::Key>,
    },
    Running(Box<Runner<Scheduler<S>>>),
    /// The client is made from a stub.
    Stubbed(Box<StubStream<S>>),
    /// Only while `Ready` becomes `Running`.
    Changing,
}

impl<S: Stream<Item: Submission>> Outcomes<S> {
    /// Sets the options of the run. They have no effect after the first outcome was asked for.
    #[must_use]
    pub fn with_options(mut self, options: RunOptions) -> Self {
        self.set_options(options);
        self
    }

    pub(crate) fn set_options(&mut self, options: RunOptions) {
        if let State::Ready { options: old, .. } = &mut self.state {
            **old = options;
        }
    }

    /// Sets the journal that is asked before commands are sent. It has no effect after the first outcome was asked for.
    ///
    /// See [`Execute::with_journal`](crate::Execute::with_journal) for an example.
    #[must_use]
    pub fn with_journal(mut self, new: impl Journal<<S::Item as Submission>::Key>) -> Self {
        if let State::Ready { journal, .. } = &mut self.state {
            *journal = OptionalJournal::some(new);
        }
        self
    }

    /// Forgets the type of the stream of commands.
    ///
    /// ```no_run
    /// use umapi::{Client, Command, Outcomes};
    ///
    /// struct Leavers {
    ///     outcomes: Outcomes,
    /// }
    ///
    /// fn begin(
    ///     client: &Client,
    ///     commands: impl futures_core::Stream<Item = Command> + Send + 'static,
    /// ) -> Leavers {
    ///     Leavers { outcomes: client.execute_stream(commands).boxed() }
    /// }
    /// ```
    #[must_use]
    pub fn boxed(self) -> Outcomes<BoxedCommands<S::Item>>
    where
        S: Send + 'static,
    {
        let Self { commands, state, ready, counts, may_have_been_applied } = self;
        let commands = commands.map(|commands| Box::pin(commands as BoxedCommands<S::Item>));
        Outcomes { commands, state, ready, counts, may_have_been_applied }
    }

    /// Returns the next outcome. `None` when all commands have one.
    pub async fn next(&mut self) -> Option<<S::Item as Submission>::Outcome> {
        poll_fn(|context| self.poll_outcome(context)).await
    }

    /// Returns the counts of the outcomes that were returned so far.
    ///
    /// # Errors
    ///
    /// Why the run ended early, if it did. The error has the counts too.
    pub fn result(&self) -> Result<Counts, Error> {
        let counts = self.counts;
        let Some(error) = self.error() else { return Ok(counts) };
        let summary = format!("{} commands in {} requests: {counts}", counts.total(), self.requests());
        Err(error.clone().of_run(EndedRun { summary, counts, report: None }, self.may_have_been_applied))
    }

    /// Why the run ended early, if it did.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match &self.state {
            State::Running(runner) => runner.error(),
            State::Stubbed(stubbed) => stubbed.error(),
            State::Ready { .. } | State::Changing => None,
        }
    }

    /// The number of requests sent so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        match &self.state {
            State::Running(runner) => runner.requests(),
            State::Stubbed(stubbed) => stubbed.requests(),
            State::Ready { .. } | State::Changing => 0,
        }
    }

    fn poll_outcome(&mut self, context: &mut Context<'_>) -> Poll<Option<<S::Item as Submission>::Outcome>> {
        self.start();
        loop {
            if let Some(outcome) = self.ready.pop_front() {
                self.counts.add(outcome.outcome());
                self.may_have_been_applied |= !self.is_test() && outcome.may_have_been_applied();
                return Poll::Ready(Some(outcome));
            }
            let runner = match &mut self.state {
                State::Running(runner) => runner,
                State::Stubbed(stubbed) => {
                    self.ready = ready!(stubbed.poll_more(&mut self.commands, context));
                    if self.ready.is_empty() {
                        return Poll::Ready(None);
                    }
                    continue;
                }
                State::Ready { .. } | State::Changing => return Poll::Ready(None),
            };
            let has_paused = read(&mut self.commands, runner, context);
            runner.launch(has_paused);
            self.ready.extend(runner.take_outcomes());
            if !self.ready.is_empty() {
                continue;
            }
            if runner.job.is_finished() {
                return Poll::Ready(None);
            }
            match runner.poll_finished(context) {
                Poll::Ready(Some(())) => {}
                // Nothing is in flight: the stream of commands is waited for.
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn is_test(&self) -> bool {
        match &self.state {
            State::Running(runner) => runner.is_test(),
            State::Stubbed(stubbed) => stubbed.is_test(),
            State::Ready { .. } | State::Changing => false,
        }
    }

    fn start(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Changing) {
            State::Ready { client, options, journal } if client.0.stub().is_some() => {
                State::Stubbed(Box::new(StubStream::new(StubRun::new(client, *options, journal))))
            }
            State::Ready { client, options, journal } => {
                let settings = Settings { test_mode: options.test_only, ..Settings::default() };
                State::Running(Box::new(Runner::new(client, Scheduler::new(settings), *options, journal)))
            }
            state => state,
        };
    }
}

/// Takes as many commands from the stream as there is room for. Returns whether the stream has none ready now.
fn read<S: Stream<Item: Submission>>(
    commands: &mut Option<Pin<Box<S>>>,
    runner: &mut Runner<Scheduler<S::Item>>,
    context: &mut Context<'_>,
) -> bool {
    while let Some(stream) = commands {
        if runner.error().is_none() {
            if runner.job.is_full() {
                return false;
            }
            match stream.as_mut().poll_next(context) {
                Poll::Ready(Some(command)) => {
                    runner.job.offer(command);
                    continue;
                }
                Poll::Ready(None) => {}
                Poll::Pending => return true,
            }
        }
        *commands = None;
        runner.job.close();
        runner.complete();
    }
    true
}

impl<S: Stream<Item: Submission>> Unpin for Outcomes<S> {}

impl<S: Stream<Item: Submission>> Stream for Outcomes<S> {
    type Item = <S::Item as Submission>::Outcome;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_outcome(context)
    }
}

impl<S: Stream<Item: Submission>> fmt::Debug for Outcomes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcomes")
            .field("has_more_commands", &self.commands.is_some())
            .field("ready", &self.ready.len())
            .finish_non_exhaustive()
    }
}
