//! Stopping work that is under way.

use std::{fmt, future::Future, sync::Arc};

use tokio::sync::watch;

/// Stops a batch gently, from another task or a signal handler. Cheap to clone.
///
/// The requests under way are finished, nothing further is sent, waits end at once, and what was not sent comes out as
/// [`NotSent`](crate::Outcome::NotSent), with an error that [is stopped](crate::Error::is_stopped).
///
/// ```no_run
/// # async fn run(client: umapi::Client, commands: Vec<umapi::Command>) {
/// let work = client.execute(commands);
/// let stop = work.stop_handle();
/// tokio::spawn(async move {
///     if tokio::signal::ctrl_c().await.is_ok() {
///         stop.stop();
///     }
/// });
/// let report = work.await;
/// # }
/// ```
#[derive(Clone)]
pub struct StopHandle(Arc<watch::Sender<bool>>);

impl StopHandle {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Stops it. It cannot be taken back.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was stopped, or ended early for a reason of its own.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is stopped.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut seen = self.0.subscribe();
        let sender = self.0.clone();
        async move {
            // The sender is held, so the channel cannot close before it is stopped.
            let _ = seen.wait_for(|stopped| *stopped).await;
            drop(sender);
        }
    }
}

impl fmt::Debug for StopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopHandle").field("is_stopped", &self.is_stopped()).finish()
    }
}
