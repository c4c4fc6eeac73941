//! A batch that is known as a whole.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use super::{StopHandle, Unfinished, options::Options, runner::Runner};
use crate::client::Client;
use umapi_plan::{
    Command, Report,
    batch::{Scheduler, Settings},
};

impl Client {
    /// Executes commands: packs them into as few requests as possible, sends these at the pace of the limits, and reports
    /// what became of each command.
    ///
    /// ```no_run
    /// # async fn run(client: umapi::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use umapi::Command;
    ///
    /// let report = client
    ///     .execute([
    ///         Command::user("jdoe@example.com")
    ///             .create_federated("John", "Doe", "US").ignore_if_exists()
    ///             .add_to(["Photoshop", "Design"]),
    ///         Command::group("Design").add_users(["ann@example.com"]),
    ///     ])
    ///     .await?;
    /// for refused in report.rejected() {
    ///     eprintln!("{refused}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A command that breaks a rule is not sent and ends as rejected; the others are not touched by it. To refuse a whole
    /// batch for one such command, ask [`Command::check`] before.
    ///
    /// # Errors
    ///
    /// If there is no point in going on (the login is refused, say, or the service is out of order), or it was stopped:
    /// [`Unfinished`], with the report on everything.
    pub fn execute(&self, commands: impl IntoIterator<Item = Command>) -> Execute {
        Execute { options: Options::new(self.clone()), commands: commands.into_iter().collect() }
    }
}

/// A batch about to be executed; made by [`Client::execute`], and run by awaiting it.
///
/// Dropping the future under way drops the requests under way, and what became of these and of the rest is then told to
/// nobody: to end a batch early, [stop](Self::stop_handle) it.
#[must_use = "nothing is sent before it is awaited"]
pub struct Execute {
    options: Options,
    commands: Vec<Command>,
}

impl Execute {
    /// Only tries: the service validates everything and changes nothing. What refers to a user that does not exist, but is
    /// otherwise valid, counts as completed.
    pub fn test_only(mut self) -> Self {
        self.options.test_only = true;
        self
    }

    /// The most requests in flight at a time. The default is four for each credential.
    pub fn in_flight(mut self, most: usize) -> Self {
        self.options.in_flight = most;
        self
    }

    /// How long the whole batch may take. What cannot be sent within this time is not sent.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.options.deadline = Some(time);
        self
    }

    /// A handle to stop it by.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        self.options.stop.clone()
    }

    async fn run(self) -> Result<Report, Unfinished<Report>> {
        let mut scheduler = Scheduler::new(Settings::unbounded(self.options.test_only));
        for command in self.commands {
            scheduler.offer(command);
        }
        scheduler.close();
        Runner::new(scheduler, self.options).run().await
    }
}

impl IntoFuture for Execute {
    type Output = Result<Report, Unfinished<Report>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Execute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execute").field("commands", &self.commands.len()).field("options", &self.options).finish()
    }
}
