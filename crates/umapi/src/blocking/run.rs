//! Runs: batches, streams of commands, and membership changes.

use std::{fmt, iter::FusedIterator};

use futures_util::stream::{self, Iter};

use super::{
    Call,
    call::call_of,
    runtime::Runtime,
    wrapper::{Wrap, wrapper},
};
use crate::{
    Account, Command, Counts, Error, GroupDirectory, GroupRef, Journal, MembershipChange, MembershipPlan,
    MembershipReport, Report, RunOptions, Submission, Unfinished,
};

/// A batch to execute; made by [`Client::execute`](super::Client::execute).
///
/// ```no_run
/// # fn run(client: umapi::blocking::Client, commands: Vec<umapi::Command>) -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// use umapi::RunOptions;
///
/// let options = RunOptions::new().deadline(Duration::from_secs(600));
/// let report = client.execute(commands).with_options(options).wait()?;
/// # Ok(())
/// # }
/// ```
///
/// Another thread can end it early: see [`StopHandle`](crate::StopHandle).
#[derive(Debug)]
#[must_use = "nothing is sent before `wait`"]
pub struct Execute<S: Submission = Command> {
    execute: crate::Execute<S>,
    options: RunOptions,
    runtime: Runtime,
}

impl<S: Submission> Execute<S> {
    pub(super) fn new(execute: crate::Execute<S>, runtime: &Runtime) -> Self {
        Self { execute, options: RunOptions::new(), runtime: runtime.clone() }
    }

    /// Sets the options of the run.
    pub fn with_options(mut self, options: RunOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the journal that is asked before commands are sent.
    pub fn with_journal(mut self, journal: impl Journal<S::Key>) -> Self {
        self.execute = self.execute.with_journal(journal);
        self
    }
}

impl<S: Submission + Send + 'static> Execute<S> {
    /// Executes the commands, and waits until every one has an outcome.
    ///
    /// # Errors
    ///
    /// As [`Client::execute`](crate::Client::execute). Inside of an async runtime, nothing is sent.
    pub fn wait(self) -> Result<Report<S::Outcome>, Unfinished<Report<S::Outcome>>> {
        let options = allowed(self.options, &self.runtime);
        to_the_end(&self.runtime, self.execute.with_options(options).into_future())
    }
}

/// The outcomes of the commands of an iterator, in the order in which they are known; made by
/// [`Client::execute_stream`](super::Client::execute_stream).
///
/// Every command that was taken from the iterator has exactly one. When it makes no sense to go on, what was taken and not sent
/// comes out as not sent, the iterator is not read further, and [`error`](Self::error) says why.
#[must_use = "nothing is sent before the first outcome is taken"]
pub struct Outcomes<I: Iterator<Item: Submission> = Box<dyn Iterator<Item = Command> + Send>> {
    outcomes: crate::Outcomes<Iter<I>>,
    options: RunOptions,
    runtime: Runtime,
    has_begun: bool,
}

impl<I: Iterator<Item: Submission>> Outcomes<I> {
    pub(super) fn new(client: &crate::Client, commands: I, runtime: &Runtime) -> Self {
        let outcomes = client.execute_stream(stream::iter(commands));
        Self { outcomes, options: RunOptions::new(), runtime: runtime.clone(), has_begun: false }
    }

    /// Sets the options of the run. They have no effect after the first outcome was asked for.
    pub fn with_options(mut self, options: RunOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the journal that is asked before commands are sent. It has no effect after the first outcome was asked for.
    pub fn with_journal(mut self, journal: impl Journal<<I::Item as Submission>::Key>) -> Self {
        self.outcomes = self.outcomes.with_journal(journal);
        self
    }

    /// Returns the counts of the outcomes that were returned so far.
    ///
    /// # Errors
    ///
    /// Why the run ended early, if it did. The error has the counts too.
    pub fn result(&self) -> Result<Counts, Error> {
        self.outcomes.result()
    }

    /// Why the run ended early, if it did.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.outcomes.error()
    }

    /// The number of requests sent so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.outcomes.requests()
    }
}

impl<I: Iterator<Item: Submission>> Iterator for Outcomes<I> {
    type Item = <I::Item as Submission>::Outcome;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.has_begun {
            self.has_begun = true;
            let options = allowed(std::mem::take(&mut self.options), &self.runtime);
            self.outcomes.set_options(options);
        }
        to_the_end(&self.runtime, self.outcomes.next())
    }
}

impl<I: Iterator<Item: Submission>> FusedIterator for Outcomes<I> {}

impl<I: Iterator<Item: Submission>> fmt::Debug for Outcomes<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcomes").field("outcomes", &self.outcomes).finish_non_exhaustive()
    }
}

wrapper! {
    /// Changes of memberships to plan; made by [`Client::memberships`](super::Client::memberships).
    ///
    /// ```no_run
    /// # fn run(client: umapi::blocking::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let changes = client.memberships().add("ann@example.com", "Design");
    /// let plan = changes.remove("bob@example.com", "Sales").plan().wait()?;
    /// println!("{} memberships in {} requests", plan.plan().memberships(), plan.plan().requests());
    /// let report = plan.wait()?;
    /// # Ok(())
    /// # }
    /// ```
    MembershipChanges;

    consuming {
        /// Adds a user to a group.
        fn add(self, user: impl Into<Account>, group: impl Into<GroupRef>) -> Self;
        /// Removes a user from a group.
        fn remove(self, user: impl Into<Account>, group: impl Into<GroupRef>) -> Self;
        /// Appends changes, for example what an earlier [report](MembershipReport) lists as not sent.
        fn with(self, changes: impl IntoIterator<Item = MembershipChange>) -> Self;
        /// Plans without reading the list of groups.
        fn without_reading_groups(self) -> Self;
    }
}

impl MembershipChanges {
    /// Takes the kinds of groups from a directory; see
    /// [`MembershipChanges::with_directory`](crate::MembershipChanges::with_directory).
    ///
    /// # Errors
    ///
    /// If the directory belongs to another organization.
    pub fn with_directory(mut self, directory: &GroupDirectory) -> Result<Self, Error> {
        self.inner = self.inner.with_directory(directory)?;
        Ok(self)
    }

    /// Plans the changes; see [`MembershipChanges::plan`](crate::MembershipChanges::plan).
    ///
    /// # Errors
    ///
    /// See [`MembershipChanges::plan`](crate::MembershipChanges::plan).
    pub fn plan(self) -> Call<crate::PlannedMemberships, PlannedMemberships> {
        call_of(self.inner.plan(), &self.runtime)
    }
}

/// Planned membership changes, sent by [`wait`](Self::wait); made by [`MembershipChanges::plan`].
#[derive(Debug)]
#[must_use = "nothing is sent before `wait`"]
pub struct PlannedMemberships {
    planned: crate::PlannedMemberships,
    options: RunOptions,
    runtime: Runtime,
}

impl PlannedMemberships {
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &MembershipPlan {
        self.planned.plan()
    }

    /// Sets the options of the run.
    pub fn with_options(mut self, options: RunOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends the changes, and waits until every one has an outcome.
    ///
    /// # Errors
    ///
    /// As the plan of the async client. Inside of an async runtime, nothing is sent.
    pub fn wait(self) -> Result<MembershipReport, Unfinished<MembershipReport>> {
        let options = allowed(self.options, &self.runtime);
        to_the_end(&self.runtime, self.planned.with_options(options).into_future())
    }
}

impl Wrap for crate::PlannedMemberships {
    type Wrapper = PlannedMemberships;

    fn wrap(self, runtime: &Runtime) -> PlannedMemberships {
        PlannedMemberships { planned: self, options: RunOptions::new(), runtime: runtime.clone() }
    }
}

/// The options, or options with which nothing is sent, if this thread must not wait. The report then lists everything as not
/// sent.
fn allowed(options: RunOptions, runtime: &Runtime) -> RunOptions {
    match runtime.check() {
        Ok(()) => options,
        Err(error) => options.refused(error),
    }
}

/// Waits for something that has an outcome in any case: requests of a background thread that ends fail by themselves.
#[expect(clippy::panic, reason = "what became of the commands is not known, and must not be taken for something else")]
fn to_the_end<F: Future>(runtime: &Runtime, run: F) -> F::Output {
    runtime.drive(run).unwrap_or_else(|error| panic!("{error}, and what became of the commands is not known"))
}
