//! Running a batch of commands that is known as a whole.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
};

use umapi_plan::{
    Report, Submission,
    batch::{Scheduler, Settings},
};

use super::{
    RunOptions, Unfinished,
    journal::{Journal, OptionalJournal},
    runner::Runner,
    stubbed::StubRun,
};
use crate::client::Client;

impl Client {
    /// Executes commands: packs them into as few requests as possible, sends these at the rate that the limits allow, and
    /// reports the outcome of every command.
    ///
    /// ```no_run
    /// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
    /// use umapi::{Command, NewUser};
    ///
    /// let john = NewUser::federated("jdoe@example.com", "John", "Doe", "US").ignore_if_exists();
    /// let report = client
    ///     .execute([
    ///         Command::from(Command::create_user(john).add_to(["Photoshop", "Design"])),
    ///         Command::from(Command::group("Design").add_users(["ann@example.com"])),
    ///     ])
    ///     .await?;
    /// for rejected in report.rejected() {
    ///     eprintln!("{rejected}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Commands may come with keys, which come back with the outcomes. A key is of any type that is `Send + 'static`, so it owns
    /// what it has; for data that you keep, the index is enough:
    ///
    /// ```no_run
    /// # struct Leaver { name: String, email: String }
    /// # async fn run(client: umapi::Client, leavers: Vec<Leaver>) -> Result<(), umapi::Error> {
    /// use umapi::Command;
    ///
    /// let commands = leavers.iter().enumerate().map(|(index, leaver)| {
    ///     (index, Command::user(&leaver.email).remove_from_org())
    /// });
    /// for (index, outcome) in client.execute(commands).await?.outcomes() {
    ///     println!("{}: {outcome}", leavers[*index].name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A command that breaks a rule is not sent and ends as rejected; the others are not affected. To refuse a whole batch
    /// because of one such command, call [`Command::check`](crate::Command::check) first.
    ///
    /// # Errors
    ///
    /// If it makes no sense to go on (for example, the login is rejected, or the service is out of order), or the run was
    /// stopped: [`Unfinished`], with the report on everything. `?` makes an [`Error`](crate::Error) of it, which keeps the report.
    pub fn execute<S: Submission>(&self, commands: impl IntoIterator<Item = S>) -> Execute<S> {
        Execute {
            client: self.clone(),
            options: RunOptions::new(),
            journal: OptionalJournal::none(),
            commands: commands.into_iter().collect(),
        }
    }
}

/// A batch to execute; made by [`Client::execute`], and run by awaiting it.
///
/// Dropping the future drops the requests in flight, and nobody learns what became of these and of the rest. To end a
/// batch early, stop it: see [`StopHandle`](crate::StopHandle).
#[must_use = "nothing is sent before it is awaited"]
pub struct Execute<S: Submission> {
    client: Client,
    options: RunOptions,
    journal: OptionalJournal<S::Key>,
    commands: Vec<S>,
}

impl<S: Submission> Execute<S> {
    /// Sets the options of the run.
    pub fn with_options(mut self, options: RunOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the journal that is asked before commands are sent.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    ///
    /// use umapi::{Command, Journal, JournalEntry, JournalError, JournalFuture};
    ///
    /// /// The rows of a database that are being worked on.
    /// #[derive(Clone, Default)]
    /// struct Begun(Arc<Mutex<Vec<u64>>>);
    ///
    /// impl Journal<u64> for Begun {
    ///     fn begin(&self, commands: &[JournalEntry<'_, u64>]) -> JournalFuture {
    ///         let begun = self.0.lock().map_err(|error| JournalError::from(error.to_string()));
    ///         let result = begun.map(|mut rows| rows.extend(commands.iter().map(|command| *command.key)));
    ///         Box::pin(std::future::ready(result))
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = umapi_emulator::Emulator::start().await?;
    /// # let client = emulator.client()?;
    /// let begun = Begun::default();
    /// let rows = [(17, Command::user("ann@example.com").remove_from_org())];
    /// client.execute(rows).with_journal(begun.clone()).await?;
    /// assert_eq!(*begun.0.lock().unwrap(), [17]);
    /// # Ok(()) }
    /// ```
    pub fn with_journal(mut self, journal: impl Journal<S::Key>) -> Self {
        self.journal = OptionalJournal::some(journal);
        self
    }

    async fn run(self) -> Result<Report<S::Outcome>, Unfinished<Report<S::Outcome>>> {
        if self.client.0.stub().is_some() {
            return StubRun::new(self.client, self.options, self.journal).execute(self.commands).await;
        }
        let mut scheduler = Scheduler::new(Settings::unbounded(self.options.test_only));
        for command in self.commands {
            scheduler.offer(command);
        }
        scheduler.close();
        Runner::new(self.client, scheduler, self.options, self.journal).run().await
    }
}

impl<S: Submission + Send + 'static> IntoFuture for Execute<S> {
    type Output = Result<Report<S::Outcome>, Unfinished<Report<S::Outcome>>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<S: Submission> fmt::Debug for Execute<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execute").field("commands", &self.commands.len()).field("options", &self.options).finish()
    }
}
