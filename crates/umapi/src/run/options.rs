//! Options of a run, and the handle that stops it.

use std::{fmt, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{call::CallOptions, client::Client};

/// Requests in flight for each credential by default.
const IN_FLIGHT: usize = 4;

/// Options of a run: of commands, of a stream of commands, or of memberships.
///
/// ```no_run
/// # async fn run(client: umapi::Client, commands: Vec<umapi::Command>) -> Result<(), umapi::Error> {
/// use std::time::Duration;
///
/// use umapi::RunOptions;
///
/// let options = RunOptions::new().test_only().deadline(Duration::from_secs(3600));
/// let report = client.execute(commands).with_options(options).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing before they are given to a run"]
pub struct RunOptions {
    pub(super) test_only: bool,
    pub(super) in_flight: Option<usize>,
    pub(super) deadline: Option<Duration>,
    pub(super) stop: StopHandle,
    pub(super) calls: CallOptions,
}

impl RunOptions {
    /// The default options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes it a dry run: the service validates everything and changes nothing. What refers to a user that does not
    /// exist, but is otherwise valid, counts as completed.
    pub fn test_only(mut self) -> Self {
        self.test_only = true;
        self
    }

    /// Sets the largest number of requests in flight. The default is four for each credential.
    ///
    /// ```no_run
    /// # async fn run(client: umapi::Client, commands: Vec<umapi::Command>) -> Result<(), umapi::Error> {
    /// use umapi::{RunOptions, StopHandle};
    ///
    /// // One request after the other, so that a colleague can follow in the Admin Console and call a halt.
    /// let halt = StopHandle::new();
    /// let options = RunOptions::new().in_flight(1).stop(&halt);
    /// let report = client.execute(commands).with_options(options).await;
    /// if halt.is_stopped() {
    ///     println!("the rest was not sent");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn in_flight(mut self, most: usize) -> Self {
        self.in_flight = Some(most);
        self
    }

    /// Sets how long the run may take. What cannot be sent within this time is not sent. A stream counts from the first
    /// outcome that is asked for.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = Some(time);
        self
    }

    /// Sets the handle that stops the run.
    pub fn stop(mut self, handle: &StopHandle) -> Self {
        self.stop = handle.clone();
        self
    }

    /// Sets the options of each request of the run, e.g. how failures are retried and what `X-Request-Id` it has. What the run
    /// reads to tell what became of a lost request has them too.
    ///
    /// The [deadline](CallOptions::deadline) of a request and the [deadline of the run](Self::deadline) may both be set:
    /// whichever comes first ends a request. If it is that of the request, its commands are not sent or unknown, and the run
    /// goes on, unless three requests in a row fail. A rate limit that the [policy](CallOptions::throttle_policy) does not wait
    /// for ends the run.
    pub fn calls(mut self, options: CallOptions) -> Self {
        self.calls = options;
        self
    }

    /// Ends the run with this error, before anything is sent.
    #[cfg(feature = "blocking")]
    pub(crate) fn refused(mut self, error: crate::Error) -> Self {
        self.calls = self.calls.refused(error);
        self
    }

    pub(super) fn most_in_flight(&self, client: &Client) -> usize {
        self.in_flight.unwrap_or(IN_FLIGHT * client.0.slots.len()).max(1)
    }
}

/// Stops a run gracefully, from another task or a signal handler. Cheap to clone.
///
/// Requests in flight are finished, nothing more is sent, waits end at once, and what was not sent comes out as
/// [`NotSent`](crate::Outcome::NotSent), with an error that [is stopped](crate::Error::is_stopped).
///
/// ```no_run
/// # async fn run(client: umapi::Client, commands: Vec<umapi::Command>) {
/// use umapi::{RunOptions, StopHandle};
///
/// let stop = StopHandle::new();
/// let run = client.execute(commands).with_options(RunOptions::new().stop(&stop));
/// tokio::spawn(async move {
///     if tokio::signal::ctrl_c().await.is_ok() {
///         stop.stop();
///     }
/// });
/// let report = run.await;
/// # }
/// ```
#[derive(Clone, Default)]
pub struct StopHandle(CancellationToken);

impl StopHandle {
    /// A handle that was not stopped.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the run. It cannot be undone.
    pub fn stop(&self) {
        self.0.cancel();
    }

    /// Whether the run was stopped, or ended early for a reason of its own.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until the run is stopped.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.clone().cancelled_owned()
    }
}

impl fmt::Debug for StopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopHandle").field("is_stopped", &self.is_stopped()).finish()
    }
}
