//! A stream of commands, and the stream of what becomes of them.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;

use super::{StopHandle, options::Options, runner::Runner};
use crate::{client::Client, error::Error};
use umapi_plan::{
    Command, CommandOutcome,
    batch::{Scheduler, Settings},
    job::Job,
};

impl Client {
    /// Executes a stream of commands, however many, and gives a stream of what becomes of each.
    ///
    /// ```no_run
    /// # async fn run(client: umapi::Client, rows: impl futures_core::Stream<Item = umapi::Command> + Send) {
    /// let mut outcomes = client.execute_stream(rows);
    /// while let Some(outcome) = outcomes.next().await {
    ///     println!("{outcome}");
    /// }
    /// if let Some(error) = outcomes.error() {
    ///     eprintln!("it ended early: {error}");
    /// }
    /// # }
    /// ```
    ///
    /// It does the same as [`execute`](Self::execute), in bounded memory: it reads ahead as far as packing gains by it, a
    /// few thousand commands, and no further while outcomes are not taken. Where the stream has nothing ready, what there
    /// is goes out.
    pub fn execute_stream<S: Stream<Item = Command>>(&self, commands: S) -> Outcomes<S> {
        Outcomes {
            commands: Some(Box::pin(commands)),
            state: State::Ready(Box::new(Options::new(self.clone()))),
            ready: VecDeque::new(),
        }
    }
}

/// What becomes of each command of a stream, in the order in which it is known; made by [`Client::execute_stream`].
///
/// Outcomes carry the [number](CommandOutcome::number) of their command in the stream, from 0. Every command that was
/// taken from the stream has exactly one. When there is no point in going on, what was taken and not sent comes out as not
/// sent, the stream of commands is not read further, and [`error`](Self::error) says why.
///
/// It is a [`Stream`] too. Dropping it drops the requests under way; [`stop`](Self::stop_handle) it to end it early and
/// still learn what became of everything.
pub struct Outcomes<S> {
    /// Nothing once it has ended.
    commands: Option<Pin<Box<S>>>,
    state: State,
    ready: VecDeque<CommandOutcome>,
}

enum State {
    Ready(Box<Options>),
    Running(Box<Runner<Scheduler>>),
    /// Only while one becomes the other.
    Changing,
}

impl<S: Stream<Item = Command>> Outcomes<S> {
    /// Only tries: the service validates everything and changes nothing. What refers to a user that does not exist, but is
    /// otherwise valid, counts as completed.
    #[must_use]
    pub fn test_only(self) -> Self {
        self.with(|options| options.test_only = true)
    }

    /// The most requests in flight at a time. The default is four for each credential.
    #[must_use]
    pub fn in_flight(self, most: usize) -> Self {
        self.with(|options| options.in_flight = most)
    }

    /// How long all of it may take, counted from the first outcome that is asked for.
    #[must_use]
    pub fn deadline(self, time: Duration) -> Self {
        self.with(|options| options.deadline = Some(time))
    }

    /// Options count until the first outcome is asked for.
    fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        if let State::Ready(options) = &mut self.state {
            change(options);
        }
        self
    }

    /// A handle to stop it by.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        match &self.state {
            State::Ready(options) => options.stop.clone(),
            State::Running(runner) => runner.stop_handle(),
            State::Changing => StopHandle::new(),
        }
    }

    /// The next outcome. Nothing when all commands have one.
    pub async fn next(&mut self) -> Option<CommandOutcome> {
        poll_fn(|context| self.poll_outcome(context)).await
    }

    /// Why it ended early, if it did.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.runner().and_then(Runner::error)
    }

    /// How many requests were sent so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.runner().map_or(0, Runner::requests)
    }

    fn runner(&self) -> Option<&Runner<Scheduler>> {
        match &self.state {
            State::Running(runner) => Some(runner),
            State::Ready(_) | State::Changing => None,
        }
    }

    fn poll_outcome(&mut self, context: &mut Context<'_>) -> Poll<Option<CommandOutcome>> {
        self.start();
        let State::Running(runner) = &mut self.state else { return Poll::Ready(None) };
        loop {
            if let Some(outcome) = self.ready.pop_front() {
                return Poll::Ready(Some(outcome));
            }
            let has_paused = read(&mut self.commands, runner, context);
            runner.launch(has_paused);
            self.ready.extend(runner.work.take_outcomes());
            if !self.ready.is_empty() {
                continue;
            }
            if runner.work.is_finished() {
                return Poll::Ready(None);
            }
            match runner.poll_finished(context) {
                Poll::Ready(Some(())) => {}
                // Nothing is under way: it is the stream of commands that is waited for.
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn start(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Changing) {
            State::Ready(options) => {
                let settings = Settings { test_mode: options.test_only, ..Settings::default() };
                State::Running(Box::new(Runner::new(Scheduler::new(settings), *options)))
            }
            state => state,
        };
    }
}

/// Takes commands from the stream, as many as there is room for. Says whether the stream has nothing more at the moment.
fn read<S: Stream<Item = Command>>(
    commands: &mut Option<Pin<Box<S>>>,
    runner: &mut Runner<Scheduler>,
    context: &mut Context<'_>,
) -> bool {
    while let Some(stream) = commands {
        if runner.error().is_none() {
            if runner.work.is_full() {
                return false;
            }
            match stream.as_mut().poll_next(context) {
                Poll::Ready(Some(command)) => {
                    runner.work.offer(command);
                    continue;
                }
                Poll::Ready(None) => {}
                Poll::Pending => return true,
            }
        }
        *commands = None;
        runner.work.close();
        runner.complete();
    }
    true
}

impl<S: Stream<Item = Command>> Stream for Outcomes<S> {
    type Item = CommandOutcome;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<CommandOutcome>> {
        self.get_mut().poll_outcome(context)
    }
}

impl<S> fmt::Debug for Outcomes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcomes")
            .field("has_more_commands", &self.commands.is_some())
            .field("ready", &self.ready.len())
            .finish_non_exhaustive()
    }
}
